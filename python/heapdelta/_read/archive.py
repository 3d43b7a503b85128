"""Archives: how much of one is believed, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._read.encoding import encoding_name
from heapdelta._read.source import as_text, for_native, label_of
from heapdelta.exceptions import ArchiveError, OptionError

if TYPE_CHECKING:
    from heapdelta._read.source import Source

__all__ = ["ArchiveLimits", "members"]

_SCHEMA = {"path": pl.String, "kind": pl.String, "readable": pl.Boolean, "size": pl.UInt64, "modified": pl.Datetime}


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """How much of an archive is believed: a few bytes can unpack to more than any disk holds.

    A limit that is reached is an issue of the file it cut short, or the reason why a file was not read.

    Parameters
    ----------
    ratio : int, default 250
        Bytes unpacked for each packed byte: of one file past its first 256 MiB, and of all together past the first GiB.
    member_bytes : int, default 64 GiB
        Bytes of one file, unpacked.
    total_bytes : int, default 1 TiB
        Bytes of all files, unpacked, those of archives inside included.
    members : int, default 100000
        Files, those of archives inside included.
    depth : int, default 8
        Archives in archives.
    memory_bytes : int, default 256 MiB
        Bytes of a minidump, or of an archive in an archive, that are kept in memory. A larger one goes into a nameless
        file of the temporary folder, which ends with the process.

    Raises
    ------
    OptionError
        If a limit is no whole number of at least 1.

    Examples
    --------
    >>> import heapdelta as hd
    >>> hd.ArchiveLimits(members=10).depth
    8
    """

    ratio: int = 250
    member_bytes: int = 64 << 30
    total_bytes: int = 1 << 40
    members: int = 100_000
    depth: int = 8
    memory_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**63:
                raise OptionError(f"expected a whole number from 1 for {field.name}, found {value!r}", kind="option")


def members(
    source: Source,
    *,
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
) -> pl.DataFrame:
    r"""List what an archive holds, archives inside of it included.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview or binary file object
        The archive: zip, 7z, tar, cab, gzip, bzip2, xz, Zstandard, or a mail with attachments.
    encoding, password, limits : optional
        As for `read`.

    Returns
    -------
    polars.DataFrame
        One row per file, in the order of the archive: ``path`` str (``case.zip!logs/before.txt``, as `read` takes it),
        ``kind`` str (``umdh2``, ``dump``, …, or in words what it is, or why it cannot be unpacked), ``readable`` bool
        (null where it cannot be unpacked, or not all of it, so that nobody knows),
        ``size`` u64 (bytes, as the archive says; null where it does not), ``modified`` datetime (in UTC, or in local
        time where the archive keeps that: zip, cab; null where it keeps none).

    Raises
    ------
    ArchiveError
        Of kind ``not_an_archive``, if it is none.
    HeapdeltaError
        What `read` raises about a file that cannot be opened.

    Examples
    --------
    >>> import heapdelta as hd
    >>> import gzip
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
    >>> hd.members(gzip.compress(log)).select("path", "kind", "readable").rows()
    [('<bytes>', 'umdh2', True)]
    """
    checked_opening(password, limits)
    name = label_of(source) or "<bytes>"
    known, content = encoding_name(encoding), for_native(source)
    rows = _native.members(content, encoding=known, password=password, limits=limits)
    if rows is None:
        message = f"{name}: expected an archive, found another file"
        raise ArchiveError(
            message, path=name, hint="read() takes logs and minidumps as they are", kind="not_an_archive"
        )
    return pl.DataFrame(
        [
            (
                as_text(member_path(name, label)),
                kind,
                readable,
                size,
                None if modified is None else modified * 1_000_000,
            )
            for label, size, modified, kind, readable in rows
        ],
        schema=_SCHEMA,
        orient="row",
    )


def member_path(archive: str, label: str) -> str:
    """Name a file of an archive, as `read` takes it; the content of a compressed file has its name.

    Labels are those of the outermost archive, also where one inside of it was named.
    """
    outermost = str(_native.archive_of(archive) or archive)
    return f"{outermost}!{label}" if label else archive


def checked_opening(password: object, limits: object) -> None:
    """Let a password and limits pass that are none or of the right type.

    Raises
    ------
    TypeError
        If they are of another.
    """
    if password is not None and not isinstance(password, str):
        raise TypeError(f"expected a password of text, found {type(password).__name__}")
    if limits is not None and not isinstance(limits, ArchiveLimits):
        raise TypeError(f"expected limits as ArchiveLimits(...), found {type(limits).__name__}")
