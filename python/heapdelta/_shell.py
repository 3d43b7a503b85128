"""Commands as people paste them."""

from __future__ import annotations

import os
import re
import shlex
import sys

_PLAIN = re.compile(r"[\w.:/\\!=+-]+")
"""Words that neither cmd.exe nor PowerShell takes for anything else."""


def pasted(words: list[str], *, windows: bool = os.name == "nt") -> str:
    """Write a command so that it can be pasted into the user's shell: on Windows cmd.exe or PowerShell."""
    return " ".join([_program(words[0]), *map(_quoted, words[1:])]) if windows else shlex.join(words)


def _program(word: str) -> str:
    """Write the first word: PowerShell takes one in quotes for a text, and cmd.exe knows no ``&`` before it.

    The short name of a file has no blanks; a disk may have none, and then PowerShell's user puts ``&`` before it.
    """
    if _PLAIN.fullmatch(word):
        return word
    short = short_name(word)
    return short if _PLAIN.fullmatch(short.replace("~", "")) else _quoted(word)


def short_name(path: str) -> str:
    r"""Give the name that Windows has for old programs, such as ``C:\PROGRA~1``, or the path itself."""
    if sys.platform == "win32":
        import ctypes

        room = ctypes.create_unicode_buffer(32768)
        if ctypes.windll.kernel32.GetShortPathNameW(path, room, len(room)):
            return room.value
    return path


def _quoted(word: str) -> str:
    """Put a word into quotes, between which ``&``, ``<`` and ``|`` are letters.

    Some signs mean something there too, to cmd.exe (``%``) or to PowerShell (``$``, backtick). They and quotes become
    ``?``, which stands for any character in names of files.
    """
    if _PLAIN.fullmatch(word):
        return word
    inner = re.sub(r"[%$`\"\u201c-\u201e]", "?", word)
    # A backslash before the closing quote would hide it.
    return '"' + re.sub(r"(\\+)$", r"\1\1", inner) + '"'
