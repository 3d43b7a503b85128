"""`plan`: what is still to be read, cut into batches. It looks at names, sizes and times alone; nothing is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from heapdelta import _native
from heapdelta._native import __version__
from heapdelta._read.sources import natural_key
from heapdelta._words import plural
from heapdelta.dataset._layout import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from heapdelta._read.archive import ArchiveLimits
    from heapdelta.dataset._bucket import Objects
    from heapdelta.dataset._walk import Found

FILES, BYTES = 25, 50_000_000
"""A batch ends with the 25th file, or before it would pass 50 MB; a larger file is alone."""

LOCAL_FILES, LEAST_BYTES = 500, 1_000_000
"""Threads of one process take more files at a time, while there are many: to write some parts takes as long for few."""

_SHARES = 8
"""Batches that each thread gets, where there are files enough: with fewer one works while the others wait, with more
the writing of small parts takes more time than that saves."""

AGAIN = frozenset({"permission", "not_found", "io", "changed", "killed_worker", "internal"})
"""What may be otherwise the next time, although the file has not changed."""

NEEDS_PASSWORD = frozenset({"password"})

CaseRule: TypeAlias = "str | re.Pattern[str] | Callable[[str], str | None] | None"
"""Whose files they are: one case for all, a pattern for the path, or a function of it."""

_ARCHIVES = re.compile(r"(?i)(?:\.(?:zip|zipx|7z|cab|tgz|tbz2?|txz|tar|gz|bz2|xz|zst|eml|mbox|rar|\d{3}|z\d\d))+$")


@dataclass(frozen=True)
class How:
    """How files are read. What changes their rows is in `key`; a password only opens more of them."""

    blocks: bool = False
    encoding: str | None = None
    password: str | None = field(default=None, repr=False)
    limits: ArchiveLimits | None = None
    version: str = __version__
    """Of the heapdelta that planned it: another may read otherwise."""

    @property
    def key(self) -> str:
        """A key that is the same for the same way of reading."""
        return _native.key_of(f"{SCHEMA}\n{self.version}\n{self.blocks}\n{self.encoding}\n{self.limits}")


@dataclass(frozen=True)
class Input:
    """A file to be read, or what cannot be. `again` tells one that was read before from its earlier self."""

    path: str
    case: str
    size: int
    mtime_ns: int
    trouble: str | None = None
    reason: str | None = None
    of: str | None = None
    is_split: bool = False
    again: str = ""
    after: datetime | None = None
    """When it was read before: now is later, whatever the clock says."""
    before: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some files that one worker reads at a time. Made by `heapdelta.dataset.plan`; can be pickled.

    Attributes
    ----------
    inputs : tuple
        The files, sorted by case and path.
    how : object
        How they are read.
    """

    inputs: tuple[Input, ...]
    how: How
    sources: tuple[Objects, ...] = ()
    """Object stores that inputs are from."""

    @cached_property
    def id(self) -> str:
        """The name of its parts: the same for the same files, read in the same way."""
        files = "\n".join(
            f"{text_of(each.path)}\0{each.case}\0{each.size}\0{each.mtime_ns}\0{each.again}" for each in self.inputs
        )
        return _native.key_of(f"{self.how.key}\n{files}")

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(each.size for each in self.inputs)

    def halves(self) -> tuple[Batch, Batch]:
        """Cut it in two.

        Returns
        -------
        tuple of two Batch
            The first and the second half of its files.
        """
        middle = len(self.inputs) // 2
        return replace(self, inputs=self.inputs[:middle]), replace(self, inputs=self.inputs[middle:])

    def __repr__(self) -> str:
        return f"<Batch {self.id}: {plural(len(self.inputs), 'file')}, {plural(self.size, 'byte')}>"


def batches(
    inputs: Iterable[Input], how: How, sources: tuple[Objects, ...] = (), *, threads: int | None = None
) -> list[Batch]:
    """Cut inputs into batches, those of a case together; for threads of this process, or for an executor."""
    todo = sorted(inputs, key=lambda one: (natural_key(one.case), natural_key(one.path)))
    most_files, most_bytes = FILES, BYTES
    if threads is not None:
        shares = threads * _SHARES
        most_files = min(max(FILES, len(todo) // shares), LOCAL_FILES)
        most_bytes = min(max(LEAST_BYTES, sum(each.size for each in todo) // shares), BYTES)
    made: list[Batch] = []
    some: list[Input] = []
    size = 0
    for each in todo:
        if some and (len(some) >= most_files or size + each.size > most_bytes):
            made.append(Batch(tuple(some), how, sources))
            some, size = [], 0
        some.append(each)
        size += each.size
    if some:
        made.append(Batch(tuple(some), how, sources))
    return made


def inputs_of(found: Iterable[Found], case: CaseRule) -> list[Input]:
    """Say of everything that was found to which case it belongs."""
    return [
        Input(
            each.path,
            text_of(case_of(each.path, each.root, case)),
            each.size,
            each.mtime_ns,
            each.trouble,
            each.reason,
            each.of,
            each.is_split,
        )
        for each in found
    ]


def case_of(path: str, root: str, rule: CaseRule) -> str:
    """Tell to which case a file belongs.

    Without a rule, or where it says nothing: the first folder under the source; for a file that is in no folder, the
    name of an archive without its ending, else the name of the source's own folder.
    """
    inside = (
        PurePath(path).relative_to(root).parts if PurePath(path).is_relative_to(root) else PurePath(path).parts[-1:]
    )
    if isinstance(rule, str):
        return rule
    if isinstance(rule, re.Pattern):
        match = rule.search("/".join(inside))
        named = (match[1] if rule.groups else match[0]) if match else None
    else:
        named = rule(path) if rule is not None else None
    if named:
        return str(named)
    if len(inside) > 1:
        return inside[0]
    name = inside[0] if inside else PurePath(path).name
    stem = _ARCHIVES.sub("", name)
    return stem if stem and stem != name else PurePath(root).name or "/"


def left(inputs: Iterable[Input], known: Mapping[str, Known], how: How, *, token: str = "") -> list[Input]:
    """Leave out what the manifest has already; see `Known`."""
    todo = []
    for each in inputs:
        past = known.get(text_of(each.path))
        if past is None:
            todo.append(each)
        elif token or not past.is_of(each, how):
            todo.append(replace(each, again=token or past.batch, after=past.read_at))
        elif past.alone:
            todo.append(replace(each, again=past.batch, after=past.read_at))
        elif each.trouble is None and (AGAIN & past.kinds or (how.password and NEEDS_PASSWORD & past.kinds)):
            kinds = ",".join(sorted(past.kinds))
            todo.append(replace(each, again=past.batch, after=past.read_at, before=kinds))
    return todo


@dataclass(frozen=True)
class Known:
    """What the manifest has of an input: as what it was read, in which batch, and what kinds of failures there were."""

    size: int
    mtime_ns: int
    options: str
    case: str
    batch: str
    read_at: datetime
    kinds: frozenset[str]
    trouble: str | None
    alone: bool
    """It is the duplicate of a file that is no longer what it was."""

    def is_of(self, one: Input, how: How) -> bool:
        """Tell whether nothing has changed since."""
        as_it_was = (self.size, self.mtime_ns, self.case, self.trouble) == (
            one.size,
            one.mtime_ns,
            one.case,
            one.trouble or ("part" if one.of else None),
        )
        return as_it_was and (self.options == how.key or one.trouble is not None or one.of is not None)


def text_of(path: str) -> str:
    r"""Write a path as text that any table holds: bytes that are no text as ``\xNN``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
