"""`heapdelta series`: many logs or dumps of one program over time, what grows, and whether it looks like a leak."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import heapdelta as hd
from heapdelta._read.sources import listed_sources
from heapdelta._words import count_text, plural
from heapdelta.cli import _input, _json, _machine, _output, _views
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli._size import parse_size
from heapdelta.cli.series import counters, refusals, stacks, text
from heapdelta.cli.series.choices import OF_DUMPS, Kind, Sorting, Which
from heapdelta.cli.series.refusals import FAILURES_SHOWN, LINES
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from heapdelta._read.many import Batch
    from heapdelta._read.source import Source
    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series
    from heapdelta._series.timeline import By

_TOP = 10
# How the library's hints write an option of its functions.
_ARGUMENT = re.compile(r"\b(\w+)='(\w+)'")


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
            help="What to rank; counter: what dumps count, such as private usage, handles and threads; of blocks in "
            "the heaps of dumps heap, size, size_class, content, source; region_class: of their memory.",
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
    shown: Annotated[
        int | None,
        typer.Option(
            "--stacks",
            min=0,
            metavar="N",
            help="With --by stack: how many of those that look like a leak have their frames shown.",
            show_default=str(_views.SHOWN),
        ),
    ] = None,
    stack: _views.Stack = None,
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
    dump_stacks: _input.DumpStacks = False,
    modules: _input.Modules = None,
    threads: _input.Threads = None,
) -> None:
    """Rank what grows over many logs or dumps of one program, with a verdict for each row and its reason."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    filters = {"--focus": focus, "--ignore": ignore, "--hide": hide, "--show": show}
    if long and not (machine and machine.is_table):
        raise OptionError("expected --long with --csv or --parquet, found neither", kind="option")
    by = stacks.kind_of(by, shown, stack)
    refusals.refuse(by or Kind.MODULE, filters, inclusive=inclusive)
    refusals.refuse_chart(chart, top)
    space = None if address_space is None else parse_size(address_space, "--address-space")
    rules = _input.read_allocators(allocators)
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
    batch = _input.read_many(_listed(sources), how=how)
    judged: dict[str, Any] = {"address_space": space, "warm_up_hours": warm_up_hours}
    kind = by or (Kind.COUNTER if batch.dumps and not len(batch) else Kind.MODULE)
    refusals.refuse_few(batch, kind)
    made: Series | DumpSeries
    json: Callable[[pl.DataFrame], str]
    if kind in OF_DUMPS or (kind is Kind.HEAP and not len(batch)):
        _views.refuse_for_dumps(filters)
        refusals.refuse(kind, filters, inclusive=inclusive)
        if kind is Kind.CONTENT:
            batch.dumps = [dump for dump in map(how.named, batch.dumps) if isinstance(dump, hd.Dump)]
        made = _of_dumps(batch, kind, order=order, runs=runs, threads=threads)
        ranking = made.growth(**judged)
        people = partial(counters.show_alone, counters=made, ranking=ranking, batch=batch)
        json = partial(_json.of_dump_series, made, batch=batch)
    else:
        found = hd.group(batch)
        refusals.refuse_many(found, runs)
        logs = batch if len(found) < 2 else found
        made = _series(logs, kind, rules, inclusive=inclusive, order=order, runs=runs, threads=threads)
        refusals.refuse_heaps(made, chart)
        made = _views.filtered(made, _views.filters(focus, ignore, hide, show))
        ranking = made.growth(**judged)
        grown = None if made.counters is None else made.counters.growth(**judged)
        alone = stack is not None
        if stack is not None:
            ranking = stacks.one(made, ranking, stack)
        told = None if kind is not Kind.STACK else ranking if alone else stacks.told(ranking, shown)
        with_files: dict[str, Any] = {"batch": batch, "runs": found, "grown": grown}
        people = partial(text.show, series=made, ranking=ranking, told=told, alone=alone, **with_files)
        json = partial(_written, made, told=told, **with_files)
    written = _long(made, ranking if stack is not None else None) if long else ranking
    written = written if top is None or long else written.head(top)
    if machine is not None:
        machine.write(written, json)
    else:
        people(_output.console(), top=top or _TOP)
    if chart is not None:
        hd.chart.save(hd.chart.growth(made, top=top or LINES, warm_up_hours=warm_up_hours), chart)
        _output.remark(f"chart: {chart}")
    if machine is not None and machine.is_table:
        _output.remark_notes(made.notes)
        if isinstance(made, hd.Series) and made.counters is not None:
            _output.remark(f"--by counter ranks what {plural(len(made.counters.dumps), 'dump')} beside the logs count")
    _report(batch, kind, named=machine is not None)


def _long(made: Series | DumpSeries, alone: pl.DataFrame | None) -> pl.DataFrame:
    """Give every key at every time; or those of the one stack that was asked for."""
    table = made.table()
    return table if alone is None else table.join(alone, on=["run", "fingerprint"], how="semi")


def _written(
    made: Series,
    ranking: pl.DataFrame,
    *,
    batch: Batch,
    runs: Runs,
    grown: pl.DataFrame | None,
    told: pl.DataFrame | None,
) -> str:
    """Write JSON, with the frames of the stacks that are told."""
    frames = None if told is None else stacks.as_json(made, told)
    return _json.of_series(made, ranking, batch, runs, grown, frames)


def _listed(sources: list[str]) -> list[Source]:
    """List files: shells of Windows hand over a pattern as it is."""
    return [file for source in sources for file in listed_sources(source)]


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


def _of_dumps(batch: Batch, kind: Kind, *, order: Sorting, runs: Which, threads: int | None) -> DumpSeries:
    with _as_options():
        by = cast("Any", kind.value)
        return cast("DumpSeries", hd.series(batch.dumps, by=by, order=order.value, runs=runs.value, threads=threads))


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
    for message in batch.failures["message"].head(FAILURES_SHOWN) if named else ():
        _output.error_line(message)
    if named and batch.failures.height:
        _output.remark(
            f"{count_text(batch.failures.height)} of {plural(len(batch.paths), 'file')} could not be read as heap logs "
            "or dumps"
        )
    if kind not in OF_DUMPS:
        _output.report_all_issues(batch)
    _output.report_all_issues(batch.dumps, "dump")
