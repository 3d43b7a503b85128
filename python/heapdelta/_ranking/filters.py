"""Which stacks a ranking is about, and which of their frames are looked at: patterns, as rules of `heapdelta.blame`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import blame
from heapdelta.blame import Allocators, Rule, RuleLike, frame_flags
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapdelta._ranking.sides import Rows


_NONE = Allocators()


@dataclass(frozen=True)
class Filter:
    """What is looked at, and what is not.

    Attributes
    ----------
    focus, ignore : Allocators
        Stacks with a frame that matches stay alone; or are left out.
    hide, show : Allocators
        Frames that match are passed over, as those of an allocator are; or are the only ones that are not. A stack of
        which no frame is left is left out.
    """

    focus: Allocators = _NONE
    ignore: Allocators = _NONE
    hide: Allocators = _NONE
    show: Allocators = _NONE

    @classmethod
    def of(
        cls,
        focus: Iterable[RuleLike] | RuleLike = (),
        ignore: Iterable[RuleLike] | RuleLike = (),
        hide: Iterable[RuleLike] | RuleLike = (),
        show: Iterable[RuleLike] | RuleLike = (),
    ) -> Filter:
        """Read patterns: ``mymem``, ``mymem!pool_*``, ``*!my_malloc``; ``-`` before one makes an exception.

        Raises
        ------
        OptionError
            If a pattern is empty.
        """
        patterns = ([rules] if isinstance(rules, str | Rule) else rules for rules in (focus, ignore, hide, show))
        return cls(*map(Allocators, patterns))

    def then(self, other: Filter) -> Filter:
        """Filter further: more patterns to ignore and to hide; one list of those to focus on, and one to show.

        A filter without any pattern takes all away.

        Raises
        ------
        OptionError
            If both have patterns to focus on, or to show, or an exception stands before more patterns: the first
            pattern that matches decides, so what both say is not one list.
        """
        if not other:
            return other
        for name in ("focus", "ignore", "hide", "show"):
            own, more = getattr(self, name), getattr(other, name)
            adds_up = name in ("ignore", "hide") and all(rule.allocator for rule in own)
            if own and more and not adds_up:
                found = f"{' '.join(map(rule_text, more))} after {' '.join(map(rule_text, own))}"
                raise OptionError(
                    f"expected one filter with {name}, found {found}",
                    hint="give all patterns in one call; filter() alone takes all filters away",
                    kind="option",
                )
        return Filter(
            self.focus or other.focus, self.ignore + other.ignore, self.hide + other.hide, self.show or other.show
        )

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        patterns = {field.name: [rule_text(rule) for rule in getattr(self, field.name)] for field in fields(self)}
        return ", ".join(f"{name} {' '.join(texts)}" for name, texts in patterns.items() if texts)

    def passed_over(self, frames: pl.DataFrame, allocators: Allocators) -> pl.Series:
        """Tell which frames no stack is blamed on."""
        if self.show:
            return ~frame_flags(frames, self.show) | self.hidden(frames)
        return frame_flags(frames, allocators) | self.hidden(frames)

    def keeps_keys(
        self, found: pl.DataFrame, passed: pl.DataFrame, blamed: pl.DataFrame, frames: pl.DataFrame
    ) -> pl.Series:
        """Tell which keys of stacks stay, as `keeps` does: each `key` of `found`, numbered from 0.

        Parameters
        ----------
        found : polars.DataFrame
            The keys: ``key``.
        passed, blamed : polars.DataFrame
            ``key`` and ``frame`` for every frame of a stack, and for the one that is blamed.
        frames : polars.DataFrame
            The frames by that number.
        """
        keep = pl.repeat(True, found.height, eager=True)
        for rules, stays in ((self.focus, True), (self.ignore, False)):
            if rules:
                decided = passed.select("key", first_match(frames, rules).gather(passed["frame"]).alias("rule"))
                first = decided.group_by("key").agg(pl.col("rule").min())
                has = _meant(rules, _by_key(first, "rule", found.height))
                keep &= has if stays else ~has
        if self.hide or self.show:
            left = ~self.hidden(frames)
            keep &= left.gather(_by_key(blamed, "frame", found.height)).fill_null(not self.show)
        return keep

    def hidden(self, frames: pl.DataFrame) -> pl.Series:
        """Tell which frames are not shown."""
        hidden = frame_flags(frames, self.hide)
        return hidden | ~frame_flags(frames, self.show) if self.show else hidden

    def keeps(self, matched: Rows) -> pl.Series:
        """Tell which of all stacks stay; what has no stack stays unless it is looked for something."""
        stacks = matched.stacks
        keep = pl.repeat(True, stacks.height, eager=True)
        if self.focus:
            keep &= _has(matched, self.focus)
        if self.ignore:
            keep &= ~_has(matched, self.ignore)
        if self.hide or self.show:
            left = ~self.hidden(matched.frames)
            keep &= left.gather(stacks["frame"]).fill_null(not self.show)
        return keep

    @property
    def keeps_unrecorded(self) -> bool:
        """Whether blocks whose stack was not recorded stay."""
        return not self.focus and not self.show


def rule_text(rule: Rule) -> str:
    """Write a rule as people do."""
    place = rule.module if rule.function == "*" else f"{rule.module}!{rule.function}"
    if rule.function == blame.ADDRESS:
        place = f"{rule.module}{blame.ADDRESS}"
    return place if rule.allocator else f"-{place}"


def _has(matched: Rows, rules: Sequence[Rule]) -> pl.Series:
    """Tell which stacks have a frame that is meant."""
    return _meant(rules, deciding_rule(matched, rules))


def _meant(rules: Sequence[Rule], deciding: pl.Series) -> pl.Series:
    """Tell whether the rule that decides is no exception; where none does, nothing is meant."""
    meant = pl.Series([rule.allocator for rule in rules], dtype=pl.Boolean)
    return meant.gather(deciding).fill_null(False)


def _by_key(values: pl.DataFrame, name: str, count: int) -> pl.Series:
    """Give a column by ``key``; null for keys without a row."""
    none = pl.repeat(None, count, dtype=pl.UInt32, eager=True)
    return none.scatter(values["key"], values[name])


def deciding_rule(matched: Rows, rules: Sequence[Rule]) -> pl.Series:
    """Tell for every stack of both sides which rule decides about it.

    Returns
    -------
    polars.Series
        u32, place of the rule in `rules`, by the number of the stack; null where no rule matches.
    """
    of_frame = first_match(matched.frames, rules)
    parts, frames_seen = [], 0
    for place, source in enumerate(matched.sources):
        groups = of_frame.slice(frames_seen, source.frames.height)
        frames_seen += source.frames.height
        passed = matched.passed(place, groups)
        first = passed.group_by("stack_id").agg(pl.col("group").min())
        none = pl.repeat(None, source._height("stacks"), dtype=pl.UInt32, eager=True)
        parts.append(none.scatter(first["stack_id"], first["group"]))
    return pl.concat(parts)


def first_match(frames: pl.DataFrame, rules: Sequence[Rule]) -> pl.Series:
    """Give every frame the first rule that matches it; each pair of module and function is looked at once."""
    names = frames.select("module", "function")
    distinct = names.unique(maintain_order=True)
    place = pl.lit(None, dtype=pl.UInt32)
    for number in reversed(range(len(rules))):
        hit = blame._matches(distinct, [rules[number]])
        place = pl.when(hit).then(pl.lit(number, dtype=pl.UInt32)).otherwise(place)
    decided = distinct.with_columns(place.alias("place"))
    return names.join(decided, on=["module", "function"], how="left", nulls_equal=True, maintain_order="left")["place"]
