"""`export`: what is matched becomes a file that another viewer opens."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from heapdelta import _native, _whole_file
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta
from heapdelta._export.formats import Format, format_of
from heapdelta._export.stacks import tables
from heapdelta._numbers import total_of_known
from heapdelta._ranking.live import Live
from heapdelta._safe_text import visible
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from datetime import datetime

    from heapdelta._export.stacks import Tables

    Exportable: TypeAlias = Delta | Snapshot | Live | Comparison
    FormatName: TypeAlias = Literal["pprof", "firefox", "speedscope", "folded", "heaptrack"]

__all__ = ["Export", "export"]

_MOST_BLOCKS = 50_000_000
"""Blocks of which heaptrack's format gets a line each: some 400 MB, not packed."""
_SECOND = 1000.0


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
    of : Delta, Snapshot, Live or Comparison
        What to write. Filter before: ``delta.filter(focus="net")``.
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
        left; speedscope gets growth and shrinkage, folded the stacks that changed.

    Returns
    -------
    Export
        Its ``notes`` say what a reader must know.

    Raises
    ------
    TypeError
        If `of` is none of these: dumps have no stacks, and a series has more points in time than these files.
    OptionError
        If there is no such format, the name of the file says none, or the format has no room for what is asked.
    WriteError
        If the file cannot be written.

    Notes
    -----
    Nothing is left out: blocks without a stack are in a frame ``[no stack recorded]``, ids without frames in
    ``[stack not in file]``, and where outer frames are cut off the outermost is ``[outer frames cut off]``. So the sums
    of every viewer are those of `Delta.total`. Control characters of names are written out.

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
    if not isinstance(of, Delta | Live | Comparison):
        raise TypeError(f"expected a Delta, a Snapshot or a Comparison, found {type(of).__name__}{_instead(of)}")
    if allocators not in ("trim", "keep"):
        raise OptionError(f"expected trim or keep for allocators, found {allocators!r}", kind="option")
    chosen = format_of(format, os.fspath(path))
    _refuse(chosen, of, changes_only=changes_only)
    sides = ["after"] if isinstance(of, Live) else ["before", "after"]
    found = tables(of._matched, sides, keep_allocators=allocators == "keep")
    notes = [*of.notes, *found.unknown(), *_too_large(chosen, found)]
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


def _instead(of: object) -> str:
    """Say what is to be done with what cannot be written."""
    names = {
        "Series": ": take two of its snapshots, heapdelta.diff(first, last)",
        "Dump": ", which has no stacks",
        "DumpDelta": ", which has no stacks",
        "DumpSeries": ", which has no stacks",
    }
    return names.get(type(of).__name__, "")


def _refuse(chosen: Format, of: Exportable, *, changes_only: bool) -> None:
    if not chosen.has_sides and not isinstance(of, Live):
        raise OptionError(
            f"expected one log for {chosen.name}, found two sides",
            hint="write a file of each log; heaptrack_print --diff BEFORE AFTER compares them",
            kind="option",
        )
    if changes_only and isinstance(of, Live):
        raise OptionError("expected two sides for changes alone, found one log", kind="option")


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


def _title(of: Delta | Live | Comparison) -> str:
    """Name the files, without their folders: the file may be sent on."""
    paths = [of.before.path, of.after.path] if isinstance(of, Delta) else [of.path]
    return " -> ".join(visible(Path(path.replace("\\", "/")).name) if path else "<bytes>" for path in paths)


def _points(of: Delta | Live | Comparison) -> tuple[list[tuple[str, float]], float]:
    """Give the points in time, in milliseconds since the first, and when that is."""
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
