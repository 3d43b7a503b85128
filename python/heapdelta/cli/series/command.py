"""`heapdelta series`: many logs or dumps of one program over time, what grows, and whether it looks like a leak."""

from __future__ import annotations

import re
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import heapdelta as hd
from heapdelta._picture import MOST_LINES
from heapdelta._read.sources import listed_sources
from heapdelta._words import count_text, moment, plural
from heapdelta.cli import _input, _json, _machine, _output, _views
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli._size import parse_size
from heapdelta.cli.series import counters, text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from heapdelta._read.many import Batch
    from heapdelta._read.source import Source
    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series
    from heapdelta._series.timeline import By

_TOP = 10
_FAILURES_SHOWN = 10
_UNREADABLE = 3
_LINES = 8
"""Lines of a chart unless another number is asked for."""
# How the library's hints write an option of its functions.
_ARGUMENT = re.compile(r"\b(\w+)='(\w+)'")


class Kind(StrEnum):
    """What one row of the ranking stands for."""

    MODULE = "module"
    FUNCTION = "function"
    STACK = "stack"
    HEAP = "heap"
    COUNTER = "counter"


class Sorting(StrEnum):
    """What puts the logs in their order."""

    TAKEN_AT = "taken_at"
    NAME = "name"
    MTIME = "mtime"
    GIVEN = "given"


class Which(StrEnum):
    """How many runs of the program there may be."""

    ONE = "one"
    ALL = "all"


