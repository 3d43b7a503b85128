"""How many threads work on an answer is the caller's choice, and never changes the answer."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import _native
from heapdelta.exceptions import OptionError
from small_log import Log


@pytest.fixture
def snapshots(growing: tuple[Log, Log]) -> list[hd.Snapshot]:
    return [log.read() for log in growing]


def _ranking(snapshots: list[hd.Snapshot], threads: int | None) -> list[tuple[object, ...]]:
    delta = hd.diff(*snapshots, threads=threads)
    return [*delta.by("module").rows(), *delta.by("stack").rows(), *delta.by("module", inclusive=True).rows()]


def test_answers_are_the_same_on_any_number_of_threads(snapshots: list[hd.Snapshot]) -> None:
    assert _ranking(snapshots, 1) == _ranking(snapshots, 3) == _ranking(snapshots, None)
    curves = [hd.series(snapshots, order="given", threads=threads) for threads in (1, 3, None)]
    assert curves[0].table().equals(curves[1].table())
    assert curves[0].table().equals(curves[2].table())
    assert curves[0].growth().equals(curves[1].growth())


@pytest.mark.parametrize("threads", [0, -1, 1025, True])
def test_a_number_of_threads_that_makes_no_sense_is_refused(snapshots: list[hd.Snapshot], threads: int) -> None:
    with pytest.raises(OptionError, match="expected threads from 1 to 1024"):
        hd.diff(*snapshots, threads=threads)
    with pytest.raises(OptionError, match="expected threads from 1 to 1024"):
        hd.series(snapshots, threads=threads)


def _threads_of_the_core() -> int:
    names = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
    return sum(name.startswith("heapdelta-") for name in names)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_all_work_shares_one_pool(snapshots: list[hd.Snapshot]) -> None:
    _ranking(snapshots, None)
    before = _threads_of_the_core()
    deltas = [hd.diff(*snapshots) for _ in range(20)]
    assert all(delta.by("module").height for delta in deltas)
    assert _threads_of_the_core() == before


def _block_count(text: bytes) -> int:
    # Polars' own threads do not survive a fork, so only the core works here.
    return len(_native.read(text).table("allocations"))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_process_that_was_forked_starts_threads_of_its_own(growing: tuple[Log, Log]) -> None:
    text = growing[1].text().encode()
    expected = _block_count(text)
    assert expected > 0
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_block_count, (text,)).get(timeout=60) == expected
