"""What the sub-commands print of minidumps: one dump, and two of them compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

import heapdelta as hd
from heapdelta._capture import heap_views
from heapdelta._capture.dump_lists import ABSENT, DAMAGED, IN_NEITHER, knows, list_state
from heapdelta._diff.dump_views import NOT_IN_DUMP
from heapdelta._numbers import total
from heapdelta._words import bytes_text, count_text, moment, plural, share_text
from heapdelta.cli import _dump_heaps, _output
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rich.console import Console

    from heapdelta._capture.dump import Dump
    from heapdelta._diff.dump_delta import DumpDelta

_TITLES = {
    "region_class": ("Committed memory per class", "growth", "class"),
    "module": ("Images per module", "growth", "module"),
    "handle_type": ("Handles per type", "growth", "type"),
    "thread_start": ("Threads per start", "growth", "start"),
    "allocation_base": ("Committed memory per allocation", "growth", "allocation"),
    **{kind: (title, "growth", kind) for kind, title in _dump_heaps.TITLES.items()},
}
# The five that tell most; `--json` has all.
_COUNTERS = ("private_usage", "private_working_set_size", "working_set_size", "pagefile_usage", "virtual_size")
_COUNTED = "What the process counted itself"
_ROWS = ("module", "thread", "region", "handle")
# Keys that a list may leave out, and what they are of what.
_UNTOLD = {"thread_start": "where threads started", "handle_type": "what type handles are of"}
HELD_KINDS = ("region_class", "handle_type", "thread_start")
"""What the summary of one dump ranks."""
_BYTES = ("region_class", "module", "allocation_base")


def show_dump(target: Console, dump: Dump, top: int) -> None:
    """Print what one dump holds."""
    private = dump.memory_counters["private_usage"].item()
    exception = dump.exception
    facts = {
        "file": dump.path,
        "heaps": dump._held_words(),
        "format": dump.format,
        "system": _system(dump),
        "taken": _moment(dump.taken_at),
        "process": _process(dump),
        "cpu time": None
        if dump.user_time is None
        else f"{dump.user_time:g} s, and {dump.kernel_time or 0:g} s in the kernel",
        "pointers": None if dump.cpu is None else f"{dump.pointer_width} bits",
        "comment": dump.comment and " ".join(dump.comment.split()),
        "exception": None if exception is None else f"{exception.code:#010x} in thread {exception.thread_id}",
        "private": None if private is None else bytes_text(private),
        "contents": f"{bytes_text(total(dump.memory['size']))} in {plural(dump.memory.height, 'range')}"
        if knows(dump, "memory")
        else None,
        "holds": ", ".join(_held(dump, row) for row in _ROWS if knows(dump, f"{row}s")) or None,
        "no list of": ", ".join(f"{row}s" for row in _ROWS if list_state(dump, f"{row}s") == ABSENT) or None,
        "unreadable": ", ".join(f"{row}s" for row in _ROWS if _lost(dump, row)) or None,
    }
    now = hd.diff(dump, dump)
    rankings = {kind: held_now(now, kind) for kind in HELD_KINDS}
    untold = [words for kind, words in _UNTOLD.items() if _without_keys(rankings[kind])]
    facts["not told"] = ", ".join(untold) or None
    target.print(_output.facts([(name, [str(value)]) for name, value in facts.items() if value is not None]))
    target.print()
    if _dump_heaps.worth_walking(dump):
        _dump_heaps.show_heaps(target, dump, top)
    for kind, ranking in rankings.items():
        if not _without_keys(ranking):
            _show_now(target, ranking, kind, top)


def held_now(now: DumpDelta, kind: str) -> pl.DataFrame:
    """Rank what a dump, compared with itself, holds: largest first."""
    ranking = now.by(kind)
    order = [_measure(ranking, "_after"), ranking.columns[0]]
    return ranking.sort(order, descending=[True, False], nulls_last=True)


def _held(dump: Dump, row: str) -> str:
    count = plural(getattr(dump, f"{row}s").height, row)
    return f"at least {count}" if list_state(dump, f"{row}s") == DAMAGED else count


def _lost(dump: Dump, row: str) -> bool:
    return not knows(dump, f"{row}s") and list_state(dump, f"{row}s") == DAMAGED


def _without_keys(ranking: pl.DataFrame) -> bool:
    """Tell if a ranking says nothing because the dump tells no key of any row."""
    return not ranking.is_empty() and "status" in ranking.columns and (ranking["status"] == NOT_IN_DUMP).all()


def _show_now(target: Console, ranking: pl.DataFrame, kind: str, top: int) -> None:
    title, _, heading = _TITLES[kind]
    measure = _measure(ranking, "_after")
    if ranking.is_empty() or ranking[measure].null_count() == ranking.height:
        return
    of_all = total(ranking[measure])
    in_bytes = kind in _BYTES
    shown = _output.table(title, ["bytes" if in_bytes else "number", "share"], [heading])

    def add(number: int | None, name: Text) -> None:
        share = share_text(number, of_all, digits=1)
        shown.add_row(_amount(number, in_bytes=in_bytes), share, name)

    for row in ranking.head(top).iter_rows(named=True):
        add(row[measure], _output.key(row[kind], row.get("status", "")))
    if ranking.height > top:
        add(total(ranking.slice(top)[measure]), Text(f"({count_text(ranking.height - top)} more)", "italic dim"))
    target.print(shown)


def show_delta(target: Console, delta: DumpDelta, *, by: str | None, top: int) -> None:
    """Print the whole answer for a person: files, totals, rankings, notes, what could not be read."""
    _show_header(target, delta)
    target.print()
    _show_total(target, delta)
    walked = by in delta.heap_kinds or (by is None and _dump_heaps.worth_comparing(delta))
    if by is not None:
        _show_all(target, delta, by, top)
    else:
        _show_counters(target, delta)
        first, *others = (kind for kind in delta.kinds if delta._refusal(kind) is None)
        _show_changes(target, delta, first, top)
        if walked:
            _show_heaps(target, delta, top)
        for kind in others:
            _show_changes(target, delta, kind, top)
    _output.show_notes(target, [*(heap_views.notes_of(delta, by) if walked else ()), *delta.notes])
    _output.show_issues(target, delta.issues)


def _show_heaps(target: Console, delta: DumpDelta, top: int) -> None:
    """Print what grew in the heaps; where nothing is known of them, that once."""
    lacking = delta._why_not_known("heap")
    if lacking is not None:
        target.print(f"Blocks in heaps: {lacking}\n")
        return
    for kind in _dump_heaps.SHOWN:
        if delta._refusal(kind) is None:
            _show_changes(target, delta, kind, top)


def remark_on_unknown(delta: DumpDelta, kind: str) -> None:
    """Say on stderr what a table cannot: that its numbers are not there, or are the least there can be."""
    remark = delta._why_not_known(kind) or _at_least(delta._damaged_sides(kind), kind)
    if remark:
        _output.remark(f"{_TITLES[kind][0]}: {remark}")


def _show_header(target: Console, delta: DumpDelta) -> None:
    dumps = (delta.before, delta.after)

    def both(of: Callable[[Dump], str | None]) -> list[str]:
        return [of(dump) or "-" for dump in dumps]

    committed = delta.total.row(0, named=True)
    _output.files_and_facts(
        target,
        [dump.path for dump in dumps],
        [
            ("format", both(lambda dump: dump.format)),
            ("system", both(_system)),
            ("taken", both(lambda dump: _moment(dump.taken_at))),
            ("process", both(_process)),
            ("committed", [bytes_text(committed[f"committed_bytes_{side}"]) for side in ("before", "after")]),
            ("private", [bytes_text(dump.memory_counters["private_usage"].item()) for dump in dumps]),
            ("heaps", [_dump_heaps.held_text(dump) for dump in dumps]),
        ],
        headings=["before", "after"],
    )


def _show_total(target: Console, delta: DumpDelta) -> None:
    total = delta.total.row(0, named=True)
    private = delta.counters.filter(pl.col("counter") == "private_usage")["value_delta"].item()
    grown = total["committed_bytes_delta"]
    line = Text("Total  ", "bold") + _output.colored(grown, bytes_text(grown, signed=True)) + Text(" committed")
    line += Text(f", {bytes_text(total['reserved_bytes_delta'], signed=True)} reserved")
    lacking, damaged = delta._why_not_known("region_class"), delta._damaged_sides("region_class")
    if lacking is not None:
        line += Text(f" ({'regions are ' if lacking == IN_NEITHER else ''}{lacking})")
    elif damaged:
        line += Text(f" ({_at_least(damaged)})")
    line += Text(f", {bytes_text(private, signed=True)} of private usage")
    target.print(line, end="\n\n")


def _show_counters(target: Console, delta: DumpDelta) -> None:
    known = delta.counters.filter(pl.col("counter").is_in(_COUNTERS) & pl.col("value_delta").is_not_null())
    if known.is_empty():
        target.print(f"{_COUNTED}: {delta._why_not_known('counter') or 'not known for both dumps'}\n")
        return
    shown = _output.table(_COUNTED, ["growth", "before", "after"], ["counter"])
    for row in known.sort("value_delta", descending=True).iter_rows(named=True):
        grown = _output.colored(row["value_delta"], bytes_text(row["value_delta"], signed=True))
        sides = [bytes_text(row[f"value_{side}"]) for side in ("before", "after")]
        shown.add_row(grown, *sides, row["counter"])
    target.print(shown)


def _changed(ranking: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Leave out what is as it was."""
    first, *others = (name for name in ranking.columns if name.endswith("_delta") and name != "unload_count_delta")
    # Threads are known without regions, and then nothing is known of their stacks.
    deltas = [first, *(name for name in others if ranking[name].null_count() < ranking.height)]
    moved = pl.any_horizontal(pl.col(name).ne_missing(0) for name in deltas)
    if kind == "module":
        moved |= ~pl.col("change").is_in(["same", "unloaded earlier"])
    return ranking.filter(moved)


