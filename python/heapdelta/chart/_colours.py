"""Which colour a name has in all charts. Part of `chart`.

A module has the same colour in every chart of a notebook, and in one that is drawn next week or by the shell: it comes
from its name alone. A registry of the session would never give two names one colour, as long as there are colours; but
they would depend on which cell ran first, a saved picture would not match the next one, and after some cases all would
be taken. The price is that two names of one chart can want the same colour. Then the one that comes first in the chart,
which is what grew more, keeps it; the other one takes the first free colour of a row that is its own as well. So what
is added further down, in a chart with more lines, never changes what is above, and what grew most has its colour
everywhere. A name that had to give way can have its first choice in a chart without the other one. With more names
than colours, each colour stands for several.

Charts of single functions and stacks: where place and name tell them apart (slopes, survival, sizes), they have the
colour of their module. Where the colour does (lines, areas), they have colours of their own: of one hue, not more than
three shades that are dark enough for text can be told apart.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PALETTE = (
    "#966900",
    "#4b2d00",
    "#007878",
    "#875a4b",
    "#78000f",
    "#c31ed2",
    "#e10000",
    "#695a87",
    "#003c2d",
    "#00783c",
    "#3c4b00",
    "#780f4b",
    "#e10f69",
    "#003c5a",
    "#4b0096",
    "#3c4bff",
    "#0078b4",
)
"""A prime number of colours, so that any step goes through all of them. As text on white each has a contrast of
4.5:1 or more, and any two are at least 15 apart by CIEDE2000, as they are from `REST` and `TEXT`."""

REST = "#707070"
"""What is folded or has no module."""

TEXT = "#222"
ALL = "#3b3b3b"
"""All modules or stacks together."""


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """Give each name of a chart its colour, what matters most first; names that differ in case alone share one."""
    colours: dict[str, str] = {}
    places: dict[str, int] = {}
    free: set[int] = set()
    for name in names:
        key = name.lower()
        if key not in places:
            free = free or set(range(len(PALETTE)))
            places[key] = next(place for place in _row(key) if place in free)
            free.remove(places[key])
        colours[name] = PALETTE[places[key]]
    return colours


def colour_of(name: str) -> str:
    """Give the colour of a name that is alone in a chart."""
    return colours_of([name])[name]


def _number(name: str) -> int:
    """Give the same number for a name in every process, which `hash` does not."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big")


def _row(name: str) -> list[int]:
    """Give all places, in an order that is the name's own."""
    count, number = len(PALETTE), _number(name)
    step = 1 + number // count % (count - 1)
    return [(number + turn * step) % count for turn in range(count)]
