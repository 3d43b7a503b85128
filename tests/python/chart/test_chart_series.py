"""Charts of growth over many snapshots: the numbers they show, not their looks."""

from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from heapdelta.chart import _data, _series, _series_lines, _time_axis
from small_curves import SmallCurves

KIB = 1 << 10


def lines(series, top=8, *, overlap=False):
    return _series_lines.series_lines(series.table, series.growth, series.points, top, overlap=overlap)


def draw(series, top=8, *, stacked=False):
    drawn = _series.draw(lines(series, top), series.points, stacked=stacked)
    return drawn.to_dict()["datasets"]


def a_server():
    """Ten modules over twelve logs, restarted before the eighth, no log for a day before the fourth."""
    curves = {
        "leak": [100 * KIB * (1 + point) for point in range(7)] + [100 * KIB * point for point in range(5)],
        "cache": [500 * KIB] * 7 + [0, 300 * KIB, 400 * KIB, 450 * KIB, 470 * KIB],
        "drip": [1000 + point for point in range(7)] + [1000 + point for point in range(5)],
        **{f"still{number}": [KIB * number] * 12 for number in range(6)},
        "wave": [40 * KIB, 0, 40 * KIB, 0, 40 * KIB, 0, 40 * KIB, 0, 40 * KIB, 0, 40 * KIB, 0],
    }
    verdicts = {"leak": ["leak", "leak"], "cache": ["plateau", "warming up"], "drip": ["leak", "noise"]}
    return SmallCurves(curves, restarts=[7], gaps=[3], verdicts=verdicts)


@pytest.mark.parametrize("top", [1, 2, 3, 8, 100])
def test_all_lines_together_are_the_total_at_every_log(top):
    series = a_server()
    found = lines(series, top).rows.group_by("point").agg(pl.col("bytes").sum()).sort("point")
    assert found["bytes"].to_list() == series.points["requested_bytes"].to_list()
    growth = lines(series, top).rows.group_by("run", "point").agg(pl.col("growth").sum()).sort("point")
    totals = series.points.select("run", pl.col("requested_bytes").cast(pl.Int64).alias("total"))
    assert (
        growth["growth"].to_list()
        == totals.select(pl.col("total") - pl.col("total").first().over("run"))["total"].to_list()
    )


def test_what_moved_most_has_a_line_and_the_rest_is_one_that_names_their_number():
    found = lines(a_server(), top=2)
    assert set(found.names) == {"leak", "cache", "8 more modules, 1 of them a leak"}
    assert found.rows.filter("folded")["name"].unique().to_list() == ["8 more modules, 1 of them a leak"]


def test_a_small_leak_has_a_line_where_other_small_changes_have_none():
    series = a_server()
    assert set(lines(series).names) == {"leak", "cache", "wave", "drip", "6 more modules"}
    series.verdicts["drip"] = ["noise", "noise"]
    assert set(lines(series).names) == {"leak", "cache", "wave", "7 more modules"}


def test_a_single_one_left_over_keeps_its_name():
    series = SmallCurves({"a": [0, 900, 1800], "b": [5, 5, 5]})
    assert set(lines(series, top=1).names) == {"a", "b"}


def test_nothing_that_changed_is_said_in_words():
    found = lines(SmallCurves({"a": [7, 7], "b": [5, 5]}))
    assert found.names == ["2 modules, unchanged"]
    assert found.verdict("2 modules, unchanged") == ""


def test_growth_starts_at_zero_in_each_run():
    rows = lines(a_server()).rows
    first = rows.filter(pl.col("point") == pl.col("point").min().over("name", "run"))
    assert first.height == 2 * rows["name"].n_unique()
    assert set(first["growth"]) == {0}
    assert rows.filter(name="leak", point=11)["growth"].item() == 400 * KIB


def test_lines_are_broken_at_gaps_and_restarts():
    rows = lines(a_server()).rows.filter(name="leak")
    parts = rows.group_by("part", maintain_order=True).agg("point")["point"].to_list()
    assert parts == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10, 11]]


def test_verdicts_of_runs_are_told_in_their_order():
    found = lines(a_server())
    assert found.verdict("leak") == "leak"
    assert found.verdict("cache") == "plateau, then warming up"
    assert found.verdict("6 more modules") == ""
    labels = {row["label"] for row in draw(a_server())["labels"]}
    assert "cache: +470 KiB, plateau, then warming up" in labels
    assert "leak: +400 KiB, leak" in labels
    assert _series_lines.verdict_text(["noise", "leak", "leak"]) == "leak in 2 of 3 runs"
    assert _series_lines.verdict_text([]) == ""


def test_a_key_that_a_run_does_not_have_is_absent_there():
    series = SmallCurves({"a": [0, 5, 900, 0, 0], "b": [0, 0, 0, 9, 99]}, restarts=[3])
    growth = series.growth.filter(~((pl.col("module") == "a") & (pl.col("run") == 1)))
    found = _series_lines.series_lines(series.table, growth, series.points, 8, overlap=False)
    assert found.verdict("a") == "noise, then absent"


def test_the_mark_at_the_end_of_each_run_is_filled_for_a_leak_only():
    ends = [row for row in draw(a_server())["lines"] if row["last"] and row["verdict"]]
    filled = {(row["name"], row["verdict"]) for row in ends if row["inside"] == row["colour"]}
    assert filled == {("leak", "leak"), ("drip", "leak")}
    assert {row["verdict"] for row in ends if row["inside"] == "white"} == {"plateau", "warming up", "noise"}


