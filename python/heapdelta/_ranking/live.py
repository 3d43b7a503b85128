"""`Live`: what one log holds, ranked as a difference ranks what grew."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from heapdelta._ranking import by_size
from heapdelta._ranking.matched import Matched
from heapdelta._ranking.measures import MEASURES
from heapdelta._ranking.views import Views
from heapdelta._symbols.doubts import doubts
from heapdelta._words import bytes_text, plural

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._ranking.filters import Filter
    from heapdelta._ranking.sides import LogSide
    from heapdelta.blame import Allocators


class Live(Views):
    """What is live in a log. Made by `Snapshot.live`."""

    _kinds = ("module", "stack", "function", "heap", "trace", "size")
    _is_live = True

    def __init__(self, log: LogSide, allocators: Allocators, filtered: Filter | None = None) -> None:
        self._log = log
        self._allocators = allocators
        self._filtered = filtered

    @cached_property
    def _matched(self) -> Matched:
        return Matched.from_snapshot(self._log, self._allocators, filtered=self._filtered)

    def _with_filter(self, filtered: Filter) -> Live:
        return Live(self._log, self._allocators, filtered)

    @property
    def path(self) -> str | None:
        """The file of the log; None for bytes and file objects."""
        return self._log.path

    def _refusal(self, kind: str) -> str | None:
        if kind == "trace" and self._log.format == "dhcmp-sites":
            return "a list of call sites has no traces"
        return by_size.why_not([self._log]) if kind == "size" else None

    def by(self, kind: str, *, inclusive: bool = False) -> pl.DataFrame:
        """Rank what is live, as `Snapshot.by` does.

        Parameters
        ----------
        kind : {"module", "stack", "function", "heap", "trace", "size"}
            What each row is about.
        inclusive : bool, default False
            For modules and functions: count a stack for every one it passes, once each.

        Returns
        -------
        polars.DataFrame
            As of `Snapshot.by`.
        """
        ranking = super().by(kind, inclusive=inclusive)
        keys = [name for name in ranking.columns if not name.startswith(MEASURES) and name != "trace_id_before"]
        names = {f"{name}_after": name for name in (*MEASURES, "trace_id")}
        live = ranking.select(*keys, *(f"{name}_after" for name in MEASURES)).rename(names, strict=False)
        order = ["requested_bytes", *(name for name in live.columns if name not in MEASURES)]
        return live.sort(order, descending=[True] + [False] * (len(order) - 1), nulls_last=True)

    @property
    def total(self) -> pl.DataFrame:
        """One row: the measures of everything that no filter leaves out."""
        return self._sums(self._matched.total())

    @property
    def left_out(self) -> pl.DataFrame:
        """What a filter leaves out, in one row: ``stacks`` u32, then the columns of `total`."""
        out = super().left_out
        return out.select("stacks").hstack(self._sums(out))

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        notes = doubts(self._log)
        if not self._matched.filtered:
            return notes
        out = self.left_out.row(0, named=True)
        what = f"{bytes_text(out['requested_bytes'])} in {plural(out['stacks'], 'stack')}"
        return notes + self._with_unmatched(f"left out by filters: {what}; filters: {self._matched.filtered}")

    def __repr__(self) -> str:
        row = self.total.row(0, named=True)
        size, count = row["requested_bytes"], row["allocation_count"]
        return f"<Live: {plural(size, 'byte')} in {plural(count, 'block')}>"

    @staticmethod
    def _sums(total: pl.DataFrame) -> pl.DataFrame:
        return total.select(f"{name}_after" for name in MEASURES).rename({f"{name}_after": name for name in MEASURES})
