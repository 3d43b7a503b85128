"""Rankings as parts of a page: modules in a table whose sums are exact, stacks with their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._numbers import total, wide_difference
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._ranking.frame_text import call_text, frame_text
from heapdelta._report.parts import Cell, Frame, Head, Row, Stack, Stacks, Table
from heapdelta._words import bytes_text, count_text, plural, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._ranking.views import Views

LARGEST, OTHERS = 10, 5
"""Modules that grew most, and others that changed most, which are shown at once; and stacks."""
_MOST = 2_000
"""Modules that are shown on demand."""

_GROWTH = "requested_bytes_delta"
_PARTS = ("requested_bytes_grown", "requested_bytes_shrunk")


class Amounts:
    """Which numbers of a ranking are shown, and how."""

    def __init__(self, *, live: bool, sides: bool = True) -> None:
        self.live = live
        self._bytes = ["requested_bytes"] if live else [_GROWTH, *_PARTS]
        self._blocks = "allocation_count" if live else "allocation_count_delta"
        self._sides = [] if live or not sides else ["requested_bytes_before", "requested_bytes_after"]
        self.column = self._bytes[0]
        """What is ranked by."""

    def heads(self, what: str) -> list[Head]:
        """Name the columns."""
        numbers = ["bytes", "share"] if self.live else ["growth", "grown", "shrunk", "of all change"]
        sides = ["before", "after"] if self._sides else []
        return [Head(what), *(Head(name, True) for name in [*numbers, "blocks", *sides])]

    def change(self, row: dict[str, Any]) -> int | None:
        """Give what shares are of: bytes, or growth and shrinkage added up."""
        if self.live:
            return row[self.column]  # type: ignore[no-any-return]
        grown, shrunk = (row[part] for part in _PARTS)
        return None if grown is None or shrunk is None else grown - shrunk

    def row(self, name: str, row: dict[str, Any], whole: int | None, kind: str = "") -> Row:
        """Write a row of a ranking, or of sums."""
        signed = not self.live
        cells = [Cell(name)]
        cells += [Cell(bytes_text(row[column], signed=signed), row[column]) for column in self._bytes]
        cells.append(Cell(share_text(self.change(row), whole, digits=1)))
        cells.append(Cell(count_text(row[self._blocks], signed=signed), row[self._blocks]))
        cells += [Cell(bytes_text(row[column]), row[column]) for column in self._sides]
        return Row(cells, kind)

    def sums(self, rows: pl.DataFrame) -> dict[str, Any]:
        """Sum up rows; what is not known of one is not known of all."""
        return {name: total(rows[name]) for name in (*self._bytes, self._blocks, *self._sides)}


def modules(ranking: pl.DataFrame, amounts: Amounts) -> Table:
    """Show the modules of a ranking: the largest, others that changed most, the sum of the others, the sum of all."""
    shown = _first(ranking, amounts)
    rest = ranking.filter(~pl.int_range(pl.len()).is_in(shown["place"].implode()))
    sums = amounts.sums(ranking)
    whole = amounts.change(sums)
    rows = [amounts.row(_name(row), row, whole) for row in shown.iter_rows(named=True)]
    if rest.height:
        rows.append(amounts.row(f"smaller: {plural(rest.height, 'module')}", amounts.sums(rest), whole, "rest"))
    rows.append(amounts.row("total", sums, whole, "total"))
    more = [amounts.row(_name(row), row, whole) for row in ranking.head(_MOST).iter_rows(named=True)]
    folded = ranking.slice(_MOST)
    if folded.height:
        more.append(amounts.row(f"smaller: {plural(folded.height, 'module')}", amounts.sums(folded), whole, "rest"))
    lead = "A stack counts for its first frame, from the innermost outward, that is no allocator's."
    if not amounts.live:
        lead += " Growth is after − before: what stacks grew, and what others shrank."
    return Table(
        "modules",
        "By module",
        [lead],
        heads=amounts.heads("module"),
        rows=rows,
        more=more if rest.height else [],
        more_title=f"All {plural(ranking.height, 'module')}",
    )


def _first(ranking: pl.DataFrame, amounts: Amounts) -> pl.DataFrame:
    """Choose rows, with their ``place``: the first, and of growth those others in which most changed."""
    placed = ranking.with_row_index("place")
    first = placed.head(LARGEST)
    if amounts.live:
        return first
    change = wide_difference(pl.col(_PARTS[0]), pl.col(_PARTS[1]))
    others = placed.slice(LARGEST).sort(change, "place", descending=[True, False], nulls_last=False).head(OTHERS)
    return pl.concat([first, others.sort("place")])


def _name(row: dict[str, Any]) -> str:
    return row["module"] if row["module"] is not None else f"({row['status']})"


def stacks(view: Views, amounts: Amounts) -> Stacks:
    """Show the largest stacks of a view with their frames, and the sum of the others."""
    ranking = view.by("stack")
    changed = ranking.filter(pl.col(amounts.column).ne_missing(0))
    first = changed.head(LARGEST)
    ids = short_forms(first["fingerprint"], view.fingerprints)
    shown = [_stack(view, row, name, amounts) for name, row in zip(ids, first.iter_rows(named=True), strict=True)]
    rest = changed.slice(first.height)
    if rest.height:
        amount = bytes_text(total(rest[amounts.column]), signed=not amounts.live)
        shown.append(Stack("", amount, f"smaller: {plural(rest.height, 'stack')}", []))
    verb = "have memory" if amounts.live else "changed"
    lead = (
        f"{plural(changed.height, 'stack')} {verb}. A stack opens to its frames, innermost first; ▸ is the blamed one."
    )
    return Stacks("stacks", "By stack", [lead], stacks=shown)


def _stack(view: Views, row: dict[str, Any], name: str | None, amounts: Amounts) -> Stack:
    size = row[amounts.column]
    amount = "not known" if size is None else bytes_text(size, signed=not amounts.live)
    blocks = row["allocation_count" if amounts.live else "allocation_count_delta"]
    owner = f"{owner_of(row)}, {plural(blocks, 'block', signed=not amounts.live)}"
    frames = [] if row["fingerprint"] is None else list(_frames(view.stack(row["fingerprint"])))
    return Stack(name or "", amount, owner, frames)


def owner_of(row: dict[str, Any]) -> str:
    """Write what a stack counts for: ``app!Function``, ``app+0x1C3F``, an address, or why there is none."""
    module, function = row["module"], row["function"]
    if function is None:
        return f"({row['status']})"
    return function if module is None or function.startswith(f"{module}+0x") else f"{module}!{function}"


def _frames(frames: pl.DataFrame) -> Sequence[Frame]:
    own = frames.filter(frames["alias"] == 0)
    blamed = own.filter("blamed")["index"]
    border = blamed[0] if blamed.len() else -1
    lines: list[Frame] = []
    following = 0
    for frame in own.iter_rows(named=True):
        if hidden := frame["index"] - following:
            lines.append(Frame(f"({plural(hidden, 'hidden frame')})", "allocator"))
        following = frame["index"] + 1
        kind = "blamed" if frame["blamed"] else "allocator" if frame["index"] < border else ""
        lines += [
            Frame(f"{call_text(*call.partition(' at '))}, inlined", kind and "allocator")
            for call in frame["inlined"] or []
        ]
        lines.append(Frame(frame_text(frame), kind))
    others = frames["alias"].n_unique() - 1
    if others > 0:
        lines.append(Frame(f"(the tool printed {plural(others, 'other stack')} under the same id)", "allocator"))
    return lines
