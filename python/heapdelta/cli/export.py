"""`heapdelta export`: what grew between two logs or over many, or what one holds, as a file for another viewer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import heapdelta as hd
from heapdelta import _whole_file
from heapdelta._export.formats import format_of
from heapdelta._long_path import for_system
from heapdelta._words import bytes_text
from heapdelta.cli import _input, _output, _views
from heapdelta.cli._about import about
from heapdelta.cli._files import INPUT, OUTPUT
from heapdelta.cli._safe import Text
from heapdelta.cli.diff import Matching
from heapdelta.cli.series.choices import Sorting

_HELP_OF_FORMATS = (
    "pprof: go tool pprof (not speedscope, which refuses what shrank); firefox: profiler.firefox.com; "
    "speedscope: speedscope.app; folded: flamegraph.pl, inferno; heaptrack: heaptrack_print, one log a file."
)


class Kind(StrEnum):
    """A format of another viewer."""

    PPROF = "pprof"
    FIREFOX = "firefox"
    SPEEDSCOPE = "speedscope"
    FOLDED = "folded"
    HEAPTRACK = "heaptrack"


def export(
    sources: Annotated[
        list[str],
        INPUT,
        typer.Argument(
            metavar="FILE...",
            help="Two logs, the older first; one log; a comparison of two; or a folder, an archive, a pattern or more "
            "files: a series of logs, for firefox and speedscope.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        OUTPUT,
        typer.Option("--output", "-o", help="The file to write; .gz at its end packs it.", show_default=False),
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option("--format", help=_HELP_OF_FORMATS, show_default="as the file's name ends"),
    ] = None,
    keep_allocators: Annotated[
        bool, typer.Option("--keep-allocators", help="Write the allocator's frames inside the blamed one, too.")
    ] = False,
    changes_only: Annotated[
        bool, typer.Option("--changes-only", help="Write what changed, and not what was there on both sides.")
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
    """Write what grew between two logs or over many, or what one holds, for the viewer of another tool.

    Nothing is left out: blocks without a stack are in a frame [no stack recorded], and so on.
    """
    if output is None:
        raise hd.exceptions.OptionError("expected --output with the file to write, found none", kind="option")
    chosen = format_of(None if kind is None else kind.value, str(output))
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
    found = about(sources, how, (before_capture, after_capture), rules, asked, match, order, radix, dumps=False)
    written = hd.export(
        found.view,
        output,
        format=chosen.name,  # type: ignore[arg-type]
        allocators="keep" if keep_allocators else "trim",
        changes_only=changes_only,
    )
    if _whole_file.stream_of(output) is None:
        size = bytes_text(Path(for_system(output)).stat().st_size)
        _output.console().print(Text(f"{written.format}: {output}, {size}"), soft_wrap=True)
    _output.remark_notes(written.notes)
    for message in found.failures:
        _output.error_line(message)
    _output.report_issues(found.files)
