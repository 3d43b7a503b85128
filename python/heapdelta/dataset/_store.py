"""Where a dataset lies: a folder, or a bucket of an object store. Files appear in it whole or not at all.

A name in a store is relative and written with slashes: ``usage/0123456789ABCDEF.parquet``.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

from heapdelta import _whole_file
from heapdelta._long_path import for_system
from heapdelta.dataset._bucket import Bucket, address_of, is_bucket, store_at
from heapdelta.exceptions import NotFoundError, ReadError, WriteError

if TYPE_CHECKING:
    from collections.abc import Sequence

Place: TypeAlias = "str | os.PathLike[str] | Any"
"""A folder, the address of a bucket, or a store of obstore."""


class Store(Protocol):
    """What a dataset asks of the place where it lies."""

    @property
    def place(self) -> str:
        """What the place is called in messages."""

    def get(self, name: str) -> bytes | None:
        """Give the content of a file; None if there is none of the name."""

    def put(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, over one of the name."""

    def put_new(self, name: str, content: bytes) -> bool:
        """Write a file if there is none of the name; False if there is."""

    def has(self, name: str) -> bool:
        """Tell whether there is a file of the name."""

    def names(self, folder: str = "") -> list[str]:
        """List the files of a folder, by name, without those of folders in it."""

    def folders(self) -> list[str]:
        """List the folders in the place."""

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is gone already."""

    def discard(self, name: str) -> None:
        """Delete a file that counts no more, or leave it to the next sweep."""

    def scannable(self, names: Sequence[str]) -> list[Any]:
        """Give what polars scans for the files."""

    def first_missing(self, names: Sequence[str]) -> str | None:
        """Name the first of these files that is not there, if that can be told at once."""


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that all machines have."""

    path: str

    @property
    def place(self) -> str:
        """The folder."""
        return self.path

    def get(self, name: str) -> bytes | None:
        """Give the content of a file; None if there is none of the name."""
        try:
            return self._at(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self._of(name), error) from error

    def put(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, over one of the name."""
        try:
            _whole_file.write(self._of(name), content)
        except FileNotFoundError:
            self._make_folder(name)
            _whole_file.write(self._of(name), content)

    def put_new(self, name: str, content: bytes) -> bool:
        """Write a file if there is none of the name; False if there is. Of two at the same moment the second stays."""
        if self.has(name):
            return False
        self.put(name, content)
        return True

    def has(self, name: str) -> bool:
        """Tell whether there is a file of the name."""
        with suppress(OSError):
            return self._at(name).exists()
        return False

    def names(self, folder: str = "") -> list[str]:
        """List the files of a folder, by name, without those of folders in it."""
        try:
            with os.scandir(self._at(folder)) as entries:
                return sorted(entry.name for entry in entries if entry.is_file())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(self._of(folder), error) from error

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is gone already."""
        try:
            self._at(name).unlink(missing_ok=True)
        except OSError as error:
            raise WriteError.of(self._of(name), error) from error

    def discard(self, name: str) -> None:
        """Delete a file that counts no more; one that a reader has open on Windows is left to the next sweep."""
        try:
            self._at(name).unlink(missing_ok=True)
        except OSError as error:
            if not _whole_file.is_open_elsewhere(error):
                raise WriteError.of(self._of(name), error) from error

    def scannable(self, names: Sequence[str]) -> list[Any]:
        """Give what polars scans for the files."""
        return [self._of(name) for name in names]

    def first_missing(self, names: Sequence[str]) -> str | None:
        """Name the first of these files that is not there."""
        return next((name for name in names if not self._at(name).exists()), None)

    def folders(self) -> list[str]:
        """List the folders in the place."""
        with suppress(FileNotFoundError), os.scandir(self._at(".")) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
        return []

    def make(self) -> None:
        """Make the folder."""
        self._make_folder(".")

    def age(self, name: str) -> float:
        """Tell how long ago a file was written, in seconds."""
        try:
            return time.time() - self._at(name).stat().st_mtime
        except OSError:
            return 0.0

    def _of(self, name: str) -> str:
        return str(Path(self.path, name))

    def _at(self, name: str) -> Path:
        return Path(for_system(self._of(name)))

    def _make_folder(self, name: str) -> None:
        folder = self._at(name).parent if name != "." else self._at(".")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError.of(str(folder), error) from error


def store_of(place: Place) -> Store:
    """Give the store that a place is.

    Raises
    ------
    OptionError
        If obstore is asked for and not installed, or the address is of no kind that it knows.
    TypeError
        If it is none.
    """
    if isinstance(place, Folder | Bucket):
        return place
    if isinstance(place, str) and "://" in place:
        return _bucket_at(place)
    if isinstance(place, str | os.PathLike):
        return Folder(str(Path(os.fspath(place)).absolute()))
    if is_bucket(place):
        return Bucket(place, address_of(place))
    message = f"expected a folder, an address such as s3://bucket/cases, or a store of obstore, found {place!r}"
    raise TypeError(message)


def not_there(place: str) -> NotFoundError:
    """Make the error about a dataset that is not there."""
    return NotFoundError(f"{place}: no such dataset", path=place, kind="not_found")


def _bucket_at(address: str) -> Store:
    if address.startswith("file://"):
        return Folder(local_path(address))
    return Bucket(store_at(address.rstrip("/")), address.rstrip("/"))


def local_path(address: str) -> str:
    """Give the path that a `file://` address names."""
    return str(Path(url2pathname(urlsplit(address).path)).absolute())


def _unreadable(path: str, error: OSError) -> ReadError:
    return ReadError(f"{path}: cannot read: {error.strerror or error}", path=path, kind="io")
