"""`Series.growth`: for every key of every run, numbers from the core, a verdict, and the ranking of them."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._series import verdict
from heapdelta._series.keys import KEYS
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._native import Grid
    from heapdelta._series.timeline import Timeline

ADDRESS_SPACE_32 = 2 << 30
"""Bytes of a 32-bit program's address space on Windows, unless the system and the program agree on 3 or 4 GiB."""


def growth(series: Timeline, *, alpha: float, address_space: int | None, warm_up_hours: float) -> pl.DataFrame:
    """See `Series.growth`."""
    check_options(alpha, address_space, warm_up_hours)
    grid, keys = series._grid
    parts = []
    for points in series.points.partition_by("run", maintain_order=True):
        space = address_space if address_space is not None else _address_space(series, points)
        parts.append(of_run(grid, points, series._clock, alpha, space, warm_up_hours))
    judged = judge(pl.concat(parts), alpha=alpha, warm_up_hours=warm_up_hours, clock=series._clock)
    named = judged.join(keys, on="key", how="left", maintain_order="left")
    return _ranked(named, KEYS[series.by])


def judge(
    measured: pl.DataFrame, *, alpha: float, warm_up_hours: float, clock: bool, noun: str = "snapshot"
) -> pl.DataFrame:
    """Give measured curves of any number of runs their verdicts; a point of a curve is called by `noun`."""
    measured = measured.with_columns(q_values(measured).alias("q_value"))
    judged = verdict.judge(measured, alpha=alpha, warm_up_hours=warm_up_hours, clock=clock, noun=noun)
    return judged.with_columns(_pace()).with_columns(_exhaustion().alias("hours_to_exhaustion"))


def of_run(
    grid: Grid, points: pl.DataFrame, clock: bool, alpha: float, space: int | None, warm_up_hours: float
) -> pl.DataFrame:
    """Measure every curve of one run."""
    times = hours(points, clock=clock)
    warm_up = warm_up_hours if clock else 0.0
    middle, late = verdict.parts(times, warm_up)
    settled = verdict.settled(times, warm_up)
    first = int(points["point"][0])
    quantile = -NormalDist().inv_cdf(alpha / 2)
    share = verdict.FALL_SHARE
    curves = grid.curves(first, times, middle=middle, late=late, settled=settled, quantile=quantile, fall_share=share)
    held = points["requested_bytes"][-1]
    left = None if space is None or held is None or not clock else space - int(held)
    return pl.DataFrame(curves).with_columns(
        pl.lit(points["run"][0], dtype=pl.UInt32).alias("run"),
        pl.lit("bytes").alias("unit"),
        pl.lit(points.height, dtype=pl.UInt32).alias("points"),
        pl.lit(late[1] - late[0], dtype=pl.UInt32).alias("late_points"),
        pl.lit(points.height - settled, dtype=pl.UInt32).alias("settled_points"),
        pl.lit(times[-1] - times[0]).alias("span"),
        pl.lit(times[late[1] - 1] - times[late[0]] if late[1] > late[0] else 0.0).alias("late_span"),
        (pl.col("step_to") + first).alias("step_to"),
        pl.lit(None if left is None else float(max(left, 0)), dtype=pl.Float64).alias("bytes_left"),
    )


def _pace() -> list[pl.Expr]:
    """Tell how a key moves now: a leak that began late, or became faster, at the slope of its last third."""
    faster = (pl.col("verdict") == "leak") & (pl.col("late_low") > pl.col("slope_high"))
    parts = [
        ("pace", "late_slope", "slope"),
        ("pace_low", "late_low", "slope_low"),
        ("pace_high", "late_high", "slope_high"),
    ]
    return [pl.when(faster).then(late).otherwise(whole).alias(name) for name, late, whole in parts]


def _exhaustion() -> pl.Expr:
    return pl.when(pl.col("pace") > 0).then(pl.col("bytes_left") / pl.col("pace"))


def hours(points: pl.DataFrame, *, clock: bool) -> list[float]:
    """Tell the time of each point since the first, in hours; without a clock its number."""
    if not clock:
        return [float(number) for number in range(points.height)]
    since = points["taken_at"] - points["taken_at"][0]
    return [micros / 3.6e9 for micros in since.dt.total_microseconds().to_list()]


def q_values(measured: pl.DataFrame) -> pl.Series:
    """Adjust p-values by Benjamini and Hochberg, over all rows that change at all; the others have 1.

    Whether a curve changes says nothing about the order of its values, so leaving out those that do not keeps the rate
    of false discoveries, and thousands of stacks that never change do not hide one that leaks.
    """
    ranked = measured.select("p_value", tested=pl.col("max") > pl.col("min")).with_row_index("row")
    tested = ranked.filter("tested").sort("p_value", "row").with_row_index("rank", offset=1)
    raw = pl.col("p_value") * tested.height / pl.col("rank")
    adjusted = tested.with_columns(q=raw.cum_min(reverse=True).clip(upper_bound=1.0))
    joined = ranked.join(adjusted.select("row", "q"), on="row", how="left", maintain_order="left")
    # A curve that is not known has no chance either.
    return joined.select(pl.when(pl.col("p_value").is_not_null()).then(pl.col("q").fill_null(1.0)).alias("q"))["q"]


def _address_space(series: Timeline, points: pl.DataFrame) -> int | None:
    widths = {series.snapshots[point].pointer_width for point in points["point"].to_list()}
    return ADDRESS_SPACE_32 if widths == {32} else None


def _ranked(judged: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    size = [f"{name}_bytes" for name in ("first", "last", "min", "max")]
    numbers = ["count_delta", "slope", "slope_low", "slope_high", "late_slope", "pace", "pace_low", "pace_high"]
    numbers += ["rising_share", "p_value", "q_value"]
    shown = judged.select("run", *keys, *size, *numbers, "hours_to_exhaustion", "verdict", "reason")
    order = pl.col("verdict").replace_strict(verdict.ORDER, return_dtype=pl.UInt8)
    return shown.sort(
        [order, "pace", "run", *keys], descending=[False, True, False] + [False] * len(keys), nulls_last=True
    )


def check_options(alpha: float, address_space: int | None, warm_up_hours: float) -> None:
    """Refuse values that `growth` does not take."""
    if not 0 < alpha < 1:
        raise OptionError(f"expected alpha between 0 and 1, found {alpha}", kind="option")
    if address_space is not None and (isinstance(address_space, bool) or address_space <= 0):
        raise OptionError(f"expected bytes above 0 for address_space, found {address_space}", kind="option")
    if not 0 <= warm_up_hours < float("inf"):
        raise OptionError(f"expected hours from 0 for warm_up_hours, found {warm_up_hours}", kind="option")
