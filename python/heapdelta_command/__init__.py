"""Where the command `heapdelta` begins: from here on Ctrl-C ends it with one line and exit code 130.

A package of its own, because whatever lies in `heapdelta` begins with importing all of `heapdelta`, polars included.
That is the time in which people notice that they mistyped. An exception is no help in it: half of an import belongs to
packages that may catch it, or report it as their own failure. So until the imports are done Ctrl-C leaves at once.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_DEFECT, _INTERRUPTED = 1, 130
_STANDARD_ERROR = 2


def main() -> None:
    """Run the command line, and leave with its exit code."""
    _fill_in_closed()
    # Who started us with Ctrl-C ignored, as nohup does, is not overruled.
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, _leave)
    try:
        from heapdelta.cli import main as run
    except ImportError as error:
        _leave_unable(error)
    try:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:
        _leave()


def _leave(_signal: int = signal.SIGINT, _frame: FrameType | None = None) -> NoReturn:
    """Leave without a clean-up: there is nothing to clean up, and threads of others could keep us."""
    with suppress(OSError):
        os.write(_STANDARD_ERROR, b"error: interrupted\n")
    os._exit(_INTERRUPTED)


def _leave_unable(error: ImportError) -> NoReturn:
    """Leave because a package that all of heapdelta needs is missing or broken: not even its doctor can run."""
    import re

    # Quotes only where a shell needs them: PowerShell takes what begins with one for a text and no program.
    is_plain = re.fullmatch(r"[\w.:/\\+-]+", sys.executable)
    program = sys.executable if is_plain else f'"{sys.executable}"'
    again = f"{program} -m pip install --force-reinstall heapdelta"
    print(f"error: heapdelta cannot be loaded: {error!s:.500}\nhint: {again}", file=sys.stderr)
    sys.exit(_DEFECT)


def _fill_in_closed() -> None:
    """Put something in the place of standard streams that the program was started without.

    The next files to be opened would get their numbers, and what a library prints would end up in an output.
    """
    for descriptor in range(_STANDARD_ERROR + 1):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
