"""What a reader of a series must know before trusting it: one plain sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import total, wide_difference
from heapdelta._symbols.doubts import differences_among, doubts
from heapdelta._words import bytes_text, of_count, plural

if TYPE_CHECKING:
    from heapdelta._ranking.filters import Filter
    from heapdelta._series.keys import Keyed
    from heapdelta._series.order import Ordered


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
    notes.extend(about_unknown(points))
    notes.extend(dict.fromkeys(doubt for snapshot in found.snapshots for doubt in doubts(snapshot)))
    notes.extend(differences_among(found.snapshots))
    restarts = points.filter("restart").height
    if restarts:
        notes.append(f"the program was started anew {plural(restarts, 'time')}: each run is judged by itself")
    others = int(points["run"].n_unique()) - 1 - restarts
    if others:
        notes.append(f"{plural(others, 'run')} beside the first, no restart: each is judged by itself")
    gaps = points.filter("gap").height
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


def about_filter(filtered: Filter, points: pl.DataFrame, left_out: pl.DataFrame, keyed: Keyed) -> list[str]:
    """Say what filters leave out of the last log, and of the growth."""
    whole, out = (bytes_text(table["requested_bytes"][-1]) for table in (points, left_out))
    all_grown, grown = (bytes_text(growth_of(table), signed=True) for table in (points, left_out))
    since = "grown since the first" if points["run"].n_unique() == 1 else "that all runs grew"
    stacks = plural(keyed.stacks_left_out, "stack") + " and blocks of no known stack" * keyed.others_left_out
    return [
        f"left out by filters: {out} of the {whole} in the last log, {grown} of the {all_grown} {since} "
        f"({stacks} of all logs); the points are of the whole logs; filters: {filtered}"
    ]


def growth_of(table: pl.DataFrame) -> int | None:
    """Sum up by how much each run grew, from its first point to its last; None where that is not known."""
    ends = (
        table.sort("point")
        .group_by("run")
        .agg(pl.col("requested_bytes").first().alias("first"), pl.col("requested_bytes").last().alias("last"))
    )
    return total(ends.select(wide_difference(pl.col("last"), pl.col("first"))).to_series())


def about_cut(points: pl.DataFrame) -> list[str]:
    """Name the logs that are cut off: what is missing in them looks like a fall."""
    cut = points.filter(~pl.col("complete"))
    if cut.is_empty():
        return []
    return [
        f"{plural(cut.height, 'log')} probably cut off ({_places(cut)}), for the end of a heap is missing: what is not "
        "there looks like a fall, so verdicts may be wrong"
    ]


def about_unknown(points: pl.DataFrame) -> list[str]:
    """Name the logs whose sums are not known."""
    unknown = points.filter(pl.col("requested_bytes").is_null() | pl.col("allocation_count").is_null())
    if unknown.is_empty():
        return []
    return [
        f"sums of {plural(unknown.height, 'log')} ({_places(unknown)}) pass 2^64 - 1 and are not known (issue "
        "sum_overflow): what is a part of them has no verdict"
    ]


def _places(points: pl.DataFrame) -> str:
    numbers = ", ".join(map(str, points["point"].head(_SHOWN))) + (", …" if points.height > _SHOWN else "")
    return f"{of_count(points.height, 'point', 'points')} {numbers}"


def _contradicted(points: pl.DataFrame) -> bool:
    backwards = points.select((pl.col("taken_at").diff().over("run") < pl.duration()).any())
    return bool(backwards.item())
