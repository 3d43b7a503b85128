"""What the dumps of a batch tell beside its logs: the counters of the same processes, numbered as its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._series import dump_notes
from heapdelta._series.belonging import belonging
from heapdelta._series.dump_order import Process, of_processes
from heapdelta._series.dump_series import DumpSeries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._series.order import Order


class Beside(NamedTuple):
    """The counters of the dumps that belong to the logs, and what to know of all dumps."""

    counters: DumpSeries | None
    notes: list[str]


def beside(
    snapshots: Sequence[Snapshot], points: pl.DataFrame, dumps: Sequence[Dump], *, order: Order, threads: int | None
) -> Beside:
    """Find the dumps of the processes that the logs of a series are of, and put them in its order."""
    if not dumps:
        return Beside(None, [])
    runs = points.group_by("run", maintain_order=True).agg("point", pl.col("restart").any())
    logs = [[snapshots[point] for point in of_run] for of_run in runs["point"].to_list()]
    usable = [dump for dump in dumps if _why_no_place(dump, order) is None]
    found = belonging(logs, usable)
    others = [(dump, reason) for dump in dumps if (reason := _why_no_place(dump, order)) is not None]
    notes = dump_notes.about_others([*found.others, *others])
    own = [dump for of_run in found.of_runs for dump in of_run]
    if len(own) < 2:
        lone = ["one dump is of the process in the logs: how what it counts grew takes two or more"] if own else []
        return Beside(None, [*lone, *notes])
    processes = [
        Process(of_run, restart, number)
        for number, (of_run, restart) in enumerate(zip(found.of_runs, runs["restart"], strict=True))
        if of_run
    ]
    counters = DumpSeries(of_processes(processes, order=order, given=dumps, notes=[]), threads=threads)
    return Beside(counters, [dump_notes.TWO_CLOCKS, *notes])


def _why_no_place(dump: Dump, order: Order) -> str | None:
    if order == "taken_at" and dump.taken_at is None:
        return "it does not tell when it was taken"
    if order in ("name", "mtime") and dump.path is None:
        return "it is of no file"
    return None
