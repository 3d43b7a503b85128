"""`TextCapture`: what a heap log and the comparison of two have in common, which are text and have stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import polars as pl

from heapdelta._capture.base import Capture
from heapdelta.blame import DEFAULT, Allocators, RuleLike, frame_flags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta import _native as core

Native = TypeVar("Native", "core.Snapshot", "core.Comparison")


class TextCapture(Capture[Native]):
    """What was read from lines of text: how they were read, stacks and frames, and whose stacks they are."""

    @property
    def encoding(self) -> str:
        """Encoding of the text: ``utf-8``, ``utf-8-sig``, ``utf-16-le``, ``utf-16-be`` or ``windows-1252``."""
        return self._native.encoding

    @property
    def line_count(self) -> int:
        """Lines of the file."""
        return self._native.line_count

    @property
    def line_counts(self) -> dict[str, int]:
        """What became of the lines: ``rows``, ``structure``, ``preamble``, ``blank``, ``issues``; adds up to all."""
        return dict(self._native.line_counts)

    @property
    def stacks(self) -> pl.DataFrame:
        """One row per distinct stack, in the order of the file."""
        return self._table("stacks")

    @property
    def frames(self) -> pl.DataFrame:
        """One row per distinct frame, in order of first appearance."""
        return self._table("frames")

    @property
    def sections(self) -> pl.DataFrame:
        """Comments, and lines of sections without a public layout, word for word, in the order of the file."""
        return self._table("sections")

    def blame(self, allocators: Iterable[RuleLike] | None = None) -> pl.DataFrame:
        """Tell for every stack the frame it counts for: the first, from the innermost outward, that no allocator owns.

        Parameters
        ----------
        allocators : iterable of Rule or str, optional
            Rules in place of `heapdelta.blame.DEFAULT`; ``blame.DEFAULT + ["mymem!pool_*"]`` extends them.

        Returns
        -------
        polars.DataFrame
            One row per stack whose frames are in the file, sorted by ``stack_id``: ``stack_id`` u32, ``frame_id`` u32
            (null for a stack without frames), ``module`` str, ``function`` str, ``offset`` u64 of that frame.

        Raises
        ------
        OptionError
            If a rule cannot be read.
        """
        rules = DEFAULT if allocators is None else Allocators(allocators)
        blamed = pl.DataFrame(self._native.blame(frame_flags(self.frames, rules).to_frame()))
        return blamed.join(
            self.frames.select("frame_id", "module", "function", "offset"),
            on="frame_id",
            how="left",
            maintain_order="left",
        )
