"""What committed memory is made of, as the segments of a chart: sums by class in, few parts out, no drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES = ("heap", "private", "stack", "mapped", "image", "teb", "peb", "unknown")
"""Classes of committed memory, from the bottom up."""

FOLDED = "folded"
"""Kind of the segment that holds the small classes."""

# A class with less than this share of the largest column is a line of a pixel or two: it is folded with the others.
_SHARE = 0.02


class Part(NamedTuple):
    """One segment: committed bytes of a class, or of the small classes together, in one dump."""

    kind: str
    name: str
    state: int
    begin: int
    end: int

    @property
    def size(self) -> int:
        """Committed bytes."""
        return self.end - self.begin


def region_parts(columns: Sequence[dict[str, int]]) -> list[Part]:
    """Give the segments of all columns, each from the bottom up.

    The small classes are one segment; a single small one keeps its name.
    """
    largest = max((sum(column.values()) for column in columns), default=0)
    present = [kind for kind in _order(columns) if any(column.get(kind, 0) for column in columns)]
    small = [kind for kind in present if max(column.get(kind, 0) for column in columns) < _SHARE * largest]
    if len(small) == 1:
        small = []
    groups = [(kind, kind, [kind]) for kind in present if kind not in small]
    if small:
        groups.append((FOLDED, ", ".join(small), small))
    parts = []
    for state, column in enumerate(columns):
        at = 0
        for kind, name, members in groups:
            size = sum(column.get(member, 0) for member in members)
            parts.append(Part(kind, name, state, at, at + size))
            at += size
    return parts


def _order(columns: Sequence[dict[str, int]]) -> list[str]:
    others = sorted({kind for column in columns for kind in column} - set(CLASSES))
    return [*CLASSES, *others]
