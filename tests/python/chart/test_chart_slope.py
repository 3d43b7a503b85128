"""Ranked slopes: who is drawn, where the intervals end, and what is said of the rest."""

import polars as pl
import pytest
from heapdelta.chart import _slope
from small_curves import SmallCurves

KIB = 1 << 10


def a_growth(restarts=()):
    curves = {
        "drip": [0, 10 * KIB, 20 * KIB, 30 * KIB],
        "flood": [0, 500 * KIB, 1000 * KIB, 1500 * KIB],
        "ebb": [900 * KIB, 600 * KIB, 300 * KIB, 0],
        "still": [5, 5, 5, 5],
    }
    verdicts = {"drip": ["leak", "leak"], "flood": ["warming up", "leak"], "ebb": ["shrinking", "noise"]}
    return SmallCurves(curves, restarts=restarts, verdicts=verdicts).growth


def drawn(growth, top=10, per="hour"):
    return _slope.draw(_slope.slope_rows(growth, top)[0], per).to_dict()


def slopes(growth, top=10, per="hour"):
    return drawn(growth, top, per)["datasets"]["slopes"]


def test_the_steepest_stands_at_the_top():
    assert [row["name"] for row in slopes(a_growth())] == ["flood", "drip", "ebb"]


def test_leaks_are_drawn_before_anything_steeper():
    rows, rest = _slope.slope_rows(a_growth(), 1)
    assert rows["name"].to_list() == ["drip"]
    assert rest["name"].to_list() == ["flood", "ebb", "still"]


def test_the_rest_is_told_with_its_number_and_its_range():
    _, rest = _slope.slope_rows(a_growth(), 1)
    assert _slope.rest_text(rest, "modules", "hour") == (
        "3 more modules between -75.0 KiB/h and +125 KiB/h are not drawn"
    )
    _, one = _slope.slope_rows(a_growth(), 3)
    assert one["name"].to_list() == ["still"]
    assert _slope.rest_text(one, "modules", "hour") == "1 more, 0 bytes/h, is not drawn"
    assert _slope.rest_text(one.clear(), "modules", "hour") is None
    leaks = rest.with_columns(verdict=pl.lit("leak"))
    assert "3 more modules (3 leaks among them) between" in _slope.rest_text(leaks, "modules", "step")


def test_slopes_too_small_to_be_seen_are_not_drawn_unless_they_leak():
    growth = a_growth()
    small = growth.with_columns(
        pl.when(pl.col("module") == "still").then(5e5).otherwise("slope_high").alias("slope_high")
    )
    assert "still" in {row["name"] for row in slopes(small)}
    leaking = growth.with_columns(
        verdict=pl.when(pl.col("module") == "still").then(pl.lit("leak")).otherwise("verdict")
    )
    assert "still" in {row["name"] for row in slopes(leaking)}


def test_several_runs_have_a_line_each():
    names = [row["name"] for row in slopes(a_growth(restarts=[2]))]
    assert len(names) == len(set(names)) == 6
    assert {"drip, run 0", "drip, run 1"} <= set(names)


def test_marks_and_words_tell_the_verdict():
    rows = {row["name"]: row for row in slopes(a_growth())}
    assert rows["drip"]["words"] == "leak, +2.50 KiB/h"
    assert rows["drip"]["inside"] == rows["drip"]["colour"]
    assert rows["flood"]["inside"] == "white"
    assert rows["ebb"]["words"] == "shrinking, -75.0 KiB/h"
    assert rows["drip"]["interval"] == "+2.49 KiB/h to +2.52 KiB/h"
    assert slopes(a_growth(), per="step")[0]["words"] == "warming up, +125 KiB/step"


def test_intervals_are_drawn_whole_and_endless_ones_end_in_an_arrow():
    growth = a_growth().with_columns(
        slope_high=pl.when(pl.col("module") == "still").then(1e12).otherwise("slope_high"),
        slope_low=pl.when(pl.col("module") == "still").then(-1e12).otherwise("slope_low"),
    )
    rows = {row["name"]: row for row in slopes(growth)}
    assert rows["still"]["cut_low"]
    assert rows["still"]["cut_high"]
    assert rows["still"]["high"] == pytest.approx(1.6 * rows["flood"]["slope"])
    assert not rows["flood"]["cut_high"]
    assert rows["flood"]["low"] < rows["flood"]["slope"] < rows["flood"]["high"]


def test_keys_without_a_slope_are_not_drawn_and_intervals_may_be_unknown():
    growth = a_growth().with_columns(
        slope=pl.when(pl.col("module") == "ebb").then(None).otherwise("slope"),
        slope_low=pl.lit(None, dtype=pl.Float64),
        slope_high=pl.lit(None, dtype=pl.Float64),
    )
    rows, rest = _slope.slope_rows(growth, 10)
    assert (rows.height, rest.height) == (2, 1)
    found = slopes(growth)
    assert {row["interval"] for row in found} == {"not known"}
    assert all(row["low"] == row["slope"] == row["high"] for row in found)


def test_without_any_growth_the_axis_still_stands():
    growth = SmallCurves({"a": [5, 5], "b": [7, 7]}).growth
    assert [row["slope"] for row in slopes(growth)] == [0, 0]
    nothing = growth.clear()
    assert slopes(nothing) == []
