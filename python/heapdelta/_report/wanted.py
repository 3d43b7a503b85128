"""What is asked of a report, beside what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapdelta._native import __version__

if TYPE_CHECKING:
    from heapdelta._report.texts import Texts


@dataclass(frozen=True)
class Asking:
    """The command line that asks for a report."""

    files: list[str]
    """What it calls the files."""
    options: list[str]
    """What it says of how to read them, for other commands about them."""
    whole: str


@dataclass(frozen=True)
class Wanted:
    """The options of `heapdelta.report`."""

    title: str | None
    stacks: int | None
    """Stacks in the graph; None for all."""
    texts: Texts
    asking: Asking | None = None

    @property
    def made_by(self) -> str:
        """Say what made the page."""
        by = f"Made by heapdelta {__version__}"
        return f"{by}, heapdelta.report" if self.asking is None else f"{by}: {self.asking.whole}"

    def files(self, found: list[str]) -> list[str]:
        """Say what commands call the files: as the command line does, else as they are."""
        return found if self.asking is None else self.asking.files

    @property
    def options(self) -> list[str]:
        """What commands about the files need beside them."""
        return [] if self.asking is None else self.asking.options

    @staticmethod
    def name(path: str | None) -> str:
        """Give the last part of a path."""
        return path[max(path.rfind("/"), path.rfind("\\")) + 1 :] if path else "bytes"
