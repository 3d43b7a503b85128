"""What a chart shows, as few rows with their texts: polars in, small frames out, no drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._numbers import total_of_known, wide_sum
from heapdelta._ranking import names
from heapdelta._words import UNITS, Unit, bytes_text, count_text, plural
from heapdelta.chart._text import chart_texts
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKS = 5_000
"""Most marks a chart may have: what a browser draws without delay."""

CHARACTERS = 46
"""Characters of a name that are shown."""

# A change below this share of the largest one is a line of a pixel or two: it is folded with the others.
_SHARE = 0.01
# Same spacing as the smallest step between two labels of 11 pixels in a chart of 320.
_LABEL_GAP = 0.045


def unit_of(magnitude: float) -> Unit:
    """Choose the largest unit of which there are at least two, so that an axis has several whole ones."""
    return next((unit for unit in UNITS if magnitude >= 2 * unit.size), UNITS[-1])


def check_top(top: int) -> None:
    """Refuse a number of bars or lines that no chart can show."""
    if not 1 <= top <= 2_000:
        raise OptionError(f"expected a top of 1 to 2000, found {top}", kind="option")


def named(frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``name``: what a row of a ranking is called in full, as a text of a chart."""
    return names.named(frame, text=chart_texts)


def named_keys(keys: pl.DataFrame) -> pl.DataFrame:
    """Add ``name``, which no two different keys share, as a text of a chart."""
    return names.named_keys(keys, text=chart_texts)


def short(name: str, most: int = CHARACTERS) -> str:
    """Cut a long name in the middle: the module in front and the function's end both tell something."""
    if len(name) <= most:
        return name
    front = most * 2 // 5
    return f"{name[:front]}…{name[len(name) - (most - front - 1) :]}"


class Bar(NamedTuple):
    """One bar of a waterfall, in bytes."""

    name: str
    kind: str
    begin: int
    end: int
    change: str
    detail: str


def waterfall_bars(frame: pl.DataFrame, top: int) -> list[Bar]:
    """Bars from the total before to the total after; each contribution starts where the one above it ended.

    Rows whose bytes are not known are left out; `known_rows` counts them.
    """
    frame, _ = known_rows(frame)
    shown, folded = contributions(frame, top)
    at = total_of_known(frame["requested_bytes_before"])
    bars = [Bar("total before", "total", 0, at, bytes_text(at), plural(at, "byte"))]
    for row in shown.iter_rows(named=True):
        bars.append(_contribution(row["name"], at, row["requested_bytes_delta"], _row_detail(row)))
        at = bars[-1].end
    if folded.height:
        name = f"{count_text(folded.height)} more {names.noun_of(frame)}"
        bars.append(_contribution(name, at, total_of_known(folded["requested_bytes_delta"]), _folded_detail(folded)))
        at = bars[-1].end
    return [*bars, Bar("total after", "total", 0, at, bytes_text(at), plural(at, "byte"))]


