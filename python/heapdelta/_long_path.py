r"""Paths that are longer than Windows takes as they are.

Rust's standard library gives them to the system as ``\\?\C:\...``, which may be of any length; Python does not, and
fails unless the machine was told to allow long paths. Trees of archives that were unpacked are where they occur.
"""

from __future__ import annotations

import ntpath
import os

# 260 with the zero at the end, and a folder must leave room for a name of 12.
_LIMIT = 248


def for_system(path: str | os.PathLike[str], *, windows: bool = os.name == "nt") -> str:
    """Give the path as the system is asked for it; what is shown to people is the one they gave."""
    text = os.fspath(path)
    if not windows or text.startswith(("\\\\?\\", "\\\\.\\")):
        return text
    whole = ntpath.abspath(text)
    if len(whole) < _LIMIT:
        return text
    return f"\\\\?\\UNC{whole[1:]}" if whole.startswith("\\\\") else f"\\\\?\\{whole}"


def real(path: str | os.PathLike[str]) -> str:
    """Give where a path leads to through links, as the system is asked for it; the path itself where it cannot tell."""
    given = for_system(path)
    try:
        return for_system(os.path.realpath(given))
    except OSError:
        # Wine has no answer for long ones.
        return os.path.abspath(given)  # noqa: PTH100
