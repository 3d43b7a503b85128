"""Short summaries in a notebook: of a series, with its verdicts counted, and of what became of its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _html
from heapdelta._numbers import wide_difference
from heapdelta._ranking.names import key_columns, named_keys
from heapdelta._series.verdict import LEAK
from heapdelta._words import bytes_text, count_text, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.timeline import By


def page(
    title: str,
    growth: pl.DataFrame,
    notes: Sequence[str],
    *,
    by: By,
    several_runs: bool,
    unit: str,
    counters: DumpSeries | None = None,
) -> str:
    """Make the summary of a series: leaks first, steepest first, then what changed most; of counters, how many."""
    facts: dict[str, object] = {f"note {number}": note for number, note in enumerate(notes, start=1)}
    facts["verdicts"] = verdicts(growth)
    if counters is not None:
        facts["counters"] = f"of {plural(len(counters.dumps), 'dump')}, verdicts: {verdicts(counters.growth())}"
    change = wide_difference(pl.col("last_bytes"), pl.col("first_bytes")).abs()
    leak = pl.col("verdict") == LEAK
    order = [leak, pl.when(leak).then("pace"), change]
    looked_at = growth.sort(order, descending=True, nulls_last=True, maintain_order=True).head(_html.TOP)
    return _html.page(title, facts, _table(looked_at, by, several_runs=several_runs, unit=unit), of=growth.height)


def verdicts(growth: pl.DataFrame) -> str:
    """Count verdicts, in the order of the ranking."""
    counts = growth.group_by("verdict", maintain_order=True).len()
    return ", ".join(f"{count_text(count)} {verdict}" for verdict, count in counts.iter_rows())


def _table(growth: pl.DataFrame, by: By, *, several_runs: bool, unit: str) -> pl.DataFrame:
    named = _named(growth)
    paces = [None if pace is None else bytes_text(round(pace), signed=True) for pace in named["pace"]]
    fingerprint = ["fingerprint"] if by == "stack" else []
    return named.select(
        *(["run"] if several_runs else []),
        pl.col("name").alias(by),
        *fingerprint,
        "first_bytes",
        "last_bytes",
        pl.Series(f"growth per {unit}", paces, dtype=pl.String),
        "verdict",
        "reason",
    )


def survival_page(title: str, stacks: pl.DataFrame, *, several_runs: bool) -> str:
    """Make the summary of what became of blocks: the stacks that grew most."""
    first = _named(stacks.head(_html.TOP))
    several = ["run"] if several_runs else []
    columns = ["born_count", "died_count", "churn", "kept_share", "median_age_hours", "reused_share"]
    shown = first.select(*several, pl.col("name").alias("stack"), "fingerprint", "net_bytes", *columns)
    return _html.page(title, {}, shown, of=stacks.height)


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``name``: the same in every run."""
    keys = key_columns(rows)
    names = named_keys(rows.select(keys).unique(maintain_order=True))
    return rows.join(names, on=keys, how="left", nulls_equal=True, maintain_order="left")
