"""Rows of the table of benches/README.md about call trees, reports and exports, and pages of other tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reference import Log
from rows import at_most, row

_RIVALS = {
    "memray": "memray's flame graph, one log; our page, two logs, is … times as {}",
    "heaptrack": "heaptrack's stacks by inferno, one log; our page, two logs, is … times as {}",
}


def tree_rows(medians: Mapping[str, Mapping[str, Any]], logs: Log) -> Iterator[str]:
    """What two logs of many stacks become, and pages of the same stacks side by side."""
    answer = logs.answer
    kind = f"2 x {answer['stack_count']:,} stacks of {answer['frame_count'] / answer['stack_count']:.0f} frames"
    result = medians["tree"]
    words = f"`tree` of {result['rows']:,.0f} nodes, seconds"
    yield row(words, kind, f"{result['seconds']:.2f} s", *at_most(result["seconds"], 1))
    for name, words in (("pprof", "pprof"), ("firefox", "the Firefox Profiler")):
        result = medians[f"export-{name}"]
        words = f"`export` for {words}, {result['size'] / 1e6:,.1f} MB; seconds"
        yield row(words, kind, f"{result['seconds']:.2f} s", *at_most(result["seconds"], 0.5))
    ours = medians["report"]
    yield row("`report`, seconds", kind, f"{ours['seconds']:.2f} s", *at_most(ours["seconds"], 2.5))
    yield row("its page, MB", kind, f"{ours['size'] / 1e6:.2f} MB", *at_most(ours["size"] / 1e6, 1.5))
    opened = medians.get("opened report")
    if opened:
        first, zoom = opened["picture_ms"], opened["zoom_ms"]
        words = "from opening it to the first picture of the graph, Chromium; seconds"
        yield row(words, kind, f"{first:,.0f} ms", *at_most(first / 1e3, 0.5))
        yield row("from a click to the graph of one module, ms", kind, f"{zoom:,.0f} ms", *at_most(zoom, 60))
    for name, words in _RIVALS.items():
        if page := medians.get(f"page of {name}"):
            size, times = page["size"], page["size"] / ours["size"]
            yield row(words.format("small"), kind, f"{size / 1e6:,.1f} MB", "", f"{times:.3g}")
        if opened and (theirs := medians.get(f"opened {name}")):
            first = theirs["picture_ms"]
            yield row(
                words.format("fast to its first picture"),
                kind,
                f"{first / 1e3:.2f} s",
                "",
                f"{first / opened['picture_ms']:.3g}",
            )
