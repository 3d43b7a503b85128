"""Progress of an ingest on stderr: a bar on a terminal, a line now and then in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from heapdelta.cli import _output
from heapdelta.cli._safe import Console
from heapdelta.dataset._progress import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta.dataset._progress import Progress


class Bar:
    """A bar with everything that is known: files, bytes, rate, time left, failures."""

    def __init__(self) -> None:
        self._progress = RichProgress(
            BarColumn(), TextColumn("{task.description}", markup=False), console=Console(stderr=True), transient=True
        )
        self._task = self._progress.add_task("")
        self._progress.start()

    def __call__(self, progress: Progress) -> None:
        total = progress.size_in_all or progress.file_count
        done = progress.size if progress.size_in_all else progress.files
        self._progress.update(self._task, completed=done, total=total, description=str(progress))

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def reporter() -> tuple[Callable[[Progress], object], Callable[[], None]]:
    """Choose what shows progress, and what ends it."""
    if sys.stderr.isatty():
        bar = Bar()
        return bar, bar.close
    return Lines(_output.remark), lambda: None
