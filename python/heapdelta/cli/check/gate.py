"""A gate: is a difference within limits? The answer of `heapdelta check`, without a word of how it is printed.

A room of the command line, not a part of the package's interface: who writes Python compares a column of `Delta.by`
with a number, and needs no wrapper for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import blame
from heapdelta._numbers import issue_count, total, wide_difference
from heapdelta._ranking.labels import NOT_IN_FILE, STATUSES
from heapdelta._ranking.views import Views
from heapdelta._words import plural
from heapdelta.blame import Rule
from heapdelta.cli.check import suppress
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._diff.delta import Delta
    from heapdelta._ranking.matched import Matched
    from heapdelta.cli.check.suppress import Suppression


@dataclass(frozen=True)
class Limits:
    """What is allowed at most; None where there is no limit.

    Attributes
    ----------
    growth : int, optional
        Growth of all that is checked, in requested bytes.
    growth_each : int, optional
        Growth of any one row of the ranking by `by`, in requested bytes.
    by : {"module", "function", "stack"}
        What `growth_each` looks at.
    growth_of : tuple of (str, int)
        Growth of the modules that a pattern names, together. They are left out of `growth_each` by module.
    new_stacks : int, optional
        Stacks that hold bytes after and held none before.
    issues : int, optional
        Issues of both files.
    """

    growth: int | None = None
    growth_each: int | None = None
    by: str = "module"
    growth_of: tuple[tuple[str, int], ...] = ()
    new_stacks: int | None = None
    issues: int | None = None

    def __bool__(self) -> bool:
        given = (self.growth, self.growth_each, self.new_stacks, self.issues)
        return bool(self.growth_of) or any(limit is not None for limit in given)


@dataclass(frozen=True)
class Result:
    """One limit, and what was found.

    Attributes
    ----------
    name : str
        Such as ``growth of each module``.
    option : str
        The option of the command line that set it.
    in_bytes : bool
        Whether `allowed` and `found` are bytes; else they count.
    allowed, found : int
        The limit, and the number that is held against it: exact, whatever a damaged log says. None where it is not
        known, because a sum of bytes passes 2^64 - 1: what nobody knows is not within a limit.
    kind : str
        What one row of `rows` is: ``module``, ``function`` or ``stack``.
    rows : polars.DataFrame
        What the number is made of, worst first, as `Views.by` has it; where every row has to keep the limit, those that
        do not.
    stacks : polars.DataFrame
        The stacks behind it that grew, worst first, as ``Views.by("stack")`` has them.
    """

    name: str
    option: str
    in_bytes: bool
    allowed: int
    found: int | None
    kind: str
    rows: pl.DataFrame
    stacks: pl.DataFrame

    @property
    def passed(self) -> bool:
        """True within the limit, and at it."""
        return self.found is not None and self.found <= self.allowed


class Check(Views):
    """A difference held against limits. The views are those of what is checked: left by filters, and not suppressed.

    Parameters
    ----------
    delta : Delta
        The difference of two logs; its filters are those of the check.
    limits : Limits
        What is allowed.
    suppressions : sequence of Suppression
        Which stacks are left out.
    baseline : str, optional
        Where the newer log is to be kept if every limit is kept.

    Attributes
    ----------
    suppressions : polars.DataFrame
        What each suppression took; see `heapdelta._suppress.apply`.

    Raises
    ------
    OptionError
        If a log is a list of call sites: its sums overlap.
    """

    _kinds = ("module", "stack", "function")

    def __init__(
        self, delta: Delta, limits: Limits, suppressions: Sequence[Suppression] = (), *, baseline: str | None = None
    ) -> None:
        if "dhcmp-sites" in (delta.before.format, delta.after.format):
            raise OptionError(
                "expected heap logs to check, found a list of call sites, whose sums overlap", kind="option"
            )
        self.delta = delta
        self.limits = limits
        self._baseline = baseline
        rows, self.suppressions = suppress.apply(delta._matched, suppressions)
        self._kept = delta._matched.with_rows(rows)

    @property
    def _matched(self) -> Matched:
        return self._kept

    def _refusal(self, kind: str) -> str | None:
        return None if kind in self._kinds else "suppressions go by stack, and this ranking does not"

    @property
    def passed(self) -> bool:
        """True if every limit is kept."""
        return all(result.passed for result in self.results)

    @cached_property
    def whole(self) -> pl.DataFrame:
        """The sums of both logs in one row, as `total` has them: also of what filters and suppressions leave out."""
        matched = self.delta._matched
        return matched.total(pl.concat([matched.rows, matched.left_out]))

    @cached_property
    def results(self) -> list[Result]:
        """One for each limit that was given."""
        limits = self.limits
        found = [self._growth(limits.growth)] if limits.growth is not None else []
        found += [self._growth_each(limits.growth_each)] if limits.growth_each is not None else []
        found += [self._growth_of(pattern, allowed) for pattern, allowed in limits.growth_of]
        found += [self._new_stacks(limits.new_stacks)] if limits.new_stacks is not None else []
        found += [self._issues(limits.issues)] if limits.issues is not None else []
        return found

    @cached_property
    def notes(self) -> list[str]:
        """What a reader must know: of the limits and suppressions first, then the notes of the difference."""
        return [*self.about_baseline, *self._about_limits(), *self._about_nothing(), *self.delta.notes]

    @cached_property
    def _stacks(self) -> pl.DataFrame:
        return self.by("stack")

    @cached_property
    def _grown_stacks(self) -> pl.DataFrame:
        return self._stacks.filter(_is_over(0))

    def _growth(self, allowed: int) -> Result:
        found = _growth_of_all(self._stacks)
        kind = self.limits.by
        return Result("growth", "--max-growth", True, allowed, found, kind, self.by(kind), self._grown_stacks)

    def _growth_each(self, allowed: int) -> Result:
        kind = self.limits.by
        ranking = self.by(kind)
        if kind == "module" and self.limits.growth_of:
            named = [Rule(pattern) for pattern, _ in self.limits.growth_of]
            ranking = ranking.filter(~_named(ranking, named))
        most = int(ranking.select(_growth().max()).item() or 0)
        found = None if most <= allowed and _growth_of_all(ranking) is None else most
        over = ranking.filter(_is_over(allowed))
        keys = {"module": ["module"], "function": ["module", "function"], "stack": ["fingerprint"]}[kind]
        lowered = [pl.col(key).str.to_lowercase() if key == "module" else pl.col(key) for key in keys]
        behind = self._grown_stacks.join(
            over.select(*lowered, "status"), on=[*lowered, pl.col("status")], how="semi", nulls_equal=True
        )
        return Result(f"growth of each {kind}", "--max-growth-each", True, allowed, found, kind, over, behind)

    def _growth_of(self, pattern: str, allowed: int) -> Result:
        stacks = self._stacks.filter(_named(self._stacks, [Rule(pattern)]))
        found, grown = _growth_of_all(stacks), stacks.filter(_is_over(0))
        return Result(f"growth of {pattern}", "--max-growth-of", True, allowed, found, "stack", grown, grown)

    def _new_stacks(self, allowed: int) -> Result:
        # A sum that is too large is something.
        held, holds = (pl.col(f"requested_bytes_{side}").ne_missing(0) for side in ("before", "after"))
        new = self._stacks.filter(~held, holds, self._identified()).sort(
            "requested_bytes_after", "fingerprint", descending=[True, False], nulls_last=True
        )
        return Result("new stacks", "--max-new-stacks", False, allowed, new.height, "stack", new, new)

    def _issues(self, allowed: int) -> Result:
        none = self._stacks.clear()
        return Result("issues", "--max-issues", False, allowed, issue_count(self.delta.issues), "stack", none, none)

    def _identified(self) -> pl.Expr:
        """Stacks that the other log would show again: by their frames, or inside one run by their id."""
        known = pl.col("fingerprint").is_not_null()
        return known | (pl.col("status") == STATUSES[NOT_IN_FILE]) if self.delta.one_run else known

    @property
    def about_baseline(self) -> list[str]:
        """Say that the newer log is not kept."""
        if self._baseline is None or self.passed:
            return []
        return [f"baseline: {self._baseline} is not written, because a limit is exceeded"]

    def _about_limits(self) -> list[str]:
        notes = []
        modules = self._matched.frames.select("module").unique()
        for pattern, _ in self.limits.growth_of:
            if modules.filter(_named(modules, [Rule(pattern)])).is_empty():
                notes.append(
                    f"no frame of either log is in a module {pattern}: modules are named without .dll or .exe, "
                    "as heapdelta diff shows them"
                )
        held = (pl.col("requested_bytes_after") != 0).fill_null(True)
        unknown = self._stacks.filter((pl.col("status") == STATUSES[NOT_IN_FILE]) & ~self._identified() & held)
        if self.limits.new_stacks is not None and unknown.height:
            notes.append(
                f"{plural(unknown.height, 'stack')} without frames may be new or old, and none is counted as new"
            )
        return notes

    def _about_nothing(self) -> list[str]:
        """Say why nothing is checked: such a check passes whatever grew."""
        left = self.delta._matched
        if left.rows.is_empty() and not left.left_out.is_empty():
            return ["the filters leave no stack of either log: nothing is left to check"]
        if self._matched.rows.is_empty() and not left.rows.is_empty():
            which = "that the filters leave" if left.filtered else "of both logs"
            return [f"the suppressions take every stack {which}: nothing is left to check"]
        return []


def _growth() -> pl.Expr:
    """Tell the growth of a row, wide enough for any two sums: what is too large must exceed a limit, not vanish."""
    return wide_difference(pl.col("requested_bytes_after"), pl.col("requested_bytes_before"))


def _growth_of_all(ranking: pl.DataFrame) -> int | None:
    return total(ranking.select(_growth()).to_series())


def _is_over(limit: int) -> pl.Expr:
    """Rows that grew by more, and those of which that is not known."""
    return (_growth() > limit).fill_null(True)


def _named(table: pl.DataFrame, rules: Sequence[Rule]) -> pl.Expr:
    """Rows whose module a pattern names."""
    return blame._is_any_of(table["module"], [rule.module for rule in rules]) & pl.col("module").is_not_null()
