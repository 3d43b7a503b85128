"""Rankings by the size of a block: size x count, for one log and for two."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from heapdelta._numbers import delta, sum_of
from heapdelta._ranking import labels
from heapdelta._ranking.measures import AFTER, BEFORE, MEASURES

if TYPE_CHECKING:
    from heapdelta._ranking.sides import LogSide, Rows

SEVERAL_BLOCKS = "sum of several blocks"
"""Status of lines that stand for blocks whose single sizes they do not tell."""


def why_not(logs: list[LogSide]) -> str | None:
    """Say why there is no ranking by size; None if there is one."""
    if any(log.allocations.is_empty() and not log.usage.is_empty() for log in logs):
        return "the log was read without its blocks (blocks=False)"
    return None


def held(matched: Rows) -> pl.DataFrame:
    """Rank what one log holds: ``size``, ``status``, and the measures after nothing."""
    sizes = _of_side(matched, 0)
    none = {f"{name}_before": pl.when(pl.col(name).is_not_null()).then(0).cast(pl.UInt64) for name in MEASURES}
    return _ranked(sizes.select("size", *_named("after"), **none))


def grown(matched: Rows) -> pl.DataFrame:
    """Rank what grew between two logs: ``size``, ``status``, and the measures of both sides with their growth."""
    sides = {place: _of_side(matched, place) for place in (AFTER, BEFORE)}
    new, old = sides[AFTER].select("size", *_named("after")), sides[BEFORE].select("size", *_named("before"))
    both = new.join(old, on="size", how="full", nulls_equal=True, coalesce=True, maintain_order="left_right")
    here = {"after": new["there_after"].len(), "before": old["there_before"].len()}
    filled = [
        pl.when(pl.col(f"there_{side}").is_null() & pl.lit(_writes(sides[place], name) or not here[side]))
        .then(pl.lit(0, pl.UInt64))
        .otherwise(f"{name}_{side}")
        .alias(f"{name}_{side}")
        for side, place in (("after", AFTER), ("before", BEFORE))
        for name in MEASURES
    ]
    return _ranked(both.with_columns(filled))


def _writes(sizes: pl.DataFrame, name: str) -> bool:
    return sizes.is_empty() or sizes[name].null_count() < sizes.height


def _named(side: str) -> list[pl.Expr]:
    there = pl.lit(True).alias(f"there_{side}")
    return [*(pl.col(name).alias(f"{name}_{side}") for name in MEASURES), there]


def _of_side(matched: Rows, place: int) -> pl.DataFrame:
    blocks = cast("LogSide", matched.sources[place]).allocations
    kept = matched.kept_of(place, blocks["stack_id"])
    blocks = blocks if kept is None else blocks.filter(kept)
    single = pl.col("allocation_count") == 1
    sized = blocks.select(pl.when(single).then("requested_bytes").alias("size"), *MEASURES)
    return sized.group_by("size").agg(
        sum_of(pl.col(name), may_lack=sized[name].null_count() > 0).alias(name) for name in MEASURES
    )


def _ranked(sizes: pl.DataFrame) -> pl.DataFrame:
    status = (
        pl.when(pl.col("size").is_null()).then(pl.lit(SEVERAL_BLOCKS)).otherwise(pl.lit(labels.STATUSES[labels.OK]))
    )
    return sizes.with_columns(status.alias("status"), *(delta(name) for name in MEASURES))
