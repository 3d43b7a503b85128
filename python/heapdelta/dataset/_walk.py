"""What lies under a source: every file, with its size and time; and what is no file, or cannot be looked into."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from heapdelta._long_path import for_system
from heapdelta._read.pattern import matching_files
from heapdelta._read.sources import natural_key, parts_of
from heapdelta.dataset._layout import MANIFEST, MARK
from heapdelta.exceptions import NotFoundError, OptionError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heapdelta.dataset._bucket import Objects

_Id: TypeAlias = tuple[int, int]
"""A folder, by device and inode."""


@dataclass(frozen=True)
class Found:
    """Something under a source. `trouble` says in a word why it cannot be read, `reason` in a sentence."""

    path: str
    root: str
    size: int = 0
    mtime_ns: int = 0
    trouble: str | None = None
    reason: str | None = None
    of: str | None = None
    is_split: bool = False


@dataclass(frozen=True)
class Walk:
    """What lies under sources, which of them are folders that were looked through, and the stores of objects."""

    files: list[Found]
    folders: list[str]
    stores: tuple[Objects, ...] = ()


def walk(sources: Iterable[str], *, without: str | None = None) -> Walk:
    """List everything under folders and files, sorted by path as people sort.

    A folder that several links lead to is looked at once. `without` is a folder that is left out: that of the dataset.
    """
    found: dict[str, Found] = {}
    folders: list[str] = []
    seen: set[_Id] = set()
    dataset = _id(os.stat(for_system(without))) if without is not None and Path(for_system(without)).is_dir() else None  # noqa: PTH116
    for source in sources:
        path = os.path.normpath(Path(source).absolute())
        if Path(for_system(path)).is_dir():
            folders.append(path)
        for each in _under(path, dataset, seen):
            found.setdefault(each.path, each)
    return Walk(sorted(with_parts(found), key=lambda each: natural_key(each.path)), folders)


def listed(source: object) -> list[str]:
    """Name the files and folders that a source is: a path, a pattern, or several of them.

    Raises
    ------
    NotFoundError
        If there is no such file or folder.
    OptionError
        If a pattern matches nothing, or nothing is given.
    TypeError
        If it is none of these.
    """
    if isinstance(source, str | os.PathLike):
        name = os.fsdecode(os.fspath(source))
        if os.path.lexists(for_system(name)):
            return [name]
        if any(letter in name for letter in "*?["):
            matches = matching_files(name)
            if not matches:
                raise OptionError(f"expected files that match {name}, found none", kind="option")
            return [str(each) for each in matches]
        raise NotFoundError(f"{name}: no such file or folder", path=name, kind="not_found")
    if isinstance(source, bytes | bytearray | memoryview) or not hasattr(source, "__iter__"):
        raise TypeError(f"expected a folder, a file, a pattern or several of them, found {type(source).__name__}")
    several = [name for each in source for name in listed(each)]
    if not several:
        raise OptionError("expected at least one source, found none", kind="option")
    return several


def _under(root: str, without: _Id | None, seen: set[_Id]) -> Iterator[Found]:
    """List what is under a folder. Links to folders come last: a folder that is there itself goes by its own name."""
    try:
        about = os.stat(for_system(root))  # noqa: PTH116 - names may be no text
    except OSError as error:
        yield _failed(root, root, error)
        return
    if not stat.S_ISDIR(about.st_mode):
        yield _file(root, str(Path(root).parent), about)
        return
    seen.add(_id(about))
    folders: list[str] = [root]
    links: dict[str, _Id] = {}
    while folders or links:
        if not folders:
            link = min(links)
            if (found := links.pop(link)) in seen:
                reason = f"{link}: a link to a folder that is looked at under another name"
                yield Found(link, root, trouble="link", reason=reason)
                continue
            seen.add(found)
            folders.append(link)
        folder = folders.pop()
        try:
            with os.scandir(for_system(folder)) as entries:
                inside = list(entries)
        except OSError as error:
            yield _failed(folder, root, error)
            continue
        if folder != root and {MARK, MANIFEST} <= {entry.name for entry in inside}:
            yield Found(folder, root, trouble="dataset", reason=f"{folder}: a dataset of heapdelta")
            continue
        for entry in inside:
            path = os.path.join(folder, entry.name)  # noqa: PTH118 - keeps the folder as it was written
            try:
                about = _about(entry)
            except OSError as error:
                yield _failed(path, root, error)
                continue
            if not stat.S_ISDIR(about.st_mode):
                yield _file(path, root, about)
            elif _id(about) == without:
                continue
            elif entry.is_symlink():
                links[path] = _id(about)
            elif _id(about) not in seen:
                seen.add(_id(about))
                folders.append(path)


def _about(entry: os.DirEntry[str]) -> os.stat_result:
    """Give what the system knows; of folders on Windows, where a list has no ids, by asking once more."""
    about = entry.stat()
    return about if about.st_ino or not stat.S_ISDIR(about.st_mode) else os.stat(entry.path)  # noqa: PTH116


def _id(about: os.stat_result) -> _Id:
    return about.st_dev, about.st_ino


def _file(path: str, root: str, about: os.stat_result) -> Found:
    if not stat.S_ISREG(about.st_mode):
        return Found(path, root, trouble="special", reason=f"{path}: expected a file, found {_kind(about.st_mode)}")
    return Found(path, root, about.st_size, about.st_mtime_ns)


def _kind(mode: int) -> str:
    return "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def _failed(path: str, root: str, error: OSError) -> Found:
    """Say why something cannot be looked at; a link that leads nowhere, or in a circle, is there all the same."""
    denied = isinstance(error, PermissionError)
    kind = PermissionDeniedError if denied else NotFoundError if error.errno == errno.ENOENT else None
    words = (
        "permission denied" if denied else "it leads nowhere" if kind is NotFoundError else error.strerror or str(error)
    )
    trouble = "permission" if denied else "not_found" if kind is NotFoundError else "io"
    return Found(path, root, trouble=trouble, reason=f"{path}: cannot read: {words}")


def with_parts(found: dict[str, Found]) -> Iterator[Found]:
    """Read an archive in several files by one of them: the others are parts of it, and their changes are its own."""
    parts = parts_of([path for path, each in found.items() if each.trouble is None])
    together: dict[str, list[Found]] = {}
    for path, whole in parts.items():
        together.setdefault(whole, []).append(found[path])
    for path, each in found.items():
        if path in parts:
            yield Found(path, each.root, each.size, each.mtime_ns, of=parts[path])
        elif path in together:
            all_parts = [each, *together[path]]
            size, mtime_ns = sum(one.size for one in all_parts), max(one.mtime_ns for one in all_parts)
            yield Found(path, each.root, size, mtime_ns, is_split=True)
        else:
            yield each
