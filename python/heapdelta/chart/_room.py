"""Room for texts in the widest font that may be at hand. Part of `chart`.

A picture is measured in one font and may be looked at in another: an SVG names no font but ``sans-serif``, which is
DejaVu Sans or Verdana where Arial is not at hand, and these are wider. What stands at an edge would be cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    import altair as alt

EDGE = 5
"""Pixels around a chart, as Vega has them."""

# In shares of the size of the font, for each character, at most, on an average of names and numbers: how wide they are
# in DejaVu Sans, and how much wider than in Arial. Bold ones are wider.
_WIDE, _BOLD = 0.66, 0.76
_WIDER, _BOLDER = 0.12, 0.15
# What is wider than that by far: signs, and one letter.
_MUCH_WIDER = {**dict.fromkeys("+#<=>^~|", 0.29), "m": 0.15}
# A character of a font that is not there is measured as half of one that is, or less: what stands for it is 0.39 wide
# where Liberation and DejaVu are there (2026-11-29).
_UNMEASURED = 0.62
_TITLE, _SUBTITLE = 13, 12


def width(text: str, size: float = 11, *, bold: bool = False) -> float:
    """Give the pixels that a text takes in the widest font."""
    full = sum(_is_wide(character) for character in text)
    return size * (full + (len(text) - full) * (_BOLD if bold else _WIDE))


def more(text: str, size: float = 11, *, bold: bool = False) -> float:
    """Give the pixels that it may take beyond what was measured."""
    usual = _BOLDER if bold else _WIDER
    return size * sum(_UNMEASURED if _is_wide(character) else _MUCH_WIDER.get(character, usual) for character in text)


def padding(
    title: alt.TitleParams, view: float, *, left: Iterable[str] = (), right: Iterable[str] = (), bold: bool = False
) -> dict[str, float]:
    """Give the space around a chart whose view is `view` pixels wide; `left` and `right` are the texts at its sides.

    `bold` tells that some of those at the right are.
    """
    words = title.to_dict()
    subtitle = words["subtitle"]
    lines = [(words["text"], _TITLE, True)]
    lines += [(line, _SUBTITLE, False) for line in ([subtitle] if isinstance(subtitle, str) else subtitle)]
    beyond = [more(text, size, bold=heavy) for text, size, heavy in lines if width(text, size, bold=heavy) > view]
    at_right = [more(text, bold=bold) for text in right]
    at_left = [more(text, 10) for text in left]
    return {
        "left": EDGE + round(max([0.0, *at_left])),
        "right": EDGE + round(max([0.0, *beyond, *at_right])),
        "top": EDGE,
        "bottom": EDGE,
    }


def _is_wide(character: str) -> bool:
    return east_asian_width(character) in "WF"
