"""Logs of one process whose blocks have addresses of the test's choice, and a slow way to follow them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import heapdelta as hd
from small_log import APP, NTDLL

HEAP = 0x2E_0000


@dataclass
class Point:
    """One log: blocks are (address, bytes, trace id, or "0" without a stack); frames by trace id."""

    blocks: list[tuple[int, int, str]]
    stacks: dict[str, list[int]] = field(default_factory=dict)
    pid: int = 704
    modules: dict[str, int] = field(default_factory=lambda: {"app.exe": APP, "ntdll.dll": NTDLL})

    def text(self, hour: int) -> bytes:
        lines = [f"// UMDH: version 6.1.7650.0: Logtime 2012-04-30 {hour:02}:00 - Machine=BOX - PID={self.pid}"]
        lines += ["// Loaded modules:", "//     Base Size Module"]
        lines += [f"//     {base:X} 100000 C:\\App\\{name}" for name, base in self.modules.items()]
        lines += ["//", "// Process modules enumerated.", ""]
        lines += [f"*- - - - - - - - - - Start of data for heap @ {HEAP:X} - - - - - - - - - -", ""]
        left = dict(self.stacks)
        for address, size, trace in self.blocks:
            lines.append(f"{size:X} bytes + 18 at {address:X} by BackTrace{trace}")
            if trace in left:
                lines += [*(f"\t{frame:X}" for frame in left.pop(trace)), ""]
        lines.append(f"*- - - - - - - - - - End of data for heap @ {HEAP:X} - - - - - - - - - -")
        return ("\r\n".join(lines) + "\r\n").encode()


def series_of(points: list[Point], **options) -> hd.Series:
    """Read the logs, an hour apart."""
    return hd.series([hd.read(point.text(hour)) for hour, point in enumerate(points)], **options)


def survivors(logs: list[list[tuple]]) -> dict[tuple, tuple[int, int]]:
    """Follow blocks one at a time; blocks are (address, bytes, whose).

    Gives blocks and bytes by (whose, born, point).
    """
    found: defaultdict[tuple, tuple[int, int]] = defaultdict(lambda: (0, 0))
    alive: list[tuple[tuple, int]] = []
    for point, log in enumerate(logs):
        now = []
        for block in log:
            same = sorted((born, place) for place, (old, born) in enumerate(alive) if old == block)
            now.append(alive.pop(same[0][1]) if same else (block, point))
        alive = now
        for (_, size, whose), born in alive:
            count, sum_ = found[whose, born, point]
            found[whose, born, point] = (count + 1, sum_ + size)
    return dict(found)
