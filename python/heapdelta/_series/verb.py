"""`series`: many snapshots become a `Series`, many dumps a `DumpSeries`, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, cast, get_args, overload

from heapdelta._capture.base import Capture
from heapdelta._options import checked_threads
from heapdelta._read.many import Batch
from heapdelta._series.dump_blocks import KINDS
from heapdelta._series.dump_order import ordered_dumps
from heapdelta._series.dump_series import DumpSeries
from heapdelta._series.keys import KEYS
from heapdelta._series.order import ordered
from heapdelta._series.runs import Run, Runs, parted
from heapdelta._series.series import Series
from heapdelta._words import listed
from heapdelta.blame import DEFAULT, Allocators
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._series.order import Order
    from heapdelta._series.timeline import By
    from heapdelta.blame import RuleLike

__all__ = ["series"]

OfDumps = Literal["counter", "size", "size_class", "content", "source", "region_class"]
_OF_DUMPS = get_args(OfDumps)
"""What dumps alone are followed by; heaps both have, dumps and logs."""


@overload
def series(
    snapshots: Batch | Run | Runs | Iterable[Snapshot | Dump],
    *,
    by: OfDumps,
    order: Order = "taken_at",
    runs: Literal["one", "all"] = "one",
    threads: int | None = None,
) -> DumpSeries: ...
@overload
def series(  # type: ignore[overload-overlap]  # dumps alone are another answer than dumps beside logs
    snapshots: Iterable[Dump],
    *,
    by: Literal["heap"] | None = None,
    order: Order = "taken_at",
    runs: Literal["one", "all"] = "one",
    threads: int | None = None,
) -> DumpSeries: ...
@overload
def series(
    snapshots: Batch | Run | Runs | Iterable[Snapshot | Dump],
    *,
    by: By | None = None,
    inclusive: bool = False,
    allocators: Iterable[RuleLike] | None = None,
    order: Order = "taken_at",
    runs: Literal["one", "all"] = "one",
    threads: int | None = None,
) -> Series: ...
def series(
    snapshots: Batch | Run | Runs | Iterable[Snapshot | Dump],
    *,
    by: By | OfDumps | None = None,
    inclusive: bool = False,
    allocators: Iterable[RuleLike] | None = None,
    order: Order = "taken_at",
    runs: Literal["one", "all"] = "one",
    threads: int | None = None,
) -> Series | DumpSeries:
    r"""Put snapshots, or dumps, in the order of time, to see what grows and how.

    Parameters
    ----------
    snapshots : Batch, Run, Runs, or iterable of Snapshot and Dump
        Two snapshots or more of one program, in any order, or two dumps or more. Dumps beside snapshots, of a batch or
        of a list, are `Series.counters`.
    by : {"module", "function", "stack", "heap", "counter", "size", "size_class", "content", "source", \
"region_class"}, optional
        What each key is about, as in `Delta.by`; ``counter`` is what dumps count. Of dumps also ``heap``, ``size``,
        ``size_class``, ``content`` and ``source``, the blocks in their heaps as in `Dump.by`, and ``region_class``. By
        default modules, of dumps counters.
    inclusive : bool, default False
        For modules and functions: count a stack for every one it passes. Such sums overlap.
    allocators : iterable of Rule or str, optional
        Rules that tell an allocator's frames, in place of `heapdelta.blame.DEFAULT`.
    order : {"taken_at", "name", "mtime", "given"}, default "taken_at"
        By the time that the files themselves tell (those that tell none are left out, and a note says so), by their
        names, by when the files were last changed (then that is the time, in UTC), or as given. By name and as given
        there is no clock: slopes are per step, and ``taken_at`` is only shown.
    runs : {"one", "all"}, default "one"
        Refuse snapshots that are known to be of several runs of processes, or keep them apart by `run`: a restart
        starts anew.
    threads : int, optional
        Threads of the core that work on it, 1 to 1024; by default one for each core. The answer never depends on it.

    Returns
    -------
    Series or DumpSeries
        The second of dumps alone. Nothing is computed before it is asked for.

    Raises
    ------
    OptionError
        If there are fewer than two snapshots or dumps, several runs with ``runs="one"``, fewer than two that tell
        their time with ``order="taken_at"``, or an option has a value it does not take.
    TypeError
        If something is neither a `Snapshot` of a heap log nor a `Dump`.

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
    # Listed once: what gives its items a single time is looked at several times over.
    given = snapshots if isinstance(snapshots, Batch | Run | Runs | Capture) else _listed(snapshots)
    logs, dumps = parted(given)
    of_dumps = isinstance(given, list) and len(dumps) > 0 and not logs
    if by in _OF_DUMPS or (of_dumps and by in (None, "heap")):
        if inclusive or allocators is not None:
            option = "inclusive" if inclusive else "allocators"
            raise OptionError(f"expected no {option} for what dumps count, found some", kind="option")
        return DumpSeries(ordered_dumps(dumps, order=order, runs=runs), by=by or "counter", threads=threads)
    if of_dumps and by in KEYS:
        raise OptionError(
            f"expected {listed(['counter', *KINDS])} for dumps, found {by!r}: a minidump does not record who allocated "
            "what; a heap log does",
            kind="option",
        )
    kind = cast("By", by or "module")
    if kind not in KEYS:
        raise OptionError(f"expected one of {', '.join((*KEYS, *_OF_DUMPS))}, found {by!r}", kind="option")
    if inclusive and kind not in ("module", "function"):
        raise OptionError(f"expected module or function with inclusive=True, found {by!r}", kind="option")
    rules = DEFAULT if allocators is None else Allocators(allocators)
    found = ordered(given, order=order, runs=runs)
    return Series(found, kind, rules, inclusive=inclusive, threads=threads, dumps=dumps, order=order)


def _listed(snapshots: Iterable[Snapshot | Dump]) -> Iterable[Snapshot | Dump]:
    """List what gives its items once; what cannot be listed is refused later."""
    return list(snapshots) if isinstance(snapshots, Iterable) else snapshots
