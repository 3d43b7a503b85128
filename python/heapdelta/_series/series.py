"""`Series`: many snapshots in the order of time, which tell what grew, and whether it looks like a leak."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture import one_run
from heapdelta._ranking.filters import Filter
from heapdelta._ranking.measures import MEASURES
from heapdelta._ranking.unmatched import about_unmatched
from heapdelta._series import growth, notes, summary
from heapdelta._series.beside import Beside, beside
from heapdelta._series.keys import KEYS, Keyed, grid_of, table_of
from heapdelta._series.survival import Survival, survival
from heapdelta._words import moment, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from typing import Self

    from heapdelta._capture.dump import Dump
    from heapdelta._native import Grid
    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.order import Order, Ordered
    from heapdelta._series.timeline import By
    from heapdelta.blame import Allocators, RuleLike

__all__ = ["Series"]


class Series:
    """Snapshots in the order of time, and what they tell together. Made by `heapdelta.series`.

    Attributes
    ----------
    by : str
        What each key is about: ``module``, ``function``, ``stack`` or ``heap``.
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
        self,
        found: Ordered,
        by: By,
        allocators: Allocators,
        *,
        inclusive: bool,
        threads: int | None = None,
        dumps: Sequence[Dump] = (),
        order: Order = "taken_at",
    ) -> None:
        self.by = by
        self.inclusive = inclusive
        self.allocators = allocators
        self.snapshots = found.snapshots
        self.points = found.points
        self._own_notes = [*found.notes, *notes.about(found)]
        self._clock = found.clock
        self._threads = threads
        self._dumps, self._order = dumps, order
        self._filtered = Filter()

    @cached_property
    def _beside(self) -> Beside:
        """What the dumps of the batch tell beside the logs."""
        return beside(self.snapshots, self.points, self._dumps, order=self._order, threads=self._threads)

    @property
    def counters(self) -> DumpSeries | None:
        """How what the dumps of the same process count grew; None without two such dumps beside the logs.

        A dump is of the process if its id is that of the logs, and what both tell of the program and of times fits;
        `notes` names the others. Runs have the numbers of this series.
        """
        return self._beside.counters

    @cached_property
    def _together(self) -> one_run.Together:
        """The snapshots as their runs know them."""
        return one_run.of_points(self.snapshots, self.points["run"], threads=self._threads)

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        filters = notes.about_filter(self._filtered, self.points, self.left_out, self._keyed) if self._filtered else []
        return [*filters, *self._unmatched, *self._own_notes, *self._together.notes, *self._beside.notes]

    @cached_property
    def _unmatched(self) -> list[str]:
        """Say which patterns of filters match no frame of any log."""
        if not self._filtered:
            return []
        names = [log.frames.select("module", "function").unique() for log in self._together.snapshots]
        return about_unmatched(self._filtered, pl.concat(names))

    @property
    def slope_unit(self) -> str:
        """Unit of slopes: ``bytes/hour``, or ``bytes/step`` where the order is not by a clock."""
        return "bytes/hour" if self._clock else "bytes/step"

    @cached_property
    def _keyed(self) -> Keyed:
        """The sums of every key."""
        return grid_of(
            self._together.snapshots,
            self.by,
            self.allocators,
            inclusive=self.inclusive,
            filtered=self._filtered,
            threads=self._threads,
        )

    @cached_property
    def _grid(self) -> tuple[Grid, pl.DataFrame]:
        """Every key at every point, and the keys in the order of `table`: `key`, its number there, and its columns."""
        grid, keys = self._keyed.grid, self._keyed.keys
        final = pl.DataFrame(grid.sizes(self.points.height - 1))["requested_bytes"]
        shown = KEYS[self.by]
        ordered = keys.with_columns(final.alias("final")).sort(
            "final", *shown, descending=[True] + [False] * len(shown), nulls_last=True
        )
        return grid, ordered.drop("final")

    def filter(
        self,
        *,
        focus: Iterable[RuleLike] | RuleLike = (),
        ignore: Iterable[RuleLike] | RuleLike = (),
        hide: Iterable[RuleLike] | RuleLike = (),
        show: Iterable[RuleLike] | RuleLike = (),
    ) -> Self:
        """Look at some stacks, or past some frames, as `Delta.filter` does.

        `points` stay the totals of the whole logs, and so does the time to exhaustion, which goes by them. q-values are
        over the rows that are left.

        Parameters
        ----------
        focus, ignore : str, Rule or iterable of them, optional
            Keep only stacks with a frame that matches; leave out stacks with a frame that matches. Patterns are those
            of `heapdelta.blame`: ``mymem``, ``mymem!pool_*``, ``*!Cache::*``. The first that matches a stack decides;
            after a ``-`` it makes an exception.
        hide, show : str, Rule or iterable of them, optional
            Pass over frames that match, as over those of an allocator; or look at no others, allocators or not. A stack
            without any frame left is left out.

        Returns
        -------
        Series
            A new one. Filters add up, as those of `Delta.filter` do; without any pattern it has none. `left_out` says
            what it leaves out, and so does `notes`.
            `counters` are those of the whole process.

        Raises
        ------
        OptionError
            If a pattern is empty, or filters do not add up (see `Delta.filter`).

        Examples
        --------
        >>> import tempfile
        >>> import heapdelta as hd
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     story = hd.testing.write_investigation(folder, steps=14, stack_count=60)
        ...     series = hd.series(hd.read_many(folder))
        >>> series.filter(focus="fhpreview").growth().select("module", "verdict").rows()
        [('fhpreview', 'leak'), ('fernhollow', 'noise')]
        """
        other = copy(self)
        other._filtered = self._filtered.then(Filter.of(focus, ignore, hide, show))
        for made in ("_keyed", "_grid", "_unmatched"):
            other.__dict__.pop(made, None)
        return other

    @property
    def left_out(self) -> pl.DataFrame:
        """What a filter leaves out: one row per point, ``run``, ``point`` u32, then the number columns of `table`.

        At each point this and the rows of `table` add up to the totals of `points`, unless the sums are inclusive.
        """
        where = self.points.select("run", "point")
        if self._keyed.left_out is None:
            return where.with_columns(pl.lit(0, pl.UInt64).alias(name) for name in MEASURES)
        return where.hstack(pl.DataFrame(self._keyed.left_out.cells([0])).select(MEASURES))

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
        At each point the rows and `left_out` add up to the totals of its snapshot, unless the sums are inclusive: these
        overlap.
        Stacks whose frames are not in the file share one key. Inside a run a stack is the same in all logs that have
        its id with the same raw addresses, in the module it was first seen in (`notes` tells where a list has it no
        longer). A heap stands for itself inside its own run only: it has no rows at the points of other runs.
        """
        return table_of(*self._grid, self.points, self.by)

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
            If a snapshot holds no blocks with addresses: read the logs with ``blocks=True``. Or if the series is
            filtered.
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
        return summary.page(
            repr(self),
            self.growth(),
            self.notes,
            by=self.by,
            several_runs=several,
            unit=unit,
            counters=self.counters,
        )
