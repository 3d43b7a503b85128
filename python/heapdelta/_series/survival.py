"""`Series.survival`: which stacks keep their blocks, and which trade them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._numbers import total, total_of_known
from heapdelta._options import checked_threads
from heapdelta._series import summary
from heapdelta._series.notes import about_cut, about_unknown
from heapdelta._series.survival_stacks import described, summed_up
from heapdelta._words import count_text, plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta import _native as core
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._series.timeline import Timeline

__all__ = ["Survival", "survival"]

_KEYS = ["run", "fingerprint", "trace_id", "module", "function", "status"]


class Survival:
    """What became of the blocks of a series. Made by `Series.survival`.

    A block is taken for the same as long as every snapshot has one of the same size and the same stack at its address.
    What is freed and followed by another of its kind at the same place between two snapshots is not seen: see
    ``reused_share`` in `stacks`.

    Attributes
    ----------
    points : polars.DataFrame
        The snapshots, as `Series.points` has them.
    """

    def __init__(
        self,
        points: pl.DataFrame,
        stacks: pl.DataFrame,
        lives: dict[int, core.Table],
        notes: list[str],
        snapshots: Sequence[Snapshot] = (),
    ) -> None:
        self.points = points
        self._snapshots = snapshots
        self._run_notes = notes
        self._stacks = stacks
        self._lives = lives

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        return [*about_cut(self.points), *about_unknown(self.points), *self._run_notes]

    def _numbered(self, tables: dict[int, core.Table], *places: str) -> pl.DataFrame:
        """Put the tables of all runs together; their stacks and points become those of the series."""
        known, parts = 0, []
        for run, table in tables.items():
            rows, points = pl.DataFrame(table), self.points.filter(pl.col("run") == run)["point"]
            series = [points.gather(rows[name]).alias(name) for name in places]
            parts.append(rows.with_columns(pl.col("stack") + known, *series))
            known += self._stacks.filter(pl.col("run") == run).height
        return pl.concat(parts)

    @cached_property
    def _ranked(self) -> pl.DataFrame:
        summed = summed_up(self._stacks, self._numbered(self._lives, "born", "last"), self.points)
        order = ["net_bytes", "run", "fingerprint", "trace_id"]
        return summed.sort(order, descending=[True, False, False, False], nulls_last=True)

    @property
    def stacks(self) -> pl.DataFrame:
        """One row per run and stack: how many of its blocks came, went and stayed.

        Sorted by ``net_bytes``, largest first, then by run, fingerprint and trace id. First the key: ``run`` u32,
        ``fingerprint`` u64 (null where the frames are in none of the run's logs), ``trace_id`` str (as the first log
        with the stack has it; null for blocks without a stack), ``module``, ``function`` str (what the stack counts
        for), ``depth`` u32, ``status`` str, as in `Delta.by`. Then

        - ``born_count``, ``died_count`` u64: blocks first seen after the first log of the run; blocks that were there
          in one log and not in the next. What came and went between two logs was never seen.
        - ``net_count``, ``net_bytes`` i64: blocks and requested bytes, last log - first log; ``net_count`` is births -
          deaths.
        - ``churn`` f64: deaths / births. Near 0 for a leak, near 1 for a cache that is full, above 1 for what shrinks.
          Null without births.
        - ``kept_share`` f64: of the blocks born after the first log and before the last, the share that is still there
          in the last. A leak keeps its young. Null if there are none.
        - ``median_age_hours`` f64: of the blocks in the last log, how long ago they were first seen (the lower median);
          they are at least as old. Null if there are none, or the points have no time.
        - ``reused_share`` f64: of the blocks born after the first log, the share that lies at an address where another
          block had lain in an earlier log. Where it is high and the sizes are all alike, some of the blocks that seem
          to be kept are others at the same place, so ``churn`` is too low and ages and ``kept_share`` are too high.
          Null without births.
        - ``allocation_count``, ``requested_bytes`` u64: what is there in the last log.

        A sum past 64 bits, which a damaged size makes, is null.
        """
        return self._ranked.drop("stack")

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per run, stack, birth and point: how many blocks of that birth are still there.

        Sorted by the stack's place in `stacks`, then by ``born``, then by ``point``. ``run`` u32, ``fingerprint`` u64,
        ``trace_id``, ``module``, ``function``, ``status`` str, as in `stacks`; ``born`` u32: the first point at which
        the blocks are there (the run's first point for those that are older); ``point`` u32: that point or a later
        one; ``allocation_count`` u64: blocks that are still there; ``requested_bytes`` u64: bytes the program asked for
        in them. Points at which none is left have no row. The rows of a point add up to the totals of its snapshot.
        """
        survivors = {run: _native.survivors(lives) for run, lives in self._lives.items()}
        rows = self._numbered(survivors, "born", "point")
        ranks = self._ranked.select("stack", *_KEYS).with_row_index("rank")
        place = ranks.select("stack", "rank").sort("stack")["rank"].gather(rows["stack"])
        rows = rows.drop("stack").with_columns(place.alias("rank")).sort("rank", "born", "point")
        keys = ranks.select(pl.col(_KEYS).gather(rows["rank"]))
        return pl.concat([keys, rows.drop("rank")], how="horizontal")

    def __repr__(self) -> str:
        stacks = self._ranked
        born, died = (total_of_known(stacks[name]) for name in ("born_count", "died_count"))
        counts = f"{plural(stacks.height, 'stack')}, {plural(born, 'block')} born, {count_text(died)} died"
        return f"<Survival: {plural(self.points.height, 'snapshot')}, {counts}>"

    def _repr_html_(self) -> str:
        return summary.survival_page(repr(self), self.stacks, several_runs=self.points["run"].n_unique() > 1)


