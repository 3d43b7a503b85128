"""A before and an after, where one archive holds both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

import heapdelta as hd
from heapdelta import _native
from heapdelta._capture.same_process import why_not_one_process, why_not_one_run
from heapdelta._read.source import as_text
from heapdelta._words import plural
from heapdelta.cli import _input, _output
from heapdelta.exceptions import ArchiveError, OptionError

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta.cli._input import How

    Side = tuple[str, Snapshot | Dump]


def of_archive(archive: str, how: How, captures: tuple[int | None, int | None]) -> tuple[Side, Side]:
    """Read the two logs of an archive, or its two minidumps where it has no log; say which they are, the older first.

    Raises
    ------
    OptionError
        If the file is no archive.
    ArchiveError
        If there are not two, if they are of two processes, or if nothing tells which is older.
    """
    if captures != (None, None):
        expected = "expected a before and an after with --before-capture and --after-capture"
        raise OptionError(f"{expected}, found {archive} alone", kind="option")
    try:
        listed = hd.members(archive, **how.options())
    except ArchiveError as error:
        if error.kind != "not_an_archive":
            raise
        raise OptionError(f"expected two files, or an archive of both, found {archive} alone", kind="option") from error
    unknown = listed.filter(pl.col("readable").is_null()).select("path", "kind")
    if not unknown.is_empty():
        path, why = unknown.row(0)
        more = "" if unknown.height == 1 else f", and {unknown.height - 1} more like it"
        raise _refused(archive, f"found {path}, which may be one of them ({why}){more}")
    ours = listed.filter("readable")
    logs = ours.filter(~pl.col("kind").is_in(["dump", "comparison"]))
    dumps = ours.filter(kind="dump")
    both = dumps if logs.is_empty() else logs
    if both.height != 2:
        found = f"found {plural(logs.height, 'log')} and {plural(dumps.height, 'dump')} in it"
        raise _refused(archive, found, series=both.height > 2)
    older, newer = _in_order(archive, [(row, _read(row["path"], how)) for row in _rows(archive, both)])
    if not logs.is_empty() and not dumps.is_empty():
        _output.remark(f"left out: {plural(dumps.height, 'dump')}")
    _output.remark(f"before: {older[0]}")
    _output.remark(f"after: {newer[0]}")
    return older, newer


def _rows(archive: str, listed: pl.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a list of files, with the path of the archive as it is: tables hold text, and it may be none."""
    outermost = str(_native.archive_of(archive) or archive)
    known = len(as_text(outermost))
    return [row | {"path": outermost + row["path"][known:]} for row in listed.iter_rows(named=True)]


def _read(path: str, how: How) -> Snapshot | Dump:
    return _input.read_snapshot_or_dump(path, how=how)


def _in_order(archive: str, sides: list[tuple[dict[str, object], Snapshot | Dump]]) -> tuple[Side, Side]:
    """Sort by the time in the files, else by that of the archive."""
    (_, one), (_, other) = sides
    if isinstance(one, hd.Dump) and isinstance(other, hd.Dump):
        why = why_not_one_process(one, other)
    elif isinstance(one, hd.Snapshot) and isinstance(other, hd.Snapshot):
        why = why_not_one_run(one, other)
    else:
        why = "one is a log and one a minidump"
    if why is not None:
        raise _refused(archive, f"found two, of which {why}")
    for times in ([one.taken_at, other.taken_at], [row["modified"] for row, _ in sides]):
        first, second = times
        if first is not None and second is not None and first != second:
            ordered = sides if first < second else sides[::-1]  # type: ignore[operator]
            return tuple((str(row["path"]), capture) for row, capture in ordered)  # type: ignore[return-value]
    raise _refused(archive, "found two, and no time that tells which is older")


def _refused(archive: str, found: str, *, series: bool = False) -> ArchiveError:
    many = f"; heapdelta series {archive} ranks all of them over time" if series else ""
    return ArchiveError(
        f"{archive}: expected a before and an after of one process, {found}",
        path=archive,
        hint=f"name both, as in {archive}!before.txt {archive}!after.txt{many}",
        kind="no_pair",
    )
