"""What a reader must know before trusting the numbers of a difference: one plain sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import total, total_of_known
from heapdelta._ranking.labels import doubtful_names
from heapdelta._symbols.doubts import differences, doubts
from heapdelta._words import moment, of_count, plural, share_text

if TYPE_CHECKING:
    from heapdelta._capture.one_run import Together
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._ranking.matched import Matched


def of_delta(
    before: Snapshot,
    after: Snapshot,
    *,
    together: Together,
    matched: Matched,
    conflict_count: int,
    why_not_one_run: str | None,
    by_names: bool,
) -> list[str]:
    """Collect the notes of a difference, most important first."""
    sides = [("before", before), ("after", after)]
    return [
        *_about_the_pair(before, after, why_not_one_run),
        *together.notes,
        *(note for side, snapshot in sides for note in _about_capture(side, snapshot)),
        *_about_stacks(together, matched, conflict_count),
        *(note for side, snapshot in sides for note in _about_names(side, snapshot)),
        *_about_symbols(before, after, by_names=by_names),
    ]


def _about_the_pair(before: Snapshot, after: Snapshot, why_not_one_run: str | None) -> list[str]:
    notes = []
    if before.taken_at and after.taken_at and before.taken_at > after.taken_at:
        notes.append(
            f"before was taken at {moment(before.taken_at)}, later than after, taken at "
            f"{moment(after.taken_at)}: are the two swapped?"
        )
    if why_not_one_run is not None:
        notes.append(
            f"not known to be one run of one process, because {why_not_one_run}: "
            "stacks are matched by content only, and heaps by an address that may mean another heap"
        )
    if before.format != after.format:
        notes.append(f"the two logs are of different formats ({before.format} and {after.format})")
    if "dhcmp-sites" in (before.format, after.format):
        notes.append(
            "sums per call site overlap: a byte counts for every call site of its stack, so totals are no sizes"
        )
    return notes


def _about_capture(side: str, snapshot: Snapshot) -> list[str]:
    usage = snapshot.usage.select("stack_id", "requested_bytes")
    notes = [f"{side}: {note}" for note in about_sums(snapshot)]
    endless = open_heaps(snapshot)
    if endless:
        notes.append(f"{side}: the end of {plural(endless, 'heap')} is missing, so the log is probably cut off")
    bytes_of_all = total(usage["requested_bytes"])
    unrecorded = total(usage.filter(pl.col("stack_id").is_null())["requested_bytes"])
    if unrecorded != 0:
        notes.append(f"{side}: {share_text(unrecorded, bytes_of_all)} of the bytes have no stack recorded")
    truncated = snapshot.stacks["truncated"].gather(usage["stack_id"]).fill_null(False)
    cut = total(usage.filter(truncated)["requested_bytes"])
    if cut != 0:
        notes.append(
            f"{side}: {share_text(cut, bytes_of_all)} of the bytes have stacks that are probably cut off "
            "at the outer end"
        )
    return notes


def about_sums(snapshot: Snapshot) -> list[str]:
    """Tell of sums that are not known, though all their parts were read."""
    if (snapshot.issues["kind"] == "sum_overflow").any():
        return ["sums past 2^64 - 1 bytes are not known (issue sum_overflow): a damaged size is in the log"]
    if total_of_known(snapshot.usage["requested_bytes"]) >= 1 << 63:
        return ["differences past 2^63 - 1 bytes are not known: a damaged size is in the log"]
    return []


def open_heaps(snapshot: Snapshot) -> int:
    """Count the heaps whose end the log does not show, though its format marks it."""
    return snapshot.heaps.filter(~pl.col("complete")).height


def _about_stacks(together: Together, matched: Matched, conflict_count: int) -> list[str]:
    notes = []
    # After what the other log knew was filled in; of stacks that hold nothing there is nothing to tell.
    held = (pl.col("requested_bytes_before") != 0) | (pl.col("requested_bytes_after") != 0)
    used = matched.rows.filter(held.fill_null(True))["stack"].drop_nulls().unique()
    lacking = matched.stacks.select(pl.all().gather(used)).filter(pl.col("fingerprint").is_null())
    unlisted = lacking["trace_id"].n_unique() if matched.one_run else lacking.height
    if unlisted:
        notes.append(f"the frames of {plural(unlisted, 'stack')} are in neither file")
    old, new = (side.stacks["fingerprint"].drop_nulls() for side in together.snapshots)
    if old.len() and new.len() and not old.is_in(new.implode()).any():
        notes.append("the two logs have no stack in common: of different programs or versions, or one lacks symbols?")
    if conflict_count:
        notes.append(
            f"in {plural(conflict_count, 'place')} the id and the frames of a stack disagree: "
            f"`conflicts` lists {of_count(conflict_count, 'it', 'them')}"
        )
    return notes


def _about_symbols(before: Snapshot, after: Snapshot, *, by_names: bool) -> list[str]:
    """Tell what is doubtful of the names of symbols, once where it is so of both sides."""
    old, new = doubts(before), doubts(after)
    both = [doubt for doubt in old if doubt in new]
    own = [(side, doubt) for side, found in (("before", old), ("after", new)) for doubt in found if doubt not in both]
    return both + [f"{side}: {doubt}" for side, doubt in own] + differences(before, after, by_names=by_names)


def about_matching(before: Snapshot, after: Snapshot) -> list[str]:
    """Tell that stacks are matched by their names, and how many can be."""
    named = [side.name_fingerprints["name_fingerprint"] for side in (before, after)]
    old, new = (f"{names.len() - names.null_count():,} of {plural(names.len(), 'stack')}" for names in named)
    return [
        "stacks are matched by the names of their functions, without offsets, and so are their ids "
        f"(with names: {old} before, {new} after; frames without one are matched by offset)"
    ]


def _about_names(side: str, snapshot: Snapshot) -> list[str]:
    notes = []
    frames = snapshot.frames.select("frame_id", "module", "function", "offset")
    # What symbols name they know, or doubt, themselves.
    printed = frames.join(snapshot.frame_symbols, on="frame_id", how="anti")
    doubtful = printed.filter(doubtful_names(printed))
    if frames.height and frames["function"].null_count() == frames.height:
        notes.append(f"{side}: frames are bare addresses, so an allocator is known by its module only")
    if doubtful.height:
        modules = ", ".join(doubtful["module"].drop_nulls().unique().sort().head(5))
        notes.append(
            f"{side}: {plural(doubtful.height, 'frame')} ({modules}) {of_count(doubtful.height, 'seems', 'seem')} to "
            "be named from export tables: the function names are doubtful"
        )
    return notes
