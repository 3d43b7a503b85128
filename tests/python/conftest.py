"""What the tests of the package share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# pytest's importlib mode leaves the folder of the tests out of the path.
sys.path.insert(0, str(Path(__file__).parent))

from small_log import APP_FRAME, NTDLL_FRAME, Log

# Machines are shared: no test is about time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


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
