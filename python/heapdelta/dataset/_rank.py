"""`Dataset.rank`: which module, function or stack grew in how many cases, how fast, and what each run says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import Grid
from heapdelta._numbers import group_sums, sum_of, wide_difference, wide_sum
from heapdelta._ranking.measures import MEASURES
from heapdelta._series import growth
from heapdelta._series.verdict import MIN_POINTS
from heapdelta.dataset._keys import KEYS, keys_of, number, numbered
from heapdelta.dataset._reunited import doubtful_runs, sums_of

if TYPE_CHECKING:
    from heapdelta.blame import Allocators
    from heapdelta.dataset._tree import Tables

ALPHA, WARM_UP = 0.05, 24.0
TOO_FEW, LEAK = "too few snapshots", "leak"

_RUN = ["case", "run", "verdict", "requested_bytes_delta", "pace", "share"]


def ranking(tables: Tables, points: pl.DataFrame, by: str, allocators: Allocators, *, min_share: float) -> pl.DataFrame:
    """See `Dataset.rank`."""
    keys, numbers = keys_of(tables, by, allocators)
    doubtful = doubtful_runs(tables, points)
    settled = points.join(doubtful.select("run").unique(), on="run", how="anti", maintain_order="left")
    sums = _sums(tables, settled, numbers)
    if doubtful.height:
        keys, more = numbered(keys, sums_of(tables, doubtful, by, allocators), by)
        sums = pl.concat([sums, more.select(sums.columns).cast(sums.schema)])
    delta = pl.col("requested_bytes_delta")
    # Growth that is not known may be any.
    grown = _shares(_growth(sums, points)).filter(delta.is_null() | ((delta > 0) & (pl.col("share") >= min_share)))
    grown = grown.join(_seen(sums, points), on=["run", "key"], how="left", maintain_order="left")
    cases = points.select("run", "case").unique()
    grown = grown.join(cases, on="run", how="left", maintain_order="left").sort("key", "case", "run")
    leak = pl.col("verdict") == LEAK
    ranked = grown.group_by("key").agg(
        pl.col("case").filter(leak).n_unique().cast(pl.UInt32).alias("leak_cases"),
        pl.col("case").n_unique().cast(pl.UInt32).alias("cases"),
        pl.len().cast(pl.UInt32).alias("run_count"),
        sum_of(pl.col("requested_bytes_delta")).cast(pl.Int64, strict=False).alias("requested_bytes_delta"),
        pl.col("share").median(),
        pl.col("pace").median(),
        pl.col("pace").max().alias("max_pace"),
        pl.col("first").min().alias("first_seen"),
        pl.col("last").max().alias("last_seen"),
        pl.struct(_RUN).alias("runs"),
    )
    shown = KEYS[by]
    ranked = ranked.join(keys, on="key", how="left", maintain_order="left")
    order = ["leak_cases", "cases", "requested_bytes_delta", *shown]
    ranked = ranked.sort(order, descending=[True] * 3 + [False] * len(shown), nulls_last=True)
    return ranked.select(*shown, pl.exclude("key", *shown))


def _sums(tables: Tables, points: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Sum up the usage of every key at every point: ``run``, ``point``, ``key``, and the measures."""
    recorded = pl.col("stack_id").is_not_null().alias("recorded")
    usage = tables.scan("usage").select(number("capture"), recorded, number("fingerprint"), *MEASURES).collect()
    place = points.select(number("capture"), "run", "point")
    keyed = usage.join(place, on="capture", how="inner").join(
        numbers.with_columns(number("fingerprint")), on=["fingerprint", "recorded"], how="left", nulls_equal=True
    )
    return group_sums(keyed, ["run", "point", "key"], MEASURES)


