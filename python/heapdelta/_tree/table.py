"""The tree as a table: what each node is called, and its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from heapdelta._numbers import differences, sums_of_ranges
from heapdelta._ranking.filters import Filter
from heapdelta._ranking.measures import MEASURES, PAIRS
from heapdelta._tree.codes import Codes
from heapdelta._tree.nodes import Nodes, nodes
from heapdelta._tree.paths import Shape, paths
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heapdelta._ranking.matched import Matched
    from heapdelta.blame import RuleLike

    Direction: TypeAlias = Literal["outward", "inward"]
    By: TypeAlias = Literal["function", "module"]
    Kept: TypeAlias = Literal["trim", "keep"]

_CHOICES = {"direction": ("outward", "inward"), "by": ("function", "module"), "allocators": ("trim", "keep")}
_CHANGE = "requested_bytes_delta"
_PARTS = ("requested_bytes_grown", "requested_bytes_shrunk")
_COUNT = "stack_count"
_LEFT_OUT = "requested_bytes_left_out"
_NAMES = ("kind", "module", "function", "allocator")


def tree(
    matched: Matched,
    *,
    direction: Direction,
    by: By,
    allocators: Kept,
    hide: Iterable[RuleLike] | RuleLike,
    live: bool = False,
    changed: bool = False,
) -> pl.DataFrame:
    """Make the tree of matched rows; of one log alone (`live`), by what there is of it and not by what it grew.

    `changed` leaves out stacks whose bytes are as they were, of one log those that hold none: no picture has room for
    them, and most stacks of two logs are such.

    Raises
    ------
    OptionError
        If an option is none of its choices, or a pattern is empty.
    """
    for name, value in (("direction", direction), ("by", by), ("allocators", allocators)):
        if value not in _CHOICES[name]:
            raise OptionError(f"expected {' or '.join(_CHOICES[name])} for {name}, found {value!r}", kind="option")
    shape = Shape(inward=direction == "inward", of_modules=by == "module", keep_allocators=allocators == "keep")
    hidden = matched.hidden | Filter.of(hide=hide).hidden(matched.frames)
    codes = Codes(matched)
    steps = codes.modules if shape.of_modules else codes.functions
    stacks = matched.stack_sums(steps)
    if changed:
        stacks = stacks.filter(_weight(stacks, live=live).ne_missing(0))
    ways = paths(matched, stacks["stack"], hidden, shape, steps=steps, first=codes.modules)
    found = nodes(ways, _weight(stacks, live=live))
    named = codes.table(with_functions=by == "function").select(pl.all().gather(found.table["code"]))
    sums = _sums_of_live if live else _sums
    return pl.concat(
        [
            found.table.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("node_id"), "parent_id", "depth"),
            named.select(_NAMES),
            sums(stacks.select(pl.all().gather(found.order)), found),
            _left_out(matched, found.table.height, live=live).to_frame(),
        ],
        how="horizontal",
    )


def _left_out(matched: Matched, height: int, *, live: bool) -> pl.Series:
    """Say at the root what filters leave out."""
    out = matched.total(matched.left_out)["requested_bytes_after" if live else _CHANGE]
    return pl.concat([out, pl.repeat(None, height - 1, dtype=out.dtype, eager=True)]).alias(_LEFT_OUT)


def _weight(stacks: pl.DataFrame, *, live: bool) -> pl.Series:
    """Give what siblings are sorted by: what there is, or all change, in which growth and shrinkage do not cancel."""
    amount = stacks["requested_bytes_after" if live else _CHANGE]
    return amount.cast(pl.Int128).abs()


def _sums(stacks: pl.DataFrame, found: Nodes) -> pl.DataFrame:
    change = pl.col(_CHANGE)
    rows = stacks.select(
        *PAIRS, change.clip(lower_bound=0).alias(_PARTS[0]), change.clip(upper_bound=0).alias(_PARTS[1]), _is_stack()
    )
    return _of_nodes(rows, found, _with_deltas)


def _sums_of_live(stacks: pl.DataFrame, found: Nodes) -> pl.DataFrame:
    rows = stacks.select(*(pl.col(f"{measure}_after").alias(measure) for measure in MEASURES), _is_stack())
    return _of_nodes(rows, found, lambda sums: sums)


def _is_stack() -> pl.Expr:
    return pl.col("stack").is_not_null().cast(pl.UInt32).alias(_COUNT)


def _of_nodes(rows: pl.DataFrame, found: Nodes, completed: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Sum up what is below each node, and what ends in it, which most have none of; rows are in the order of nodes."""
    of_spans = completed(_ranges(rows, found.spans["start"], found.spans["end"]))
    whole = of_spans.select(_COUNT, pl.exclude(_COUNT)).select(pl.all().gather(found.table["span"]))
    ends = (found.table["ending"] > 0).arg_true()
    start = found.spans["start"].gather(found.table["span"].gather(ends))
    of_ends = completed(_ranges(rows.drop(_COUNT), start, start + found.table["ending"].gather(ends)))
    # The sum of nothing is zero, and not known of what the tool does not write.
    none = pl.Series([0], dtype=pl.UInt32)
    nothing = completed(_ranges(rows.drop(_COUNT), none, none))
    row = pl.repeat(0, whole.height, dtype=pl.UInt32, eager=True)
    row = row.scatter(ends, pl.int_range(1, len(ends) + 1, dtype=pl.UInt32, eager=True))
    own = pl.concat([nothing, of_ends], rechunk=True).select(pl.all().gather(row).name.prefix("self_"))
    return pl.concat([whole, own], how="horizontal")


def _ranges(rows: pl.DataFrame, start: pl.Series, end: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([sums_of_ranges(column, start, end).alias(column.name) for column in rows])


def _with_deltas(sums: pl.DataFrame) -> pl.DataFrame:
    columns = []
    for measure in MEASURES:
        before, after = (sums[f"{measure}_{side}"] for side in ("before", "after"))
        columns += [before, after, differences(after, before).alias(f"{measure}_delta")]
    others = [sums[name] for name in (*_PARTS, _COUNT) if name in sums.columns]
    return pl.DataFrame([*columns, *others])