def contributions(frame: pl.DataFrame, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the rows with a bar of their own, with ``name``, in the order of the bars, and those that are folded."""
    delta = pl.col("requested_bytes_delta").cast(pl.Int128)
    changed = known_rows(frame)[0].filter(delta != 0).sort(delta.abs(), descending=True, maintain_order=True)
    shown, folded = _folded(changed, delta.abs(), top)
    return named_keys(shown).sort(delta > 0, delta.abs(), descending=[True, True], maintain_order=True), folded


def known_rows(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Give the rows whose bytes are known, before and after, and count the others: no bar can stand for these."""
    known = frame.drop_nulls([f"requested_bytes_{part}" for part in ("before", "after", "delta")])
    return known, frame.height - known.height


def unknown_text(count: int, noun: str) -> str | None:
    """``without 2 modules whose bytes are not known``; None if there are none."""
    return f"without {plural(count, noun.removesuffix('s'))} whose bytes are not known" if count else None


def _folded(ranked: pl.DataFrame, size: pl.Expr, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows to show, and rows to fold into one; a single one keeps its name."""
    visible = ranked.filter(size >= _SHARE * size.max()).head(top)
    rest = ranked.slice(visible.height)
    return (visible, rest) if rest.height != 1 else (ranked, rest.clear())


def _contribution(name: str, at: int, change: int, detail: str) -> Bar:
    kind = "grew" if change > 0 else "shrank"
    return Bar(name, kind, at, at + change, bytes_text(change, signed=True), detail)


def _row_detail(row: dict[str, int | None]) -> str:
    delta, count = row["requested_bytes_delta"] or 0, row.get("allocation_count_delta")
    blocks = None if count is None else plural(count, "block", signed=True)
    return ", ".join(filter(None, [plural(delta, "byte", signed=True), blocks]))


def _folded_detail(folded: pl.DataFrame) -> str:
    deltas = folded["requested_bytes_delta"]
    grown, shrunk = deltas.filter(deltas > 0), deltas.filter(deltas < 0)
    parts = [(grown, "grew"), (shrunk, "shrank")]
    return ", ".join(
        f"{count_text(len(part))} {verb} by {bytes_text(abs(total_of_known(part)))}" for part, verb in parts
    )


def growth_lines(frames: Sequence[pl.DataFrame], top: int, noun: str = "modules") -> pl.DataFrame:
    """Growth since the first point in time, for the names that changed most.

    `frames` has one frame for each point: ``name`` and ``requested_bytes``; a name whose bytes are not known at some
    point is left out. Gives ``name`` str, ``point`` u32, ``growth`` i128 bytes, ``bytes`` i128, ``folded`` bool; the
    names that are not shown are one, ``33 more modules``, so that the growth of all lines is that of the total. Sorted
    by final growth, largest first, then by name and point.
    """
    table, points = _amounts_by_point(frames, MARKS // (top + 1))
    first, last = pl.col(points[0]), pl.col(points[-1])
    reach = pl.max_horizontal((pl.col(point) - first).abs() for point in points)
    changed = table.with_columns(reach.alias("reach")).filter(pl.col("reach") > 0)
    changed = changed.sort("reach", "name", descending=[True, False])
    shown, rest = _folded(changed, pl.col("reach"), top)
    parts = [shown.select("name", *points, pl.lit(False).alias("folded"))]
    if rest.height or not shown.height:
        name = f"{count_text(rest.height)} more {noun}" if rest.height else "no change"
        summed = rest if rest.height else table
        sums = [wide_sum(pl.col(point), may_lack=False) for point in points]
        parts.append(summed.select(pl.lit(name).alias("name"), *sums, pl.lit(True).alias("folded")))
    lines = pl.concat(parts).with_columns((last - first).alias("final"), first.alias("first"))
    long = lines.unpivot(points, index=["name", "folded", "final", "first"], variable_name="point", value_name="bytes")
    long = long.with_columns(pl.col("point").cast(pl.UInt32), (pl.col("bytes") - pl.col("first")).alias("growth"))
    ordered = long.sort("final", "name", "point", descending=[True, False, False])
    return ordered.select("name", "point", "growth", "bytes", "folded")


def _amounts_by_point(frames: Sequence[pl.DataFrame], most: int) -> tuple[pl.DataFrame, list[str]]:
    """One row for each known name, one column for each point that is kept; 0 where a name is missing."""
    keep = sorted(_thinned(len(frames), most))
    unknown = unknown_names(frames)
    sums = [
        frames[point]
        .filter(~pl.col("name").is_in(unknown.implode()))
        .group_by("name")
        .agg(wide_sum(pl.col("requested_bytes")).alias(str(point)))
        for point in keep
    ]
    table = sums[0]
    for other in sums[1:]:
        table = table.join(other, on="name", how="full", coalesce=True)
    points = [str(point) for point in keep]
    return table.with_columns(pl.col(points).fill_null(0)), points


def unknown_names(frames: Sequence[pl.DataFrame]) -> pl.Series:
    """Name those whose bytes are not known at some point."""
    unknown = [frame.filter(pl.col("requested_bytes").is_null())["name"] for frame in frames]
    return pl.concat(unknown).unique()


def _thinned(count: int, most: int) -> set[int]:
    """Points to keep, evenly spread, with the first and the last among them."""
    if count <= most:
        return set(range(count))
    return {round(step * (count - 1) / (most - 1)) for step in range(most)}


def spread(places: Sequence[float], low: float, high: float, gap: float = _LABEL_GAP) -> list[float]:
    """Move label places, given from the highest down, apart till none hides another; `gap` is a share of the height."""
    gap *= high - low
    moved: list[float] = []
    for place in places:
        moved.append(min(place, moved[-1] - gap) if moved else place)
    # What was pushed out below comes back up, and takes those above it along.
    floor = low
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = max(moved[index], floor)
        floor = moved[index] + gap
    return moved
