"""What the rankings of logs and of dumps have in common: how verdicts look, and the reason of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding

from heapdelta._words import count_text, plural
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from rich.console import Console

STYLES = {"leak": "bold red", "warming up": "yellow", "shrinking": "green", "noise": "dim"}
# Of other curves the pace says nothing about what comes.
GOING_ON = ("leak", "warming up")


def show_verdicts(target: Console, ranking: pl.DataFrame, noun: str) -> None:
    """Count the verdicts of all rows, in the order of the ranking."""
    counts = ranking.group_by("verdict", maintain_order=True).len()
    words = ", ".join(f"{count_text(row['len'])} {row['verdict']}" for row in counts.iter_rows(named=True))
    several = ranking["run"].n_unique() > 1
    of_all = plural(ranking.height, noun) + (", each run counted apart" if several else "")
    target.print(Text("Verdicts  ", "bold") + Text(f"{words}; of {of_all}"), end="\n\n")


def show_reasons(
    target: Console, shown_rows: pl.DataFrame, name: Callable[[dict[str, Any]], str], *, several_runs: bool
) -> None:
    """Print the reason of each row that is shown; of noise there is nothing to tell.

    Many consoles of Windows have no sign for minus but the hyphen, which the tables have as well.
    """
    lines = []
    few: set[int] = set()
    for place, row in enumerate(shown_rows.iter_rows(named=True), start=1):
        # Too few snapshots are too few for every row of their run: saying so once is enough.
        if row["verdict"] == "noise" or row["run"] in few:
            continue
        if row["verdict"] == "too few snapshots":
            few.add(row["run"])
        run = f" in run {row['run']}" if several_runs else ""
        lines.append((f"#{place} ", f"{name(row)}{run}: {row['verdict']}", row["reason"].replace("−", "-")))
    if not lines:
        return
    target.print(Text("Reasons", "bold"))
    for number, about, reason in lines:
        target.print(Text(number, "dim") + Text(about, "bold"))
        target.print(Padding(Text(reason), (0, 0, 0, 3), expand=False))
    target.print()


def full_in(row: dict[str, Any]) -> str:
    """Tell when an address space is full, of what goes on growing."""
    hours = row["hours_to_exhaustion"] if row["verdict"] in GOING_ON else None
    if hours is None:
        return ""
    if hours < 48:
        return f"{hours:.1f} h"
    return f"{hours / 24:,.0f} days" if hours < 24 * 1000 else "years"
