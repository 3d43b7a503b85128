"""Reports of many logs in the order of time, and of many dumps: verdicts, the picture of the growth, first to last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from heapdelta._diff.delta import Delta
from heapdelta._numbers import issue_count
from heapdelta._ranking.names import key_columns, named_keys
from heapdelta._report import facts
from heapdelta._report.graph import graph
from heapdelta._report.parts import Card, Page, Words
from heapdelta._report.pictures import picture
from heapdelta._report.rankings import Amounts, modules, stacks
from heapdelta._report.verdicts import of_counters, of_keys, points_table
from heapdelta._series.dump_counters import label
from heapdelta._series.summary import verdicts
from heapdelta._series.verdict import LEAK
from heapdelta._shell import pasted
from heapdelta._words import amount_text, bytes_text, duration_text, of_count, plural
from heapdelta.chart import growth as draw_growth
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._report.parts import Section
    from heapdelta._report.wanted import Wanted
    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.series import Series

_NOT_YET = ("warming up", "not known", "too few snapshots")
_CACHES = ("plateau", "sawtooth")


def of_series(series: Series, wanted: Wanted) -> Page:
    """Report what grows over many logs."""
    growth = _named(series.growth())
    unit = series.slope_unit.partition("/")[2]
    ends = _ends(series, growth)
    notes = list(series.notes)
    # Made before the pictures: what draws them starts meanwhile.
    first_to_last = [] if ends is None else _first_to_last(series, ends, wanted)
    sections = _picture(series)
    sections.append(of_keys(growth, series.by, unit=unit, several=series.points["run"].n_unique() > 1))
    if series.counters is not None:
        sections += [*_picture(series.counters, "counters-picture"), of_counters(series.counters)]
        notes += [f"counters: {note}" for note in series.counters.notes]
    sections += first_to_last
    issues = pl.concat([log.issues.select("severity", "kind", "count") for log in series.snapshots])
    sections += [facts.notes(notes, wanted.texts), points_table(series.points), facts.issues(issues)]
    lead = [f"{plural(len(series.snapshots), 'log')}: {verdicts(growth)}."]
    cards = [
        _which(growth, unit),
        _leak_or_cache(growth),
        _trust(series, notes, issue_count(issues)),
        _next(series, growth, ends, wanted),
    ]
    title = wanted.title or f"What grows: {plural(len(series.snapshots), 'log')}"
    return Page(title, _headline(growth, unit), lead, cards, sections, wanted.made_by)


def of_dump_series(series: DumpSeries, wanted: Wanted) -> Page:
    """Report what grows of what many dumps count."""
    growth = series.growth().with_columns(
        pl.Series("name", [label(row) for row in series.growth().iter_rows(named=True)], dtype=pl.String)
    )
    issues = pl.concat([dump.issues.select("severity", "kind", "count") for dump in series.dumps])
    sections = _picture(series)
    sections += [
        of_counters(series),
        facts.notes(series.notes, wanted.texts),
        points_table(series.points),
        facts.issues(issues),
    ]
    leaks = growth.filter(verdict=LEAK)
    unit = series.slope_unit.partition("/")[2]
    headline = "Nothing that the dumps count is called a leak"
    which = Card("What grows?", "Nothing that is called a leak", [])
    leak = Card("Leak or cache?", "No leak", [f"Verdicts: {verdicts(growth)}."])
    others = growth.filter(pl.col("verdict").is_in(_NOT_YET))
    if others.height and not leaks.height:
        first = others.row(0, named=True)
        pace = f"{amount_text(first['pace'], first['unit'], signed=True)} per {unit}"
        headline = f"No leak is proved: {first['name']}, {pace}, {first['verdict']}"
        which = Card("What grows?", first["name"], [f"{pace}; {plural(others.height, 'counter')} with such verdicts."])
        leak = Card("Leak or cache?", "Not known yet", [f"{first['name']}: {first['reason']}."])
    if leaks.height:
        first = leaks.row(0, named=True)
        pace = f"{amount_text(first['pace'], first['unit'], signed=True)} per {unit}"
        headline = f"{first['name']} grows like a leak: {pace}"
        which = Card("What grows?", first["name"], [f"{pace}; {plural(leaks.height, 'counter')} like it."])
        leak = Card("Leak or cache?", "A leak", [first["reason"]])
    after = Card(
        "What next?",
        "Take heap logs of the same process",
        ["A dump does not record who allocated what. Two logs of UMDH do; a dump tells the builds of their modules."],
        "heapdelta report BEFORE.txt AFTER.txt --modules DUMP.dmp",
    )
    trust = _trust_card(len(series.dumps), "dump", series.notes, issue_count(issues))
    title = wanted.title or f"What grows: {plural(len(series.dumps), 'dump')}"
    lead = [f"{plural(len(series.dumps), 'dump')}: {verdicts(growth)}."]
    return Page(title, headline, lead, [which, leak, trust, after], sections, wanted.made_by)


def _named(growth: pl.DataFrame) -> pl.DataFrame:
    """Add ``name``, the same in every run."""
    keys = key_columns(growth)
    names = named_keys(growth.select(keys).unique(maintain_order=True))
    return growth.join(names, on=keys, how="left", nulls_equal=True, maintain_order="left")


def _picture(series: Series | DumpSeries, name: str = "growth") -> list[Section]:
    try:
        drawn = draw_growth(series)
    except OptionError as error:
        # Such as heaps of several runs, which are not the same ones.
        return [Words(name, "Growth over time", [f"No picture: {error.message}."])]
    return [picture(drawn, name, "Growth over time", "Growth over time. The table below has the same numbers.")]


class _Ends(NamedTuple):
    """The first and the last log of a run, and what to say of the other runs."""

    first: int
    last: int
    about: list[str]


def _ends(series: Series, growth: pl.DataFrame) -> _Ends | None:
    """Choose a run: that of the first leak, else the last of several logs. Two runs are two processes."""
    runs = series.points.group_by("run", maintain_order=True).agg(
        pl.col("point").min().alias("first"), pl.col("point").max().alias("last")
    )
    several = runs.filter(pl.col("last") > pl.col("first"))
    if several.is_empty():
        return None
    leaks = growth.filter(verdict=LEAK)
    of_leak = several.filter(run=leaks["run"][0]) if leaks.height else several.clear()
    run, first, last = (of_leak if of_leak.height else several.tail(1)).row(0)
    if runs.height == 1:
        return _Ends(first, last, [])
    why = f"in which {leaks['name'][0]} leaks" if of_leak.height else "the last with more than one log"
    about = (
        f"This is of run {run} alone, {why}: another process holds other memory, so logs of two runs are not compared."
    )
    return _Ends(first, last, [about])


def _first_to_last(series: Series, ends: _Ends, wanted: Wanted) -> list[Section]:
    places = (ends.first, ends.last)
    sides = [series.snapshots[place] for place in places]
    made = Delta(sides[0], sides[1], series.allocators, series._threads, series._filtered)
    delta = made._as_known([series._together.snapshots[place] for place in places])
    names = " → ".join(wanted.name(side.path) for side in sides)
    amounts = Amounts(live=False)
    return [
        Words("first-to-last", "From the first log to the last", [names, *facts.of_pair(delta), *ends.about]),
        modules(delta.by("module"), amounts),
        stacks(delta, amounts),
        graph(delta, live=False, stacks=wanted.stacks, text=wanted.texts),
    ]


def _pace(row: dict[str, Any], unit: str) -> str:
    return "not known" if row["pace"] is None else f"{bytes_text(round(row['pace']), signed=True)} per {unit}"


def _headline(growth: pl.DataFrame, unit: str) -> str:
    leaks = growth.filter(verdict=LEAK)
    if leaks.height:
        first = leaks.row(0, named=True)
        more = leaks["name"].n_unique() - 1
        others = f", and {plural(more, 'other')} like it" if more else ""
        return f"{first['name']} grows like a leak: {_pace(first, unit)}{others}"
    few = growth.filter(verdict="too few snapshots")
    if few.height and few.height == growth.height:
        return "Too few logs of one run to tell a leak from a cache"
    warm = growth.filter(verdict="warming up")
    if warm.height:
        return f"No leak is proved; {warm['name'][0]} still warms up: {_pace(warm.row(0, named=True), unit)}"
    return "Nothing grows like a leak"


def _which(growth: pl.DataFrame, unit: str) -> Card:
    if not growth.height:
        return Card("Which module?", "None", [])
    first = growth.row(0, named=True)
    held = f"{bytes_text(first['first_bytes'])} → {bytes_text(first['last_bytes'])}"
    return Card("What grows?", first["name"], [f"{held}, {_pace(first, unit)}, {first['verdict']}."])


def _leak_or_cache(growth: pl.DataFrame) -> Card:
    leaks = growth.filter(verdict=LEAK)
    if leaks.height:
        first = leaks.row(0, named=True)
        details = [f"{first['name']}: {first['reason']}."]
        if first["hours_to_exhaustion"] is not None:
            details.append(f"The address space is full in {first['hours_to_exhaustion']:,.0f} hours at this pace.")
        return Card("Leak or cache?", "A leak", details)
    caches = growth.filter(pl.col("verdict").is_in(_CACHES) & (pl.col("last_bytes") > pl.col("first_bytes")))
    if caches.height:
        first = caches.row(0, named=True)
        return Card("Leak or cache?", "Like a cache", [f"{first['name']}: {first['reason']}."])
    first_reason = [f"{growth['name'][0]}: {growth['reason'][0]}."] if growth.height else []
    return Card("Leak or cache?", "Not known yet" if first_reason else "Nothing grows", first_reason)


def _trust(series: Series, notes: list[str], issues: int) -> Card:
    card = _trust_card(len(series.snapshots), "log", notes, issues)
    runs = series.points["run"].n_unique()
    times = series.points["taken_at"].drop_nulls()
    if times.len() > 1:
        first, last = times.sort()[0], times.sort()[-1]
        card.details.insert(0, f"They span {duration_text(last - first)}.")
    card.details.insert(0, f"{plural(len(series.snapshots), 'log')} of {plural(runs, 'run')}.")
    return card


def _trust_card(count: int, noun: str, notes: list[str], issues: int) -> Card:
    details = [f"{plural(issues, 'issue')}: lines or values in doubt." if issues else "Everything was read."]
    if notes:
        details.append(f"{plural(len(notes), 'note')} below {of_count(len(notes), 'says', 'say')} more.")
    answer = "With care" if notes or issues else "As it stands"
    return Card("How far to trust it?", f"{answer}: {plural(count, noun)}", details)


def _next(series: Series, growth: pl.DataFrame, ends: _Ends | None, wanted: Wanted) -> Card:
    leaks = growth.filter(verdict=LEAK)
    if ends is None or not leaks.height:
        return Card(
            "What next?", "Take more logs of one run", ["Six are the least; more than a day of them is better."]
        )
    paths = [series.snapshots[ends.first].path or "FIRST", series.snapshots[ends.last].path or "LAST"]
    command = ["heapdelta", "diff", *paths, *wanted.options]
    return Card("What next?", f"Give the stacks of {leaks['name'][0]} to its owner", [], pasted(command))