def _show_all(target: Console, delta: DumpDelta, kind: str, top: int) -> None:
    """Print one ranking, what changed first; of what only one dump knows, the numbers of that one."""
    lacking = delta._why_not_known(kind)
    ranking = delta.by(kind)
    if ranking.is_empty():
        target.print(f"{_TITLES[kind][0]}: {lacking or 'nothing'}\n")
    elif _without_keys(ranking):
        target.print(f"{_TITLES[kind][0]}: {lacking or _sums_alone(delta, kind, ranking)}\n")
    else:
        remark = lacking or _at_least(delta._damaged_sides(kind), kind)
        changed = _changed(ranking, kind)
        if changed.is_empty():
            target.print(f"{_TITLES[kind][0]}: {_no_change(remark)}\n")
            return
        # What is as it was is in the sum of the rest.
        ordered = pl.concat([changed, ranking.join(changed, on=ranking.columns, how="anti", nulls_equal=True)])
        _show_ranking(target, kind, ordered, min(top, changed.height), remark=remark)


def _show_changes(target: Console, delta: DumpDelta, kind: str, top: int) -> None:
    """Print what changed in one ranking, or why that is not known."""
    lacking, damaged = delta._why_not_known(kind), delta._damaged_sides(kind)
    ranking = delta.by(kind)
    changed = _changed(ranking, kind)
    if lacking is not None:
        answer = lacking
    elif _without_keys(ranking):
        answer = _sums_alone(delta, kind, ranking)
    elif not changed.is_empty():
        _show_ranking(target, kind, changed, top, remark=_at_least(damaged, kind))
        return
    else:
        answer = _no_change(_at_least(damaged, kind))
    target.print(f"{_TITLES[kind][0]}: {answer}\n")


