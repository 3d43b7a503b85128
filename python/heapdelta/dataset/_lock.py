"""One writer at a time: a lock on a file of the dataset, which the system lets go of however the process ends."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heapdelta._long_path import for_system
from heapdelta.dataset._store import Folder
from heapdelta.exceptions import OptionError, WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapdelta.dataset._store import Store

NAME = ".lock"
# The byte that is locked on Windows, behind all that is ever written: a locked byte can be neither read nor copied.
_LOCKED_BYTE = 1 << 30


@contextmanager
def only_writer(store: Store, who: str) -> Iterator[str]:
    """Keep others from writing, and note in a word who works; gives who did before.

    An object store has no locks: there everybody may write, and the same batch under the same name.

    Raises
    ------
    OptionError
        If another process writes.
    WriteError
        If the folder cannot be written to.
    """
    if not isinstance(store, Folder):
        yield "executor"
        return
    path = Path(store.path, NAME)
    try:
        descriptor = os.open(for_system(path), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise WriteError.of(str(path), error) from error
    try:
        if not _locked(descriptor):
            message = (
                f"{store.place}: expected a dataset that nobody writes to, found another ingest or compact at work"
            )
            raise OptionError(message, path=store.place, hint="wait for it to end", kind="in_use")
        earlier = os.read(descriptor, 100).decode("utf-8", "replace").strip()
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{who}\n".encode())
        yield earlier
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
