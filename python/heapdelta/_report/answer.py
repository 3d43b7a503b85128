"""The answer of a difference: one sentence, then which module, leak or cache, how far to trust it, and what next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._numbers import issue_count, running_sum, total, total_of_known
from heapdelta._ranking.labels import NOT_IN_FILE, NOT_RECORDED, STATUSES
from heapdelta._report.parts import Card
from heapdelta._report.rankings import owner_of
from heapdelta._shell import pasted
from heapdelta._words import bytes_text, count_text, duration_text, of_count, plural, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from heapdelta._ranking.views import Views

WITHOUT_A_STACK = (STATUSES[NOT_RECORDED], STATUSES[NOT_IN_FILE])
_DOUBTFUL = 0.2
"""From this share of all growth without a stack on, a ranking is not to be trusted."""
_MOST_OF_IT = 0.8
_PLAIN = re.compile(r"\w[\w.-]*")
"""Names of modules that are patterns of themselves alone."""

_NOT_KNOWN = "Two logs cannot tell: a cache that is still filling looks the same."
_SIX_LOGS = (
    "Take six logs or more of one run, four of them more than 24 hours after the first; a series of them has a verdict."
)


@dataclass(frozen=True)
class Grown:
    """What changed, as the answer needs it."""

    view: Views
    modules: pl.DataFrame
    notes: Sequence[str]
    issues: pl.DataFrame
    files: list[str]
    """What commands call the files."""
    options: list[str]
    """What commands need beside them."""
    times: tuple[datetime | None, datetime | None] = (None, None)
    one_run: bool | None = None
    """None where that does not matter: one file has both sides."""

    @property
    def change(self) -> int | None:
        """After - before."""
        return total(self.modules["requested_bytes_delta"])

    @property
    def grown(self) -> int | None:
        """What stacks grew that did."""
        return total(self.modules["requested_bytes_grown"])

    @property
    def unnamed(self) -> int:
        """What of it has no stack, as far as it is known."""
        lost = self.modules.filter(pl.col("status").is_in(WITHOUT_A_STACK))["requested_bytes_grown"]
        return total_of_known(lost)

    @property
    def first(self) -> dict[str, Any] | None:
        """The module that grew most, if one did."""
        grew = self.modules.filter((pl.col("requested_bytes_delta") > 0) & ~pl.col("status").is_in(WITHOUT_A_STACK))
        return grew.row(0, named=True) if grew.height else None


def headline(case: Grown) -> str:
    """Say in a sentence what happened: the first that holds of what a reader must know first."""
    older, newer = case.times
    if older is not None and newer is not None and older > newer:
        return "The log called before was taken after the other: are the two swapped?"
    if any("no stack in common" in note for note in case.notes):
        return "The two logs have no stack in common, so what grew in which stack is not known"
    change, grown, first = case.change, case.grown, case.first
    if change is None or grown is None:
        return "How much grew is not known, because the size of some blocks is not"
    if grown and case.unnamed >= _DOUBTFUL * grown:
        lost = f"{bytes_text(case.unnamed)} of {bytes_text(grown)}"
        return f"{lost} that grew have no stack: the ranking is not to be trusted"
    if first is None:
        fell = f"Live bytes fell by {bytes_text(-change)}" if change < 0 else "Live bytes are as many as before"
        return fell + ", and no module grew"
    name, more = _module(first), bytes_text(first["requested_bytes_delta"])
    if change <= 0:
        return f"Live bytes fell by {bytes_text(-change)} in all; {name} holds {more} more than before"
    return f"{name} holds {more} more than before, of {bytes_text(change)} in all"


def cards(case: Grown) -> list[Card]:
    """Answer the four questions."""
    return [_which(case), _leak_or_cache(case), trust(case), _next(case)]


def _module(row: dict[str, Any]) -> str:
    return row["module"] if row["module"] is not None else f"({row['status']})"


def _which(case: Grown) -> Card:
    first = case.first
    if first is None:
        return Card("Which module?", "None grew", [f"In all: {bytes_text(case.change, signed=True)}."])
    growth, blocks = first["requested_bytes_delta"], first["allocation_count_delta"]
    grown, shrunk = case.grown, total(case.modules["requested_bytes_shrunk"])
    change = None if grown is None or shrunk is None else grown - shrunk
    own = None if change is None else first["requested_bytes_grown"] - first["requested_bytes_shrunk"]
    details = [
        f"{bytes_text(growth, signed=True)} in {plural(blocks, 'block', signed=True)}, "
        f"{share_text(own, change, digits=1)} of all change."
    ]
    others = case.modules.filter(pl.col("requested_bytes_delta") > 0).slice(1, 2)
    if others.height:
        told = [f"{_module(row)} {bytes_text(row['requested_bytes_delta'], signed=True)}" for row in others.to_dicts()]
        details.append(f"Next: {', '.join(told)}.")
    return Card("Which module?", _module(first), details)


def _leak_or_cache(case: Grown) -> Card:
    details = [_NOT_KNOWN]
    first = case.first
    if first is not None and first["allocation_count_before"] is not None:
        held = f"{count_text(first['allocation_count_before'])} → {plural(first['allocation_count_after'], 'block')}"
        details.append(f"{_module(first)}: {held}.")
    older, newer = case.times
    if older is not None and newer is not None and newer > older and case.one_run:
        details.append(f"These two are {duration_text(newer - older)} apart.")
    details.append(_SIX_LOGS)
    return Card("Leak or cache?", "Not known yet", details, "heapdelta series FOLDER_WITH_THE_LOGS")


def trust(case: Grown) -> Card:
    """Say how far the numbers are to be trusted."""
    held = total(case.modules["requested_bytes_after"])
    lost = total_of_known(case.modules.filter(pl.col("status").is_in(WITHOUT_A_STACK))["requested_bytes_after"])
    details = []
    if held:
        details.append(f"{share_text(held - lost, held, digits=1)} of the bytes after have a stack.")
    if case.one_run is not None:
        details.append("Both logs are of one run." if case.one_run else "The logs are not known to be of one run.")
    issues = issue_count(case.issues)
    details.append("Every line was read." if not issues else f"{plural(issues, 'issue')}: lines or values in doubt.")
    grown = case.grown
    if grown is None or (grown and case.unnamed >= _DOUBTFUL * grown):
        answer = "Not by the ranking"
    elif case.notes or issues or case.one_run is False:
        answer = "With care"
        said = f"{plural(len(case.notes), 'note')} below {of_count(len(case.notes), 'says', 'say')} why."
        details += [said] if case.notes else []
    else:
        answer = "As it stands"
    return Card("How far to trust it?", answer, details)


def _next(case: Grown) -> Card:
    first = case.first
    files = case.files
    if first is None or first["module"] is None:
        return Card("What next?", "Look at the call tree", [], pasted(["heapdelta", "tree", *files, *case.options]))
    ranking = case.view.by("stack").filter(pl.col("requested_bytes_delta") > 0)
    own = ranking.filter(pl.col("module").str.to_lowercase() == first["module"].lower())
    grown = total_of_known(own["requested_bytes_delta"])
    running = own.select(running_sum(pl.col("requested_bytes_delta"))).to_series()
    count = 1 + running.filter(running < _MOST_OF_IT * grown).len()
    answer = f"Give {plural(count, 'stack')} to the owner of {first['module']}"
    if count > 50:
        answer = f"Look at the call tree of {first['module']}"
    part = share_text(total_of_known(own.head(count)["requested_bytes_delta"]), grown)
    details = [f"{of_count(count, 'It makes', 'They make')} up {part} of what its stacks grew."] if count <= 50 else []
    if own.height:
        details.append(f"The largest: {owner_of(own.row(0, named=True))}.")
    command = ["heapdelta", "diff", *files, "--stacks", str(count)]
    if len(files) == 1:
        command = ["heapdelta", "summary", *files, "--stacks", str(count)]
    if count > 50:
        command = ["heapdelta", "tree", *files]
    if _PLAIN.fullmatch(first["module"]):
        command += ["--focus", first["module"]]
    return Card("What next?", answer, details, pasted([*command, *case.options]))
