"""A report as a program reads it: its tables, its stacks, what a browser would make of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

TABLE_CELLS = ("td", "th")


@dataclass
class Row:
    """Cells of one row: their texts and the exact numbers behind them."""

    kind: str
    texts: list[str] = field(default_factory=list)
    exact: list[int | None] = field(default_factory=list)


class Reader(HTMLParser):
    """What is in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[Row]] = {}
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self._table: str | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in ("meta", "img", "input", "br"):
            self._open.append(tag)
        if tag == "table":
            self._table = found.get("id") or f"table {len(self.tables)}"
            self.tables[self._table] = []
        elif tag == "tr" and self._table:
            self.tables[self._table].append(Row(found.get("class") or ""))
        elif tag in TABLE_CELLS and self._table:
            row = self.tables[self._table][-1]
            row.texts.append("")
            exact = found.get("data-exact")
            row.exact.append(None if exact is None else int(exact))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        if tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside not in ("script", "style"):
            self.texts.setdefault(inside, []).append(data)
        row = self.tables[self._table][-1] if self._table and self.tables[self._table] else None
        if row is not None and row.texts and inside in (*TABLE_CELLS, "button"):
            row.texts[-1] += data

    def rows(self, table: str) -> dict[str, Row]:
        """Rows of a table by their first cell, without that of heads."""
        return {row.texts[0]: row for row in self.tables[table][1:]}

    @property
    def text(self) -> str:
        return " ".join(" ".join(texts) for texts in self.texts.values())


def data_of(page: str) -> dict[str, Any]:
    """The stacks that a page carries."""
    (text,) = re.findall(r'<script type="application/json" class="stacks-data">([^<]*)</script>', page)
    return json.loads(text)  # type: ignore[no-any-return]


def stacks_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Stacks one by one, with their names from the start of the thread on."""
    stacks, names = data["stacks"], data["names"]
    made, at, steps = [], 0, []
    for place, length in enumerate(stacks["length"]):
        own = length - stacks["shared"][place]
        steps = steps[: stacks["shared"][place]] + stacks["steps"][at : at + own]
        at += own
        made.append(
            {
                "path": tuple(names[step][1] for step in steps),
                "module": names[stacks["module"][place]][1],
                **{name: stacks[name][place] for name in ("before", "after", "blocks", "id")},
            }
        )
    assert at == len(stacks["steps"])
    return made


def sums_by_module(data: dict[str, Any]) -> dict[str, tuple[int, int, int, int]]:
    """Before, after, grown and shrunk of each module, of stacks that are carried and of those that are folded."""
    sums: dict[str, list[int]] = {}
    for kind in ("stacks", "folded"):
        columns = data[kind]
        for module, before, after in zip(columns["module"], columns["before"], columns["after"], strict=True):
            own = sums.setdefault(data["names"][module][1], [0, 0, 0, 0])
            for place, number in enumerate((before, after, max(after - before, 0), min(after - before, 0))):
                own[place] += number
    return {module: tuple(numbers) for module, numbers in sums.items()}  # type: ignore[misc]
