"""Runs in which a module was unloaded, or was not yet in the list: their stacks are what the whole run knows of them.

Inside one run the same trace id with the same raw addresses is the same stack (see `heapdelta._capture.one_run`). The
few runs to which that may matter are put together as snapshots; the others are summed up as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture.one_run import together
from heapdelta._ranking.labels import hexadecimal
from heapdelta._ranking.measures import MEASURES
from heapdelta._series.keys import grid_of
from heapdelta.dataset._keys import KEYS
from heapdelta.dataset._restore import snapshots

if TYPE_CHECKING:
    from heapdelta.blame import Allocators
    from heapdelta.dataset._tree import Tables


def doubtful_runs(tables: Tables, points: pl.DataFrame) -> pl.DataFrame:
    """Give the points of runs whose module lists differ, and in which one trace id stands for several stacks."""
    differ = points.filter(pl.col("proved") & (pl.col("modules_key").n_unique().over("run") > 1))
    if differ.is_empty():
        return differ
    cases, captures = differ["case"].unique().implode(), differ["capture"].implode()
    of_runs = pl.col("case").is_in(cases) & pl.col("capture").is_in(captures)
    columns = ("capture", "trace_id", "fingerprint")
    traces = tables.scan("traces").filter(of_runs).select(columns).drop_nulls().collect()
    of_run = traces.join(differ.select("capture", "run"), on="capture", how="inner")
    several = of_run.group_by("run", "trace_id").agg(pl.col("fingerprint").n_unique()).filter(pl.col("fingerprint") > 1)
    return differ.join(several.select("run").unique(), on="run", how="semi", maintain_order="left")


def sums_of(tables: Tables, points: pl.DataFrame, by: str, allocators: Allocators) -> pl.DataFrame:
    """Sum up runs as they know themselves: ``run``, ``point``, the columns of the key, and the measures."""
    parts = []
    for run in points.partition_by("run", maintain_order=True):
        completed = together(snapshots(tables, run), []).snapshots
        grid, keys, *_ = grid_of(completed, by, allocators, inclusive=False)
        cells = pl.DataFrame(grid.cells(list(range(len(grid))))).filter("present")
        if by == "stack":
            keys = keys.with_columns(hexadecimal(keys["fingerprint"]).str.zfill(16))
        named = cells.join(keys.select("key", *KEYS[by]), on="key", how="left", maintain_order="left")
        parts.append(named.select(pl.lit(run["run"][0], pl.UInt32).alias("run"), "point", *KEYS[by], *MEASURES))
    return pl.concat(parts)
