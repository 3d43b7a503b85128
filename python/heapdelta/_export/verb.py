"""`export`: what is matched becomes a file that another viewer opens."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from heapdelta import _native, _whole_file
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta
from heapdelta._export.formats import Format, format_of
from heapdelta._export.of_series import points_of_series, refuse_runs, tables_of_series
from heapdelta._export.stacks import tables
from heapdelta._numbers import total_of_known
from heapdelta._ranking.live import Live
from heapdelta._safe_text import visible
from heapdelta._series.series import Series
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from heapdelta._export.stacks import Tables

    Exportable: TypeAlias = Delta | Snapshot | Live | Comparison | Series
    Written: TypeAlias = Delta | Live | Comparison | Series
    FormatName: TypeAlias = Literal["pprof", "firefox", "speedscope", "folded", "heaptrack"]

__all__ = ["Export", "export"]

_MOST_BLOCKS = 50_000_000
"""Blocks of which heaptrack's format gets a line each: some 400 MB, not packed."""
_SECOND = 1000.0
_KINDS = "a Delta, a Snapshot, a Comparison or a Series"


@dataclass(frozen=True)
class Export:
    """A file that `heapdelta.export` wrote.

    Attributes
    ----------
    path : Path
        The file.
    format : str
        Its format.
    notes : list of str
        What a reader of it must know, one sentence each; formats with room for them have them, too.
    """

    path: Path
    format: str
    notes: list[str] = field(default_factory=list)


def export(
    of: Exportable,
    path: str | os.PathLike[str],
    *,
    format: FormatName | None = None,  # noqa: A002 - as users call it
    allocators: Literal["trim", "keep"] = "trim",
    changes_only: bool = False,
) -> Export:
    r"""Write stacks for another viewer: pprof, the Firefox Profiler, speedscope, flame graphs, heaptrack.

    Parameters
    ----------
    of : Delta, Snapshot, Live, Comparison or Series
        What to write. Filter before: ``delta.filter(focus="net")``. A series of more than two logs is for the Firefox
        Profiler, in which its logs follow in time, and for speedscope, which gets a profile of each.
    path : str or os.PathLike
        The file. One that is there is replaced when the new one is complete.
    format : {"pprof", "firefox", "speedscope", "folded", "heaptrack"}, optional
        By default what the name of the file ends with: ``.pb.gz``, ``.firefox.json``, ``.speedscope.json``,
        ``.folded``, ``.heaptrack``. With ``.gz`` behind it the file is packed; pprof always is.
    allocators : {"trim", "keep"}, default "trim"
        ``trim`` leaves out the frames inside the one that a stack counts for, so that the innermost frame is the one
        that is blamed. They are an allocator's, the same in all stacks, and would be the top of every list.
    changes_only : bool, default False
        What changed alone: pprof gets one sample a stack, of its growth, and the Firefox Profiler what came and what
        left; speedscope gets growth and shrinkage, folded the stacks that changed. Of a series, from the first log to
        the last.

    Returns
    -------
    Export
        Its ``notes`` say what a reader must know.

    Raises
    ------
    TypeError
        If `of` is none of these: dumps have no stacks.
    OptionError
        If there is no such format, the name of the file says none, the format has no room for what is asked, or a
        series has logs of several runs.
    WriteError
        If the file cannot be written.

    Notes
    -----
    Nothing is left out: blocks without a stack are in a frame ``[no stack recorded]``, ids without frames in
    ``[stack not in file]``, and where outer frames are cut off the outermost is ``[outer frames cut off]``. So the sums
    of every viewer are those of `Delta.total`, and of a series those of its logs. Control characters of names are
    written out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import heapdelta as hd
    >>> start = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log = hd.read(start + b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\t776CDD90\n\n")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = hd.export(log, Path(folder, "log.folded"))
    ...     written.path.read_text()
    '776CDD90;776CDD82 64\n'
    """
    if isinstance(of, Snapshot):
        of = of.live()
    if not isinstance(of, Delta | Live | Comparison | Series):
        raise TypeError(f"expected {_KINDS}, found {type(of).__name__}{_instead(of)}")
    if allocators not in ("trim", "keep"):
        raise OptionError(f"expected trim or keep for allocators, found {allocators!r}", kind="option")
    chosen = format_of(format, os.fspath(path))
    _refuse(chosen, of, changes_only=changes_only)
    make = _maker(of)
    with ThreadPoolExecutor(1) as beside:
        # Most of the work is done without Python's lock.
        told = beside.submit(lambda: of.notes)
        found = make(keep_allocators=allocators == "keep")
        notes = [*told.result(), *found.unknown(), *_too_large(chosen, found)]
    if chosen.name == "heaptrack":
        _refuse_many(found)
    points, started = _points(of)
    written = _native.export_stacks(
        chosen.name,
        _title(of),
        [visible(note) for note in notes],
        places=found.places,
        inlined=found.inlined,
        modules=found.modules,
        steps=found.steps.to_frame(),
        stacks=found.stacks,
        owners=found.owners.to_frame(),
        points=points,
        started=started,
        changes=changes_only,
        packed=chosen.always_packed or os.fspath(path).lower().endswith(".gz"),
    )
    _whole_file.write(path, written)
    return Export(Path(path), chosen.name, notes)


