"""`heapdelta cases`, `rank`, `similar`: what a dataset knows."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import heapdelta as hd
from heapdelta._words import bytes_text, count_text
from heapdelta.cli import _machine, _output
from heapdelta.cli._files import INPUT
from heapdelta.cli._input import read_allocators
from heapdelta.cli._rank import function
from heapdelta.cli._safe import Text
from heapdelta.cli.dataset import _show
from heapdelta.cli.dataset._show import Csv, CsvRaw, Destination, Json, Parquet, Top, day, listing, show

Allocators = Annotated[
    Path | None, INPUT, typer.Option(help="File of rules for allocators' frames, one a line; DEFAULT for the built-in.")
]


class By(StrEnum):
    """What a ranking is by."""

    MODULE = "module"
    FUNCTION = "function"
    STACK = "stack"


def cases(
    destination: Destination,
    top: Top = 50,
    as_json: Json = False,
    as_csv: Csv = False,
    csv_raw: CsvRaw = False,
    parquet: Parquet = None,
    output: _machine.OutputFile = None,
) -> None:
    """Show what a dataset has of each case."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    dataset = hd.open(destination)
    rows = dataset.cases()
    if machine is not None:
        _show.write(machine, rows, dataset)
        return
    names = ["case", "first log", "last log", "programs"]
    shown = listing(["files", "read", "failed", "runs", "size"], names, spare=["first log", "last log"])
    for row in rows.head(top).iter_rows(named=True):
        counts = [count_text(row[name]) for name in ("files", "read", "failures", "runs")]
        times = [day(row["first_taken_at"]), day(row["last_taken_at"])]
        shown.add(*counts, bytes_text(row["size"]), Text(row["case"]), *times, Text(", ".join(row["programs"])))
    show(shown, rows, top)


def rank(
    destination: Destination,
    by: Annotated[By, typer.Option(help="What grew.")] = By.MODULE,
    min_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Leave out what made up less of the growth of its run.")
    ] = 0.01,
    allocators: Allocators = None,
    top: Top = 20,
    as_json: Json = False,
    as_csv: Csv = False,
    csv_raw: CsvRaw = False,
    parquet: Parquet = None,
    output: _machine.OutputFile = None,
) -> None:
    """Rank what grew over all cases: in how many, how fast, and whether it looks like a leak."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    dataset = hd.open(destination)
    rows = dataset.rank(by.value, min_share=min_share, allocators=read_allocators(allocators))
    if machine is not None:
        _show.write(machine, rows, dataset, dataset.notes)
        return
    names = [by.value, "first seen", "last seen"] + ["label"] * (by is By.STACK)
    numbers = ["leaks", "cases", "runs", "growth", "per hour"]
    shown = listing(numbers, names, spare=["runs", "first seen", "last seen"])
    for row in rows.head(top).iter_rows(named=True):
        counts = [count_text(row[name]) for name in ("leak_cases", "cases", "run_count")]
        pace = "-" if row["pace"] is None else bytes_text(round(row["pace"]), signed=True)
        growth = bytes_text(row["requested_bytes_delta"], signed=True)
        label = [Text(row["label"] or "")] if by is By.STACK else []
        shown.add(*counts, growth, pace, _name(by, row), day(row["first_seen"]), day(row["last_seen"]), *label)
    show(shown, rows, top, dataset.notes)


def similar(
    destination: Destination,
    fingerprint: Annotated[str, typer.Argument(metavar="ID", help="Fingerprint of a stack, or its first digits.")],
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out what is less like it.")] = 0.5,
    allocators: Allocators = None,
    top: Top = 10,
    as_json: Json = False,
    as_csv: Csv = False,
    csv_raw: CsvRaw = False,
    parquet: Parquet = None,
    output: _machine.OutputFile = None,
) -> None:
    """Find the same stack, or nearly the same, in other cases, so that a known leak is known."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    dataset = hd.open(destination)
    rows = dataset.similar(fingerprint, min_score=min_score, top=None, allocators=read_allocators(allocators))
    if machine is not None:
        _show.write(machine, rows, dataset, dataset.notes)
        return
    names = ["stack", "function", "first seen", "last seen", "differs", "label"]
    shown = listing(["score", "cases"], names, spare=["first seen", "last seen"])
    for row in rows.head(top).iter_rows(named=True):
        owner = function(row["module"], row["function"], "")
        times = [day(row["first_seen"]), day(row["last_seen"])]
        # Cut off: what is not quite the same shall not look so.
        counts = [f"{int(row['score'] * 1000) / 1000:.3f}", count_text(row["case_count"])]
        stack = Text(f"#{row['fingerprint'][:6]}")
        shown.add(*counts, stack, owner, *times, Text(row["differs"] or ""), Text(row["label"] or ""))
    show(shown, rows, top, dataset.notes)


def _name(by: By, row: dict[str, Any]) -> Text:
    if by is By.MODULE:
        return _output.key(row["module"], row["status"])
    owner = function(row["module"], row["function"], row["status"])
    if by is By.FUNCTION or row["fingerprint"] is None:
        return owner
    return Text(f"#{row['fingerprint'][:6]} {owner.plain}")
