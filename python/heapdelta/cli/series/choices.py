"""What the options of `heapdelta series` can be."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What each row of the ranking is about."""

    MODULE = "module"
    FUNCTION = "function"
    STACK = "stack"
    HEAP = "heap"
    COUNTER = "counter"
    SIZE = "size"
    SIZE_CLASS = "size_class"
    CONTENT = "content"
    SOURCE = "source"
    REGION_CLASS = "region_class"


OF_DUMPS = (Kind.COUNTER, Kind.SIZE, Kind.SIZE_CLASS, Kind.CONTENT, Kind.SOURCE, Kind.REGION_CLASS)
"""What only dumps tell."""


class Sorting(StrEnum):
    """What puts the logs in their order."""

    TAKEN_AT = "taken_at"
    NAME = "name"
    MTIME = "mtime"
    GIVEN = "given"


class Which(StrEnum):
    """How many runs of the program there may be."""

    ONE = "one"
    ALL = "all"
