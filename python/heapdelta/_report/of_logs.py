"""Reports of what has stacks: a difference of two logs, what one log holds, the text that another tool wrote of two.

The graph is made first wherever it is shown: what draws the pictures starts meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._numbers import issue_count, total
from heapdelta._report import answer, facts
from heapdelta._report.answer import Grown
from heapdelta._report.graph import graph
from heapdelta._report.live_answer import live_cards, live_headline
from heapdelta._report.parts import Page
from heapdelta._report.pictures import picture
from heapdelta._report.rankings import Amounts, modules, stacks
from heapdelta._words import bytes_text, plural
from heapdelta.chart import live as draw_live
from heapdelta.chart import waterfall

if TYPE_CHECKING:
    from heapdelta._capture.comparison import Comparison
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._diff.delta import Delta
    from heapdelta._ranking.live import Live
    from heapdelta._report.parts import Section
    from heapdelta._report.wanted import Wanted


def of_delta(delta: Delta, wanted: Wanted) -> Page:
    """Report what changed from one log to another."""
    ranking = delta.by("module")
    sides = (delta.before, delta.after)
    case = Grown(
        delta,
        ranking,
        delta.notes,
        delta.issues,
        wanted.files([side.path or name for side, name in zip(sides, ("BEFORE", "AFTER"), strict=True)]),
        wanted.options,
        (delta.before.taken_at, delta.after.taken_at),
        delta.one_run,
    )
    lead = facts.of_pair(delta)[0]
    amounts = Amounts(live=False)
    drawn = graph(delta, live=False, stacks=wanted.stacks, text=wanted.texts)
    sections: list[Section] = [
        picture(waterfall(delta), "waterfall", "From before to after", _words_of(lead)),
        modules(ranking, amounts),
        stacks(delta, amounts),
        drawn,
        facts.notes(delta.notes, wanted.texts),
        facts.files([("before", delta.before), ("after", delta.after)], anonymise=wanted.texts.anonymise),
        facts.issues(delta.issues),
    ]
    title = wanted.title or f"What grew: {wanted.name(delta.before.path)} → {wanted.name(delta.after.path)}"
    return Page(title, answer.headline(case), [lead], answer.cards(case), sections, wanted.made_by)


def of_comparison(comparison: Comparison, wanted: Wanted) -> Page:
    """Report what another tool wrote about two logs."""
    ranking = comparison.by("module")
    files = wanted.files([comparison.path or "COMPARISON"])
    case = Grown(comparison, ranking, comparison.notes, comparison.issues, files, wanted.options)
    lead = [
        f"The text of {'UMDH' if comparison.format == 'umdh-compare' else 'DHCMP'} about two logs, "
        f"which shows {plural(comparison._stack_count, 'stack')} that changed, and no others."
    ]
    amounts = Amounts(live=False, sides=False)
    drawn = graph(comparison, live=False, stacks=wanted.stacks, text=wanted.texts)
    sections: list[Section] = [
        picture(waterfall(comparison), "waterfall", "What changed", lead[0]),
        modules(ranking, amounts),
        stacks(comparison, amounts),
        drawn,
        facts.notes(comparison.notes, wanted.texts),
        facts.files([("comparison", comparison)], anonymise=wanted.texts.anonymise),
        facts.issues(comparison.issues),
    ]
    title = wanted.title or f"What grew: {wanted.name(comparison.path)}"
    return Page(title, answer.headline(case), lead, answer.cards(case), sections, wanted.made_by)


def of_live(live: Live, log: Snapshot, wanted: Wanted) -> Page:
    """Report what one log holds."""
    ranking = live.by("module")
    amounts = Amounts(live=True)
    held = total(ranking["requested_bytes"])
    lead = (
        f"{bytes_text(held)} in {plural(total(ranking['allocation_count']), 'block')}. One log does not tell what grew."
    )
    drawn = graph(live, live=True, stacks=wanted.stacks, text=wanted.texts)
    sections: list[Section] = []
    if ranking.height:
        sections.append(picture(draw_live(live), "live", "What is held", lead))
    sections += [
        modules(ranking, amounts),
        stacks(live, amounts),
        drawn,
        facts.notes(live.notes, wanted.texts),
        facts.files([("log", log)], anonymise=wanted.texts.anonymise),
        facts.issues(log.issues),
    ]
    title = wanted.title or f"What is held: {wanted.name(log.path)}"
    (file,) = wanted.files([log.path or "LOG"])
    command = ["heapdelta", "report", file, "LATER_LOG", *wanted.options, "-o", "report.html"]
    cards = live_cards(ranking, held, live.notes, issue_count(log.issues), command)
    return Page(title, live_headline(ranking, held), [lead], cards, sections, wanted.made_by)


def _words_of(lead: str) -> str:
    return f"{lead} The table below has the same numbers."
