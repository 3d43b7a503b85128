"""What a page is made of, before anybody thinks of HTML: cards, tables, pictures, stacks, the graph, lists of words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple


class Card(NamedTuple):
    """One question with its answer; a command that can be pasted tells what to do about it."""

    question: str
    answer: str
    details: list[str]
    command: str | None = None


class Cell(NamedTuple):
    """What is in one cell of a table; ``exact`` has the number behind the words."""

    text: str
    exact: int | float | None = None


class Head(NamedTuple):
    """The name of a column."""

    name: str
    is_number: bool = False


class Row(NamedTuple):
    """A row; its ``kind`` is empty, ``rest`` for what is folded, ``total`` for the sum of all."""

    cells: list[Cell]
    kind: str = ""


class Frame(NamedTuple):
    """A frame of a stack; its ``kind`` is empty, ``blamed`` or ``allocator``."""

    text: str
    kind: str = ""


class Stack(NamedTuple):
    """A stack with its frames, innermost first."""

    name: str
    amount: str
    owner: str
    frames: list[Frame]


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading; ``kind`` says which lines of the template write it."""

    kind: ClassVar[str]
    name: str
    """Its place in the page, for links."""
    title: str
    lead: list[str] = field(default_factory=list)
    """Sentences below the heading."""


@dataclass(frozen=True)
class Table(Section):
    """A table; ``more`` is shown on demand."""

    kind = "table"
    heads: list[Head] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    more: list[Row] = field(default_factory=list)
    more_title: str = ""


@dataclass(frozen=True)
class Picture(Section):
    """A picture that cannot act: an image whose bytes are in the page."""

    kind = "picture"
    source: str = ""
    words: str = ""
    """What it shows, for those who cannot see it."""


@dataclass(frozen=True)
class Stacks(Section):
    """Stacks, each to be opened."""

    kind = "stacks"
    stacks: list[Stack] = field(default_factory=list)


@dataclass(frozen=True)
class Graph(Section):
    """The flame graph: data for the viewer, as JSON."""

    kind = "graph"
    data: str = ""
    is_live: bool = False
    source: str = ""
    """A picture for paper, and where no script runs; empty where there is none."""
    words: str = ""


@dataclass(frozen=True)
class Words(Section):
    """A list of sentences."""

    kind = "words"
    items: list[str] = field(default_factory=list)
    nothing: str = ""
    """What is said where there is none."""


@dataclass(frozen=True)
class Page:
    """Everything that a page shows."""

    title: str
    headline: str
    lead: list[str]
    cards: list[Card]
    sections: list[Section]
    made_by: str
