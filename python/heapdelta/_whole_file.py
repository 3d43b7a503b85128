"""Files that appear whole or not at all: written beside their place, brought to the disk, then moved there.

Whatever goes wrong on the way, a full disk or Ctrl-C, leaves the file that was there before, and nothing else. A killed
process can leave its hidden temporary file behind, never half a file under the name that was asked for. Everything that
this package writes goes through here.

A link is followed: the file it leads to is replaced, and the link stays. What is no file, such as ``/dev/stdout``, a
pipe or ``-`` for standard output, has nothing that could be replaced, and is written to as it is.
"""

from __future__ import annotations

import errno
import io
import os
import re
import select
import stat
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from heapdelta._long_path import for_system, real
from heapdelta.exceptions import HeapdeltaError, WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STREAMS = {"-": 1, "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_STREAM = re.compile(r"/(?:dev|proc/(self|thread-self|\d+))/fd/(\d+)")
# Some file systems have no such thing; what they hold is as safe as they make it.
_NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EROFS}
# Numbers of Windows: access denied, sharing violation, lock violation, user-mapped section open.
_OPEN_ELSEWHERE = {5, 32, 33, 1224}
# Half a second in all: long for a scanner, short for who waits for the error.
_PAUSES = (0.01, 0.04, 0.15, 0.3)


def write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file; text as UTF-8 with the line ends it has.

    Raises
    ------
    WriteError
        If it cannot be written. What was there before is as it was.
    """
    content = content.encode() if isinstance(content, str) else content
    number = stream_of(path)
    if number in (1, 2):
        _write_stream(number, content)
    elif number is not None:
        with _told(path):
            write_all(number, content)
    else:
        with replaced(path) as place, place.open("wb", buffering=0) as file:
            write_all(file.fileno(), content)


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the path of an empty file to be filled, which takes the place of `path` when that is done.

    Raises
    ------
    WriteError
        If it cannot be written. What was there before is as it was.
    """
    with _told(path):
        target, before = _target(path)
        if target is None:
            yield Path(path)
            return
        beside = _beside(target, before)
        try:
            yield beside
            _finish(beside, before)
            _put_in_place(beside, target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)


def check(path: str | os.PathLike[str]) -> None:
    """Raise what `write` would raise at once: before long work, and with nothing written.

    Raises
    ------
    WriteError
        If there is no such folder, if the name is too long or a folder's, or if writing is not allowed.
    """
    if stream_of(path) is not None:
        return
    with _told(path):
        target, before = _target(path)
        if target is not None:
            _beside(target, before).unlink()
        else:
            _refuse_protected(path)


def stream_of(path: str | os.PathLike[str]) -> int | None:
    """Give the number of an open file that a path names, such as 1 for ``-`` and ``/dev/stdout``."""
    name = os.path.normpath(path)
    found = _STREAM.fullmatch(name)
    if found is None or found[1] not in (None, "self", "thread-self", str(os.getpid())):
        return _STREAMS.get(name)
    return int(found[2])


def is_open_elsewhere(error: OSError) -> bool:
    """Tell whether Windows refused because somebody has the file open, or may have."""
    return getattr(error, "winerror", None) in _OPEN_ELSEWHERE


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write everything: the system may take a part of it and say so, or none for now."""
    rest = memoryview(content)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
        except OSError as error:
            # So Windows says that nobody reads a pipe any more; there is no other reason for it with one.
            if error.errno == errno.EINVAL and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
            raise


def _write_stream(number: int, content: bytes) -> None:
    """Write to standard output or standard error, behind what this program has already written to it."""
    python = sys.stdout if number == 1 else sys.stderr
    if python is not None:
        python.flush()
    buffer = getattr(python, "buffer", None)
    if isinstance(buffer, io.BufferedIOBase):
        buffer.write(content)
        buffer.flush()
    else:
        write_all(number, content)


@contextmanager
def _told(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file that was asked for, whichever the system choked on."""
    try:
        yield
    except HeapdeltaError:
        raise
    except OSError as error:
        raise WriteError.of(os.fspath(path), error) from error


def _target(path: str | os.PathLike[str]) -> tuple[Path | None, os.stat_result | None]:
    """Find the file to replace, and what is there now; no file where the path leads to something else."""
    try:
        before = os.stat(for_system(path))  # noqa: PTH116 - a path that is no text is the caller's
    except FileNotFoundError:
        return Path(real(path)), None
    if stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(before.st_mode):
        return None, before
    _refuse_protected(path)
    return Path(real(path)), before


def _refuse_protected(path: str | os.PathLike[str]) -> None:
    """Raise for a file that may not be written to: its folder may, and would let us replace it."""
    if not os.access(for_system(path), os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _beside(target: Path, before: os.stat_result | None) -> Path:
    """Make an empty file in the folder of the target: hidden, so that nobody takes it for a log."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    # What replaces a private file is never public, and a new file is what the user's mask makes of it.
    mode = 0o666 if before is None else 0o600
    while True:
        # Longer than the target, so it may be too long where the target is not.
        beside = Path(for_system(target.parent / f".heapdelta-{token_hex(6)}.part"))
        with suppress(FileExistsError):
            os.close(os.open(beside, flags, mode))
            return beside


def _finish(beside: Path, before: os.stat_result | None) -> None:
    """Give the new file the owner and mode of the old one, and bring it to the disk."""
    if before is not None:
        if hasattr(os, "chown"):
            # Only root may give a file away; else it is ours from now on.
            with suppress(PermissionError):
                os.chown(beside, before.st_uid, before.st_gid)
        beside.chmod(stat.S_IMODE(before.st_mode))
    _sync(beside, os.O_RDWR)


def _put_in_place(beside: Path, target: Path) -> None:
    """Move the new file to its place; wait a moment where Windows refuses because a virus scanner or an index looks."""
    for pause in _PAUSES:
        try:
            beside.replace(target)
        except OSError as error:
            if not is_open_elsewhere(error):
                raise
            time.sleep(pause)
        else:
            return
    beside.replace(target)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where a folder can be asked for that. The file is in its place already."""
    if os.name == "posix":
        with suppress(OSError):
            _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)
