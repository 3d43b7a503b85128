"""Encodings by name, and which was wrong: a log that was read by one it is not in looks like no log at all."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import TypeVar

from heapdelta import _native
from heapdelta._long_path import for_system
from heapdelta.exceptions import FormatError, OptionError

_LOOKED_AT = 4096

Outcome = TypeVar("Outcome")


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


def explained(outcome: Outcome, content: str | os.PathLike[str] | bytes, encoding: str | None) -> Outcome | FormatError:
    """Give the error that tells of a wrong `encoding`, in place of one that quotes what it made of the text.

    UTF-16 and UTF-32 have a zero in each letter, digit and blank of a log. Text without a zero is in neither.
    """
    wide = encoding is not None and encoding.startswith(("utf-16", "utf-32"))
    if not wide or not isinstance(outcome, FormatError) or outcome.kind != "not_a_log":
        return outcome
    start = _start(content)
    if not start or 0 in start:
        return outcome
    place = f"{outcome.path}: " if outcome.path else ""
    return FormatError(
        f"{place}expected {encoding}, as the encoding that was given says, found text without a single zero byte",
        path=outcome.path,
        hint="give no encoding, and the file tells its own; or the code page of the customer's Windows, such as cp932",
        kind=outcome.kind,
    )


def _start(content: str | os.PathLike[str] | bytes) -> bytes:
    """Give the first bytes; none of what is no file, which can be read only once."""
    if isinstance(content, bytes):
        return content[:_LOOKED_AT]
    path = Path(for_system(os.fsdecode(content)))
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_LOOKED_AT)
    except OSError:
        return b""
