"""`read_log`, `read_dump`, `read_comparison`: as `read`, where the caller knows what the file must be.

A type checker cannot know what a path leads to, so `read` promises one of three. Each of these promises one, and keeps
the promise: anything else is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._read.one import read
from heapdelta._read.source import label_of
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._read.archive import ArchiveLimits
    from heapdelta._read.one import AnyCapture, Progress
    from heapdelta._read.source import Source

__all__ = ["read_comparison", "read_dump", "read_log"]

Kind = TypeVar("Kind", Snapshot, Dump, Comparison)


def read_log(
    source: Source,
    *,
    threads: int | None = None,
    blocks: bool = True,
    capture: int | None = None,
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    r"""Read a heap log, and nothing else.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview or binary file object
        A path, or the content itself.
    threads, blocks, capture, encoding, password, limits, progress : optional
        As for `read`.

    Returns
    -------
    Snapshot
        The log.

    Raises
    ------
    OptionError
        Of kind ``not_a_snapshot``, if the file holds a minidump or a comparison.
    HeapdeltaError
        What `read` raises.

    Examples
    --------
    >>> import heapdelta as hd
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
    >>> hd.read_log(log).heaps["base"].to_list()
    [65536]
    """
    found = read(
        source,
        threads=threads,
        blocks=blocks,
        capture=capture,
        encoding=encoding,
        password=password,
        limits=limits,
        progress=progress,
    )
    return _expected(Snapshot, found, source, "not_a_snapshot")


def read_dump(
    source: Source,
    *,
    threads: int | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
    progress: Progress | None = None,
) -> Dump:
    r"""Read a minidump, and nothing else.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview or binary file object
        A path, or the content itself.
    threads, password, limits, progress : optional
        As for `read`.

    Returns
    -------
    Dump
        The dump. The file is mapped from its path: do not change it while the dump is in use.

    Raises
    ------
    OptionError
        Of kind ``not_a_dump``, if the file holds text about heaps.
    HeapdeltaError
        What `read` raises.

    Examples
    --------
    >>> import heapdelta as hd
    >>> hd.read_dump(b"MDMP\x93\xa7\0\0" + bytes(24))
    <Dump <bytes>: minidump, 0 issues>
    """
    found = read(source, threads=threads, password=password, limits=limits, progress=progress)
    return _expected(Dump, found, source, "not_a_dump")


def read_comparison(
    source: Source,
    *,
    threads: int | None = None,
    radix: int | None = None,
    capture: int | None = None,
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
    progress: Progress | None = None,
) -> Comparison:
    r"""Read the text that DHCMP or UMDH wrote about two logs, and nothing else.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview or binary file object
        A path, or the content itself.
    threads, radix, capture, encoding, password, limits, progress : optional
        As for `read`.

    Returns
    -------
    Comparison
        The comparison.

    Raises
    ------
    OptionError
        Of kind ``not_a_comparison``, if the file holds a log or a minidump.
    HeapdeltaError
        What `read` raises.

    Examples
    --------
    >>> import heapdelta as hd
    >>> text = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"
    >>> hd.read_comparison(text).radix
    16
    """
    found = read(
        source,
        threads=threads,
        radix=radix,
        capture=capture,
        encoding=encoding,
        password=password,
        limits=limits,
        progress=progress,
    )
    return _expected(Comparison, found, source, "not_a_comparison")


def _expected(kind: type[Kind], found: AnyCapture, source: object, otherwise: str) -> Kind:
    """Let a capture of the kind pass.

    Raises
    ------
    OptionError
        If it is of another.
    """
    if isinstance(found, kind):
        return found
    name = label_of(source)
    message = f"{name or '<bytes>'}: expected {kind._noun}, found {found._noun}"
    raise OptionError(message, path=name, hint="read() takes all three", kind=otherwise)
