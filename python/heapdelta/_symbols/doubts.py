"""What is to be said of names that are less than certain: one plain sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl

from heapdelta._words import of_count, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROOFS = {
    "image": "belong to an image of the same size in which return addresses are behind calls",
    "name_and_size": "nothing but name and size shows to be of this build: they may be wrong",
    "name": "nothing but their name shows to be of this build: they may be wrong",
}
"""What is weaker than an identity."""


class _Named(Protocol):
    """A log whose addresses have names."""

    @property
    def symbols(self) -> pl.DataFrame: ...

    @property
    def frame_symbols(self) -> pl.DataFrame: ...


def doubts(log: _Named) -> list[str]:
    """Say which modules have names by less than an identity, and how many names are probably others."""
    return doubts_of(log.symbols, log.frame_symbols.filter("doubtful").height)


def doubts_of(symbols: pl.DataFrame, doubtful: int) -> list[str]:
    """Say it of a table of symbols, and of so many frames whose names are probably others."""
    notes = by_less_than_an_identity(symbols)
    if doubtful:
        notes.append(
            f"{plural(doubtful, 'frame')} {of_count(doubtful, 'is', 'are')} far behind the public symbol that names "
            f"{of_count(doubtful, 'it', 'them')}: perhaps another function"
        )
    return notes


def by_less_than_an_identity(symbols: pl.DataFrame) -> list[str]:
    """Say which modules have names by less than an identity."""
    found = symbols.filter(pl.col("named_count") > 0)
    return [
        f"names in {some(modules)} are of symbols that {_PROOFS[match]}"
        for match in _PROOFS
        if (modules := found.filter(pl.col("match") == match)["module"].unique(maintain_order=True).to_list())
    ]


def differences(before: _Named, after: _Named, *, by_names: bool) -> list[str]:
    """Say where names of two logs do not go together: modules of two builds, and those named in one log alone."""
    known = pl.coalesce("found_id", "wanted_id").alias("id")
    sides = [side.symbols.select("module", "named_count", known) for side in (before, after)]
    both = sides[0].join(sides[1], on="module", suffix="_after", maintain_order="left")
    named, named_after = pl.col("named_count") > 0, pl.col("named_count_after") > 0
    notes = [
        f"addresses in {some(modules)} have names {one}, and none {other}: symbols were not found for both"
        for one, other, alone in (
            ("before", "after", named & ~named_after),
            ("after", "before", named_after & ~named),
        )
        if (modules := both.filter(alone)["module"].unique(maintain_order=True).to_list())
    ]
    moved = both.filter(named & named_after & (pl.col("id") != pl.col("id_after")))
    if moved.height and not by_names:
        modules = moved["module"].unique(maintain_order=True).to_list()
        notes.append(
            f"{some(modules)} {'is' if len(modules) == 1 else 'are'} of two builds, in which one offset is two "
            "functions: a match by name compares these"
        )
    return notes


def differences_among(logs: Sequence[_Named]) -> list[str]:
    """Say it of many logs: modules that are named in some alone, and those of several builds."""
    known = pl.coalesce("found_id", "wanted_id").alias("id")
    symbols = [log.symbols.select("module", pl.col("named_count") > 0, known) for log in logs]
    rows = pl.concat(each for each in symbols if each.height) if any(each.height for each in symbols) else None
    if rows is None:
        return []
    of_module = rows.group_by("module", maintain_order=True).agg(
        pl.col("named_count").any().alias("named"),
        pl.col("named_count").all().alias("everywhere"),
        pl.col("id").filter("named_count").drop_nulls().n_unique().alias("builds"),
    )
    partly = of_module.filter(pl.col("named") & ~pl.col("everywhere"))["module"].to_list()
    several = of_module.filter(pl.col("builds") > 1)["module"].to_list()
    notes = []
    if partly:
        notes.append(f"addresses in {some(partly)} have names in some logs alone: symbols were not found for all")
    if several:
        notes.append(
            f"{some(several)} {'is' if len(several) == 1 else 'are'} of several builds, in which one offset is "
            "several functions"
        )
    return notes


def some(modules: list[str]) -> str:
    """Name some modules, and how many more there are."""
    more = f" and {len(modules) - _SHOWN} more" if len(modules) > _SHOWN else ""
    return ", ".join(modules[:_SHOWN]) + more


_SHOWN = 5
