"""`series`: many snapshots become a `Series`, which tells what grew over time, and whether it looks like a leak."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

import polars as pl

from heapdelta._capture import one_run
from heapdelta._options import checked_threads
from heapdelta._ranking.measures import MEASURES
from heapdelta._series import growth, notes, summary
from heapdelta._series.keys import KEYS, grid_of
from heapdelta._series.order import Order, Ordered, ordered
from heapdelta._series.survival import Survival, survival
from heapdelta._words import moment, plural
from heapdelta.blame import DEFAULT, Allocators, RuleLike
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._native import Grid
    from heapdelta._read.many import Batch
    from heapdelta._series.runs import Run, Runs
    from heapdelta._series.timeline import By

__all__ = ["Series", "series"]


class Series:
    """Snapshots in the order of time, and what they tell together. Made by `heapdelta.series`.

    Attributes
    ----------
    by : str
        What one key stands for: ``module``, ``function``, ``stack`` or ``heap``.
    inclusive : bool
        True if a stack counts for every module or function it passes.
    allocators : Allocators
        The rules by which stacks are blamed.
    snapshots : list of Snapshot
        In the order of `points`.
    points : polars.DataFrame
        One row per snapshot, sorted by run, then in the order asked for: ``point`` u32 from 0, ``run`` u32 from 0,
        ``taken_at`` datetime (null where nothing tells), ``time_source`` str (``log``, ``mtime``, ``name`` or
        ``given``: what put it in its place), ``path`` str, ``requested_bytes`` u64, ``overhead_bytes`` u64 (null where
        the log does not write it), ``allocation_count`` u64 (all three the totals of the snapshot, null where 64 bits
        do not hold them), ``restart`` bool
        (the first point of a later run of the same program on the same machine), ``complete`` bool (False where the
        end of a heap is missing: the log is probably cut off, and its numbers are too small), ``gap`` bool (the time
        since the point before it is more than 2.5 times the median of its run).
    """

    def __init__(
        self, found: Ordered, by: By, allocators: Allocators, *, inclusive: bool, threads: int | None = None
    ) -> None:
        self.by = by
        self.inclusive = inclusive
        self.allocators = allocators
        self.snapshots = found.snapshots
        self.points = found.points
        self._own_notes = [*found.notes, *notes.about(found)]
        self._clock = found.clock
        self._threads = threads

    @cached_property
    def _together(self) -> one_run.Together:
        """The snapshots as their runs know them."""
        return one_run.of_points(self.snapshots, self.points["run"], threads=self._threads)

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        return [*self._own_notes, *self._together.notes]

    @property
    def slope_unit(self) -> str:
        """Unit of slopes: ``bytes/hour``, or ``bytes/step`` where the order is not by a clock."""
        return "bytes/hour" if self._clock else "bytes/step"

    @cached_property
    def _grid(self) -> tuple[Grid, pl.DataFrame]:
        """Every key at every point, and the keys in the order of `table`: `key`, its number there, and its columns."""
        grid, keys = grid_of(
            self._together.snapshots, self.by, self.allocators, inclusive=self.inclusive, threads=self._threads
        )
        final = pl.DataFrame(grid.sizes(self.points.height - 1))["requested_bytes"]
        shown = KEYS[self.by]
        ordered = keys.with_columns(final.alias("final")).sort(
            "final", *shown, descending=[True] + [False] * len(shown), nulls_last=True
        )
        return grid, ordered.drop("final")

    def table(self) -> pl.DataFrame:
        """Show every key at every time.

        Returns
        -------
        polars.DataFrame
            Sorted by requested bytes at the last point, largest first, then by key, then by point; so the rows of one
            key are together. ``run`` u32, ``point`` u32, ``taken_at`` datetime (null where nothing tells), then the
            key as `Delta.by` has it: module: ``module`` str; function: ``module``, ``function`` str; stack:
            ``fingerprint`` u64, ``module``, ``function`` str, ``depth`` u32; heap: ``heap_base`` u64; each followed by
            ``status`` str. Then ``present`` bool: False where the snapshot has nothing of this key, and then the
            numbers are 0. Then ``requested_bytes`` u64 (bytes the program asked for), ``overhead_bytes`` u64 (bytes the
            heap manager added; null where the log does not write them) and ``allocation_count`` u64 (blocks). A sum
            past 2^64 - 1 is null.

        Notes
        -----
        At each point the rows add up to the totals of its snapshot, unless the sums are inclusive: these overlap.
        Stacks whose frames are not in the file share one key. Inside a run a stack is the same in all logs that have
        its id with the same raw addresses, in the module it was first seen in (`notes` tells where a list has it no
        longer). A heap stands for itself inside its own run only: it has no rows at the points of other runs.
        """
        grid, keys = self._grid
        cells = pl.DataFrame(grid.cells(keys["key"].to_list()))
        order = pl.int_range(keys.height, dtype=pl.UInt32, eager=True)
        place = pl.repeat(0, keys.height, dtype=pl.UInt32, eager=True).scatter(keys["key"], order)
        named = keys.select(KEYS[self.by]).select(pl.all().gather(place.gather(cells["key"])))
        when = self.points.select("run", "point", "taken_at").select(pl.all().gather(cells["point"]))
        table = pl.concat([when, named, cells.select("present", *MEASURES)], how="horizontal")
        if self.by != "heap" or self.points["run"].n_unique() == 1:
            return table
        return table.filter(pl.col("present").any().over("run", *KEYS[self.by]))

    def growth(
        self, *, alpha: float = 0.05, address_space: int | None = None, warm_up_hours: float = 24.0
    ) -> pl.DataFrame:
        """Tell for every key how it grew, whether that can be chance, and what it looks like.

        See ``docs/series.md`` for the rule of every verdict.

        Parameters
        ----------
        alpha : float, default 0.05
            Between 0 and 1. Slopes have intervals of confidence 1 - alpha, and of the rows called rising or shrinking
            about this share may be chance (the false discovery rate).
        address_space : int, optional
            Bytes that the program can use, such as ``2 << 30``; by default 2 GiB where the logs are of a 32-bit
            program, and nothing for one of 64 bits.
        warm_up_hours : float, default 24
            Growth so soon after the first snapshot of a run is ordinary on a busy server and is never called a leak
            (Microsoft's KB Q253706). Of no effect where the order is not by a clock.

        Returns
        -------
        polars.DataFrame
            One row per run and key that the run has, sorted by verdict (``leak`` first, then ``not known``,
            ``warming up``, ``sawtooth``, ``plateau``, ``noise``, ``shrinking``, ``too few snapshots``), then by
            ``pace``, largest first, then by run and key. ``run`` u32, the key as in `table`, then of requested bytes:
            ``first_bytes``, ``last_bytes``, ``min_bytes``, ``max_bytes`` u64; ``count_delta`` i64 (blocks, last -
            first); where a sum is not known, all that depends on it is null; ``slope``,
            ``slope_low``, ``slope_high`` f64 (Theil-Sen and its interval, in `slope_unit`, positive is growth; null
            below two points in time); ``late_slope`` f64 (of the last third alone); ``pace``,
            ``pace_low``, ``pace_high`` f64 (``slope`` and its interval; for a leak whose last third is surely steeper
            than the whole, the slope of that third and its interval: a leak that began late); ``rising_share`` f64
            (steps up, of all steps); ``p_value`` f64 (Mann-Kendall, two-sided, corrected for ties; 1 for a key that
            never changes); ``q_value`` f64 (Benjamini-Hochberg over all rows of this call that change at all);
            ``hours_to_exhaustion`` f64 (until the run's total, going on from its last point at this key's pace, fills
            the address space; null without a positive pace, a clock or an address space); ``verdict`` str;
            ``reason`` str.

        Raises
        ------
        OptionError
            If an option has a value it does not take.
        """
        return growth.growth(self, alpha=alpha, address_space=address_space, warm_up_hours=warm_up_hours)

    def survival(self) -> Survival:
        """Follow every block from snapshot to snapshot: which stacks keep their blocks, and which trade them.

        Returns
        -------
        Survival
            Tables per stack, of each run apart. See `Survival`.

        Raises
        ------
        OptionError
            If a snapshot holds no blocks with addresses: read the logs with ``blocks=True``.
        """
        return survival(self, threads=self._threads)

    def __repr__(self) -> str:
        runs = int(self.points["run"].n_unique())
        of_runs = f" of {runs} runs" if runs > 1 else ""
        times: list[datetime] = self.points["taken_at"].drop_nulls().sort().to_list()
        span = f", {moment(times[0])} to {moment(times[-1])}" if times else ""
        return f"<Series by {self.by}: {plural(len(self.snapshots), 'snapshot')}{of_runs}{span}>"

    def _repr_html_(self) -> str:
        several = self.points["run"].n_unique() > 1
        unit = self.slope_unit.partition("/")[2]
        return summary.page(repr(self), self.growth(), self.notes, by=self.by, several_runs=several, unit=unit)


def series(
    snapshots: Batch | Run | Runs | Iterable[Snapshot],
    *,
    by: By = "module",
    inclusive: bool = False,
    allocators: Iterable[RuleLike] | None = None,
    order: Order = "taken_at",
    runs: Literal["one", "all"] = "one",
    threads: int | None = None,
) -> Series:
    r"""Put snapshots in the order of time, to see what grows and how.

    Parameters
    ----------
    snapshots : Batch, Run, Runs or iterable of Snapshot
        Two or more of one program, in any order.
    by : {"module", "function", "stack", "heap"}, default "module"
        What one key stands for, as in `Delta.by`.
    inclusive : bool, default False
        For modules and functions: count a stack for every one it passes. Such sums overlap.
    allocators : iterable of Rule or str, optional
        Rules that tell an allocator's frames, in place of `heapdelta.blame.DEFAULT`.
    order : {"taken_at", "name", "mtime", "given"}, default "taken_at"
        By the time that the logs themselves tell (those that tell none are left out, and a note says so), by the files'
        names, by when the files were last changed (then that is the time, in UTC), or as given. By name and as given
        there is no clock: slopes are per step, and ``taken_at`` is only shown.
    runs : {"one", "all"}, default "one"
        Refuse snapshots that are known to be of several runs of processes, or keep them apart by `run`: a restart
        starts anew.
    threads : int, optional
        Threads of the core that work on it, 1 to 1024; by default one for each core. The answer never depends on it.

    Returns
    -------
    Series
        Nothing is computed before it is asked for.

    Raises
    ------
    OptionError
        If there are fewer than two snapshots, several runs with ``runs="one"``, fewer than two logs that tell their
        time with ``order="taken_at"``, or an option has a value it does not take.
    TypeError
        If something is not a `Snapshot` of a heap log.

    Notes
    -----
    Works on the sums per heap and stack: snapshots read with ``blocks=False`` do. Logs that name no machine or no
    process are taken for one run on the caller's word, which a note says; next to logs that do name theirs, they are
    left out with ``runs="all"``.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_investigation(folder, steps=14, stack_count=60)
    ...     series = hd.series(hd.read_many(folder))
    >>> series
    <Series by module: 14 snapshots, 2024-03-11 09:00 to 2024-03-13 13:00>
    >>> series.growth().select("module", "verdict").row(0)
    ('fhpreview', 'leak')
    """
    checked_threads(threads)
    if by not in KEYS:
        raise OptionError(f"expected one of {', '.join(KEYS)}, found {by!r}", kind="option")
    if inclusive and by not in ("module", "function"):
        raise OptionError(f"expected module or function with inclusive=True, found {by!r}", kind="option")
    rules = DEFAULT if allocators is None else Allocators(allocators)
    return Series(ordered(snapshots, order=order, runs=runs), by, rules, inclusive=inclusive, threads=threads)
