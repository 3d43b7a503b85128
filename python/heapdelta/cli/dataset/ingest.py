"""`heapdelta ingest`: a tree of what customers sent becomes a dataset."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer
from polars import selectors

import heapdelta as hd
from heapdelta._words import bytes_text, count_text, plural
from heapdelta.cli import _input, _machine, _output
from heapdelta.cli._files import INPUT
from heapdelta.cli._safe import Text
from heapdelta.cli.dataset._progress import reporter
from heapdelta.cli.dataset._show import Destination  # noqa: TC001 - typer looks at the annotations
from heapdelta.dataset._names import named_text
from heapdelta.dataset._progress import time_text
from heapdelta.dataset._scheduler import executor_at
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta.dataset._plan import CaseRule

_INTERRUPTED = 130


def ingest(
    source: Annotated[
        list[str],
        INPUT,
        typer.Argument(metavar="SRC...", help="Folders, files and archives; looked through with all that is in them."),
    ],
    destination: Destination,
    case: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Case of all files.",
            show_default="the first folder under SRC, or the name of an archive",
        ),
    ] = None,
    case_pattern: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="Finds the case in the path under SRC, such as 'case-([0-9]+)'."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="one per core")] = None,
    blocks: Annotated[bool, typer.Option("--blocks", help="Keep every single block, too.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read all files again, not only new and changed ones.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Work on the Dask cluster of this scheduler.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Failures to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Write what became of the files as JSON.")] = False,
    output: _machine.JsonFile = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
) -> int | None:
    """Read all that customers sent into one dataset, and go on where an earlier run stopped."""
    if output is not None and not as_json:
        raise OptionError("expected --output with --json, found it alone", kind="option")
    how = _input.how(encoding, password, archive_limit, symbols=symbols, by_name=symbols_by_name)
    report, close = reporter()
    with ExitStack() as stack:
        stack.callback(close)
        executor = stack.enter_context(executor_at(scheduler)) if scheduler is not None else None
        found = hd.ingest(
            source,
            destination,
            case=_rule(case, case_pattern),
            threads=threads,
            blocks=blocks,
            resume=not again,
            executor=executor,
            symbols=how.symbols,
            symbols_by_name=how.by_name,
            progress=report,
            **how.options(),
        )
    if as_json:
        _machine.write(_as_json(found) + "\n", output)
    else:
        _show(_output.console(), found, top)
    return _INTERRUPTED if found.interrupted else None


def _rule(case: str | None, pattern: str | None) -> CaseRule:
    if case is not None and pattern is not None:
        raise OptionError("expected one of --case and --case-pattern, found both", kind="option")
    if pattern is None:
        return case
    try:
        return re.compile(pattern)
    except re.error as error:
        message = f"expected a regular expression for --case-pattern, found {pattern}: {error}"
        raise OptionError(message, kind="option") from None


def _show(target: Console, found: hd.Ingest, top: int) -> None:
    manifest = found.manifest
    target.print(
        _output.facts(
            [
                ("dataset", [found.destination]),
                ("read now", [f"{plural(found.new_files, 'file')} in {time_text(found.seconds)}"]),
                ("known before", [plural(found.known_files, "file")]),
                (
                    "in all",
                    [f"{found.outcomes()}; {bytes_text(found.size)} in {plural(manifest['case'].n_unique(), 'case')}"],
                ),
                *([] if found.symbols is None else [("names", [named_text(found.symbols)])]),
                *([("vanished", [plural(found.vanished.height, "file")])] if found.vanished.height else []),
            ]
        )
    )
    _output.remark_notes(found.notes)
    if found.symbols is not None and found.symbols["kind"].null_count():
        _output.remark("heapdelta symbolize DEST --symbols PATH shows of each module why it has no names")
    failures = found.failures
    if failures.is_empty():
        return
    target.print()
    target.print(Text(f"Could not be read ({count_text(failures.height)})", "bold"))
    for row in failures.head(top).iter_rows(named=True):
        # No table: a path that is cut in two cannot be read or copied.
        target.print(Text(f"- {row['case']}, {row['kind']}: {row['reason'] or ''}"), soft_wrap=True)
    target.print()
    if failures.height > top:
        target.print(f"and {count_text(failures.height - top)} more: the table manifest of the dataset has all\n")


def _as_json(found: hd.Ingest) -> str:
    dated = found.failures.with_columns(selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S"))
    outcomes = dict(found.manifest.group_by("outcome").len().sort("outcome").iter_rows())
    about = {
        "dataset": found.destination,
        "new_files": found.new_files,
        "known_files": found.known_files,
        "seconds": found.seconds,
        "interrupted": found.interrupted,
        "outcomes": outcomes,
        "vanished": found.vanished.height,
        "symbols": None if found.symbols is None else found.symbols.to_dicts(),
        "notes": found.notes,
        "failures": dated.to_dicts(),
    }
    return json.dumps(about, indent=2)
