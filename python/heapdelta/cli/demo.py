"""`heapdelta demo`: an investigation from start to end, on logs that heapdelta writes itself."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

import heapdelta as hd
from heapdelta import _native
from heapdelta._drawing import ahead
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._shell import pasted
from heapdelta._words import bytes_text, plural
from heapdelta.cli import _demo_files, _output, _rank
from heapdelta.cli._files import FOLDER
from heapdelta.cli._safe import Text
from heapdelta.cli.diff import show

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._diff.delta import Delta

_CHARTS = ("growth.png", "growth.html")
_SYMBOLS = "symbols"


def demo(
    out: Annotated[
        Path, FOLDER, typer.Option(metavar="FOLDER", help="Folder for logs, dumps and chart; made if need be.")
    ] = Path("demo"),
) -> None:
    """Write two logs with a leak in them, rank what grew, draw it, and tell where everything is.

    It ends with the answers, and with commands to paste that find them anew.

    Files of the same names that the demo did not write are not replaced.
    """
    symbols = [f"{_SYMBOLS}/{name}" for name, _ in _native.server_symbols()]
    with _demo_files.claimed(out, ["before.txt", "after.txt", "before.dmp", "after.dmp", *_CHARTS, *symbols]):
        _investigate(out)


def _investigate(out: Path) -> None:
    ahead.start()
    story = hd.testing.write_investigation(out)
    dumps = hd.testing.write_dump_investigation(out)
    symbols = hd.testing.write_symbols(out / _SYMBOLS)
    before, after = story.before, story.after
    target = _output.console()
    program, is_on_path = _program()
    logs = ["diff", str(before), str(after), "--symbols", str(symbols)]
    commands = [
        pasted([*program, *logs]),
        pasted([*program, *logs, "--by", "module", "--top", "3"]),
        pasted([*program, *logs, "--by", "stack", "--top", "3"]),
        pasted([*program, "diff", str(dumps.before), str(dumps.after)]),
    ]
    target.print(Text(f"$ {commands[0]}", "bold"), soft_wrap=True, end="\n\n")
    store = hd.symbols(symbols)
    delta = hd.diff(*(hd.read_log(log).with_symbols(store) for log in (before, after)))
    show(target, delta)
    waterfall = hd.chart.waterfall(delta)
    for name in _CHARTS:
        chart = hd.chart.save(waterfall, out / name)
        target.print(Text(f"chart: {chart.absolute()}"), soft_wrap=True)
    _show_answers(target, delta)
    if not is_on_path:
        target.print(Text(f"heapdelta is not on the PATH: it is {pasted(program)}"), soft_wrap=True)
    target.print(Text("To paste: the whole answer; by module; by stack; two dumps of the same process"))
    for command in commands:
        target.print(Text(f"  {command}", "bold"), soft_wrap=True)


def _show_answers(target: Console, delta: Delta) -> None:
    """Say in two lines what the rankings above show first."""
    module, stack = (delta.by(kind).row(0, named=True) for kind in ("module", "stack"))
    grown = [bytes_text(row["requested_bytes_delta"], signed=True) for row in (module, stack)]
    blocks = plural(stack["allocation_count_delta"], "block", signed=True)
    (name,) = short_forms(pl.Series([stack["fingerprint"]], dtype=pl.UInt64), delta.fingerprints)
    owner = _rank.function(stack["module"], stack["function"], stack["status"])
    target.print()
    target.print(Text("Which module?  ", "bold") + _output.key(module["module"], module["status"]) + f", {grown[0]}")
    target.print(Text("Which stack?   ", "bold") + owner + f", {grown[1]} in {blocks}: stack {name} above", end="\n\n")


def _program() -> tuple[list[str], bool]:
    """Give the words that run this heapdelta from here, and whether its name alone does."""
    name = "heapdelta.exe" if os.name == "nt" else "heapdelta"
    ours = next((place for place in (Path(sys.argv[0]), Path(sys.executable).with_name(name)) if _is_it(place)), None)
    if ours is None:
        return [sys.executable, "-m", "heapdelta"], False
    found = shutil.which("heapdelta")
    if found is not None and ours.samefile(found):
        return ["heapdelta"], True
    ours = ours.absolute()
    return [str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)], False


def _is_it(place: Path) -> bool:
    return place.stem == "heapdelta" and place.is_file()
