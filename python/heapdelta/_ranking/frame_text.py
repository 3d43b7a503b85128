"""A frame, and a call that is inlined there, as a line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def frame_text(frame: Mapping[str, Any]) -> str:
    """Write a frame: as the file has it, an address with its place, or with what symbols say of it."""
    if "!" in frame["text"] or frame["module"] is None or frame["offset"] is None:
        return str(frame["text"])
    if frame["function"] is None:
        return f"{frame['module']}+0x{frame['offset']:X}  {frame['text']}"
    place = "" if frame["file"] is None else f"{frame['file']}:{frame['source_line']}"
    return call_text(f"{frame['module']}!{frame['function']}+0x{frame['offset']:X}", "", place)


def call_text(function: str, _: str, place: str) -> str:
    """Write a function with the last part of its file's path, and the line."""
    name = place.replace("\\", "/").rpartition("/")[2]
    return f"{function}  {name}" if name else function
