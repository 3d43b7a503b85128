"""Summaries in notebooks: short, escaped, in units, and they tell when there is more."""

import re
from datetime import datetime

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import _html, testing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("days")
    testing.write_series(folder, days=3, stack_count=120, restart_after=40)
    return folder


@pytest.fixture(scope="module")
def batch(folder):
    return hd.read_many(folder)


def cells(page):
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>.*?</td>", page)]


def test_cells_are_written_for_people_with_the_exact_number_behind():
    frame = pl.DataFrame(
        {
            "module": ["a<b>&c", None],
            "requested_bytes_delta": [-4096, 1],
            "last_bytes": pl.Series([1 << 20, 0], dtype=pl.UInt64),
            "allocation_count_delta": [-1200, 0],
            "fingerprint": pl.Series([1 << 63, 7], dtype=pl.UInt64),
            "heap_base": pl.Series([0x10000, 0xABC], dtype=pl.UInt64),
            "taken_at": [datetime(2024, 3, 11, 9), None],
            "share": [0.123456, 1e-9],
            "restart": [True, False],
        }
    )
    page = _html.page("<title>", {"fact": "x & y", "absent": None}, frame)
    assert cells(page) == [
        "a&lt;b&gt;&amp;c", "-4.00 KiB", "1.00 MiB", "-1,200", "9223372036854775808", "10000", "2024-03-11 09:00",
        "0.123", "yes",
        "–", "+1 byte", "0 bytes", "0", "7", "ABC", "–", "1e-09", "no",
    ]  # fmt: skip
    assert 'title="-4,096 bytes"' in page
    assert 'title="1,048,576 bytes"' in page
    assert "<strong>&lt;title&gt;</strong>" in page
    assert "fact: x &amp; y" in page
    assert "absent" not in page


def test_rows_that_are_left_out_are_counted():
    frame = pl.DataFrame({"n": [1, 2]})
    assert "2 of 3,000 rows" in _html.page("x", {}, frame, of=3_000)
    assert "rows" not in _html.page("x", {}, frame, of=2)
    assert "rows" not in _html.page("x", {}, frame)


def test_summary_of_a_series_shows_leaks_first_then_what_changed_most(batch):
    series = hd.series(batch, runs="all")
    page = series._repr_html_()
    growth = series.growth()
    assert page.count("<tr>") == 1 + _html.TOP
    assert f"{_html.TOP} of {growth.height} rows" in page
    assert "the program was started anew 1 time" in page
    for verdict, count in growth.group_by("verdict").len().iter_rows():
        assert f"{count} {verdict}" in page
    leaks = growth.filter(pl.col("verdict") == "leak").height
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in page.split("<tr>")[2:]]
    verdicts = [row[5] for row in rows]
    assert [verdict == "leak" for verdict in verdicts] == [True] * leaks + [False] * (_html.TOP - leaks)
    others = [row for row in growth.iter_rows(named=True) if row["verdict"] != "leak"]
    largest = max(others, key=lambda row: abs(row["last_bytes"] - row["first_bytes"]))
    assert rows[leaks][:2] == [str(largest["run"]), largest["module"]]


def test_summary_of_one_run_has_no_column_for_it(batch):
    run = hd.group(batch)[0]
    page = hd.series(run, by="stack")._repr_html_()
    assert ">run</th>" not in page
    assert ">fingerprint</th>" in page
    assert ">growth per hour</th>" in page
    assert ">growth per step</th>" in hd.series(run, order="name")._repr_html_()


def test_summary_of_runs_tells_who_ran_and_why_a_log_belongs_to_none(batch):
    runs = hd.group(batch)
    assert [cell for cell in cells(runs._repr_html_()) if cell in ("yes", "no")] == ["no", "yes"]
    nameless = hd.read(b"*- - - - Start of data for heap @ 10000 - - - -\n40 bytes + 18 at 2E9FB00 by BackTrace7\n")
    page = hd.group([*batch, nameless])._repr_html_()
    assert "unassigned, as the log does not name its machine: 1 snapshot<" in page


def test_summary_of_a_batch_shows_failures_where_there_are_some(batch, tmp_path):
    page = batch._repr_html_()
    assert f"{_html.TOP} of {len(batch)} rows" in page
    assert cells(page)[0].endswith("fernhollow_001.txt")
    (tmp_path / "notes.txt").write_text("nothing of ours\n")
    failed = hd.read_many([batch.paths[0], tmp_path / "notes.txt"])._repr_html_()
    assert "shown: failures" in failed
    assert "not_a_log" in cells(failed)


def test_summaries_of_snapshots_and_deltas_are_short(batch):
    first, second = batch.snapshots[:2]
    page = first._repr_html_()
    assert cells(page)[:2] == ["allocations", "0"]
    assert "machine: FERN-APP-02" in page
    delta = hd.diff(first, second)
    page = delta._repr_html_()
    assert f"{_html.TOP} of {delta.by('module').height} rows" in page
    assert cells(page)[0] == "fhpreview"
    assert cells(page)[2].startswith("+")


def test_summary_of_survival_tells_stacks_and_runs_apart(batch):
    series = hd.series(hd.read_many(batch.paths, blocks=True), runs="all")
    survival = series.survival()
    page = survival._repr_html_()
    assert f"{_html.TOP} of {survival.stacks.height} rows" in page
    worst = survival.stacks.row(0, named=True)
    assert cells(page)[0] == str(worst["run"])
    assert cells(page)[1].startswith(worst["function"])
    assert cells(page)[2] == str(worst["fingerprint"])
    assert "(2)" not in page
    alone = hd.series(hd.read_many(batch.paths[:3], blocks=True)).survival()._repr_html_()
    assert ">run</th>" not in alone
