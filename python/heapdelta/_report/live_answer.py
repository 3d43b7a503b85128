"""The answer of one log: what holds most, and that one log does not tell what grew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._numbers import total_of_known
from heapdelta._report.answer import WITHOUT_A_STACK
from heapdelta._report.parts import Card
from heapdelta._shell import pasted
from heapdelta._words import bytes_text, of_count, plural, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def live_headline(ranking: pl.DataFrame, held: int | None) -> str:
    """Say in a sentence what holds most."""
    if not ranking.height:
        return "The log holds no blocks"
    first = ranking.row(0, named=True)
    if held is None or first["requested_bytes"] is None:
        return "How much is held is not known, because the size of some blocks is not"
    return f"{_module(first)} holds {bytes_text(first['requested_bytes'])} of {bytes_text(held)}"


def live_cards(
    ranking: pl.DataFrame, held: int | None, notes: Sequence[str], issues: int, command: list[str]
) -> list[Card]:
    """Answer the four questions, as far as one log can."""
    first = ranking.row(0, named=True) if ranking.height else None
    which = Card("Which module?", "None: there are no blocks", [])
    if first is not None:
        size = bytes_text(first["requested_bytes"])
        share = share_text(first["requested_bytes"], held, digits=1)
        which = Card(
            "Which module?",
            _module(first),
            [f"It holds {size} in {plural(first['allocation_count'], 'block')}, {share} of all."],
        )
    leak = Card("Leak or cache?", "Not known", ["One log does not tell what grows."])
    after = Card(
        "What next?",
        "Take a second log of the same run, later",
        ["Then compare the two."],
        pasted(command),
    )
    return [which, leak, _trust(ranking, held, notes, issues), after]


def _trust(ranking: pl.DataFrame, held: int | None, notes: Sequence[str], issues: int) -> Card:
    lost = total_of_known(ranking.filter(pl.col("status").is_in(WITHOUT_A_STACK))["requested_bytes"])
    details = [f"{share_text(held - lost, held, digits=1)} of the bytes have a stack."] if held else []
    details.append("Every line was read." if not issues else f"{plural(issues, 'issue')}: lines or values in doubt.")
    if notes:
        details.append(f"{plural(len(notes), 'note')} below {of_count(len(notes), 'says', 'say')} more.")
    return Card("How far to trust it?", "With care" if notes or issues or lost else "As it stands", details)


def _module(row: dict[str, Any]) -> str:
    return row["module"] if row["module"] is not None else f"({row['status']})"