def _no_change(remark: str) -> str:
    return f"no change in what could be read ({remark})" if remark else "no change"


def _sums_alone(delta: DumpDelta, kind: str, ranking: pl.DataFrame) -> str:
    """Say how many there are more, where a table would have no key to say of what."""
    measure = _measure(ranking, "_delta")
    more, before, after = (total(ranking[measure.replace("_delta", part)]) for part in ("_delta", "_before", "_after"))
    sides = f"{count_text(before)} before and {count_text(after)} after"
    many = f"{count_text(more, signed=True)} ({sides})" if more or more is None else "as many as before"
    remark = _at_least(delta._damaged_sides(kind))
    return f"{many}, but {_UNTOLD[kind]} is {IN_NEITHER}" + (f" ({remark})" if remark else "")


def _at_least(damaged: Sequence[str], kind: str = "") -> str:
    """Say that the numbers of these sides are the least there can be."""
    why = "not all of the heaps could be read" if kind in _dump_heaps.TITLES else "the list is damaged"
    return f"{' and '.join(damaged)}: at least, {why}" if damaged else ""


def _show_ranking(target: Console, kind: str, ranking: pl.DataFrame, top: int, *, remark: str = "") -> None:
    if kind in _dump_heaps.TITLES:
        _dump_heaps.show_growth(target, kind, ranking, top, remark=remark)
        return
    title, growth, heading = _TITLES[kind]
    measure = _measure(ranking, "_delta")
    in_bytes = kind in _BYTES
    changes = ["change"] if "change" in ranking.columns else []
    facts = ["class", "owner"] if kind == "allocation_base" else []
    shown = _output.table(
        f"{title} ({remark})" if remark else title, [growth, "before", "after"], [*changes, heading, *facts]
    )
    numbers = [measure, measure.replace("_delta", "_before"), measure.replace("_delta", "_after")]
    for row in ranking.head(top).iter_rows(named=True):
        change = [row["change"] or "?" for _ in changes]
        shown.add_row(*_numbers([row[name] for name in numbers], in_bytes=in_bytes), *change, *_names(kind, row))
    rest = ranking.slice(top).select(numbers)
    if not rest.is_empty():
        sums = [total(rest[name]) for name in numbers]
        more = Text(f"({count_text(rest.height)} more)", "italic dim")
        shown.add_row(*_numbers(sums, in_bytes=in_bytes), *("" for _ in changes), more, *("" for _ in facts))
    target.print(shown)


