"""Commands as people paste them."""

from __future__ import annotations

import os
import re
import shlex

_PLAIN = re.compile(r"[\w.:/\\!=+-]+")
"""Words that neither cmd.exe nor PowerShell takes for anything else."""


def pasted(words: list[str], *, windows: bool = os.name == "nt") -> str:
    """Write a command so that it can be pasted into the user's shell: on Windows cmd.exe or PowerShell."""
    return " ".join(map(_quoted, words)) if windows else shlex.join(words)


def _quoted(word: str) -> str:
    """Put a word into quotes, between which ``&``, ``<`` and ``|`` are letters.

    What cmd.exe (``%``) or PowerShell (``$``, backtick) obeys even there, and quotes, become ``?``, which stands for
    any character in names of files.
    """
    if _PLAIN.fullmatch(word):
        return word
    inner = re.sub(r"[%$`\"\u201c-\u201e]", "?", word)
    # A backslash before the closing quote would hide it.
    return '"' + re.sub(r"(\\+)$", r"\1\1", inner) + '"'
