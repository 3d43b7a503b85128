"""What a ranking asks of a capture: tables of stacks and frames, and what the core holds of it.

Rankings know captures by this alone: a capture that has views of its own, as a `Comparison`, is built on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    @property
    def modules(self) -> pl.DataFrame:
        """One row per loaded module."""

    def _inlined(self) -> pl.DataFrame: ...

    def _height(self, name: str) -> int: ...


class LogSide(Side, Protocol):
    """A snapshot: one side of a difference."""

    @property
    def _native(self) -> core.Snapshot: ...

    @property
    def path(self) -> str | None:
        """The file."""

    @property
    def format(self) -> str:
        """Who wrote it."""

    @property
    def usage(self) -> pl.DataFrame:
        """One row per heap and stack."""

    @property
    def allocations(self) -> pl.DataFrame:
        """One row per live block."""

    @property
    def heaps(self) -> pl.DataFrame:
        """One row per heap."""

    @property
    def symbols(self) -> pl.DataFrame:
        """One row per module: where its names come from."""

    @property
    def frame_symbols(self) -> pl.DataFrame:
        """One row per frame that symbols named."""


class BothSides(Side, Protocol):
    """A comparison, whose rows have both sides."""

    @property
    def _native(self) -> core.Comparison: ...

    @property
    def rows(self) -> pl.DataFrame:
        """One row per stack."""


class Rows(Protocol):
    """Rows that are matched, as those see them who choose among them or rank them in another way."""

    @property
    def sources(self) -> Sequence[Side]:
        """The captures whose stacks are numbered in one go."""

    @property
    def frames(self) -> pl.DataFrame:
        """The frames of all captures, one behind the other."""

    @property
    def stacks(self) -> pl.DataFrame:
        """The stacks of all captures, one behind the other."""

    @property
    def rows(self) -> pl.DataFrame:
        """What is ranked."""

    @property
    def left_out(self) -> pl.DataFrame:
        """What a filter leaves out."""

    @property
    def kept(self) -> pl.Series | None:
        """Which stacks a filter leaves; None for all."""

    @property
    def core(self) -> core.Diff:
        """The sums of the core."""

    def kept_of(self, place: int, stack_ids: pl.Series) -> pl.Series | None:
        """Tell which rows of a source a filter leaves, by their stacks; None for all."""

    def special_key(self, stack: pl.Expr) -> pl.Expr:
        """Key of a row whose stack has no frame to go by."""

    def passed(self, source: int, groups: pl.Series) -> pl.DataFrame:
        """Give every group of frames that each stack of a source passes."""
