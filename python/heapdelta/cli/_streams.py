"""Standard output and standard error: everything that is written arrives, or the exit code tells that it did not.

Python's own streams lose text without a word where they are unbuffered (``PYTHONUNBUFFERED=1``) and the system takes a
part of what it is given, as a nearly full disk does; and ``print`` to a closed standard output does nothing at all.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from heapdelta import _whole_file
from heapdelta._safe_text import visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

_NAME = "standard output"


class _Raw(io.RawIOBase):
    """A descriptor that takes everything or fails, and fails once: what comes after that is of no use."""

    def __init__(self, descriptor: int, *, closed: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._is_closed = closed
        self.has_failed = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return not self._is_closed and os.isatty(self._descriptor)

    def write(self, content: ReadableBuffer, /) -> int:
        """Write all of it."""
        view = memoryview(content).cast("B")
        if self.has_failed:
            return len(view)
        try:
            if self._is_closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            _whole_file.write_all(self._descriptor, view)
        except OSError as error:
            self.has_failed = True
            self.fail(error)
        return len(view)

    def fail(self, error: OSError) -> None:
        """Tell that it could not be written."""
        if error.errno == errno.EPIPE:
            raise error
        raise OSError(error.errno, error.strerror, _NAME) from error


class _Remarks(_Raw):
    """Standard error: what cannot be said there must not cost the answer."""

    def fail(self, error: OSError) -> None:
        """Go on."""


def prepare() -> None:
    """Put streams that lose nothing in the place of Python's own."""
    sys.stdout = _stream(sys.stdout, 1, _Raw)
    sys.stderr = _stream(sys.stderr, 2, _Remarks)


def _stream(old: TextIO | None, descriptor: int, kind: type[_Raw]) -> TextIO:
    """Make a stream like the old one, which is None where the program was started with it closed."""
    if old is not None and not _is_file(old):
        # A console of Windows, or whatever a host put there. A path can hold what its code page cannot show.
        if isinstance(old, io.TextIOWrapper):
            old.reconfigure(errors="backslashreplace")
        return old
    raw = kind(descriptor if old is None else old.fileno(), closed=old is None)
    if raw.isatty():
        encoding = old.encoding if old is not None else "utf-8"
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True)
    # Windows would take the ANSI code page, which has no room for most names, and line ends of its own.
    encoding = old.encoding if old is not None and "PYTHONIOENCODING" in os.environ else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="backslashreplace", newline="\n")


def _is_file(stream: TextIO) -> bool:
    buffer = getattr(stream, "buffer", None)
    return type(getattr(buffer, "raw", buffer)) is io.FileIO


def nobody_reads(error: BaseException) -> bool:
    """Tell whether the reader of our output has left: rich and typer leave by `SystemExit` then."""
    cause = error.__context__ if isinstance(error, SystemExit) else error
    return isinstance(cause, OSError) and cause.errno == errno.EPIPE


def discard(stream: TextIO) -> None:
    """Throw away what is still to be written, or Python complains about it at exit."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def leave_stderr() -> None:
    """Write no more to the file that standard error is sent into; to the terminal, if standard output is one."""
    if sys.stdout.isatty():
        with suppress(OSError, ValueError):
            os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    else:
        discard(sys.stderr)


@contextmanager
def reader_may_leave(stream: TextIO) -> Iterator[None]:
    """Print to `stream`; go on if nobody reads it any more, because the exit code is an answer, too."""
    try:
        yield
        stream.flush()
    except (OSError, SystemExit) as error:
        if not nobody_reads(error):
            raise
        discard(stream)


def emit(text: str, *, newline: str = "\n") -> None:
    """Write machine output to standard output: as it is, but on a terminal with control characters written out.

    It is UTF-8 with plain line ends on every system, whatever the console's code page: programs read it.
    """
    if sys.stdout.isatty():
        print(visible_lines(text), end="")
    elif hasattr(sys.stdout, "buffer"):
        _whole_file.write("-", text.replace("\n", newline))
    else:
        # A stream of text alone, as `contextlib.redirect_stdout` puts there: it has no line ends of a system.
        sys.stdout.write(text)
    sys.stdout.flush()
