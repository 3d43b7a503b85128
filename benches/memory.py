"""What a process holds, and files brought into the page cache."""

from __future__ import annotations

from pathlib import Path

PROCESS = Path("/proc/self")


def private_bytes() -> int:
    """What this process shares with nobody, bytes."""
    lines = (PROCESS / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


def anonymous_bytes() -> int:
    """What this process holds that is no file's, bytes: the system takes pages of a mapped file back when it wants."""
    lines = (PROCESS / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


def status_bytes(name: str) -> int:
    """A field of /proc/self/status, bytes."""
    lines = (PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def warm(*paths: Path) -> None:
    """Bring files into the page cache."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