def survival(series: Timeline, *, threads: int | None = None) -> Survival:
    """Follow every block of a series from snapshot to snapshot, each run apart.

    Parameters
    ----------
    series : Series
        Of logs read with ``blocks=True``.
    threads : int, optional
        Threads of the core that work on it, 1 to 1024; by default one for each core.

    Returns
    -------
    Survival
        Tables per stack.

    Raises
    ------
    OptionError
        If a snapshot was read without its blocks, or is of a format that gives sums and no addresses; if the series is
        filtered; or if `threads` is below 1.
    """
    checked_threads(threads)
    if series._filtered:
        raise OptionError(
            f"expected a series without filters to follow its blocks, found filters: {series._filtered}",
            hint="series.filter() has none; stacks and table of its survival have columns to filter by",
            kind="option",
        )
    for snapshot in series.snapshots:
        _check(snapshot)
    parts, lives = [], {}
    together = series._together
    for (run,), points in series.points.group_by("run", maintain_order=True):
        snapshots = [together.snapshots[point] for point in points["point"]]
        natives = [snapshot._native for snapshot in snapshots]
        stacks, lives[run] = _native.follow_blocks(natives, threads=threads)
        named = described(pl.DataFrame(stacks), snapshots, series.allocators)
        parts.append(named.with_columns(pl.lit(run, dtype=pl.UInt32).alias("run")))
    return Survival(series.points, pl.concat(parts).with_row_index("stack"), lives, together.notes, together.snapshots)


def _check(snapshot: Snapshot) -> None:
    blocks, held = snapshot.allocations, total(snapshot.usage["allocation_count"])
    name = snapshot.path or "<bytes>"
    if held != 0 and blocks.is_empty():
        raise OptionError(
            f"expected snapshots with their blocks, found {name} without",
            hint="read_many(…, blocks=True) keeps them",
            kind="option",
        )
    if blocks["address"].null_count() or blocks.height != held:
        raise OptionError(
            f"expected logs with the address of every block, found {name}: lines of {snapshot.format} are sums",
            kind="option",
        )
