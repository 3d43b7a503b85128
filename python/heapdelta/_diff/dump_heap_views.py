"""The blocks of two dumps side by side: by heap, size, what they begin with, and the source line that asked for them.

Of a dump whose heaps are known in part, sums are the least there can be, and what is not among the blocks that were
read is null: it may be there all the same. Where no heap could be read, all is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture import heap_views
from heapdelta._capture.dump_lists import ABSENT, DAMAGED, WHOLE
from heapdelta._diff import dump_contents
from heapdelta._diff.dump_views import Side, paired
from heapdelta._symbols import of_contents

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump

KINDS = heap_views.KINDS
_SIDES = ("before", "after")
_FACTS = ("bits", "trust")


def by(kind: str, before: Dump, after: Dump) -> pl.DataFrame:
    """Rank what grew, in no order; `DumpDelta.by` tells the columns."""
    keys, measures = list(heap_views.KEYS[kind]), heap_views.MEASURES[kind]
    facts = _FACTS if kind == "heap" else ()
    sums = [heap_views.sums(dump._tables_of(kind), kind).select(*keys, *facts, *measures) for dump in (before, after)]
    if kind == "content":
        sums = dump_contents.alike(before, after, sums)
    sides = []
    for dump, rows in zip((before, after), sums, strict=True):
        state = dump._heap_state()
        if kind == "heap":
            # A part without a header is no heap that could be met again.
            rows = rows.filter(pl.col("heap_base").is_not_null())
        # Bytes that are not read make no list of heaps incomplete: each heap says itself how much is unknown.
        whole = state == WHOLE or (kind == "heap" and dump._all_heaps_found())
        sides.append(Side(rows, dict.fromkeys(measures, state != ABSENT), whole))
    if all(dump._heap_state() == ABSENT for dump in (before, after)):
        sides = [Side(side.sums.clear(), side.known, side.whole) for side in sides]
    both = paired(sides, keys, measures, facts)
    return both.with_columns(_change(before, after).alias("change")) if kind == "heap" else both


def _change(before: Dump, after: Dump) -> pl.Expr:
    there = [pl.col("heap_base").is_in(dump.heaps["base"].drop_nulls().implode()) for dump in (before, after)]
    grown = pl.col("requested_bytes_delta")
    at_least = [dump._heap_state() != WHOLE for dump in (before, after)]
    return (
        pl.when(~there[0])
        .then(pl.lit("new"))
        .when(~there[1])
        .then(pl.lit("gone"))
        .when((grown > 0) & ~pl.lit(at_least[0]))
        .then(pl.lit("grown"))
        .when((grown < 0) & ~pl.lit(at_least[1]))
        .then(pl.lit("shrunk"))
        .when(pl.lit(not any(at_least)) & (grown == 0))
        .then(pl.lit("same"))
    )


def why_not_known(before: Dump, after: Dump) -> str | None:
    """Say why nothing can be said of the blocks; None where some of both dumps are known."""
    lacking = _of_state(before, after, ABSENT)
    if len(lacking) == 2:
        return "no heap could be read in either dump"
    return f"not known for both dumps, no heap could be read in the one {lacking[0]}" if lacking else None


def partly_known(before: Dump, after: Dump) -> list[str]:
    """Name the sides of which some blocks may be unknown, so that their numbers are the least there can be."""
    return _of_state(before, after, DAMAGED)


def in_neither(before: Dump, after: Dump) -> bool:
    """Tell that nothing is known of either side."""
    return len(_of_state(before, after, ABSENT)) == 2


def notes(before: Dump, after: Dump, why_not_one_process: str | None) -> list[str]:
    """Collect what a reader of these rankings must know; first how much of its heap memory each dump holds."""
    sides = list(zip(_SIDES, (before, after), strict=True))
    found = [f"{side}: {dump.heap_notes[0]}" for side, dump in sides]
    if why_not_one_process is not None:
        found.append("heaps do not compare by address, because the dumps are not known to be of one process")
    found += dump_contents.notes(before, after)
    return found + [f"{side}: {note}" for side, dump in sides for note in dump.heap_notes[1:]]


def content_notes(before: Dump, after: Dump) -> list[str]:
    """Collect what a reader of names must know."""
    return of_contents.notes([dump.content_symbols for dump in (before, after)])


def _of_state(before: Dump, after: Dump, state: str) -> list[str]:
    return [side for side, dump in zip(_SIDES, (before, after), strict=True) if dump._heap_state() == state]