def test_restarts_and_gaps_are_named_with_their_length():
    found = _series_lines.breaks(a_server().points)
    assert [(one.earlier, one.later, one.text, one.restart) for one in found] == [
        (2, 3, "no log for 1 d", False),
        (6, 7, "restart", True),
    ]
    other = a_server().points.with_columns(pl.lit(False).alias("restart"))
    assert _series_lines.breaks(other)[1].text == "another process"


def test_words_above_a_picture_do_not_hide_each_other():
    count = 200
    series = SmallCurves({"a": list(range(count))}, restarts=range(5, count, 7), gaps=range(3, count, 5))
    words = [row for row in draw(series)["breaks"] if row["text"]]
    assert len(words) > 5
    for height in {row["height"] for row in words}:
        row = [(word["place"], len(word["text"])) for word in words if word["height"] == height]
        for (left, length), (right, following) in pairwise(row):
            assert right - left > 5 * (length + following) / 2


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(minutes=45), "45 min"),
        (timedelta(hours=20), "20 h"),
        (timedelta(hours=2, minutes=30), "2 h 30 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
        (timedelta(days=2, minutes=10), "2 d"),
    ],
)
def test_durations_are_two_units_at_most(length, text):
    assert _series_lines.duration_text(length) == text


def test_a_gap_without_a_time_has_no_number():
    assert _series_lines.gap_text(None, datetime(2024, 3, 11)) == "no log"


@pytest.mark.parametrize("top", [1, 3, 100])
def test_areas_stand_on_each_other_and_reach_the_total(top):
    series = a_server()
    rows = draw(series, top, stacked=True)["lines"]
    for point, total in enumerate(series.points["requested_bytes"]):
        when = series.points["taken_at"][point].strftime("%Y-%m-%d %H:%M")
        column = [row for row in rows if row["when"] == when]
        assert column[0]["begin"] == 0
        assert column[0]["folded"] or top == 100
        for below, above in pairwise(column):
            assert below["end"] == above["begin"]
        # The axis is in KiB.
        assert column[-1]["end"] * KIB == total


def test_many_logs_stay_below_the_limit_of_marks_and_keep_the_ends_of_every_part():
    count = 9_000
    curves = {f"m{number}": [number * point for point in range(count)] for number in range(12)}
    series = SmallCurves(curves, restarts=[4_001], gaps=[17, 7_003])
    rows = lines(series, top=8).rows
    assert rows.height <= _data.MARKS
    kept = set(rows["point"])
    assert {0, 16, 17, 4_000, 4_001, 7_002, 7_003, 8_999} <= kept
    found = rows.group_by("point").agg(pl.col("bytes").sum()).join(series.points, on="point")
    assert (found["bytes"] == found["requested_bytes"].cast(pl.Int64)).all()


def test_many_breaks_stay_below_the_limit_of_marks_too():
    count = 3_000
    curves = {f"m{number}": [number * point for point in range(count)] for number in range(60)}
    series = SmallCurves(curves, gaps=range(2, count, 2))
    found = draw(series, top=50)
    assert sum(map(len, found.values())) <= _data.MARKS
    assert {row["when"][:10] for row in found["lines"]} >= {
        "2024-03-11",
        series.points["taken_at"][-1].date().isoformat(),
    }


def test_stacks_of_one_function_are_told_apart_by_their_fingerprint():
    def key(fingerprint, function):
        return {"fingerprint": fingerprint, "module": "app", "function": function, "depth": 4, "status": "ok"}

    keys = {"a": key(0xABCDEF0000000001, "grow"), "b": key(0x0000120000000002, "grow"), "c": key(3, "other")}
    series = SmallCurves({"a": [0, 500], "b": [0, 400], "c": [0, 300]}, keys=keys)
    assert lines(series).names == ["app!grow  #ABCDEF", "app!grow  #000012", "app!other  #000000"]


def test_only_stacks_that_are_shown_make_digits_more():
    def key(fingerprint):
        return {"fingerprint": fingerprint, "module": "app", "function": "grow", "depth": 4, "status": "ok"}

    curves = {"a": [0, 500], "b": [0, 400], "c": [0, 0], "d": [0, 0], "e": [0, 0]}
    numbers = (0xABCDEF0100000000, 0x1200000000000000, 0xABCDEF0200000000, 0x1200000100000000, 5)
    series = SmallCurves(curves, keys=dict(zip(curves, map(key, numbers), strict=True)))
    assert lines(series).names[:2] == ["app!grow  #ABCDEF", "app!grow  #120000"]
    both = SmallCurves(curves | {"c": [0, 300]}, keys=series.keys)
    assert lines(both).names[:3] == ["app!grow  #ABCDEF01", "app!grow  #120000", "app!grow  #ABCDEF02"]


def test_inclusive_sums_have_no_line_for_the_rest():
    found = lines(a_server(), top=2, overlap=True)
    assert set(found.names) == {"leak", "cache"}
    assert found.left_out == 8


def test_a_series_without_a_clock_is_drawn_by_its_steps():
    series = SmallCurves({"a": [0, 5, 9]}, source="name")
    assert not _time_axis.timed(series.points)
    assert [row["at"] for row in draw(series)["lines"]] == [0, 1, 2]
    assert draw(SmallCurves({"a": [0, 5, 9]}))["lines"][1]["at"] == "2024-03-11T13:00:00Z"


def test_runs_side_by_side_are_not_drawn_over_one_clock():
    points = SmallCurves({"a": [0, 5, 9, 0, 5, 9]}, restarts=[3]).points
    assert _time_axis.timed(points)
    start = pl.col("taken_at").first()
    assert not _time_axis.timed(points.with_columns(start + pl.duration(hours=pl.col("point") % 3)))
