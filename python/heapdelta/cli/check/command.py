"""`heapdelta check`: a gate for scripts, which tells by its exit code whether growth is within limits."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer looks at the annotations
from typing import TYPE_CHECKING, Annotated

import typer

import heapdelta as hd
from heapdelta._words import plural
from heapdelta.cli import _input, _json, _machine, _output, _pair, _streams, _views
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli._size import parse_size
from heapdelta.cli.check import suppress, text
from heapdelta.cli.check.gate import Check, Limits
from heapdelta.cli.check.junit import document as junit_document
from heapdelta.cli.check.markdown import document as markdown_document
from heapdelta.exceptions import FormatError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta.cli.check.suppress import Suppression

EXCEEDED = 4
"""Exit code: the files were read, and growth is over a limit."""

_TOP = 5


class Kind(StrEnum):
    """What `--max-growth-each` looks at."""

    MODULE = "module"
    FUNCTION = "function"
    STACK = "stack"


def check(
    before: Annotated[str, INPUT, typer.Argument(help="The older log; or an archive of both.", show_default=False)],
    after: Annotated[str | None, INPUT, typer.Argument(help="The newer one.", show_default=False)] = None,
    max_growth: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Growth in all, such as 4MB (thousands) or 4MiB (1024s).")
    ] = None,
    max_growth_each: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Growth of any one module, or what --by says.")
    ] = None,
    max_growth_of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE=SIZE",
            help="Growth of this module (fh* for several together), in place of --max-growth-each; can be repeated.",
        ),
    ] = None,
    max_new_stacks: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Stacks that hold bytes after and held none before.")
    ] = None,
    max_issues: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Issues of both files: what could not be read, or is in doubt."),
    ] = None,
    by: Annotated[
        Kind, typer.Option(help="What --max-growth-each looks at, and what growth is shown by.")
    ] = Kind.MODULE,
    ignore: Annotated[
        Path | None,
        INPUT,
        typer.Option(
            metavar="RULES",
            help="Stacks to leave out: a pattern a line, such as mymem!pool_*, for any of their frames.",
        ),
    ] = None,
    focus: _views.Focus = None,
    hide: _views.Hide = None,
    show: _views.Show = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows and stacks to show of each limit.", show_default="5; all in JSON")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the answer as JSON instead of the report.")] = False,
    output: _machine.JsonFile = None,
    markdown: Annotated[
        Path | None,
        OUTPUT,
        typer.Option(metavar="FILE", help="Write it as Markdown; - for stdout, instead of the report."),
    ] = None,
    junit: Annotated[
        Path | None,
        OUTPUT,
        typer.Option(metavar="FILE", help="Write it as JUnit XML, a test case for each limit; - as above."),
    ] = None,
    baseline: Annotated[
        Path | None,
        INPUT,
        typer.Option(metavar="FILE", help="Hold one log against this, which --write-baseline wrote: slow drift shows."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        OUTPUT,
        typer.Option(metavar="FILE", help="Keep the newer log as a baseline, JSON, if it is within all limits."),
    ] = None,
    before_capture: _input.BeforeCapture = None,
    after_capture: _input.AfterCapture = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
    symbols: _input.Symbols = None,
    symbols_by_name: _input.SymbolsByName = False,
    modules: _input.Modules = None,
    allocators: _input.AllocatorFile = None,
    threads: _input.Threads = None,
) -> int:
    """Hold the growth between two logs against limits: exit code 0 within all of them, 4 over one."""
    started, clock = datetime.now(), time.monotonic()
    given = (max_growth, max_growth_each, max_growth_of or [], max_new_stacks, max_issues)
    filters = _views.filters(focus, None, hide, show)
    if write_baseline is not None and after is None and baseline is None and given == (None, None, [], None, None):
        _refuse_to_keep_a_part(filters)
        how = _input.how(
            encoding,
            password,
            archive_limit,
            threads=threads,
            symbols=symbols,
            by_name=symbols_by_name,
            modules=modules,
        )
        return _keep(_read(before, after_capture, how), write_baseline)
    limits = _limits(*given, by)
    if output is not None and not as_json:
        raise OptionError("expected --output with --json, found it alone", kind="option")
    on_stdout = as_json and output is None
    is_taken = _machine.stdout_is_taken(as_json=on_stdout, documents={"--markdown": markdown, "--junit": junit})
    suppressions = _suppressions(ignore)
    rules = _input.read_allocators(allocators)
    how = _input.how(
        encoding, password, archive_limit, threads=threads, symbols=symbols, by_name=symbols_by_name, modules=modules
    )
    if baseline is not None:
        _refuse_with_baseline(after, before_capture)
        old, new = hd.read_baseline(baseline), _read(before, after_capture, how)
        before, after = str(baseline), before
    elif after is None:
        (before, one), (after, other) = _pair.of_archive(before, how, (before_capture, after_capture))
        old, new = _with_blocks(before, one), _with_blocks(after, other)
    else:
        old, new = _read(before, before_capture, how), _read(after, after_capture, how)
    delta = _views.filtered(hd.diff(old, new, allocators=rules, threads=threads), filters)
    checked = Check(delta, limits, suppressions, baseline=None if write_baseline is None else str(write_baseline))
    if junit is not None:
        seconds = time.monotonic() - clock
        document = junit_document(checked, top=top or _TOP, started=started, seconds=seconds)
        _machine.write_document(document.decode(), junit)
    if markdown is not None:
        _machine.write_document(markdown_document(checked, top=top or _TOP), markdown)
    # In `heapdelta check … | head` the answer is the exit code, however much of the report is read.
    with _streams.reader_may_leave(sys.stdout):
        if as_json:
            _machine.write(_json.of_check(checked, top) + "\n", output)
        elif not is_taken:
            text.show(_output.console(), checked, top=top or _TOP)
    with _streams.reader_may_leave(sys.stderr):
        if is_taken:
            _output.report_issues([(before, old), (after, new)])
    if write_baseline is not None:
        _keep_if(checked, new, write_baseline, told=not (as_json or is_taken))
    return 0 if checked.passed else EXCEEDED


def _keep(log: Snapshot, path: Path) -> int:
    hd.write_baseline(log, path)
    _output.remark(f"baseline: {path}")
    return 0


def _keep_if(checked: Check, log: Snapshot, path: Path, *, told: bool) -> None:
    """Keep a log that is within all limits; else say that it is not kept, unless a report has told it."""
    if checked.passed:
        _keep(log, path)
        return
    for note in () if told else checked.about_baseline:
        with _streams.reader_may_leave(sys.stderr):
            _output.remark(note)


def _refuse_to_keep_a_part(filters: Mapping[str, list[str]]) -> None:
    """Refuse filters where nothing is checked: a baseline is a whole log, so that any later check can be held to it."""
    for name in filters:
        raise OptionError(
            f"expected no --{name} where a log is kept and nothing is checked, found one",
            hint="a baseline is the whole log; filters are for the check against it, and then for both logs",
            kind="option",
        )


def _refuse_with_baseline(after: str | None, before_capture: int | None) -> None:
    if after is not None:
        message, hint = "expected one log with --baseline, found two", "the baseline is what the log is held against"
        raise OptionError(message, hint=hint, kind="option")
    if before_capture is not None:
        raise OptionError("expected no --before-capture with --baseline, found one", kind="option")


def _read(path: str, capture: int | None, how: _input.How) -> Snapshot:
    """Read a log that a limit can be held against.

    Raises
    ------
    FormatError
        If the file is something else, or holds no block: growth from or to nothing is within any limit, or over it, by
        accident.
    """
    try:
        found = _input.read_snapshot(path, capture=capture, how=how)
    except OptionError as error:
        raise FormatError(error.message, path=path, hint=error.hint, kind="not_a_log") from error
    return _with_blocks(path, found)


def _with_blocks(path: str, found: Snapshot | Dump) -> Snapshot:
    """Let a log pass that has blocks.

    Raises
    ------
    FormatError
        For every other.
    """
    if isinstance(found, hd.Dump):
        message = f"{path}: expected a heap log, found a minidump"
        raise FormatError(message, path=path, kind="not_a_log")
    if not (found.usage["allocation_count"] > 0).any():
        raise FormatError(
            f"{path}: expected a heap log with blocks, found {plural(found.heaps.height, 'heap')} without any",
            path=path,
            hint="the log is of another process, was taken too early, or lost its blocks: heapdelta summary shows it",
            kind="empty",
        )
    return found


def _limits(
    growth: str | None, each: str | None, of: list[str], new_stacks: int | None, issues: int | None, by: Kind
) -> Limits:
    limits = Limits(
        growth=None if growth is None else parse_size(growth, "--max-growth"),
        growth_each=None if each is None else parse_size(each, "--max-growth-each"),
        by=by.value,
        growth_of=tuple(_limit_of_module(one) for one in of),
        new_stacks=new_stacks,
        issues=issues,
    )
    if not limits:
        raise OptionError(
            "expected a limit, found none",
            hint="--max-growth SIZE, --max-growth-each SIZE, --max-growth-of MODULE=SIZE, --max-new-stacks N, "
            "--max-issues N: one or more of them",
            kind="option",
        )
    return limits


def _limit_of_module(given: str) -> tuple[str, int]:
    pattern, equals, size = given.partition("=")
    if not equals or not pattern.strip() or "!" in pattern:
        raise OptionError(
            f"expected --max-growth-of with a module and a size, such as mymem=4MB, found {given!r}", kind="option"
        )
    return pattern.strip(), parse_size(size, "--max-growth-of")


def _suppressions(path: Path | None) -> list[Suppression]:
    if path is None:
        return []
    hint = "--ignore of check names a file with a pattern a line; --focus, --hide and --show take patterns"
    return suppress.parse(_input.read_rules(path, "suppressions", hint=hint), str(path))
