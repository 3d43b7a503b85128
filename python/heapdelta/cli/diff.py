"""`heapdelta diff`: what grew between two logs, or between two minidumps."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import heapdelta as hd
from heapdelta._picture import refuse_other
from heapdelta._words import bytes_text, count_text, moment
from heapdelta.cli import _dumps, _input, _json, _machine, _output, _pair, _rank
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli._safe import Text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from rich.console import Console

    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._diff.delta import Delta
    from heapdelta._diff.dump_delta import DumpDelta

_TOP = 10
_PICTURES = (".png", ".svg", ".html")


class Kind(StrEnum):
    """What one row of a ranking stands for: the first five for logs, the last five for dumps."""

    STACK = "stack"
    FUNCTION = "function"
    HEAP = "heap"
    TRACE = "trace"
    MODULE = "module"
    REGION_CLASS = "region_class"
    HANDLE_TYPE = "handle_type"
    THREAD_START = "thread_start"
    ALLOCATION_BASE = "allocation_base"


def diff(
    before: Annotated[
        str, INPUT, typer.Argument(help="The older log or minidump; or an archive of both.", show_default=False)
    ],
    after: Annotated[
        str | None, INPUT, typer.Argument(help="The newer one, of the same sort.", show_default=False)
    ] = None,
    by: Annotated[
        Kind | None,
        typer.Option(
            help="Rank by this alone. Logs: module, stack, function, heap, trace. Dumps: module and what follows it.",
            show_default="logs: module, then stack; dumps: all",
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows to show.", show_default="10; all in machine output")
    ] = None,
    inclusive: Annotated[
        bool, typer.Option("--inclusive", help="Logs: count a stack for every module (or function) it passes.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Write everything as JSON: exact numbers, fingerprints and addresses as hexadecimal text.",
        ),
    ] = False,
    as_csv: _machine.Csv = False,
    csv_raw: _machine.CsvRaw = False,
    parquet: _machine.Parquet = None,
    chart: Annotated[
        Path | None, OUTPUT, typer.Option(help="Draw it into this .png, .svg or .html file, too.", show_default=False)
    ] = None,
    before_capture: _input.BeforeCapture = None,
    after_capture: _input.AfterCapture = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    allocators: Annotated[
        Path | None,
        INPUT,
        typer.Option(
            help="Logs: rules of allocator frames: one a line, such as mymem!pool_*; DEFAULT: the built-in ones."
        ),
    ] = None,
) -> None:
    """Rank what grew between two logs, or between two minidumps."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet)
    if inclusive and by not in (None, Kind.MODULE, Kind.FUNCTION):
        raise OptionError(f"expected --by module or function with --inclusive, found {by}", kind="option")
    if chart is not None and chart.suffix.lower() not in _PICTURES:
        raise OptionError(f"expected --chart with a .png, .svg or .html file, found {chart.name}", kind="option")
    if chart is not None:
        refuse_other(chart)
    rules = _input.read_allocators(allocators)
    how = _input.how(encoding, password, archive_limit)
    if after is None:
        (before, old), (after, new) = _pair.of_archive(before, how, (before_capture, after_capture))
    else:
        old = _input.read_snapshot_or_dump(before, capture=before_capture, how=how)
        new = _input.read_snapshot_or_dump(after, capture=after_capture, how=how)
    delta: Delta | DumpDelta
    if isinstance(old, hd.Dump) and isinstance(new, hd.Dump):
        if inclusive or rules is not None:
            wrong = "--inclusive" if inclusive else "--allocators"
            raise OptionError(f"expected no {wrong} with minidumps, which have no stacks", kind="option")
        delta = hd.diff(old, new)
    elif isinstance(old, hd.Dump) or isinstance(new, hd.Dump):
        raise _mixed(before if isinstance(old, hd.Dump) else after)
    else:
        delta = hd.diff(old, new, allocators=rules)
    if by is not None:
        # What refuses to answer does so before anything is printed.
        _rank.check(delta, by.value)
    if chart is not None and isinstance(delta, hd.DumpDelta):
        hd.chart.regions(delta)
    kind = by or (Kind.REGION_CLASS if isinstance(delta, hd.DumpDelta) else Kind.MODULE)
    if machine is not None:
        machine.write(_ranked(delta, kind, top, inclusive), lambda rows: _json.of_delta(delta, kind.value, rows))
    elif isinstance(delta, hd.DumpDelta):
        _dumps.show_delta(_output.console(), delta, by=by.value if by else None, top=top or _TOP)
    else:
        show(_output.console(), delta, by=by, top=top or _TOP, inclusive=inclusive)
    if machine is not None and machine.is_table:
        # A table holds the ranking alone.
        if isinstance(delta, hd.DumpDelta):
            _dumps.remark_on_unknown(delta, kind.value)
        _output.remark_notes(delta.notes)
    if chart is not None:
        _draw(delta, kind, chart)
    _output.report_issues([(before, delta.before), (after, delta.after)])


