"""What the chart of a series shows, as few rows: the lines of its keys, its logs, its restarts and gaps. No drawing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._numbers import running_sum, wide_difference, wide_sum
from heapdelta._ranking.names import distinct, key_columns, noun_of
from heapdelta._series.verdict import LEAK
from heapdelta._words import count_text, duration_text
from heapdelta.chart import _data as data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

# Verdicts by how much they matter, for a word about several runs.
_GRAVITY = [
    "leak",
    "not known",
    "warming up",
    "sawtooth",
    "plateau",
    "shrinking",
    "noise",
    "too few snapshots",
    "absent",
]
# A key that moved by less than this share of what the liveliest one did is a flat line on the floor.
_SHARE = 0.01


@dataclass(frozen=True)
class Lines:
    """The lines of a chart: `rows` are its points, `ends` the last point of each line in each run.

    `rows` has ``name`` str, ``run`` u32, ``part`` u32 (points of one part are joined), ``point`` u32, ``bytes`` i128,
    ``growth`` i128 (since the first log of the run), ``folded`` bool; sorted by name in the order of `names`, then
    point. `names` are those of all lines, what grew most in the last run first. `verdicts` gives the verdict of a name
    and a run, the folded line has none. `left_out` counts keys that no line holds, and `unknown` those whose
    bytes are not known at some point. `keys` are those with a line of their own, with their ``name``. `unit` is that of
    ``bytes`` and ``growth``: of dumps, handles and threads are counted as well.
    """

    rows: pl.DataFrame
    names: list[str]
    verdicts: dict[tuple[str, int], str]
    left_out: int = 0
    unknown: int = 0
    keys: pl.DataFrame = field(default_factory=pl.DataFrame)
    unit: str = "bytes"

    def verdict(self, name: str) -> str:
        """One or two words for all runs: ``leak``, ``warming up, then leak``, ``leak in 2 of 3 runs``."""
        runs = sorted(self.rows["run"].unique())
        found = [self.verdicts.get((name, run), "absent") for run in runs]
        return "" if set(found) == {"absent"} else verdict_text(found)


@dataclass(frozen=True)
class Break:
    """An interval over which a line is not drawn: the process was restarted, or logs are missing."""

    earlier: int
    later: int
    text: str
    restart: bool


def series_lines(table: pl.DataFrame, growth: pl.DataFrame, points: pl.DataFrame, top: int, *, overlap: bool) -> Lines:
    """Choose the keys that moved most and add up all others.

    A key moves by the largest distance from its first bytes in a run. Keys that hardly moved are folded however few
    there are, but a leak is not for its smallness. With `overlap` (inclusive sums) others are left out, as their sum
    says nothing.
    """
    keys = key_columns(table)
    unknown = growth.filter(pl.col("min_bytes").is_null()).select(keys).unique()
    if unknown.height:
        table, growth = (
            rows.join(unknown, on=keys, how="anti", nulls_equal=True, maintain_order="left") for rows in (table, growth)
        )
    shown, rest = _chosen(_ranked(growth, keys), top)
    amounts = _amounts(table, shown, rest, keys, overlap=overlap).sort("name", "run", "point")
    since = pl.col("bytes") - pl.col("bytes").first().over("name", "run")
    rows = amounts.with_columns(since.alias("growth")).join(_joined(points, top + 1), on=["run", "point"])
    final = rows.sort("point").group_by("name").agg(pl.col("growth").last())
    names = final.sort("growth", "name", descending=[True, False])["name"].to_list()
    ranks = pl.DataFrame({"name": names, "rank": range(len(names))}, schema={"name": pl.String, "rank": pl.UInt32})
    rows = rows.join(ranks, on="name").sort("rank", "point")
    judged = growth.join(shown.select(*keys, "name"), on=keys, nulls_equal=True).select("name", "run", "verdict")
    return Lines(
        rows.select("name", "run", "part", "point", "bytes", "growth", "folded"),
        names,
        {(name, run): verdict for name, run, verdict in judged.iter_rows()},
        rest.height if overlap else 0,
        unknown.height,
        shown.select(*keys, "name"),
    )


def _amounts(
    table: pl.DataFrame, shown: pl.DataFrame, rest: pl.DataFrame, keys: list[str], *, overlap: bool
) -> pl.DataFrame:
    """Give ``name``, ``run``, ``point``, ``bytes`` and ``folded`` of the keys to show, and of all others as one."""
    size = wide_sum(pl.col("requested_bytes"), may_lack=False).alias("bytes")
    mine = table.join(shown.select(*keys, "name"), on=keys, nulls_equal=True)
    own = mine.group_by("name", "run", "point").agg(size).with_columns(pl.lit(False).alias("folded"))
    if rest.is_empty() or overlap:
        return own
    # What is left of the whole: looking for thousands of keys among millions of rows would take as long again.
    drawn = own.group_by("run", "point").agg(wide_sum(pl.col("bytes"), may_lack=False).alias("drawn"))
    whole = table.group_by("run", "point").agg(size).join(drawn, on=["run", "point"], how="left")
    name = distinct([*shown["name"], folded_name(rest, noun_of(table), alone=shown.is_empty())])[-1]
    left = (pl.col("bytes") - pl.col("drawn").fill_null(0)).alias("bytes")
    return pl.concat(
        [own, whole.select(pl.lit(name).alias("name"), "run", "point", left, pl.lit(True).alias("folded"))]
    )


def _ranked(growth: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One row per key: ``name``, ``reach`` in bytes, whether it leaks in any run; what moved most first."""
    first, low, high = (pl.col(f"{side}_bytes") for side in ("first", "min", "max"))
    ways = (wide_difference(high, first), wide_difference(first, low))
    reach = growth.with_columns(pl.max_horizontal(ways).alias("reach"))
    by_key = reach.group_by(keys, maintain_order=True).agg(
        pl.col("reach").max(), (pl.col("verdict") == LEAK).any().alias("leaks")
    )
    return data.named_keys(by_key).sort("reach", "name", descending=[True, False])


