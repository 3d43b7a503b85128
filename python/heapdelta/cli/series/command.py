"""`heapdelta series`: many logs of one program over time, what grows in them, and whether it looks like a leak."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated

import typer

import heapdelta as hd
from heapdelta._picture import refuse_other
from heapdelta._read.sources import listed_sources
from heapdelta._words import count_text, moment, plural
from heapdelta.cli import _input, _json, _machine, _output
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli._size import parse_size
from heapdelta.cli.series import text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._read.many import Batch
    from heapdelta._read.source import Source
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series

_TOP = 10
_FAILURES_SHOWN = 10
_UNREADABLE = 3
_PICTURES = (".png", ".svg", ".html")
# How the library's hints write an option of its functions.
_ARGUMENT = re.compile(r"\b(\w+)='(\w+)'")


class Kind(StrEnum):
    """What one row of the ranking stands for."""

    MODULE = "module"
    FUNCTION = "function"
    STACK = "stack"
    HEAP = "heap"


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
            help="A folder, an archive, a pattern such as 'logs/*.txt', or two logs and more.",
            show_default=False,
        ),
    ],
    by: Annotated[Kind, typer.Option(help="What to rank.")] = Kind.MODULE,
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
    threads: _input.Threads = None,
) -> None:
    """Rank what grows over many logs of one program, with a verdict for each row and its reason."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    _refuse(by, inclusive=inclusive, long=long and not (machine and machine.is_table), chart=chart)
    space = None if address_space is None else parse_size(address_space, "--address-space")
    rules = _input.read_allocators(allocators)
    how = _input.how(encoding, password, archive_limit, threads=threads)
    batch = _input.read_many(_listed(sources), how=how)
    found = hd.group(batch)
    _refuse_few(batch)
    _refuse_many(found, runs)
    snapshots = batch if len(found) < 2 else found
    made = _series(snapshots, by, rules, inclusive=inclusive, order=order, runs=runs, threads=threads)
    ranking = made.growth(address_space=space, warm_up_hours=warm_up_hours)
    written = made.table() if long else ranking
    written = written if top is None or long else written.head(top)
    if machine is not None:
        machine.write(written, lambda rows: _json.of_series(made, rows, batch, found))
    else:
        text.show(_output.console(), made, ranking, batch, found, top=top or _TOP)
    if chart is not None:
        hd.chart.save(hd.chart.growth(made, top=min(top or 8, 200), warm_up_hours=warm_up_hours), chart)
        _output.remark(f"chart: {chart}")
    if machine is not None and machine.is_table:
        _output.remark_notes(made.notes)
    _report(batch, named=machine is not None)


def _refuse(kind: Kind, *, inclusive: bool, long: bool, chart: Path | None) -> None:
    """Refuse what does not go together; `long` where no table is written."""
    if long:
        raise OptionError("expected --long with --csv or --parquet, found neither", kind="option")
    if inclusive and kind not in (Kind.MODULE, Kind.FUNCTION):
        raise OptionError(f"expected --by module or function with --inclusive, found {kind}", kind="option")
    if chart is not None and chart.suffix.lower() not in _PICTURES:
        raise OptionError(f"expected --chart with a .png, .svg or .html file, found {chart.name}", kind="option")
    if chart is not None:
        refuse_other(chart)


def _listed(sources: list[str]) -> list[Source]:
    """List files: shells of Windows hand over a pattern as it is."""
    return [file for source in sources for file in listed_sources(source)]


def _refuse_few(batch: Batch) -> None:
    """Refuse less than two logs; where files failed, that is the reason, and the exit code tells so."""
    if len(batch) >= 2:
        return
    few = f"expected two heap logs or more, found {len(batch)} in {plural(len(batch.paths), 'file')}"
    if batch.failures.is_empty():
        raise OptionError(few, kind="option")
    for message in batch.failures["message"].head(_FAILURES_SHOWN):
        _output.error_line(message)
    _output.error_line(few)
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
    try:
        return hd.series(
            snapshots,
            by=by.value,
            inclusive=inclusive,
            allocators=rules,
            order=order.value,
            runs=runs.value,
            threads=threads,
        )
    except OptionError as error:
        # The library's hints name its arguments; here they are options.
        hint = None if error.hint is None else _ARGUMENT.sub(r"--\1 \2", error.hint)
        raise OptionError(error.message, path=error.path, hint=hint, kind=error.kind) from error


def _report(batch: Batch, *, named: bool) -> None:
    """Count on stderr what the report does not: with `named`, files that could not be read; and lines of the others."""
    for message in batch.failures["message"].head(_FAILURES_SHOWN) if named else ():
        _output.error_line(message)
    if named and batch.failures.height:
        _output.remark(
            f"{count_text(batch.failures.height)} of {plural(len(batch.paths), 'file')} could not be read as heap logs"
        )
    _output.report_all_issues(batch)
