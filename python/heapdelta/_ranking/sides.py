"""What a ranking asks of a capture: tables of stacks and frames, and what the core holds of it.

Rankings know captures by this alone: a capture that has views of its own, as a `Comparison`, is built on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from heapdelta import _native as core


class Side(Protocol):
    """A capture whose stacks can be ranked."""

    @property
    def _native(self) -> core.Snapshot | core.Comparison: ...

    @property
    def stacks(self) -> pl.DataFrame:
        """One row per distinct stack."""

    @property
    def frames(self) -> pl.DataFrame:
        """One row per distinct frame."""

    def _height(self, name: str) -> int: ...


class LogSide(Side, Protocol):
    """A snapshot: one side of a difference."""

    @property
    def _native(self) -> core.Snapshot: ...


class BothSides(Side, Protocol):
    """A comparison, whose rows have both sides."""

    @property
    def _native(self) -> core.Comparison: ...

    @property
    def rows(self) -> pl.DataFrame:
        """One row per stack."""
