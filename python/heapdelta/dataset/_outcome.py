"""What became of a file, in a word, with the reason."""

from __future__ import annotations

from typing import Any

from heapdelta._safe_text import visible
from heapdelta.dataset._plan import text_of
from heapdelta.exceptions import HeapdeltaError

READ, ARCHIVE, NOT_OURS, FAILED, DUPLICATE, PART = "read", "archive", "not ours", "failed", "duplicate", "part"
"""Outcomes."""

NOT_OURS_KINDS = frozenset({"not_a_log", "empty", "special", "link", "dataset"})
"""Reasons that make a file another's, and no failure."""


def failure(error: Exception) -> dict[str, Any]:
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
