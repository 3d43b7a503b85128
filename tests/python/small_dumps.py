"""Series of small dumps of one process, each a number of hours after the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from small_dump import COUNTERS, CREATED, TAKEN, SmallDump

if TYPE_CHECKING:
    from collections.abc import Sequence

    import heapdelta as hd

# Places among the counters of the process: those of the documentation, without the page faults.
VIRTUAL_SIZE, PRIVATE_USAGE = 9, 10
HOUR = 3600


def counters(private: int, virtual: int = 0) -> list[int]:
    found = [0] * COUNTERS
    found[PRIVATE_USAGE], found[VIRTUAL_SIZE] = private, virtual
    return found


def dump(hour: float, **parts: Any) -> SmallDump:
    """A dump so many hours after the first."""
    return SmallDump(taken=TAKEN + round(hour * HOUR), **parts)


def leaking(count: int = 12, *, hours_apart: float = 6, created: int = CREATED, **parts: Any) -> list[SmallDump]:
    """Dumps in which private memory, handles of type Event and threads grow, and those of type File do not."""
    return [
        dump(
            number * hours_apart,
            counters=counters((number + 1) << 20),
            handles=["Event"] * (10 + number) + ["File"] * 3,
            starts=[0x40_1000] * (2 + number),
            created=created,
            **parts,
        )
        for number in range(count)
    ]


def read_all(dumps: Sequence[SmallDump]) -> list[hd.Dump]:
    return [one.read() for one in dumps]