def show(target: Console, delta: Delta, *, by: Kind | None = None, top: int = _TOP, inclusive: bool = False) -> None:
    """Print the whole answer for a person: files, totals, rankings, notes, what could not be read."""
    _show_header(target, delta.before, delta.after)
    target.print()
    _show_total(target, delta.total.row(0, named=True))
    kinds = [Kind.MODULE] + [Kind.STACK] * (not inclusive) if by is None else [by]
    for kind in kinds:
        _rank.show_ranking(target, delta, kind.value, top=top, inclusive=inclusive)
    _output.show_notes(target, delta.notes)
    _output.show_issues(target, delta.issues)


def _mixed(dump: str) -> OptionError:
    return OptionError(
        f"expected two heap logs or two minidumps, found one of each: {dump} is the minidump",
        path=dump,
        hint="a dump does not record who allocated what; log.with_modules(dump), in Python, completes a log by it",
        kind="option",
    )


def _show_header(target: Console, before: Snapshot, after: Snapshot) -> None:
    def both(of: Callable[[Snapshot], object]) -> list[str]:
        return [str(value) if (value := of(side)) is not None else "-" for side in (before, after)]

    _output.files_and_facts(
        target,
        [before.path, after.path],
        [
            ("format", both(lambda side: " ".join(filter(None, (side.format, side.tool_version))))),
            ("taken", both(lambda side: moment(side.taken_at))),
            ("machine", both(lambda side: side.machine)),
            ("process", both(lambda side: side.pid)),
            ("live", both(_output.live)),
        ],
        headings=["before", "after"],
    )


def _show_total(target: Console, total: dict[str, int | None]) -> None:
    grown = total["requested_bytes_delta"]
    line = Text("Total  ", "bold") + _output.colored(grown, bytes_text(grown, signed=True)) + Text(" requested")
    if total["overhead_bytes_delta"] is not None:
        line += Text(f", {bytes_text(total['overhead_bytes_delta'], signed=True)} overhead")
    target.print(line + Text(f", {count_text(total['allocation_count_delta'], signed=True)} blocks"), end="\n\n")


def _ranked(delta: Delta | DumpDelta, kind: Kind, top: int | None, inclusive: bool) -> pl.DataFrame:
    options = {} if isinstance(delta, hd.DumpDelta) else {"inclusive": inclusive}
    ranking = delta.by(kind.value, **options)
    return ranking if top is None else ranking.head(top)


def _draw(delta: Delta | DumpDelta, kind: Kind, path: Path) -> None:
    """Save the picture, and say where on stderr: the answer itself may go to a file."""
    if isinstance(delta, hd.DumpDelta):
        hd.chart.save(hd.chart.regions(delta), path)
    else:
        hd.chart.save(hd.chart.waterfall(delta, by=cast("Any", kind.value)), path)
    _output.remark(f"chart: {path}")
