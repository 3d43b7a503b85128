"""`heapdelta diff`: what grew between two logs."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

import heapdelta as hd
from heapdelta.cli import _input, _output, _rank
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from rich.console import Console
    from rich.table import Table

    from heapdelta._diff import Delta
    from heapdelta._snapshot import Snapshot

_TOP = 10


class Kind(StrEnum):
    """What one row of a ranking stands for."""

    MODULE = "module"
    STACK = "stack"
    FUNCTION = "function"
    HEAP = "heap"
    TRACE = "trace"


def diff(
    before: Annotated[Path, typer.Argument(help="The older log.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="The newer log.", show_default=False)],
    by: Annotated[Kind | None, typer.Option(help="Rank by this alone.", show_default="module, then stack")] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows to show.", show_default="10; all in machine output")
    ] = None,
    inclusive: Annotated[
        bool, typer.Option("--inclusive", help="Count a stack for every module (or function) it passes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write everything as JSON, in exact numbers.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write the ranking as CSV, in exact numbers.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write the ranking to this Parquet file.")] = None,
    before_capture: Annotated[
        int | None, typer.Option(min=1, help="Which capture of the older file, if several.")
    ] = None,
    after_capture: Annotated[
        int | None, typer.Option(min=1, help="Which capture of the newer file, if several.")
    ] = None,
    allocators: Annotated[
        Path | None,
        typer.Option(help="Rules of allocator frames: one a line, such as mymem!pool_*; DEFAULT: the built-in ones."),
    ] = None,
) -> None:
    """Rank what grew between two logs."""
    if sum((as_json, as_csv, parquet is not None)) > 1:
        raise OptionError("expected one of --json, --csv and --parquet, found several", kind="option")
    if inclusive and by not in (None, Kind.MODULE, Kind.FUNCTION):
        raise OptionError(f"expected --by module or function with --inclusive, found {by}", kind="option")
    rules = _input.read_allocators(allocators)
    old, new = _input.read_snapshot(before, capture=before_capture), _input.read_snapshot(after, capture=after_capture)
    delta = hd.diff(old, new, allocators=rules)
    kind = by or Kind.MODULE
    if as_json:
        print(json.dumps(_as_json(delta, kind, _ranked(delta, kind, top, inclusive)), indent=2))
    elif as_csv:
        print(_ranked(delta, kind, top, inclusive).write_csv(), end="")
    elif parquet is not None:
        _ranked(delta, kind, top, inclusive).write_parquet(parquet)
    else:
        show(_output.console(), delta, by=by, top=top or _TOP, inclusive=inclusive)
    _output.report_issues([(str(before), delta.before), (str(after), delta.after)])


def show(target: Console, delta: Delta, *, by: Kind | None = None, top: int = _TOP, inclusive: bool = False) -> None:
    """Print the whole answer for a person: files, totals, rankings, notes, what could not be read."""
    if by is not None:
        # What refuses to answer does so before anything is printed.
        delta.by(by.value, inclusive=inclusive)
    target.print(_header(delta.before, delta.after))
    target.print()
    _show_total(target, delta.total.row(0, named=True))
    kinds = [Kind.MODULE] + [Kind.STACK] * (not inclusive) if by is None else [by]
    for kind in kinds:
        _rank.show_ranking(target, delta, kind.value, top=top, inclusive=inclusive)
    if delta.notes:
        target.print(Text("Notes", "bold"))
        for note in delta.notes:
            target.print(f"- {note}")
        target.print()
    _output.show_issues(target, delta.issues)


def _header(before: Snapshot, after: Snapshot) -> Table:
    def both(of: Callable[[Snapshot], object]) -> list[str]:
        return [str(value) if (value := of(side)) is not None else "-" for side in (before, after)]

    return _output.facts(
        [
            ("file", both(lambda side: side.path)),
            ("format", both(lambda side: " ".join(filter(None, (side.format, side.tool_version))))),
            ("taken", both(lambda side: _output.moment(side.taken_at))),
            ("machine", both(lambda side: side.machine)),
            ("process", both(lambda side: side.pid)),
            ("live", both(_output.live)),
        ],
        headings=["before", "after"],
    )


def _show_total(target: Console, total: dict[str, int | None]) -> None:
    grown = total["requested_bytes_delta"]
    line = Text("Total  ", "bold") + _output.colored(grown, _output.size(grown, signed=True)) + Text(" requested")
    if total["overhead_bytes_delta"] is not None:
        line += Text(f", {_output.size(total['overhead_bytes_delta'], signed=True)} overhead")
    target.print(line + Text(f", {_output.count(total['allocation_count_delta'], signed=True)} blocks\n"))


def _ranked(delta: Delta, kind: Kind, top: int | None, inclusive: bool) -> pl.DataFrame:
    ranking = delta.by(kind.value, inclusive=inclusive)
    return ranking if top is None else ranking.head(top)


def _as_json(delta: Delta, kind: Kind, ranking: pl.DataFrame) -> dict[str, Any]:
    return {
        "before": _facts_of(delta.before),
        "after": _facts_of(delta.after),
        "by": kind.value,
        "total": delta.total.row(0, named=True),
        "rows": ranking.to_dicts(),
        "notes": delta.notes,
        "issues": delta.issues.to_dicts(),
    }


def _facts_of(snapshot: Snapshot) -> dict[str, Any]:
    names = ["path", "format", "tool_version", "taken_at", "machine", "pid", "pointer_width", "encoding"]
    known = {name: getattr(snapshot, name) for name in [*names, "line_count", "byte_count", "line_counts"]}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in known.items()}
