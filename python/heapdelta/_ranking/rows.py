"""The rows that are ranked: one for each stack of a log or of a comparison, with the measures of both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.measures import BOTH, MEASURES

if TYPE_CHECKING:
    from heapdelta._ranking.sides import BothSides, LogSide


def log(one: LogSide) -> pl.DataFrame:
    """Give the sums of one log beside nothing: by heap and stack."""
    there = {f"{name}_before": pl.col(name).is_not_null() for name in MEASURES}
    return one.usage.select(
        pl.lit(BOTH, dtype=pl.UInt32).alias("side"),
        pl.col("stack_id").alias("stack"),
        *(pl.when(is_there).then(0).cast(pl.UInt64).alias(name) for name, is_there in there.items()),
        *(pl.col(name).cast(pl.UInt64).alias(f"{name}_after") for name in MEASURES),
        "heap_id",
    )


def comparison(both: BothSides) -> pl.DataFrame:
    """Give the lines of a comparison."""
    absent = pl.lit(None, dtype=pl.UInt64)
    return both.rows.select(
        pl.lit(BOTH, dtype=pl.UInt32).alias("side"),
        pl.col("stack_id").alias("stack"),
        "requested_bytes_before",
        "requested_bytes_after",
        absent.alias("overhead_bytes_before"),
        absent.alias("overhead_bytes_after"),
        "allocation_count_before",
        "allocation_count_after",
    )


def found_elsewhere(stacks: pl.DataFrame) -> pl.Series:
    """Give the stack that each counts as: inside one run an id is one stack, so frames of the other log are its own."""
    numbered = stacks.select("trace_id", "source", "fingerprint", "alias_of").with_row_index("stack")
    first = numbered.filter(pl.col("fingerprint").is_not_null() & pl.col("alias_of").is_null())
    there = first.select("trace_id", source=1 - pl.col("source"), found="stack").unique(
        ["trace_id", "source"], keep="first", maintain_order=True
    )
    lacking = numbered.filter(pl.col("fingerprint").is_null()).join(there, on=["trace_id", "source"], how="inner")
    return numbered["stack"].scatter(lacking["stack"], lacking["found"])
