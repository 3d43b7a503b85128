"""What the tests of the package share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# pytest's importlib mode leaves the folder of the tests out of the path.
sys.path.insert(0, str(Path(__file__).parent))

from small_log import APP_FRAME, NTDLL_FRAME, Log

# How wide tables are is for each test to say, and not for who runs them.
os.environ.pop("COLUMNS", None)

# Machines are shared: no test is about time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of a size, such as ``64k``."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = []

    def mount(size: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"NOT TESTED, no file system can be mounted: {done.stderr.decode().strip()}")
        mounted.append(disk)
        return disk

    try:
        yield mount
    finally:
        for each in mounted:
            subprocess.run(["umount", each], check=True)


@pytest.fixture
def growing() -> tuple[Log, Log]:
    """Two logs of one run: `a.dll` grows, the program shrinks, one stack stays."""
    stacks = {
        "11": [NTDLL_FRAME, 0x1000_0100, APP_FRAME],
        "22": [NTDLL_FRAME, APP_FRAME],
        "33": [NTDLL_FRAME],
    }
    before = [(0x10000, "11", 100, 8), (0x10000, "22", 500, 8), (0x20000, "33", 64, 8)]
    after = [(0x10000, "11", 100, 8), (0x10000, "11", 900, 8), (0x10000, "22", 200, 8), (0x20000, "33", 64, 8)]
    return Log(before, stacks), Log(after, stacks, taken="2012-04-30 13:09")
