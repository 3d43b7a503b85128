"""The stacks of a series: each once, where it was seen last, with its sums at every log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._export.places import Places
from heapdelta._export.stacks import WRITTEN, tables_of
from heapdelta._native import Grid
from heapdelta._numbers import starts_of
from heapdelta._ranking.labels import NOT_RECORDED
from heapdelta._ranking.matched import Matched
from heapdelta._words import moment, plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._export.stacks import Tables
    from heapdelta._series.series import Series

_HOUR = 3_600_000.0
_MILLISECOND = 1000


def tables_of_series(series: Series, snapshots: list[Snapshot], *, keep_allocators: bool) -> Tables:
    """Make the tables of a series, of its logs as their run knows them.

    A stack is blamed as where it was seen last, as `Series.growth` has it.
    """
    grid = Grid([log._native for log in snapshots], "stack", threads=series._threads)
    keys = pl.DataFrame(grid.keys())
    seen = keys["point"].unique().sort()
    sources = [snapshots[point] for point in seen]
    heights = pl.Series([source._height("stacks") for source in sources], dtype=pl.UInt32)
    first = pl.DataFrame({"point": seen, "first": starts_of(heights).head(-1)})
    placed = keys.join(first, on="point", how="left", maintain_order="left")
    recorded = pl.when(pl.col("status") != NOT_RECORDED)
    stack = placed.select(recorded.then(pl.col("first") + pl.col("row")).cast(pl.UInt32).alias("stack"))
    rows = stack.hstack(_sums(grid, len(snapshots)))
    # Not as one run: a row is no side, and what is the same in several logs is one key already.
    matched = Matched(
        sources, series.allocators, one_run=False, rows=rows, filtered=series._filtered, threads=series._threads
    )
    return tables_of(matched, Places(matched), matched.rows, keep_allocators=keep_allocators)


def refuse_runs(series: Series) -> None:
    """Refuse several runs: what one process held is not what another kept.

    Raises
    ------
    OptionError
        If there are several.
    """
    runs = series.points.group_by("run", maintain_order=True).agg(pl.col("path"), pl.col("taken_at"))
    if runs.height < 2:
        return
    told = [
        f"{plural(len(paths), 'log')} from {moment(times[0]) or paths[0] or 'unknown'} on"
        for _, paths, times in runs.iter_rows()
    ]
    shown = "; ".join(told[:3]) + ("; …" if len(told) > 3 else "")
    raise OptionError(
        f"expected logs of one run of a program, found {len(told)}: {shown}",
        hint="give the files of one run: another process keeps nothing of what the one before it held",
        kind="option",
    )


def points_of_series(series: Series) -> list[tuple[str, float]]:
    """Name the logs, and give their times in milliseconds since the first; an hour apart where no clock tells."""
    times = series.points["taken_at"]
    labels = [f"log {place + 1}" + (f", {moment(at)}" if at else "") for place, at in enumerate(times)]
    passed = (times - times[0]).dt.total_microseconds() / _MILLISECOND
    rises = series._clock and passed.null_count() == 0 and bool((passed.diff().drop_nulls() > 0).all())
    return list(zip(labels, passed if rises else [place * _HOUR for place in range(len(labels))], strict=True))


def _sums(grid: Grid, points: int) -> pl.DataFrame:
    """Give bytes and blocks of every key at every point; cells are in the order of keys, then of points."""
    cells = pl.DataFrame(grid.cells(list(range(len(grid)))))
    return cells.select(
        pl.col(measure).gather_every(points, place).alias(f"{noun}_{place}")
        for place in range(points)
        for noun, measure in WRITTEN.items()
    )
