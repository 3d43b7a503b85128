"""`DumpSeries.growth`: for every counter of every run, numbers from the core, a verdict, and the ranking.

A counter is judged by the dumps that tell it: what a dump lacks is no point of its curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import Grid
from heapdelta._series import growth, verdict
from heapdelta._series.dump_counters import PLACES, VIRTUAL_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VALUES = ("first", "last", "min", "max")
_NUMBERS = (
    *("slope", "slope_low", "slope_high", "late_slope", "pace", "pace_low", "pace_high", "rising_share"),
    *("p_value", "q_value", "hours_to_exhaustion", "verdict", "reason"),
)


def of_counters(
    amounts: pl.DataFrame,
    points: pl.DataFrame,
    *,
    keys: Sequence[str],
    clock: bool,
    alpha: float,
    spaces: Mapping[int, int | None],
    warm_up_hours: float,
    threads: int | None,
) -> pl.DataFrame:
    """See `DumpSeries.growth`; `spaces` gives the address space of each run, where it is known."""
    parts = [
        _measured(curves, points.filter(pl.col("point").is_in(told)), spaces[run], clock, alpha, warm_up_hours, threads)
        for run in points["run"].unique(maintain_order=True).to_list()
        for told, curves in _by_points(amounts.filter(pl.col("run") == run), keys).items()
    ]
    if not parts:
        of_keys = {name: amounts.schema[name] for name in keys}
        return pl.DataFrame(schema={"run": pl.UInt32, **of_keys, **_NUMBER_SCHEMA})
    judged = growth.judge(pl.concat(parts), alpha=alpha, warm_up_hours=warm_up_hours, clock=clock, noun="dump")
    return _ranked(judged, keys)


def _by_points(amounts: pl.DataFrame, keys: Sequence[str]) -> dict[tuple[int, ...], pl.DataFrame]:
    """Put counters together that the same dumps tell."""
    told = amounts.drop_nulls("value").group_by(keys, maintain_order=True).agg("point", "value")
    places: dict[tuple[int, ...], list[int]] = {}
    for place, points in enumerate(told["point"].to_list()):
        places.setdefault(tuple(points), []).append(place)
    return {points: told[rows] for points, rows in places.items()}


def _measured(
    curves: pl.DataFrame,
    points: pl.DataFrame,
    space: int | None,
    clock: bool,
    alpha: float,
    warm_up_hours: float,
    threads: int | None,
) -> pl.DataFrame:
    """Measure counters that all these points tell."""
    numbers = points["point"].to_list()
    keyed = curves.with_row_index("key")
    cells = keyed.select("key", "value").explode("value").rename({"value": "requested_bytes"})
    cells = cells.with_columns(
        (pl.int_range(pl.len(), dtype=pl.UInt32) % len(numbers)).alias("point"),
        pl.lit(None, dtype=pl.UInt64).alias("overhead_bytes"),
        pl.lit(0, dtype=pl.UInt64).alias("allocation_count"),
    )
    grid = Grid.of_sums(cells, keys=keyed.height, overhead=[False] * len(numbers), threads=threads)
    placed = points.select(
        "run",
        "taken_at",
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("point"),
        # Only what the address space has left is asked of it, and that depends on the counter here.
        pl.lit(None, dtype=pl.UInt64).alias("requested_bytes"),
    )
    measured = growth.of_run(grid, placed, clock, alpha, None, warm_up_hours).drop("unit")
    measured = measured.join(keyed.drop("point", "value"), on="key", how="left", maintain_order="left")
    step = pl.col("step_to").replace_strict(dict(enumerate(numbers)), default=None, return_dtype=pl.UInt32)
    return measured.with_columns(step, _left(measured, space if clock else None).alias("bytes_left"))


def _left(measured: pl.DataFrame, space: int | None) -> pl.Expr:
    """Bytes of the address space that are left: `virtual_size` counts what is taken of it, other counters do not."""
    if space is None or "counter" not in measured.columns:
        return pl.lit(None, dtype=pl.Float64)
    left = (space - pl.col("last_bytes").cast(pl.Int128)).clip(lower_bound=0).cast(pl.Float64)
    return pl.when(pl.col("counter") == VIRTUAL_SIZE).then(left)


def _ranked(judged: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    values = [pl.col(f"{name}_bytes").alias(f"{name}_value") for name in _VALUES]
    order = pl.col("verdict").replace_strict(verdict.ORDER, return_dtype=pl.UInt8)
    ranked = judged.select("run", *keys, pl.col("points").alias("dumps"), *values, *_NUMBERS)
    if "counter" not in keys:
        rest = [name for name in keys if name not in ("unit", "status")]
        down = [False, True, False, *[False] * len(rest)]
        return ranked.sort([order, "pace", "run", *rest], descending=down, nulls_last=True)
    place = pl.col("counter").replace_strict(PLACES, return_dtype=pl.UInt8)
    return ranked.sort(
        [order, place, "pace", "run", "handle_type"],
        descending=[False, False, True, False, False],
        # All handles together come before those of a type.
        nulls_last=[True, True, True, True, False],
    )


_NUMBER_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "dumps": pl.UInt32,
    **{f"{name}_value": pl.UInt64 for name in _VALUES},
    **dict.fromkeys(_NUMBERS[:-2], pl.Float64),
    "verdict": pl.String,
    "reason": pl.String,
}
