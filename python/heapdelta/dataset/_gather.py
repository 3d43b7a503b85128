"""Captures of one kind together: the rows of a table of all of them, one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta import _native
from heapdelta.dataset._layout import COMPARISON, DUMP, LOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.base import Capture
    from heapdelta._native import Keys


@dataclass(frozen=True)
class Kept:
    """A capture that goes into the dataset, under its key."""

    case: str
    key: str
    path: str
    number: int | None
    capture: Capture[Any]
    issues: int
    """How many it has: counted once."""


class Group:
    """Captures of one kind, whose tables have the same columns."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self.kept = kept
        self.natives = [each.capture._native for each in kept]
        self._rows: dict[str, pl.DataFrame] = {}

    def rows(self, name: str) -> pl.DataFrame:
        """Give the rows of a table of all captures, behind ``place``, the number of the capture, its case and key."""
        if name not in self._rows:
            cases, keys = [each.case for each in self.kept], [each.key for each in self.kept]
            self._rows[name] = pl.DataFrame(_native.gathered(self.natives, name, cases, keys))
        return self._rows[name]

    def shared(self, known: Keys | None) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series, Keys]:
        """Give the distinct frames and stacks that are not known, the fingerprint of every stack, and the new keys."""
        frames, stacks, fingerprints, fresh = _native.shared_stacks(self.natives, known)
        return pl.DataFrame(frames), pl.DataFrame(stacks), pl.DataFrame(fingerprints).to_series(), fresh


def groups_of(kept: Sequence[Kept]) -> dict[str, Group]:
    """Sort captures by their kind; a kind without any is left out."""
    groups = {noun: [each for each in kept if each.capture._noun == noun] for noun in (LOG, COMPARISON, DUMP)}
    return {noun: Group(group) for noun, group in groups.items() if group}
