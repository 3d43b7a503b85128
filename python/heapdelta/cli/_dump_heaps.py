"""What the sub-commands print of the heaps in minidumps: heaps of one dump, its blocks, and how they grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture import heap_views
from heapdelta._capture.dump_lists import WHOLE
from heapdelta._numbers import total
from heapdelta._words import UNKNOWN, bytes_text, count_text, of_count, plural, share_text
from heapdelta.cli import _output
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._capture.dump import Dump
    from heapdelta._diff.dump_delta import DumpDelta

TITLES = {
    "heap": "Blocks per heap",
    "size": "Blocks per size",
    "size_class": "Blocks per class of sizes",
    "content": "Blocks by what they begin with",
    "source": "Blocks of the debug CRT per source line",
}
SHOWN = ("heap", "size", "content")
"""What two dumps are compared by, unless one ranking is asked for."""
_HEADINGS = {
    "heap": "heap",
    "size": "size of a block",
    "size_class": "size of a block",
    "content": "begins with",
    "source": "source line",
}
_AMOUNTS = ("committed", "busy", "free", "overhead", "unknown")


def worth_walking(dump: Dump) -> bool:
    """Tell whether there may be heaps in the memory that a dump holds."""
    return dump.heap_memory.held_bytes != 0 and not dump.memory.is_empty()


def worth_comparing(delta: DumpDelta) -> bool:
    """Tell whether both dumps hold heaps."""
    held = [dump.heap_memory for dump in (delta.before, delta.after)]
    return all(memory.of == "heap" and memory.held_bytes for memory in held)


def held_text(dump: Dump) -> str:
    """Write how much of its heap memory a dump holds, short enough for a column."""
    held = dump.heap_memory
    if held.held_bytes is None or held.committed_bytes is None:
        return UNKNOWN
    if held.of == "private":
        return "no heap recognised"
    least = "at least " if held.unread_segment_heaps else ""
    return f"{bytes_text(held.held_bytes)} of {least}{bytes_text(held.committed_bytes)} in the dump"


def show_heaps(target: Console, dump: Dump, top: int) -> None:
    """Print the heaps of a dump, largest first, and what of them is not known."""
    heaps = dump.heaps
    if heaps.is_empty():
        target.print(f"Heaps: {dump.heap_notes[-1]}\n")
        return
    ranked = dump.by("heap").join(
        heaps.select(heap_base="base", kind="kind", front_end="front_end"),
        on="heap_base",
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    ranked = ranked.sort("committed_bytes", "heap_base", descending=[True, False], nulls_last=True)
    numbers = ["heap", "bits", *_AMOUNTS, "blocks", "fragmentation"]
    if not total(ranked["unknown_bytes"].drop_nulls()):
        numbers.remove("unknown")
    table = _output.table("Heaps", numbers, ["front end", "trust"])
    for row in ranked.head(top).iter_rows(named=True):
        table.add_row(*_cells(row, numbers), row["front_end"] or row["kind"], row["trust"])
    rest = ranked.slice(top)
    if rest.height:
        sums = {name: total(rest[name]) for name in rest.columns if name.endswith(("_bytes", "_count"))}
        more = dict.fromkeys(rest.columns) | sums
        cells = _cells(more, numbers)
        table.add_row(f"({count_text(rest.height)} more)", "", *cells[2:-1], "", "", "")
    target.print(table)
    _show_own(target, dump)
    _show_doubts(target, dump)


def _show_own(target: Console, dump: Dump) -> None:
    """Say how much of the heaps is in no segment: regions cannot tell such allocations from others."""
    own = dump.segments.filter(pl.col("kind").is_in(["large", "page"]))
    reserved, uncommitted = total(own["reserved_bytes"]), total(own["uncommitted_bytes"])
    if own.height and reserved is not None and uncommitted is not None:
        blocks = f"{plural(own.height, 'block')} with memory of {of_count(own.height, 'its', 'their')} own"
        target.print(
            f"{bytes_text(reserved - uncommitted)} of these heaps are {blocks}, in no "
            "segment: its regions have the class private, and the heap memory above does not count it",
            soft_wrap=True,
        )


def _cells(row: dict[str, int | float | str | None], numbers: list[str]) -> list[str]:
    base = row["heap_base"]
    names = {"busy": "requested"}
    amounts = [
        UNKNOWN if (size := row[f"{names.get(name, name)}_bytes"]) is None else bytes_text(int(size))
        for name in numbers
        if name in _AMOUNTS
    ]
    count, scattered = row["allocation_count"], row["fragmentation"]
    return [
        "part" if base is None else f"{base:X}",
        str(row["bits"]),
        *amounts,
        count_text(None if count is None else int(count)),
        "" if scattered is None else share_text(float(scattered), 1.0),
    ]


def _show_doubts(target: Console, dump: Dump) -> None:
    """Say below the table what is not proved; that all is, in one line."""
    doubts = dump.heap_notes[1:]
    if dump._heap_state() == WHOLE and not doubts:
        target.print(Text("every heap is proved: headers, chains and the heaps' own sums agree", "dim"), end="\n\n")
    for doubt in doubts:
        target.print(Text(doubt, "yellow"), soft_wrap=True)
    if doubts:
        target.print()
    _output.show_issues(target, dump.heap_issues.filter(pl.col("severity") != "info"))


def show_blocks(target: Console, dump: Dump, kind: str, top: int) -> None:
    """Print one ranking of the blocks of a dump."""
    if kind == "heap":
        show_heaps(target, dump, top)
        return
    ranking = dump.by(kind)
    if ranking.is_empty():
        target.print(f"{TITLES[kind]}: none\n")
        _show_doubts(target, dump)
        return
    table = _output.table(TITLES[kind], ["busy", "share", "blocks"], [_HEADINGS[kind]])
    of_all = total(ranking["requested_bytes"])

    def add(size: int | None, count: int | None, name: Text) -> None:
        table.add_row(bytes_text(size), share_text(size, of_all, digits=1), count_text(count), name)

    for row in ranking.head(top).iter_rows(named=True):
        add(row["requested_bytes"], row["allocation_count"], Text(heap_views.label(row)))
    rest = ranking.slice(top)
    if rest.height:
        more = Text(f"({count_text(rest.height)} more)", "italic dim")
        add(total(rest["requested_bytes"]), total(rest["allocation_count"]), more)
    target.print(table)
    _show_doubts(target, dump)


def show_growth(target: Console, kind: str, ranking: pl.DataFrame, top: int, *, remark: str) -> None:
    """Print how blocks grew between two dumps."""
    title = f"{TITLES[kind]} ({remark})" if remark else TITLES[kind]
    changes = ["change"] if kind == "heap" else []
    table = _output.table(title, ["growth", "blocks", "before", "after"], [*changes, _HEADINGS[kind]])
    numbers = ["requested_bytes_delta", "allocation_count_delta", "requested_bytes_before", "requested_bytes_after"]

    def cells(values: list[int | None]) -> list[Text]:
        grown, blocks, before, after = values
        return [
            _output.colored(grown, bytes_text(grown, signed=True)),
            Text(count_text(blocks, signed=True)),
            Text(bytes_text(before)),
            Text(bytes_text(after)),
        ]

    for row in ranking.head(top).iter_rows(named=True):
        change = [Text(row["change"] or UNKNOWN) for _ in changes]
        table.add_row(*cells([row[number] for number in numbers]), *change, Text(heap_views.label(row)))
    rest = ranking.slice(top)
    if rest.height:
        more = Text(f"({count_text(rest.height)} more)", "italic dim")
        table.add_row(*cells([total(rest[number]) for number in numbers]), *("" for _ in changes), more)
    target.print(table)
