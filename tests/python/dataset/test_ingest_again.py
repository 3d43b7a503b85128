"""`ingest` of a tree that has changed: files that vanish and come back, clocks that go back, parts that are lost."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from packed import log
from small_tree import assert_equal, small_batches, write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "uploads")


def test_a_file_that_vanishes_is_marked_and_its_rows_stay(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data")
    gone = tree / "case-002" / "AFTER.LOG"
    content, about = gone.read_bytes(), gone.stat()
    gone.unlink()
    found = hd.ingest(tree, tmp_path / "data")
    assert found.vanished["path"].to_list() == [str(gone)]
    assert found.new_files == 0
    assert hd.open(tmp_path / "data").scan("captures").filter(pl.col("path") == str(gone)).collect().height == 1
    gone.write_bytes(content)
    os.utime(gone, ns=(about.st_atime_ns, about.st_mtime_ns))
    again = hd.ingest(tree, tmp_path / "data")
    assert (again.vanished.height, again.new_files) == (0, 0)


def test_resume_false_reads_everything_again(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data")
    again = hd.ingest(tree, tmp_path / "data", resume=False)
    assert again.new_files == 16
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(tmp_path / "data"), hd.open(tmp_path / "clean"))


def test_a_duplicate_that_vanished_keeps_what_was_read_of_its_original(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    for name in ("one.txt", "two.txt"):
        (case / name).write_bytes(log(7))
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    (case / "two.txt").unlink()
    (case / "one.txt").write_bytes(log(70_000))
    found = hd.ingest(tmp_path / "uploads", tmp_path / "data")
    rows = found.manifest.select(pl.col("path").str.tail(7), "outcome", "of", "vanished").rows()
    assert rows == [("one.txt", "read", None, False), ("two.txt", "read", None, True)]
    dataset = hd.open(tmp_path / "data")
    for _ in range(2):
        assert dataset.scan("captures").collect()["requested_bytes"].sort().to_list() == [7, 70_000]
        dataset.compact()
    (case / "one.txt").write_bytes(log(7_000))
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    sizes = hd.open(tmp_path / "data").scan("captures").collect()["requested_bytes"]
    assert sizes.sort().to_list() == [7, 7_000]


def test_a_clock_that_goes_back_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "uploads" / "a.txt"
    file.parent.mkdir()
    file.write_bytes(log(5))
    hd.ingest(file.parent, tmp_path / "data")
    file.write_bytes(log(777))

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr("heapdelta.dataset._work.datetime", Behind)
    for _ in range(2):
        hd.ingest(file.parent, tmp_path / "data")
        assert hd.open(tmp_path / "data").scan("captures").collect()["requested_bytes"].to_list() == [777]


def test_what_vanishes_while_the_clock_is_behind_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "uploads" / "a.txt"
    file.parent.mkdir()
    file.write_bytes(log(5))
    hd.ingest(file.parent, tmp_path / "data")
    file.unlink()

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr("heapdelta.dataset._ingest.datetime", Behind)
    assert hd.ingest(file.parent, tmp_path / "data").vanished.height == 1


def test_files_that_come_back_together_are_noted_by_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    for _ in range(2):
        for number in range(20):
            (folder / f"{number}.txt").write_bytes(log(number))
        hd.ingest(folder, tmp_path / "data")
        for file in folder.iterdir():
            file.unlink()
        assert hd.ingest(folder, tmp_path / "data").vanished.height == 20
    assert len(list((tmp_path / "data" / "vanished").iterdir())) == 1


def test_a_part_that_was_lost_is_told_and_comes_back_by_reading_again(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data")
    next((tmp_path / "data" / "usage").iterdir()).unlink()
    hd.ingest(tree, tmp_path / "data")
    with pytest.raises(hd.exceptions.OptionError, match="is gone"):
        hd.open(tmp_path / "data").scan("usage")
    hd.ingest(tree, tmp_path / "data", resume=False)
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(tmp_path / "data"), hd.open(tmp_path / "clean"))


def test_compact_says_which_part_was_lost(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 2)
    hd.ingest(tree, tmp_path / "data")
    next((tmp_path / "data" / "usage").iterdir()).unlink()
    with pytest.raises(hd.exceptions.ReadError, match="which the manifest names, found it gone") as told:
        hd.open(tmp_path / "data").compact()
    assert told.value.kind == "lost_part"


@pytest.mark.parametrize("way", ["again", "blocks", "touched"])
def test_what_was_read_stays_when_it_cannot_be_read_again(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "uploads" / "a.txt"
    file.parent.mkdir()
    file.write_bytes(log(5))
    hd.ingest(file.parent, tmp_path / "data")
    if way == "touched":
        os.utime(file, (1, 1))
    options: dict[str, bool] = {"again": {"resume": False}, "blocks": {"blocks": True}}.get(way, {})
    denied = hd.exceptions.PermissionDeniedError("a.txt: cannot read: permission denied", kind="io")
    with monkeypatch.context() as patch:
        patch.setattr("heapdelta.dataset._work.read", lambda *_, **__: (_ for _ in ()).throw(denied))
        for _ in range(2):
            found = hd.ingest(file.parent, tmp_path / "data", **options)  # type: ignore[arg-type]
            row = found.failures.row(0, named=True)
            assert row["reason"] == "a.txt: cannot read: permission denied"
            dataset = hd.open(tmp_path / "data")
            assert dataset.scan("captures").collect()["requested_bytes"].to_list() == [5]
            dataset.compact()
    found = hd.ingest(file.parent, tmp_path / "data", **options)  # type: ignore[arg-type]
    assert found.failures.is_empty()
    assert hd.open(tmp_path / "data").scan("captures").collect()["requested_bytes"].to_list() == [5]


def test_of_equal_files_the_one_counts_that_was_read_as_files_are_read_now(tmp_path: Path) -> None:
    case = tmp_path / "uploads"
    case.mkdir()
    (case / "x.txt").write_bytes(log(5))
    hd.ingest(case, tmp_path / "data")
    (case / "x.txt").rename(case / "y.txt")
    found = hd.ingest(case, tmp_path / "data", blocks=True)
    assert hd.open(tmp_path / "data").scan("allocations").collect().height == 1
    assert found.manifest.select("outcome", "vanished").rows() == [("duplicate", True), ("read", False)]


def test_a_file_that_is_back_is_not_vanished_whoever_looked_last(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    file = case / "x.txt"
    for source in (tmp_path / "uploads", case):
        for seen_by in (case, file):
            file.write_bytes(log(5))
            hd.ingest(tmp_path / "uploads", tmp_path / "data", case="a")
            file.unlink()
            gone = hd.ingest(source, tmp_path / "data", case="a")
            assert gone.vanished.height == 1
            file.write_bytes(log(5))
            assert hd.ingest(seen_by, tmp_path / "data", case="a").vanished.is_empty()
