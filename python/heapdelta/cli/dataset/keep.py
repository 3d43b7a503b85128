"""`heapdelta label`, `symbolize`, `compact`: what is done to a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

import heapdelta as hd
from heapdelta._words import plural
from heapdelta.cli import _input, _machine, _output, _symbol_table
from heapdelta.cli._safe import Text
from heapdelta.cli.dataset._show import Csv, CsvRaw, Destination, Json, Parquet, Top, more_rows, write
from heapdelta.dataset._names import named_text
from heapdelta.exceptions import OptionError


def label(
    destination: Destination,
    fingerprint: Annotated[str, typer.Argument(metavar="ID", help="Fingerprint of a stack, or its first digits.")],
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT", help="What is known, such as 'KB5001234, fixed in 4.2'; nothing takes the label away."
        ),
    ] = "",
) -> None:
    """Say what is known of a stack; it is shown wherever that stack appears."""
    hd.open(destination).label(fingerprint, text or None)


def symbolize(
    destination: Destination,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    top: Top = 20,
    as_json: Json = False,
    as_csv: Csv = False,
    csv_raw: CsvRaw = False,
    parquet: Parquet = None,
    output: _machine.OutputFile = None,
    threads: _input.Threads = None,
) -> None:
    """Name the addresses of all logs of a dataset, without reading them again.

    What symbols say takes the place of what they said before, so give all their places each time.
    """
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    if symbols is None:
        raise OptionError("expected --symbols with a place to search, found none", kind="option")
    store = hd.symbols(*symbols)
    dataset = hd.open(destination)
    rows = dataset.symbolize(store, by_name=symbols_by_name, threads=threads)
    if machine is not None:
        write(machine, rows, dataset, dataset.notes)
        return
    target = _output.console()
    _symbol_table.show(target, rows.head(top), store)
    if rows.height > top:
        target.print(more_rows(rows.height - top))
    target.print(Text(named_text(rows)), soft_wrap=True)
    _output.show_notes(target, dataset.notes)


def compact(destination: Destination) -> None:
    """Merge the small files of a dataset, and drop what does not count any more.

    In an object store, nobody else may write meanwhile.
    """
    merged = hd.open(destination).compact()
    typer.echo(f"{plural(merged, 'batch', 'batches')} merged" if merged else "nothing to merge")
