"""How far reading is: a bar on stderr, if it is a terminal and there is much to read."""

from __future__ import annotations

import sys
import time

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from heapdelta._safe_text import visible
from heapdelta.cli._safe import Console

# A bar that flashes up for a short read only disturbs.
_PATIENCE_SECONDS = 1.0


class Bar:
    """A progress bar on stderr that appears after a while, if stderr is a terminal; it counts bytes, or files."""

    def __init__(self, label: str, *, of_files: bool = False) -> None:
        self._label = visible(label)
        self._count = MofNCompleteColumn() if of_files else DownloadColumn(binary_units=True)
        self._started = time.monotonic()
        self._progress: Progress | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Show that so much of all is done."""
        if self._progress is None:
            if not sys.stderr.isatty() or time.monotonic() - self._started < _PATIENCE_SECONDS:
                return
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                self._count,
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._progress.add_task(self._label)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
