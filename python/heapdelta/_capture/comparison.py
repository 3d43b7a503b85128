"""`Comparison`: the text that another tool wrote about two logs, as polars tables beside the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta import _html
from heapdelta import _native as core
from heapdelta._capture.text import TextCapture
from heapdelta._numbers import issue_count
from heapdelta._ranking.matched import Matched
from heapdelta._ranking.views import Views
from heapdelta._words import plural
from heapdelta.blame import DEFAULT, Allocators, RuleLike

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from heapdelta._ranking.filters import Filter

__all__ = ["Comparison"]


class Comparison(TextCapture[core.Comparison], Views):
    r"""The text that DHCMP or UMDH wrote about two logs, as tables, with the same views that a `Delta` has.

    Made by `heapdelta.read`. A comparison shows only stacks that changed, so its totals are changes, not what is live.

    Examples
    --------
    >>> import heapdelta as hd
    >>> text = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"
    >>> hd.read(text)
    <Comparison <bytes>: dhcmp, radix 16, 1 stack, +21,280 bytes, 0 issues>
    """

    _noun = "the comparison of two logs"
    _names = ("rows", "stacks", "frames", "modules", "sections", "issues")
    _kinds = ("module", "stack", "function", "trace")

    def __init__(
        self,
        native: core.Comparison,
        allocators: Iterable[RuleLike] | None = None,
        filtered: Filter | None = None,
    ) -> None:
        super().__init__(native)
        self._filtered = filtered
        self._allocators = DEFAULT if allocators is None else Allocators(allocators)
        self._matched_rows: Matched | None = None

    @property
    def radix(self) -> int | None:
        """10 or 16, as proved by the numbers; None if every number reads the same in both."""
        return self._native.radix

    @property
    def total_requested_delta(self) -> int | None:
        """The file's own total of requested bytes, after - before; None if it has none."""
        return self._native.total_requested_delta

    @property
    def total_overhead_delta(self) -> int | None:
        """The file's own total of overhead, bytes, after - before; None if it has none."""
        return self._native.total_overhead_delta

    @property
    def rows(self) -> pl.DataFrame:
        """One row per stack of the comparison, in the order of the file: growth first."""
        return self._table("rows")

    @property
    def _stack_count(self) -> int:
        """Stacks that changed: a line may be about blocks without one."""
        return self.rows["stack_id"].drop_nulls().n_unique()

    def with_allocators(self, allocators: Iterable[RuleLike]) -> Comparison:
        """Make the same comparison, blamed by other rules.

        Parameters
        ----------
        allocators : iterable of Rule or str
            Rules in place of `heapdelta.blame.DEFAULT`.

        Returns
        -------
        Comparison
            A new one; the file is not read again.
        """
        return Comparison(self._native, allocators, self._filtered)

    def _with_filter(self, filtered: Filter) -> Comparison:
        return Comparison(self._native, self._allocators, filtered)

    @property
    def _matched(self) -> Matched:
        if self._matched_rows is None:
            self._matched_rows = Matched.from_comparison(self, self._allocators, filtered=self._filtered)
        return self._matched_rows

    def _refusal(self, kind: str) -> str | None:
        if kind == "heap":
            return "a comparison does not name heaps"
        if kind == "size":
            return "a comparison does not show single blocks"
        if kind == "trace" and self.rows.height and self.rows["trace_id"].null_count() == self.rows.height:
            return "this comparison names call sites, not traces"
        return None

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        return self._filter_note()

    def _called(self) -> str:
        return f"a {self.format} comparison"

    def __repr__(self) -> str:
        change = plural(self.total["requested_bytes_delta"].item(), "byte", signed=True)
        radix = "radix not needed" if self.radix is None else f"radix {self.radix}"
        stacks, issues = plural(self._stack_count, "stack"), plural(issue_count(self.issues), "issue")
        return f"<Comparison {self._label()}: {self.format}, {radix}, {stacks}, {change}, {issues}>"

    def _repr_html_(self) -> str:
        facts = {"file": self._label(), "format": self.format, "radix": self.radix}
        ranking = self._top_html()
        return _html.page(repr(self), facts, ranking.head(_html.TOP), of=ranking.height)
