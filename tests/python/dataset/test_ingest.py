"""`heapdelta.ingest`: nothing lost, nothing doubled, and a second run that knows the first."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from hostile import linked
from packed import log, tarred, zipped
from polars.testing import assert_frame_equal
from small_log import Log
from small_tree import assert_equal, content_of, parts_on_disk, small_batches, write_tree


def rows_of(found: hd.Ingest, end: str) -> pl.DataFrame:
    return found.manifest.filter(pl.col("path").str.ends_with(end))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "uploads")


def test_every_file_and_member_has_a_row_that_says_what_became_of_it(tree: Path, tmp_path: Path) -> None:
    found = hd.ingest(tree, tmp_path / "data")
    on_disk = {str(path) for path in tree.rglob("*") if path.is_file()}
    assert on_disk <= set(found.manifest["path"])
    of_case = {
        path: outcome
        for path, outcome in zip(found.manifest["path"], found.manifest["outcome"], strict=True)
        if path.startswith(str(tree / "case-000"))
    }
    assert of_case == {
        str(tree / "case-000" / "cmp.txt"): "read",
        str(tree / "case-000" / "nested" / "again.zip"): "archive",
        str(tree / "case-000" / "nested" / "again.zip!inner.zip"): "archive",
        str(tree / "case-000" / "nested" / "again.zip!inner.zip!before.txt"): "read",
        str(tree / "case-000" / "upload.zip"): "archive",
        f"{tree / 'case-000' / 'upload.zip'}!logs/after.txt": "read",
        f"{tree / 'case-000' / 'upload.zip'}!logs/before.txt": "duplicate",
    }
    assert rows_of(found, "notes.doc")["outcome"].item() == "not ours"
    assert rows_of(found, "empty.txt").select("outcome", "kind").row(0) == ("not ours", "empty")
    assert rows_of(found, "DH_1488.dmp").select("outcome", "kind").row(0) == ("read", "minidump")
    cut = rows_of(found, "cut.zip!a.txt")
    assert cut.select("outcome").item() == "read"
    assert cut["issues"].item() > 0
    # What was cut off is told of the archive, and what was not is read.
    cut_off = found.failures.row(0, named=True)
    assert (cut_off["path"], cut_off["kind"]) == (str(tree / "case-001" / "cut.zip"), "damaged_archive")
    assert cut_off["size"] == (tree / "case-001" / "cut.zip").stat().st_size
    assert found.failures.height == 1


def test_each_table_has_what_the_captures_have(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data", blocks=True)
    dataset = hd.open(tmp_path / "data")
    captures = dataset.scan("captures").filter(pl.col("kind") == "log").collect()
    assert captures.height == 13
    for row in captures.iter_rows(named=True):
        snapshot = hd.read_log(row["path"])
        usage = dataset.scan("usage").filter(pl.col("capture") == row["capture"]).collect()
        assert usage["requested_bytes"].to_list() == snapshot.usage["requested_bytes"].to_list()
        assert row["requested_bytes"] == snapshot.usage["requested_bytes"].sum()
        blocks = dataset.scan("allocations").filter(pl.col("capture") == row["capture"]).collect()
        assert blocks["address"].to_list() == snapshot.allocations["address"].to_list()
        fingerprints = [f"{value:016X}" for value in snapshot.stacks["fingerprint"]]
        traces = dataset.scan("traces").filter(pl.col("capture") == row["capture"]).collect()
        assert traces["fingerprint"].to_list() == fingerprints
    assert dataset.scan("regions").collect().height == hd.read_dump(tree / "case-002" / "DH_1488.dmp").regions.height
    assert dataset.scan("rows").collect().height == 1


def test_stacks_are_shared_by_what_they_contain(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    stacks = dataset.scan("stacks").collect()
    used = dataset.scan("traces").select(pl.col("fingerprint").drop_nulls().unique()).collect()
    assert stacks.height == used.height == 1, "all logs of the tree have the same stack"
    keys = stacks.select(pl.col("frames").explode(empty_as_null=True)).to_series()
    frames = dataset.scan("frames").collect()
    assert set(keys) == set(frames["frame"])


def test_a_second_run_does_nothing_and_a_changed_file_is_read_again(tree: Path, tmp_path: Path) -> None:
    first = hd.ingest(tree, tmp_path / "data")
    parts = parts_on_disk(tmp_path / "data")
    second = hd.ingest(tree, tmp_path / "data")
    assert (first.new_files, second.new_files) == (16, 0)
    assert second.known_files == 16
    assert parts_on_disk(tmp_path / "data") == parts
    assert_frame_equal(first.manifest, second.manifest)
    changed = tree / "case-001" / "before.txt"
    changed.write_bytes(log(5000, pid=1001))
    third = hd.ingest(tree, tmp_path / "data")
    assert third.new_files == 1
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(tmp_path / "data"), hd.open(tmp_path / "clean"))


def test_what_is_on_disk_after_a_run_is_what_counts(tree: Path, tmp_path: Path) -> None:
    """Programs that read all files of a folder see no row that was superseded, and no duplicate."""
    hd.ingest(tree, tmp_path / "data")
    (tree / "case-001" / "before.txt").write_bytes(log(5000, pid=1001))
    hd.ingest(tree, tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    for table in ("usage", "captures", "modules", "issues"):
        every = pl.read_parquet(tmp_path / "data" / table / "*.parquet")
        columns = [name for name in every.columns if not every.schema[name].is_nested()]
        assert_frame_equal(every.sort(columns), dataset.scan(table).collect().sort(columns))


def test_one_file_says_nothing_of_its_neighbours(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data")
    found = hd.ingest(tree / "case-001" / "before.txt", tmp_path / "data", case="case-001")
    assert (found.new_files, found.vanished.height) == (0, 0)


def test_duplicates_count_once_in_a_case_and_once_in_each(tmp_path: Path) -> None:
    same = log(7)
    for case in ("a", "b"):
        (tmp_path / "uploads" / case).mkdir(parents=True)
        (tmp_path / "uploads" / case / "one.txt").write_bytes(same)
    (tmp_path / "uploads" / "a" / "two.zip").write_bytes(zipped([("two.txt", same)]))
    found = hd.ingest(tmp_path / "uploads", tmp_path / "data")
    copy = rows_of(found, "two.zip!two.txt")
    assert copy.select("outcome", "of").row(0) == ("duplicate", str(tmp_path / "uploads" / "a" / "one.txt"))
    assert hd.open(tmp_path / "data").scan("captures").collect()["case"].sort().to_list() == ["a", "b"]


def test_a_duplicate_takes_the_place_of_its_original_when_that_changes(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    (case / "one.txt").write_bytes(log(7))
    (case / "two.txt").write_bytes(log(7))
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    (case / "one.txt").write_bytes(log(70_000))
    found = hd.ingest(tmp_path / "uploads", tmp_path / "data")
    assert found.count("read") == 2
    sizes = hd.open(tmp_path / "data").scan("captures").collect()["requested_bytes"].sort().to_list()
    assert sizes == [7, 70_000]


def test_the_order_of_batches_does_not_matter(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hd.ingest(tree, tmp_path / "one", threads=1)
    small_batches(monkeypatch, 2)
    hd.ingest(tree, tmp_path / "two", threads=3)
    assert_equal(hd.open(tmp_path / "one"), hd.open(tmp_path / "two"))
    assert len(parts_on_disk(tmp_path / "two")) > len(parts_on_disk(tmp_path / "one"))


def test_compact_merges_parts_and_changes_nothing_else(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 2)
    hd.ingest(tree, tmp_path / "data")
    before = content_of(hd.open(tmp_path / "data"))
    dataset = hd.open(tmp_path / "data")
    assert dataset.compact() > 2
    assert len(parts_on_disk(tmp_path / "data")) < 20
    for name, table in content_of(dataset).items():
        assert_frame_equal(table, before[name])
    assert hd.ingest(tree, tmp_path / "data").new_files == 0
    assert hd.open(tmp_path / "data").compact() == 0
    (tree / "case-001" / "before.txt").write_bytes(log(5000, pid=1001))
    hd.ingest(tree, tmp_path / "data")
    hd.ingest(tree, tmp_path / "clean")
    assert_equal(hd.open(tmp_path / "data"), hd.open(tmp_path / "clean"))


def test_stacks_of_a_batch_that_counts_no_more_stay_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 1)
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    other = Log([(0x10000, "1", 8, 8)], {"1": [0x7700_0999, 0x40_0100]}).text().encode()
    (case / "one.txt").write_bytes(log(7))
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    (case / "two.txt").write_bytes(log(9))
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    (case / "one.txt").write_bytes(other)
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    hd.ingest(tmp_path / "uploads", tmp_path / "clean")
    dataset = hd.open(tmp_path / "data")
    assert {snapshot.usage["requested_bytes"].sum() for snapshot in dataset.case("a")} == {8, 9}
    dataset.compact()
    assert_equal(dataset, hd.open(tmp_path / "clean"))


def test_another_way_of_reading_is_another_answer(tree: Path, tmp_path: Path) -> None:
    hd.ingest(tree, tmp_path / "data")
    assert hd.open(tmp_path / "data").scan("allocations").collect().is_empty()
    assert hd.ingest(tree, tmp_path / "data", blocks=True).new_files == 16
    hd.ingest(tree, tmp_path / "clean", blocks=True)
    assert_equal(hd.open(tmp_path / "data"), hd.open(tmp_path / "clean"))


CASES = [
    (None, "case-7/logs/before.txt", "case-7"),
    (None, "1234.zip", "1234"),
    (None, "1234.tar.gz", "1234"),
    (None, "before.txt", "uploads"),
    ("4711", "case-7/before.txt", "4711"),
    (re.compile(r"case-(\d+)"), "old/case-7/before.txt", "7"),
    (re.compile(r"sr\d+"), "2012/sr17.zip", "sr17"),
    (re.compile(r"sr\d+"), "2012/before.txt", "2012"),
    (lambda path: Path(path).parent.name.rpartition("-")[2], "case-7/before.txt", "7"),
    (lambda _: None, "case-7/before.txt", "case-7"),
]


@pytest.mark.parametrize(("rule", "path", "expected"), CASES)
def test_whose_files_they_are(rule: object, path: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "uploads" / path
    file.parent.mkdir(parents=True)
    content = {".zip": zipped([("a.txt", log(1))]), ".gz": tarred([("a.txt", log(1))], "w:gz")}
    file.write_bytes(content.get(file.suffix, log(1)))
    hd.ingest(tmp_path / "uploads", tmp_path / "data", case=rule)  # type: ignore[arg-type]
    assert hd.open(tmp_path / "data").cases()["case"].to_list() == [expected]


def test_a_file_of_several_captures_gives_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "both.txt").write_bytes(log(5) + log(6, "2012-04-30 13:09"))
    with zipfile.ZipFile(tmp_path / "uploads" / "both.zip", "w") as archive:
        archive.writestr("both.txt", log(7) + log(8, "2012-04-30 13:09"))
    found = hd.ingest(tmp_path / "uploads", tmp_path / "data", case="a")
    assert found.manifest.filter(pl.col("outcome") == "read")["captures"].to_list() == [2, 2]
    captures = hd.open(tmp_path / "data").scan("captures").collect().sort("requested_bytes")
    assert captures["requested_bytes"].to_list() == [5, 6, 7, 8]
    assert captures["number"].to_list() == [1, 2, 1, 2]


def test_what_is_good_of_a_file_of_several_captures_stays(tmp_path: Path) -> None:
    doubtful = "+     120 (   220 -   100)      2 allocs\tBackTrace00053\nTotal increase == 120\n"
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "both.txt").write_bytes(log(5) + doubtful.encode())
    found = hd.ingest(tmp_path / "uploads", tmp_path / "data", case="a")
    row = found.manifest.row(0, named=True)
    assert (row["outcome"], row["kind"], row["captures"]) == ("failed", "radix_unproven", 1)
    assert hd.open(tmp_path / "data").scan("captures").collect()["requested_bytes"].to_list() == [5]


def test_numbers_that_63_bits_do_not_hold_are_null_and_told(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    content = Log([(0x10000, "1", 2**63 + 5, 8)], {"1": [0x7700_0100]}).text().encode()
    (tmp_path / "uploads" / "a.txt").write_bytes(content)
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    assert dataset.scan("usage").collect()["requested_bytes"].to_list() == [None]
    told = dataset.scan("issues").filter(pl.col("kind") == "sum_overflow").collect()
    assert any(str(2**63 + 5) in text for text in told["text"])


def test_progress_tells_files_bytes_and_failures(tree: Path, tmp_path: Path) -> None:
    linked(tree / "case-003" / "locked.txt", tree / "nowhere")
    seen: list[hd.dataset.Progress] = []
    hd.ingest(tree, tmp_path / "data", progress=seen.append)
    assert (seen[0].files, seen[-1].files, seen[-1].failures) == (0, seen[-1].file_count, 2)
    assert seen[-1].size == seen[-1].size_in_all
    assert str(seen[-1]).startswith("17 of 17 files, ")


def test_ingest_says_in_words_what_became_of_the_files(tree: Path, tmp_path: Path) -> None:
    found = hd.ingest(tree, tmp_path / "data")
    assert found.outcomes() == (
        "15 logs, comparisons and dumps, 1 duplicate, 4 archives, 2 files of other kinds, 1 failure"
    )
    assert "16 files read now" in repr(found)
    assert "nothing new" in repr(hd.ingest(tree, tmp_path / "data"))
    assert "<table" in found._repr_html_()


def test_every_thread_gets_work_of_a_small_tree() -> None:
    from heapdelta.dataset._plan import How, Input, batches

    def cut(count: int, size: int, threads: int | None) -> list[int]:
        inputs = [Input(f"{number}.txt", "a", size, 0) for number in range(count)]
        return [len(batch.inputs) for batch in batches(inputs, How(), threads=threads)]

    assert cut(10, 4_000_000, None) == [10]
    assert cut(10, 4_000_000, 2) == [1] * 10
    assert cut(100, 500, 2) == [25] * 4
    assert max(cut(100_000, 500, 2)) == 500
    # However many there are, a batch is one that can be lost.
    assert max(cut(10_000, 1_000_000, 2)) == 50
