"""What a reader must know before trusting the numbers of two dumps: one plain sentence each."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture.dump_lists import STREAMS, WHOLE, knows, list_state
from heapdelta._numbers import sum_of, total
from heapdelta._words import bytes_text, moment, plural

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump

PRIVATE_CLASSES = ("heap", "private", "stack", "teb", "peb")
"""Classes of private memory: what the process alone has."""

WHY_NO_MODULE = (
    "a dump does not record who allocated what, so private memory has no module here: a heap log of the same run "
    "(UMDH, DH) names it"
)

_UNKNOWN = {
    "regions": "what memory is made of is unknown; a dump with MiniDumpWithFullMemoryInfo lists it (procdump -ma)",
    "memory_counters": "what the process counted itself is unknown",
    "handles": "open handles are unknown; a dump with MiniDumpWithHandleData lists them (procdump -ma)",
    "threads": "threads are unknown",
    "modules": "modules are unknown",
}

_HEAPS = "heaps may not be recognised, and count as private"
_HEADER = "facts about the process are missing"
_MISSING = {
    "MemoryListStream": _HEAPS,
    "Memory64ListStream": _HEAPS,
    "ThreadInfoListStream": "some threads have no start",
    "ThreadNamesStream": "some threads have no name",
    "ProcessVmCountersStream": "some counters are null",
    "SystemMemoryInfoStream": "some amounts of the machine are null",
    "SystemInfoStream": _HEADER,
    "MiscInfoStream": _HEADER,
    "ExceptionStream": _HEADER,
    "CommentStreamA": _HEADER,
    "CommentStreamW": _HEADER,
}
"""What damage of a stream costs, where it is no sum."""


def of_dump_delta(
    before: Dump, after: Dump, *, classes: pl.DataFrame, counters: pl.DataFrame, why_not_one_process: str | None
) -> list[str]:
    """Collect the notes of a difference, most important first; `classes` is its ranking by class of memory."""
    sides = [("before", before), ("after", after)]
    return [
        *_about_the_pair(before, after, why_not_one_process),
        *_about_private_memory(before, after, classes, counters),
        *_about_missing_lists(before, after),
        *(note for side, dump in sides for note in _about_dump(side, dump)),
    ]


def _about_the_pair(before: Dump, after: Dump, why_not_one_process: str | None) -> list[str]:
    notes = []
    if before.taken_at and after.taken_at and before.taken_at > after.taken_at:
        notes.append(
            f"before was taken at {moment(before.taken_at)} UTC, later than after, taken at "
            f"{moment(after.taken_at)} UTC: are the two swapped?"
        )
    programs = [program_of(dump) for dump in (before, after)]
    if None not in programs and programs[0] != programs[1]:
        notes.append(f"the two dumps are of different programs ({programs[0]} and {programs[1]})")
    if why_not_one_process is not None:
        notes.append(
            f"not known to be one process, because {why_not_one_process}: addresses do not compare, so modules "
            "are matched by file name and build, and regions by their sums only"
        )
    # Without SystemInfoStream the width is what the addresses need: too little to warn of.
    if None not in (before.cpu, after.cpu) and before.pointer_width != after.pointer_width:
        notes.append(f"pointers have {before.pointer_width} bits before and {after.pointer_width} bits after")
    return notes


def _about_private_memory(before: Dump, after: Dump, classes: pl.DataFrame, counters: pl.DataFrame) -> list[str]:
    private = classes.filter(pl.col("region_class").is_in(PRIVATE_CLASSES))
    changes = private["committed_bytes_delta"]
    notes = []
    whole = list_state(before, "regions") == list_state(after, "regions") == WHOLE
    if whole and changes.len() and changes.null_count() == 0:
        changed = total(changes) or None
    else:
        changed = counters.filter(pl.col("counter") == "private_usage")["value_delta"].item() or None
    if changed is not None:
        notes.append(f"private memory changed by {bytes_text(changed, signed=True)}: {WHY_NO_MODULE}")
    heap = private.filter(pl.col("region_class") == "heap")
    sides = [total(heap[f"region_count_{side}"]) for side in ("before", "after")]
    if knows(before, "regions") and knows(after, "regions") and sum(map(bool, sides)) == 1:
        lacking = "before" if not sides[0] else "after"
        notes.append(
            f"{lacking}: no heap is recognised, probably because the dump lacks the first bytes of the heaps; "
            "what is heap in the one is private in the other, so take the two classes together"
        )
    return notes


def _about_missing_lists(before: Dump, after: Dump) -> list[str]:
    sides, notes = {"before": before, "after": after}, []
    for table, meaning in _UNKNOWN.items():
        lacking = [side for side, dump in sides.items() if not knows(dump, table)]
        if table == "threads" and any(knows(sides[side], "regions") for side in lacking):
            meaning += ", and their stacks count as private"
        if lacking:
            notes.append(f"{' and '.join(lacking)}: the dump has no {STREAMS[table][0]} that can be read, so {meaning}")
    return notes


def _about_dump(side: str, dump: Dump) -> list[str]:
    notes = []
    if dump.os not in (None, "windows"):
        notes.append(f"{side}: a dump of {dump.os}, of which modules, threads and contents of memory are read only")
    errors = dump.issues.filter(pl.col("severity") == "error").group_by("stream", maintain_order=True)
    broken = errors.agg(sum_of(pl.col("count")))
    for stream, count in broken.iter_rows():
        if stream is None:
            notes.append(f"{side}: the directory could not be read in full, so whole lists may be missing")
            continue
        table = next((table for table, streams in STREAMS.items() if stream in streams), "")
        # What could not be read at all has a note of its own.
        if table not in _UNKNOWN or knows(dump, table):
            missing = _MISSING.get(stream, "its sums are too small")
            notes.append(f"{side}: {stream} could not be read in full ({plural(count, 'issue')}), so {missing}")
    unknown = dump.threads.filter(pl.col("start_address").is_null()).height
    if unknown and knows(dump, "threads"):
        notes.append(f"{side}: the dump does not tell where {plural(unknown, 'thread')} started")
    return notes


def program_of(dump: Dump) -> str | None:
    """File of the program: the first module, by the documentation."""
    files = (PureWindowsPath(path).name.lower() for path in dump.modules["path"].head(1))
    return next((file for file in files if file.endswith(".exe")), None)
