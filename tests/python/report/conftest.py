"""Logs of which reports are made."""

from __future__ import annotations

import sys
from pathlib import Path

import heapdelta as hd
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[hd.Snapshot, hd.Snapshot]:
    """Two logs of the synthetic program, before and after its leak."""
    story = hd.testing.write_investigation(tmp_path_factory.mktemp("logs"), stack_count=200)
    return hd.read_log(story.before), hd.read_log(story.after)


@pytest.fixture(scope="session")
def delta(logs: tuple[hd.Snapshot, hd.Snapshot]) -> hd.Delta:
    return hd.diff(*logs)
