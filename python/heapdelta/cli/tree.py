"""`heapdelta tree`: through which calls memory grew between two logs, or is held in one."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import polars as pl
import typer

import heapdelta as hd
from heapdelta.cli import _calls, _input, _json, _machine, _output, _pair, _rank, _views
from heapdelta.cli._files import INPUT
from heapdelta.cli.diff import Matching, show_header
from heapdelta.cli.summary import facts
from heapdelta.exceptions import ArchiveError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta._capture.comparison import Comparison
    from heapdelta._diff.delta import Delta
    from heapdelta._ranking.live import Live
    from heapdelta._read.one import AnyCapture
    from heapdelta.blame import Allocators
    from heapdelta.cli._input import How

    View: TypeAlias = "Delta | Live | Comparison"

LEAST_SHARE = 0.02
"""The share of all change from which on a node is drawn, unless another is asked for."""

_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?(%?)")


class Kind(StrEnum):
    """What one step of a tree is."""

    FUNCTION = "function"
    MODULE = "module"


def tree(
    before: Annotated[
        str,
        INPUT,
        typer.Argument(
            help="The older log; or one log, a comparison of two, or an archive of two logs.", show_default=False
        ),
    ],
    after: Annotated[str | None, INPUT, typer.Argument(help="The newer log.", show_default=False)] = None,
    inward: Annotated[
        bool,
        typer.Option("--inward", help="From the start of the thread to the blamed frame, not from there outward."),
    ] = False,
    by: Annotated[Kind, typer.Option(help="What one step is; module joins neighbours of one module.")] = Kind.FUNCTION,
    keep_allocators: Annotated[
        bool, typer.Option("--keep-allocators", help="Show the allocator's frames inside the blamed one, too.")
    ] = False,
    min_share: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Leave out nodes with less of all change (of one log: of what is live), such as 5% or 0.05.",
            show_default="2%; none in machine output",
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Levels to show; in the drawing calls in a row that do not branch are one.",
            show_default="all",
        ),
    ] = None,
    focus: _views.Focus = None,
    ignore: _views.Ignore = None,
    hide: _views.Hide = None,
    show: _views.Show = None,
    match: Annotated[
        Matching, typer.Option(help="Match stacks by content, or by the names of functions: so two builds compare.")
    ] = Matching.CONTENT,
    as_json: Annotated[bool, typer.Option("--json", help="Write everything as JSON, a row for each node.")] = False,
    as_csv: _machine.Csv = False,
    csv_raw: _machine.CsvRaw = False,
    parquet: _machine.Parquet = None,
    output: _machine.OutputFile = None,
    radix: Annotated[
        int | None, typer.Option(help="10 or 16: radix of a comparison that does not prove its own.")
    ] = None,
    before_capture: _input.BeforeCapture = None,
    after_capture: _input.AfterCapture = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    dump_stacks: _input.DumpStacks = False,
    modules: _input.Modules = None,
    allocators: _input.AllocatorFile = None,
    threads: _input.Threads = None,
) -> None:
    """Show through which calls memory grew between two logs, or is held in one."""
    machine = _machine.wanted(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw, parquet=parquet, output=output)
    least = _share(min_share)
    rules = _input.read_allocators(allocators)
    asked = _views.filters(focus, ignore, hide, show)
    how = _input.how(
        encoding,
        password,
        archive_limit,
        threads=threads,
        symbols=symbols,
        by_name=symbols_by_name,
        dump_stacks=dump_stacks,
        modules=modules,
    )
    files = read_files(before, after, how, (before_capture, after_capture), radix)
    view = _views.filtered(view_of(files, rules, match, threads), asked)
    shape: dict[str, str] = {
        "direction": "inward" if inward else "outward",
        "by": by.value,
        "allocators": "keep" if keep_allocators else "trim",
    }
    table = view.tree(**shape)  # type: ignore[arg-type]
    captures = {side: capture for side, (_, capture) in files.items()}
    if machine is None:
        _show(view, captures, table, inward=inward, least=LEAST_SHARE if least is None else least, depth=depth)
        return
    if least is not None:
        table = _calls.worth(table, _calls.change_of(table), least)
    if depth is not None:
        table = table.filter(pl.col("depth") <= depth)
    machine.write(table, lambda rows: _json.of_tree(view, captures, shape, rows))
    if machine.is_table:
        _output.remark_notes(view.notes)
    _output.report_issues(files.values())


def _share(text: str | None) -> float | None:
    """Read a share: ``5%`` or ``0.05``.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if text is None:
        return None
    match = _SHARE.fullmatch(text.strip())
    share = None if match is None else float(match[1]) / (100 if match[2] else 1)
    if share is None or share > 1:
        raise OptionError(f"expected --min-share with a share such as 5% or 0.05, found {text}", kind="option")
    return share


