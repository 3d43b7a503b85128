"""What a reader of a series of dumps must know before trusting it: one plain sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._diff.dump_contents import built_anew
from heapdelta._series import dump_blocks, dump_counters
from heapdelta._series.order import first_names
from heapdelta._symbols import of_contents
from heapdelta._symbols.doubts import some
from heapdelta._words import of_count, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump
    from heapdelta._series.dump_counters import Told
    from heapdelta._series.dump_order import OrderedDumps

TWO_CLOCKS = (
    "logs tell the time of their machine, dumps that of UTC, and neither tells the other's: their points are in no "
    "common order"
)

_MEANING = {
    "memory_counters": "what the process counted itself",
    "regions": "committed and reserved memory",
    "handles": "handles",
    "threads": "threads",
}
_SHOWN = 5


def of_dump_series(found: OrderedDumps, told: Sequence[Told]) -> list[str]:
    """Collect the notes of a series of dumps, most important first; `told` is what each of them counts."""
    points = found.points
    return [
        *found.notes,
        *_about_order(points, clock=found.clock),
        *_about_runs(points),
        *_about_lists(told),
        *_about_widths(found.dumps),
    ]


def of_blocks(found: OrderedDumps, told: Sequence[dump_blocks.Told], kind: str) -> list[str]:
    """Collect the notes of a series of dumps by their blocks, or by classes of memory."""
    points = found.points
    absent, partly = dump_blocks.lacking(told)
    what = "what memory is made of" if kind == "region_class" else "the blocks in the heaps"
    notes = []
    if len(absent) == len(told):
        notes.append(f"no dump tells of {what}")
    elif absent:
        notes.append(
            f"{what}: not in {plural(len(absent), 'dump')} ({_places(absent)}), which "
            f"{of_count(len(absent), 'is no point', 'are no points')} of these curves"
        )
    if partly:
        which = "only heaps that are known in full have a value there" if kind == "heap" else "they have no value there"
        notes.append(f"{what}: not all are known in {plural(len(partly), 'dump')} ({_places(partly)}); {which}")
    return [
        *found.notes,
        *_about_order(points, clock=found.clock),
        *_about_runs(points),
        *notes,
        *(_about_builds(found.dumps) if kind == "content" else []),
        *of_contents.notes([one.symbols for one in told if one.symbols is not None]),
        *_about_widths(found.dumps),
    ]


def about_others(others: Sequence[tuple[Dump, str]]) -> list[str]:
    """Name the dumps that are not known to be of the process that the logs are of."""
    by_reason: dict[str, list[str | None]] = {}
    for dump, reason in others:
        by_reason.setdefault(reason, []).append(dump.path)
    return [
        f"{plural(len(paths), 'dump')} left out, not known to be of the process in the logs "
        f"({first_names(pl.Series(paths, dtype=pl.String))}): {reason}"
        for reason, paths in by_reason.items()
    ]


def _about_builds(dumps: Sequence[Dump]) -> list[str]:
    modules = built_anew(dumps)
    which = f"{some(modules)} {of_count(len(modules), 'is', 'are')} of several builds"
    return [f"{which}: what begins at an offset of one may be something else in another"] * bool(modules)


def _about_order(points: pl.DataFrame, *, clock: bool) -> list[str]:
    if points["time_source"][0] == "mtime":
        return ["times are those at which the files were last changed, not what the dumps say"]
    if clock:
        return []
    notes = ["the dumps are in an order without a clock: slopes are per step, not per hour"]
    if points.select((pl.col("taken_at").diff().over("run") < pl.duration()).any()).item():
        notes.append("the dumps' own times do not rise in this order")
    return notes


def _about_runs(points: pl.DataFrame) -> list[str]:
    notes = []
    restarts = points.filter("restart").height
    if restarts:
        notes.append(
            f"the program was started anew {plural(restarts, 'time')}, if all dumps are of one machine, which they do "
            "not name: each process is judged by itself"
        )
    others = int(points["run"].n_unique()) - 1 - restarts
    if others > 0:
        notes.append(f"{plural(others, 'run')} beside the first, no restart: each is judged by itself")
    gaps = points.filter("gap").height
    if gaps:
        notes.append(f"{plural(gaps, 'gap')} in time: nothing is known of what happened there")
    told = points.filter(pl.col("taken_at").is_not_null())
    same = told.height - told.unique(["run", "taken_at"]).height
    if same:
        notes.append(f"{plural(same, 'dump')} taken at the same moment as the one before")
    return notes


def _about_lists(told: Sequence[Told]) -> list[str]:
    notes = []
    for table, absent, damaged in dump_counters.lacking(told):
        meaning = _MEANING[table]
        if len(absent) == len(told):
            notes.append(f"no dump tells of {meaning}")
            continue
        for which, how in ((absent, "not in"), (damaged, "damaged in")):
            if which:
                notes.append(
                    f"{meaning}: {how} {plural(len(which), 'dump')} ({_places(which)}), which "
                    f"{of_count(len(which), 'is no point', 'are no points')} of these curves"
                )
    untold = dump_counters.without_types(told)
    if untold:
        notes.append(
            f"{plural(len(untold), 'dump')} ({_places(untold)}) {of_count(len(untold), 'does', 'do')} not tell the "
            "type of every handle: those of a type may be more"
        )
    return notes


def _about_widths(dumps: Sequence[Dump]) -> list[str]:
    widths = sorted({dump.pointer_width for dump in dumps if dump.cpu is not None})
    return [f"pointers have {' bits in some dumps, '.join(map(str, widths))} bits in others"] if len(widths) > 1 else []


def _places(points: Sequence[int]) -> str:
    numbers = ", ".join(map(str, points[:_SHOWN])) + (", …" if len(points) > _SHOWN else "")
    return f"{of_count(len(points), 'point', 'points')} {numbers}"
