"""Reports of two dumps: what the process counted, what its memory is made of, handles, threads and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._capture import heap_views
from heapdelta._numbers import issue_count, total
from heapdelta._report import facts
from heapdelta._report.parts import Card, Cell, Head, Page, Row, Table, Words
from heapdelta._report.pictures import picture
from heapdelta._shell import pasted
from heapdelta._words import bytes_text, count_text, of_count, plural
from heapdelta.chart import regions
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._diff.dump_delta import DumpDelta
    from heapdelta._report.parts import Section
    from heapdelta._report.wanted import Wanted

_MOST = 25
_TITLES = {
    "region_class": "What committed memory is made of",
    "handle_type": "Handles by type",
    "thread_start": "Threads by where they start",
    "module": "Modules",
}
_OF_HEAPS = {
    "heap": "Blocks by heap",
    "size": "Blocks by size",
    "content": "Blocks by what they begin with",
}
_KEYS = {"region_class": ["region_class"], "handle_type": ["handle_type"], "thread_start": ["thread_start"]}
_KEYS |= {"module": ["module", "change"]} | {kind: [kind] for kind in _OF_HEAPS}


def of_dump_delta(delta: DumpDelta, wanted: Wanted) -> Page:
    """Report what changed from one dump to another."""
    private = _counter(delta, "private_usage")
    classes = delta.by("region_class")
    grew = classes.filter(pl.col("committed_bytes_delta") > 0)
    first = grew.row(0, named=True) if grew.height else None
    sections: list[Section] = [*_picture(delta), _counters(delta)]
    heaps = _heaps(delta)
    sections += [*heaps, *(_ranking(delta, kind) for kind in _TITLES)]
    sections += [
        facts.notes([*(heap_views.notes_of(delta, None) if heaps else ()), *delta.notes], wanted.texts),
        facts.files([("before", delta.before), ("after", delta.after)], anonymise=wanted.texts.anonymise),
        facts.issues(delta.issues),
    ]
    older, newer = (wanted.name(dump.path) for dump in (delta.before, delta.after))
    title = wanted.title or f"What grew: {older} → {newer}"
    lead = ["A dump does not record who allocated what: growth of private memory has no module here."]
    return Page(
        title, _headline(private, first, delta), lead, _cards(delta, private, first, wanted), sections, wanted.made_by
    )


def _counter(delta: DumpDelta, name: str) -> int | None:
    found = delta.counters.filter(counter=name)["value_delta"]
    return found[0] if found.len() else None


def _headline(private: int | None, first: dict[str, Any] | None, delta: DumpDelta) -> str:
    older, newer = delta.before.taken_at, delta.after.taken_at
    if older is not None and newer is not None and older > newer:
        return "The dump called before was taken after the other: are the two swapped?"
    if private is not None and private > 0:
        most = f"; most of it is {first['region_class']}" if first is not None else ""
        return f"Private memory grew by {bytes_text(private)}{most}"
    if private is not None:
        return f"Private memory fell by {bytes_text(-private)}" if private else "Private memory is as much as before"
    committed = delta.total["committed_bytes_delta"].item()
    if committed is None:
        return "How much grew is not known: the dumps do not count it"
    verb = "grew" if committed >= 0 else "fell"
    return f"Committed memory {verb} by {bytes_text(abs(committed))}"


def _cards(delta: DumpDelta, private: int | None, first: dict[str, Any] | None, wanted: Wanted) -> list[Card]:
    which = Card("What grew?", "No class of memory", [])
    if first is not None:
        grown = bytes_text(first["committed_bytes_delta"], signed=True)
        which = Card("What grew?", first["region_class"], [f"{grown} committed; private memory {_signed(private)}."])
    handles = delta.by("handle_type").filter(pl.col("handle_count_delta") > 0)
    if handles.height:
        row = handles.row(0, named=True)
        which.details.append(f"Handles: {row['handle_type'] or row['status']} {row['handle_count_delta']:+,}.")
    leak = Card(
        "Leak or cache?",
        "Not known yet",
        ["Two dumps cannot tell. Six or more of one process have verdicts."],
        "heapdelta series FOLDER_WITH_THE_DUMPS --by counter",
    )
    issues = issue_count(delta.issues)
    damaged = delta.lists.filter((pl.col("before") != "whole") | (pl.col("after") != "whole")).height
    details = ["Both are of one process." if delta.same_process else "They are not known to be of one process."]
    if damaged:
        details.append(f"{plural(damaged, 'list')} {of_count(damaged, 'is', 'are')} not whole in both dumps.")
    if delta.notes:
        details.append(f"{plural(len(delta.notes), 'note')} below {of_count(len(delta.notes), 'says', 'say')} more.")
    care = delta.notes or issues or not delta.same_process
    trust = Card("How far to trust it?", "With care" if care else "As it stands", details)
    dump = delta.after.path or "AFTER.dmp"
    command = ["heapdelta", "report", "BEFORE.txt", "AFTER.txt", "--modules", dump, *wanted.options]
    after = Card("What next?", "Take two heap logs of the same process", ["UMDH writes who allocated what."])
    return [which, leak, trust, after._replace(command=pasted(command))]


def _signed(number: int | None) -> str:
    return bytes_text(number, signed=True)


def _picture(delta: DumpDelta) -> list[Section]:
    words = "Committed memory by class, before and after. The table below has the same numbers."
    try:
        return [picture(regions(delta), "regions-picture", "Committed memory", words)]
    except OptionError as error:
        return [Words("regions-picture", "Committed memory", [f"No picture: {error.message}."])]


def _counters(delta: DumpDelta) -> Section:
    known = delta.counters.filter(pl.col("value_before").is_not_null() | pl.col("value_after").is_not_null())
    if not known.height:
        return Words("counters", "What the process counted", ["Neither dump has counters."])
    rows = []
    for row in known.iter_rows(named=True):
        write = bytes_text if row["unit"] == "bytes" else count_text
        cells = [Cell(write(row[f"value_{side}"]), row[f"value_{side}"]) for side in ("before", "after")]
        change = Cell(write(row["value_delta"], signed=True), row["value_delta"])
        rows.append(Row([Cell(row["counter"]), change, *cells]))
    heads = [Head("counter"), *(Head(name, True) for name in ("growth", "before", "after"))]
    return Table("counters", "What the process counted", [], heads=heads, rows=rows)


def _heaps(delta: DumpDelta) -> list[Section]:
    """Show the blocks in the heaps, where both dumps hold some of their memory."""
    held = [dump.heap_memory for dump in (delta.before, delta.after)]
    if not all(memory.of == "heap" and memory.held_bytes for memory in held):
        return []
    why = delta._why_not_known("heap")
    if why is not None:
        return [Words("heaps", "Blocks in heaps", [f"{why[0].upper()}{why[1:]}.", *(f"{memory}." for memory in held)])]
    return [_ranking(delta, kind) for kind in _OF_HEAPS if delta._refusal(kind) is None]


def _ranking(delta: DumpDelta, kind: str) -> Section:
    """Show what changed in a ranking, the largest first, and the sum of the others."""
    name = kind.replace("_", "-")
    why = delta._why_not_known(kind)
    ranking = delta.by(kind)
    title = (_TITLES | _OF_HEAPS)[kind]
    if not ranking.height:
        return Words(name, title, [why or "There is nothing of it in either dump."])
    measures = [column.removesuffix("_delta") for column in ranking.columns if column.endswith("_delta")]
    first = ranking.filter(pl.col(f"{measures[0]}_delta").ne_missing(0))
    same = ranking.height - first.height
    rows = [_row(row, kind, measures) for row in first.head(_MOST).iter_rows(named=True)]
    rest = first.slice(_MOST)
    if rest.height:
        sums = {
            column: total(rest[column])
            for column in rest.columns
            if column.endswith(("_before", "_after", "_delta")) and rest[column].dtype.is_integer()
        }
        rows.append(_row(sums, kind, measures, f"smaller: {rest.height:,}"))
    lead = [why] if why else []
    if same:
        lead.append(f"{plural(same, 'row')} without a change {of_count(same, 'is', 'are')} left out.")
    heads = [*(Head(key.replace("_", " ")) for key in _KEYS[kind])]
    for measure in measures:
        words = measure.replace("_", " ")
        heads += [Head(f"{words}, growth", True), Head("before", True), Head("after", True)]
    return Table(name, title, lead, heads=heads, rows=rows)


def _row(row: dict[str, Any], kind: str, measures: Sequence[str], rest: str = "") -> Row:
    if rest:
        keys = [Cell(rest), *(Cell("") for _ in _KEYS[kind][1:])]
    elif kind in _OF_HEAPS:
        keys = [Cell(heap_views.label(row))]
    else:
        names = ((row[key], row.get("status")) for key in _KEYS[kind])
        keys = [Cell(f"({status or 'not known'})" if name is None else str(name)) for name, status in names]
    cells = []
    for measure in measures:
        write = bytes_text if measure.endswith("_bytes") else count_text
        for part in ("delta", "before", "after"):
            number = row[f"{measure}_{part}"]
            cells.append(Cell(write(number, signed=part == "delta"), number))
    return Row([*keys, *cells], "rest" if rest else "")
