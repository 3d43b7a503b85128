"""A check as a report for people: what was compared, what is over a limit and by which stacks, and the verdict last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._ranking.fingerprints import short_forms
from heapdelta._words import bytes_text, count_text, moment
from heapdelta.cli import _output, _rank, _views
from heapdelta.cli._safe import Text
from heapdelta.cli.check import suppress, words

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from heapdelta.cli.check.gate import Check, Result


def show(target: Console, check: Check, *, top: int) -> None:
    """Print the whole report."""
    before, after = check.delta.before, check.delta.after
    _output.files_and_facts(
        target,
        [before.path, after.path],
        [
            ("taken", [moment(side.taken_at) or "-" for side in (before, after)]),
            ("live", [_output.live(side) for side in (before, after)]),
        ],
        headings=["before", "after"],
    )
    target.print()
    target.print(Text("Total  ", "bold") + Text(words.total(check)))
    target.print()
    shown: set[int] = set()
    for result in check.results:
        if not result.passed:
            _show_exceeded(target, check, result, top, shown)
    _show_suppressions(target, check.suppressions)
    _output.show_notes(target, check.notes)
    _output.show_issues(target, check.delta.issues)
    _show_limits(target, check)


def _show_exceeded(target: Console, check: Check, result: Result, top: int, shown: set[int]) -> None:
    """Print what a number over its limit is made of; stacks that were printed before are not printed again."""
    # A heading inside the table would be broken where the table ends.
    target.print(Text(words.sentence(result), "bold"))
    if result.kind != "stack" and not result.rows.is_empty():
        _rank.show_rows(target, result.rows, result.kind, title=None, top=top)
    worst = result.stacks.head(top)
    prints = set(worst["fingerprint"].drop_nulls())
    if not worst.is_empty() and (result.kind == "stack" or not prints <= shown):
        ids = short_forms(worst["fingerprint"], check.fingerprints).fill_null("").to_list()
        _rank.show_rows(target, result.stacks, "stack", title=None, top=top, ids=ids)
    if not prints <= shown:
        _views.show_stacks(target, check, worst.head(1).drop_nulls("fingerprint"))
    shown |= prints
    if worst.is_empty() and result.rows.is_empty():
        target.print()


def _show_suppressions(target: Console, suppressions: pl.DataFrame) -> None:
    if suppressions.is_empty():
        return
    table = _output.table("Suppressions", ["line", "growth", "stacks"], ["effect", "pattern"])
    for row in suppressions.iter_rows(named=True):
        grown = row["requested_bytes_delta"]
        numbers = [Text(str(row["line"])), Text(bytes_text(grown, signed=True)), Text(count_text(row["stacks"]))]
        effect = Text(row["effect"], "yellow" if row["effect"] in suppress.IDLE else "")
        table.add_row(*numbers, effect, Text(row["pattern"]))
    target.print(table)


def _show_limits(target: Console, check: Check) -> None:
    table = _output.table("Limits", ["allowed", "found"], ["result", "limit"])
    for result in check.results:
        outcome, style = words.outcome(result), "green" if result.passed else "bold red"
        numbers = [Text(words.amount(result, number)) for number in (result.allowed, result.found)]
        table.add_row(*numbers, Text(outcome, style), Text(result.name))
    target.print(table)
    verdict = words.verdict(check)
    target.print(Text(f"{verdict[0].upper()}{verdict[1:]}", "bold green" if check.passed else "bold red"))
