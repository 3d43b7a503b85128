"""What a chart says of names that are less than certain, below its title. Part of `chart`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from heapdelta._capture.snapshot import Snapshot
from heapdelta._symbols.doubts import doubts
from heapdelta.chart._text import chart_text

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE, _MOST = 84, 6
"""Characters of a line, and lines."""


def doubt_lines(captures: Iterable[object]) -> list[str]:
    """Say what is doubtful of the names in some logs; nothing where all are proved."""
    told = dict.fromkeys(doubt for log in captures if isinstance(log, Snapshot) for doubt in doubts(log))
    lines = [line for doubt in told for line in textwrap.wrap(chart_text(doubt), _LINE)]
    return lines if len(lines) <= _MOST else [*lines[: _MOST - 1], "… (the notes have all)"]
