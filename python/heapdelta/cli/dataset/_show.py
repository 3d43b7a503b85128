"""What the commands for datasets share: the dataset that is asked, and answers for machines."""

from __future__ import annotations

import json
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from polars import selectors

from heapdelta._words import plural
from heapdelta.cli import _machine, _output
from heapdelta.cli._files import DATASET, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import polars as pl
    from rich.console import Console
    from rich.text import Text

    import heapdelta as hd
    from heapdelta.cli._machine import Machine

Destination = Annotated[
    str, DATASET, typer.Argument(metavar="DEST", help="The dataset: a folder, or an address such as s3://bucket/cases.")
]
Top = Annotated[int, typer.Option(min=1, help="Rows to show.")]
Csv = Annotated[bool, typer.Option("--csv", help="Write all rows as CSV; of lists it has how long they are.")]
CsvRaw = Annotated[bool, typer.Option("--csv-raw", help="Write them as CSV, with all text as it is.")]
Parquet = Annotated[Path | None, OUTPUT, typer.Option(help="Write all rows to this Parquet file.")]
Json = Annotated[bool, typer.Option("--json", help="Write all rows as JSON, in exact numbers.")]


_ROOMY = 100
_DATES = ("first log", "last log", "first seen", "last seen")


class Listing:
    """A table for people. Where it is narrow, `spare` columns are left out, which a line below it says."""

    def __init__(self, target: Console, numbers: Sequence[str], names: Sequence[str], spare: Sequence[str]) -> None:
        narrow = target.width < _ROOMY
        self._target = target
        self._kept = [not (narrow and heading in spare) for heading in (*numbers, *names)]
        self._left_out = [heading for heading in (*numbers, *names) if narrow and heading in spare]
        kept = [[heading for heading in part if heading not in self._left_out] for part in (numbers, names)]
        self._table = _output.table(None, *kept)
        for column in self._table.columns:
            # A day that is broken in two cannot be read.
            column.no_wrap = column.no_wrap or column.header in _DATES

    def add(self, *cells: str | Text) -> None:
        """Add a row, with cells for all columns."""
        self._table.add_row(*compress(cells, self._kept))

    def show(self, rows: pl.DataFrame, top: int) -> None:
        """Print it, what it has no room for, and how many more rows there are."""
        if rows.is_empty():
            self._target.print("nothing")
            return
        self._target.print(self._table)
        _output.left_out(self._target, self._left_out)
        if rows.height > top:
            self._target.print(f"and {plural(rows.height - top, 'row')} more: --top shows more, --json all\n")


def write(machine: Machine, rows: pl.DataFrame, dataset: hd.Dataset) -> None:
    """Write rows for a machine. CSV has no lists: of them it has how long they are."""

    def as_json(table: pl.DataFrame) -> str:
        dated = table.with_columns(selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S"))
        return json.dumps({"dataset": dataset.place, "rows": dated.to_dicts()}, indent=2)

    if machine.form is _machine.Form.CSV:
        rows = rows.with_columns(selectors.list().list.len())
    machine.write(rows, as_json)


def day(time: datetime | None) -> str:
    """Write a date; ``-`` where there is none."""
    return "-" if time is None else time.strftime("%Y-%m-%d")
