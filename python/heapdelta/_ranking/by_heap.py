"""Rankings by heap: rows of one log or two, each with the address of its heap."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from heapdelta._ranking.measures import AFTER, MEASURES, PAIRS

if TYPE_CHECKING:
    from heapdelta._ranking.sides import LogSide, Rows


def rows(matched: Rows) -> pl.DataFrame:
    """Give what is ranked: ``heap_base``, and the measures of both sides."""
    if len(matched.sources) == 1:
        return matched.rows.join(_heaps(matched, 0), on="heap_id", how="left", maintain_order="left")
    if matched.kept is None:
        return pl.DataFrame(matched.core.sides("heap"))
    return pl.concat(_kept_rows(matched, place) for place in range(2))


def _heaps(matched: Rows, place: int) -> pl.DataFrame:
    return cast("LogSide", matched.sources[place]).heaps.select("heap_id", pl.col("base").alias("heap_base"))


def _kept_rows(matched: Rows, place: int) -> pl.DataFrame:
    """Give the rows of one side that a filter leaves."""
    usage = cast("LogSide", matched.sources[place]).usage
    kept = matched.kept_of(place, usage["stack_id"])
    usage = usage if kept is None else usage.filter(kept)
    own, other = ("after", "before") if place == AFTER else ("before", "after")
    # What the other side has: zero, or null where its log does not write such a thing.
    like = pl.concat([matched.rows, matched.left_out]).filter(side=place).head(1)
    nothing = [pl.lit(like[f"{name}_{other}"].max(), pl.UInt64).alias(f"{name}_{other}") for name in MEASURES]
    named = usage.join(_heaps(matched, place), on="heap_id", how="left", maintain_order="left")
    here = [pl.col(name).cast(pl.UInt64).alias(f"{name}_{own}") for name in MEASURES]
    return named.select("heap_base", *nothing, *here).select("heap_base", *PAIRS)
