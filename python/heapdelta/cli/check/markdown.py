"""A check as Markdown for a pull request: the verdict, the limits, and what is long folded away.

Names come from logs and may hold any character, among them ``|``, ``<`` and backticks (`` `anonymous namespace' ``).
They are in code spans, with a fence that is longer than any run of backticks inside. There nothing of them is markup,
and a forge notifies nobody and links nothing for ``@team``, ``#17`` or ``https://…`` in a name.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from heapdelta._numbers import issue_count, total
from heapdelta._safe_text import visible
from heapdelta._words import bytes_text, count_text, plural
from heapdelta.cli import _rank
from heapdelta.cli.check import suppress, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heapdelta.cli.check.gate import Check, Result

# What a forge makes a mention or a link of, after Markdown has been read: no backslash helps.
_SPEAKING = re.compile(r"[@#!]|://|\bwww\.|\bGH-\d|\b[0-9a-f]{7,}\b", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&])")


def document(check: Check, *, top: int) -> str:
    """Write the whole document; it ends with a line end."""
    before, after = (_code(side.path or "<bytes>") for side in (check.delta.before, check.delta.after))
    parts = [
        f"### Heap check: {words.verdict(check)}",
        f"{before} → {after}: {_escaped(words.total(check))}",
        "\n".join(_limits(check)),
        *(_exceeded(check, result, top) for result in check.results if not result.passed and result.stacks.height),
        _suppressions(check),
        _notes(check),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _limits(check: Check) -> Iterable[str]:
    yield from ("| limit | allowed | found | |", "|:--|--:|--:|:--|")
    for result in check.results:
        allowed, found = (words.amount(result, number) for number in (result.allowed, result.found))
        outcome = "ok" if result.passed else f"**{words.outcome(result)}**"
        yield f"| {_said(result.name, _cell)} | {allowed} | {found} | {outcome} |"


def _exceeded(check: Check, result: Result, top: int) -> str:
    worst = result.stacks.head(top)
    lines = ["| growth | blocks | counts for |", "|--:|--:|:--|"]
    for row in worst.iter_rows(named=True):
        grown = bytes_text(row["requested_bytes_delta"], signed=True)
        blocks = count_text(row["allocation_count_delta"], signed=True)
        owner = _rank.function(row["module"], row["function"], row["status"]).plain
        lines.append(f"| {grown} | {blocks} | {_cell(owner)} |")
    if result.stacks.height > top:
        rest = total(result.stacks.slice(top)["requested_bytes_delta"])
        lines.append(f"| {bytes_text(rest, signed=True)} | | ({count_text(result.stacks.height - top)} more) |")
    first = worst.filter(worst["fingerprint"].is_not_null()).head(1)
    frames = [_block(_rank.frame_lines(check, fingerprint)) for fingerprint in first["fingerprint"]]
    return _folded(f"Worst stacks: {words.sentence(result)}", "\n".join(lines), *frames)


def _suppressions(check: Check) -> str:
    table = check.suppressions
    if table.is_empty():
        return ""
    lines = ["| line | pattern | stacks | growth | effect |", "|--:|:--|--:|--:|:--|"]
    for row in table.iter_rows(named=True):
        grown = bytes_text(row["requested_bytes_delta"], signed=True)
        lines.append(
            f"| {row['line']} | {_cell(row['pattern'])} | {count_text(row['stacks'])} | {grown} | {row['effect']} |"
        )
    idle = table.filter(table["effect"].is_in(suppress.IDLE)).height
    title = plural(table.height, "suppression") + (f", {idle} without effect" if idle else "")
    return _folded(title, "\n".join(lines))


def _notes(check: Check) -> str:
    notes = [f"- {_said(note, _code)}" for note in check.notes]
    issues = issue_count(check.delta.issues)
    if issues:
        notes.append(f"- {plural(issues, 'issue')} in the logs: `heapdelta summary` lists them")
    return _folded(plural(len(notes), "note"), "\n".join(notes)) if notes else ""


def _folded(title: str, *parts: str) -> str:
    # The title is HTML. What is below it is read as Markdown, but only after a blank line.
    shown = escape(visible(title))
    shown = f"<code>{shown}</code>" if _SPEAKING.search(title) else shown
    return "\n\n".join([f"<details><summary>{shown}</summary>", *parts, "</details>"])


def _code(text: str) -> str:
    """Make a code span of any text."""
    text = visible(text)
    fence = "`" * (_longest_run(text) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _cell(text: str) -> str:
    r"""Make a code span for a table, where a bar ends the cell even inside code.

    Readers of tables disagree what a backslash before ``\|`` does, so one in the text is written out.
    """
    text = re.sub(r"\\+(?=\|)", lambda found: r"\x5c" * len(found[0]), text)
    return _code(text).replace("|", "\\|")


def _block(lines: Iterable[str]) -> str:
    text = "\n".join(map(visible, lines))
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _said(text: str, code: Callable[[str], str]) -> str:
    """Write a sentence, in which there may be names: as it is, or as code where a forge would act upon it."""
    return code(text) if _SPEAKING.search(text) else _escaped(text)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", visible(text))
