"""What can be read: a path, bytes, or a file object that is open in binary mode."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, TypeAlias

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"


def name_of(source: object) -> str | None:
    """Find the name of a file object, for messages."""
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and not isinstance(source, os.PathLike) else None


def for_native(source: object) -> str | os.PathLike[str] | bytes:
    """Give what the core takes: a path, or the content.

    Raises
    ------
    TypeError
        If it is neither, nor a binary file object.
    """
    if isinstance(source, str | bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, os.PathLike):
        path: str | bytes = os.fspath(source)
        if isinstance(path, bytes):
            raise TypeError("expected a path of text, found one of bytes; decode it with os.fsdecode")
        return path
    if isinstance(source, io.TextIOBase):
        raise TypeError(_TEXT_MODE)
    read_all = getattr(source, "read", None)
    if not callable(read_all):
        raise TypeError(f"expected a path, bytes or a binary file object, found {type(source).__name__}")
    content = read_all()
    if isinstance(content, str):
        raise TypeError(_TEXT_MODE)
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(f"expected read() to give bytes, found {type(content).__name__}")
    return bytes(content)


def label_of(source: object) -> str | None:
    """Give the path or the name of a source; None for bytes."""
    if isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        path = os.fspath(source)
        return path if isinstance(path, str) else os.fsdecode(path)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None


def as_text(name: str) -> str:
    """Write bytes of a path that are no text as the core does, U+FFFD: a table holds nothing but text."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_TEXT_MODE = 'expected a file opened in binary mode, found text mode; open it with open(path, "rb")'
