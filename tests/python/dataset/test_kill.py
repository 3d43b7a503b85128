"""A dataset can be left at any moment: by `kill -9`, a fault of the disk, or Ctrl-C."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.dataset._manifest import manifest_of
from heapdelta.dataset._store import Folder
from packed import log
from small_tree import assert_equal, parts_on_disk, small_batches, write_tree

KILLS = 50

CHILD = """
import sys
import heapdelta as hd
import heapdelta.dataset._plan as plan
plan.FILES = plan.LOCAL_FILES = 2
print("ready", flush=True)
hd.ingest(sys.argv[1], sys.argv[2])
print("done", flush=True)
"""


def check(place: Path) -> None:
    """Everything that counts is there, and says what its files say."""
    if not (place / "heapdelta.json").exists():
        return
    dataset = hd.open(place)
    manifest = manifest_of(Folder(str(place)))
    named = {name for parts in manifest.parts.values() for name in parts}
    assert named <= parts_on_disk(place)
    read = dataset.manifest.filter(pl.col("outcome") == "read")
    captures = dataset.scan("captures").collect()
    assert captures.height == read["captures"].sum()
    assert captures["capture"].is_unique().all()
    stacks = dataset.scan("traces").select("fingerprint").drop_nulls().unique()
    lost = stacks.join(dataset.scan("stacks"), on="fingerprint", how="anti").collect()
    assert lost.is_empty()


@pytest.mark.timeout(900)
def test_kill_9_at_random_moments_loses_nothing(tmp_path: Path) -> None:
    tree, place = write_tree(tmp_path / "uploads", 40), tmp_path / "data"
    chance = random.Random(4711)
    in_hand = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tree), str(place)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.12))
        child.kill()
        in_hand += "done" not in child.communicate()[0]
        check(place)
    hd.ingest(tree, place)
    assert in_hand > KILLS // 10, "some were killed at work"
    assert not list(place.rglob(".heapdelta-*"))
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(place), hd.open(tmp_path / "clean"))
    assert hd.ingest(tree, place).new_files == 0


class Gone(BaseException):
    """The process ends here."""


def ending(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> list[int]:
    """Let the process end at the n-th file that is written or deleted: before, or after it is done."""
    count = [0]

    def wrapped(method: Any) -> Any:
        def called(self: Folder, *arguments: Any) -> Any:
            count[0] += 1
            if count[0] == at and not after:
                raise Gone
            done = method(self, *arguments)
            if count[0] == at:
                raise Gone
            return done

        return called

    for name in ("put", "delete"):
        monkeypatch.setattr(Folder, name, wrapped(getattr(Folder, name)))
    return count


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["first", "changed", "compact"])
def test_an_end_at_every_step_of_writing_loses_nothing(
    step: str, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 4)
    tree = write_tree(tmp_path / "uploads", 2)
    hd.ingest(tree, tmp_path / "clean")
    changed = tree / "case-001" / "before.txt"

    def do(place: Path) -> None:
        if step == "compact":
            hd.open(place).compact()
        else:
            hd.ingest(tree, place, threads=1)

    at = 0
    while True:
        at += 1
        place = tmp_path / f"data-{at}"
        if step != "first":
            changed.write_bytes(log(77, pid=1001))
            hd.ingest(tree, place, threads=1)
        if step == "changed":
            changed.write_bytes(log(101, pid=1001))
        with monkeypatch.context() as patch:
            count = ending(patch, at, after=after)
            try:
                do(place)
                ended = False
            except Gone:
                ended = True
        check(place)
        do(place) if step != "first" or ended else None
        hd.ingest(tree, place, threads=1)
        check(place)
        if step == "changed":
            hd.ingest(tree, tmp_path / f"clean-{at}", threads=1)
            assert_equal(hd.open(place), hd.open(tmp_path / f"clean-{at}"))
        elif step == "first":
            assert_equal(hd.open(place), hd.open(tmp_path / "clean"))
        named = {name for parts in manifest_of(Folder(str(place))).parts.values() for name in parts}
        on_disk = {name for name in parts_on_disk(place) if not name.startswith(("manifest/", "vanished/"))}
        assert on_disk == named
        if not ended:
            assert count[0] < at
            break
    assert at > 10


def test_a_full_disk_leaves_what_counts_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 2)
    tree, place = write_tree(tmp_path / "uploads"), tmp_path / "data"
    left = [120_000]
    write = os.write

    def full(descriptor: int, content: Any) -> int:
        left[0] -= len(content)
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(descriptor, content)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(hd.exceptions.WriteError, match="No space left on device"):
            hd.ingest(tree, place, threads=1)
    check(place)
    assert hd.open(place).manifest.height > 0
    assert not list(place.rglob(".heapdelta-*"))
    hd.ingest(tree, place)
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(place), hd.open(tmp_path / "clean"))


@pytest.mark.skipif(os.name == "nt", reason="mounts of POSIX")
def test_a_disk_that_is_really_full(tmp_path: Path, disk_of: Callable[[str], Path]) -> None:
    tree, place = write_tree(tmp_path / "uploads", 40), disk_of("200k") / "data"
    with pytest.raises(hd.exceptions.WriteError, match="No space left on device"):
        hd.ingest(tree, place)
    check(place)
    assert not list(place.rglob(".heapdelta-*"))


def test_ctrl_c_finishes_the_files_in_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 1)
    tree, place = write_tree(tmp_path / "uploads", 12), tmp_path / "data"

    def interrupt(progress: hd.dataset.Progress) -> None:
        if progress.files == 3:
            raise KeyboardInterrupt

    found = hd.ingest(tree, place, threads=1, progress=interrupt)
    assert found.interrupted
    assert found.new_files < 20
    assert "ended early" in repr(found)
    assert 3 <= hd.open(place).manifest["path"].len() < 30
    check(place)
    rest = hd.ingest(tree, place)
    assert not rest.interrupted
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(place), hd.open(tmp_path / "clean"))


def test_ctrl_c_in_a_batch_finishes_the_file_in_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import heapdelta.dataset._work as work

    tree, place = write_tree(tmp_path / "uploads", 12), tmp_path / "data"
    read, begun, raised = work.Work.read, threading.Event(), list[bool]()

    def slow(self: work.Work, inputs: Any, *, is_archive: bool) -> None:
        begun.set()
        time.sleep(0.3)
        read(self, inputs, is_archive=is_archive)

    def interrupt(_: hd.dataset.Progress) -> None:
        if begun.is_set() and not raised:
            raised.append(True)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work.Work, "read", slow)
        found = hd.ingest(tree, place, threads=1, progress=interrupt)
    assert found.interrupted
    assert 0 < found.new_files < found.manifest["path"].len() < 20
    check(place)
    assert not hd.ingest(tree, place).interrupted
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(place), hd.open(tmp_path / "clean"))


def test_two_ingests_exclude_each_other(tmp_path: Path) -> None:
    tree, place = write_tree(tmp_path / "uploads"), tmp_path / "data"
    inside, go_on = threading.Event(), threading.Event()

    def wait(_: hd.dataset.Progress) -> None:
        inside.set()
        go_on.wait(30)

    first = threading.Thread(target=lambda: hd.ingest(tree, place, progress=wait))
    first.start()
    try:
        assert inside.wait(30)
        with pytest.raises(hd.exceptions.OptionError, match="found another ingest or compact at work") as refused:
            hd.ingest(tree, place)
        assert refused.value.kind == "in_use"
    finally:
        go_on.set()
        first.join()
    assert hd.ingest(tree, place).new_files == 0
