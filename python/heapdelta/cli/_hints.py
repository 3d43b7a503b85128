"""Hints of the command line: the library's name its arguments, and here are options, commands and files."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import heapdelta as hd
from heapdelta import _native
from heapdelta._read.sources import is_pattern, listed_sources
from heapdelta._words import count_text, listed
from heapdelta.exceptions import HeapdeltaError

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMED = 6
_HINTS = {
    "many_captures": "choose one: summary --capture 1; diff, tree, report, export, check, dhcmp, umdh: "
    "--before-capture 1 --after-capture 2",
    "radix_unproven": "say which it is: --radix 10 if the comparison was made with -d, else --radix 16",
    "radix_contradicted": "leave --radix out to have it decided by proof",
    "directory": "name the log files in it, one at a time; heapdelta series takes a folder with all below it",
}


def of(error: HeapdeltaError) -> str | None:
    """Give the hint of an error, in the words of the command line.

    Looking for it may read a file again; where that fails, the error keeps its own hint.
    """
    look = _LOOKS.get(error.kind or "")
    if look is not None and error.path is not None:
        with suppress(HeapdeltaError, OSError, ValueError):
            return look(error.path) or error.hint
    return _HINTS.get(error.kind or "", error.hint)


def _members(path: str) -> str | None:
    """List what the archive holds in which a file is not."""
    archive = _native.archive_of(path)
    if archive is None:
        return None
    known = hd.members(archive)["path"].to_list()
    shown = ", ".join(name[len(str(archive)) + 1 :] for name in known[:_NAMED])
    more = f" and {count_text(len(known) - _NAMED)} more" if len(known) > _NAMED else ""
    return f"it holds {shown}{more}" if known else None


def _matches(path: str) -> str | None:
    """List what a pattern matches, where a command takes one file: shells of Windows hand it over as it is."""
    if not is_pattern(path):
        return None
    found = [str(file) for file in listed_sources(path)]
    more = [f"{count_text(len(found) - _NAMED)} more"] if len(found) > _NAMED else []
    return f"name the file; this pattern matches {listed([*found[:_NAMED], *more])}"


def _baseline(path: str) -> str | None:
    """Tell a baseline, which is no log, though a check takes it."""
    hd.read_baseline(path)
    return "this is a baseline: heapdelta check LOG --baseline FILE holds a log against it"


_LOOKS: dict[str, Callable[[str], str | None]] = {
    "no_such_member": _members,
    "not_a_log": _baseline,
    "io": _matches,
}
