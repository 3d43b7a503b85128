"""Rankings for people: growth per module, stack, function, heap or trace, and the frames of the top stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._numbers import total
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._ranking.frame_text import call_text, frame_text
from heapdelta._ranking.matched import PARTS
from heapdelta._ranking.measures import MEASURES
from heapdelta._words import bytes_text, count_text, listed, plural, share_text
from heapdelta.cli import _output
from heapdelta.cli._listing import Listing
from heapdelta.cli._safe import Text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._ranking.live import Live
    from heapdelta._ranking.views import Views

_TITLES = {
    "module": "Growth per module",
    "stack": "Growth per stack",
    "function": "Growth per function",
    "heap": "Growth per heap",
    "trace": "Growth per trace",
    "size": "Growth per size of a block",
}
_INSTEAD = {
    "trace": "--by stack matches stacks by what they contain",
    "allocation_base": "--by region_class compares sums",
}
_HIDDEN_TOLD = 3
LEFT_BY_FILTERS = "nothing is left by filters"
_WORTH_A_LOOK = 0.1
"""Growth that is hidden in a row counts from this share of the largest change."""


def check(view: Views | DumpDelta, kind: str) -> None:
    """Refuse a ranking that makes no sense for the data, in the words of the command line.

    Raises
    ------
    OptionError
        With the kinds that can be had.
    """
    dumps = isinstance(view, DumpDelta)
    kinds = (*view.kinds, *view.heap_kinds) if isinstance(view, DumpDelta) else view._kinds
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
    """Print one ranking: the top rows, and what the rest adds up to."""
    ranking = view.by(kind, inclusive=inclusive)
    title = _TITLES[kind] + (", every one a stack passes (sums overlap)" if inclusive else "")
    if ranking.is_empty():
        target.print(f"{title}: {_nothing(view) or 'nothing was allocated'}", "\n", sep="")
        return
    ranking = _changed_first(ranking)
    ids = _ids(ranking.head(top), view)
    show_rows(target, ranking, kind, title=title, top=top, inclusive=inclusive, ids=ids)


def _changed(ranking: pl.DataFrame) -> pl.Series:
    """Tell which rows changed in any way; what is not known may have."""
    named = [f"{measure}_delta" for measure in MEASURES] + list(PARTS)
    told = [name for name in named if name in ranking.columns and ranking[name].null_count() < ranking.height]
    return ranking.select(pl.any_horizontal(pl.col(name).ne_missing(0) for name in told or named[:1])).to_series()


def _changed_first(ranking: pl.DataFrame) -> pl.DataFrame:
    """Put rows without any change last: they tell less than what shrank."""
    changed = _changed(ranking)
    return pl.concat([ranking.filter(changed), ranking.filter(~changed)])


def _nothing(view: Views) -> str:
    """Say that filters leave nothing, where there is something; else nothing."""
    return LEFT_BY_FILTERS if view._filtered_away else ""


def _ids(rows: pl.DataFrame, view: Views) -> list[str] | None:
    """Give the short forms of the fingerprints of stacks; None for other rankings."""
    if "fingerprint" not in rows.columns:
        return None
    return short_forms(rows["fingerprint"], view.fingerprints).fill_null("").to_list()


def show_rows(
    target: Console,
    ranking: pl.DataFrame,
    kind: str,
    *,
    title: str | None,
    top: int,
    inclusive: bool = False,
    ids: list[str] | None = None,
) -> None:
    """Print the top rows of a ranking that changed, and what the rest adds up to; `ids` are those of the stacks."""
    ranking = _changed_first(ranking)
    top = min(top, ranking.filter(_changed(ranking)).height)
    if not top:
        target.print(f"{title}: nothing changed" if title else "nothing changed", "\n", sep="")
        return
    first = ranking.head(top)
    parts = _hides_growth(first)
    columns = ["growth", *(["grown", "shrunk"] if parts else []), "blocks", "before", "after"]
    # Where it is narrow, names need the room more than numbers that can be asked for in other ways.
    # What a row hides is found nowhere else, so before and after go first.
    spare = [["before", "after"], ["grown", "shrunk"]] if parts or kind not in ("module", "heap", "size") else []
    shown = Listing(title, columns, _names(kind, with_ids=ids is not None), spare=spare)
    for place, row in enumerate(first.iter_rows(named=True)):
        own = [Text(ids[place])] if ids is not None else []
        shown.add(*_numbers(row, parts=parts), *own, *_keys(kind, row))
    rest = ranking.slice(top)
    if not rest.is_empty() and not inclusive:
        sums = {name: total(rest[name]) for name in rest.columns if "bytes_" in name or "count_" in name}
        own = [Text("")] if ids is not None else []
        shown.add(*_numbers(sums, parts=parts), *own, Text(f"({count_text(rest.height)} more)", "italic dim"))
    left_out = shown.show(target)
    if hidden := _hidden_below(ranking, kind, 0 if "grown" in left_out else top):
        target.print(Text(f"hidden growth: {hidden}", "yellow"), soft_wrap=True, end="\n\n")


def _hidden_below(ranking: pl.DataFrame, kind: str, top: int) -> str:
    """Name rows outside the top ones that hide growth, with what their stacks grew and shrank."""
    if "requested_bytes_grown" not in ranking.columns:
        return ""
    rest = ranking.with_columns(_hidden().alias("hidden")).slice(top).filter("hidden")
    largest = rest.sort("requested_bytes_grown", descending=True, maintain_order=True)
    told = [
        f"{_keys(kind, row)[0].plain}: {bytes_text(row['requested_bytes_grown'], signed=True)} grown, "
        f"{bytes_text(row['requested_bytes_shrunk'], signed=True)} shrunk"
        for row in largest.head(_HIDDEN_TOLD).iter_rows(named=True)
    ]
    more = [f"and {count_text(rest.height - len(told))} more"] if rest.height > len(told) else []
    return "; ".join([*told, *more])


def show_live(target: Console, live: Live, kind: str, *, top: int, inclusive: bool) -> None:
    """Print what a log holds, by module or another kind: the top rows, and what the rest adds up to."""
    ranking = live.by(kind, inclusive=inclusive)
    if ranking.is_empty():
        target.print(_nothing(live) or "nothing is live", "\n", sep="")
        return
    first, rest = ranking.head(top), ranking.slice(top)
    ids = _ids(first, live)
    title = f"Live per {'size of a block' if kind == 'size' else kind}"
    title += ", every one a stack passes (sums overlap)" if inclusive else ""
    shown = _output.table(title, ["bytes", "share", "blocks"], _names(kind, with_ids=ids is not None))
    whole = live.total["requested_bytes"].item()
    for place, row in enumerate(first.iter_rows(named=True)):
        own = [Text(ids[place])] if ids is not None else []
        shown.add_row(*_held(row, whole), *own, *_keys(kind, row))
    if not rest.is_empty() and not inclusive:
        sums = {name: total(rest[name]) for name in ("requested_bytes", "allocation_count")}
        own = [Text("")] if ids is not None else []
        shown.add_row(*_held(sums, whole), *own, Text(f"({count_text(rest.height)} more)", "italic dim"))
    target.print(shown)


def _held(row: dict[str, int | None], whole: int | None) -> list[Text]:
    size = row["requested_bytes"]
    return [Text(bytes_text(size)), Text(share_text(size, whole, digits=1)), Text(count_text(row["allocation_count"]))]


def _hides_growth(rows: pl.DataFrame) -> bool:
    """Tell whether stacks that shrank hide growth in a row."""
    return "requested_bytes_grown" in rows.columns and bool(rows.select(_hidden().any()).item())


def _hidden() -> pl.Expr:
    """Rows of which twice what is left is hidden, and worth a look beside others."""
    grown, shrunk = pl.col("requested_bytes_grown"), pl.col("requested_bytes_shrunk").abs()
    left = pl.col("requested_bytes_delta").abs()
    return (grown > 2 * left) & (pl.min_horizontal(grown, shrunk) > _WORTH_A_LOOK * left.max())


def _names(kind: str, *, with_ids: bool) -> list[str]:
    names = {"stack": ["function", "trace"], "trace": ["function", "trace"], "size": ["size of a block"]}
    return ["stack"] * with_ids + names.get(kind, [kind])


def _numbers(row: dict[str, int | None], *, parts: bool) -> list[Text]:
    grown, blocks = row["requested_bytes_delta"], row["allocation_count_delta"]
    change = [_output.colored(grown, bytes_text(grown, signed=True))]
    if parts:
        change += [Text(bytes_text(row[f"requested_bytes_{part}"], signed=True)) for part in ("grown", "shrunk")]
    change.append(Text(count_text(blocks, signed=True)))
    return change + [Text(bytes_text(row[f"requested_bytes_{side}"])) for side in ("before", "after")]


def _keys(kind: str, row: dict[str, str | None]) -> list[Text]:
    status = row["status"] or ""
    if kind == "heap":
        base = row["heap_base"]
        return [_output.key(None if base is None else f"{base:X}", status)]
    if kind == "module":
        return [_output.key(row["module"], status)]
    if kind == "size":
        size = row["size"]
        return [_output.key(None if size is None else plural(int(size), "byte"), status)]
    owner = function(row["module"], row["function"], status)
    if kind == "function":
        return [owner]
    if kind == "trace":
        return [owner, Text(row["trace_id"] or "")]
    if "trace_id" in row:
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


def frame_lines(view: Views, fingerprint: int) -> list[str]:
    """Write the frames of a stack, one a line, innermost first, with ``>`` before the one that is blamed."""
    frames = view.stack(fingerprint)
    lines: list[str] = []
    following = 0
    for frame in frames.filter(frames["alias"] == 0).iter_rows(named=True):
        if hidden := frame["index"] - following:
            lines.append(f"  ({plural(hidden, 'hidden frame')})")
        following = frame["index"] + 1
        lines += [f"  {call_text(*call.partition(' at '))}, inlined" for call in frame["inlined"] or []]
        lines.append(f"{'>' if frame['blamed'] else ' '} {frame_text(frame)}")
    aliases = frames["alias"].n_unique() - 1
    if aliases:
        lines.append(f"  (the tool printed {plural(aliases, 'other stack')} under the same id)")
    return lines
