"""Sources in object stores: what lies under an address, and the bytes of objects where a reader of files finds them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from heapdelta._read.archive import ArchiveLimits
from heapdelta._read.sources import parts_of
from heapdelta.dataset._bucket import Objects, address_of, first_line, is_bucket, obstore
from heapdelta.dataset._store import local_path
from heapdelta.dataset._walk import Found, Walk, listed, walk, with_parts
from heapdelta.exceptions import HeapdeltaError, NotFoundError, PermissionDeniedError, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from obstore import GetResult

    from heapdelta.dataset._plan import Input
    from heapdelta.dataset._store import Store

_AT_ONCE = 8
_CHUNK = 8 << 20
_NAMELESS = sys.platform == "linux"
"""Whether a file without a name can be opened all the same."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def objects_of(source: object) -> Objects | None:
    """Give the objects that a source is; None for one that is files."""
    if is_bucket(source):
        return Objects(address_of(source), source)
    if isinstance(source, str) and "://" in source and not source.startswith("file://"):
        return Objects(source.rstrip("/"))
    return None


def look_through(source: object, dataset: Store | None) -> Walk:
    """List all files and objects of a source, without those of the dataset itself.

    Raises
    ------
    NotFoundError
        If there is none of a name.
    OptionError, TypeError
        If a source is none.
    PermissionDeniedError, ReadError
        If objects cannot be listed.
    """
    is_one = isinstance(source, str | bytes | os.PathLike) or is_bucket(source) or not isinstance(source, Iterable)
    several: list[object] = [source] if is_one else list(cast("Iterable[object]", source))
    stores = [objects for each in several if (objects := objects_of(each)) is not None]
    files = [_local(each) for each in several if objects_of(each) is None]
    without = None if dataset is None else dataset.place
    here = walk(listed(files), without=without) if files or not stores else Walk([], [])
    found, folders, roots = {each.path: each for each in here.files}, here.folders, []
    for each in stores:
        inside, root = under(each, without=without)
        found |= {one.path: one for one in inside}
        roots.append(root)
        folders += [root.address] if root is each else []
    return Walk(list(found.values()), folders, tuple(roots))


def _local(source: object) -> object:
    return local_path(source) if isinstance(source, str) and source.startswith("file://") else source


def under(source: Objects, *, without: str | None = None) -> tuple[list[Found], Objects]:
    """List all objects of a source; and the source itself, one level up for one object.

    `without` is the address of a dataset, whose objects are left out.

    Raises
    ------
    NotFoundError
        If there is none.
    PermissionDeniedError, ReadError
        If they cannot be listed.
    """
    try:
        listed = [each for chunk in obstore().list(source.store, chunk_size=1000) for each in chunk]
        root = source
        if not listed and source.given is None:
            root = Objects(source.address.rpartition("/")[0])
            name = source.address.rpartition("/")[2]
            listed = [] if root.address.endswith(":/") else [{**obstore().head(root.store, name), "path": name}]
    except (OSError, obstore().exceptions.BaseError) as error:
        raise _told(source.address, error) from error
    if not listed:
        raise NotFoundError(f"{source.address}: no such objects", path=source.address, kind="not_found")
    found = {}
    for each in listed:
        path = f"{root.address}/{each['path']}"
        if without is None or not path.startswith(f"{without}/"):
            found[path] = Found(path, root.address, each["size"], _ns(each["last_modified"]))
    return list(with_parts(found)), root


@contextmanager
def fetched(
    inputs: Sequence[Input], sources: Sequence[Objects], limits: ArchiveLimits | None
) -> Iterator[dict[str, str | HeapdeltaError]]:
    """Give for each input that is an object the path of a file of its bytes, or why there is none; no others are named.

    The bytes are in memory, or if they are more than `limits` allow there, in a temporary file without a name: on Linux
    nothing of them is left however the process ends.
    """
    remote = [(each, source, name) for each in inputs for source, name in _homes(each.path, sources)]
    with ExitStack() as stack:
        if not remote:
            yield {}
            return
        memory = (limits or ArchiveLimits()).memory_bytes

        def fetch(one: tuple[Input, Objects, str]) -> str | HeapdeltaError:
            try:
                return _whole(*one, memory, stack)
            except HeapdeltaError as error:
                return error
            except (OSError, obstore().exceptions.BaseError) as error:
                return _told(one[0].path, error)

        with ThreadPoolExecutor(min(_AT_ONCE, len(remote)), thread_name_prefix="heapdelta-get") as pool:
            places = list(pool.map(fetch, remote))
        yield {each.path: place for (each, _, _), place in zip(remote, places, strict=True)}


def _homes(path: str, sources: Sequence[Objects]) -> list[tuple[Objects, str]]:
    """Find the source of a path, the nearest if several hold it."""
    homes = [(source, name) for source in sources if (name := source.name_of(path)) is not None]
    return sorted(homes, key=lambda home: len(home[1]))[:1]


def _whole(one: Input, source: Objects, name: str, memory: int, stack: ExitStack) -> str:
    """Bring an object here, with the other parts of an archive in several."""
    if not one.is_split:
        return _file(one, source, name, memory, stack)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heapdelta-")))
    parent = name.rpartition("/")[0]
    beside = [each["path"] for each in obstore().list_with_delimiter(source.store, parent or None)["objects"]]
    for part in [name, *(part for part, whole in parts_of(beside).items() if whole == name)]:
        place = Path(_file(None, source, part, memory, stack))
        named = folder / part.rpartition("/")[2]
        if _NAMELESS:
            named.symlink_to(place)
        else:
            place.replace(named)
    return str(folder / name.rpartition("/")[2])


def _file(one: Input | None, source: Objects, name: str, memory: int, stack: ExitStack) -> str:
    """Bring one object into a file, and say where that is."""
    found = obstore().get(source.store, name)
    about = found.meta
    if one is not None and (about["size"], _ns(about["last_modified"]) // 10**9) != (one.size, one.mtime_ns // 10**9):
        # Stores answer a request for an object to the second, and list to the millisecond.
        message = f"{one.path}: expected an object that stays as it is, found that it changed after it was listed"
        raise ReadError(message, path=one.path, kind="changed")
    if not _NAMELESS:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="heapdelta-", ignore_cleanup_errors=True))
        place = Path(folder, "object")
        with place.open("wb") as named:
            _copy(found, named)
        return str(place)
    nameless = stack.enter_context(_nameless(in_memory=about["size"] <= memory))
    _copy(found, nameless)
    return f"/proc/self/fd/{nameless.fileno()}"


def _nameless(*, in_memory: bool) -> IO[bytes]:
    """Make an empty file that ends with the process."""
    if in_memory and sys.platform == "linux":
        return os.fdopen(os.memfd_create("heapdelta"), "w+b", buffering=0)
    return tempfile.TemporaryFile(prefix="heapdelta-", buffering=0)


def _copy(found: GetResult, file: IO[bytes]) -> None:
    for chunk in found.stream(min_chunk_size=_CHUNK):
        rest = memoryview(chunk)
        while rest:
            rest = rest[file.write(rest) :]


def _told(path: str, error: BaseException) -> HeapdeltaError:
    """Say why an object cannot be read."""
    exceptions = obstore().exceptions
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{path}: no such object", path=path, kind="not_found")
    if isinstance(error, PermissionError | exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return PermissionDeniedError(f"{path}: cannot read: permission denied", path=path, kind="permission")
    return ReadError(f"{path}: cannot read: {first_line(error)}", path=path, kind="io")


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
