"""`heapdelta diff`: what grew between two logs, or between two minidumps."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import heapdelta as hd
from heapdelta._capture import heap_views
from heapdelta._words import bytes_text, moment, plural
from heapdelta.cli import _dump_heaps, _dumps, _input, _json, _machine, _output, _pair, _rank, _views
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


class Matching(StrEnum):
    """How stacks of two logs are known to be the same."""

    CONTENT = "content"
    NAME = "name"


class Kind(StrEnum):
    """What each row of a ranking is about: the first ones for logs, the last ones for dumps, some for both."""

    STACK = "stack"
    FUNCTION = "function"
    HEAP = "heap"
    TRACE = "trace"
    SIZE = "size"
    SIZE_CLASS = "size_class"
    CONTENT = "content"
    SOURCE = "source"
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
            help="Rank by this alone. Logs: module, stack, function, heap, trace, size. "
            "Dumps: module, region_class, handle_type, thread_start, allocation_base; "
            "blocks in their heaps: heap, size, size_class, content, source.",
            show_default="logs: module, then stack; dumps: all",
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows to show.", show_default="10; all in machine output")
    ] = None,
    inclusive: Annotated[
        bool, typer.Option("--inclusive", help="Logs: count a stack for every module (or function) it passes.")
    ] = False,
    stacks: _views.Stacks = None,
    stack: _views.Stack = None,
    focus: _views.Focus = None,
    ignore: _views.Ignore = None,
    hide: _views.Hide = None,
    show: _views.Show = None,
    match: Annotated[
        Matching,
        typer.Option(help="Logs: match stacks by content, or by the names of functions: so two builds compare."),
    ] = Matching.CONTENT,
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
    output: _machine.OutputFile = None,
    chart: Annotated[
        Path | None, OUTPUT, typer.Option(help="Draw it into this .png, .svg or .html file, too.", show_default=False)
    ] = None,
    before_capture: _input.BeforeCapture = None,
    after_capture: _input.AfterCapture = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    dump_stacks: _input.DumpStacks = False,
    modules: _input.Modules = None,
    allocators: _input.AllocatorFile = None,
    threads: _input.Threads = None,
) -> None:
    """Rank what grew between two logs, or between two minidumps."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    if inclusive and by not in (None, Kind.MODULE, Kind.FUNCTION):
        raise OptionError(f"expected --by module or function with --inclusive, found {by}", kind="option")
    _views.check_stack(stack, by.value if by else None, inclusive=inclusive)
    _views.check_chart(chart, inclusive=inclusive)
    rules = _input.read_allocators(allocators)
    asked = _views.filters(focus, ignore, hide, show)
    how = _input.how(
        encoding,
        password,
        archive_limit,
        threads=threads,
        blocks=by is Kind.SIZE,
        symbols=symbols,
        by_name=symbols_by_name,
        dump_stacks=dump_stacks,
        modules=modules,
    )
    if after is None:
        (before, old), (after, new) = _pair.of_archive(before, how, (before_capture, after_capture))
    else:
        old = _input.read_snapshot_or_dump(before, capture=before_capture, how=how)
        new = _input.read_snapshot_or_dump(after, capture=after_capture, how=how)
    delta: Delta | DumpDelta
    if isinstance(old, hd.Dump) and isinstance(new, hd.Dump):
        of_logs: dict[str, object] = {"--inclusive": inclusive, "--allocators": rules, "--stacks": stacks}
        of_logs |= {
            "--match": match if match is Matching.NAME else None,
            "--stack": stack,
            "--focus": focus,
            "--ignore": ignore,
            "--hide": hide,
            "--show": show,
        }
        _views.refuse_for_dumps(of_logs)
        delta = hd.diff(old, new)
        if symbols and not _names_classes(delta, by, machine):
            _output.remark(
                "of two dumps symbols name the classes of blocks (--by content), and no addresses: "
                "summary DUMP --symbols PATH names those of one"
            )
    elif isinstance(old, hd.Dump) or isinstance(new, hd.Dump):
        raise _mixed(before if isinstance(old, hd.Dump) else after)
    else:
        delta = _views.filtered(hd.diff(old, new, allocators=rules, match=match.value, threads=threads), asked)
    if by is not None:
        # What refuses to answer does so before anything is printed.
        _rank.check(delta, by.value)
    if chart is not None and isinstance(delta, hd.DumpDelta):
        hd.chart.regions(delta)
    if isinstance(delta, hd.DumpDelta):
        _answer_of_dumps(delta, by, top, machine)
    else:
        _answer_of_logs(delta, by, top, machine, inclusive=inclusive, stacks=stacks, stack=stack)
    if machine is not None and machine.is_table:
        # A table holds the ranking alone.
        if isinstance(delta, hd.DumpDelta):
            kind = (by or Kind.REGION_CLASS).value
            _dumps.remark_on_unknown(delta, kind)
            _output.remark_notes(heap_views.notes_of(delta, kind) if kind in delta.heap_kinds else ())
        _output.remark_notes(delta.notes)
    if chart is not None:
        _draw(delta, by or Kind.MODULE, top, chart)
    if machine is not None:
        _output.report_issues([(before, delta.before), (after, delta.after)])


