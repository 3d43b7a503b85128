"""`DumpSeries`: the counters of many minidumps in the order of time, judged by the rules of a series of logs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _html
from heapdelta._diff import dump_contents
from heapdelta._series import dump_blocks, dump_counters, dump_growth, dump_notes
from heapdelta._series.growth import ADDRESS_SPACE_32, check_options
from heapdelta._words import amount_text, count_text, moment, plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from heapdelta._capture.dump import Dump
    from heapdelta._series.dump_order import OrderedDumps

__all__ = ["DumpSeries"]


class DumpSeries:
    """Minidumps in the order of time, and how what they count grew. Made by `heapdelta.series`.

    It tells whether private memory, handles of a type or threads grow and go on growing. Who asked for the memory, no
    dump records: a heap log of the same run does. No stream of a dump counts GDI and USER objects.

    Attributes
    ----------
    by : str
        What each key is about: ``counter``; or ``heap``, ``size``, ``size_class``, ``content``, ``source`` of blocks
        in heaps, or ``region_class`` of memory.
    dumps : list of Dump
        In the order of `points`.
    points : polars.DataFrame
        One row per dump, sorted by run, then in the order asked for: ``point`` u32 from 0, ``run`` u32 (of
        `Series.counters`, that of the logs), ``taken_at`` datetime in UTC (null where nothing tells), ``time_source``
        str (``dump``, ``mtime``, ``name`` or ``given``: what put it in its place), ``path`` str, ``pid`` u32,
        ``process_created_at`` datetime in UTC, ``program`` str, ``restart`` bool (the first point of a process that was
        made after the last dump of an earlier one of the same program), ``gap`` bool (the time since the point before
        it is more than 2.5 times the median of its run).

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hd.testing.write_dump_investigation(folder, steps=8, stack_count=60) and None
    ...     series = hd.series(hd.read_many(folder), by="counter")
    ...     growth = series.growth(warm_up_hours=0)
    >>> growth.filter(handle_type="Event").select("first_value", "last_value", "verdict").row(0)
    (148, 428, 'leak')
    """

    def __init__(self, found: OrderedDumps, *, by: str = "counter", threads: int | None = None) -> None:
        self.dumps: list[Dump] = found.dumps
        self.points = found.points
        self.by = by
        self._keys = dump_counters.KEYS if by == "counter" else dump_blocks.keys(by)
        self._found = found
        self._clock = found.clock
        self._threads = threads

    @cached_property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        if self.by == "counter":
            return dump_notes.of_dump_series(self._found, self._told)
        return dump_notes.of_blocks(self._found, self._told_of_blocks, self.by)

    @property
    def slope_unit(self) -> str:
        """Unit of slopes: ``unit/hour``, or ``unit/step`` where the order is not by a clock; each row has its unit."""
        return "unit/hour" if self._clock else "unit/step"

    @cached_property
    def _told(self) -> list[dump_counters.Told]:
        return [dump_counters.told_by(dump) for dump in self.dumps]

    @cached_property
    def _told_of_blocks(self) -> list[dump_blocks.Told]:
        return [dump_blocks.told_by(dump, self.by) for dump in self.dumps]

    @cached_property
    def _amounts(self) -> pl.DataFrame:
        """Every counter at every point, with the run."""
        counted = self.by == "counter"
        told = (
            dump_counters.amounts(self._told)
            if counted
            else dump_blocks.amounts(self._told_of_blocks, self.by, dump_contents.built_anew(self.dumps))
        )
        amounts = told.join(self.points.select("point", "run"), on="point", how="left", maintain_order="left")
        # In another run there may be other types of handles, other heaps, other sizes.
        some = pl.col("handle_type").is_not_null() | (pl.col("status") != "ok") if counted else pl.lit(True)
        return amounts.filter(~some | (pl.col("value").max().over("run", *self._keys) > 0))

    def table(self) -> pl.DataFrame:
        """Show every counter at every time.

        Returns
        -------
        polars.DataFrame
            In the order of the counters below, types of handles by name, then by point. ``run`` u32, ``point`` u32,
            ``taken_at`` datetime in UTC (null where nothing tells); then the key: ``counter`` str, ``handle_type`` str
            (null but for the handles of one type), ``unit`` str (``bytes``, ``handles`` or ``threads``) and ``status``
            str (``ok``, or ``not in the dump`` for handles whose type is not told); then ``value`` u64: null where the
            dump does not tell, because it lacks the list or the list is damaged; 0 handles of a type where it lists
            handles, and none of this type.

            - ``private_usage``: as in `Dump.memory_counters`
            - ``handle_count``: open handles, in all and of each type
            - ``thread_count``: threads that have not ended
            - ``virtual_size``: as in `Dump.memory_counters`
            - ``committed_bytes``, ``committed_private_bytes``, ``reserved_bytes``: sums of `Dump.regions`
            - ``pagefile_usage``, ``private_working_set_size``, ``working_set_size``, ``shared_commit_usage``,
              ``quota_paged_pool_usage``, ``quota_non_paged_pool_usage``: as in `Dump.memory_counters`. Peaks and page
              faults can only rise, and are left out.

            A counter that no dump tells has no rows, and `notes` says so.

            By blocks or memory the key is that of `Dump.by` or ``region_class`` str, with ``unit`` and ``status`` as
            above, and the value the requested bytes of busy blocks, or the committed bytes of a class: null where a
            dump does not tell all of them.
        """
        when = self.points.select("point", "taken_at")
        table = self._amounts.join(when, on="point", how="left", maintain_order="left")
        return table.select("run", "point", "taken_at", *self._keys, "value")

    def growth(
        self, *, alpha: float = 0.05, address_space: int | None = None, warm_up_hours: float = 24.0
    ) -> pl.DataFrame:
        """Tell for every counter how it grew, whether that can be chance, and what it looks like.

        The rules are those of `Series.growth`: see ``docs/series.md``. A counter is judged by the dumps that tell it.

        Parameters
        ----------
        alpha : float, default 0.05
            Between 0 and 1. Slopes have intervals of confidence 1 - alpha, and of the rows called rising or shrinking
            about this share may be chance (the false discovery rate).
        address_space : int, optional
            Bytes that the program can use, such as ``2 << 30``; by default 2 GiB where the dumps are of a 32-bit
            program, and nothing for one of 64 bits.
        warm_up_hours : float, default 24
            Growth so soon after the first dump of a run is never called a leak. Of no effect where the order is not by
            a clock.

        Returns
        -------
        polars.DataFrame
            One row per run and counter that the run tells, sorted by verdict (``leak`` first, then ``not known``,
            ``warming up``, ``sawtooth``, ``plateau``, ``noise``, ``shrinking``, ``too few snapshots``), then (of
            counters) in the order of the counters of `table`, then by ``pace``, largest first, then by run and key.
            ``run`` u32; the key as in `table`; ``dumps`` u32 (those that tell it); ``first_value``, ``last_value``,
            ``min_value``, ``max_value`` u64, in the unit of the row; ``slope``, ``slope_low``, ``slope_high``,
            ``late_slope``, ``pace``, ``pace_low``, ``pace_high`` f64 (in its unit per hour or step, see `slope_unit`),
            ``rising_share``, ``p_value``, ``q_value`` f64, as those of `Series.growth`; ``hours_to_exhaustion`` f64
            (of ``virtual_size`` alone: until it fills the address space; null without a positive pace, a clock or an
            address space); ``verdict`` str; ``reason`` str.

        Raises
        ------
        OptionError
            If an option has a value it does not take.
        """
        check_options(alpha, address_space, warm_up_hours)
        return dump_growth.of_counters(
            self._amounts,
            self.points,
            keys=self._keys,
            clock=self._clock,
            alpha=alpha,
            spaces={run: address_space or self._address_space(run) for run in self.points["run"].unique().to_list()},
            warm_up_hours=warm_up_hours,
            threads=self._threads,
        )

    def _address_space(self, run: int) -> int | None:
        points = self.points.filter(pl.col("run") == run)["point"].to_list()
        widths = {self.dumps[point].pointer_width for point in points}
        return ADDRESS_SPACE_32 if widths == {32} else None

    def __len__(self) -> int:
        return len(self.dumps)

    def __repr__(self) -> str:
        runs = int(self.points["run"].n_unique())
        of_runs = f" of {runs} processes" if runs > 1 else ""
        times: Sequence[datetime] = self.points["taken_at"].dt.replace_time_zone(None).drop_nulls().sort().to_list()
        span = f", {moment(times[0])} to {moment(times[-1])} UTC" if times else ""
        by = "" if self.by == "counter" else f" by {self.by}"
        return f"<DumpSeries{by}: {plural(len(self.dumps), 'dump')}{of_runs}{span}>"

    def _repr_html_(self) -> str:
        growth = self.growth()
        facts: dict[str, object] = {f"note {number}": note for number, note in enumerate(self.notes, start=1)}
        counts = growth.group_by("verdict", maintain_order=True).len()
        facts["verdicts"] = ", ".join(f"{count_text(count)} {verdict}" for verdict, count in counts.iter_rows())
        return _html.page(repr(self), facts, self._shown(growth.head(_html.TOP)), of=growth.height)

    def _shown(self, growth: pl.DataFrame) -> pl.DataFrame:
        rows = list(growth.iter_rows(named=True))
        amounts = [[amount_text(row[f"{end}_value"], row["unit"]) for row in rows] for end in ("first", "last")]
        paces = [None if row["pace"] is None else amount_text(row["pace"], row["unit"], signed=True) for row in rows]
        several = ["run"] if self.points["run"].n_unique() > 1 else []
        return growth.select(
            *several,
            pl.Series(self.by, [dump_counters.label(row) for row in rows], dtype=pl.String),
            pl.Series("first", amounts[0], dtype=pl.String),
            pl.Series("last", amounts[1], dtype=pl.String),
            pl.Series(f"growth per {self.slope_unit.partition('/')[2]}", paces, dtype=pl.String),
            "verdict",
            "reason",
        )
