"""`heapdelta summary`: what one file holds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import heapdelta as hd
from heapdelta._capture import heap_views
from heapdelta._words import bytes_text, count_text, listed, moment, plural
from heapdelta.cli import _addresses, _dump_heaps, _dump_json, _dumps, _input, _json, _machine, _output, _rank, _views
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._capture.comparison import Comparison
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._ranking.live import Live


class Kind(StrEnum):
    """What each row of a ranking is about: the first six for logs, the last five for dumps."""

    MODULE = "module"
    FUNCTION = "function"
    STACK = "stack"
    TRACE = "trace"
    HEAP = "heap"
    SIZE = "size"
    SIZE_CLASS = "size_class"
    CONTENT = "content"
    SOURCE = "source"


_OF_DUMPS_ALONE = {
    Kind.SIZE_CLASS: "of a log, --by size ranks the blocks",
    Kind.CONTENT: "a log has no contents",
    Kind.SOURCE: "a log has no contents",
}
"""What only dumps are ranked by, and why logs are not."""


def summary(
    file: Annotated[
        str, INPUT, typer.Argument(help="A heap log, a comparison of two, or a minidump.", show_default=False)
    ],
    by: Annotated[
        Kind | None,
        typer.Option(
            help="Rank by this alone. Logs: module, function, stack, trace, heap, size. "
            "Blocks in the heaps of a dump: heap, size, size_class, content, source.",
            show_default="log: module",
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows to show of each table.", show_default="10; all in machine output")
    ] = None,
    inclusive: Annotated[
        bool, typer.Option("--inclusive", help="Count a stack for every module (or function) it passes.")
    ] = False,
    stacks: _views.StacksOfOne = None,
    stack: _views.Stack = None,
    focus: _views.Focus = None,
    ignore: _views.Ignore = None,
    hide: _views.Hide = None,
    show: _views.Show = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write everything as JSON.")] = False,
    as_csv: _machine.Csv = False,
    csv_raw: _machine.CsvRaw = False,
    parquet: _machine.Parquet = None,
    output: _machine.OutputFile = None,
    chart: Annotated[
        Path | None, OUTPUT, typer.Option(help="Draw it into this .png, .svg or .html file, too.", show_default=False)
    ] = None,
    radix: Annotated[
        int | None, typer.Option(help="10 or 16: radix of a comparison that does not prove its own.")
    ] = None,
    capture: Annotated[int | None, typer.Option(min=1, help="Which capture, where the file holds several.")] = None,
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
    """Show what one file holds, and what could not be read of it."""
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
        symbols=symbols,
        by_name=symbols_by_name,
        modules=modules,
        dump_stacks=dump_stacks,
    )
    found = _input.read(file, blocks=by is Kind.SIZE, radix=radix, capture=capture, how=how)
    if isinstance(found, hd.Dump):
        of_logs: dict[str, object] = {"--inclusive": inclusive, "--allocators": rules}
        of_logs |= {"--stacks": stacks, "--stack": stack, "--focus": focus, "--ignore": ignore}
        of_logs |= {"--hide": hide, "--show": show}
        _views.refuse_for_dumps(of_logs)
        drawn = None if chart is None else hd.chart.fragmentation(found)
        _answer_of_dump(found, file, by, top, machine)
        if chart is not None and drawn is not None:
            hd.chart.save(drawn, chart)
            _output.remark(f"chart: {chart}")
        return
    if by in _OF_DUMPS_ALONE:
        raise OptionError(
            f"expected --by {by} with a minidump, found {found.format}: {_OF_DUMPS_ALONE[by]}", kind="option"
        )
    view: Live | Comparison
    if isinstance(found, hd.Comparison):
        view = _views.filtered(found if rules is None else found.with_allocators(rules), asked)
    else:
        view = _views.filtered(found.live(rules), asked)
    if by is not None:
        _rank.check(view, by.value)
    chosen = None if stack is None else _views.one(view, stack)
    if machine is not None:
        _write(machine, found, view, by, top, stacks, chosen, inclusive=inclusive)
    else:
        _show(found, view, by, top or _output.TOP, stacks, chosen, inclusive=inclusive)
    if chart is not None:
        _draw(view, by or Kind.MODULE, top, chart)
    if machine is not None:
        _output.report_issues([(file, found)])


def _answer_of_dump(
    dump: hd.Dump, file: str, by: Kind | None, top: int | None, machine: _machine.Machine | None
) -> None:
    if by is not None and by.value not in hd.DumpDelta.heap_kinds:
        kinds = listed(list(hd.DumpDelta.heap_kinds))
        raise OptionError(
            f"expected --by {kinds} with a minidump, found {by}: it does not record who allocated what", kind="option"
        )
    if machine is not None:
        _dump_json.write(machine, dump, top, by=by and by.value)
        if machine.is_table:
            _output.remark_notes(heap_views.notes_of(dump, by and by.value))
        _output.report_issues([(file, dump)])
        return
    target = _output.console()
    if by is not None:
        _dump_heaps.show_blocks(target, dump, by.value, top or _output.TOP)
        _output.show_notes(target, heap_views.notes_of(dump, by.value))
        return
    _dumps.show_dump(target, dump, top or _output.TOP)
    _addresses.show(target, dump.addresses, top or _output.TOP)
    _output.show_issues(target, dump.issues)


def _write(
    machine: _machine.Machine,
    found: Snapshot | Comparison,
    view: Live | Comparison,
    by: Kind | None,
    top: int | None,
    stacks: int | None,
    chosen: pl.DataFrame | None,
    *,
    inclusive: bool,
) -> None:
    kind = by or (Kind.MODULE if chosen is None else Kind.STACK)
    ranking = chosen if chosen is not None else view.by(kind.value, inclusive=inclusive).head(top or _output.ALL)

    def written(rows: pl.DataFrame) -> str:
        shown = chosen if chosen is not None else _views.largest(view.by("stack"), _views.count_of(stacks))
        return _json.of_file(found, view, kind.value, rows, _views.as_json(view, shown))

    machine.write(ranking, written)
    if machine.is_table:
        _output.remark_notes(view.notes)


def _show(
    found: Snapshot | Comparison,
    view: Live | Comparison,
    by: Kind | None,
    top: int,
    stacks: int | None,
    chosen: pl.DataFrame | None,
    *,
    inclusive: bool,
) -> None:
    """Print the answer for a person: the file, rankings, stacks, notes, and what could not be read."""
    target = _output.console()
    target.print(_output.facts(facts(found)))
    target.print()
    if chosen is not None:
        _views.show_stacks(target, view, chosen)
        kinds = []
    elif isinstance(found, hd.Comparison):
        kinds = [Kind.MODULE, *([Kind.STACK] * (not inclusive))] if by is None else [by]
    else:
        kinds = [by or Kind.MODULE] if not found.usage.is_empty() else []
    for kind in kinds:
        if isinstance(view, hd.Comparison):
            _rank.show_ranking(target, view, kind.value, top=top, inclusive=inclusive)
        else:
            _rank.show_live(target, view, kind.value, top=top, inclusive=inclusive)
    if kinds and (Kind.STACK in kinds or stacks is not None):
        _views.show_stacks(target, view, _views.largest(view.by("stack"), _views.count_of(stacks)))
    _output.show_notes(target, view.notes)
    _output.show_issues(target, found.issues)


def facts(found: Snapshot | Comparison) -> list[tuple[str, list[str]]]:
    """Say what a file says of itself."""
    if isinstance(found, hd.Comparison):
        grown = found.total["requested_bytes_delta"].item()
        radix = "not needed" if found.radix is None else str(found.radix)
        return [
            ("file", [found.path or "-"]),
            ("format", [found.format]),
            ("radix", [radix]),
            ("growth", [f"{bytes_text(grown, signed=True)} in {_stacks(found)}"]),
            ("total line", [_total_line(found)]),
            ("lines", [_lines(found)]),
        ]
    return [
        ("file", [found.path or "-"]),
        ("format", [" ".join(filter(None, [found.format, found.tool_version]))]),
        ("taken", [moment(found.taken_at) or "-"]),
        ("machine", [found.machine or "-"]),
        ("process", ["-" if found.pid is None else str(found.pid)]),
        ("pointers", [f"{found.pointer_width} bits"]),
        ("encoding", [found.encoding]),
        ("lines", [_lines(found)]),
        ("live", [_output.live(found)]),
        ("holds", [_sizes(found)]),
    ]


def _draw(view: Live | Comparison, kind: Kind, top: int | None, path: Path) -> None:
    rows = {} if top is None else {"top": top}
    if isinstance(view, hd.Comparison):
        drawn: Any = hd.chart.waterfall(view, by=cast("Any", kind.value), **rows)
    else:
        drawn = hd.chart.live(view, by=kind.value, **rows)
    hd.chart.save(drawn, path)
    _output.remark(f"chart: {path}")


def _stacks(comparison: Comparison) -> str:
    without = int(comparison.rows["stack_id"].null_count())
    return plural(comparison._stack_count, "stack") + (" and in blocks without one" if without else "")


def _total_line(comparison: Comparison) -> str:
    requested, overhead = comparison.total_requested_delta, comparison.total_overhead_delta
    if requested is None:
        return "none in the file"
    text = f"{bytes_text(requested, signed=True)} requested"
    return text if overhead is None else f"{text}, {bytes_text(overhead, signed=True)} overhead"


def _lines(capture: Snapshot | Comparison) -> str:
    parts = ", ".join(f"{count_text(number)} {name}" for name, number in sorted(capture.line_counts.items()) if number)
    return count_text(capture.line_count) + (f" ({parts})" if parts else "")


def _sizes(snapshot: Snapshot) -> str:
    names = ("heap", "stack", "frame", "module")
    return ", ".join(plural(getattr(snapshot, f"{name}s").height, name) for name in names)
