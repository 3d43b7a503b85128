"""The words in which a check is reported, the same on the console, in Markdown and in JUnit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._words import bytes_text, count_text, of_count, plural
from heapdelta.cli import _rank

if TYPE_CHECKING:
    from typing import Any

    from heapdelta.cli.check.gate import Check, Result


def verdict(check: Check) -> str:
    """Say how many limits are exceeded."""
    over = sum(not result.passed for result in check.results)
    number = len(check.results)
    every = {1: "the limit", 2: "both limits"}.get(number, f"all {number} limits")
    if over == 0:
        return f"within {every}"
    states = {outcome(result) for result in check.results if not result.passed}
    words = "exceeded or not known" if len(states) > 1 else states.pop()
    if over == number:
        return f"{every} {of_count(number, 'is', 'are')} {words}"
    return f"{over} of {number} limits {of_count(over, 'is', 'are')} {words}"


def outcome(result: Result) -> str:
    """Say in a word what came of a limit."""
    if result.passed:
        return "ok"
    return "not known" if result.found is None else "exceeded"


def amount(result: Result, number: int | None) -> str:
    """Write a number in full, since a rounded one may lie on the other side of the limit."""
    if number is None:
        return "not known"
    return plural(number, "byte") if result.in_bytes else count_text(number)


def sentence(result: Result) -> str:
    """Hold what was found against what is allowed."""
    allowed, found = (amount(result, number) for number in (result.allowed, result.found))
    if result.found is None:
        return f"{result.name}: expected at most {allowed}, found a sum past 2^64 - 1, which is not known"
    rounded = f" ({bytes_text(result.found, signed=True)})" if result.in_bytes and abs(result.found) >= 1024 else ""
    return f"{result.name}: expected at most {allowed}, found {found}{rounded}"


def total(check: Check) -> str:
    """Say how much grew, how much of it filters leave out, and how much was suppressed."""
    name = "requested_bytes_delta"
    whole, left, grown = (table[name].item() for table in (check.whole, check.delta.total, check.total))
    parts = [f"{bytes_text(whole, signed=True)} requested"]
    if check.delta._matched.filtered:
        parts.append(f"{bytes_text(check.left_out[name].item(), signed=True)} left out by filters")
    if not check.suppressions.is_empty():
        taken = None if grown is None or left is None else left - grown
        parts.append(f"{bytes_text(taken, signed=True)} suppressed")
    return ", ".join(parts if len(parts) == 1 else [*parts, f"{bytes_text(grown, signed=True)} checked"])


def stack_title(row: dict[str, Any]) -> str:
    """Name a stack in one line: what it grew by, in how many blocks, and whom it counts for."""
    blocks = row["allocation_count_delta"]
    noun = "?" if blocks is None else plural(abs(blocks), "block")
    sign = "-" if blocks and blocks < 0 else "+" if blocks else ""
    owner = _rank.function(row["module"], row["function"], row["status"]).plain
    return f"{bytes_text(row['requested_bytes_delta'], signed=True)} in {sign}{noun}, {owner}"
