"""What a dump knows: which of its lists are whole, which are damaged, and which it does not have.

An empty table of a list that is there means that there is nothing; one of a list that is absent means nothing at all.
What is not in a damaged list may be there all the same, so its sums are the least there can be.
"""

from __future__ import annotations

from typing import Protocol

import polars as pl


class Listed(Protocol):
    """What is asked of a dump here: its directory, and what could not be read."""

    @property
    def streams(self) -> pl.DataFrame:
        """One row per entry of the directory."""

    @property
    def issues(self) -> pl.DataFrame:
        """One row per thing that could not be read."""


STREAMS = {
    "regions": ("MemoryInfoListStream",),
    "modules": ("ModuleListStream",),
    "unloaded_modules": ("UnloadedModuleListStream",),
    "handles": ("HandleDataStream",),
    "threads": ("ThreadListStream", "ThreadInfoListStream"),
    "memory": ("MemoryListStream", "Memory64ListStream"),
    "memory_counters": ("ProcessVmCountersStream",),
    "system_memory": ("SystemMemoryInfoStream",),
}
"""The streams of which a table needs one, or it says nothing, not even that there is nothing."""

LIST_OF = {
    "region_class": "regions",
    "module": "modules",
    "handle_type": "handles",
    "thread_start": "threads",
    "allocation_base": "regions",
    "counter": "memory_counters",
}
"""The table that each ranking of two dumps is made of, and what the process counted."""

WHOLE, DAMAGED, ABSENT = "whole", "damaged", "absent"
IN_NEITHER = "not in either dump"


def knows(dump: Listed, *tables: str) -> bool:
    """Tell if the dump has the lists that tables are made of, so that an empty table means that there is nothing."""
    read = _read(dump)
    return all(_has(read, table) for table in tables)


def list_state(dump: Listed, table: str) -> str:
    """Tell whether a list is ``whole``, ``damaged`` (a part of it could be read, or nothing) or ``absent``."""
    return _state(_read(dump), _broken(dump), table)


def list_states(dump: Listed) -> dict[str, str]:
    """Tell the state of every list of `STREAMS`, as `list_state` does of one."""
    read, broken = _read(dump), _broken(dump)
    return {table: _state(read, broken, table) for table in STREAMS}


def _read(dump: Listed) -> set[str]:
    return set(dump.streams.filter("read")["name"])


def _broken(dump: Listed) -> set[str]:
    return set(dump.issues.filter(pl.col("severity") == "error")["stream"].drop_nulls())


def _has(read: set[str], table: str) -> bool:
    return table not in STREAMS or not read.isdisjoint(STREAMS[table])


def _state(read: set[str], broken: set[str], table: str) -> str:
    streams = STREAMS.get(table, ())
    if not _has(read, table):
        return ABSENT if broken.isdisjoint(streams) else DAMAGED
    if table == "threads" and streams[0] in read:
        # Facts about threads are another list: without some of them there are as many threads.
        streams = streams[:1]
    return WHOLE if broken.isdisjoint(streams) else DAMAGED


def states(before: Listed, after: Listed) -> pl.DataFrame:
    """One row per list: what each dump has of it."""
    before_states, after_states = (list(list_states(dump).values()) for dump in (before, after))
    return pl.DataFrame({"list": list(STREAMS), "before": before_states, "after": after_states})


def why_not_known(before: Listed, after: Listed, table: str) -> str | None:
    """Say why two dumps cannot be compared in a list; None where both have it."""
    sides = (("before", before), ("after", after))
    lacking = {side: list_state(dump, table) for side, dump in sides if not knows(dump, table)}
    absent = [side for side, state in lacking.items() if state == ABSENT]
    lost = [side for side in lacking if side not in absent]
    if len(absent) == 2:
        return IN_NEITHER
    if len(lost) == 2:
        return "could not be read in either dump"
    reasons = [f"it is not in the one {side}" for side in absent]
    reasons += [f"it could not be read in the one {side}" for side in lost]
    return f"not known for both dumps, {' and '.join(reasons)}" if reasons else None


def in_neither(before: Listed, after: Listed, table: str) -> bool:
    """Tell that nothing is known of either side, so that an empty ranking would be a lie."""
    return not knows(before, table) and not knows(after, table)


def damaged_sides(before: Listed, after: Listed, table: str) -> list[str]:
    """Name the sides whose list is damaged, so that its numbers are the least there can be."""
    return [side for side, dump in (("before", before), ("after", after)) if list_state(dump, table) == DAMAGED]
