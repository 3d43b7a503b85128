"""What one minidump holds, as JSON: what `heapdelta summary` shows of it, in exact numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import heapdelta as hd
from heapdelta._capture import heap_views
from heapdelta._capture.dump_lists import ABSENT, STREAMS, knows, list_state
from heapdelta._numbers import total
from heapdelta.cli import _dump_heaps, _dumps, _json
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._capture.dump import Dump
    from heapdelta.cli._machine import Machine


def write(machine: Machine, dump: Dump, top: int | None, *, by: str | None = None) -> None:
    """Write it for a machine; with `by`, one ranking of the blocks in its heaps.

    Raises
    ------
    OptionError
        If a single table is asked for, and not which.
    """
    if by is not None:
        ranking = dump.by(by)
        machine.write(ranking if top is None else ranking.head(top), lambda rows: _of_blocks(dump, by, rows))
        return
    refuse_table(machine)
    machine.write(dump.modules, lambda _: of_dump(dump, top))


def _of_blocks(dump: Dump, by: str, ranking: pl.DataFrame) -> str:
    written: dict[str, Any] = {
        "file": _json.facts_of(dump),
        "by": by,
        "heap_memory": dump.heap_memory._asdict(),
        "heaps_read": dump._heap_state(),
        "rows": None if dump._heap_state() == ABSENT else _json.rows(ranking),
        "notes": heap_views.notes_of(dump, by),
        "issues": dump.heap_issues.to_dicts(),
    }
    return json.dumps(written, indent=2)


def _heaps(dump: Dump, top: int | None) -> dict[str, Any]:
    """Give the heaps, where the dump holds memory in which there may be some; else null."""
    if not _dump_heaps.worth_walking(dump):
        return {"heaps": None, "heap_notes": None, "heap_issues": None}
    rows = _json.rows(dump.heaps if top is None else dump.heaps.head(top))
    return {"heaps": rows, "heap_notes": dump.heap_notes, "heap_issues": dump.heap_issues.to_dicts()}


def refuse_table(machine: Machine) -> None:
    """Refuse a form that holds one table alone.

    Raises
    ------
    OptionError
        If it is such a form.
    """
    if machine.is_table:
        raise OptionError(
            f"expected --json with one minidump, found {machine.form.value}: it holds one table, a dump has several",
            hint="--by heap, size, size_class, content or source ranks the blocks in its heaps; in Python every list "
            "of a dump is a table, such as dump.regions; heapdelta diff ranks two dumps",
            kind="option",
        )


def of_dump(dump: Dump, top: int | None) -> str:
    """Write the facts, the lists and how they were read, counters, rankings, places in code, and the issues.

    What the dump does not tell is null; `top` shortens the rankings.
    """
    now = hd.diff(dump, dump)
    exception = dump.exception
    counters = dump.memory_counters.drop("revision", "flags", strict=False)
    names = ("modules", "threads", "regions", "handles")
    written: dict[str, Any] = {
        "file": _json.facts_of(dump),
        "exception": None
        if exception is None
        else {"code": f"0x{exception.code:08X}", "thread_id": exception.thread_id},
        "heap_memory": dump.heap_memory._asdict(),
        "contents_bytes": total(dump.memory["size"]) if knows(dump, "memory") else None,
        "lists": {name: list_state(dump, name) for name in STREAMS},
        "counts": {name: getattr(dump, name).height if knows(dump, name) else None for name in names},
        "counters": counters.row(0, named=True) if knows(dump, "memory_counters") and counters.height else None,
        **{
            kind: None if now._in_neither(kind) else _rows(_dumps.held_now(now, kind), top)
            for kind in _dumps.HELD_KINDS
        },
        **_heaps(dump, top),
        "places": _places(dump),
        "issues": dump.issues.to_dicts(),
    }
    return json.dumps(written, indent=2)


def _rows(ranking: pl.DataFrame, top: int | None) -> list[dict[str, Any]]:
    """Give what is held: the numbers of the after side, without the side in their names."""
    keys = [name for name in ranking.columns if not name.endswith(("_before", "_after", "_delta"))]
    held = {name: name.removesuffix("_after") for name in ranking.columns if name.endswith("_after")}
    rows = ranking.select(*keys, *held).rename(held)
    return _json.rows(rows if top is None else rows.head(top))


def _places(dump: Dump) -> list[dict[str, Any]]:
    """Give where threads started and were, and the exception: all of them, for the report sums them up."""
    places = dump.addresses.to_dicts()
    for place in places:
        for number in ("offset", "address"):
            place[number] = None if place[number] is None else f"0x{place[number]:X}"
    return places
