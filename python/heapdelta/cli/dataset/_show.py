"""What the commands for datasets share: the dataset that is asked, and answers for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from polars import selectors

from heapdelta._words import plural
from heapdelta.cli import _machine, _output
from heapdelta.cli._files import DATASET, OUTPUT
from heapdelta.cli._listing import Listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import polars as pl

    import heapdelta as hd
    from heapdelta.cli._machine import Machine

Destination = Annotated[
    str, DATASET, typer.Argument(metavar="DEST", help="The dataset: a folder, or an address such as s3://bucket/cases.")
]
Top = Annotated[int, typer.Option(min=1, help="Rows to show; machine output has all.")]
Csv = Annotated[bool, typer.Option("--csv", help="Write all rows as CSV; of lists it has how long they are.")]
CsvRaw = Annotated[bool, typer.Option("--csv-raw", help="Write them as CSV, with all text as it is.")]
Parquet = Annotated[Path | None, OUTPUT, typer.Option(help="Write all rows to this Parquet file.")]
Json = Annotated[bool, typer.Option("--json", help="Write all rows as JSON, in exact numbers.")]


_DATES = ("first log", "last log", "first seen", "last seen")
_TEXTS = ("programs", "differs", "label")


def listing(numbers: Sequence[str], names: Sequence[str], spare: Sequence[str]) -> Listing:
    """Begin a table in which a day is not broken in two: it could not be read."""
    return Listing(None, numbers, names, spare=[[name] for name in spare], unbroken=_DATES, loose=_TEXTS)


def show(shown: Listing, rows: pl.DataFrame, top: int, notes: Sequence[str] = ()) -> None:
    """Print a table, how many more rows there are, and what a reader must know."""
    target = _output.console()
    if rows.is_empty():
        target.print("nothing")
        return
    shown.show(target)
    if rows.height > top:
        target.print(more_rows(rows.height - top))
    _output.show_notes(target, notes)


def more_rows(count: int) -> str:
    """Say how many rows are not shown."""
    return f"and {plural(count, 'row')} more: --top shows more, --json all\n"


def write(machine: Machine, rows: pl.DataFrame, dataset: hd.Dataset, notes: Sequence[str] = ()) -> None:
    """Write rows for a machine. CSV has no lists: of them it has how long they are."""

    def as_json(table: pl.DataFrame) -> str:
        dated = table.with_columns(selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S"))
        return json.dumps({"dataset": dataset.place, "rows": dated.to_dicts(), "notes": list(notes)}, indent=2)

    if machine.form is _machine.Form.CSV:
        rows = rows.with_columns(selectors.list().list.len())
    machine.write(rows, as_json)
    if machine.is_table:
        _output.remark_notes(notes)


def day(time: datetime | None) -> str:
    """Write a date; ``-`` where there is none."""
    return "-" if time is None else time.strftime("%Y-%m-%d")
