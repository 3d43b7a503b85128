"""What every answer about stacks takes: filters, how many stacks have their frames shown, and which one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import polars as pl
import typer

from heapdelta._drawing import ahead
from heapdelta._numbers import wide_sum
from heapdelta._picture import refuse_other
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._words import bytes_text, plural
from heapdelta.cli import _rank
from heapdelta.cli._safe import Text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from rich.console import Console

    from heapdelta._ranking.views import Views

_PICTURES = (".png", ".svg", ".html")
SHOWN = 3
"""Stacks whose frames are shown unless another number is asked for."""

AnyFiltered = TypeVar("AnyFiltered", bound="Filtered")

Focus = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Keep only stacks with such a frame: mymem, mymem!pool_*; can be repeated."),
]
Ignore = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Leave out stacks with such a frame; can be repeated.")
]
Hide = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Pass over such frames, as over an allocator's; can be repeated."),
]
Show = Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Look at such frames alone; can be repeated.")]
Stacks = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="How many stacks have their frames shown: the largest of each module that grew, then the next.",
        show_default=f"{SHOWN}; none with --by anything but stack; {SHOWN} in JSON",
    ),
]
StacksOfOne = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="How many stacks have their frames shown: the largest of each module, then the next.",
        show_default=f"log: none; a comparison, and --by stack: {SHOWN}; {SHOWN} in JSON",
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Show this stack alone: #C291BD, or BackTrace53.", show_default=False),
]


def count_of(stacks: int | None) -> int:
    """Tell how many stacks have their frames shown."""
    return SHOWN if stacks is None else stacks


def filters(
    focus: list[str] | None, ignore: list[str] | None, hide: list[str] | None, show: list[str] | None
) -> dict[str, list[str]]:
    """Give the arguments of `Views.filter` that are there."""
    asked = {"focus": focus, "ignore": ignore, "hide": hide, "show": show}
    return {name: patterns for name, patterns in asked.items() if patterns}


class Filtered(Protocol):
    """What can be looked at in part: a `Views`, or a `Series`."""

    def filter(
        self, *, focus: list[str] = ..., ignore: list[str] = ..., hide: list[str] = ..., show: list[str] = ...
    ) -> Self:
        """Look at some stacks, or past some frames."""


def filtered(view: AnyFiltered, asked: Mapping[str, list[str]]) -> AnyFiltered:
    """Filter what is looked at, if that is asked for."""
    return view.filter(**asked) if asked else view


def refuse_for_dumps(options: Mapping[str, object]) -> None:
    """Refuse options about stacks, which dumps have not.

    Raises
    ------
    OptionError
        If one is given.
    """
    for option, value in options.items():
        if value is not None and value is not False and value != {}:
            raise OptionError(f"expected no {option} with a minidump, which has no stacks", kind="option")


def check_stack(stack: str | None, by: str | None, *, inclusive: bool = False) -> None:
    """See before the work that one stack alone is not to be ranked by something else.

    Raises
    ------
    OptionError
        If it is.
    """
    if stack is None:
        return
    other = f"--by {by}" if by not in (None, "stack") else "--inclusive" if inclusive else None
    if other is not None:
        message = f"expected no {other} with --stack, which shows one stack alone"
        raise OptionError(message, hint="leave one of them out", kind="option")


def check_chart(chart: Path | None, *, inclusive: bool) -> None:
    """See before the work that a picture can be drawn.

    Raises
    ------
    OptionError
        If the file is none of a picture, or sums overlap.
    """
    if chart is None:
        return
    if chart.suffix.lower() not in _PICTURES:
        raise OptionError(f"expected --chart with a .png, .svg or .html file, found {chart.name}", kind="option")
    if inclusive:
        message = "expected no --chart with --inclusive: its sums overlap, and the bars of a chart add up"
        raise OptionError(message, hint="leave one of them out", kind="option")
    refuse_other(chart)
    if chart.suffix.lower() != ".html":
        ahead.start()


def amount_of(ranking: pl.DataFrame) -> str:
    """Name the column by which a ranking is sorted: growth, or what is live."""
    return "requested_bytes_delta" if "requested_bytes_delta" in ranking.columns else "requested_bytes"


def largest(ranking: pl.DataFrame, count: int) -> pl.DataFrame:
    """Choose stacks of a ranking: the largest of each module that grew in all, then the next.

    What is not known may have grown: such a stack counts as one that did, of no size.
    """
    amount = pl.col(amount_of(ranking))
    ranked = ranking.with_row_index("place").filter(pl.col("fingerprint").is_not_null() & amount.ne_missing(0))
    module = pl.col("module").str.to_lowercase()
    grew = (wide_sum(amount).over(module) > 0).fill_null(True)
    first = grew & module.is_first_distinct() & (amount > 0).fill_null(True)
    return ranked.sort(~first, "place", maintain_order=True).head(count).sort("place").drop("place")


def one(view: Views, asked: str) -> pl.DataFrame:
    """Give the row of one stack in the ranking by stack.

    Raises
    ------
    OptionError
        If there is none, or several.
    """
    fingerprint = view.fingerprint(asked)
    row = view.by("stack").filter(fingerprint=fingerprint)
    if row.is_empty():
        raise OptionError(f"expected a stack that no filter leaves out, found {asked}", kind="no_such_stack")
    return row


def show_stacks(target: Console, view: Views, rows: pl.DataFrame) -> None:
    """Print stacks: their id, what they grew, and the frames; an arrow marks the one that is blamed."""
    ids = short_forms(rows["fingerprint"], view.fingerprints)
    for name, row in zip(ids, rows.iter_rows(named=True), strict=True):
        target.print(Text(f"Stack {name}, {_told(row)}, innermost first", "bold"))
        show_frames(target, view, row["fingerprint"])


def show_frames(target: Console, view: Views, fingerprint: int) -> None:
    """Print the frames of a stack, and an empty line."""
    for line in _rank.frame_lines(view, fingerprint):
        style = "bold" if line.startswith(">") else "dim" if line.startswith("  (") else ""
        target.print(Text(f"  {line}", style), soft_wrap=True)
    target.print()


def _told(row: dict[str, Any]) -> str:
    if "requested_bytes_delta" not in row:
        return f"{_size(row['requested_bytes'])} in {plural(row['allocation_count'], 'block')}"
    blocks = plural(row["allocation_count_delta"], "block", signed=True)
    grown = row["requested_bytes_delta"]
    return f"{'growth not known' if grown is None else bytes_text(grown, signed=True)}, {blocks}"


def _size(number: int | None) -> str:
    return "bytes not known" if number is None else bytes_text(number)


def as_json(view: Views, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Give stacks with their frames, for JSON."""
    ids = short_forms(rows["fingerprint"], view.fingerprints)
    return [stack_json(view, name, row) for name, row in zip(ids, rows.iter_rows(named=True), strict=True)]


def stack_json(view: Views, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Give one stack of a ranking with its frames, for JSON; `name` is its short form."""
    frames = view.stack(row["fingerprint"]).filter(alias=0).drop("index", "alias").to_dicts()
    for frame in frames:
        for number in ("offset", "address"):
            frame[number] = None if frame[number] is None else f"0x{frame[number]:X}"
    own = {key: value for key, value in row.items() if key != "fingerprint"}
    return {"id": name, "fingerprint": f"0x{row['fingerprint']:016X}", **own, "frames": frames}
