"""Patterns of a filter that match no frame: a name that is written wrong looks like a program without growth."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from heapdelta import blame
from heapdelta._ranking.filters import rule_text

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._ranking.filters import Filter
    from heapdelta.blame import Rule


def about_unmatched(filtered: Filter, frames: pl.DataFrame) -> list[str]:
    """Name the patterns that match none of the frames, each with what may have been meant.

    Parameters
    ----------
    filtered : Filter
        The patterns.
    frames : polars.DataFrame
        ``module`` and ``function`` of all frames.
    """
    names = frames.select("module", "function").unique()
    return [
        f"no frame matches {field.name} {rule_text(rule)}: {_meant(rule)}"
        for field in fields(filtered)
        for rule in getattr(filtered, field.name)
        if names.filter(blame._matches(names, [rule])).is_empty()
    ]


def _meant(rule: Rule) -> str:
    if rule.function != "*":
        return "modules are named without .dll or .exe, and * stands for any text, as in *!Cache::*"
    for ending in (".dll", ".exe"):
        if rule.module.lower().endswith(ending):
            return f"modules are named without {ending}, so {rule.module[: -len(ending)]}"
    return (
        f"a pattern without ! is a module, named without .dll or .exe; a function is *!{rule.module.removeprefix('*!')}"
    )