def _names_classes(delta: DumpDelta, by: Kind | None, machine: _machine.Machine | None) -> bool:
    """Tell whether what blocks begin with is shown."""
    shows_all = by is None and machine is None
    return by is Kind.CONTENT or (shows_all and _dump_heaps.worth_comparing(delta))


def _answer_of_dumps(delta: DumpDelta, by: Kind | None, top: int | None, machine: _machine.Machine | None) -> None:
    kind = (by or Kind.REGION_CLASS).value
    if machine is None:
        _dumps.show_delta(_output.console(), delta, by=by.value if by else None, top=top or _output.TOP)
        return
    machine.write(delta.by(kind).head(top or _output.ALL), lambda rows: _json.of_delta(delta, kind, rows))


def _answer_of_logs(
    delta: Delta,
    by: Kind | None,
    top: int | None,
    machine: _machine.Machine | None,
    *,
    inclusive: bool,
    stacks: int | None,
    stack: str | None,
) -> None:
    chosen = None if stack is None else _views.one(delta, stack)
    if machine is None:
        show(_output.console(), delta, by=by, top=top or _output.TOP, inclusive=inclusive, stacks=stacks, stack=chosen)
        return
    kind = by or (Kind.MODULE if chosen is None else Kind.STACK)
    ranking = chosen if chosen is not None else delta.by(kind.value, inclusive=inclusive).head(top or _output.ALL)

    def written(rows: pl.DataFrame) -> str:
        shown = chosen if chosen is not None else _views.largest(delta.by("stack"), _views.count_of(stacks))
        return _json.of_delta(delta, kind.value, rows, _views.as_json(delta, shown))

    machine.write(ranking, written)


def show(
    target: Console,
    delta: Delta,
    *,
    by: Kind | None = None,
    top: int = _output.TOP,
    inclusive: bool = False,
    stacks: int | None = None,
    stack: pl.DataFrame | None = None,
) -> None:
    """Print the whole answer for a person: files, totals, rankings, stacks, notes, what could not be read."""
    show_header(target, delta.before, delta.after)
    target.print()
    _show_total(target, delta.total.row(0, named=True))
    if stack is not None:
        _views.show_stacks(target, delta, stack)
    else:
        kinds = [Kind.MODULE] + [Kind.STACK] * (not inclusive) if by is None else [by]
        for kind in kinds:
            _rank.show_ranking(target, delta, kind.value, top=top, inclusive=inclusive)
        if Kind.STACK in kinds or stacks is not None:
            count = _views.count_of(stacks)
            _views.show_stacks(target, delta, _views.largest(delta.by("stack"), count))
    _output.show_notes(target, delta.notes)
    _output.show_issues(target, delta.issues)


def _mixed(dump: str) -> OptionError:
    return OptionError(
        f"expected two heap logs or two minidumps, found one of each: {dump} is the minidump",
        path=dump,
        hint="a dump does not record who allocated what; --modules DUMP completes the modules of two logs by it",
        kind="option",
    )


def show_header(target: Console, before: Snapshot, after: Snapshot) -> None:
    """Print which files are compared, and what they say of themselves."""

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
    target.print(line + Text(f", {plural(total['allocation_count_delta'], 'block', signed=True)}"), end="\n\n")


def _draw(delta: Delta | DumpDelta, kind: Kind, top: int | None, path: Path) -> None:
    """Save the picture, and say where on stderr: the answer itself may go to a file."""
    if isinstance(delta, hd.DumpDelta):
        hd.chart.save(hd.chart.regions(delta), path)
    else:
        rows = {} if top is None else {"top": top}
        hd.chart.save(hd.chart.waterfall(delta, by=cast("Any", kind.value), **rows), path)
    _output.remark(f"chart: {path}")
