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


class Group:
    """Captures of one kind, whose tables have the same columns."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self.kept = kept
        self._rows: dict[str, tuple[pl.DataFrame, pl.Series]] = {}
        self._natives = [each.capture._native for each in kept]
        self._keys = pl.DataFrame(
            [(each.case, each.key) for each in kept], schema={"case": pl.String, "capture": pl.String}, orient="row"
        )

    def rows(self, name: str) -> tuple[pl.DataFrame, pl.Series]:
        """Give the rows of a table of all captures, and the number of the capture of each."""
        if name not in self._rows:
            table, lengths = _native.gathered(self._natives, name)
            self._rows[name] = pl.DataFrame(table), _places(lengths)
        return self._rows[name]

    def shared(self, known: Keys | None) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series, Keys]:
        """Give the distinct frames and stacks that are not known, the fingerprint of every stack, and the new keys."""
        frames, stacks, fingerprints, fresh = _native.shared_stacks(self._natives, known)
        return pl.DataFrame(frames), pl.DataFrame(stacks), pl.DataFrame(fingerprints).to_series(), fresh

    def own(self, name: str) -> pl.DataFrame:
        """Give the rows of a table with the case and the key of the capture of each."""
        rows, places = self.rows(name)
        return self.keyed(rows, places)

    def keyed(self, rows: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
        """Put case and capture before rows."""
        return pl.concat([self._keys.select(pl.all().gather(places)), rows], how="horizontal")


def _places(lengths: Sequence[int]) -> pl.Series:
    counts = pl.Series(lengths, dtype=pl.UInt32)
    return pl.select(
        pl.int_range(len(lengths), dtype=pl.UInt32).repeat_by(counts).explode(empty_as_null=False)
    ).to_series()


def groups_of(kept: Sequence[Kept]) -> dict[str, Group]:
    """Sort captures by their kind; a kind without any is left out."""
    groups = {noun: [each for each in kept if each.capture._noun == noun] for noun in (LOG, COMPARISON, DUMP)}
    return {noun: Group(group) for noun, group in groups.items() if group}
