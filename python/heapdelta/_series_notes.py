"""What a reader of a series must know before trusting it: one plain sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._html import plural

if TYPE_CHECKING:
    from heapdelta._series_order import Ordered


_SHOWN = 5


def about(found: Ordered) -> list[str]:
    """Collect the notes of a series, most important first."""
    points, notes = found.points, []
    source = points["time_source"][0]
    if source == "mtime":
        notes.append("times are those at which the files were last changed, not what the logs say")
    elif not found.clock:
        notes.append("the snapshots are in an order without a clock: slopes are per step, not per hour")
        if _contradicted(points):
            notes.append("the logs' own times do not rise in this order")
    notes.extend(about_cut(points))
    restarts = int(points["restart"].sum())
    if restarts:
        notes.append(f"the program was started anew {plural(restarts, 'time')}: each run is judged by itself")
    others = int(points["run"].n_unique()) - 1 - restarts
    if others:
        notes.append(f"{plural(others, 'run')} beside the first, no restart: each is judged by itself")
    gaps = int(points["gap"].sum())
    if gaps:
        notes.append(f"{plural(gaps, 'gap')} in time: nothing is known of what happened there")
    formats = sorted({snapshot.format for snapshot in found.snapshots})
    if len(formats) > 1:
        notes.append(f"the logs are of different formats ({', '.join(formats)})")
    if "dhcmp-sites" in formats:
        notes.append("sums per call site overlap: a byte counts for every call site of its stack")
    same = points.height - points.filter(pl.col("taken_at").is_not_null()).unique(["run", "taken_at"]).height
    same -= int(points["taken_at"].null_count())
    if same:
        notes.append(f"{plural(same, 'snapshot')} taken at the same moment as the one before")
    return notes


def about_cut(points: pl.DataFrame) -> list[str]:
    """Name the logs that are cut off: what is missing in them looks like a fall."""
    cut = points.filter(~pl.col("complete"))
    if cut.is_empty():
        return []
    numbers = ", ".join(map(str, cut["point"].head(_SHOWN))) + (", …" if cut.height > _SHOWN else "")
    where = f"{'point' if cut.height == 1 else 'points'} {numbers}"
    return [
        f"{plural(cut.height, 'log')} probably cut off ({where}), for the end of a heap is missing: what is not there "
        "looks like a fall, so verdicts may be wrong"
    ]


def _contradicted(points: pl.DataFrame) -> bool:
    backwards = points.select((pl.col("taken_at").diff().over("run") < pl.duration()).any())
    return bool(backwards.item())
