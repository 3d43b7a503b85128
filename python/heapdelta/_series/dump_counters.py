"""What the dumps of a series count: every counter at every point, null where a dump does not tell.

A list that is damaged tells the least there can be, which is no number to draw a curve through: it counts as not told.
Peaks and page faults are left out, for they can only rise; so are the counters of a job, which has other processes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._capture import heap_views
from heapdelta._capture.dump_lists import ABSENT, DAMAGED, WHOLE, list_states
from heapdelta._diff.dump_views import NOT_IN_DUMP
from heapdelta._numbers import as_u64, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump

KEYS = ["counter", "handle_type", "unit", "status"]
"""The key columns."""

OF_PROCESS = (
    *("private_usage", "pagefile_usage", "private_working_set_size", "working_set_size", "shared_commit_usage"),
    *("virtual_size", "quota_paged_pool_usage", "quota_non_paged_pool_usage"),
)
"""What the process counts itself, in bytes: columns of ``memory_counters``."""

OF_REGIONS = ("committed_bytes", "committed_private_bytes", "reserved_bytes")
HANDLES, THREADS = "handle_count", "thread_count"
VIRTUAL_SIZE = "virtual_size"

_FIRST = ("private_usage", HANDLES, THREADS, VIRTUAL_SIZE, *OF_REGIONS)
PLACES = {name: place for place, name in enumerate(dict.fromkeys((*_FIRST, *OF_PROCESS)))}
"""The order of the counters: what tells most first, for the others follow these."""

_LISTS = ("regions", "handles", "threads")

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "point": pl.UInt32,
    "counter": pl.String,
    "handle_type": pl.String,
    "unit": pl.String,
    "status": pl.String,
    "value": pl.UInt64,
}


class _Key(NamedTuple):
    """A counter; of handles those of one type, or those whose type is not told."""

    counter: str
    handle_type: str | None = None
    status: str = "ok"

    @property
    def unit(self) -> str:
        return {HANDLES: "handles", THREADS: "threads"}.get(self.counter, "bytes")

    @property
    def of_some(self) -> bool:
        return self.handle_type is not None or self.status != "ok"


class Told(NamedTuple):
    """What one dump counts, and what it has of each list."""

    values: dict[_Key, int | None]
    states: dict[str, str]


def amounts(told: Sequence[Told]) -> pl.DataFrame:
    """Give every counter at every point, in the order of the keys, then of the points: `SCHEMA`.

    Counters that no dump tells have no rows.
    """
    counted = [one.values for one in told]
    keys = sorted({key for one in counted for key, value in one.items() if value is not None}, key=_place)
    rows = [
        (point, key.counter, key.handle_type, key.unit, key.status, one.get(key, _absent(key, one)))
        for key in keys
        for point, one in enumerate(counted)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def lacking(told: Sequence[Told]) -> list[tuple[str, list[int], list[int]]]:
    """Tell of each list which points lack it, and at which it is damaged; lists that all have are left out."""
    found = []
    for table in ("memory_counters", *_LISTS):
        damaged, absent = (
            [point for point, one in enumerate(told) if one.states[table] == state] for state in (DAMAGED, ABSENT)
        )
        if damaged or absent:
            found.append((table, absent, damaged))
    return found


def without_types(told: Sequence[Told]) -> list[int]:
    """Give the points whose dump does not tell the type of every handle."""
    return [point for point, one in enumerate(told) if one.values.get(_Key(HANDLES, None, NOT_IN_DUMP))]


def label(row: dict[str, object]) -> str:
    """Name a counter for people: ``private usage``, ``Event handles``; or what blocks and memory are followed by."""
    if "counter" not in row:
        return str(row["region_class"]) if "region_class" in row else heap_views.label(row)
    if row["counter"] != HANDLES:
        return "threads" if row["counter"] == THREADS else str(row["counter"]).replace("_", " ")
    if row["handle_type"] is not None:
        return f"{row['handle_type']} handles"
    return "handles" if row["status"] == "ok" else "handles of a type not told"


def _place(key: _Key) -> tuple[int, bool, bool, str]:
    return PLACES[key.counter], key.of_some, key.handle_type is None, key.handle_type or ""


def _absent(key: _Key, told: dict[_Key, int | None]) -> int | None:
    """Give 0 for a type of which a dump has none; null for what it does not tell."""
    if not key.of_some:
        return None
    every, untold = told.get(_Key(HANDLES)), told.get(_Key(HANDLES, None, NOT_IN_DUMP), 0)
    types_told = every is not None and (key.handle_type is None or every == 0 or untold != every)
    return 0 if types_told else None


def told_by(dump: Dump) -> Told:
    """Count what a dump tells."""
    states = list_states(dump)
    counters = dump.memory_counters.row(0, named=True)
    values: dict[_Key, int | None] = {_Key(name): counters[name] for name in OF_PROCESS}
    if states["regions"] == WHOLE:
        values |= {_Key(name): value for name, value in _of_regions(dump.regions).items()}
    if states["threads"] == WHOLE:
        # One that has ended is listed as long as somebody has it open.
        values[_Key(THREADS)] = dump.threads["exited_at"].null_count()
    if states["handles"] == WHOLE:
        types = Counter(dump.handles["type"].to_list())
        values[_Key(HANDLES)] = dump.handles.height
        values |= {_Key(HANDLES, kind, NOT_IN_DUMP if kind is None else "ok"): many for kind, many in types.items()}
    return Told(values, states)


def _of_regions(regions: pl.DataFrame) -> dict[str, int | None]:
    committed = regions.filter(pl.col("state") == "commit")
    parts = {
        "committed_bytes": committed,
        "committed_private_bytes": committed.filter(pl.col("type") == "private"),
        "reserved_bytes": regions.filter(pl.col("state") == "reserve"),
    }
    return {name: as_u64(total(part["size"])) for name, part in parts.items()}
