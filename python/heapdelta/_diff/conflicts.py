"""Where the ids of two logs of one run and the content of their stacks disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot


def conflicts(before: Snapshot, after: Snapshot, *, possible: bool) -> pl.DataFrame:
    """List the disagreements, as `Delta.conflicts` documents them; none where ids mean nothing."""

    def known(snapshot: Snapshot) -> pl.DataFrame:
        first = pl.col("alias_of").is_null() & pl.col("fingerprint").is_not_null() & pl.col("trace_id").is_not_null()
        stacks = snapshot.stacks.select("trace_id", "fingerprint", "alias_of").filter(first).drop("alias_of")
        return stacks if possible else stacks.clear()

    old, new = known(before), known(after)
    by_id = old.join(new.rename({"fingerprint": "fingerprint_after"}), on="trace_id", how="left", maintain_order="left")
    agrees = (pl.col("fingerprint") == pl.col("fingerprint_after")).fill_null(False)
    same_id = by_id.filter(~agrees).drop_nulls("fingerprint_after")
    # Most stacks agree, so the rest is small.
    rest = by_id.filter(~agrees).select("trace_id", "fingerprint").unique(maintain_order=True)
    rest = rest.join(by_id.filter(agrees), on="fingerprint", how="anti", maintain_order="left")
    same_frames = _paired(rest, new.join(rest, on="fingerprint", how="semi", maintain_order="left"))
    columns = ["trace_id_before", "trace_id_after", "fingerprint_before", "fingerprint_after", "kind"]
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
    return pl.concat(parts).select(columns).sort("kind", "trace_id_before", "trace_id_after")


def _paired(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Pair the ids of equal frames: each with the first of the other side, not each with all."""

    def first(stacks: pl.DataFrame) -> pl.DataFrame:
        return stacks.unique("fingerprint", keep="first", maintain_order=True)

    pairs = [
        old.join(first(new), on="fingerprint", suffix="_after"),
        first(old).join(new, on="fingerprint", suffix="_after"),
    ]
    return pl.concat(pairs).unique(maintain_order=True)
