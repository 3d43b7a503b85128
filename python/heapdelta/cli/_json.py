"""A difference as JSON: exact numbers, and identities as text.

Fingerprints and addresses have up to 64 bits. Many readers of JSON, JavaScript and jq among them, keep 53 of a number.
So these are written as hexadecimal text, such as ``"0x00A1B2C3D4E5F607"``. Amounts are numbers.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from polars import selectors

from heapdelta._capture import heap_views
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._numbers import issue_count
from heapdelta.cli import _machine

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._diff.delta import Delta
    from heapdelta._ranking.live import Live
    from heapdelta._ranking.views import Views
    from heapdelta._read.many import Batch
    from heapdelta._read.one import AnyCapture
    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series
    from heapdelta.cli.check.gate import Check

_OF_LOGS = ("tool_version", "machine", "encoding", "line_count", "line_counts")
_OF_COMPARISONS = (
    *("path", "format", "byte_count", "encoding", "line_count", "line_counts"),
    *("radix", "total_requested_delta", "total_overhead_delta"),
)
_OF_DUMPS = ("process_created_at", "os", "os_version", "service_pack", "cpu", "user_time", "kernel_time", "comment")


def of_delta(
    delta: Delta | DumpDelta, kind: str, ranking: pl.DataFrame, stacks: list[dict[str, Any]] | None = None
) -> str:
    """Write a difference: both files, the total, one ranking, stacks with their frames, the notes and the issues."""
    written: dict[str, Any] = {
        "before": facts_of(delta.before),
        "after": facts_of(delta.after),
        "by": kind,
        "total": delta.total.row(0, named=True),
        **({} if isinstance(delta, DumpDelta) else _left_out(delta)),
        "rows": rows(ranking),
        "notes": delta.notes,
        "issues": delta.issues.to_dicts(),
    }
    if stacks is not None:
        written["stacks"] = stacks
    if isinstance(delta, DumpDelta):
        if delta._in_neither(kind):
            # No rows would say that there is nothing.
            written["rows"] = None
        written |= {
            "same_process": delta.same_process,
            "lists": {row.pop("list"): row for row in delta.lists.to_dicts()},
            "counters": delta.counters.to_dicts(),
            "heap_memory": {
                side: dump.heap_memory._asdict() for side, dump in (("before", delta.before), ("after", delta.after))
            },
        }
        if kind in delta.heap_kinds:
            written["heap_notes"] = heap_views.notes_of(delta, kind)
    return json.dumps(written, indent=2)


def of_file(
    file: Snapshot | Comparison, view: Live | Comparison, kind: str, ranking: pl.DataFrame, stacks: list[dict[str, Any]]
) -> str:
    """Write what one file holds: the file, the total, one ranking, stacks with their frames, the notes, the issues."""
    written: dict[str, Any] = {
        "file": facts_of(file),
        "by": kind,
        "total": view.total.row(0, named=True),
        **_left_out(view),
        "rows": rows(ranking),
        "stacks": stacks,
        "notes": view.notes,
        "issues": file.issues.to_dicts(),
    }
    return json.dumps(written, indent=2)


def of_tree(
    view: Delta | Live | Comparison, files: dict[str, AnyCapture], shape: dict[str, str], tree: pl.DataFrame
) -> str:
    """Write a call tree: the files, ``before`` and ``after`` or ``file``, its shape, nodes, what filters leave out."""
    issues = [{"side": side, **row} for side, file in files.items() for row in file.issues.to_dicts()]
    written: dict[str, Any] = {
        **{side: facts_of(file) for side, file in files.items()},
        **shape,
        "total": view.total.row(0, named=True),
        **_left_out(view),
        "rows": tree.to_dicts(),
        "notes": view.notes,
        "issues": issues,
    }
    return json.dumps(written, indent=2)


def of_symbols(file: Snapshot | Dump, ranking: pl.DataFrame, notes: list[str]) -> str:
    """Write where the names of a file's addresses come from."""
    written = {"file": facts_of(file), "symbols": rows(ranking), "notes": notes}
    return json.dumps(written, indent=2)


