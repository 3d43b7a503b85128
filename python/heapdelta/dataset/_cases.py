"""`Dataset.cases`: what there is of each case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import sum_of
from heapdelta.dataset._outcome import ARCHIVE, FAILED, READ

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

_COLUMNS = [
    *("case", "files", "read", "failures", "size", "captures", "runs"),
    *("first_taken_at", "last_taken_at", "programs", "machines"),
]


def cases_of(tables: Tables, points: pl.DataFrame) -> pl.DataFrame:
    """See `Dataset.cases`."""
    files = tables.manifest.group_by("case").agg(
        pl.len().cast(pl.UInt32).alias("files"),
        (pl.col("outcome") == READ).sum().cast(pl.UInt32).alias("read"),
        pl.col("path").filter((pl.col("outcome") == FAILED) & ~pl.col("vanished")).len().alias("failures"),
        sum_of(pl.col("size").filter(pl.col("outcome") != ARCHIVE).fill_null(0)).alias("size"),
    )
    captures = (
        tables.scan("captures")
        .group_by("case")
        .agg(
            pl.len().cast(pl.UInt32).alias("captures"),
            pl.col("taken_at").min().alias("first_taken_at"),
            pl.col("taken_at").max().alias("last_taken_at"),
            pl.col("program").drop_nulls().unique().sort().alias("programs"),
            pl.col("machine").drop_nulls().unique().sort().alias("machines"),
        )
        .collect()
    )
    runs = points.group_by("case").agg(pl.col("run").n_unique().cast(pl.UInt32).alias("runs"))
    joined = files.join(captures, on="case", how="left").join(runs, on="case", how="left")
    counts = [pl.col(name).fill_null(0) for name in ("captures", "runs")]
    lists = [pl.col(name).fill_null([]) for name in ("programs", "machines")]
    return joined.with_columns(*counts, *lists).select(_COLUMNS).sort("case")
