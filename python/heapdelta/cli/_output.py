"""What the sub-commands print: tables for people, sizes with units, issues on stderr."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import polars as pl
from rich import box
from rich.table import Table

from heapdelta._numbers import issue_count, issues_by_kind, total
from heapdelta._safe_text import visible
from heapdelta._words import bytes_text, count_text, plural
from heapdelta.cli import _safe, _streams
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._read.one import AnyCapture

TOP, ALL = 10, 1 << 62
"""Rows of a ranking for people, and for machines, unless another number is asked for."""

# Wide enough for names, narrow enough for a ticket or a mail.
_PIPED_WIDTH = 120
_ISSUES_SHOWN = 5
_PLACE = ("stream", "index")
# Where a path may be broken, so that no word of it is.
_BREAK = re.compile(r"(?<=[\\/_. -])")


def console() -> Console:
    """Make the console for results: the terminal's width, or a fixed one in a pipe."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _safe.Console(highlight=False, markup=False, emoji=False, width=_PIPED_WIDTH if piped else None)


def _stderr() -> Console:
    return _safe.Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def error_line(message: str, hint: str | None = None) -> None:
    """Print an error, and its hint on a line of its own, on stderr."""
    stderr = _stderr()
    with _streams.reader_may_leave(sys.stderr):
        stderr.print(Text("error: ", "bold red") + Text(message))
        if hint is not None:
            stderr.print(Text("hint: ", "bold") + Text(hint))


def live(snapshot: Snapshot) -> str:
    """Write what is live in a log, in all."""
    usage = snapshot.usage
    blocks = plural(total(usage["allocation_count"]), "block")
    overlap = ", counted once per call site" if snapshot.format == "dhcmp-sites" else ""
    return f"{bytes_text(total(usage['requested_bytes']))} in {blocks}{overlap}"


def colored(number: int | None, text: str) -> Text:
    """Red for growth, green for shrinking; the sign says the same without colour."""
    return Text(text, "red" if number and number > 0 else "green" if number and number < 0 else "dim")


def key(name: str | None, status: str) -> Text:
    """Write a key of a ranking; in brackets where there is none."""
    return Text(name) if name is not None else Text(f"({status})", "italic dim")


def table(title: str | None, numbers: Sequence[str], names: Sequence[str]) -> Table:
    """Make an empty table: number columns to the right, then names that wrap rather than lose text."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in numbers:
        made.add_column(heading, justify="right", no_wrap=True)
    for heading in names:
        made.add_column(heading, overflow="fold")
    return made


def left_out(target: Console, headings: Sequence[str]) -> None:
    """Say below a table which columns it has no room for."""
    if headings:
        target.print(Text(f"left out for want of width: {', '.join(headings)}", "dim"), soft_wrap=True, end="\n\n")


def facts(pairs: Iterable[tuple[str, Sequence[str]]], headings: Sequence[str] = ()) -> Table:
    """Make a small table of named facts, one column for each file."""
    made = Table(box=None, show_header=bool(headings), pad_edge=False, header_style="bold")
    made.add_column("", style="dim", no_wrap=True)
    rows = list(pairs)
    for index in range(len(rows[0][1])):
        made.add_column(headings[index] if headings else "", overflow="fold")
    for name, values in rows:
        made.add_row(name, *(Text(value) for value in values))
    return made


def files_and_facts(
    target: Console, paths: Sequence[str | None], pairs: Iterable[tuple[str, Sequence[str]]], headings: Sequence[str]
) -> None:
    """Print the files that are compared, and facts of both side by side.

    Paths are in the table where there is room, else above it: a path that is cut in two cannot be read or copied.
    """
    pairs = list(pairs)
    names = [visible(path or "-") for path in paths]
    label = max(len(name) for name, _ in [*pairs, ("file", ())])
    room = (target.width - label) // len(names) - 2
    if max(map(len, names)) <= room:
        target.print(facts([("file", names), *pairs], headings))
        return
    width = max(map(len, headings)) + 2
    for heading, name in zip(headings, names, strict=True):
        lines = wrapped(name, target.width - width).split("\n")
        for place, line in enumerate(lines):
            target.print(Text(f"{heading if place == 0 else '':{width}}", "bold") + Text(line), soft_wrap=True)
    target.print()
    target.print(facts(pairs, headings))


def wrapped(path: str, width: int) -> str:
    """Break a path between its words: after a separator, ``_``, ``-``, ``.`` or a blank."""
    lines = [""]
    for word in _BREAK.split(path):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def report_issues(captures: Iterable[tuple[str, AnyCapture]]) -> None:
    """Count on stderr what could not be read, file by file; nothing is printed for a clean file.

    For answers to machines: a report for people tells it itself, and once is enough.
    """
    stderr = _stderr()
    for label, capture in captures:
        issues = capture.issues
        if issues.is_empty():
            continue
        stderr.print(Text(f"{label}: {plural(issue_count(issues), 'issue')}: {_kinds(issues)}", "yellow"))


def _kinds(issues: pl.DataFrame) -> str:
    rows = issues_by_kind(issues).iter_rows(named=True)
    return ", ".join(f"{count_text(row['count'])} {row['kind']} ({row['severity']})" for row in rows)


def report_all_issues(captures: Iterable[Snapshot | Dump], noun: str = "log") -> None:
    """Count on stderr, over all files together, what could not be read; nothing is printed if all are clean."""
    tables = [
        capture.issues.select("severity", "kind", "count") for capture in captures if not capture.issues.is_empty()
    ]
    if not tables:
        return
    found = pl.concat(tables)
    where = f"{plural(issue_count(found), 'issue')} in {plural(len(tables), noun)}"
    stderr = _stderr()
    stderr.print(Text(f"{where}: {_kinds(found)}", "yellow"))


def remark(text: str) -> None:
    """Print what is no part of the answer, on stderr."""
    _stderr().print(Text(text))


def remark_notes(notes: Sequence[str]) -> None:
    """Print the notes on stderr, where the answer has no room for them."""
    for note in notes:
        remark(f"note: {note}")


def show_notes(target: Console, notes: Sequence[str]) -> None:
    """Print what a reader of the numbers must know."""
    if notes:
        target.print(Text("Notes", "bold"))
        for note in notes:
            target.print(Text(f"- {note}"))
        target.print()


def show_issues(target: Console, issues: pl.DataFrame) -> None:
    """Print the first issues with their places, and say how many more there are."""
    if issues.is_empty():
        return
    of_logs = "line" in issues.columns
    title = f"Could not be read, or is in doubt ({count_text(issue_count(issues))})"
    shown = table(title, ["line" if of_logs else "byte"], ["kind", "text", "what was done"])
    if not of_logs:
        shown.add_column("stream", overflow="fold")
    if "side" in issues.columns:
        shown.add_column("log" if of_logs else "dump")
    first = issues.head(_ISSUES_SHOWN)
    for row in first.iter_rows(named=True):
        place = row["line"] if of_logs else row["byte"]
        stream = [] if of_logs else [Text(" ".join(str(row[name]) for name in _PLACE if row[name] is not None))]
        side = [row["side"]] if "side" in row else []
        shown.add_row(
            "" if place is None else str(place), row["kind"], Text(row["text"]), Text(row["action"]), *stream, *side
        )
    target.print(shown)
    more = issue_count(issues) - issue_count(first)
    if more:
        target.print(Text(f"and {count_text(more)} more; in all: {_kinds(issues)}"), end="\n\n")
