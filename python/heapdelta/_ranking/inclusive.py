"""Inclusive sums: a stack counts once for every group of frames that it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking import sums as sums_of
from heapdelta._ranking.measures import PAIRS

if TYPE_CHECKING:
    from heapdelta._ranking.sides import Rows


def inclusive_sums(matched: Rows, codes: pl.Series) -> pl.DataFrame:
    """Sum up by group of frames, each stack once for every group it passes; rows without frames by their status.

    A gigabyte of stacks passes tens of millions of groups, so one source and one column are in memory at a time.
    """
    listed = matched.stacks["fingerprint"].is_not_null().gather(matched.rows["stack"]).fill_null(False)
    rest = matched.rows.filter(~listed)
    parts = [rest.select(matched.special_key(pl.col("stack")).alias("key"), *PAIRS)]
    frames_seen, stacks_seen = 0, 0
    for place, source in enumerate(matched.sources):
        groups = codes.slice(frames_seen, source.frames.height)
        pairs = matched.passed(place, groups)
        stacks = source._height("stacks")
        own = pl.col("stack").is_between(stacks_seen, stacks_seen + stacks, closed="left")
        rows = matched.rows.filter(listed).filter(own)
        parts.append(sums_of.of_pairs(rows.with_columns(pl.col("stack") - stacks_seen), pairs, stacks))
        frames_seen += source.frames.height
        stacks_seen += stacks
    return pl.concat(parts)
