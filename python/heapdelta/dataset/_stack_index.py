"""The stacks of a dataset, ready to be compared with any of them: each as the functions from its blamed frame outward.

Of ``ntdll!RtlAllocateHeap+0x10``, ``shop!Basket::Add+0x2C``, ``shop!main+0x80`` the first is an allocator's and does
not count. The others become tokens, which are equal for frames that agree: `Basket::Add` of weight 1 if it is in no
stack that another function is blamed for, and `main` of weight 0.8 / √5 if five functions are blamed in stacks
through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from heapdelta._ranking.labels import doubtful_names, function_label
from heapdelta.blame import Allocators, frame_flags
from heapdelta.dataset._alignment import DECAY, Counted, Frame
from heapdelta.dataset._keys import address_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta.dataset._tree import Tables

_OFFSET = pl.col("offset").cast(pl.UInt64)
_SHIFT = 1 << 32


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
        of_frames = tables.scan("frames").select("frame", "module", "function", _OFFSET, "address", "text")
        stacks, frames = pl.collect_all([tables.scan("stacks").select("fingerprint", "frames"), of_frames])
        frames = frames.with_columns(pl.coalesce("text", address_text(frames["address"]))).drop("address")
        self.fingerprints = stacks["fingerprint"]
        self._frames = _with_tokens(frames)
        self.token_count = 1 + frames.height
        allocator = frame_flags(self._frames, allocators)
        rows = _passed(stacks, self._frames)
        ends = _ends(rows, allocator, stacks.height)
        self._blamed = rows["number"].gather(ends["blamed"])
        rows = rows.with_columns(self._frames["token"].gather(rows["number"]), ends["start"].gather(rows["stack"]))
        rows = rows.filter(pl.col("row") >= pl.col("start"))
        blamed = self._frames["token"].gather(self._blamed)
        rows = rows.with_columns(_weight(rows, blamed, self.token_count))
        self.rows = rows.select("stack", "number", "token", "weight")
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
        named = self._named(rows["number"])
        bare = named["module"].is_null() | self._frames["function"].gather(rows["number"]).is_null()
        name = pl.when(bare).then("function").otherwise(pl.format("{}!{}", "module", "function"))
        lists = rows.with_columns(named.select(name.alias("name"))["name"]).group_by("stack").agg("number", "name")
        found = {stack: list(zip(numbers, names, strict=True)) for stack, numbers, names in lists.iter_rows()}
        return {stack: found.get(stack, []) for stack in wanted}

    def blamed_frames(self, stacks: pl.Series) -> pl.DataFrame:
        """Give ``module`` and ``function`` of the frames that some stacks count for."""
        return self._named(self._blamed.gather(stacks))

    def _named(self, numbers: pl.Series) -> pl.DataFrame:
        frames = self._frames.select(pl.col("module", "function", "offset", "text").gather(numbers))
        return frames.select("module", pl.when(numbers.is_not_null()).then(function_label(frames)).alias("function"))


def _with_tokens(frames: pl.DataFrame) -> pl.DataFrame:
    """Add to every frame what it is compared by: ``token``, ``group`` (its module), ``named``."""
    module = pl.col("module").str.to_lowercase()
    named = pl.col("module").is_not_null() & pl.col("function").is_not_null() & ~doubtful_names(frames)
    token = pl.struct(
        module,
        pl.when(module.is_not_null()).then("function").alias("function"),
        pl.when(~named).then("offset").alias("offset"),
        # Without a module an address, or a line that nobody could read, stands for itself.
        pl.when(module.is_null()).then("text").alias("text"),
    )
    return frames.with_columns(
        token.rank("dense").alias("token"), module.rank("dense").alias("group"), named.alias("named")
    )


def _passed(stacks: pl.DataFrame, frames: pl.DataFrame) -> pl.DataFrame:
    """Give the frames of all stacks, in order: ``row``, ``stack``, ``number``."""
    long = stacks.select("frames").with_row_index("stack").explode("frames", empty_as_null=True)
    # Numbers made of the keys are joined in half of the time; hardly ever two of them are the same.
    short = frames["frame"].hash().n_unique() == frames.height
    key, keys = (pl.col(name).hash() if short else pl.col(name) for name in ("frame", "frames"))
    numbers = frames.select(key.alias("key"), pl.int_range(pl.len(), dtype=pl.UInt32).alias("number"))
    joined = long.select(keys.alias("key")).join(numbers, on="key", how="left", maintain_order="left")
    return pl.DataFrame([long["stack"], joined["number"]]).drop_nulls("number").with_row_index("row")


def _ends(rows: pl.DataFrame, allocator: pl.Series, stacks: int) -> pl.DataFrame:
    """Tell of every stack from which row on it counts, and which is blamed: ``start``, ``blamed``; null without frames.

    Where all frames are an allocator's, all count, and the outermost is blamed.
    """
    begins, ends = (pl.col("stack").ne_missing(pl.col("stack").shift(step)) for step in (1, -1))
    first = rows.filter(begins).select("stack", pl.col("row").alias("first"))
    last = rows.filter(ends).select("stack", pl.col("row").alias("last"))
    others = rows.filter(~allocator.gather(rows["number"]))
    own = others.filter(begins).select("stack", pl.col("row").alias("own"))
    every = pl.DataFrame({"stack": pl.int_range(stacks, dtype=pl.UInt32, eager=True)})
    for each in (first, last, own):
        every = every.join(each, on="stack", how="left", maintain_order="left")
    return every.select(pl.coalesce("own", "first").alias("start"), pl.coalesce("own", "last").alias("blamed"))


def _weight(rows: pl.DataFrame, blamed: pl.Series, tokens: int) -> pl.Series:
    """Weigh every frame that counts: how far out it is, and how many functions are blamed in stacks through it."""
    # Two numbers in one are told apart in a quarter of the time.
    pairs = rows["token"].cast(pl.UInt64) * _SHIFT + blamed.gather(rows["stack"]).cast(pl.UInt64)
    passed = (pairs.unique() // _SHIFT).alias("token").value_counts()
    rare = pl.zeros(tokens, pl.Float64, eager=True).scatter(passed["token"], 1 / passed["count"].sqrt())
    place = rows["row"] - rows["start"]
    deepest = cast("int | None", place.max()) or 0
    near = pl.Series([DECAY**each for each in range(1 + deepest)])
    return (near.gather(place) * rare.gather(rows["token"])).alias("weight")
