"""Sums of rows that are ranked: the measures of both sides, their differences, and sums over all groups of a stack."""

from __future__ import annotations

import polars as pl

from heapdelta._numbers import delta, sum_of
from heapdelta._ranking.measures import MEASURES, PAIRS


def of_pairs(rows: pl.DataFrame, pairs: pl.DataFrame, stack_count: int) -> pl.DataFrame:
    """Sum up rows by the groups that their stacks pass; `pairs` has each stack with each of its groups."""
    if rows["stack"].n_unique() < rows.height:
        rows = rows.group_by("stack").agg(of_rows(rows))
    place = places(rows["stack"], stack_count).gather(pairs["stack_id"])
    in_use = pl.DataFrame({"key": pairs["group"], "place": place}).drop_nulls("place")
    sums = in_use.select(pl.col("key").unique())
    for name in PAIRS:
        column = in_use.select("key", rows[name].gather(in_use["place"]))
        sums = sums.join(column.group_by("key").agg(of_column(rows, name)), on="key", how="left")
    return sums.select("key", *PAIRS)


def places(numbers: pl.Series, count: int) -> pl.Series:
    """Give the place of every number below `count` among `numbers`, which are distinct; null for those that are not."""
    place = pl.repeat(None, count, dtype=pl.UInt32, eager=True)
    return place.scatter(numbers, pl.int_range(numbers.len(), dtype=pl.UInt32, eager=True))


def of_rows(rows: pl.DataFrame) -> list[pl.Expr]:
    """Sum up the measures of both sides."""
    return [of_column(rows, name) for name in PAIRS]


def of_column(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Sum up one column, and look for nulls only where there are some."""
    return sum_of(pl.col(name), may_lack=rows[name].null_count() > 0).alias(name)


def apart(sums: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    """Give some rows of two sides once for each side: the other has nothing there."""
    parts = [sums.filter(~which)]
    for side, other in (("after", "before"), ("before", "after")):
        nothing = [pl.col(f"{name}_{other}").clip(upper_bound=0) for name in MEASURES]
        own = sums.filter(which).with_columns(*nothing, pl.col(f"stack_{side}").alias("stack"))
        absent = pl.lit(None, sums.schema["stack"]).alias(f"stack_{other}")
        parts.append(with_deltas(own.with_columns(absent)))
    return pl.concat(parts)


def with_deltas(sums: pl.DataFrame) -> pl.DataFrame:
    """Add what each measure grew."""
    return sums.with_columns(delta(measure) for measure in MEASURES)
