"""What `read_many` is to read: a folder, a pattern or an iterable becomes a list of sources."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from heapdelta import _native
from heapdelta._capture.base import Capture
from heapdelta._long_path import for_system
from heapdelta._read.pattern import files_below, matching_files, readable
from heapdelta._words import plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta._read.source import Source

_WILD = re.compile(r"[*?\[]")
_PART = re.compile(r"(?P<name>.+)\.(?:(?P<number>[0-9]{3,})|[zZ][0-9]{2,})", re.DOTALL)

SourceT = TypeVar("SourceT")


def listed_sources(sources: object) -> list[Source]:
    """List what is to be read, in order; see `read_many` for what is taken."""
    if isinstance(sources, str | os.PathLike):
        return list(_named(os.fspath(cast("str | os.PathLike[str]", sources))))
    if isinstance(sources, bytes | bytearray | memoryview) or callable(getattr(sources, "read", None)):
        raise TypeError("expected a folder, a pattern or several sources, found one source: put it into a list")
    try:
        listed = list(cast("Iterable[Source]", sources))
    except TypeError:
        message = f"expected a folder, a pattern or several sources, found {type(sources).__name__}"
        raise TypeError(message) from None
    for source in listed:
        known = isinstance(source, str | os.PathLike | bytes | bytearray | memoryview)
        if not known and not callable(getattr(source, "read", None)):
            what = " (read already: heapdelta.series takes it as it is)" if isinstance(source, Capture) else ""
            message = f"expected paths, bytes or binary file objects, found {type(source).__name__}{what} among them"
            raise TypeError(message)
    if not listed:
        raise OptionError("expected at least one source, found none", kind="option")
    return listed


def _named(name: str) -> list[str]:
    path = Path(for_system(name))
    if path.is_dir():
        with readable(name):
            entries = list(path.iterdir())
        files = files_below(name)
        if not files:
            raise _no_files(name, entries)
        return sorted(_first_parts(files), key=natural_key)
    if is_pattern(name):
        matches = matching_files(name)
        if not matches:
            raise OptionError(f"expected files that match {name}, found none", kind="option")
        return sorted(_first_parts(matches), key=natural_key)
    return [name]


def is_pattern(name: str) -> bool:
    """Tell a pattern such as ``logs/*.txt`` from the name of a file that is there."""
    is_there = os.path.lexists(for_system(name)) or _native.archive_of(name) is not None
    return _WILD.search(name) is not None and not is_there


def named_files(name: str) -> list[str]:
    """Give the files that a pattern stands for, or the one file that a name is: shells of Windows match nothing."""
    return [name] if Path(for_system(name)).is_dir() else _named(name)


def _first_parts(files: list[SourceT]) -> list[SourceT]:
    """Leave out what is read with another file: the further parts of an archive in several files."""
    parts = parts_of([str(file) for file in files])
    return [file for file in files if str(file) not in parts]


def parts_of(names: Iterable[str]) -> dict[str, str]:
    """Tell which files are further parts of an archive in several files, and of which file among them."""
    known = set(names)
    found = {name: _whole_of(match, known) for name in known if (match := _PART.fullmatch(name))}
    return {name: whole for name, whole in found.items() if whole is not None and whole in known}


def _whole_of(part: re.Match[str], names: set[str]) -> str | None:
    """Give the file by which an archive in parts is named: the first of ``.001``, or the ``.zip`` of ``.z01``."""
    if part["number"]:
        first = f"{part['name']}.{1:0{len(part['number'])}}"
        return first if int(part["number"]) > 1 else None
    return next((f"{part['name']}.{end}" for end in ("zip", "ZIP", "Zip") if f"{part['name']}.{end}" in names), None)


def _no_files(name: str, entries: list[Path]) -> OptionError:
    """Tell what a folder holds in place of files."""
    folders = sum(entry.is_dir() and not entry.name.startswith(".") for entry in entries)
    if folders:
        found = f"{plural(folders, 'folder')} without any"
    else:
        found = "hidden or special files only" if entries else "an empty folder"
    return OptionError(f"{name}: expected files, found {found}", path=name, kind="option")


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort names as people do: numbers by their value, letters without regard to case, then by the exact text."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part] + [(-1, 0, name)]


def size_of(source: object) -> int:
    """Tell the bytes of a source; 0 if that is not known before it is read."""
    if isinstance(source, bytes | bytearray | memoryview):
        return len(source)
    if isinstance(source, str | os.PathLike):
        try:
            return Path(for_system(os.fsdecode(source))).stat().st_size
        except (OSError, ValueError):
            return 0
    return 0