def _maker(of: Written) -> Callable[..., Tables]:
    """Give what makes the tables; what notes look at as well is made before."""
    if isinstance(of, Series):
        return partial(tables_of_series, of, of._together.snapshots)
    sides = ["after"] if isinstance(of, Live) else ["before", "after"]
    return partial(tables, of._matched, sides)


def _instead(of: object) -> str:
    """Say why it cannot be written."""
    return ", which has no stacks" if type(of).__name__ in ("Dump", "DumpDelta", "DumpSeries") else ""


def _refuse(chosen: Format, of: Written, *, changes_only: bool) -> None:
    if isinstance(of, Series):
        refuse_runs(of)
        _refuse_logs(chosen, [log.path for log in of.snapshots])
    elif chosen.points == 1 and not isinstance(of, Live):
        raise OptionError(
            f"expected one log for {chosen.name}, found two sides",
            hint="write a file of each log; heaptrack_print --diff BEFORE AFTER compares them",
            kind="option",
        )
    if changes_only and isinstance(of, Live):
        raise OptionError("expected two sides for changes alone, found one log", kind="option")


def _refuse_logs(chosen: Format, paths: list[str | None]) -> None:
    """Refuse a series that a format has no room for."""
    if chosen.points is None or len(paths) <= chosen.points:
        return
    ends = [
        visible(Path(path).name) if path else f"log {place}" for place, path in ((1, paths[0]), (len(paths), paths[-1]))
    ]
    one = f"write a file of each log, such as {ends[-1]}; heaptrack_print --diff BEFORE AFTER compares two"
    pair = f"give two of them, such as the first and the last, {ends[0]} and {ends[-1]}"
    raise OptionError(
        f"expected {'one log' if chosen.points == 1 else 'two logs'} for {chosen.name}, found a series of {len(paths)}",
        hint=f"{one if chosen.points == 1 else pair}; firefox and speedscope have room for all",
        kind="option",
    )


def _refuse_many(found: Tables) -> None:
    count = total_of_known(found.stacks["blocks_0"].drop_nulls())
    if count > _MOST_BLOCKS:
        raise OptionError(
            f"expected at most {_MOST_BLOCKS:,} blocks for heaptrack, which has a line for each, found {count:,}",
            hint="choose another format, or filter",
            kind="option",
        )


def _too_large(chosen: Format, found: Tables) -> list[str]:
    """Say where readers of a format have no room for the sum of all stacks."""
    sums = [
        total_of_known(found.stacks[name].drop_nulls()) for name in found.stacks.columns if name.startswith("bytes")
    ]
    if max(sums, default=0) < chosen.numbers:
        return []
    bits = chosen.numbers.bit_length() - 1
    return [f"the total does not fit into the {bits} bits that readers of {chosen.name} keep of a number"]


def _title(of: Written) -> str:
    """Name the files, without their folders: the file may be sent on."""
    if isinstance(of, Series):
        paths = [of.snapshots[0].path, of.snapshots[-1].path]
    else:
        paths = [of.before.path, of.after.path] if isinstance(of, Delta) else [of.path]
    return " -> ".join(visible(Path(path.replace("\\", "/")).name) if path else "<bytes>" for path in paths)


def _points(of: Written) -> tuple[list[tuple[str, float]], float]:
    """Give the points in time, in milliseconds since the first, and when that is."""
    if isinstance(of, Series):
        return points_of_series(of), _epoch(of.points["taken_at"][0])
    if isinstance(of, Live):
        taken = getattr(of._log, "taken_at", None)
        return [("live", 0.0)], _epoch(taken)
    if isinstance(of, Comparison):
        return [("before", 0.0), ("after", _SECOND)], 0.0
    first, last = of.before.taken_at, of.after.taken_at
    passed = _SECOND if first is None or last is None else (last - first).total_seconds() * _SECOND
    return [("before", 0.0), ("after", passed if passed > 0 else _SECOND)], _epoch(first)


def _epoch(taken: datetime | None) -> float:
    """Give a time without a zone as if it were UTC; 0 where it is not known."""
    return 0.0 if taken is None else taken.replace(tzinfo=UTC).timestamp() * _SECOND
