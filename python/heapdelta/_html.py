"""Short HTML for notebooks: a heading, a list of facts, one table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import polars as pl

TOP = 10
"""Rows that a repr shows of a ranking."""


def page(title: str, facts: Mapping[str, object], table: pl.DataFrame) -> str:
    """A block of HTML; facts that are None are left out."""
    shown = [f"{escape(name)}: {escape(str(value))}" for name, value in facts.items() if value is not None]
    return f"<div><strong>{escape(title)}</strong><br>{'<br>'.join(shown)}</div>{table._repr_html_()}"


def plural(count: int, noun: str) -> str:
    """``1 stack``, ``2,000 stacks``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
