"""What files say of themselves, what could not be read of them, and notes: the end of every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._numbers import issue_count, issues_by_kind, total
from heapdelta._report.parts import Cell, Head, Row, Table, Words
from heapdelta._words import bytes_text, count_text, moment, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from heapdelta._diff.delta import Delta
    from heapdelta._read.one import AnyCapture
    from heapdelta._report.parts import Section
    from heapdelta._report.texts import Texts

_NOTHING = "–"


def of_pair(delta: Delta) -> list[str]:
    """Say in a sentence what two logs hold."""
    sums = delta.total.row(0, named=True)
    sides = [bytes_text(sums[f"requested_bytes_{side}"]) for side in ("before", "after")]
    blocks = plural(sums["allocation_count_delta"], "block", signed=True)
    return [f"Requested bytes went from {sides[0]} to {sides[1]}, in {blocks}."]


def notes(found: Sequence[str], texts: Texts) -> Words:
    """List what a reader of the numbers must know."""
    shown = [texts.sentence(note) for note in found]
    return Words("notes", "Notes", [], items=shown, nothing="There is nothing to note.")


def files(captures: Sequence[tuple[str, AnyCapture]], *, anonymise: bool) -> Table:
    """Show what each file says of itself, a column each."""
    names = ["file", "format", "taken", *([] if anonymise else ["machine", "process"]), "holds", "lines"]
    told = [_facts(capture) for _, capture in captures]
    rows = [Row([Cell(name), *(Cell(fact.get(name) or _NOTHING) for fact in told)]) for name in names]
    rows = [row for row in rows if any(cell.text != _NOTHING for cell in row.cells[1:])]
    return Table("files", "Files", [], heads=[Head("what"), *(Head(label) for label, _ in captures)], rows=rows)


def _facts(capture: AnyCapture) -> dict[str, str | None]:
    facts: dict[str, str | None] = {"file": capture.path or "<bytes>", "format": capture.format}
    if isinstance(capture, Comparison):
        return facts | {"lines": count_text(capture.line_count)}
    pid = getattr(capture, "pid", None)
    facts |= {"taken": moment(capture.taken_at), "process": None if pid is None else str(pid)}
    if isinstance(capture, Snapshot):
        size, blocks = (total(capture.usage[name]) for name in ("requested_bytes", "allocation_count"))
        facts["format"] = " ".join(filter(None, [capture.format, capture.tool_version]))
        facts["machine"] = capture.machine
        facts["holds"] = f"{bytes_text(size)} in {plural(blocks, 'block')}"
        facts["lines"] = count_text(capture.line_count)
    elif isinstance(capture, Dump):
        facts["holds"] = bytes_text(capture.byte_count)
    return facts


def issues(found: pl.DataFrame) -> Section:
    """Count what could not be read, or is in doubt, by kind."""
    count = issue_count(found)
    if not count:
        return Words("issues", "What could not be read", [], nothing="Everything was read.")
    rows = [
        Row([Cell(row["kind"]), Cell(row["severity"]), Cell(count_text(row["count"]), row["count"])])
        for row in issues_by_kind(found).iter_rows(named=True)
    ]
    lead = f"{plural(count, 'issue')}; docs/issues.md says what each kind means."
    heads = [Head("kind"), Head("severity"), Head("how many", True)]
    return Table("issues", "What could not be read, or is in doubt", [lead], heads=heads, rows=rows)