def read_files(
    before: str, after: str | None, how: How, captures: tuple[int | None, int | None], radix: int | None
) -> dict[str, tuple[str, AnyCapture]]:
    """Read what is asked about: ``before`` and ``after``, or one ``file``; each with what it is called.

    Raises
    ------
    OptionError
        If there is a dump, which has no stacks, or options of two files with one.
    """
    if after is not None:
        if radix is not None:
            raise OptionError("expected no --radix with two logs: it is for a comparison", kind="option")
        old = _input.read_snapshot(before, capture=captures[0], how=how)
        return {"before": (before, old), "after": (after, _input.read_snapshot(after, capture=captures[1], how=how))}
    if captures[1] is not None:
        raise OptionError("expected AFTER with --after-capture, found none", kind="option")
    try:
        found = _input.read(before, blocks=False, radix=radix, capture=captures[0], how=how)
    except ArchiveError as error:
        if error.kind != "many_members":
            raise
        older, newer = _pair.of_archive(before, how, (None, None))
        files: dict[str, tuple[str, AnyCapture]] = {"before": older, "after": newer}
    else:
        files = {"file": (before, found)}
    refuse_dumps(files.values())
    return files


def refuse_dumps(files: Iterable[tuple[str, AnyCapture]]) -> None:
    """Refuse dumps.

    Raises
    ------
    OptionError
        If there is one.
    """
    for path, capture in files:
        if isinstance(capture, hd.Dump):
            raise OptionError(
                f"{path}: expected a heap log or a comparison of two, found a minidump",
                path=path,
                hint="a dump records no stacks; heapdelta diff and heapdelta summary take dumps",
                kind="option",
            )


def view_of(
    files: dict[str, tuple[str, AnyCapture]], rules: Allocators | None, match: Matching, threads: int | None
) -> View:
    """Bring together what was read: two logs as a difference, one log as what is live in it.

    Raises
    ------
    OptionError
        If stacks of one file are to be matched.
    """
    one, *others = [capture for _, capture in files.values()]
    if others:
        made = hd.diff(one, others[0], allocators=rules, match=match.value, threads=threads)
        assert isinstance(made, hd.Delta)
        return made
    if match is not Matching.CONTENT:
        raise OptionError("expected --match with two logs, found one file", kind="option")
    if isinstance(one, hd.Comparison):
        return one if rules is None else one.with_allocators(rules)
    assert isinstance(one, hd.Snapshot)
    return one.live(rules)


def _show(
    view: View, captures: dict[str, AnyCapture], table: pl.DataFrame, *, inward: bool, least: float, depth: int | None
) -> None:
    """Print the answer for a person: the files, the tree, notes, and what could not be read."""
    target = _output.console()
    if isinstance(view, hd.Delta):
        show_header(target, view.before, view.after)
    else:
        target.print(_output.facts(facts(captures["file"])))  # type: ignore[arg-type]
    target.print()
    if view._filtered_away:
        target.print(_rank.LEFT_BY_FILTERS, end="\n\n")
    else:
        _calls.show(target, table, inward=inward, least=least, depth=depth)
    _output.show_notes(target, view.notes)
    _output.show_issues(target, view.issues if isinstance(view, hd.Delta) else captures["file"].issues)
