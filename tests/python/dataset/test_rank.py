"""What a dataset tells of all its cases: runs, rankings with verdicts, snapshots, labels."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from packed import zipped
from polars.testing import assert_frame_equal
from small_log import APP_FRAME, NTDLL_FRAME, Log

LEAK, CACHE = [NTDLL_FRAME, 0x1000_0100, APP_FRAME], [NTDLL_FRAME, APP_FRAME]


def moment(hours: int) -> str:
    return (datetime(2012, 4, 30, 12) + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M")


def leaking(hours: int, *, pid: int = 704, machine: str = "BOX", each: int = 1000, cache: int = 5000) -> Log:
    """A log of a run in which `a.dll` grows by `each` bytes an hour, and the program holds a cache."""
    blocks = [(0x10000, "1", each * (hours + 1), 8), (0x10000, "2", cache, 8)]
    return Log(blocks, {"1": LEAK, "2": CACHE}, taken=moment(hours), pid=pid, machine=machine)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """Three cases: a leak over two weeks, the same leak in two logs, and a case in which nothing grows."""
    root = tmp_path / "uploads"
    for case, logs in {
        "long": [leaking(24 * day) for day in range(14)],
        "short": [leaking(0, pid=9), leaking(10, pid=9)],
        "calm": [leaking(0, pid=8, each=0), leaking(5, pid=8, each=0)],
    }.items():
        (root / case).mkdir(parents=True)
        for number, log in enumerate(logs):
            (root / case / f"{number}.txt").write_text(log.text(), newline="")
    return root


@pytest.fixture
def dataset(uploads: Path, tmp_path: Path) -> hd.Dataset:
    hd.ingest(uploads, tmp_path / "data")
    return hd.open(tmp_path / "data")


def test_runs_are_those_of_group(uploads: Path, dataset: hd.Dataset) -> None:
    for case in ("long", "short", "calm"):
        expected = hd.group(hd.read_many(uploads / case)).table()
        found = dataset.runs().filter(pl.col("case") == case)
        assert found["captures"].to_list() == expected["snapshots"].to_list()
        for name in ("machine", "program", "restart", "first_taken_at", "last_taken_at"):
            assert found[name].to_list() == expected[name].to_list()
    assert dataset.runs()["proved"].all()


def test_a_process_id_that_is_used_again_is_another_run(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    moved = {"app.exe": 0x50_0000, "ntdll.dll": 0x7700_0000, "a.dll": 0x2000_0000}
    for hours in range(4):
        log = leaking(hours)
        log.modules = log.modules if hours < 2 else moved
        (case / f"{hours}.txt").write_text(log.text(), newline="")
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    runs = hd.open(tmp_path / "data").runs()
    expected = hd.group(hd.read_many(case)).table()
    assert runs["captures"].to_list() == expected["snapshots"].to_list() == [2, 2]
    assert runs["restart"].to_list() == expected["restart"].to_list() == [False, True]


def test_a_ranking_says_in_how_many_cases_how_fast_since_when_and_what_each_run_says(dataset: hd.Dataset) -> None:
    rows = dataset.rank(by="module")
    assert rows.height == 1
    row = rows.row(0, named=True)
    assert (row["module"], row["leak_cases"], row["cases"], row["run_count"]) == ("a", 1, 2, 2)
    assert row["requested_bytes_delta"] == 13 * 24_000 + 10_000
    assert (row["first_seen"], row["last_seen"]) == (datetime(2012, 4, 30, 12), datetime(2012, 5, 13, 12))
    assert row["pace"] == pytest.approx(1000)
    told = {run["case"]: (run["verdict"], run["requested_bytes_delta"], run["share"]) for run in row["runs"]}
    assert told == {"long": ("leak", 13 * 24_000, 1.0), "short": ("too few snapshots", 10_000, 1.0)}


@pytest.mark.parametrize("by", ["module", "function", "stack"])
def test_each_run_of_a_ranking_says_what_its_series_says(by: str, uploads: Path, dataset: hd.Dataset) -> None:
    rows = dataset.rank(by, min_share=0)  # type: ignore[arg-type]
    key = {"module": ["module"], "function": ["module", "function"], "stack": ["fingerprint"]}[by]
    found = rows.select(*key, pl.col("runs")).explode("runs", empty_as_null=True).unnest("runs")
    for case in ("long", "short"):
        growth = hd.series(hd.read_many(uploads / case), by=by).growth()  # type: ignore[arg-type]
        if by == "stack":
            growth = growth.with_columns(pl.Series("fingerprint", [f"{value:016X}" for value in growth["fingerprint"]]))
        expected = growth.filter(pl.col("last_bytes") > pl.col("first_bytes"))
        mine = found.filter(pl.col("case") == case)
        assert_frame_equal(
            mine.select(*key, "verdict", "pace").sort(key), expected.select(*key, "verdict", "pace").sort(key)
        )


def test_what_makes_up_little_of_the_growth_is_left_out(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    for hours in (0, 1):
        (case / f"{hours}.txt").write_text(leaking(hours, cache=5000 + hours).text(), newline="")
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    assert dataset.rank()["module"].to_list() == ["a"]
    assert dataset.rank(min_share=0)["module"].to_list() == ["a", "app"]


def test_other_rules_of_blame_give_another_ranking(dataset: hd.Dataset) -> None:
    assert dataset.rank(allocators=["a", "ntdll"])["module"].to_list() == ["app"]


def test_a_case_gives_back_its_snapshots(uploads: Path, dataset: hd.Dataset) -> None:
    mine, files = dataset.case("long"), hd.read_many(uploads / "long").snapshots
    assert [snapshot.path for snapshot in mine] == [snapshot.path for snapshot in files]
    for one, other in zip(mine, files, strict=True):
        for name in ("format", "tool_version", "taken_at", "machine", "pid", "byte_count", "line_counts", "encoding"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("usage", "stacks", "modules", "heaps", "sections", "issues"):
            assert_frame_equal(getattr(one, name), getattr(other, name))
        # How an address was printed is not kept.
        assert_frame_equal(one.frames.drop("text"), other.frames.drop("text"))
    for by in ("module", "function", "stack", "heap"):
        assert_frame_equal(hd.diff(mine[0], mine[-1]).by(by), hd.diff(files[0], files[-1]).by(by))
    assert_frame_equal(hd.series(mine).growth(), hd.series(files).growth())


def test_blocks_come_back_where_they_were_kept(uploads: Path, tmp_path: Path) -> None:
    hd.ingest(uploads, tmp_path / "whole", blocks=True)
    mine = hd.open(tmp_path / "whole").case("short")
    files = hd.read_many(uploads / "short", blocks=True).snapshots
    assert_frame_equal(mine[0].allocations, files[0].allocations)
    assert_frame_equal(hd.series(mine).survival().stacks, hd.series(files).survival().stacks)


def test_a_module_that_was_unloaded_keeps_its_blocks_on_the_way_back(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    for hours in (0, 1):
        log = leaking(hours)
        if hours:
            del log.modules["a.dll"]
        (case / f"{hours}.txt").write_text(log.text(), newline="")
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    mine, files = dataset.case("a"), hd.read_many(case).snapshots
    assert_frame_equal(hd.diff(*mine).by("module"), hd.diff(*files).by("module"))
    assert hd.diff(*mine).notes == hd.diff(*files).notes
    assert dataset.rank()["module"].to_list() == ["a"], "the ranking follows it, too"


def test_logs_that_name_no_process_are_of_one_run_by_their_archive(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    logs = [("before.txt", 100), ("after.txt", 900)]
    import zipfile

    with zipfile.ZipFile(tmp_path / "uploads" / "1234.zip", "w") as archive:
        for number, (name, size) in enumerate(logs):
            content = Log([(0x10000, "1", size, 8)], {"1": LEAK}, header=False).text()
            archive.writestr(zipfile.ZipInfo(name, (2026, 4, 12, 10 + number, 0, 0)), content)
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    run = dataset.runs().row(0, named=True)
    assert (run["proved"], run["time_source"], run["captures"]) == (False, "mtime", 2)
    row = dataset.rank().row(0, named=True)
    assert (row["module"], row["requested_bytes_delta"], row["pace"]) == ("a", 800, pytest.approx(800))


def test_logs_that_nothing_puts_in_order_are_in_no_run(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    content = [
        (name, Log([(0x10000, "1", size, 8)], {"1": LEAK}, header=False).text().encode())
        for name, size in (("before.txt", 100), ("after.txt", 900))
    ]
    (tmp_path / "uploads" / "1234.zip").write_bytes(zipped(content))
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    assert dataset.runs().is_empty()
    assert dataset.rank().is_empty()
    assert len(dataset.case("1234")) == 2


def test_what_others_sent_does_not_change_a_verdict(uploads: Path, tmp_path: Path) -> None:
    for number in range(12):
        (uploads / f"noise-{number}").mkdir()
        for hours in range(8):
            log = leaking(24 * hours, pid=5000 + number, each=0, cache=5000 + (hours * 7919 * (number + 3)) % 900)
            (uploads / f"noise-{number}" / f"{hours}.txt").write_text(log.text(), newline="")
    hd.ingest(uploads, tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    told = dataset.rank(min_share=0).select("module", pl.col("runs")).explode("runs", empty_as_null=True).unnest("runs")
    for case in ("long", "noise-0", "noise-7"):
        growth = hd.series(dataset.case(case)).growth().select("module", "verdict")
        mine = told.filter(pl.col("case") == case).select("module", "verdict")
        assert mine.join(growth, on=["module", "verdict"], how="anti").is_empty()
        assert mine.height


def test_a_stack_is_first_seen_where_it_is_first_there(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    for day in range(10):
        log = leaking(24 * day, each=0)
        log.blocks = [block for block in log.blocks if block[2]]
        if day >= 7:
            log.blocks.append((0x10000, "3", 10_000 * day, 8))
            log.stacks = {**log.stacks, "3": [NTDLL_FRAME, 0x1000_0900]}
        (case / f"{day}.txt").write_text(log.text(), newline="")
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    row = hd.open(tmp_path / "data").rank("function").row(0, named=True)
    assert (row["first_seen"], row["last_seen"]) == (datetime(2012, 5, 7, 12), datetime(2012, 5, 9, 12))


def test_logs_of_one_minute_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    for number in range(1, 13):
        (case / f"{number}.txt").write_text(leaking(0, each=100 * number).text(), newline="")
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    names = [Path(snapshot.path or "").name for snapshot in dataset.case("a")]
    assert names == [f"{number}.txt" for number in range(1, 13)]
    assert dataset.rank()["requested_bytes_delta"].to_list() == [1100]


def test_growth_that_is_not_known_is_not_taken_for_none(tmp_path: Path) -> None:
    case = tmp_path / "uploads" / "a"
    case.mkdir(parents=True)
    for hours, size in ((0, 5), (1, 2**63 + 1)):
        log = Log([(0x10000, "1", size, 8)], {"1": LEAK}, taken=moment(hours))
        (case / f"{hours}.txt").write_text(log.text(), newline="")
    hd.ingest(tmp_path / "uploads", tmp_path / "data")
    row = hd.open(tmp_path / "data").rank().row(0, named=True)
    assert (row["module"], row["requested_bytes_delta"], row["pace"], row["share"]) == ("a", None, None, None)


def test_labels_are_shown_where_the_stack_is(dataset: hd.Dataset, tmp_path: Path) -> None:
    stack = dataset.rank("stack")["fingerprint"][0]
    dataset.label(f"#{stack[:6]}", "KB5001234, fixed in 4.2")
    assert dataset.labels().select("fingerprint", "label").rows() == [(stack, "KB5001234, fixed in 4.2")]
    again = hd.open(tmp_path / "data")
    assert again.rank("stack").filter(pl.col("fingerprint") == stack)["label"].item() == "KB5001234, fixed in 4.2"
    assert "KB5001234, fixed in 4.2" in again.similar(stack)["label"].to_list()
    again.label(int(stack, 16), "known")
    again.compact()
    assert hd.open(tmp_path / "data").labels()["label"].to_list() == ["known"]
    again.label(stack, None)
    assert again.labels().is_empty()


def test_cases_count_what_they_have(dataset: hd.Dataset) -> None:
    cases = dataset.cases()
    assert cases.select("case", "files", "read", "failures", "captures", "runs").rows() == [
        ("calm", 2, 2, 0, 2, 1),
        ("long", 14, 14, 0, 14, 1),
        ("short", 2, 2, 0, 2, 1),
    ]
    assert cases["programs"].to_list() == [["app"]] * 3
    assert repr(dataset).endswith("3 cases, 18 of 18 files read>")
    assert "<table" in dataset._repr_html_()


def test_an_empty_dataset_answers(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    found = hd.ingest(tmp_path / "uploads", tmp_path / "data")
    assert (found.new_files, found.outcomes()) == (0, "nothing")
    dataset = hd.open(tmp_path / "data")
    assert dataset.cases().is_empty()
    assert dataset.runs().is_empty()
    for by in ("module", "function", "stack"):
        assert dataset.rank(by).is_empty()  # type: ignore[arg-type]
    assert dataset.compact() == 0
