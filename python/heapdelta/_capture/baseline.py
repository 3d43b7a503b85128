"""A baseline: a log without its single blocks, kept as JSON, to hold later logs against.

Two logs that follow each other pass a check while the program drifts; the same log against one of months ago does not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl

from heapdelta import _native, _whole_file
from heapdelta._capture.snapshot import Snapshot
from heapdelta._long_path import for_system
from heapdelta.exceptions import FormatError, NotFoundError, ReadError

__all__ = ["read_baseline", "write_baseline"]

_VERSION = 1
_TABLES = ("usage", "stacks", "frames", "modules", "heaps", "issues", "symbols", "inlines", "frame_symbols")
_HEADER = ("format", "encoding", "tool_version", "machine", "pid", "pointer_width", "byte_count")


def write_baseline(log: Snapshot, path: str | os.PathLike[str]) -> None:
    r"""Keep a log as a baseline: its sums by heap and stack, its stacks and its modules, not its single blocks.

    Parameters
    ----------
    log : Snapshot
        A heap log.
    path : str or os.PathLike
        The file, JSON. One that is there is replaced when the new one is complete.

    Raises
    ------
    TypeError
        If it is no heap log.
    WriteError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import heapdelta as hd
    >>> log = hd.read(b"*- - - - Start of data for heap @ 10000 - - - -\n40 bytes + 18 at 2E9FB00 by BackTrace7\n")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hd.write_baseline(log, Path(folder, "baseline.json"))
    ...     hd.diff(hd.read_baseline(Path(folder, "baseline.json")), log).total["requested_bytes_delta"].item()
    0
    """
    if not isinstance(log, Snapshot):
        raise TypeError(f"expected a Snapshot, found {type(log).__name__}")
    header: dict[str, Any] = {name: getattr(log, name) for name in _HEADER}
    header["taken_at"] = None if log.taken_at is None else log.taken_at.isoformat(sep=" ")
    tables = {name: log._table(name).to_dict(as_series=False) for name in _TABLES}
    about = {"heapdelta_baseline": _VERSION, "of": log.path, "header": header, "lines": log.line_counts}
    _whole_file.write(path, json.dumps(about | {"tables": tables}) + "\n")


def read_baseline(path: str | os.PathLike[str]) -> Snapshot:
    """Read what `write_baseline` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    Snapshot
        The log, without single blocks and sections; its path is that of the baseline.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ReadError
        If it cannot be read.
    FormatError
        If it is no baseline, or one of a later heapdelta.
    """
    name = os.fsdecode(path)
    try:
        content = Path(for_system(name)).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"{name}: cannot read: {error.strerror}", path=name, kind="not_found") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ReadError(f"{name}: cannot read: {reason}", path=name, kind="io") from error
    try:
        written = json.loads(content)
        version = int(written["heapdelta_baseline"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{name}: expected a baseline that heapdelta wrote, found something else"
        raise FormatError(
            message, path=name, hint="check --write-baseline writes one", kind="not_a_baseline"
        ) from error
    if version > _VERSION:
        message = f"{name}: expected a baseline of version {_VERSION} at most, found version {version}"
        raise FormatError(message, path=name, hint="a later heapdelta reads it", kind="not_a_baseline")
    try:
        return _restored(written, name)
    except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        message = f"{name}: expected a whole baseline, found one that is damaged"
        raise FormatError(message, path=name, kind="not_a_baseline") from error


def _restored(written: dict[str, Any], path: str) -> Snapshot:
    tables = []
    for name, table in _native.empty_tables(Snapshot._noun):
        empty = pl.DataFrame(table)
        columns = written["tables"].get(name)
        tables.append((name, empty if columns is None else pl.DataFrame(columns, schema=empty.schema)))
    lines = written["lines"]
    counts = tuple(int(lines[name]) for name in ("rows", "structure", "preamble", "blank", "issues"))
    return Snapshot(_native.restored(tables, path=path, line_counts=counts, **written["header"]))  # type: ignore[arg-type]
