"""`heapdelta summary`: what one file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import heapdelta as hd
from heapdelta._numbers import total
from heapdelta._words import bytes_text, count_text, moment, plural, share_text
from heapdelta.cli import _dumps, _input, _output, _rank
from heapdelta.cli._files import INPUT

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._capture.comparison import Comparison
    from heapdelta._capture.snapshot import Snapshot


def summary(
    file: Annotated[
        str, INPUT, typer.Argument(help="A heap log, a comparison of two, or a minidump.", show_default=False)
    ],
    top: Annotated[int, typer.Option(min=1, help="Rows to show of each table.")] = 10,
    radix: Annotated[
        int | None, typer.Option(help="10 or 16: radix of a comparison that does not prove its own.")
    ] = None,
    capture: Annotated[int | None, typer.Option(min=1, help="Which capture, where the file holds several.")] = None,
    encoding: _input.Encoding = None,
    password: _input.Password = None,
    archive_limit: _input.ArchiveLimit = None,
) -> None:
    """Show what one file holds, and what could not be read of it."""
    how = _input.how(encoding, password, archive_limit)
    found = _input.read(file, blocks=False, radix=radix, capture=capture, how=how)
    target = _output.console()
    if isinstance(found, hd.Comparison):
        _show_comparison(target, found, top)
    elif isinstance(found, hd.Dump):
        _dumps.show_dump(target, found, top)
    else:
        _show_snapshot(target, found, top)
    _output.show_issues(target, found.issues)
    _output.report_issues([(file, found)])


def _show_comparison(target: Console, comparison: Comparison, top: int) -> None:
    grown = comparison.total["requested_bytes_delta"].item()
    radix = "not needed" if comparison.radix is None else str(comparison.radix)
    target.print(
        _output.facts(
            [
                ("file", [comparison.path or "-"]),
                ("format", [comparison.format]),
                ("radix", [radix]),
                ("growth", [f"{bytes_text(grown, signed=True)} in {_stacks(comparison)}"]),
                ("total line", [_total_line(comparison)]),
                ("lines", [_lines(comparison)]),
            ]
        )
    )
    target.print()
    for kind in ("module", "stack"):
        _rank.show_ranking(target, comparison, kind, top=top, inclusive=False)


def _show_snapshot(target: Console, snapshot: Snapshot, top: int) -> None:
    usage = snapshot.usage
    target.print(
        _output.facts(
            [
                ("file", [snapshot.path or "-"]),
                ("format", [" ".join(filter(None, [snapshot.format, snapshot.tool_version]))]),
                ("taken", [moment(snapshot.taken_at) or "-"]),
                ("machine", [snapshot.machine or "-"]),
                ("process", ["-" if snapshot.pid is None else str(snapshot.pid)]),
                ("pointers", [f"{snapshot.pointer_width} bits"]),
                ("encoding", [snapshot.encoding]),
                ("lines", [_lines(snapshot)]),
                ("live", [_output.live(snapshot)]),
                ("holds", [_sizes(snapshot)]),
            ]
        )
    )
    target.print()
    if usage.is_empty():
        return
    live_now = (
        hd.diff(snapshot, snapshot).by("module").sort("requested_bytes_after", "module", descending=[True, False])
    )
    live_in_all = total(live_now["requested_bytes_after"])
    shown = _output.table("Live per module", ["bytes", "share", "blocks"], ["module"])
    for row in live_now.head(top).iter_rows(named=True):
        share = _share(row["requested_bytes_after"], live_in_all)
        numbers = [bytes_text(row["requested_bytes_after"]), share, count_text(row["allocation_count_after"])]
        shown.add_row(*numbers, _output.key(row["module"], row["status"]))
    if live_now.height > top:
        rest = live_now.slice(top)
        rest_bytes, rest_blocks = (total(rest[f"{name}_after"]) for name in ("requested_bytes", "allocation_count"))
        share = _share(rest_bytes, live_in_all)
        shown.add_row(
            bytes_text(rest_bytes), share, count_text(rest_blocks), f"({count_text(live_now.height - top)} more)"
        )
    target.print(shown)


def _share(part: int | None, whole: int | None) -> str:
    return share_text(part, whole, digits=1)


def _stacks(comparison: Comparison) -> str:
    without = int(comparison.rows["stack_id"].null_count())
    return plural(comparison._stack_count, "stack") + (" and in blocks without one" if without else "")


def _total_line(comparison: Comparison) -> str:
    requested, overhead = comparison.total_requested_delta, comparison.total_overhead_delta
    if requested is None:
        return "none in the file"
    text = f"{bytes_text(requested, signed=True)} requested"
    return text if overhead is None else f"{text}, {bytes_text(overhead, signed=True)} overhead"


def _lines(capture: Snapshot | Comparison) -> str:
    parts = ", ".join(f"{count_text(number)} {name}" for name, number in sorted(capture.line_counts.items()) if number)
    return count_text(capture.line_count) + (f" ({parts})" if parts else "")


def _sizes(snapshot: Snapshot) -> str:
    names = ("heap", "stack", "frame", "module")
    return ", ".join(plural(getattr(snapshot, f"{name}s").height, name) for name in names)
