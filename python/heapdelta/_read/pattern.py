"""A folder, or a pattern such as ``uploads/**/*.txt``, becomes the files in it, each real folder looked at once.

As with `glob`: ``*``, ``?`` and ``[…]`` match inside one name, and no hidden one; ``**`` stands for any number of
folders, and links to folders are followed. Unlike there, a link to a folder that was seen ends there, or one to the
folder it lies in would be followed without end; and a folder that cannot be read is not left out in silence.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heapdelta._long_path import for_system
from heapdelta.exceptions import PermissionDeniedError, ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_WILD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


class UnreadableFolder(str):
    """The path of a folder further in that cannot be read: listed like a file, so that it is told like one."""

    error: ReadError | PermissionDeniedError


def matching_files(pattern: str) -> list[str]:
    """List the files that match a pattern, in no order, each path once.

    Folders that cannot be read are in the list as `UnreadableFolder`.
    """
    root = Path(pattern).anchor
    return _matching(root, [part for part in re.split(_SEPARATORS, pattern[len(root) :]) if part])


def files_below(folder: str) -> list[str]:
    """List the files of a folder and of all folders below it but hidden ones, as `matching_files` does."""
    return _matching(str(Path(folder)) if Path(folder).parts else "", [_ANY_FOLDERS])


def _matching(root: str, parts: list[str]) -> list[str]:
    unreadable: dict[str, UnreadableFolder] = {}

    def refuse(folder: str, error: OSError) -> None:
        told = UnreadableFolder(folder)
        told.error = cannot_read(folder, error)
        unreadable[folder] = told

    folders: Iterable[str] = [root]
    for part in parts[:-1]:
        folders = list(_inside(folders, part, refuse))
    found = _last(folders, parts[-1], refuse) if parts else ()
    return [*dict.fromkeys(path for path in found if Path(for_system(path)).is_file()), *unreadable.values()]


_SEPARATORS = r"[/\\]" if os.sep == "\\" else "/"


def _inside(folders: Iterable[str], part: str, refuse: Callable[[str, OSError], None]) -> Iterator[str]:
    """Give the folders that one part of a pattern leads to."""
    if part == _ANY_FOLDERS:
        yield from _below(folders, refuse)
    elif _WILD.search(part):
        for folder in folders:
            for entry in _entries(folder, refuse):
                if _matches(entry.name, part) and _is_folder(entry):
                    yield _joined(folder, entry.name)
    else:
        yield from (path for folder in folders if Path(for_system(path := _joined(folder, part))).is_dir())


def _last(folders: Iterable[str], part: str, refuse: Callable[[str, OSError], None]) -> Iterator[str]:
    """Give what the last part of a pattern leads to."""
    if part == _ANY_FOLDERS:
        folders, part = _below(folders, refuse), "*"
    for folder in folders:
        if _WILD.search(part):
            names = (entry.name for entry in _entries(folder, refuse) if _matches(entry.name, part))
            yield from (_joined(folder, name) for name in names)
        else:
            yield _joined(folder, part)


def _below(folders: Iterable[str], refuse: Callable[[str, OSError], None]) -> Iterator[str]:
    """Give the folders themselves and all below them, each real one once: links last, or a detour could come first."""
    seen: set[tuple[int, int]] = set()
    waiting, links = list(reversed(list(folders))), list[str]()
    while waiting or links:
        folder = waiting.pop() if waiting else links.pop(0)
        try:
            about = Path(for_system(folder or ".")).stat()
        except OSError as error:
            refuse(folder, error)
            continue
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        yield folder
        inner = sorted(
            (entry.name, entry.is_symlink())
            for entry in _entries(folder, refuse)
            if not entry.name.startswith(".") and _is_folder(entry)
        )
        links += [_joined(folder, name) for name, is_link in inner if is_link]
        waiting += [_joined(folder, name) for name, is_link in reversed(inner) if not is_link]


def _entries(folder: str, refuse: Callable[[str, OSError], None]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(for_system(folder or ".")) as entries:
            return list(entries)
    except NotADirectoryError:
        return []
    except OSError as error:
        refuse(folder, error)
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself.
        return False


def _matches(name: str, part: str) -> bool:
    return fnmatch.fnmatch(name, part) and (part.startswith(".") or not name.startswith("."))


def _joined(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118 - keeps the folder as it was written, such as ./logs


@contextmanager
def readable(folder: str) -> Iterator[None]:
    """Say of a folder that it cannot be read, where the system refuses to."""
    try:
        yield
    except OSError as error:
        raise cannot_read(folder, error) from error


def cannot_read(path: str, error: OSError) -> ReadError | PermissionDeniedError:
    """Make the error that `read` would raise."""
    kind = PermissionDeniedError if error.errno in (errno.EACCES, errno.EPERM) else ReadError
    return kind(f"{path or '.'}: cannot read: {error.strerror or error}", path=path, kind="io")
