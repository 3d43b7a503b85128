"""The stacks of a `Survival`: what they are called, and what became of their blocks in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import running_sum, wide_difference, wide_sum
from heapdelta._ranking import labels
from heapdelta.blame import frame_flags

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta.blame import Allocators

_SHOWN = ["fingerprint", "trace_id", "module", "function", "depth", "status"]


def described(stacks: pl.DataFrame, snapshots: list[Snapshot], allocators: Allocators) -> pl.DataFrame:
    """Name the stacks of `survival_stacks`: the key columns, then `reused_count`, in the same order."""
    placed = stacks.with_row_index("place")
    parts = []
    for (source,), rows in placed.group_by("source", maintain_order=True):
        names = _names(snapshots[int(source)], allocators)
        # The row behind the last is that of blocks without a stack.
        own = rows["stack_id"].fill_null(names.height - 1)
        parts.append(pl.concat([rows, names.select(pl.all().gather(own))], how="horizontal"))
    if not parts:
        empty = _names(snapshots[0], allocators).clear()
        return pl.concat([empty, stacks.select("reused_count").clear()], how="horizontal")
    return pl.concat(parts).sort("place").select(*_SHOWN, "reused_count")


def _names(snapshot: Snapshot, allocators: Allocators) -> pl.DataFrame:
    """Every stack of a snapshot by its row number, and one row more for blocks without a stack."""
    stacks, frames = snapshot.stacks, snapshot.frames
    blamed = pl.DataFrame(snapshot._native.blame(frame_flags(frames, allocators).to_frame()))
    frame = pl.repeat(None, stacks.height + 1, dtype=pl.UInt32, eager=True)
    frame = frame.scatter(blamed["stack_id"], blamed["frame_id"])
    shown = frames.select("module", labels.function_label(frames)).select(pl.all().gather(frame))
    recorded = pl.int_range(pl.len()) < stacks.height
    status = labels.stack_status(recorded=recorded, frame=pl.lit(frame), module=pl.col("module"))
    columns = stacks.select("fingerprint", "trace_id", "depth")
    columns = pl.concat([columns, columns.clear(1)])
    words = labels.status_text(status).alias("status")
    return pl.concat([columns, shown.with_columns(words)], how="horizontal").select(_SHOWN)


def summed_up(stacks: pl.DataFrame, lives: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Add to each stack what `Survival.stacks` tells; `stack` stays its number."""
    edges = points.group_by("run").agg(pl.col("point").min().alias("start"), pl.col("point").max().alias("end"))
    runs = stacks.select("run").join(edges, on="run", how="left", maintain_order="left")
    rows = lives.with_columns(runs[name].gather(lives["stack"]).alias(name) for name in ("start", "end"))
    count, size = pl.col("allocation_count"), pl.col("requested_bytes")
    old, left = pl.col("born") == pl.col("start"), pl.col("last") == pl.col("end")
    young = ~old & (pl.col("born") < pl.col("end"))
    sums = rows.group_by("stack").agg(
        wide_sum(count.filter(~old)).alias("born_count"),
        wide_sum(count.filter(old)).alias("first_count"),
        wide_sum(size.filter(old)).alias("first_bytes"),
        wide_sum(count.filter(left)).alias("allocation_count"),
        wide_sum(size.filter(left)).alias("requested_bytes"),
        wide_sum(count.filter(young)).alias("young"),
        wide_sum(count.filter(young & left)).alias("kept"),
    )
    ages = _median_ages(rows.filter(left).select("stack", "born", "end", "allocation_count"), points)
    return _told(stacks.join(sums, on="stack", how="left").join(ages, on="stack", how="left"))


def _median_ages(left: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Tell the lower median of the ages of the blocks that are left, in hours, for each stack."""
    taken = points.sort("point")["taken_at"]
    hours = (taken.gather(left["end"]) - taken.gather(left["born"])).dt.total_microseconds() / 3.6e9
    aged = left.with_columns(hours.alias("median_age_hours")).sort("stack", "born", descending=[False, True])
    count = pl.col("allocation_count")
    # From the youngest on, the first that has half of all with it.
    reached = 2 * running_sum(count).over("stack") >= wide_sum(count).over("stack")
    return aged.filter(reached).group_by("stack", maintain_order=True).agg(pl.col("median_age_hours").first())


def _told(summed: pl.DataFrame) -> pl.DataFrame:
    def share(part: str, whole: str) -> pl.Expr:
        return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))

    net = wide_difference(pl.col("allocation_count"), pl.col("first_count"))
    summed = summed.with_columns(
        net.alias("net_count"),
        wide_difference(pl.col("requested_bytes"), pl.col("first_bytes")).alias("net_bytes"),
        (pl.col("born_count") - net).alias("died_count"),
    ).with_columns(
        pl.col("net_count", "net_bytes").cast(pl.Int64, strict=False),
        pl.col("born_count", "died_count", "allocation_count", "requested_bytes").cast(pl.UInt64, strict=False),
    )
    return summed.select(
        "stack",
        "run",
        *_SHOWN,
        "born_count",
        "died_count",
        "net_count",
        "net_bytes",
        share("died_count", "born_count").alias("churn"),
        share("kept", "young").alias("kept_share"),
        "median_age_hours",
        share("reused_count", "born_count").alias("reused_share"),
        "allocation_count",
        "requested_bytes",
    )
