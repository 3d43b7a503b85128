"""A dataset in an object store, by obstore. An object appears whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from heapdelta.exceptions import OptionError, ReadError, WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from obstore.store import ObjectStore

AT_ONCE = 16
"""Objects on their way at a time: each waits for the network, not for this machine."""


@dataclass(frozen=True)
class Bucket:
    """A store of obstore: Amazon S3, Google Cloud Storage, Azure, or in memory."""

    store: Any
    place: str

    def get(self, name: str) -> bytes | None:
        """Give the content of a file; None if there is none of the name."""
        try:
            with self._told(name):
                return bytes(obstore().get(self.store, name).bytes())
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, over one of the name."""
        with self._told(name, writes=True):
            obstore().put(self.store, name, content)

    def put_new(self, name: str, content: bytes) -> bool:
        """Write a file if there is none of the name; False if there is. Of two at the same moment the first stays."""
        try:
            with self._told(name, writes=True):
                obstore().put(self.store, name, content, mode="create")
        except obstore().exceptions.AlreadyExistsError:
            return False
        return True

    def has(self, name: str) -> bool:
        """Tell whether there is a file of the name."""
        try:
            with self._told(name):
                obstore().head(self.store, name)
        except FileNotFoundError:
            return False
        return True

    def names(self, folder: str = "") -> list[str]:
        """List the files of a folder, by name, without those of folders in it."""
        return sorted(each["path"].rpartition("/")[2] for each in self._listed(folder)["objects"])

    def folders(self) -> list[str]:
        """List the folders in the place."""
        return sorted(self._listed("")["common_prefixes"])

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is gone already."""
        with suppress(FileNotFoundError), self._told(name, writes=True):
            obstore().delete(self.store, name)

    def discard(self, name: str) -> None:
        """Delete a file that counts no more."""
        self.delete(name)

    def scannable(self, names: Sequence[str]) -> list[Any]:
        """Give the content of the files."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="heapdelta-get") as pool:
            contents = list(pool.map(self.get, names))
        for name, content in zip(names, contents, strict=True):
            if content is None:
                raise ReadError(f"{self.place}/{name}: cannot read: it is no longer there", path=name, kind="io")
        return contents

    def first_missing(self, names: Sequence[str]) -> str | None:
        """Name none: to ask for each takes long, and who scans them is told."""
        del names
        return None

    def _listed(self, folder: str) -> dict[str, Any]:
        with self._told(folder):
            found: dict[str, Any] = obstore().list_with_delimiter(self.store, folder or None)
        return found

    @contextmanager
    def _told(self, name: str, *, writes: bool = False) -> Iterator[None]:
        """Name the object in what goes wrong; that there is none, or one already, is said as it is."""
        exceptions = obstore().exceptions
        try:
            yield
        except (FileNotFoundError, exceptions.AlreadyExistsError):
            raise
        except (OSError, exceptions.BaseError) as error:
            kind, verb = (WriteError, "write") if writes else (ReadError, "read")
            message = f"{self.place}/{name}: cannot {verb}: {first_line(error)}"
            raise kind(message, path=name, kind="write" if writes else "io") from error


@dataclass(frozen=True)
class Objects:
    """Objects of a store. Without the store itself, whoever needs it makes it of the address."""

    address: str
    given: Any = field(default=None, repr=False, compare=False)

    @cached_property
    def store(self) -> ObjectStore:
        """The store; names in it are relative to the address."""
        return store_at(self.address) if self.given is None else cast("ObjectStore", self.given)

    def name_of(self, path: str) -> str | None:
        """Give the name of the object that a path means; None if it is not of these."""
        start = f"{self.address}/"
        return path.removeprefix(start) if path.startswith(start) else None

    def __reduce__(self) -> tuple[type[Objects], tuple[str, Any]]:
        return Objects, (self.address, self.given)


def is_bucket(place: object) -> bool:
    """Tell whether it is a store of obstore."""
    return type(place).__module__.partition(".")[0] == "obstore"


def address_of(store: object) -> str:
    """Give the address that a store of obstore stands for."""
    kind, config, prefix = type(store).__name__, getattr(store, "config", {}), getattr(store, "prefix", None)
    if kind == "LocalStore":
        return Path(prefix).as_uri() if prefix else "file://"
    schemes = {"S3Store": ("s3", "bucket"), "GCSStore": ("gs", "bucket"), "AzureStore": ("az", "container_name")}
    if kind not in schemes:
        url = getattr(store, "url", None)
        return str(url).rstrip("/") if url else f"{kind.removesuffix('Store').lower()}:/"
    scheme, key = schemes[kind]
    return "/".join(filter(None, (f"{scheme}://{config.get(key, '')}", str(prefix or "").strip("/"))))


def store_at(address: str) -> ObjectStore:
    """Give the store of obstore that an address names.

    Raises
    ------
    OptionError
        If obstore is not installed, or knows no such address.
    """
    library = obstore()
    try:
        found: ObjectStore = library.store.from_url(address)
    except (ValueError, library.exceptions.BaseError) as error:
        message = f"{address}: expected an address that obstore knows, such as s3://bucket/cases: {first_line(error)}"
        raise OptionError(message, path=address, kind="option") from error
    return found


def obstore() -> ModuleType:
    """Import obstore.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    try:
        import obstore
        import obstore.store
    except ImportError:
        message = "expected the package obstore for what is not in a folder, found it not installed"
        raise OptionError(message, hint="pip install 'heapdelta[distributed]'", kind="option") from None
    return obstore


def first_line(error: BaseException) -> str:
    """Give what an error says, without the pages for its makers."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
