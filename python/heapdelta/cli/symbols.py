"""`heapdelta symbols`: which file names the addresses of each module, why not, and what to ask a symbol server for."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from heapdelta._symbols.store import nowhere
from heapdelta._words import plural
from heapdelta.cli import _input, _json, _machine, _output, _symbol_table
from heapdelta.cli._files import INPUT
from heapdelta.cli._safe import Text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._symbols.store import SymbolStore


def symbols(
    file: Annotated[str, INPUT, typer.Argument(metavar="LOG", help="A heap log or a minidump.", show_default=False)],
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    modules: _input.Modules = None,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Write what is lacking alone, a line each, as a symbol server has it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the table as JSON.")] = False,
    as_csv: _machine.Csv = False,
    csv_raw: _machine.CsvRaw = False,
    parquet: _machine.Parquet = None,
    output: _machine.OutputFile = None,
    capture: Annotated[int | None, typer.Option(min=1, help="Which capture, where the file holds several.")] = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    threads: _input.Threads = None,
) -> None:
    """Show of each module which file names its addresses, and why not."""
    if missing and (as_json or as_csv or csv_raw or parquet is not None):
        raise OptionError("expected --missing with --output at most, found another form", kind="option")
    machine = None
    if not missing:
        machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    if symbols is None and not missing:
        hint = "--missing lists what a log needs, without any place"
        raise OptionError("expected --symbols with a place to search, found none", hint=hint, kind="option")
    how = _input.how(
        encoding, password, archive_limit, threads=threads, symbols=symbols, by_name=symbols_by_name, modules=modules
    )
    store = how.symbols or nowhere()
    found = _input.read_snapshot_or_dump(file, capture=capture, how=how)
    found = found if how.symbols is not None else found.with_symbols(store)
    if missing:
        _write_missing(found, store, output)
        return
    table = found.symbols.sort("frame_count", "module", descending=[True, False])
    if machine is not None:
        machine.write(table, lambda rows: _json.of_symbols(found, rows, store.notes))
        if machine.is_table:
            _output.remark_notes(store.notes)
    else:
        target = _output.console()
        _symbol_table.show(target, table, store)
        if table["match"].is_in(["none", "mismatch"]).any():
            target.print(Text("--missing lists what a symbol server would be asked for"), soft_wrap=True)


def _write_missing(found: Snapshot | Dump, store: SymbolStore, output: Path | None) -> None:
    needed = store.needed(found)
    known = needed["path"].drop_nulls().unique(maintain_order=True)
    _machine.write("".join(f"{path}\n" for path in known), output)
    unknown = needed.filter(pl.col("path").is_null())
    if unknown.height:
        _output.remark(
            f"{plural(unknown.height, 'module')} whose build the file does not tell: "
            f"{', '.join(unknown['module'].head(5))}{', …' if unknown.height > 5 else ''}"
        )
