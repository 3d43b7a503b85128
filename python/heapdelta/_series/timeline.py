"""What the growth and the blocks of a series are worked out from: its snapshots, their points, the sums of every key.

`Series` has all of it. The files that work for it know it by this alone, so that it can call them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._capture.one_run import Together
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._native import Grid
    from heapdelta._ranking.filters import Filter
    from heapdelta.blame import Allocators

By: TypeAlias = Literal["module", "function", "stack", "heap"]
"""What each key of a series is about."""


class Timeline(Protocol):
    """Snapshots in the order of time; see `Series`."""

    by: By
    allocators: Allocators
    snapshots: list[Snapshot]
    points: pl.DataFrame
    _clock: bool
    _filtered: Filter

    @property
    def _grid(self) -> tuple[Grid, pl.DataFrame]: ...

    @property
    def _together(self) -> Together: ...
