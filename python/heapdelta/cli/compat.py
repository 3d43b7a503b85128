"""`heapdelta dhcmp` and `heapdelta umdh`: the text that the old tools would have written."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated

import typer

import heapdelta as hd
from heapdelta import _compat
from heapdelta.cli import _input, _machine, _output, _streams
from heapdelta.cli._files import INPUT
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._diff.delta import Delta

Decimal = Annotated[bool, typer.Option("-d", help="Decimal numbers; hexadecimal without.")]


def dhcmp(
    before: Annotated[
        str, INPUT, typer.Argument(metavar="A", help="The log; the older one of two.", show_default=False)
    ],
    after: Annotated[str | None, INPUT, typer.Argument(metavar="B", help="The newer log.", show_default=False)] = None,
    decimal: Decimal = False,
    verbose: Annotated[bool, typer.Option("-v", help="Frames below each line.")] = False,
    before_capture: _input.BeforeCapture = None,
    after_capture: _input.AfterCapture = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    dump_stacks: _input.DumpStacks = False,
    modules: _input.Modules = None,
    output: _machine.TextFile = None,
    threads: _input.Threads = None,
) -> None:
    """Write what DHCMP would have written: growth per stack of two logs, or bytes per call site of one.

    Lists of call sites can be compared again: heapdelta dhcmp sites1.txt sites2.txt.
    """
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
    if after is None:
        if verbose:
            raise OptionError("expected two logs with -v, found one: call sites have no frames", kind="option")
        log = _input.read_snapshot(before, capture=before_capture, how=how)
        _write(_compat.sites_text(log, decimal=decimal), output)
        _output.report_issues([(before, log)])
        return
    delta = _delta((before, before_capture), (after, after_capture), how)
    _write(_compat.dhcmp_text(delta, decimal=decimal, verbose=verbose), output)
    _report(before, after, delta)


def umdh(
    before: Annotated[str, INPUT, typer.Argument(metavar="A", help="The older log.", show_default=False)],
    after: Annotated[str, INPUT, typer.Argument(metavar="B", help="The newer log.", show_default=False)],
    decimal: Decimal = False,
    verbose: Annotated[  # noqa: ARG001 - who used UMDH types it
        bool,
        typer.Option("-v", help="As UMDH: the stacks, too. They are always written here, so this changes nothing."),
    ] = False,
    before_capture: _input.BeforeCapture = None,
    after_capture: _input.AfterCapture = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    dump_stacks: _input.DumpStacks = False,
    modules: _input.Modules = None,
    output: _machine.TextFile = None,
    threads: _input.Threads = None,
) -> None:
    """Write what `umdh A B` would have written: two lines and the frames for each stack, and the total."""
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
    delta = _delta((before, before_capture), (after, after_capture), how)
    _write(_compat.umdh_text(delta, decimal=decimal), output)
    _report(before, after, delta)


def _delta(before: tuple[str, int | None], after: tuple[str, int | None], how: _input.How) -> Delta:
    older, newer = (_input.read_snapshot(path, capture=capture, how=how) for path, capture in (before, after))
    return hd.diff(older, newer)


def _report(before: str, after: str, delta: Delta) -> None:
    """Print doubts on stderr: the text has no room for them."""
    _output.remark_notes(delta.notes)
    _output.report_issues([(before, delta.before), (after, delta.after)])


def _write(text: str, file: Path | None) -> None:
    """As UTF-8 whatever the console's code page, so that `read` reads it back; with the line ends of the system.

    The tools were programs of Windows: there, what takes their text expects CRLF.
    """
    if file is None:
        _streams.emit(text, newline=os.linesep)
    else:
        _machine.write_document(text, file, newline=os.linesep)
