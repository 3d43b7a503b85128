"""Output for machines: which form a command was asked for, JSON, CSV, Parquet or a report, and where it goes.

Every command decides it here: one form at a time on standard output, files whole or not at all.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from heapdelta import _whole_file
from heapdelta._ranking.labels import hexadecimal
from heapdelta.cli import _streams
from heapdelta.cli._files import OUTPUT
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Csv = Annotated[
    bool,
    typer.Option(
        "--csv",
        help="Write the ranking as CSV, in exact numbers, fingerprints and addresses as hexadecimal text; "
        "text that a spreadsheet would run, such as =1+1, after a '.",
    ),
]
CsvRaw = Annotated[bool, typer.Option("--csv-raw", help="Write it as CSV, with all text as it is.")]
Parquet = Annotated[Path | None, OUTPUT, typer.Option(help="Write the ranking to this Parquet file.")]
OutputFile = Annotated[
    Path | None,
    OUTPUT,
    typer.Option("--output", "-o", help="With --json or --csv: write into this file, not to the console."),
]
JsonFile = Annotated[
    Path | None,
    OUTPUT,
    typer.Option("--output", "-o", help="With --json: write into this file, not to the console."),
]
TextFile = Annotated[
    Path | None, OUTPUT, typer.Option("--output", "-o", help="Write into this file, not to the console.")
]

# What Excel, LibreOffice and others take for a formula or hand over to one: also after blanks, quotes and control
# characters, and in the full-width forms of East Asian keyboards, which some of them read as the narrow ones.
_FORMULA = (
    r"""^[\t\r\n]|^[\s\p{Cc}\p{Cf}"'`\u{b4}\u{2018}-\u{201f}\u{ff02}\u{ff07}]*"""
    r"""[-=+@\u{2212}\u{fe62}\u{fe63}\u{fe66}\u{fe6b}\u{ff0b}\u{ff0d}\u{ff1d}\u{ff20}]"""
)


FINGERPRINT = "fingerprint"
"""How columns of fingerprints begin."""
ADDRESSES = ("base", "heap_base", "allocation_base", "base_before", "base_after")
"""Columns of addresses."""


class Form(Enum):
    """In what form a machine gets the answer."""

    JSON = "--json"
    CSV = "--csv"
    PARQUET = "--parquet"


@dataclass(frozen=True)
class Machine:
    """What a machine is to get in place of the report for people."""

    form: Form
    file: Path | None
    """Where it goes; None for standard output."""
    raw: bool = False
    """CSV with all text as it is."""

    @property
    def is_table(self) -> bool:
        """True if it is the ranking alone, which has no room for remarks."""
        return self.form is not Form.JSON

    def write(self, ranking: pl.DataFrame, json: Callable[[pl.DataFrame], str]) -> None:
        """Write a ranking; `json` makes the JSON of it and of what belongs to it."""
        if self.form is Form.JSON:
            write(json(ranking) + "\n", self.file)
        elif self.form is Form.CSV:
            write(csv(ranking, raw=self.raw), self.file)
        elif self.file is not None:
            _whole_file.write(self.file, _parquet(ranking))


def wanted(
    *, as_json: bool, as_csv: bool, csv_raw: bool, parquet: Path | None, output: Path | None = None
) -> Machine | None:
    """Tell what a machine is to get; None if the answer is for people.

    Raises
    ------
    OptionError
        If several forms are asked for, or there is a file for none.
    """
    asked = {Form.JSON: as_json, Form.CSV: as_csv or csv_raw, Form.PARQUET: parquet is not None}
    _refuse_several({form.value: is_asked for form, is_asked in asked.items()})
    form = next((form for form, is_asked in asked.items() if is_asked), None)
    if output is not None and form not in (Form.JSON, Form.CSV):
        raise OptionError("expected --output with --json or --csv, found neither", kind="option")
    return None if form is None else Machine(form, parquet if form is Form.PARQUET else output, raw=csv_raw)


def stdout_is_taken(*, as_json: bool, documents: Mapping[str, Path | None]) -> bool:
    """Tell whether JSON or a document, by the option that names its file, takes the place of the report.

    Raises
    ------
    OptionError
        If several do.
    """
    asked = {"--json": as_json}
    asked |= {f"{option} -": is_stdout(file) for option, file in documents.items()}
    _refuse_several(asked, " on stdout")
    return any(asked.values())


def _refuse_several(asked: Mapping[str, bool], where: str = "") -> None:
    if sum(asked.values()) > 1:
        *names, last = asked
        raise OptionError(f"expected one of {', '.join(names)} and {last}{where}, found several", kind="option")


def is_stdout(file: Path | None) -> bool:
    """Tell whether a file is standard output: ``-``, or a name of the system for it."""
    return file is not None and _whole_file.stream_of(file) == 1


def write(text: str, file: Path | None) -> None:
    """Write text to a file, else to the console."""
    if file is None:
        _streams.emit(text)
    else:
        _whole_file.write(file, text)


def write_document(text: str, file: Path, *, newline: str = "\n") -> None:
    """Write a document for another program, as UTF-8 with plain line ends on every system, or the line ends given."""
    if is_stdout(file):
        with _streams.reader_may_leave(sys.stdout):
            _streams.emit(text, newline=newline)
    else:
        _whole_file.write(file, text.replace("\n", newline))


def csv(table: pl.DataFrame, *, raw: bool) -> str:
    """Write a table as CSV; unless `raw`, with a ``'`` before text that a spreadsheet would run as a formula.

    Fingerprints and addresses are hexadecimal text, as in JSON: spreadsheets keep 53 bits of a number.
    """
    table = table.with_columns(
        _hexadecimal(table[name], 16 if name.startswith(FINGERPRINT) else 1)
        for name, kind in table.schema.items()
        if kind == pl.UInt64 and (name.startswith(FINGERPRINT) or name in ADDRESSES)
    )
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    told = [
        pl.when(pl.col(name).str.contains(_FORMULA)).then("'" + pl.col(name)).otherwise(name).alias(name)
        for name in texts
    ]
    return (table if raw else table.with_columns(told)).write_csv()


def _hexadecimal(values: pl.Series, digits: int) -> pl.Series:
    return ("0x" + hexadecimal(values).str.zfill(digits)).alias(values.name)


def _parquet(table: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    table.write_parquet(content)
    return content.getvalue()