def _numbers(values: Sequence[int | None], *, in_bytes: bool) -> list[Text]:
    grown, *sides = values
    change = _output.colored(grown, _amount(grown, in_bytes=in_bytes, signed=True))
    return [change, *(Text(_amount(value, in_bytes=in_bytes)) for value in sides)]


def _names(kind: str, row: dict[str, str | int | None]) -> list[Text]:
    if kind != "allocation_base":
        name = row[kind]
        return [_output.key(None if name is None else str(name), str(row.get("status", "no name")))]
    base, thread, module = row["allocation_base"], row["thread_id"], row["module"]
    owner = str(module) if module is not None else f"thread {thread}" if thread is not None else ""
    return [Text("?" if base is None else f"{base:X}"), Text(str(row["region_class"])), Text(owner)]


def _measure(ranking: pl.DataFrame, part: str) -> str:
    return next(name for name in ranking.columns if name.endswith(part) and ranking.schema[name].is_integer())


def _amount(number: int | None, *, in_bytes: bool, signed: bool = False) -> str:
    return bytes_text(number, signed=signed) if in_bytes else count_text(number, signed=signed)


def _system(dump: Dump) -> str | None:
    return " ".join(filter(None, [dump.os, dump.os_version, dump.service_pack, dump.cpu])) or None


def _process(dump: Dump) -> str | None:
    since = _moment(dump.process_created_at)
    return ", since ".join(filter(None, ["?" if dump.pid is None else str(dump.pid), since]))


def _moment(time: datetime | None) -> str | None:
    return None if time is None else f"{moment(time)} UTC"
