"""`read`: a path, bytes or a file object becomes a `Snapshot`, a `Dump` or a `Comparison`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from heapdelta import _native
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._read.archive import ArchiveLimits, checked_opening, member_path
from heapdelta._read.encoding import encoding_name, explained
from heapdelta._read.source import for_native, label_of, name_of
from heapdelta.exceptions import ArchiveError, FormatError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta._read.source import Source

    Native: TypeAlias = "_native.Snapshot | _native.Comparison | _native.Dump"

__all__ = ["read"]

Progress: TypeAlias = "Callable[[int, int | None], object]"
AnyCapture: TypeAlias = Snapshot | Dump | Comparison
"""What a file can turn out to be."""


def read(
    source: Source,
    *,
    threads: int | None = None,
    blocks: bool = True,
    radix: int | None = None,
    capture: int | None = None,
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
    progress: Progress | None = None,
) -> AnyCapture:
    r"""Read a heap log, the comparison of two, or a minidump.

    Understands what DH, UMDH 1, UMDH 2 and DHCMP write, and `umdh A B`, in any of their encodings and line ends, and
    minidumps of any writer. What could not be read is in the ``issues`` table; nothing is left out in silence.

    An archive of one of them is read as that: zip, 7z, tar, cab, gzip, bzip2, xz, Zstandard, a mail with attachments,
    and archives in archives. ``case.zip!logs/before.txt`` is one file of several; `members` lists them.

    A type checker cannot know what a path leads to. Where you do, `read_log`, `read_dump` and `read_comparison` give
    that kind and no other.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview or binary file object
        A path, or the content itself. A file object is read from where it is to its end, into memory; a path is
        read in blocks and needs far less. A minidump is mapped from its path: do not change the file while its `Dump`
        is in use.
    threads : int, optional
        Threads to parse with, at least 1; by default one per core. The result never depends on it.
    blocks : bool, default True
        False leaves the ``allocations`` table empty and keeps only the sums per heap and stack, which is all that
        `diff` needs, in a fraction of the memory.
    radix : {10, 16}, optional
        Radix of the numbers of a comparison, for the rare file that does not prove it.
    capture : int, optional
        Which capture to read, from 1, where a file holds several: snapshots, comparisons, or both.
    encoding : str, optional
        Code page of the customer's Windows, for a log whose names are not UTF-8: any of Python's names that Windows
        has, such as ``"cp932"`` (Japanese), ``"gbk"``, ``"cp949"``, ``"big5"``, ``"cp1251"``, ``"cp850"``, or the bare
        number. Without it such bytes are read as windows-1252, and an ``assumed_code_page`` issue says so. A file that
        proves its own encoding by its mark, or by the zeros of UTF-16 and UTF-32, is read by that. Names in an archive
        that do not say theirs are read by the code page of DOS that goes with it, else by 437.
    password : str, optional
        What opens encrypted files of an archive.
    limits : ArchiveLimits, optional
        How much of an archive is believed.
    progress : callable, optional
        Called at most every 50 ms with the bytes done and the bytes in all (None if not known). What it raises stops
        the reading and comes out of this call.

    Returns
    -------
    Snapshot, Dump or Comparison
        A `Snapshot` of a log, a `Dump` of a minidump; a `Comparison` for the text that DHCMP or UMDH wrote about two
        logs.

    Raises
    ------
    NotFoundError, PermissionDeniedError, DirectoryError, ReadError
        If the file cannot be opened or read; each is also the built-in exception of that meaning.
    FormatError
        If the content is neither a heap log nor a minidump.
    ArchiveError
        If an archive holds none of these or several of them (the message lists what it holds), if it has no file of the
        name given, or if that cannot be unpacked.
    CaptureError
        If the capture failed on the customer's machine, if there are several and none was chosen, or if the chosen one
        does not exist.
    RadixError
        If the radix of a comparison cannot be proved, or the one given cannot be right.
    OptionError
        If an option has a value it does not take.
    TypeError
        If `source` is none of the above, or a file opened in text mode.

    Notes
    -----
    The interpreter lock is released while parsing, and Ctrl-C stops it. Memory: about half of the log
    (benches/README.md), far less with ``blocks=False`` where blocks make up most of it.

    References
    ----------
    ``docs/formats.md`` says what is known of each format, and from where.

    Examples
    --------
    >>> import heapdelta as hd
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
    >>> hd.read(log).usage["requested_bytes"].to_list()
    [64]
    """
    # To Python, True is the number 1; `threads=True` is a mistake.
    for option, value in (("threads", threads), ("radix", radix), ("capture", capture)):
        if isinstance(value, bool):
            raise OptionError(f"expected a number for {option}, found {value}", kind="option")
    checked_opening(password, limits)
    known, content = encoding_name(encoding), for_native(source)
    try:
        native = _native.read(
            content,
            threads=threads,
            blocks=blocks,
            radix=radix,
            capture=capture,
            encoding=known,
            progress=progress,
            name=name_of(source),
            password=password,
            limits=limits,
        )
    except FormatError as error:
        better = explained(error, content, known)
        if better is error:
            raise
        raise better from None
    return _wrapped(native)


def read_each(
    paths: list[str],
    *,
    blocks: bool,
    encoding: str | None,
    password: str | None,
    limits: ArchiveLimits | None,
    progress: Progress,
) -> list[AnyCapture | BaseException]:
    """Read small files one after the other: what `read` gives or raises for each. What `progress` raises comes out."""
    known = encoding_name(encoding)
    found = _native.read_each(paths, blocks=blocks, encoding=known, password=password, limits=limits, progress=progress)
    return [
        explained(each, path, known) if isinstance(each, BaseException) else _wrapped(each)
        for path, each in zip(paths, found, strict=True)
    ]


def read_every(
    path: str,
    *,
    blocks: bool,
    encoding: str | None,
    password: str | None,
    limits: ArchiveLimits | None,
    progress: Progress,
) -> list[AnyCapture | BaseException]:
    """Read every capture of a file that holds several: what `read` gives or raises for each."""
    known = encoding_name(encoding)
    found = _native.read_every(path, blocks=blocks, encoding=known, password=password, limits=limits, progress=progress)
    return [each if isinstance(each, BaseException) else _wrapped(each) for each in found]


def read_members(
    source: Source,
    *,
    threads: int | None,
    blocks: bool,
    encoding: str | None,
    password: str | None,
    limits: ArchiveLimits | None,
    progress: Progress,
) -> list[tuple[str | None, AnyCapture | BaseException]]:
    """Read all files of an archive in one pass, or the one that a source is.

    Gives the path of each, None for bytes and nameless file objects, and what `read` gives or raises for it.
    """
    found: list[tuple[str | None, AnyCapture | BaseException]] = []
    for_each_member(
        source,
        lambda member: found.append((member.path, member.outcome)),
        threads=threads,
        blocks=blocks,
        encoding=encoding,
        password=password,
        limits=limits,
        progress=progress,
        or_itself=True,
    )
    return found or [(label_of(source), empty_archive(label_of(source)))]


@dataclass(frozen=True)
class Member:
    """A file of an archive, and what `read` gives or raises for it; the path of a source without a name is None."""

    path: str | None
    label: str
    size: int | None
    modified: int | None
    hash: str | None
    outcome: AnyCapture | BaseException


def for_each_member(
    source: Source,
    each: Callable[[Member], object],
    *,
    threads: int | None,
    blocks: bool,
    encoding: str | None,
    password: str | None,
    limits: ArchiveLimits | None,
    progress: Progress,
    or_itself: bool = False,
) -> None:
    """Read all files of an archive in one pass, or the one that a source is; hand over each as soon as it is read."""
    name, known, content = label_of(source), encoding_name(encoding), for_native(source)
    shown = name or "<bytes>"
    is_path = isinstance(source, str | os.PathLike)

    def hand_over(
        label: str, size: int | None, modified: int | None, digest: str | None, found: Native | BaseException
    ) -> None:
        outcome = found if isinstance(found, BaseException) else _wrapped(found)
        if not label and isinstance(outcome, BaseException):
            outcome = explained(outcome, content, known)
        path = name if not label else member_path(shown, label) if is_path else f"{shown}!{label}"
        each(Member(path, label, size, modified, digest, outcome))

    _native.read_members(
        content,
        hand_over,
        threads=threads,
        blocks=blocks,
        encoding=known,
        password=password,
        limits=limits,
        progress=progress,
        name=name_of(source),
        or_itself=or_itself,
    )


def empty_archive(name: str | None) -> ArchiveError:
    """Make the error about an archive without a file."""
    message = f"{name or '<bytes>'}: expected an archive of heap logs or minidumps, found no file in it"
    return ArchiveError(message, path=name, kind="no_member")


def _wrapped(native: Native) -> AnyCapture:
    if isinstance(native, _native.Comparison):
        return Comparison(native)
    if isinstance(native, _native.Dump):
        return Dump(native)
    return Snapshot(native)
