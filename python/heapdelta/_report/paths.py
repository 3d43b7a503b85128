"""The stacks of a report as data for its viewer: the largest with their frames, the rest folded; all sums are exact.

The page carries stacks and no finished tree, so that any direction and grouping is made in the browser. Stacks are
sorted, each as the number of steps that it shares with the one before it and the steps that are its own:

    {"live": false, "by": "function",
     "names": [["module", "app"], ["frame", "app+0x1C3F", 0], …],
     "stacks": {"shared": [0, 3, …], "length": [4, 5, …], "steps": [7, 2, 9, 1, 8, 3, …], "module": [0, …],
                "before": […], "after": […], "blocks": […], "id": ["#C291BD", …]},
     "folded": {"module": […], "stacks": […], "before": […], "after": […], "blocks": […]}}

Steps lead from the start of the thread to the frame that is blamed. What is folded stands by module and sign.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._numbers import sum_of, sum_of_signed, total_of_known, wide_difference
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._tree.codes import FRAME, KINDS, MODULE, NOT_IN_FILE, NOT_RECORDED, Codes
from heapdelta._tree.paths import Shape, paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta._ranking.matched import Matched

_EXACT = 1 << 53
"""From here on a browser does not add whole numbers exactly."""

_SIDES = ("before", "after")
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True)
class Carried:
    """What a page carries of the stacks."""

    data: str | None
    """JSON in ASCII, without a character that HTML takes for its own; None where a browser could not add it up."""
    kept: int
    folded: int
    """Stacks that changed and are folded."""
    folded_change: int
    """Bytes of all change, growth and shrinkage added up, that are in folded stacks."""
    unknown: int
    """Stacks whose bytes are not known, which have no width."""


def carried(matched: Matched, *, most: int | None, live: bool, text: Callable[[str], str]) -> Carried:
    """Choose `most` stacks by all change (of one log: by bytes), fold the others; `text` makes names safe to show."""
    codes = Codes(matched)
    sums = _sums(matched, codes, live=live)
    known = sums.drop_nulls(["before", "after"])
    size = wide_difference(pl.col("after"), pl.col("before")).alias("change")
    known = known.with_columns(size).sort(pl.col("change").abs(), "stack", descending=[True, False], nulls_last=True)
    changed = known.filter(pl.col("change") != 0)
    kept = changed if most is None else changed.head(most)
    folded = pl.concat([changed.slice(kept.height), known.filter(pl.col("change") == 0)])
    whole = sum(total_of_known(known[side]) for side in _SIDES)
    data = None if whole >= _EXACT else _written(matched, codes, kept, folded, text=text, live=live)
    hidden_change = changed.slice(kept.height)["change"].abs()
    return Carried(
        data,
        kept.height,
        changed.height - kept.height,
        total_of_known(hidden_change),
        sums.height - known.height,
    )


def _sums(matched: Matched, codes: Codes, *, live: bool) -> pl.DataFrame:
    """Sum up by stack: ``stack``, ``module`` (its code), ``before``, ``after``, ``blocks``."""
    sums = matched.stack_sums(codes.functions)
    frame = matched.stacks["frame"].gather(sums["stack"])
    module = codes.modules.gather(frame)
    nothing = pl.when(pl.col("stack").is_null()).then(NOT_RECORDED).otherwise(NOT_IN_FILE).cast(pl.UInt32)
    before = pl.lit(0, pl.UInt64) if live else pl.col("requested_bytes_before")
    blocks = pl.col("allocation_count_after" if live else "allocation_count_delta").cast(pl.Int64, strict=False)
    return sums.select(
        "stack",
        pl.coalesce(pl.lit(module), nothing).alias("module"),
        before.alias("before"),
        pl.col("requested_bytes_after").alias("after"),
        blocks.alias("blocks"),
    )


def _written(
    matched: Matched, codes: Codes, kept: pl.DataFrame, folded: pl.DataFrame, *, text: Callable[[str], str], live: bool
) -> str:
    shape = Shape(inward=True, of_modules=False, keep_allocators=False)
    found = paths(matched, kept["stack"], matched.hidden, shape, steps=codes.functions, first=None)
    ways = [tuple(way) for way in found.lists.to_list()]
    order = sorted(range(len(ways)), key=ways.__getitem__)
    kept = kept.select(pl.all().gather(pl.Series(order, dtype=pl.UInt32)))
    ways = [ways[place] for place in order]
    rest = _folded(folded)
    names = _Names(codes, text)
    shared, own = [], []
    last: tuple[int, ...] = ()
    for way in ways:
        same = _common(last, way)
        shared.append(same)
        own += [names.number(step) for step in way[same:]]
        last = way
    ids = short_forms(matched.stacks["fingerprint"].gather(kept["stack"]), matched.stacks["fingerprint"].drop_nulls())
    carried: dict[str, Any] = {
        "live": live,
        # Bare addresses are call sites and no functions: modules say more.
        "by": "module" if matched.frames["function"].null_count() == matched.frames.height else "function",
        "stacks": {"shared": shared, "length": [len(way) for way in ways], "steps": own}
        | _columns(kept, names)
        | {"id": ids.to_list()},
        "folded": {"stacks": rest["stacks"].to_list()} | _columns(rest, names),
    }
    carried["names"] = names.listed
    return json.dumps(carried, separators=(",", ":")).translate(_ESCAPES)


def _columns(rows: pl.DataFrame, names: _Names) -> dict[str, list[Any]]:
    numbers = {name: rows[name].to_list() for name in (*_SIDES, "blocks")}
    return {"module": [names.number(code) for code in rows["module"]]} | numbers


def _folded(rows: pl.DataFrame) -> pl.DataFrame:
    """Sum up by module and sign."""
    # No sum passes 2^53 where this is written.
    sums = [sum_of(pl.col(name)).alias(name) for name in _SIDES]
    blocks = sum_of_signed(pl.col("blocks")).alias("blocks")
    sign = pl.col("change").sign().alias("sign")
    grouped = rows.group_by("module", sign, maintain_order=True).agg(*sums, blocks, pl.len().alias("stacks"))
    return grouped.sort("module", "sign")


class _Names:
    """What steps are called: those that are used, numbered anew."""

    def __init__(self, codes: Codes, text: Callable[[str], str]) -> None:
        table = codes.table(with_functions=True)
        self._kinds, self._modules, self._functions = (table[name].to_list() for name in ("kind", "module", "function"))
        # A function is in the module of its frames: modules differ by case alone for no function.
        pairs = pl.DataFrame({"function": codes.functions, "module": codes.modules}).unique("function")
        self._module_of = dict(pairs.iter_rows())
        self._text = text
        self._known: dict[int, int] = {}
        self.listed: list[list[Any]] = []

    def number(self, code: int) -> int:
        """Give the new number of a code."""
        if code not in self._known:
            kind = self._kinds[code]
            if kind == FRAME:
                module = self.number(self._module_of[code])
                entry: list[Any] = [kind, self._text(self._functions[code] or "?"), module]
            elif kind == MODULE:
                entry = [kind, self._text(self._modules[code] or "no module")]
            else:
                entry = [KINDS[code], KINDS[code]]
            self._known[code] = len(self.listed)
            self.listed.append(entry)
        return self._known[code]


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))
