"""`heapdelta report`: the answer to a case as one page that can be mailed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heapdelta._drawing import ahead
from heapdelta._report import verb
from heapdelta._report.wanted import Asking
from heapdelta._shell import pasted
from heapdelta._words import bytes_text
from heapdelta.cli import _files, _input, _machine, _output, _views
from heapdelta.cli._about import about, about_case
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli.diff import Matching
from heapdelta.cli.series.choices import Sorting
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta._report.verb import Report

ALL = "all"
_WARN = 20_000_000
"""A page of so many bytes is slow in a browser, and few mail servers take it."""


def report(
    sources: Annotated[
        list[str],
        INPUT,
        typer.Argument(
            metavar="FILE...",
            help="Two logs, the older first; one log; a comparison of two; two minidumps; or a folder, an archive, "
            "a pattern or more files: a series of logs or of dumps.",
            show_default=False,
        ),
    ],
    case: Annotated[
        str | None, typer.Option(metavar="NAME", help="FILE is a dataset: report this case of it.", show_default=False)
    ] = None,
    output: Annotated[
        Path, OUTPUT, typer.Option("--output", "-o", help="The page to write, a .html file; - for standard output.")
    ] = Path("report.html"),
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is above the answer.", show_default="the files")
    ] = None,
    stacks: Annotated[
        str, typer.Option(metavar="N", help="Stacks of the graph with their frames, or all; others are folded.")
    ] = str(verb.STACKS),
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="Leave out folders, machines and ids of processes.")
    ] = False,
    focus: _views.Focus = None,
    ignore: _views.Ignore = None,
    hide: _views.Hide = None,
    show: _views.Show = None,
    match: Annotated[
        Matching, typer.Option(help="Match stacks by content, or by the names of functions: so two builds compare.")
    ] = Matching.CONTENT,
    order: Annotated[
        Sorting,
        typer.Option(
            metavar="ORDER",
            help="A series: by the time in the logs (taken_at), the files' names (name), their times of change "
            "(mtime), or as given.",
        ),
    ] = Sorting.TAKEN_AT,
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
    """Write the answer as one page: what grew, how far to trust it, and what next."""
    most = _most(stacks)
    verb.check(output, most)
    ahead.start()
    rules = _input.read_allocators(allocators)
    asked = _views.filters(focus, ignore, hide, show)
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
    if case is None:
        found = about(sources, how, (before_capture, after_capture), rules, asked, match, order, radix)
    else:
        _files.refuse_inside(sources, [output])
        found = about_case(sources, case, how, rules, asked, order)
    options = {
        "--match": match.value if match is not Matching.CONTENT else None,
        "--radix": radix,
        "--before-capture": before_capture,
        "--after-capture": after_capture,
        "--encoding": encoding,
        "--symbols": symbols,
        "--symbols-by-name": symbols_by_name,
        "--dump-stacks": dump_stacks,
        "--modules": modules,
        "--allocators": allocators,
    }
    of_filters = {f"--{name}": patterns for name, patterns in asked.items()}
    of_page = {
        "--case": case,
        "--order": order.value if order is not Sorting.TAKEN_AT else None,
        "--title": title,
        "--stacks": stacks if most != verb.STACKS else None,
        "--anonymise": anonymise,
        "--output": output,
    }
    words = ["heapdelta", "report", *sources, *_words(of_filters), *_words(options), *_words(of_page)]
    asking = Asking([path for path, _ in found.files], _words(options), pasted(words))
    made = verb.written(found.view, output, title=title, stacks=most, anonymise=anonymise, asking=asking)
    _tell(made, output)
    for message in found.failures:
        _output.error_line(message)
    _output.report_issues(found.files)


def _most(text: str) -> int | None:
    """Read a number of stacks; None for all.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if text == ALL:
        return None
    if not text.isascii() or not text.isdecimal():
        raise OptionError(f"expected --stacks with a number or all, found {text}", kind="option")
    return int(text)


def _words(options: Mapping[str, object]) -> list[str]:
    """Write options as they are on a command line; what opens archives is none of them."""
    words = []
    for option, value in options.items():
        if value is True:
            words.append(option)
        elif isinstance(value, list):
            words += [word for each in value for word in (option, str(each))]
        elif value is not None and value is not False:
            words += [option, str(value)]
    return words


def _tell(made: Report, output: Path) -> None:
    size = made.byte_count
    if not _machine.is_stdout(output):
        _output.remark(f"report: {output} ({bytes_text(size)})")
    if size > _WARN:
        _output.remark(f"the page is large for a browser and for mail: --stacks {verb.STACKS} makes it smaller")
