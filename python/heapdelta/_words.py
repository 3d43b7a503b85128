"""Numbers as people read them: bytes, counts, shares, times, lists; one way for the shell, notes, charts and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

UNKNOWN = "?"
"""What stands for a number that is not known."""


class Unit(NamedTuple):
    """A unit of bytes."""

    name: str
    size: int


UNITS = [
    *(Unit(f"{letter}iB", 1 << 10 * power) for power, letter in zip(range(6, 0, -1), "EPTGMK", strict=True)),
    Unit("bytes", 1),
]
"""Units of bytes, the largest first."""


def bytes_text(number: int | None, *, signed: bool = False) -> str:
    """Write bytes in a unit, with three digits that count: ``1.50 MiB``, ``+312 bytes``, ``-4.00 KiB``."""
    if number is None:
        return UNKNOWN
    size = abs(number)
    # From half of the next smaller unit below a whole one on, what is written would be 1,024.
    unit = next((unit for unit in UNITS if size >= unit.size - unit.size // 2048), UNITS[-1])
    scaled = size / unit.size
    digits = 0 if unit.size == 1 or scaled >= 99.95 else 1 if scaled >= 9.995 else 2
    if unit.size == 1:
        return plural(number, "byte", signed=signed)
    return f"{_sign(number, signed=signed)}{scaled:,.{digits}f} {unit.name}"


def count_text(number: int | None, *, signed: bool = False) -> str:
    """Write a count: ``2,000``, ``+3``."""
    return UNKNOWN if number is None else f"{_sign(number, signed=signed)}{abs(number):,}"


def plural(count: int | None, noun: str, several: str | None = None, *, signed: bool = False) -> str:
    """Write a count of things: ``1 stack``, ``2,000 stacks``, ``? stacks``; ``2 batches`` where `several` is given."""
    return f"{count_text(count, signed=signed)} {of_count(count, noun, several or f'{noun}s')}"


def of_count(count: int | None, one: str, several: str) -> str:
    """Choose the word for one thing or for several: ``is`` or ``are``."""
    return one if count is not None and abs(count) == 1 else several


def amount_text(number: float | None, unit: str = "bytes", *, signed: bool = False) -> str:
    """Write an amount or a pace of bytes, handles or threads, which may be less than one: ``+0.25 handles``."""
    if number is None:
        return UNKNOWN
    whole = round(number)
    if abs(whole) < 10 and whole != number:
        return f"{number:{'+' if signed else ''}.2g} {unit}"
    return bytes_text(whole, signed=signed) if unit == "bytes" else plural(whole, unit.removesuffix("s"), signed=signed)


def share_text(part: float | None, whole: float | None, *, digits: int = 0) -> str:
    """Write a share of a whole: ``62 %``; never 0 % or 100 % of what is not nothing or all of it."""
    if part is None or whole is None:
        return UNKNOWN
    percent = 100 * part / whole if whole else 0.0
    least = 10**-digits
    if part and percent < least / 2:
        return f"less than {least} %"
    if part != whole and 100 - least / 2 <= percent < 100:
        return f"more than {100 - least} %"
    return f"{percent:.{digits}f} %"


def moment(time: datetime | None) -> str | None:
    """Write a time to the minute, with seconds where there are some: ``2012-04-30 12:09``."""
    return None if time is None else f"{time:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def duration_text(length: timedelta) -> str:
    """Write a length of time, two units at most: ``45 min``, ``20 h``, ``3 d 4 h``."""
    minutes = round(length.total_seconds() / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = [(days, "d"), (hours, "h"), (minutes, "min")]
    shown = [f"{count} {unit}" for count, unit in units[: 2 if days else 3] if count]
    return " ".join(shown) or "less than a minute"


def listed(names: Sequence[str]) -> str:
    """Write ``module``, ``module or stack``, ``module, stack or heap``."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _sign(number: int, *, signed: bool) -> str:
    return "-" if number < 0 else "+" if signed and number else ""