def _seen(sums: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Tell when each key was first there in its run, and when last."""
    timed = sums.select("run", "point", "key").join(points.select("run", "point", "time"), on=["run", "point"])
    return timed.group_by("run", "key").agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))


def _growth(sums: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Tell of every run and key how much it grew, at which pace, and what it looks like."""
    counts = points.group_by("run", maintain_order=True).agg(
        pl.len().alias("points"), pl.col("time").first().alias("first"), pl.col("time").last().alias("last")
    )
    short = counts.filter(pl.col("points") < MIN_POINTS)
    ends = sums.join(short, on="run", how="inner")
    at_first, at_last = pl.col("point") == 0, pl.col("point") == pl.col("points") - 1
    size = pl.col("requested_bytes")
    ends = ends.group_by("run", "key").agg(
        # A key that a log has nothing of holds nothing there; a sum that is not known stays unknown.
        pl.when(at_first.any()).then(size.filter(at_first).first()).otherwise(0).alias("before"),
        pl.when(at_last.any()).then(size.filter(at_last).first()).otherwise(0).alias("after"),
        pl.col("first").first(),
        pl.col("last").first(),
        pl.col("points").first(),
    )
    hours = (pl.col("last") - pl.col("first")).dt.total_seconds(fractional=True) / 3600
    delta = wide_difference(pl.col("after"), pl.col("before")).cast(pl.Int64, strict=False)
    short_rows = ends.filter(pl.col("points") > 1).select(
        "run",
        "key",
        delta.alias("requested_bytes_delta"),
        pl.when(hours > 0).then(delta / hours).alias("pace"),
        pl.lit(TOO_FEW).alias("verdict"),
    )
    long = counts.filter(pl.col("points") >= MIN_POINTS)
    if long.is_empty():
        return short_rows
    return pl.concat(
        [short_rows, _judged(sums, points.join(long.select("run"), on="run", how="semi", maintain_order="left"))]
    )


def _judged(sums: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Judge the curves of runs that are long enough."""
    by_run = {run: rows for (run,), rows in sums.partition_by("run", as_dict=True).items()}
    measured, named = [], []
    for run in points.partition_by("run", maintain_order=True):
        which = int(run["run"][0])
        if which not in by_run:
            continue
        rows = by_run[which]
        keys = rows.select(pl.col("key").unique().sort()).with_row_index("place")
        cells = rows.join(keys, on="key", how="left").select(pl.col("place").alias("key"), "point", *MEASURES)
        overhead = run["writes_overhead"].fill_null(False).to_list()
        grid = Grid.of_sums(cells, keys=keys.height, overhead=overhead)
        timed = run.select("run", "point", pl.col("time").alias("taken_at"), pl.col("requested_bytes").cast(pl.UInt64))
        measured.append(growth.of_run(grid, timed, True, ALPHA, None, WARM_UP))
        named.append(keys.with_columns(pl.lit(which, pl.UInt32).alias("run")))
    if not measured:
        return pl.DataFrame(
            schema={
                "run": pl.UInt32,
                "key": pl.UInt32,
                "requested_bytes_delta": pl.Int64,
                "pace": pl.Float64,
                "verdict": pl.String,
            }
        )
    # Case by case, as its own series would be judged: what others sent does not change whether this is a leak.
    cases = points.select("run", "case").unique()
    by_case = pl.concat(measured).join(cases, on="run", how="left", maintain_order="left").partition_by("case")
    judged = pl.concat(
        growth.judge(rows.drop("case"), alpha=ALPHA, warm_up_hours=WARM_UP, clock=True) for rows in by_case
    )
    judged = judged.rename({"key": "place"}).join(pl.concat(named), on=["run", "place"], how="left")
    delta = wide_difference(pl.col("last_bytes"), pl.col("first_bytes")).cast(pl.Int64, strict=False)
    return judged.select("run", "key", delta.alias("requested_bytes_delta"), "pace", "verdict")


def _shares(grown: pl.DataFrame) -> pl.DataFrame:
    """Add which share of all that grew in its run a key has."""
    up = pl.col("requested_bytes_delta").clip(lower_bound=0)
    return grown.with_columns(
        (up / wide_sum(up.fill_null(0), may_lack=False).over("run").cast(pl.Float64)).alias("share")
    )
