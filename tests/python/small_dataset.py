"""Small datasets: logs of UMDH 1 whose frames are written in full, ingested into a folder."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd

Stack = list[str]


def log(stacks: dict[str, Stack], *, held: int = 0x100, taken: str = "2001-02-03 04:05") -> str:
    """A log of UMDH 1: frames as they are given, each stack holds the same."""
    lines = [f"UMDH: Logtime {taken} - Machine=WEB01 - PID=812", "*********** Heap 00140000 Hogs ********************"]
    for trace, frames in stacks.items():
        lines.append(f"{held:08X} bytes in 0x1 allocations (@ {held:#010x}) by: BackTrace{trace}")
        lines += [f"        {frame}" for frame in frames]
        lines.append("")
    return "\r\n".join(lines) + "\r\n"


def dataset(folder: Path, logs: dict[str, str]) -> hd.Dataset:
    """Ingest logs by their paths; the first folder of a path is the case."""
    for name, text in logs.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    hd.ingest(folder / "in", folder / "out", progress=lambda _: None)
    return hd.open(folder / "out")
