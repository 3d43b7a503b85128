"""A small writer of UMDH 2 logs, kept apart from the package's own, so that the two do not share a mistake."""

from __future__ import annotations

from dataclasses import dataclass, field

import heapdelta as hd

NTDLL, APP = 0x7700_0000, 0x40_0000
NTDLL_FRAME, APP_FRAME = NTDLL + 0x100, APP + 0x100


@dataclass
class Log:
    """A log in the making: blocks are (heap, trace id, requested, overhead), stacks are frames by trace id."""

    blocks: list[tuple[int, str, int, int]] = field(default_factory=list)
    stacks: dict[str, list[int]] = field(default_factory=dict)
    machine: str = "BOX"
    pid: int = 704
    taken: str = "2012-04-30 12:09"
    modules: dict[str, int] = field(default_factory=lambda: {"app.exe": APP, "ntdll.dll": NTDLL, "a.dll": 0x1000_0000})
    header: bool = True

    def text(self) -> str:
        lines = []
        if self.header:
            lines.append(f"// UMDH: version 6.1.7650.0: Logtime {self.taken} - Machine={self.machine} - PID={self.pid}")
        lines += ["// Loaded modules:", "//     Base Size Module"]
        lines += [f"//     {base:X} 100000 C:\\App\\{name}" for name, base in self.modules.items()]
        lines += ["//", "// Process modules enumerated.", ""]
        written: set[str] = set()
        for heap in sorted({block[0] for block in self.blocks} or {0x2E6_0000}):
            lines.append(f"*- - - - - - - - - - Start of data for heap @ {heap:X} - - - - - - - - - -")
            lines.append("")
            for _, trace, requested, overhead in (block for block in self.blocks if block[0] == heap):
                lines.append(
                    f"{requested:X} bytes + {overhead:X} at {0x100000 + 64 * len(lines):X} by BackTrace{trace}"
                )
                if trace in self.stacks and trace not in written:
                    written.add(trace)
                    lines += [f"\t{frame:X}" for frame in self.stacks[trace]]
                    lines.append("")
            lines.append(f"*- - - - - - - - - - End of data for heap @ {heap:X} - - - - - - - - - -")
        return "\r\n".join(lines) + "\r\n"

    def read(self) -> hd.Snapshot:
        snapshot = hd.read(self.text().encode())
        assert isinstance(snapshot, hd.Snapshot)
        return snapshot
