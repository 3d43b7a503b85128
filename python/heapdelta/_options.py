"""Options that several verbs take, checked alike."""

from __future__ import annotations

from heapdelta.exceptions import OptionError

_MOST_THREADS = 1024


def checked_threads(threads: int | None) -> int | None:
    """Let a number of threads pass; None means one for each core."""
    if threads is not None and (isinstance(threads, bool) or not 1 <= threads <= _MOST_THREADS):
        raise OptionError(f"expected threads from 1 to {_MOST_THREADS}, found {threads}", kind="option")
    return threads
