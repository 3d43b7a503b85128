"""The stacks of a dataset, ready to be compared with any of them: each as the functions from its blamed frame outward.

Of ``ntdll!RtlAllocateHeap+0x10``, ``shop!Basket::Add+0x2C``, ``shop!main+0x80`` the first is an allocator's and does
not count. The others become tokens, which are equal for frames that agree: `Basket::Add` of weight 1 if it is in no
stack that another function is blamed for, and `main` of weight 0.8 / √5 if five functions are blamed in stacks
through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._ranking.labels import doubtful_names
from heapdelta.dataset._alignment import DECAY, Counted, Frame
from heapdelta.dataset._frames import labels_of, stacks_and_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta.blame import Allocators
    from heapdelta.dataset._tree import Tables


class StackIndex:
    """The stacks of a dataset by number, and the frames that count.

    Attributes
    ----------
    fingerprints : polars.Series
        Of each stack.
    rows : polars.DataFrame
        One row per stack and frame that counts, from the blamed one outward: ``stack``, ``number`` (of the frame),
        ``token``, ``weight``.
    weights : polars.DataFrame
        The ``weight`` of each ``stack`` that has frames.
    """

    def __init__(self, tables: Tables, allocators: Allocators) -> None:
        self.allocators = allocators
        stacks, frames = stacks_and_frames(tables, allocators)
        # Names by symbols need no guess from how far behind the function's start the frame is.
        sure = pl.coalesce("sure", ~doubtful_names(frames))
        named = pl.col("module").is_not_null() & pl.col("function").is_not_null() & sure
        frames = frames.with_columns(named.alias("named"))
        lower = frames.with_columns(pl.col("module").str.to_lowercase())
        rows, tokens, blamed = _native.stack_index(stacks.select("frames"), lower, DECAY)
        self.fingerprints = stacks["fingerprint"]
        self.token_count = frames.height
        self._frames = frames.hstack(pl.DataFrame(tokens))
        self._blamed = pl.DataFrame(blamed).to_series()
        self.rows = pl.DataFrame(rows)
        self.weights = self.rows.group_by("stack").agg(pl.sum("weight"))

    def number_of(self, fingerprint: str) -> int:
        """Give the number of a stack that is there."""
        number = self.fingerprints.index_of(fingerprint)
        assert number is not None
        return number

    def counted(self, stacks: Iterable[int]) -> dict[int, Counted]:
        """Give what is compared of some stacks; groups keep the order of rows."""
        wanted = pl.Series("stack", list(stacks), dtype=pl.UInt32)
        rows = self.rows.filter(pl.col("stack").is_in(wanted.implode()))
        distinct = rows.unique("token")["number"]
        tokens = self._frames.select(pl.col("token", "group", "named").gather(distinct))
        frames = {token: Frame(token, module, named) for token, module, named in tokens.iter_rows()}
        lists = rows.group_by("stack").agg("token", "weight")
        found = {stack: Counted([frames[token] for token in own], weights) for stack, own, weights in lists.iter_rows()}
        return {stack: found.get(stack, Counted([], [])) for stack in wanted}

    def frames_of(self, stacks: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
        """Give the frames of some stacks that count: their numbers and names."""
        wanted = pl.Series("stack", list(stacks), dtype=pl.UInt32)
        rows = self.rows.filter(pl.col("stack").is_in(wanted.implode())).select("stack", "number")
        named = labels_of(self._frames, rows["number"])
        bare = named["module"].is_null() | self._frames["function"].gather(rows["number"]).is_null()
        name = pl.when(bare).then("function").otherwise(pl.format("{}!{}", "module", "function"))
        lists = rows.with_columns(named.select(name.alias("name"))["name"]).group_by("stack").agg("number", "name")
        found = {stack: list(zip(numbers, names, strict=True)) for stack, numbers, names in lists.iter_rows()}
        return {stack: found.get(stack, []) for stack in wanted}

    def blamed_frames(self, stacks: pl.Series) -> pl.DataFrame:
        """Give ``module`` and ``function`` of the frames that some stacks count for."""
        return labels_of(self._frames, self._blamed.gather(stacks))
