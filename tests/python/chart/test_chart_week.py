"""The charts of a series on days of the synthetic server, and what they refuse."""

from datetime import timedelta
from itertools import pairwise

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart, testing
from heapdelta.chart import _data

KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return testing.write_series(tmp_path_factory.mktemp("days"), days=4, stack_count=120, restart_after=56)


@pytest.fixture(scope="module")
def batch(story):
    return hd.read_many(story.paths)


@pytest.fixture(scope="module")
def week(batch):
    return hd.series(batch, runs="all")


def datasets(drawn):
    return drawn.to_dict()["datasets"]


@pytest.mark.parametrize("by", ["module", "function", "stack"])
def test_areas_of_a_series_reach_the_totals_that_were_counted_while_writing(story, batch, by):
    rows = datasets(chart.growth(hd.series(batch, runs="all", by=by), style="stacked"))["lines"]
    unit = next(size for size in (MIB, KIB) if max(row["end"] for row in rows) * size < 8 * 1024 * MIB)
    tops = {}
    for row in rows:
        tops[row["when"]] = max(tops.get(row["when"], 0), row["end"])
    assert len(tops) == len(story.answers)
    for answer in story.answers:
        assert tops[answer.taken_at] * unit == pytest.approx(answer.total.requested_bytes, abs=1)


def test_the_leak_and_the_cache_are_named_with_their_verdicts(story, week):
    labels = [row["label"] for row in datasets(chart.growth(week))["labels"]]
    leak = next(label for label in labels if label.startswith(f"{story.culprit}: "))
    cache = next(label for label in labels if label.startswith(f"{story.cache}: "))
    assert "leak" in leak
    assert "leak" not in cache
    last, first = story.answers[-1].modules, story.answers[story.restart_point].modules
    grown = last[story.culprit].requested_bytes - first[story.culprit].requested_bytes
    assert _data.bytes_text(grown, signed=True) in leak


def test_the_restart_is_a_rule_where_it_was(story, week):
    (found,) = datasets(chart.growth(week))["breaks"]
    before, after = story.answers[story.restart_point - 1], story.answers[story.restart_point]
    assert found["text"] == "restart"
    assert found["about"] == f"restart, between {before.taken_at} and {after.taken_at}"


def test_logs_that_are_missing_break_the_lines(story, batch):
    kept = [log for place, log in enumerate(batch) if place not in (4, 5, 6, 7)]
    drawn = datasets(chart.growth(hd.series(kept, runs="all")))
    (gap,) = (row for row in drawn["breaks"] if not row["restart"])
    assert gap["text"] == "no log for 20 h"
    leak = [row for row in drawn["lines"] if row["name"] == story.culprit]
    assert [row["part"] for row in leak][:5] == [leak[0]["part"]] * 4 + [leak[4]["part"]]
    assert len({row["part"] for row in leak}) == 3


def test_labels_stand_apart(batch):
    labels = datasets(chart.growth(hd.series(batch, runs="all", by="stack"), top=40))["labels"]
    places = [row["place"] for row in labels]
    assert all(upper > lower for upper, lower in pairwise(places))


def test_slopes_of_a_series_are_those_of_its_growth(story, week):
    drawn = chart.slope(week, top=5).to_dict()
    growth = week.growth()
    rows = drawn["datasets"]["slopes"]
    assert rows[0]["name"].startswith(f"{story.culprit}, run ")
    steepest = growth.filter(pl.col("module") == story.culprit)["slope"].max()
    assert rows[0]["slope"] * MIB == pytest.approx(steepest) or rows[0]["slope"] * KIB == pytest.approx(steepest)
    assert f"{growth.height - len(rows):,} more rows" in drawn["title"]["subtitle"][1]
    by_name = hd.series(hd.group(week.snapshots)[0], order="name")
    assert "per step" in chart.slope(by_name).to_dict()["title"]["text"]


def test_inclusive_sums_are_lines_without_a_rest(batch):
    inclusive = hd.series(batch, runs="all", inclusive=True)
    drawn = chart.growth(inclusive, top=3).to_dict()
    assert len({row["name"] for row in drawn["datasets"]["lines"]}) == 3
    assert drawn["title"]["subtitle"][1].startswith("inclusive sums overlap; ")
    with pytest.raises(hd.exceptions.OptionError, match="style='lines' for inclusive sums, which overlap"):
        chart.growth(inclusive, style="stacked")


def test_options_that_do_not_fit_are_refused(batch, week):
    error = hd.exceptions.OptionError
    with pytest.raises(error, match="expected style lines or stacked, found 'bars'"):
        chart.growth(week, style="bars")
    with pytest.raises(error, match="expected style='lines' for snapshots, found 'stacked'"):
        chart.growth(*batch.snapshots[:2], style="stacked")
    with pytest.raises(error, match="expected by='module' for this series, found 'function'") as caught:
        chart.growth(week, by="function")
    assert caught.value.hint == "heapdelta.series(snapshots, by='function') makes the other"
    with pytest.raises(error, match="expected heaps of one run, found 2 runs"):
        chart.growth(hd.series(batch, runs="all", by="heap"))
    with pytest.raises(error, match="expected a top of 1 to 200 for a series, found 300"):
        chart.growth(week, top=300)
    with pytest.raises(error, match="expected a top of 1 to 1000, found 0"):
        chart.slope(week, top=0)
    with pytest.raises(TypeError, match="expected a Series, found Batch"):
        chart.slope(batch)
    with pytest.raises(TypeError, match="found a Series, which is drawn alone"):
        chart.growth(week, batch.snapshots[0])


def test_heaps_of_one_run_and_two_logs_alone_are_drawn(batch):
    run = hd.group(batch)[0]
    names = {row["name"] for row in datasets(chart.growth(hd.series(run, by="heap")))["lines"]}
    assert any(name.startswith("heap ") for name in names)
    labels = datasets(chart.growth(hd.series(run.snapshots[:2])))["labels"]
    assert sum(row["label"].endswith("too few snapshots") for row in labels) >= 2


def test_times_are_drawn_as_the_customers_clock_shows_them(week):
    rows = datasets(chart.growth(week))["lines"]
    assert rows[0]["at"] == "2024-03-11T09:00:00Z"
    encodings = [layer["encoding"].get("x", {}) for layer in chart.growth(week).to_dict()["layer"]]
    scales = [x["scale"] for x in encodings if x.get("type") == "temporal"]
    assert scales
    assert all(scale["type"] == "utc" for scale in scales)


def test_pictures_of_a_series_can_be_saved(week, tmp_path):
    lines, areas = chart.growth(week), chart.growth(week, style="stacked")
    for number, drawn in enumerate((lines, areas, chart.slope(week))):
        assert chart.save(drawn, tmp_path / f"{number}.png").stat().st_size > 5_000
    text = chart.save(lines, tmp_path / "week.svg").read_text(encoding="utf-8")
    assert ">restart</text>" in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_days_are_told_in_the_title(week):
    first, last = week.points["taken_at"][0], week.points["taken_at"][-1]
    assert last - first == timedelta(hours=92)
    assert chart.growth(week).to_dict()["title"]["subtitle"][0] == (
        "24 logs of 2 runs, from 11 Mar 2024 09:00 to 15 Mar 2024 05:00"
    )
