"""Short HTML for notebooks: a heading, a list of facts, one small table that reads without scrolling."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from heapdelta._safe_text import visible
from heapdelta._words import bytes_text, count_text, moment, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

TOP = 10
"""Rows that a repr shows of a ranking."""

_RIGHT = "text-align:right"
_LEFT = "text-align:left"
_NOTHING = "–"
# Numbers that name something are not measured: nobody counts them, and everybody copies them.
_NAMES = ("fingerprint", "pid", "run", "point", "position", "line")


def page(title: str, facts: Mapping[str, object], table: pl.DataFrame, *, of: int | None = None) -> str:
    """Make a block of HTML; facts that are None are left out.

    `of` tells how many rows there are in all, where `table` has the first of them. Sizes of bytes are shown in units,
    with the exact number as a tooltip.
    """
    shown = [f"{_plain(name)}: {_plain(str(value))}" for name, value in facts.items() if value is not None]
    heading = f"<strong>{_plain(title)}</strong>"
    more = (
        f"<div>{count_text(table.height)} of {plural(of, 'row')}</div>" if of is not None and of > table.height else ""
    )
    return f"<div>{'<br>'.join([heading, *shown])}</div>{_table(table) if table.width else ''}{more}"


def _table(frame: pl.DataFrame) -> str:
    align = [_RIGHT if column.dtype.is_numeric() else _LEFT for column in frame.iter_columns()]
    names = zip(frame.columns, align, strict=True)
    head = "".join(f'<th style="{style}">{_plain(name)}</th>' for name, style in names)
    body = "".join(
        f"<tr>{''.join(_cell(*cell) for cell in zip(frame.columns, row, align, strict=True))}</tr>"
        for row in frame.iter_rows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(name: str, value: object, style: str) -> str:
    text, exact = _text(name, value)
    tooltip = f' title="{_plain(exact)}"' if exact else ""
    return f'<td style="{style}"{tooltip}>{_plain(text)}</td>'


def _plain(text: str) -> str:
    """Make text of HTML, of an attribute as well, of which everything is seen and nothing acts."""
    return escape(visible(text))


def _text(name: str, value: object) -> tuple[str, str | None]:
    """Give the words of a cell, and the exact number where they round it."""
    if value is None:
        return _NOTHING, None
    if isinstance(value, bool):
        return "yes" if value else "no", None
    if isinstance(value, str):
        return value, None
    if isinstance(value, datetime):
        return moment(value) or _NOTHING, None
    if name in _NAMES:
        return str(value), None
    if name == "heap_base":
        return f"{value:X}", None
    signed = name.endswith("_delta")
    if isinstance(value, int) and "bytes" in name:
        return bytes_text(value, signed=signed), plural(value, "byte", signed=signed)
    if isinstance(value, int):
        return count_text(value, signed=signed), None
    return f"{value:,.3g}" if isinstance(value, float) else str(value), None
