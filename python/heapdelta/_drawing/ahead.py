"""Start what draws while something else is done, and ask it for pictures.

vl-convert starts V8 for its first picture. That takes a second, and Python stands still meanwhile; in a process of its
own it takes no time of anybody. Without such a process, or when it fails, charts are drawn here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = Path(__file__).with_name("program.py")
_running: ContextVar[subprocess.Popen[bytes] | None] = ContextVar("_running", default=None)


def start() -> None:
    """Start the process that draws, unless there is one, or this process has what draws loaded already."""
    if _running.get() is not None or "vl_convert" in sys.modules or not sys.executable or hasattr(sys, "frozen"):
        return
    # On Windows a program without a console, such as one with windows, would open one for it.
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    command = [sys.executable, "-I", "-S", str(_PROGRAM)]
    with suppress(OSError):
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=no_window,
        )
        _running.set(process)
        _say(process, [os.path.abspath(place) for place in sys.path if place])  # noqa: PTH100 (of text, not of a path)


def stop() -> None:
    """End the process that draws, if there is one."""
    process = _running.get()
    if process is None:
        return
    _running.set(None)
    process.kill()
    with suppress(OSError), process:
        pass


@contextmanager
def ahead() -> Iterator[None]:
    """Have what draws start while the body runs; at its end the process is gone, unless it was there before."""
    was_running = _running.get() is not None
    start()
    try:
        yield
    finally:
        if not was_running:
            stop()


def picture(name: str, chart: dict[str, Any], **options: object) -> bytes | None:
    """Ask the process for a picture by a function of vl-convert; None says that it has to be drawn here."""
    process = _running.get()
    if process is None:
        return None
    try:
        _say(process, [name, options, chart])
        answer: IO[bytes] | None = process.stdout
        assert answer is not None
        count = int(answer.readline())
        drawn = answer.read(count)
    except (OSError, ValueError):
        drawn, count = b"", -1
    if len(drawn) == count:
        return drawn
    stop()
    return None


def _say(process: subprocess.Popen[bytes], what: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(what).encode() + b"\n")
    process.stdin.flush()
