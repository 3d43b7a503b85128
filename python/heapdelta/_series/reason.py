"""Why a curve got its verdict, in words with the numbers that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from heapdelta._words import amount_text, plural, share_text

if TYPE_CHECKING:
    from collections.abc import Callable

Row: TypeAlias = "dict[str, Any]"

_COLUMNS = (
    "rule", "unknown_points", "min_bytes", "points", "late_points", "span", "late_span", "slope", "slope_low",
    "slope_high", "middle_slope", "late_slope", "p_value", "q_value", "late_p_value", "min", "max", "first", "last",
    "late_min", "late_max", "rising_share", "level_rise", "step_to", "floor", "falls", "settled_points", "settled_min",
    "settled_max", "settled_floor", "settled_falls", "unit",
)  # fmt: skip

_ABOVE_THE_LEAST = ("min", "max", "first", "last", "settled_min", "settled_max")
"""Sizes that the core gives above the least of the curve."""


def reasons(
    judged: pl.DataFrame, *, alpha: float, warm_up_hours: float, clock: bool, still: float, noun: str
) -> pl.Series:
    """Write a sentence for every row; a point of its curve is called by `noun`."""
    about = {
        "alpha": alpha,
        "still": still,
        "warm_up": warm_up_hours,
        "per": "/h" if clock else "/step",
        "noun": f"{noun}s",
        "each": noun,
        "length": "h" if clock else "steps",
    }

    def words(row: Row) -> str:
        row.update(about)
        if not row["unknown_points"]:
            row.update({name: row[name] + row["min_bytes"] for name in _ABOVE_THE_LEAST})
        return _WORDS[row["rule"]](row)

    rows = judged.select(_COLUMNS).iter_rows(named=True)
    return pl.Series("reason", map(words, rows), dtype=pl.String)


def _unknown(row: Row) -> str:
    return (
        f"the bytes of {row['unknown_points']} of {_points(row['points'], row)} are not known: they pass 2^64 - 1 "
        "(issue sum_overflow)"
    )


def _few(row: Row) -> str:
    return f"{_points(row['points'], row)} of this run; a verdict needs 6"


def _constant(row: Row) -> str:
    return f"{_size(row['last'], row)} in every {row['each']}"


def _sawtooth(row: Row) -> str:
    return (
        f"fell {plural(row['falls'], 'time')} by more than 40 % of its range from {_size(row['min'], row)} to "
        f"{_size(row['max'], row)}, to lows that lie {_size(row['floor'], row)} apart"
    )


def _later_sawtooth(row: Row) -> str:
    return (
        f"in the last {row['settled_points']} {row['noun']} fell {plural(row['settled_falls'], 'time')} by more than "
        f"40 % of their range from {_size(row['settled_min'], row)} to {_size(row['settled_max'], row)}, to lows that "
        f"lie {_size(row['settled_floor'], row)} apart"
    )


def _shrinking(row: Row) -> str:
    return f"{_pace(row)}, {_chance(row)}: {_size(row['first'], row)} became {_size(row['last'], row)}"


def _step(row: Row) -> str:
    step, share = _size(row["level_rise"], row, signed=True), share_text(row["level_rise"], row["max"] - row["min"])
    return (
        f"one step of {step} at point {row['step_to']} makes {share} of the range, and nothing rises before it or after"
        " it"
    )


def _young(row: Row) -> str:
    return (
        f"{_pace(row)}, {_chance(row)}, but seen for {row['span']:.3g} h only, with {_points(row['late_points'], row)} "
        f"after the first {row['warm_up']:g} h, when growth is ordinary"
    )


def _leak(row: Row) -> str:
    return f"{_pace(row)}, {_chance(row)}, and {_late(row)}"


def _level(row: Row) -> str:
    spread = share_text(row["late_max"] - row["late_min"], row["max"] - row["min"])
    # What is level beside a large range may still be a small leak: its number is not kept back.
    rises = (row["late_slope"] or 0) > 0 and row["late_p_value"] <= row["still"]
    still = f"; it still rises there, though more slowly than before: {_late(row)}" if rises else ""
    return (
        f"level at {_size(row['last'], row)}: the last {row['late_span']:.3g} {row['length']} cover "
        f"{spread} of the range from {_size(row['min'], row)} to {_size(row['max'], row)}{still}"
    )


def _slowing(row: Row) -> str:
    return f"{_pace(row)}, {_chance(row)}, but slowing down: {_late(row)}"


def _stopped(row: Row) -> str:
    return f"rose from {_size(row['first'], row)} to {_size(row['max'], row)}, but {_late(row)}"


def _noise(row: Row) -> str:
    if row["slope"] is None:
        return f"all {row['points']} {row['noun']} are of the same moment: they tell nothing of growth"
    return f"{_pace(row)}: no trend beyond chance, {_chance(row)}"


_WORDS: dict[str, Callable[[Row], str]] = {
    "unknown": _unknown,
    "few": _few,
    "constant": _constant,
    "sawtooth": _sawtooth,
    "later sawtooth": _later_sawtooth,
    "shrinking": _shrinking,
    "step": _step,
    "young": _young,
    "leak": _leak,
    "level": _level,
    "slowing": _slowing,
    "stopped": _stopped,
    "noise": _noise,
}


def _points(count: int, row: Row) -> str:
    return plural(count, row["noun"].removesuffix("s"))


def _steps(row: Row) -> str:
    steps = row["points"] - 1
    return f"{round(row['rising_share'] * steps)} of {plural(steps, 'step')}"


def _pace(row: Row) -> str:
    return (
        f"rose in {_steps(row)}, {_rate(row['slope'], row)} ({_rate(row['slope_low'], row)} to "
        f"{_rate(row['slope_high'], row)})"
    )


def _chance(row: Row) -> str:
    return f"p {_small(row['p_value'])}, q {_small(row['q_value'])}"


def _small(chance: float) -> str:
    """Write a chance; one below what a number can hold is not 0."""
    return f"= {chance:.1g}" if chance >= 1e-99 else "< 1e-99"


def _late(row: Row) -> str:
    late, middle = _rate(row["late_slope"], row), _rate(row["middle_slope"], row)
    return f"the last third moves by {late}, the middle third by {middle}"


def _size(number: float, row: Row, *, signed: bool = False) -> str:
    return amount_text(number, row["unit"], signed=signed)


def _rate(value: float | None, row: Row) -> str:
    return "unknown" if value is None else f"{_size(value, row, signed=True)}{row['per']}"