def _chosen(moved: pl.DataFrame, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keys with a line of their own, and keys to fold; a single one keeps its name."""
    visible = moved.filter(
        (pl.col("reach") > 0) & ((pl.col("reach") >= _SHARE * pl.col("reach").max()) | pl.col("leaks"))
    )
    shown = visible.head(top)
    rest = moved.join(shown.select("name"), on="name", how="anti", maintain_order="left")
    if rest.height == 1:
        shown, rest = moved, rest.clear()
    # Among the few that are shown, fewer digits of a fingerprint tell stacks apart.
    return data.named_keys(shown.drop("name")), rest


def folded_name(rest: pl.DataFrame, noun: str, *, alone: bool) -> str:
    """``33 more modules``, ``33 more modules, 2 of them leaks``: no leak hides among the small."""
    if alone:
        return f"{count_text(rest.height)} {noun}, unchanged"
    leaks = rest.filter("leaks").height
    among = "" if not leaks else ", 1 of them a leak" if leaks == 1 else f", {leaks} of them leaks"
    return f"{count_text(rest.height)} more {noun}{among}"


def verdict_text(verdicts: Sequence[str]) -> str:
    """Say in few words what several runs, in their order, came to."""
    kinds = Counter(verdicts)
    if len(kinds) <= 1:
        return verdicts[0] if verdicts else ""
    if len(verdicts) == 2:
        return f"{verdicts[0]}, then {verdicts[1]}"
    gravest = min(kinds, key=_GRAVITY.index)
    return f"{gravest} in {kinds[gravest]} of {len(verdicts)} runs"


def _joined(points: pl.DataFrame, lines: int) -> pl.DataFrame:
    """Give ``run``, ``point`` and ``part`` of the logs to draw: a part ends at a restart and at a gap.

    With too many logs, evenly spread ones are kept, and the first and last of every part; with too many parts, some of
    these go as well.
    """
    ordered = points.sort("run", "point")
    starts = pl.col("gap").fill_null(False) | (pl.col("run") != pl.col("run").shift()).fill_null(True)
    parts = ordered.with_columns(running_sum(starts).cast(pl.UInt32).alias("part"))
    most = max(2, data.MARKS // (4 * lines))
    edge = (pl.col("part") != pl.col("part").shift()) | (pl.col("part") != pl.col("part").shift(-1))
    for always in (edge.fill_null(True), pl.lit(False)):
        if parts.height > 2 * most:
            kept = pl.Series(sorted(data._thinned(parts.height, most)), dtype=pl.UInt32)
            spread = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(kept.implode())
            parts = parts.filter(spread | always)
    return parts.select("run", "point", "part")


def breaks(points: pl.DataFrame) -> list[Break]:
    """Give the restarts and the gaps of a series, in order of time."""
    found = []
    previous: dict[str, Any] | None = None
    for row in points.sort("point").iter_rows(named=True):
        if previous is not None and row["run"] != previous["run"]:
            text = "restart" if row["restart"] else "another process"
            found.append(Break(previous["point"], row["point"], text, restart=True))
        if previous is not None and row["gap"]:
            found.append(
                Break(
                    previous["point"],
                    row["point"],
                    gap_text(previous["taken_at"], row["taken_at"], noun_of_points(points)),
                    restart=False,
                )
            )
        previous = row
    return found


def gap_text(earlier: datetime | None, later: datetime | None, noun: str = "log") -> str:
    """``no log for 20 h``, and no number where the logs tell no time."""
    if earlier is None or later is None:
        return f"no {noun}"
    return f"no {noun} for {duration_text(later - earlier)}"


def noun_of_points(points: pl.DataFrame) -> str:
    """Say what the points are: logs or dumps."""
    return "dump" if "process_created_at" in points.columns else "log"
