"""What the tooltip of a stack tells: its fingerprint, its ids in the logs, its frames. Part of `chart`."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Protocol

import altair as alt
import polars as pl

from heapdelta._ranking import labels
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._words import count_text, plural
from heapdelta.chart import _data as data
from heapdelta.chart._text import chart_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapdelta._ranking.filters import Filter
    from heapdelta._ranking.matched import Matched

FRAMES = 12
"""Frames of a stack that are shown, from the innermost outward."""

_IDS = 3
_FIELDS = {"stack": "stack", "traces": "trace ids in the logs", "frames": "frames, innermost first"}


class Source(Protocol):
    """A capture with stacks."""

    @property
    def stacks(self) -> pl.DataFrame:
        """Stacks."""

    @property
    def frames(self) -> pl.DataFrame:
        """Frames."""


def rows_of(keys: pl.DataFrame, matched: Matched | None) -> list[dict[str, Any]]:
    """Tell about each stack of a ranking, as `stack_rows` does; of a frame alone nothing but the keys is known."""
    return stack_rows(keys, []) if matched is None else stack_rows(keys, matched.sources, matched.filtered)


def stack_rows(keys: pl.DataFrame, sources: Sequence[Source], filtered: Filter | None = None) -> list[dict[str, Any]]:
    """Tell about each stack of a chart: ``name``, ``stack`` (``#C291BD``), ``traces``, ``frames`` (a line for each).

    `keys` are the keys of the chart with their ``name``; none if these are no stacks. Frames and ids that `keys` do not
    have are looked for in `sources`, one after the other. Of frames that `filtered` hides only their number is told.
    """
    if "fingerprint" not in keys.columns or keys.is_empty():
        return []
    wanted = keys["fingerprint"].drop_nulls().unique()
    frames, ids = _frames(wanted, sources, filtered), _ids(keys, wanted, sources)
    shorts = short_forms(keys["fingerprint"])
    return [
        {
            "name": row["name"],
            "stack": short or row.get("status", "not known"),
            "traces": chart_text(_traces(row, ids)) or "none",
            "frames": frames.get(row["fingerprint"], "not known"),
        }
        for row, short in zip(keys.iter_rows(named=True), shorts, strict=True)
    ]


def told(base: alt.Chart, tooltip: Iterable[alt.Tooltip], stacks: Sequence[dict[str, Any]]) -> alt.Chart:
    """Give marks a tooltip; those of stacks, which have a ``name``, tell of the stack as well."""
    if not stacks:
        return base.encode(tooltip=list(tooltip))
    source = alt.LookupData(data=alt.NamedData("stacks"), key="name", fields=list(_FIELDS))
    fields = [alt.Tooltip(f"{field}:N", title=title) for field, title in _FIELDS.items()]
    return base.transform_lookup("name", from_=source, default="–").encode(tooltip=[*tooltip, *fields])


def _frames(wanted: pl.Series, sources: Sequence[Source], filtered: Filter | None) -> dict[int, str]:
    found: dict[int, str] = {}
    for source in sources:
        missing = wanted.filter(~wanted.is_in(list(found)))
        if missing.is_empty():
            break
        hits = source.stacks.filter(pl.col("fingerprint").is_in(missing.implode()))
        hits = hits.select("fingerprint", "frame_ids").unique("fingerprint", keep="first", maintain_order=True)
        hidden = filtered.hidden(source.frames) if filtered else None
        for fingerprint, ids in hits.iter_rows():
            found[fingerprint] = _lines(source.frames, ids, hidden)
    return found


def _lines(frames: pl.DataFrame, ids: Sequence[int], hidden: pl.Series | None = None) -> str:
    flags = [False] * len(ids) if hidden is None else [bool(hidden[number]) for number in ids]
    shown = [number for number, is_hidden in zip(ids, flags, strict=True) if not is_hidden]
    names = iter(_names(frames, shown[:FRAMES]))
    lines: list[str] = []
    told, left = 0, FRAMES
    for is_hidden, group in groupby(flags):
        count = len(list(group))
        if left == 0:
            break
        if is_hidden:
            lines.append(f"({plural(count, 'hidden frame')})")
        else:
            count = min(count, left)
            lines += islice(names, count)
            left -= count
        told += count
    more = len(ids) - told
    return "\n".join([*lines, *([f"… {count_text(more)} more"] if more else [])])


def _names(frames: pl.DataFrame, ids: Sequence[int]) -> list[str]:
    shown = frames.select(pl.col("module", "function", "offset", "text").gather(pl.Series(ids, dtype=pl.UInt32)))
    labelled = shown.select("module", labels.function_label(shown), status=pl.lit("no module"))
    return [data.short(name, 2 * data.CHARACTERS) for name in data.named(labelled)["name"]]


def _ids(keys: pl.DataFrame, wanted: pl.Series, sources: Sequence[Source]) -> dict[int, list[str]]:
    """Ids of each stack, in the order of the logs; nothing where the keys have their own."""
    found: dict[int, list[str]] = {}
    if any(name.startswith("trace_id") for name in keys.columns):
        return found
    for source in sources:
        hits = source.stacks.filter(pl.col("fingerprint").is_in(wanted.implode()) & pl.col("trace_id").is_not_null())
        for fingerprint, trace_id in hits.select("fingerprint", "trace_id").iter_rows():
            known = found.setdefault(fingerprint, [])
            if trace_id not in known:
                known.append(trace_id)
    return found


def _traces(row: dict[str, Any], ids: dict[int, list[str]]) -> str:
    if "trace_id" in row:
        return row["trace_id"] or ""
    if "trace_id_before" in row:
        before, after = row["trace_id_before"], row["trace_id_after"]
        sides = (
            [f"{after} in both"]
            if before == after and after
            else [f"{before} before" if before else None, f"{after} after" if after else None]
        )
        return ", ".join(filter(None, sides))
    known = ids.get(row["fingerprint"], [])
    more = [f"… {count_text(len(known) - _IDS)} more"] if len(known) > _IDS else []
    return ", ".join([*known[:_IDS], *more])