def series(
    sources: Annotated[
        list[str],
        INPUT,
        typer.Argument(
            metavar="LOG...",
            help="A folder with all below it, an archive, a pattern such as 'logs/*.txt', or two files and more.",
            show_default=False,
        ),
    ],
    by: Annotated[
        Kind | None,
        typer.Option(
            help="What to rank; counter: what dumps count, such as private usage, handles and threads.",
            show_default="module; counter where there are dumps only",
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows to show.", show_default="10; all in machine output")
    ] = None,
    runs: Annotated[
        Which, typer.Option(help="Refuse logs of several runs of the program, or judge each run by itself.")
    ] = Which.ONE,
    order: Annotated[
        Sorting,
        typer.Option(
            metavar="ORDER",
            help="By the time in the logs (taken_at), the files' names (name), their times of change (mtime), "
            "or as given.",
        ),
    ] = Sorting.TAKEN_AT,
    inclusive: Annotated[
        bool, typer.Option("--inclusive", help="Count a stack for every module (or function) it passes.")
    ] = False,
    focus: _views.Focus = None,
    ignore: _views.Ignore = None,
    hide: _views.Hide = None,
    show: _views.Show = None,
    address_space: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Bytes the program can use, such as 3GiB, to tell when they are used up.",
            show_default="2GiB for 32-bit logs",
        ),
    ] = None,
    warm_up_hours: Annotated[
        float,
        typer.Option(
            min=0, metavar="HOURS", help="Growth so soon after the first log of a run is never called a leak."
        ),
    ] = 24.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write everything as JSON.")] = False,
    as_csv: _machine.Csv = False,
    csv_raw: _machine.CsvRaw = False,
    parquet: _machine.Parquet = None,
    output: _machine.OutputFile = None,
    long: Annotated[
        bool, typer.Option("--long", help="With --csv or --parquet: every key at every time in place of the ranking.")
    ] = False,
    chart: Annotated[
        Path | None, OUTPUT, typer.Option(help="Draw it into this .png, .svg or .html file, too.", show_default=False)
    ] = None,
    allocators: _input.AllocatorFile = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    threads: _input.Threads = None,
) -> None:
    """Rank what grows over many logs or dumps of one program, with a verdict for each row and its reason."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    filters = {"--focus": focus, "--ignore": ignore, "--hide": hide, "--show": show}
    if long and not (machine and machine.is_table):
        raise OptionError("expected --long with --csv or --parquet, found neither", kind="option")
    _refuse(by or Kind.MODULE, filters, inclusive=inclusive)
    _refuse_chart(chart, top)
    space = None if address_space is None else parse_size(address_space, "--address-space")
    rules = _input.read_allocators(allocators)
    how = _input.how(encoding, password, archive_limit, threads=threads, symbols=symbols, by_name=symbols_by_name)
    batch = _input.read_many(_listed(sources), how=how)
    judged: dict[str, Any] = {"address_space": space, "warm_up_hours": warm_up_hours}
    kind = by or (Kind.COUNTER if batch.dumps and not len(batch) else Kind.MODULE)
    _refuse_few(batch, kind)
    made: Series | DumpSeries
    if kind is Kind.COUNTER:
        _refuse(kind, filters, inclusive=inclusive)
        made = _of_dumps(batch, order=order, runs=runs, threads=threads)
        ranking = made.growth(**judged)
        people = partial(counters.show_alone, counters=made, ranking=ranking, batch=batch)
        json = partial(_json.of_dump_series, made, batch=batch)
    else:
        found = hd.group(batch)
        _refuse_many(found, runs)
        logs = batch if len(found) < 2 else found
        made = _series(logs, kind, rules, inclusive=inclusive, order=order, runs=runs, threads=threads)
        _refuse_heaps(made, chart)
        made = _views.filtered(made, _views.filters(focus, ignore, hide, show))
        ranking = made.growth(**judged)
        grown = None if made.counters is None else made.counters.growth(**judged)
        people = partial(text.show, series=made, ranking=ranking, batch=batch, runs=found, grown=grown)
        json = partial(_json.of_series, made, batch=batch, runs=found, grown=grown)
    written = made.table() if long else ranking
    written = written if top is None or long else written.head(top)
    if machine is not None:
        machine.write(written, json)
    else:
        people(_output.console(), top=top or _TOP)
    if chart is not None:
        hd.chart.save(hd.chart.growth(made, top=top or _LINES, warm_up_hours=warm_up_hours), chart)
        _output.remark(f"chart: {chart}")
    if machine is not None and machine.is_table:
        _output.remark_notes(made.notes)
        if isinstance(made, hd.Series) and made.counters is not None:
            _output.remark(f"--by counter ranks what {plural(len(made.counters.dumps), 'dump')} beside the logs count")
    _report(batch, kind, named=machine is not None)


def _refuse(kind: Kind, filters: Mapping[str, object], *, inclusive: bool) -> None:
    """Refuse what does not go together."""
    if inclusive and kind not in (Kind.MODULE, Kind.FUNCTION):
        raise OptionError(f"expected --by module or function with --inclusive, found {kind}", kind="option")
    if kind is Kind.COUNTER:
        _views.refuse_for_dumps(filters)


def _refuse_chart(chart: Path | None, top: int | None) -> None:
    """See before the work that a picture can be drawn.

    Inclusive sums overlap, which bars that add up cannot show; lines, each from its own zero, can.
    """
    _views.check_chart(chart, inclusive=False)
    if chart is not None and (top or _LINES) > MOST_LINES:
        raise OptionError(f"expected --top of 1 to {MOST_LINES} with --chart, found {top}", kind="option")


def _refuse_heaps(made: Series, chart: Path | None) -> None:
    """Refuse a picture in which one address would be two heaps."""
    runs = made.points["run"].n_unique()
    if chart is not None and made.by == "heap" and runs > 1:
        raise OptionError(
            f"expected --chart with heaps of one run, found {runs} runs",
            hint="in another run the same address is another heap: name the files of one run",
            kind="option",
        )


def _listed(sources: list[str]) -> list[Source]:
    """List files: shells of Windows hand over a pattern as it is."""
    return [file for source in sources for file in listed_sources(source)]


def _refuse_few(batch: Batch, kind: Kind) -> None:
    """Refuse less than two of what is ranked; where files failed, that is the reason, and the exit code tells so."""
    of_dumps = kind is Kind.COUNTER
    count = len(batch.dumps) if of_dumps else len(batch)
    if count >= 2:
        return
    noun = "dumps" if of_dumps else "heap logs"
    few = f"expected two {noun} or more, found {count} in {plural(len(batch.paths), 'file')}"
    others = not of_dumps and len(batch.dumps) > 1
    hint = f"--by counter ranks what {plural(len(batch.dumps), 'dump')} count" if others else None
    if batch.failures.is_empty():
        raise OptionError(few, hint=hint, kind="option")
    for message in batch.failures["message"].head(_FAILURES_SHOWN):
        _output.error_line(message)
    _output.error_line(few, hint)
    raise typer.Exit(_UNREADABLE)


def _refuse_many(runs: Runs, which: Which) -> None:
    if len(runs) < 2 or which is Which.ALL:
        return
    lines = [
        f"{run.program or 'a program'} on {run.machine}, process {run.pid}: {plural(len(run), 'log')} "
        f"from {moment(run.first_taken_at) or 'unknown'} on"
        for run in runs
    ]
    shown = "; ".join(lines[:3]) + ("; …" if len(lines) > 3 else "")
    raise OptionError(
        f"expected logs of one run of a program, found {len(runs)}: {shown}",
        hint="--runs all judges each run by itself; or name the files of one run",
        kind="option",
    )


def _series(
    snapshots: Batch | Runs,
    by: Kind,
    rules: hd.blame.Allocators | None,
    *,
    inclusive: bool,
    order: Sorting,
    runs: Which,
    threads: int | None,
) -> Series:
    with _as_options():
        return hd.series(
            snapshots,
            by=cast("By", by.value),
            inclusive=inclusive,
            allocators=rules,
            order=order.value,
            runs=runs.value,
            threads=threads,
        )


def _of_dumps(batch: Batch, *, order: Sorting, runs: Which, threads: int | None) -> DumpSeries:
    with _as_options():
        return hd.series(batch, by="counter", order=order.value, runs=runs.value, threads=threads)


@contextmanager
def _as_options() -> Iterator[None]:
    """Name options where the library's hints name its arguments."""
    try:
        yield
    except OptionError as error:
        hint = None if error.hint is None else _ARGUMENT.sub(r"--\1 \2", error.hint)
        raise OptionError(error.message, path=error.path, hint=hint, kind=error.kind) from error


def _report(batch: Batch, kind: Kind, *, named: bool) -> None:
    """Count on stderr what the report does not: with `named`, files that could not be read; and lines of the others."""
    for message in batch.failures["message"].head(_FAILURES_SHOWN) if named else ():
        _output.error_line(message)
    if named and batch.failures.height:
        _output.remark(
            f"{count_text(batch.failures.height)} of {plural(len(batch.paths), 'file')} could not be read as heap logs "
            "or dumps"
        )
    if kind is not Kind.COUNTER:
        _output.report_all_issues(batch)
    _output.report_all_issues(batch.dumps, "dump")
