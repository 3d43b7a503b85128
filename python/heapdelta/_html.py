"""Short HTML for notebooks: a heading, a list of facts, one table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

TOP = 10
"""Rows that a repr shows of a ranking."""


def page(title: str, facts: Mapping[str, object], table: pl.DataFrame) -> str:
    """Make a block of HTML; facts that are None are left out."""
    shown = [f"{escape(name)}: {escape(str(value))}" for name, value in facts.items() if value is not None]
    return f"<div><strong>{escape(title)}</strong><br>{'<br>'.join(shown)}</div>{table._repr_html_()}"


def plural(count: int, noun: str) -> str:
    """Write ``1 stack``, ``2,000 stacks``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Write ``module``, ``module or stack``, ``module, stack or heap``."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
