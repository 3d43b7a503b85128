"""How far an ingest is: a bar on a terminal, a line now and then elsewhere, tqdm's in a notebook."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from heapdelta._words import bytes_text, plural

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Progress:
    """How far an ingest is. Given to the function that `heapdelta.ingest` takes as ``progress``.

    Attributes
    ----------
    files, file_count : int
        Files done, and files in all; those of archives are not counted.
    size, size_in_all : int
        Their bytes.
    failures : int
        Failures so far, those in archives included.
    seconds : float
        Time since the start.
    """

    files: int
    file_count: int
    size: int
    size_in_all: int
    failures: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """Time that the rest will take at the same pace; None before anything is done."""
        share = self.size / self.size_in_all if self.size_in_all else self.files / max(1, self.file_count)
        return None if not share or not self.seconds else self.seconds * (1 - share) / share

    def __str__(self) -> str:
        rate = f"{bytes_text(round(self.size / self.seconds))}/s" if self.seconds else ""
        left = self.seconds_left
        parts = [
            f"{self.files:,} of {plural(self.file_count, 'file')}",
            f"{bytes_text(self.size)} of {bytes_text(self.size_in_all)}",
            rate,
            "" if left is None or self.files == self.file_count else f"{time_text(left)} left",
            plural(self.failures, "failure") if self.failures else "",
        ]
        return ", ".join(filter(None, parts))


Report: TypeAlias = "Callable[[Progress], object]"

_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


def time_text(seconds: float) -> str:
    """Write a time as people do: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Lines:
    """Writes a line to standard error every ten seconds, and one at the end."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._next = time.monotonic() + _EVERY

    def __call__(self, progress: Progress) -> None:
        if progress.files == progress.file_count or time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            self._write(str(progress))


class Bar:
    """Tqdm's bar: in a notebook that of the notebook."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = _tqdm()(total=progress.size_in_all, unit="B", unit_scale=True, desc="ingest")
        self._bar.update(progress.size - self._bar.n)
        failures = plural(progress.failures, "failure")
        self._bar.set_postfix_str(f"{progress.files:,} of {plural(progress.file_count, 'file')}, {failures}")
        if progress.files == progress.file_count:
            self._bar.close()


def _tqdm() -> Any:  # noqa: ANN401 - it has no types
    """Give tqdm's bar: that of notebooks, where what draws it is there."""
    import tqdm.auto  # type: ignore[import-untyped]
    import tqdm.std  # type: ignore[import-untyped]

    return tqdm.auto.tqdm if find_spec("ipywidgets") else tqdm.std.tqdm


def default_report() -> Report | None:
    """Choose what shows progress where nothing was asked for: tqdm in a notebook, else nothing."""
    kernel = sys.modules.get("ipykernel")
    shell = sys.modules.get("IPython")
    in_notebook = kernel is not None and shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None
    return Bar() if in_notebook else None
