"""Texts of a page: what acts or is not seen is written out; on request no text says whose logs these are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapdelta._safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDERS = re.compile(
    r"(?:(?<!\w)[A-Za-z]:[\\/]|\\\\)(?:[^\\/:*?\"<>|\r\n]*[\\/])*(?=[^\\/\s])"
    r"|(?<=['\"])~?/(?:[^/'\"<>|\r\n]*/)*(?=[^/\s])"
    r"|(?<![^\s'\"(=,:!])~?/(?:[^/\s'\"<>|]*/)*(?=[^/\s])"
)
"""The folders of a path of Windows, with blanks in it or not; of a path of others, in quotes with blanks."""
_HIDDEN = "…"


@dataclass(frozen=True)
class Texts:
    """How texts are shown: whole; or without folders, and sentences without machines and processes."""

    anonymise: bool = False
    folders: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, *, anonymise: bool, paths: Iterable[str | None], machines: Iterable[str | None], pids: Iterable[int | None]
    ) -> Texts:
        """Say what is not to be told, if anything is not."""
        if not anonymise:
            return cls()
        folders = {path[: max(path.rfind("/"), path.rfind("\\")) + 1] for path in paths if path}
        return cls(
            True,
            tuple(sorted(folders - {""}, key=len, reverse=True)),
            tuple(sorted({name for name in machines if name})),
            tuple(sorted({pid for pid in pids if pid is not None})),
        )

    def __call__(self, text: str) -> str:
        """Make one line of a name, or of any text."""
        if self.anonymise:
            for folder in self.folders:
                text = text.replace(folder, "")
            text = _FOLDERS.sub("", text)
        return visible(text)

    def sentence(self, text: str) -> str:
        """Make one line of a sentence, which may speak of machines and processes."""
        for machine in self.machines:
            text = re.sub(rf"(?<!\w){re.escape(machine)}(?!\w)", _HIDDEN, text, flags=re.IGNORECASE)
        if "process" in text:
            for pid in self.pids:
                text = re.sub(rf"(?<![\w,.]){pid}(?![\w,.]*\d)", _HIDDEN, text)
        return self(text)
