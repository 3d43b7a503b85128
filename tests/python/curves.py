"""Logs of one process, made of curves: one module for each, one stack, one block."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from small_log import APP, APP_FRAME, NTDLL, NTDLL_FRAME, Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import heapdelta as hd

START = datetime(2024, 3, 11, 9, 0)


def log_of(sizes: Mapping[str, int], hours: float, *, pid: int = 704, machine: str = "BOX") -> Log:
    """One log; a size of 0 is no block at all."""
    bases = {name: 0x1000_0000 + 0x10_0000 * place for place, name in enumerate(sizes)}
    stacks = {f"{place:X}": [NTDLL_FRAME, bases[name] + 0x100, APP_FRAME] for place, name in enumerate(sizes, start=1)}
    blocks = [(0x2E6_0000, f"{place:X}", size, 8) for place, size in enumerate(sizes.values(), start=1) if size]
    taken = START + timedelta(hours=hours)
    modules = {"app.exe": APP, "ntdll.dll": NTDLL, **{f"{name}.dll": base for name, base in bases.items()}}
    return Log(blocks, stacks, machine=machine, pid=pid, taken=f"{taken:%Y-%m-%d %H:%M}", modules=modules)


def snapshots_of(
    curves: Mapping[str, Sequence[int]], hours: Sequence[float], *, pid: int = 704, machine: str = "BOX"
) -> list[hd.Snapshot]:
    """A log for each time."""
    return [
        log_of({name: int(sizes[place]) for name, sizes in curves.items()}, time, pid=pid, machine=machine).read()
        for place, time in enumerate(hours)
    ]
