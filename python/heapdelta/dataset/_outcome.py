"""What became of a file, in a word, with the reason."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from heapdelta._long_path import for_system
from heapdelta._safe_text import visible
from heapdelta.dataset._plan import text_of
from heapdelta.exceptions import HeapdeltaError

if TYPE_CHECKING:
    from heapdelta.dataset._plan import Input

READ, ARCHIVE, NOT_OURS, FAILED, DUPLICATE, PART = "read", "archive", "not ours", "failed", "duplicate", "part"
"""Outcomes."""

NOT_OURS_KINDS = frozenset({"not_a_log", "empty", "special", "link", "dataset"})
"""Reasons that make a file another's, and no failure."""


def failure(error: BaseException) -> dict[str, Any]:
    kind = (error.kind if isinstance(error, HeapdeltaError) else None) or type(error).__name__
    if isinstance(error, PermissionError):
        kind = "permission"
    elif isinstance(error, FileNotFoundError):
        kind = "not_found"
    message = visible(text_of(str(error)))
    # An archive of a format that nothing free reads may hold logs: that is more than not being a log.
    packed = kind == "not_a_log" and "unpack it first" in message
    outcome = NOT_OURS if kind in NOT_OURS_KINDS and not packed else FAILED
    return {"outcome": outcome, "kind": "unsupported_archive" if packed else kind, "reason": message}


def changed(one: Input) -> dict[str, Any] | None:
    """Tell if a file is no longer what was planned: half of it may be of then and half of now."""
    try:
        about = os.stat(for_system(one.path))  # noqa: PTH116 - names may be no text
    except OSError:
        return None
    if one.is_split or (about.st_size, about.st_mtime_ns) == (one.size, one.mtime_ns):
        return None
    reason = (
        f"{visible(text_of(one.path))}: expected a file that stays as it is, found that it changed while it was read"
    )
    return {"outcome": FAILED, "kind": "changed", "reason": reason}


def kinds_of(rows: list[dict[str, Any]], one: Input) -> str:
    """List the kinds of failures among the rows of a file."""
    own = [row for row in rows if row["input"] == text_of(one.path)]
    return ",".join(sorted({str(row.get("kind")) for row in own if row["outcome"] == FAILED}))


def moment_of(ns: int) -> datetime:
    """Make a time of nanoseconds since 1970."""
    return datetime.fromtimestamp(ns // 1000 / 1_000_000, UTC).replace(tzinfo=None)
