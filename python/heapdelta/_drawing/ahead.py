"""Start what draws while something else is done, and ask it for pictures.

vl-convert starts V8 for its first picture. That takes a second, in which no Python code runs; in a process of its own
nobody waits for it. Without such a process, or when it fails, charts are drawn here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Timer
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = Path(__file__).with_name("program.py")
_PATIENCE = 60
"""Seconds after which a process that does not answer is given up: a picture takes one, on a busy machine a few."""
_running: ContextVar[subprocess.Popen[bytes] | None] = ContextVar("_running", default=None)


def start() -> None:
    """Start the process that draws, unless there is one, or this process has what draws loaded already."""
    if _running.get() is not None or "vl_convert" in sys.modules or not _is_python(sys.executable):
        return
    # On Windows a program without a console, such as one with windows, would open one for it.
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    places = [os.path.abspath(place) for place in sys.path if place]  # noqa: PTH100 (of text, not of a path)
    with suppress(OSError, ValueError):
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=no_window,
        )
        _running.set(process)


def _is_python(executable: str | None) -> bool:
    """Tell whether this Python is a program of its own: of one inside a debugger the debugger would be started."""
    return re.fullmatch(r"python[\w.-]*", Path(executable or "").name, re.IGNORECASE) is not None


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
    given_up = Timer(_PATIENCE, process.kill)
    given_up.daemon = True
    given_up.start()
    try:
        drawn = _asked(process, json.dumps([name, options, chart]))
    except (OSError, ValueError):
        drawn = None
    finally:
        given_up.cancel()
    if drawn is None:
        stop()
    return drawn


def _asked(process: subprocess.Popen[bytes], line: str) -> bytes | None:
    """Send a line, and take the answer; None if it ends too early."""
    answer: IO[bytes] | None = process.stdout
    assert process.stdin is not None
    assert answer is not None
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()
    count = int(answer.readline())
    drawn = answer.read(count)
    return drawn if len(drawn) == count else None
