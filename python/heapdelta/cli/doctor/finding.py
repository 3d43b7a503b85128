"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is with a thing."""

    WORKS = "works"
    LIMITED = "limited"
    """It works, but not all of it."""
    ABSENT = "absent"
    """It is not there, and nothing needs it."""
    BROKEN = "broken"
    """Something that heapdelta needs is not there, or does not work."""


@dataclass(frozen=True)
class Finding:
    """One thing, and how it is with it."""

    name: str
    state: State
    found: str
    """Its version or place; of what does not work, why."""
    hint: str | None = None
    """What to do about it."""