def of_check(check: Check, top: int | None) -> str:
    """Write a check: both files, each limit with the rows behind it, suppressions, the notes and the issues."""
    written: dict[str, Any] = {
        "before": facts_of(check.delta.before),
        "after": facts_of(check.delta.after),
        "passed": check.passed,
        "limits": [
            {
                "name": result.name,
                "option": result.option,
                "unit": "bytes" if result.in_bytes else "count",
                "allowed": result.allowed,
                "found": result.found,
                "passed": result.passed,
                "by": result.kind,
                "rows": rows(result.rows if top is None else result.rows.head(top)),
            }
            for result in check.results
        ],
        "suppressions": check.suppressions.to_dicts(),
        "total": check.whole.row(0, named=True),
        **_left_out(check),
        "checked": check.total.row(0, named=True),
        "notes": check.notes,
        "issues": check.delta.issues.to_dicts(),
    }
    return json.dumps(written, indent=2)


def of_series(
    series: Series,
    ranking: pl.DataFrame,
    batch: Batch,
    runs: Runs,
    grown: pl.DataFrame | None = None,
    stacks: list[dict[str, Any]] | None = None,
) -> str:
    """Write a series: its points and runs, the ranking with verdicts, stacks, and what could not be read.

    `grown` is the ranking of the counters of its dumps; `stacks` are there in a ranking of stacks only.
    """
    issues = [(log.path, issue_count(log.issues)) for log in batch if log.issues.height]
    written: dict[str, Any] = {
        "by": series.by,
        "inclusive": series.inclusive,
        "slope_unit": series.slope_unit,
        "points": _dated(series.points),
        "filters": str(series._filtered) or None,
        "left_out": series.left_out.to_dicts() if series._filtered else None,
        "runs": _dated(runs.table()),
        "unassigned": runs.unassigned.to_dicts(),
        "rows": rows(ranking),
        "stacks": stacks,
        "counters": None if series.counters is None or grown is None else _counters(series.counters, grown),
        "notes": series.notes,
        "failures": batch.failures.to_dicts(),
        "issues": [{"path": path, "issues": count} for path, count in issues],
    }
    return json.dumps(written, indent=2)


def of_dump_series(series: DumpSeries, ranking: pl.DataFrame, batch: Batch) -> str:
    """Write a series of dumps: what `of_series` has under ``counters``, and what could not be read."""
    issues = [(dump.path, issue_count(dump.issues)) for dump in batch.dumps if dump.issues.height]
    written: dict[str, Any] = {
        "by": series.by,
        "counters": _counters(series, ranking),
        "failures": batch.failures.to_dicts(),
        "issues": [{"path": path, "issues": count} for path, count in issues],
    }
    return json.dumps(written, indent=2)


def _counters(series: DumpSeries, ranking: pl.DataFrame) -> dict[str, Any]:
    return {
        "slope_unit": series.slope_unit,
        "points": _dated(series.points),
        "rows": rows(ranking),
        "notes": series.notes,
    }


def _dated(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Write times as ISO 8601: those of dumps are UTC and say so, logs tell none of a zone."""
    utc = selectors.datetime(time_zone="*")
    texts = [utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), (selectors.datetime() - utc).dt.strftime("%Y-%m-%dT%H:%M:%S")]
    return table.with_columns(texts).to_dicts()


def rows(ranking: pl.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a ranking with fingerprints and addresses as hexadecimal text."""
    shown = ranking.to_dicts()
    for row in shown:
        for name, value in row.items():
            if value is None:
                continue
            if name.startswith(_machine.FINGERPRINT):
                row[name] = f"0x{value:016X}"
            elif name in _machine.ADDRESSES:
                row[name] = f"0x{value:X}"
    return shown


def _left_out(view: Views) -> dict[str, Any]:
    """Write the filters, and what they leave out; null where there are none."""
    filtered = view._matched.filtered
    return {
        "filters": str(filtered) or None,
        "left_out": view.left_out.row(0, named=True) if filtered else None,
    }


def facts_of(capture: Snapshot | Dump | Comparison) -> dict[str, Any]:
    """Write what a file says of itself."""
    own = _OF_DUMPS if isinstance(capture, Dump) else _OF_LOGS
    names: tuple[str, ...] = ("path", "format", "taken_at", "pid", "pointer_width", "byte_count", *own)
    if isinstance(capture, Comparison):
        names = _OF_COMPARISONS
    known = {name: getattr(capture, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in known.items()}
