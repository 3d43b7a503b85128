"""What is in a dataset: its tables with every column, the names of its files, and the mark that says it is one.

Numbers are signed: Spark, Delta Lake and DuckDB all take these. Fingerprints, and the keys of frames and captures, are
text of 16 hexadecimal digits. Addresses keep their 64 bits, so those of the kernel are negative.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._native import __version__
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta.dataset._store import Store

SCHEMA = 1
"""Version of the layout. A dataset of a newer one is refused."""

MARK = "heapdelta.json"
MANIFEST, LABELS, VANISHED = "manifest", "labels", "vanished"
"""Folders that are no tables of captures."""

LOG, COMPARISON, DUMP = "a heap log", "the comparison of two logs", "a minidump"

ADDRESSES = frozenset({
    "address", "base", "heap_base", "allocation_base", "teb", "start_address", "instruction_pointer", "stack_pointer",
    "stack_base", "stack_limit", "handle", "affinity",
})  # fmt: skip
"""Columns whose numbers keep their bits; every other number keeps its value."""

_MOMENT = pl.Datetime("us")

CAPTURES: dict[str, pl.DataType | type[pl.DataType]] = {
    "case": pl.String,
    "capture": pl.String,
    "path": pl.String,
    "number": pl.Int64,
    "kind": pl.String,
    "format": pl.String,
    "tool_version": pl.String,
    "taken_at": _MOMENT,
    "machine": pl.String,
    "pid": pl.Int64,
    "program": pl.String,
    "pointer_width": pl.Int64,
    "encoding": pl.String,
    "os": pl.String,
    "os_version": pl.String,
    "process_created_at": _MOMENT,
    "requested_bytes": pl.Int64,
    "overhead_bytes": pl.Int64,
    "allocation_count": pl.Int64,
    "complete": pl.Boolean,
    "writes_overhead": pl.Boolean,
    "modules_key": pl.String,
    "radix": pl.Int64,
    "byte_count": pl.Int64,
    "row_lines": pl.Int64,
    "structure_lines": pl.Int64,
    "preamble_lines": pl.Int64,
    "blank_lines": pl.Int64,
    "issue_lines": pl.Int64,
    "issues": pl.Int64,
}

MANIFEST_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "case": pl.String,
    "path": pl.String,
    "outcome": pl.String,
    "kind": pl.String,
    "reason": pl.String,
    "of": pl.String,
    "size": pl.Int64,
    "modified": _MOMENT,
    "hash": pl.String,
    "captures": pl.Int64,
    "rows": pl.Int64,
    "issues": pl.Int64,
    "seconds": pl.Float64,
    "read_at": _MOMENT,
    "capture": pl.List(pl.String),
    "input": pl.String,
    "input_size": pl.Int64,
    "input_mtime_ns": pl.Int64,
    "options": pl.String,
    "batch": pl.String,
}

BATCH_COLUMNS = {**MANIFEST_COLUMNS, "parts": pl.List(pl.String), "replaces": pl.List(pl.String)}
"""Columns of a part of the manifest: the last two are those of its first row, which is the batch itself."""

_STACKS: dict[str, pl.DataType | type[pl.DataType]] = {
    "fingerprint": pl.String,
    "depth": pl.Int64,
    "frames": pl.List(pl.String),
}
_FRAMES: dict[str, pl.DataType | type[pl.DataType]] = {
    "frame": pl.String,
    "module": pl.String,
    "function": pl.String,
    "offset": pl.Int64,
    "address": pl.Int64,
    "text": pl.String,
}
_OWN: dict[str, pl.DataType | type[pl.DataType]] = {"case": pl.String, "capture": pl.String}
_USAGE: dict[str, pl.DataType | type[pl.DataType]] = {
    **_OWN,
    "heap_id": pl.Int64,
    "stack_id": pl.Int64,
    "fingerprint": pl.String,
    "requested_bytes": pl.Int64,
    "overhead_bytes": pl.Int64,
    "allocation_count": pl.Int64,
}
_TRACES: dict[str, pl.DataType | type[pl.DataType]] = {
    **_OWN,
    "stack_id": pl.Int64,
    "trace_id": pl.String,
    "fingerprint": pl.String,
    "truncated": pl.Boolean,
    "alias_of": pl.Int64,
    "inferred": pl.Boolean,
}
_SAME = {
    "modules": (LOG, COMPARISON, DUMP),
    "heaps": (LOG,),
    "allocations": (LOG,),
    "sections": (LOG, COMPARISON),
    "rows": (COMPARISON,),
    "issues": (LOG, COMPARISON, DUMP),
    "regions": (DUMP,),
    "handles": (DUMP,),
    "threads": (DUMP,),
    "memory": (DUMP,),
    "unloaded_modules": (DUMP,),
    "streams": (DUMP,),
}
"""Tables that are those of the captures, one behind the other, and whose captures have them."""

COUNTERS = ("memory_counters", "system_memory")
"""Tables of a dump that have one row, which is one row of `counters`."""

NAMES, NAMED_CAPTURES = "names", "named_captures"
"""Folder of what symbols said of frames; and the table of the logs that were asked for."""

NAME_TABLES: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "symbols": {
        "build": pl.String,
        "module": pl.String,
        "path": pl.String,
        "size": pl.Int64,
        "debug_file": pl.String,
        "wanted_id": pl.String,
        "found_path": pl.String,
        "found_id": pl.String,
        "match": pl.String,
        "kind": pl.String,
        "frame_count": pl.Int64,
        "named_count": pl.Int64,
        "reason": pl.String,
    },
    "names": {
        "frame": pl.String,
        "build": pl.String,
        "function": pl.String,
        "offset": pl.Int64,
        "file": pl.String,
        "source_line": pl.Int64,
        "decorated": pl.String,
        "other_names": pl.Int64,
        "doubtful": pl.Boolean,
    },
    "inlines": {
        "frame": pl.String,
        "build": pl.String,
        "depth": pl.Int64,
        "function": pl.String,
        "file": pl.String,
        "source_line": pl.Int64,
    },
    NAMED_CAPTURES: {"capture": pl.String},
}
"""Tables of what symbols said, made by `Dataset.symbolize` of all captures at once: no batch has a part of them."""

SHARED = {"stacks": "fingerprint", "frames": "frame"}
"""Tables that all captures share, and their keys: several parts can have the same rows."""


@cache
def tables() -> Mapping[str, Mapping[str, pl.DataType | type[pl.DataType]]]:
    """Give every table that is made of captures, with the types of its columns."""
    native = {noun: _native_schemas(noun) for noun in (LOG, COMPARISON, DUMP)}
    made: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
        "captures": CAPTURES,
        "usage": _USAGE,
        "traces": _TRACES,
        "stacks": _STACKS,
        "frames": _FRAMES,
    }
    for name, nouns in _SAME.items():
        columns = dict(_OWN)
        for noun in nouns:
            columns |= {column: stored_type(kind) for column, kind in native[noun][name].items()}
        made[name] = columns
    made["counters"] = dict(_OWN)
    for name in COUNTERS:
        made["counters"] |= {column: stored_type(kind) for column, kind in native[DUMP][name].items()}
    return made


def nouns_of(table: str) -> tuple[str, ...]:
    """Tell which captures have a table that is stored as it is; none for the others."""
    return _SAME.get(table, ())


def stored_type(kind: pl.DataType) -> pl.DataType:
    """Give the type that a column of a capture has in a dataset."""
    if kind.is_integer() or isinstance(kind, pl.Duration):
        return pl.Int64()
    if isinstance(kind, pl.Datetime):
        return pl.Datetime("us", kind.time_zone)
    return kind


@cache
def native_schema(noun: str, table: str) -> Mapping[str, pl.DataType]:
    """Give the types that the columns of a table have in a capture."""
    return _native_schemas(noun)[table]


@cache
def _native_schemas(noun: str) -> Mapping[str, Mapping[str, pl.DataType]]:
    return {name: dict(pl.DataFrame(table).schema) for name, table in _native.empty_tables(noun)}


def part(table: str, batch: str, number: int = 0) -> str:
    """Name a part of a table."""
    return f"{table}/{batch}-{number}.parquet" if number else f"{table}/{batch}.parquet"


def mark() -> bytes:
    """Write the mark of a dataset."""
    about = {"dataset": "heapdelta", "schema": SCHEMA, "written_by": __version__}
    return (json.dumps(about) + "\n").encode()


def is_dataset(store: Store) -> bool:
    """Tell whether a dataset is there.

    Raises
    ------
    OptionError
        If it is of a newer layout, or its mark cannot be read.
    """
    content = store.get(MARK)
    if content is None:
        return False
    try:
        about = json.loads(content)
        version = int(about["schema"]) if about["dataset"] == "heapdelta" else 0
    except (ValueError, KeyError, TypeError):
        version = 0
    if version < 1:
        message = f"{store.place}: expected the mark of a dataset in {MARK}, found something else"
        raise OptionError(message, path=store.place, kind="not_a_dataset")
    if version > SCHEMA:
        needed = str(about.get("written_by", "a later version"))
        message = (
            f"{store.place}: expected a dataset of layout {SCHEMA} at most, which heapdelta {__version__} reads, "
            f"found one of layout {version}"
        )
        hint = f"heapdelta {needed} wrote it and reads it"
        raise OptionError(message, path=store.place, hint=hint, kind="newer_dataset")
    return True
