"""Reports of a series, of dumps, of a case of a dataset: verdicts and pictures, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import cli
from heapdelta.exceptions import OptionError
from unpacked import Reader, data_of, sums_by_module


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("week")
    hd.testing.write_series(folder, days=4, stack_count=80, restart_after=56)
    return folder


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dumps")
    hd.testing.write_dump_investigation(folder, steps=8, stack_count=60)
    return folder


def read(view, folder: Path, **options) -> tuple[str, Reader]:
    page = hd.report(view, folder / "case.html", **options).path.read_text(encoding="utf-8")
    return page, Reader(page)


def test_a_series_has_verdicts_and_the_tree_from_first_to_last(week: Path, tmp_path: Path) -> None:
    series = hd.series(hd.read_many(week), runs="all")
    page, found = read(series, tmp_path)
    assert re.match(r"fhpreview grows like a leak: \+\S+ KiB per hour", "".join(found.texts["h1"]))
    rows = found.tables["verdicts-table-all" if "verdicts-table-all" in found.tables else "verdicts-all-table"][1:]
    growth = series.growth()
    assert [row.texts[-1] for row in rows] == growth["reason"].to_list()
    assert [row.exact[2] for row in rows] == growth["first_bytes"].to_list()
    run = series.points.filter(run=0)["point"]
    delta = hd.diff(series.snapshots[run[0]], series.snapshots[run[-1]])
    change = sum(after - before for before, after, _, _ in sums_by_module(data_of(page)).values())
    assert change == delta.total["requested_bytes_delta"].item()
    assert len(found.tables["files-all-table"]) == series.points.height + 1
    assert sum(tag == "img" for tag, _ in found.tags) == 2
    assert "This is of run 0 alone, in which fhpreview leaks" in found.text


def test_which_run_has_stacks_is_said_where_there_are_several(week: Path, tmp_path: Path) -> None:
    series = hd.series(hd.read_many(week), runs="all")
    _, found = read(series.filter(ignore="fhpreview"), tmp_path)
    assert "This is of run 1 alone, the last with more than one log" in found.text
    of_one = series.points.filter(run=0)["point"]
    _, found = read(hd.series([series.snapshots[point] for point in of_one]), tmp_path)
    assert "This is of run" not in found.text


def test_filters_of_a_series_hold_for_all_of_the_page(week: Path, tmp_path: Path) -> None:
    series = hd.series(hd.read_many(week), runs="all").filter(focus="fhcatalog")
    page, found = read(series, tmp_path)
    assert "left out by filters" in found.text
    assert "fhpreview" not in {row.texts[1] for row in found.tables["verdicts-table"]}
    assert "fhpreview" not in sums_by_module(data_of(page))


def test_heaps_of_several_runs_have_no_picture(week: Path, tmp_path: Path) -> None:
    series = hd.series(hd.read_many(week), runs="all", by="heap")
    _, found = read(series, tmp_path)
    assert "No picture" in found.text


def test_two_dumps_have_counters_and_regions(dumps: Path, tmp_path: Path) -> None:
    delta = hd.diff(hd.read_dump(dumps / "before.dmp"), hd.read_dump(dumps / "after.dmp"))
    _, found = read(delta, tmp_path)
    assert re.match(r"Private memory grew by \S+ [KM]iB", "".join(found.texts["h1"]))
    counters = delta.counters.drop_nulls("value_before")
    rows = found.rows("counters-table")
    assert {name: row.exact[1] for name, row in rows.items()} == dict(counters.select("counter", "value_delta").rows())
    classes = delta.by("region_class").filter(pl.col("committed_bytes_delta") != 0)
    rows = found.rows("region-class-table")
    assert {name: row.exact[1] for name, row in rows.items()} == dict(
        classes.select("region_class", "committed_bytes_delta").rows()
    )
    assert "Event" in found.rows("handle-type-table")


def test_swapped_dumps_are_told_first(dumps: Path, tmp_path: Path) -> None:
    delta = hd.diff(hd.read_dump(dumps / "after.dmp"), hd.read_dump(dumps / "before.dmp"))
    assert "swapped" in "".join(read(delta, tmp_path)[1].texts["h1"])


def test_many_dumps_have_verdicts_of_counters(dumps: Path, tmp_path: Path) -> None:
    series = hd.series(hd.read_many(dumps), by="counter")
    _, found = read(series, tmp_path)
    assert len(found.tables["counters-all-table"]) == series.growth().height + 1


def test_dumps_that_list_nothing_have_a_report(tmp_path: Path) -> None:
    from small_dump import SmallDump

    dump = hd.read(SmallDump().write())
    _, found = read(hd.diff(dump, dump), tmp_path)
    assert "No picture" in found.text or "regions-picture" in str(found.tags)


def test_a_case_of_a_dataset_is_a_series(week: Path, tmp_path: Path, capsys) -> None:
    place = tmp_path / "data"
    hd.ingest(week, place)
    dataset = hd.open(place)
    case = dataset.cases()["case"][0]
    series = hd.series(dataset.case(case), runs="all")
    _, found = read(series, tmp_path)
    assert "fhpreview grows like a leak" in "".join(found.texts["h1"])
    with pytest.raises(TypeError, match=r"heapdelta\.series of dataset"):
        hd.report(dataset, tmp_path / "x.html")
    page = tmp_path / "cli.html"
    assert cli.run(["report", str(place), "--case", case, "-o", str(page)]) == cli.OK
    assert Reader(page.read_text(encoding="utf-8")).tables["verdicts-table"]
    capsys.readouterr()
    inside = place / "usage" / "x.html"
    assert cli.run(["report", str(place), "--case", case, "-o", str(inside)]) == cli.USAGE
    assert "outside of the dataset" in capsys.readouterr().err
    assert cli.run(["report", str(place), "--case", "nobody", "-o", str(page)]) != cli.OK
    assert "expected a case with logs" in capsys.readouterr().err


def test_one_dump_is_refused(dumps: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"heapdelta\.diff of two dumps"):
        hd.report(hd.read_dump(dumps / "before.dmp"), tmp_path / "x.html")


@pytest.mark.parametrize("kind", ["folder", "files", "dumps", "two dumps"])
def test_command_tells_a_series_from_a_pair(kind: str, week: Path, dumps: Path, tmp_path: Path, capsys) -> None:
    logs = sorted(map(str, week.glob("*.txt")))
    sources = {
        "folder": [str(week)],
        "files": logs[:7],
        "dumps": [str(dumps)],
        "two dumps": [str(dumps / "before.dmp"), str(dumps / "after.dmp")],
    }[kind]
    page = tmp_path / "report.html"
    assert cli.run(["report", *sources, "-o", str(page)]) == cli.OK
    found = Reader(page.read_text(encoding="utf-8"))
    assert ("verdicts-table" in found.tables) == (kind in ("folder", "files"))
    assert ("counters-table" in found.tables) == ("dumps" in kind)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["before.dmp"], "expected two heap logs or two minidumps, found one alone"),
        (["before.dmp", "after.dmp", "--focus", "app"], "expected no --focus with a minidump"),
        ([".", "--focus", "app"], "expected no --focus with a minidump"),
        ([".", "--radix", "10"], "expected no --radix with a series"),
        (["before.dmp", "--after-capture", "2"], "expected two files with --after-capture, found one"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments, words, dumps: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(dumps)
    page = tmp_path / "x.html"
    assert cli.run(["report", *arguments, "-o", str(page)]) == cli.USAGE
    assert words in capsys.readouterr().err
    assert not page.exists()
    with pytest.raises(OptionError):
        hd.report(hd.diff(hd.read("before.dmp"), hd.read("after.dmp")), tmp_path / "x.txt")
