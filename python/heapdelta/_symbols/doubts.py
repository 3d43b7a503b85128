"""What is to be said of names that are less than certain: one plain sentence each."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from heapdelta._words import plural

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
    found = log.symbols.filter(pl.col("named_count") > 0)
    notes = [
        f"names in {_some(modules)} are of symbols that {_PROOFS[match]}"
        for match in _PROOFS
        if (modules := found.filter(pl.col("match") == match)["module"].unique(maintain_order=True).to_list())
    ]
    doubtful = log.frame_symbols.filter("doubtful").height
    if doubtful:
        notes.append(
            f"{plural(doubtful, 'frame')} {'is' if doubtful == 1 else 'are'} far behind the public symbol that names "
            f"{'it' if doubtful == 1 else 'them'}: perhaps another function"
        )
    return notes


def _some(modules: list[str]) -> str:
    more = f" and {len(modules) - _SHOWN} more" if len(modules) > _SHOWN else ""
    return ", ".join(modules[:_SHOWN]) + more


_SHOWN = 5
