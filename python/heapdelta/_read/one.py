"""`read`: a path, bytes or a file object becomes a `Snapshot`, a `Dump` or a `Comparison`."""

from __future__ import annotations

import codecs
import io
import os
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from heapdelta import _native
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._read.wrong_encoding import explained
from heapdelta.exceptions import FormatError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read"]

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"
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
    progress: Progress | None = None,
) -> AnyCapture:
    r"""Read a heap log, the comparison of two, or a minidump.

    Understands what DH, UMDH 1, UMDH 2 and DHCMP write, and `umdh A B`, in any of their encodings and line ends, and
    minidumps of any writer. What could not be read is in the ``issues`` table; nothing is left out in silence.

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
        proves its own encoding by its mark, or by the zeros of UTF-16 and UTF-32, is read by that.
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
    known, content = encoding_name(encoding), _for_native(source)
    try:
        native = _native.read(
            content,
            threads=threads,
            blocks=blocks,
            radix=radix,
            capture=capture,
            encoding=known,
            progress=progress,
            name=_name_of(source),
        )
    except FormatError as error:
        better = explained(error, content, known)
        if better is error:
            raise
        raise better from None
    return _wrapped(native)


def encoding_name(encoding: str | None) -> str | None:
    """Give Python's name of an encoding that the core knows.

    Raises
    ------
    OptionError
        If it does not.
    TypeError
        If it is no text.
    """
    if encoding is None:
        return None
    if not isinstance(encoding, str):
        raise TypeError(f"expected the name of an encoding, found {type(encoding).__name__}")
    try:
        known = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        # Not a name of Python's: the core knows others.
        known = encoding
    name = _native.encoding_name(known)
    if name is None:
        message = f"expected a code page such as cp932 or windows-1251 for encoding, found {encoding!r}"
        raise OptionError(message, kind="option")
    return name


def read_each(
    paths: list[str], *, blocks: bool, encoding: str | None, progress: Progress
) -> list[AnyCapture | BaseException]:
    """Read small files one after the other: what `read` gives or raises for each. What `progress` raises comes out."""
    found = _native.read_each(paths, blocks=blocks, encoding=encoding, progress=progress)
    known = encoding_name(encoding)
    return [
        explained(each, path, known) if isinstance(each, BaseException) else _wrapped(each)
        for path, each in zip(paths, found, strict=True)
    ]


def _wrapped(native: _native.Snapshot | _native.Comparison | _native.Dump) -> AnyCapture:
    if isinstance(native, _native.Comparison):
        return Comparison(native)
    if isinstance(native, _native.Dump):
        return Dump(native)
    return Snapshot(native)


def _name_of(source: object) -> str | None:
    """Find the name of a file object, for messages."""
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and not isinstance(source, os.PathLike) else None


def _for_native(source: object) -> str | os.PathLike[str] | bytes:
    if isinstance(source, str | bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, os.PathLike):
        path: str | bytes = os.fspath(source)
        if isinstance(path, bytes):
            raise TypeError("expected a path of text, found one of bytes; decode it with os.fsdecode")
        return path
    if isinstance(source, io.TextIOBase):
        raise TypeError(_TEXT_MODE)
    read_all = getattr(source, "read", None)
    if not callable(read_all):
        raise TypeError(f"expected a path, bytes or a binary file object, found {type(source).__name__}")
    content = read_all()
    if isinstance(content, str):
        raise TypeError(_TEXT_MODE)
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(f"expected read() to give bytes, found {type(content).__name__}")
    return bytes(content)


_TEXT_MODE = 'expected a file opened in binary mode, found text mode; open it with open(path, "rb")'
