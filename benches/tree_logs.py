"""A pair of logs of a program with a call graph: many stacks that share their callers, with known totals."""

from __future__ import annotations

import random
from pathlib import Path

STACKS, DEPTH = 100_000, 20
"""Stacks of each log, and frames of each stack, give or take some."""

_MODULES, _SITES, _ROOTS = 60, 12_700, 12
_CALLEES = (6, 9, 10)
"""How likely a place calls each of three others, added up."""
_CHANGED = 20
"""One stack in so many changes."""
_SEED = 3
_NTDLL, _STRIDE = 0x7FFB_7700_0000, 0x100_0000
_HEAP = "*- - - - - - - - - - {} of data for heap @ 1A0 - - - - - - - - - -"


def write(before: Path, after: Path) -> dict[str, int]:
    """Write both logs, and give what is in them: counted while writing, never by reading."""
    dice = random.Random(_SEED)
    bases = [0x7FF6_0000_0000 + place * _STRIDE for place in range(_MODULES)]
    stacks = _stacks(dice, bases)
    old = [dice.randrange(16, 700) for _ in stacks]
    changes = [dice.randrange(8 - size, 2000) if dice.randrange(_CHANGED) == 0 else 0 for size in old]
    new = [size + change for size, change in zip(old, changes, strict=True)]
    for path, sizes, hour in ((before, old, 9), (after, new, 13)):
        _write(path, stacks, sizes, bases, hour)
    return {
        "stack_count": len(stacks),
        "frame_count": sum(map(len, stacks)),
        "changed_count": sum(change != 0 for change in changes),
        "requested_bytes_before": sum(old),
        "requested_bytes_after": sum(new),
        "requested_bytes_grown": sum(change for change in changes if change > 0),
        "requested_bytes_shrunk": sum(change for change in changes if change < 0),
    }


def _stacks(dice: random.Random, bases: list[int]) -> list[tuple[int, ...]]:
    """Walk through a call graph from the start of a thread to an allocation; innermost first."""
    sites = [dice.choice(bases) + dice.randrange(0x1000, 0xF0000, 4) for _ in range(_SITES)]
    callees = {site: dice.choices(sites, k=len(_CALLEES)) for site in sites}
    roots = dice.choices(sites, k=_ROOTS)
    stacks: dict[tuple[int, ...], None] = {}
    while len(stacks) < STACKS:
        way = [_NTDLL + 0x1151, dice.choice(roots)]
        for _ in range(max(3, int(dice.gauss(DEPTH - 3, 4)))):
            way.append(dice.choices(callees[way[-1]], cum_weights=_CALLEES)[0])
        stacks[(_NTDLL + 0x22A2, *reversed(way))] = None
    return list(stacks)


def _write(path: Path, stacks: list[tuple[int, ...]], sizes: list[int], bases: list[int], hour: int) -> None:
    with path.open("w", newline="\r\n") as file:
        file.write(
            f"// UMDH: version 10.0.19041.685: Logtime 2024-03-11 {hour:02}:00 - Machine=BENCH-01 - PID=704\n"
            "// Loaded modules:\n//     Base Size Module\n"
        )
        for place, base in enumerate(bases):
            file.write(f"//     {base:X} 100000 C:\\Bench\\{'bench.exe' if place == 0 else f'svc{place:02}.dll'}\n")
        file.write(f"//     {_NTDLL:X} 100000 C:\\Windows\\ntdll.dll\n//\n// Process modules enumerated.\n\n")
        file.write(f"{_HEAP.format('Start')}\n\n")
        for number, (stack, size) in enumerate(zip(stacks, sizes, strict=True)):
            file.write(f"{size:X} bytes + 30 at {0x1E2_0000_0000 + number * 0x1000:X} by BackTrace{number + 1:X}\n")
            file.write("".join(f"\t{address:X}\n" for address in stack) + "\n")
        file.write(f"{_HEAP.format('End')}\n")
