"""Rankings for people: growth per module, stack, function, heap or trace, and the frames of the top stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._numbers import total
from heapdelta._words import bytes_text, count_text, listed, plural
from heapdelta.cli import _output
from heapdelta.cli._safe import Text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from heapdelta._ranking.views import Views

_TITLES = {
    "module": "Growth per module",
    "stack": "Growth per stack",
    "function": "Growth per function",
    "heap": "Growth per heap",
    "trace": "Growth per trace",
}
_INSTEAD = {
    "trace": "--by stack matches stacks by what they contain",
    "allocation_base": "--by region_class compares sums",
}
FRAMES_SHOWN = 3
"""Stacks of a ranking whose frames are shown."""
_ROOMY = 100


def check(view: Views | DumpDelta, kind: str) -> None:
    """Refuse a ranking that makes no sense for the data, in the words of the command line.

    Raises
    ------
    OptionError
        With the kinds that can be had.
    """
    dumps = isinstance(view, DumpDelta)
    kinds = view.kinds if isinstance(view, DumpDelta) else view._kinds
    reason = view._refusal(kind)
    if kind not in kinds:
        why = f": {reason}" if dumps and reason is not None else ""
        raise OptionError(
            f"expected --by {listed(kinds)} for {'dumps' if dumps else 'logs'}, found {kind}{why}", kind="option"
        )
    if reason is not None:
        allowed = [name for name in kinds if view._refusal(name) is None]
        raise OptionError(
            f"expected --by {listed(allowed)}, found {kind}: {reason}", hint=_INSTEAD.get(kind), kind="option"
        )


def show_ranking(target: Console, view: Views, kind: str, *, top: int, inclusive: bool) -> None:
    """Print one ranking: the top rows, what the rest adds up to, and for stacks the frames of the first."""
    ranking = view.by(kind, inclusive=inclusive)
    title = _TITLES[kind] + (", every one a stack passes (sums overlap)" if inclusive else "")
    if ranking.is_empty():
        target.print(f"{title}: nothing was allocated", "\n", sep="")
        return
    show_rows(target, ranking, kind, title=title, top=top, inclusive=inclusive)
    if kind == "stack":
        show_frames(target, view, ranking.head(min(top, FRAMES_SHOWN)))


def show_rows(
    target: Console, ranking: pl.DataFrame, kind: str, *, title: str | None, top: int, inclusive: bool = False
) -> None:
    """Print the top rows of a ranking, and what the rest adds up to."""
    numbered = kind in ("stack", "trace")
    # Where it is narrow, names need the room more than numbers that can be asked for in other ways.
    narrow = target.width < _ROOMY and kind not in ("module", "heap")
    columns = ["#"] * numbered + ["growth", "blocks"] + ([] if narrow else ["before", "after"])
    shown = _output.table(title, columns, _names(kind))
    for number, row in enumerate(ranking.head(top).iter_rows(named=True), start=1):
        shown.add_row(*([str(number)] if numbered else []), *_numbers(row, narrow=narrow), *_keys(kind, row))
    rest = ranking.slice(top)
    if not rest.is_empty() and not inclusive:
        sums = {name: total(rest[name]) for name in rest.columns if "bytes_" in name or "count_" in name}
        numbers = _numbers(sums, narrow=narrow)
        shown.add_row(*([""] if numbered else []), *numbers, Text(f"({count_text(rest.height)} more)", "italic dim"))
    target.print(shown)


def _names(kind: str) -> list[str]:
    return {
        "module": ["module"],
        "function": ["function"],
        "heap": ["heap"],
        "stack": ["function", "trace id"],
        "trace": ["function", "trace id"],
    }[kind]


def _numbers(row: dict[str, int | None], *, narrow: bool) -> list[Text]:
    grown, blocks = row["requested_bytes_delta"], row["allocation_count_delta"]
    change = [_output.colored(grown, bytes_text(grown, signed=True)), Text(count_text(blocks, signed=True))]
    sides = [Text(bytes_text(row[f"requested_bytes_{side}"])) for side in ("before", "after")]
    return change if narrow else change + sides


def _keys(kind: str, row: dict[str, str | None]) -> list[Text]:
    status = row["status"] or ""
    if kind == "heap":
        base = row["heap_base"]
        return [_output.key(None if base is None else f"{base:X}", status)]
    if kind == "module":
        return [_output.key(row["module"], status)]
    owner = function(row["module"], row["function"], status)
    if kind == "function":
        return [owner]
    if kind == "trace":
        return [owner, Text(row["trace_id"] or "")]
    old, new = row["trace_id_before"], row["trace_id_after"]
    ids = new if old == new else f"{old or '-'} -> {new or '-'}"
    return [owner, Text(ids or "")]


def function(module: str | None, name: str | None, status: str) -> Text:
    """Write `app!Function`, `app+0x1C3F`, an address, or why there is none."""
    if name is None or module is None:
        return _output.key(name, status)
    # The label of a frame without a function already has its module.
    return Text(name if name.startswith(f"{module}+0x") else f"{module}!{name}")


def show_frames(target: Console, view: Views, top: pl.DataFrame) -> None:
    """Print the frames of stacks that changed; an arrow marks the one that is blamed."""
    for number, row in enumerate(top.iter_rows(named=True), start=1):
        if row["fingerprint"] is None or not row["requested_bytes_delta"]:
            continue
        grown = bytes_text(row["requested_bytes_delta"], signed=True)
        target.print(Text(f"Stack #{number}, {grown}, innermost first", "bold"))
        for line in frame_lines(view, row["fingerprint"]):
            style = "bold" if line.startswith(">") else "dim" if line.startswith("  (") else ""
            target.print(Text(f"  {line}", style), soft_wrap=True)
        target.print()


def frame_lines(view: Views, fingerprint: int) -> list[str]:
    """Write the frames of a stack, one a line, innermost first, with ``>`` before the one that is blamed."""
    frames = view.stack(fingerprint)
    lines = []
    for frame in frames.filter(frames["alias"] == 0).iter_rows(named=True):
        raw = frame["function"] is None and frame["module"] is not None and frame["offset"] is not None
        text = f"{frame['module']}+0x{frame['offset']:X}  {frame['text']}" if raw else frame["text"]
        lines.append(f"{'>' if frame['blamed'] else ' '} {text}")
    aliases = frames["alias"].n_unique() - 1
    if aliases:
        lines.append(f"  (the tool printed {plural(aliases, 'other stack')} under the same id)")
    return lines
