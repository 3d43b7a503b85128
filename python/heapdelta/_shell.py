"""Commands as people paste them."""

from __future__ import annotations

import os
import shlex
import subprocess


def pasted(words: list[str]) -> str:
    """Write a command so that it can be pasted into the user's shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
