"""Where the ids of two logs of one run and the content of their stacks disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import without_partner

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot

_SCHEMA = {
    "trace_id_before": pl.String,
    "trace_id_after": pl.String,
    "fingerprint_before": pl.UInt64,
    "fingerprint_after": pl.UInt64,
    "kind": pl.String,
}


def conflicts(before: Snapshot, after: Snapshot, *, possible: bool) -> pl.DataFrame:
    """List the disagreements, as `Delta.conflicts` documents them; none where ids mean nothing."""
    if not possible:
        return pl.DataFrame(schema=_SCHEMA)
    # Most stacks agree, so what is looked at is small.
    alone = pl.DataFrame(without_partner(before._native, after._native))["stack_id"]
    if alone.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    agrees = ~pl.col("stack_id").is_in(alone.implode())
    old, new = (_known(snapshot) for snapshot in (before, after))
    rest = old.filter(~agrees).drop("stack_id")
    new = new.drop("stack_id")
    same_id = rest.join(new, on="trace_id", suffix="_after")
    moved = rest.join(old.filter(agrees), on="fingerprint", how="anti", maintain_order="left")
    same_frames = _paired(moved, new.join(moved, on="fingerprint", how="semi", maintain_order="left"))
    parts = [
        same_id.select(
            pl.col("trace_id").alias("trace_id_before"),
            pl.col("trace_id").alias("trace_id_after"),
            pl.col("fingerprint").alias("fingerprint_before"),
            "fingerprint_after",
            pl.lit("same id, other frames").alias("kind"),
        ),
        same_frames.select(
            pl.col("trace_id").alias("trace_id_before"),
            "trace_id_after",
            pl.col("fingerprint").alias("fingerprint_before"),
            pl.col("fingerprint").alias("fingerprint_after"),
            pl.lit("same frames, other id").alias("kind"),
        ),
    ]
    return pl.concat(parts).select(_SCHEMA.keys()).sort("kind", "trace_id_before", "trace_id_after")


def _known(snapshot: Snapshot) -> pl.DataFrame:
    """Give the stacks that are the first of their id, and have frames."""
    first = pl.col("alias_of").is_null() & pl.col("fingerprint").is_not_null() & pl.col("trace_id").is_not_null()
    return snapshot.stacks.filter(first).select("stack_id", "trace_id", "fingerprint")


def _paired(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Pair the ids of equal frames: each with the first of the other side, not each with all."""

    def first(stacks: pl.DataFrame) -> pl.DataFrame:
        return stacks.unique("fingerprint", keep="first", maintain_order=True)

    pairs = [
        old.join(first(new), on="fingerprint", suffix="_after"),
        first(old).join(new, on="fingerprint", suffix="_after"),
    ]
    return pl.concat(pairs).unique(maintain_order=True)
