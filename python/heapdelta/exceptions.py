"""What heapdelta raises: one base class, and a kind for every reason a caller may want to treat differently.

Every kind also derives from the built-in exception that says the same thing, so ``except FileNotFoundError`` and
``except ValueError`` work as a Python user expects. What concerns one line of a file is never raised: it is a row of
the ``issues`` table.
"""

from __future__ import annotations

import errno
from typing import Any

__all__ = [
    "AbsentMemoryError",
    "ArchiveError",
    "CancelledError",
    "CaptureError",
    "ClosedError",
    "DirectoryError",
    "FormatError",
    "HeapdeltaError",
    "InternalError",
    "NoTableError",
    "NotFoundError",
    "OptionError",
    "PermissionDeniedError",
    "RadixError",
    "ReadError",
    "WriteError",
]


_ERRNO = {"NotFoundError": errno.ENOENT, "PermissionDeniedError": errno.EACCES, "DirectoryError": errno.EISDIR}


class HeapdeltaError(Exception):
    """Base class of everything that heapdelta raises.

    Parameters
    ----------
    message : str
        One line: ``{path}:{line}: expected …, found …``.
    path : str, optional
        The file; None for bytes and file objects.
    line : int, optional
        Line number, from 1; None where the error is about the whole file.
    byte : int, optional
        Offset in the input as it was given, from 0.
    hint : str, optional
        What to do about it. Shown by Python below the message, as a note.
    kind : str, optional
        Stable name of the reason, for scripts, such as ``"not_a_log"``.

    Examples
    --------
    >>> from heapdelta.exceptions import FormatError
    >>> error = FormatError("a.txt: expected a heap log, found an empty file", path="a.txt", kind="empty")
    >>> str(error), error.path, error.line
    ('a.txt: expected a heap log, found an empty file', 'a.txt', None)
    """

    message: str
    path: str | None
    line: int | None
    byte: int | None
    hint: str | None
    kind: str | None

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        byte: int | None = None,
        hint: str | None = None,
        kind: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.byte = byte
        self.hint = hint
        self.kind = kind
        _fill_in(self, path)
        if hint is not None:
            self.add_note(f"hint: {hint}")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError's own pickling would lose the keyword arguments.
        place = (self.path, self.line, self.byte, self.hint, self.kind)
        return (_restore, (type(self), self.message, *place))


def _fill_in(error: object, path: str | None) -> None:
    """Set what callers of the built-in exceptions look at."""
    if isinstance(error, OSError):
        error.errno = _ERRNO.get(type(error).__name__)
        error.filename = path


def _restore(
    cls: type[HeapdeltaError],
    message: str,
    path: str | None,
    line: int | None,
    byte: int | None,
    hint: str | None,
    kind: str | None,
) -> HeapdeltaError:
    return cls(message, path=path, line=line, byte=byte, hint=hint, kind=kind)


class NotFoundError(HeapdeltaError, FileNotFoundError):
    """The file does not exist."""


class PermissionDeniedError(HeapdeltaError, PermissionError):
    """The operating system does not let us read the file."""


class DirectoryError(HeapdeltaError, IsADirectoryError):
    """The path names a directory, not a file."""


class ReadError(HeapdeltaError, OSError):
    """The operating system failed while the file was read."""


class WriteError(HeapdeltaError, OSError):
    """A file cannot be written; what was there before is as it was.

    ``errno`` is the system's number for the reason. It is also the built-in exception of that number, such as
    `PermissionError` or `FileNotFoundError` (of a folder).
    """

    @classmethod
    def of(cls, path: str, error: OSError) -> WriteError:
        """Make the error of a path, whatever the system choked on.

        Parameters
        ----------
        path : str
            What was to be written.
        error : OSError
            What the system said.

        Returns
        -------
        WriteError
            Also the built-in exception of the same meaning, with its ``errno``.
        """
        kind = _WRITE_ERRORS.get(error.errno or 0, cls)
        hint = _WINDOWS_HINTS.get(getattr(error, "winerror", None) or 0)
        told = kind(f"{path}: cannot write: {error.strerror or error}", path=path, hint=hint, kind="write")
        told.errno, told.strerror = error.errno, error.strerror
        return told


class _NoFolderToWriteError(WriteError, FileNotFoundError):
    pass


class _FileForFolderError(WriteError, NotADirectoryError):
    pass


class _FolderForFileError(WriteError, IsADirectoryError):
    pass


class _WriteDeniedError(WriteError, PermissionError):
    pass


_WRITE_ERRORS: dict[int, type[WriteError]] = {
    errno.ENOENT: _NoFolderToWriteError,
    errno.ENOTDIR: _FileForFolderError,
    errno.EISDIR: _FolderForFileError,
    errno.EACCES: _WriteDeniedError,
    errno.EPERM: _WriteDeniedError,
}


_OPEN_ELSEWHERE = "another program may have it open: close it there, or choose another name"
_WINDOWS_HINTS = {
    5: _OPEN_ELSEWHERE,
    32: _OPEN_ELSEWHERE,
    33: _OPEN_ELSEWHERE,
    1224: "it is mapped, as a dump is that was read: Dump.close() lets go of it; or choose another name",
}
"""By number of Windows: access denied, sharing violation, lock violation, user-mapped section open."""


class FormatError(HeapdeltaError, ValueError):
    """The content is neither a heap log nor a minidump: empty, a binary, some other text, a dump cut in its header."""


class ArchiveError(FormatError):
    """An archive holds nothing that can be read, several files of which none was named, or not the one that was."""


class CaptureError(FormatError):
    """The file holds no usable capture, several of them, or not the one that was asked for."""


class RadixError(FormatError):
    """A comparison does not prove whether its numbers are decimal or hexadecimal, or contradicts the radix given."""


class AbsentMemoryError(HeapdeltaError, LookupError):
    """A minidump does not hold the contents of memory that were asked for."""


class ClosedError(HeapdeltaError, ValueError):
    """A minidump was closed, and its contents of memory were asked for; its header and tables are there still."""


class NoTableError(HeapdeltaError, AttributeError):
    """The format has no such table: a minidump has no stacks, a heap log has no regions."""


class OptionError(HeapdeltaError, ValueError):
    """An argument has a value that it does not take, or one that makes no sense for this data."""


class CancelledError(HeapdeltaError):
    """The progress callback, or the caller, asked to stop."""


class InternalError(HeapdeltaError, RuntimeError):
    """A defect of heapdelta, kept from taking the process down. Please report it."""
