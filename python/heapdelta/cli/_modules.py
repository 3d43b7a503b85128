"""`--modules`: dumps of the processes whose logs are read, which know more of their modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._words import plural
from heapdelta.cli import _output
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot


def completed(log: Snapshot, dumps: Sequence[Dump]) -> Snapshot:
    """Complete the modules of a log from the first dump that is of its process.

    Raises
    ------
    OptionError
        If none is: why the first is not.
    """
    why: OptionError | None = None
    for dump in dumps:
        try:
            return log.with_modules(dump)
        except OptionError as error:
            why = why or error
    if why is not None:
        raise why
    return log


def all_completed(logs: Sequence[Snapshot], dumps: Sequence[Dump]) -> list[Snapshot]:
    """Complete those of many logs that are of a process with a dump, and say how many are not.

    Raises
    ------
    OptionError
        If none is.
    """
    found, strangers = [], []
    for log in logs:
        try:
            found.append(completed(log, dumps))
        except OptionError as error:
            found.append(log)
            strangers.append(error)
    if strangers and len(strangers) == len(logs):
        raise strangers[0]
    if strangers:
        _output.remark(f"no dump of --modules is of the process of {plural(len(strangers), 'log')}")
    return found
