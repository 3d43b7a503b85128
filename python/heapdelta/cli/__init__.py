"""The command `heapdelta`: one sub-command per file, and here what they share: exit codes and errors."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

import heapdelta
from heapdelta._drawing import ahead
from heapdelta._safe_text import visible_lines
from heapdelta.cli import _files, _hints, _streams
from heapdelta.cli._help import Command, Group
from heapdelta.cli._output import error_line
from heapdelta.cli.check.command import EXCEEDED as OVER_A_LIMIT
from heapdelta.cli.check.command import check
from heapdelta.cli.compat import dhcmp, umdh
from heapdelta.cli.completion import completion, prepare
from heapdelta.cli.dataset.ask import cases, rank, similar
from heapdelta.cli.dataset.ingest import ingest
from heapdelta.cli.dataset.keep import compact, label, symbolize
from heapdelta.cli.demo import demo
from heapdelta.cli.diff import diff
from heapdelta.cli.doctor.command import doctor
from heapdelta.cli.export import export
from heapdelta.cli.report import report
from heapdelta.cli.series.command import series
from heapdelta.cli.summary import summary
from heapdelta.cli.symbols import symbols
from heapdelta.cli.tree import tree
from heapdelta.exceptions import CancelledError, HeapdeltaError, OptionError

OK, DEFECT, USAGE, UNREADABLE, EXCEEDED, INTERRUPTED = 0, 1, 2, 3, OVER_A_LIMIT, 130
"""Exit codes: done (even where an input had issues); a defect of heapdelta; a wrong option; a file that could not be
read, or an output not written; growth over a limit (`check` alone); stopped by the user."""

_EPILOG = (
    "Exit codes: 0 done, also where an input had issues (the report tells them, or stderr where there is none); "
    "1 a defect of heapdelta, or what doctor found does not work; 2 a wrong option; "
    "3 a file could not be read, or an output not written; 4 a limit of "
    "check is exceeded; 130 interrupted."
)

app = typer.Typer(
    name="heapdelta",
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reads Windows heap logs (DH, UMDH, DHCMP) and tells what grew, in whose module, by which call stack; "
    "reads minidumps and tells how much of what.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    summary,
    diff,
    tree,
    export,
    report,
    series,
    check,
    dhcmp,
    umdh,
    symbols,
    ingest,
    cases,
    rank,
    similar,
    label,
    symbolize,
    compact,
    demo,
    doctor,
    completion,
)
# Each in a line that fits beside its name.
_LINES = {
    "summary": "Show what one file holds, and what could not be read of it.",
    "diff": "Rank what grew between two logs, or between two minidumps.",
    "tree": "Show through which calls memory grew, or is held.",
    "export": "Write a file for pprof, Firefox and other viewers.",
    "report": "Write the answer as one page that can be mailed.",
    "series": "Rank what grows over many logs, and tell what is a leak.",
    "check": "Hold growth against limits; the exit code tells.",
    "dhcmp": "Write what DHCMP would have written.",
    "umdh": "Write what UMDH would have written.",
    "symbols": "Show which files name the addresses of a log.",
    "ingest": "Read all that customers sent into one dataset.",
    "cases": "Show what a dataset has of each case.",
    "rank": "Rank what grew over all cases of a dataset.",
    "similar": "Find the same stack, or nearly the same, in other cases.",
    "label": "Say what is known of a stack.",
    "symbolize": "Name the addresses of all logs of a dataset.",
    "compact": "Merge the small files of a dataset.",
    "demo": "Write two logs with a leak in them, and find it.",
    "doctor": "Tell what of this installation works, and what not.",
    "completion": "Print what lets a shell complete commands and options.",
}
for command in COMMANDS:
    name = command.__name__
    app.command(name, cls=Command, short_help=_LINES[name], epilog=_EPILOG)(_files.guarded(command))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"heapdelta {heapdelta.__version__}")
        raise typer.Exit(OK)


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line, and leave with one of the exit codes above."""
    _streams.prepare()
    code = OK
    try:
        code = run(sys.argv[1:])
    except BrokenPipeError:
        # The reader of our output has seen enough. What the command had found by then counts.
        _streams.discard(sys.stdout)
        _streams.discard(sys.stderr)
    except Exception:
        # Python would print the text of the exception as it is.
        print(visible_lines(traceback.format_exc()), end="", file=sys.stderr)
        code = DEFECT
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str
        As on the command line, without the program's name.

    Returns
    -------
    int
        The exit code.
    """
    prepare()
    try:
        outcome = app(arguments, prog_name="heapdelta", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, CancelledError, typer.Abort):
        error_line("interrupted")
        return INTERRUPTED
    except OptionError as error:
        # It may be about the command line, before anybody knows which of its files are inputs.
        _files.keep_named(arguments)
        error_line(error.message, error.hint)
        return USAGE
    except HeapdeltaError as error:
        error_line(error.message, _hints.of(error))
        return DEFECT if error.kind == "internal" else UNREADABLE
    except SystemExit as leaving:
        # So rich and typer leave when nobody reads our output any more.
        if _streams.nobody_reads(leaving):
            raise BrokenPipeError from leaving
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        # Standard output: files that are read or written have errors of their own.
        error_line(f"{error.filename or 'standard output'}: cannot write: {error.strerror or error}")
        return UNREADABLE
    except typer.TyperException as error:
        # Only the help is left of what typer itself says: there was no command.
        print(visible_lines(error.format_message()), file=sys.stderr)
        return USAGE
    finally:
        ahead.stop()
    if outcome == INTERRUPTED:
        error_line("interrupted")
    return outcome if isinstance(outcome, int) else OK
