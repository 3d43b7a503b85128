"""The rules by which a curve gets its verdict. Every number is here, and in ``docs/series.md`` with its reason.

The first rule that fits decides, in the order of `judge`. Statistics tell whether a curve moves at all; its last third
tells whether it still does.
"""

from __future__ import annotations

import math

import polars as pl

from heapdelta._series import reason

MIN_POINTS = 6
"""Below this many snapshots of one run nothing is said: with five, chance alone lines up one curve in sixty."""

MIN_LATE_POINTS = 4
"""Snapshots that the last third must have, and those after the first hours, before growth is called a leak."""

STEADY = 0.7
"""The last third is slower if its slope is less than this share of the middle third's, and its interval says so too: it
lies below that of the whole curve, or below `SLOWER` of the middle third's slope."""

SLOWER = 0.8
"""See `STEADY`."""

BAND = 0.1
"""The last third is level if it covers at most this share of the curve's whole range."""

STEP_SHARE = 0.6
"""A step lifts the level (the median) by at least this share of the range: a straight line does so by half."""

STEP_SIDES = 0.5
"""On either side of a step the curve reaches at most this share of the step: a straight line reaches as far as it."""

FALL_SHARE = 0.4
"""A fall of this share of the curve's range is a large one."""

FALLS = 2
"""This many large falls make a sawtooth."""

FLOOR = 0.25
"""The lows of a sawtooth lie at most this share of the range apart: it does not rise."""

FILLED = 0.75
"""What comes after a fill covers at most this share of the whole range: the fill hides falls that are large for what
follows."""

TURNS = -2.326
"""A curve with fewer turns than this, in standard deviations from random order (1 in 100), keeps its way for steps."""

LATE_ALPHA = 0.05
"""Chance below which the last third rises by itself."""

LEVEL_ALPHA = 0.01
"""The same for a last third that is level: nearly every cache has one."""

LEAK = "leak"
"""The verdict that no summary leaves out."""

VERDICTS = (LEAK, "not known", "warming up", "sawtooth", "plateau", "noise", "shrinking", "too few snapshots")
"""All verdicts, in the order of the ranking."""

ORDER = {verdict: place for place, verdict in enumerate(VERDICTS)}


def parts(times: list[float], warm_up: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Tell the points of the middle third, and those of the last third that lie after the first hours.

    A third has at least `MIN_LATE_POINTS`, so thirds of a short series overlap.
    """
    count = len(times)
    size = min(count, max(MIN_LATE_POINTS, math.ceil(count / 3)))
    begin = (count - size) // 2
    after = next((place for place, time in enumerate(times) if time - times[0] >= warm_up), count)
    return (begin, begin + size), (max(count - size, after), count)


def settled(times: list[float], warm_up: float) -> int:
    """Tell where the settled part begins: after the first third and the first hours.

    Where it would have fewer than `MIN_POINTS` there is none, and the number is that of all points.
    """
    late = next((place for place, time in enumerate(times) if time - times[0] >= warm_up), len(times))
    begin = max(len(times) // 3, late)
    return begin if len(times) - begin >= MIN_POINTS else len(times)


def judge(
    measured: pl.DataFrame, *, alpha: float, warm_up_hours: float, clock: bool, noun: str = "snapshot"
) -> pl.DataFrame:
    """Add ``verdict`` and ``reason`` to the numbers of the core."""
    span = pl.col("max") - pl.col("min")
    moves = (pl.col("q_value") <= alpha) & (span > 0)
    level = (pl.col("late_max") - pl.col("late_min") <= BAND * span) & (pl.col("late_points") >= MIN_LATE_POINTS)
    saw = _sawtooth(span, pl.col("points"), "")
    later_span = pl.col("settled_max") - pl.col("settled_min")
    filled = (later_span > BAND * span) & (later_span <= FILLED * span)
    later_saw = filled & _sawtooth(later_span, pl.col("settled_points"), "settled_")
    lifted = (pl.col("level_rise") >= STEP_SHARE * span) & (pl.col("side_spread") <= STEP_SIDES * pl.col("level_rise"))
    stepped = lifted & (pl.col("rest_p_value") > LEVEL_ALPHA)
    young = pl.col("late_points") < MIN_LATE_POINTS
    late_up = pl.col("late_slope") > 0
    surely = late_up & (pl.col("late_p_value") <= pl.when(level).then(LEVEL_ALPHA).otherwise(LATE_ALPHA))
    surely_slower = (pl.col("late_high") < pl.col("slope_low")) | (
        pl.col("late_high") < SLOWER * pl.col("middle_slope")
    )
    slower = (pl.col("late_slope") < STEADY * pl.col("middle_slope")) & surely_slower
    rules: list[tuple[pl.Expr, str, str]] = [
        (pl.col("unknown_points") > 0, "not known", "unknown"),
        (pl.col("points") < MIN_POINTS, "too few snapshots", "few"),
        (span == 0, "plateau", "constant"),
        (saw, "sawtooth", "sawtooth"),
        (later_saw, "sawtooth", "later sawtooth"),
        (moves & (pl.col("score") < 0), "shrinking", "shrinking"),
        (stepped, "plateau", "step"),
        (moves & young, "warming up", "young"),
        (moves & surely & ~slower, "leak", "leak"),
        (moves & level, "plateau", "level"),
        (moves & late_up & ~slower, "leak", "leak"),
        (moves & late_up, "warming up", "slowing"),
        (moves, "plateau", "stopped"),
        (level & (pl.col("late_min") > pl.col("first") + BAND * span), "plateau", "level"),
        (pl.lit(True), "noise", "noise"),
    ]
    verdict, rule = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    for condition, name, why in reversed(rules):
        verdict = pl.when(condition).then(pl.lit(name)).otherwise(verdict)
        rule = pl.when(condition).then(pl.lit(why)).otherwise(rule)
    judged = measured.with_columns(verdict.alias("verdict"), rule.alias("rule"))
    words = reason.reasons(judged, alpha=alpha, warm_up_hours=warm_up_hours, clock=clock, still=LEVEL_ALPHA, noun=noun)
    return judged.with_columns(words)


def _sawtooth(span: pl.Expr, points: pl.Expr, part: str) -> pl.Expr:
    """Large falls to level ground, and few turns."""
    on_level_ground = (pl.col(f"{part}falls") >= FALLS) & (pl.col(f"{part}floor") <= FLOOR * span)
    return on_level_ground & (_turns_score(pl.col(f"{part}turns"), points) <= TURNS)


def _turns_score(turns: pl.Expr, points: pl.Expr) -> pl.Expr:
    """Compare the number of turns with that of a random order (Bienaymé): 2 (n - 2) / 3, variance (16 n - 29) / 90."""
    count = points.cast(pl.Float64)
    expected, variance = 2 * (count - 2) / 3, (16 * count - 29) / 90
    return (turns.cast(pl.Float64) - expected) / variance.sqrt()
