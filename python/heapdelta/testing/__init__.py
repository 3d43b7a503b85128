"""Synthetic logs and dumps whose answers are known: for tests, notebooks, examples, benchmarks, and `heapdelta demo`.

The logs tell the story of an invented server, Fernhollow. ``fhpreview`` leaks page thumbnails, more with every log.
``fhcatalog`` has a cache that fills up in the first three logs and then stays as it is. ``fhsession`` holds as much as
before, but under other stacks. Everything else has its ordinary ups and downs.

    story = write_investigation("demo")
    delta = hd.diff(hd.read(story.before), hd.read(story.after))

`write_series` tells days of the same server in many logs, with a restart, and what became of single blocks.
`write_symbols` writes the symbols of the server, for `heapdelta.symbols`.
`write_dump` and `write_dump_investigation` write minidumps of the same process at the same steps.
`write_heap_dump` and `write_heap_dumps` write minidumps with the contents of its heaps, every block known.

A file appears when it is complete. Who names a file gets it replaced; who names a folder, in which the names are ours,
gets only files of the story replaced.
"""

from __future__ import annotations

from heapdelta.testing._dumps import (
    DAMAGE,
    DumpAnswer,
    DumpInvestigation,
    RegionTotals,
    write_dump,
    write_dump_investigation,
)
from heapdelta.testing._heaps import (
    HEAP_DAMAGE,
    HeapDumpAnswer,
    HeapDumps,
    write_heap_dump,
    write_heap_dumps,
    write_reference_heaps,
)
from heapdelta.testing._logs import Answer, Investigation, Totals, write_investigation, write_log, write_symbols
from heapdelta.testing._reference import write_reference_dump, write_reference_log
from heapdelta.testing._series import SeriesAnswer, SeriesStory, write_series

__all__ = [
    "DAMAGE",
    "HEAP_DAMAGE",
    "Answer",
    "DumpAnswer",
    "DumpInvestigation",
    "HeapDumpAnswer",
    "HeapDumps",
    "Investigation",
    "RegionTotals",
    "SeriesAnswer",
    "SeriesStory",
    "Totals",
    "write_dump",
    "write_dump_investigation",
    "write_heap_dump",
    "write_heap_dumps",
    "write_investigation",
    "write_log",
    "write_reference_dump",
    "write_reference_heaps",
    "write_reference_log",
    "write_series",
    "write_symbols",
]
