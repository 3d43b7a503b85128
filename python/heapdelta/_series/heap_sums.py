"""The sums of every heap at every point, of some stacks alone: the core sums heaps up with all of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import Grid
from heapdelta._numbers import group_sums
from heapdelta._ranking.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.snapshot import Snapshot


def of_stacks(
    snapshots: Sequence[Snapshot],
    fingerprints: pl.Series,
    *,
    others: bool,
    writes_overhead: list[bool],
    threads: int | None = None,
) -> tuple[Grid, pl.DataFrame]:
    """Sum up the heaps of snapshots: `others` tells whether blocks count whose stack has no frames.

    Returns
    -------
    grid : Grid
        Every heap at every point.
    bases : polars.DataFrame
        ``heap_base`` u64 of each, null for blocks in no heap, in the order of the grid.
    """
    parts = [
        _kept(snapshot, fingerprints, others=others).with_columns(pl.lit(point, pl.UInt32).alias("point"))
        for point, snapshot in enumerate(snapshots)
    ]
    sums = pl.concat(parts)
    bases = sums.select("heap_base").unique(maintain_order=True).with_row_index("key")
    cells = sums.join(bases, on="heap_base", nulls_equal=True).select("key", "point", *MEASURES)
    grid = Grid.of_sums(cells, keys=bases.height, overhead=writes_overhead, threads=threads)
    return grid, bases.select("heap_base")


def _kept(snapshot: Snapshot, fingerprints: pl.Series, *, others: bool) -> pl.DataFrame:
    """Sum up what stays of one snapshot by heap: ``heap_base``, and the measures."""
    stays = snapshot.stacks["fingerprint"].is_in(fingerprints.implode()).fill_null(others)
    usage = snapshot.usage
    usage = usage.filter(stays.gather(usage["stack_id"]).fill_null(others))
    heaps = snapshot.heaps.select("heap_id", pl.col("base").alias("heap_base"))
    named = usage.join(heaps, on="heap_id", how="left").select("heap_base", pl.col(MEASURES).cast(pl.UInt64))
    return group_sums(named, ["heap_base"], MEASURES)
