"""Suppressions: rules that take known stacks out of a check, and count what they took.

A rule is written as those of `heapdelta.blame` are: ``mymem``, ``mymem!pool_*``, ``*!InitCache``, ``-mymem!pool_bad``.
It matches a stack if it matches any of its frames. The first rule of the file that matches a stack decides: its bytes
are left out on both sides, or, after a ``-``, stay in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import delta, sum_of
from heapdelta._ranking.filters import deciding_rule
from heapdelta.blame import Rule
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._ranking.matched import Matched


IDLE = ("unused", "covered", "filtered")
"""Effects of rules that decide about no stack."""


@dataclass(frozen=True)
class Suppression:
    """A rule, and where it is: the number of its line and its text."""

    line: int
    text: str
    rule: Rule


def parse(text: str, path: str) -> list[Suppression]:
    """Read a file of suppressions: one a line; `#` begins a comment.

    Raises
    ------
    OptionError
        If a rule cannot be read; it names the line.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        try:
            rule = Rule.parse(written)
        except OptionError as error:
            raise OptionError(
                f"{path}:{number}: expected a pattern such as mymem or mymem!pool_*, found {written!r}",
                path=path,
                line=number,
                hint=error.hint,
                kind="option",
            ) from error
        found.append(Suppression(number, written, rule))
    return found


def apply(matched: Matched, suppressions: Sequence[Suppression]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take what is suppressed out of the rows of a difference.

    Returns
    -------
    rows : polars.DataFrame
        The rows that stay, in their order.
    account : polars.DataFrame
        One row per suppression, in the order of the file: ``line`` u32, ``pattern`` str, ``stacks`` u32 (stacks of
        either log it decided about), ``requested_bytes_before``, ``requested_bytes_after`` u64 of them and their
        ``requested_bytes_delta`` i64, and ``effect`` str: ``suppressed``, ``kept`` (a ``-`` rule), ``unused`` (matches
        no stack), ``covered`` (earlier rules decide about every stack it matches), or ``filtered`` (filters leave out
        every stack it matches).
    """
    deciding = deciding_rule(matched, [suppression.rule for suppression in suppressions])
    place = deciding.gather(matched.rows["stack"]).alias("place")
    taking = pl.Series([suppression.rule.allocator for suppression in suppressions], dtype=pl.Boolean)
    taken = taking.gather(place).fill_null(False)
    fingerprint = matched.stacks["fingerprint"].gather(matched.rows["stack"])
    sides = [pl.col(f"requested_bytes_{side}") for side in ("before", "after")]
    sums = (
        matched.rows.select(*sides, place, fingerprint)
        .drop_nulls("place")
        .group_by("place")
        .agg(pl.col("fingerprint").n_unique().alias("stacks"), *(sum_of(side) for side in sides))
    )
    return matched.rows.filter(~taken), _account(matched, suppressions, sums)


def _account(matched: Matched, suppressions: Sequence[Suppression], sums: pl.DataFrame) -> pl.DataFrame:
    places = pl.int_range(len(suppressions), dtype=pl.UInt32, eager=True).alias("place")
    found = pl.DataFrame([places]).join(sums, on="place", how="left", maintain_order="left")
    # No stack is nothing; a sum of stacks that is null is not known.
    hits = pl.concat([found.filter(pl.col("stacks").is_null()).fill_null(0), found.drop_nulls("stacks")]).sort("place")
    effects = [
        _effect(matched, suppression, used=stacks > 0)
        for suppression, stacks in zip(suppressions, hits["stacks"], strict=True)
    ]
    before, after = (pl.col(f"requested_bytes_{side}") for side in ("before", "after"))
    return hits.select(
        pl.Series("line", [suppression.line for suppression in suppressions], dtype=pl.UInt32),
        pl.Series("pattern", [suppression.text for suppression in suppressions], dtype=pl.String),
        "stacks",
        before,
        after,
        delta("requested_bytes"),
        pl.Series("effect", effects, dtype=pl.String),
    )


def _effect(matched: Matched, suppression: Suppression, *, used: bool) -> str:
    if used:
        return "suppressed" if suppression.rule.allocator else "kept"
    alone = deciding_rule(matched, [suppression.rule])
    for rows, effect in ((matched.rows, "covered"), (matched.left_out, "filtered")):
        if alone.gather(rows["stack"]).null_count() < rows.height:
            return effect
    return "unused"
