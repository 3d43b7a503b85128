"""`Dataset.similar`: the same stack, or nearly the same, elsewhere.

From what a stack shares with the one asked for, in whatever order, follows what it can score at most. Those that can
score enough are put beside it, frame by frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import sum_of
from heapdelta.dataset._alignment import UNNAMED, Aligner, told
from heapdelta.dataset._labels import labelled
from heapdelta.dataset._stack_index import StackIndex

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

__all__ = ["StackIndex", "similar"]

ALIGNED = 5_000
"""Stacks that are put beside the one asked for, at most; the likeliest."""

_EXPLAINED = {
    "differs": pl.String,
    "shared_frames": pl.UInt32,
    "shared_modules": pl.UInt32,
    "frames": pl.UInt32,
}
_COLUMNS = [
    *("score", "same", "fingerprint", "module", "function", "label"),
    *("differs", "shared_frames", "shared_modules", "frames"),
    *("case_count", "captures", "first_seen", "last_seen", "max_requested_bytes", "cases"),
]


def similar(
    tables: Tables, index: StackIndex, fingerprint: str, labels: pl.DataFrame, *, min_score: float, top: int | None
) -> pl.DataFrame:
    """See `Dataset.similar`."""
    stack = index.number_of(fingerprint)
    scores = _scores(index, stack, min_score)
    held = _held(tables, index.fingerprints.gather(scores["stack"]))
    rows = pl.concat([scores, held.drop("fingerprint")], how="horizontal")
    rows = rows.with_columns(held["fingerprint"], (pl.col("stack") == stack).alias("same"))
    order = ["same", "score", "case_count", "max_requested_bytes", "fingerprint"]
    rows = rows.sort(order, descending=[True] * 4 + [False], nulls_last=True).head(top or rows.height)
    explained = _explained(index, stack, rows["stack"].to_list())
    rows = pl.concat([rows, explained, index.blamed_frames(rows["stack"])], how="horizontal")
    return labelled(rows, labels).select(_COLUMNS)


def _scores(index: StackIndex, stack: int, min_score: float) -> pl.DataFrame:
    """Score the stacks that reach the score asked for, and the stack itself: ``stack``, ``score``."""
    likely = _likely(index, stack, min_score)
    counted = index.counted([stack, *likely])
    aligner = Aligner(counted[stack])
    # Stacks of other versions have the same functions at other offsets.
    known: dict[tuple[int, ...], float] = {}
    scored = {stack: 1.0}
    for each in likely:
        there = counted[each]
        key = tuple(frame.token for frame in there.frames)
        score = known.get(key)
        if score is None:
            score = known[key] = aligner.score(there)
        if score >= min_score:
            scored[each] = score
    return pl.DataFrame(list(scored.items()), schema={"stack": pl.UInt32, "score": pl.Float64}, orient="row")


def _likely(index: StackIndex, stack: int, min_score: float) -> list[int]:
    """Find the other stacks that can reach a score, likeliest first."""
    own = index.rows.filter(pl.col("stack") == stack).group_by("token").agg(pl.sum("weight"))
    here = pl.zeros(index.token_count, pl.Float64, eager=True).scatter(own["token"], own["weight"]).alias("here")
    shared = index.rows.with_columns(here.gather(index.rows["token"])).filter(pl.col("here") > 0)
    shared = shared.group_by("stack", "token").agg(pl.sum("weight").alias("there"), pl.col("here").first())
    shared = shared.group_by("stack").agg((pl.sum("here") + pl.sum("there")).alias("shared"))
    bounds = index.weights.join(shared, on="stack", how="left" if min_score <= UNNAMED else "inner")
    both = pl.col("weight") + pl.col("weight").filter(pl.col("stack") == stack).first()
    # Of frames that are not shared, the modules may agree.
    bound = UNNAMED + (1 - UNNAMED) * pl.col("shared").fill_null(0) / both
    bounds = bounds.select("stack", bound.alias("bound")).filter(pl.col("stack") != stack)
    # Weights are not added up in one order everywhere.
    bounds = bounds.filter(pl.col("bound") >= min_score - 1e-9)
    return bounds.sort("bound", "stack", descending=[True, False]).head(ALIGNED)["stack"].to_list()


def _explained(index: StackIndex, stack: int, others: list[int]) -> pl.DataFrame:
    """Say of each of some stacks what agrees with the one asked for, and what differs."""
    counted, named = index.counted([stack, *others]), index.frames_of([stack, *others])
    aligner = Aligner(counted[stack])
    here = named[stack]
    rows = []
    for other in others:
        there = named[other]
        pairs = aligner.pairs(counted[other])
        equal = [pair for pair in pairs if pair.equal]
        if other == stack:
            sentence = "the stack itself"
        elif len(equal) == len(here) == len(there):
            sentence = _all_agree(
                moved=[number for number, _ in here] != [number for number, _ in there], frames=len(here)
            )
        else:
            sentence = told([name for _, name in here], [name for _, name in there], pairs)
        rows.append((sentence, len(equal), len(pairs) - len(equal), len(there)))
    return pl.DataFrame(rows, schema=_EXPLAINED, orient="row")


def _all_agree(*, moved: bool, frames: int) -> str:
    agree = {1: "the only frame agrees", 2: "both frames agree"}.get(frames, f"all {frames} frames agree")
    return f"{agree}, at other offsets" if moved else f"{agree}, the allocator's before differ"


def _held(tables: Tables, fingerprints: pl.Series) -> pl.DataFrame:
    """Tell where some stacks were seen, and what they held."""
    wanted = pl.col("fingerprint").is_in(fingerprints.implode())
    seen = tables.scan("traces").filter(wanted).select("fingerprint", "case", "capture").unique()
    changed = tables.modified().lazy()
    captures = tables.scan("captures").select("capture", "taken_at").join(changed, on="capture", how="left")
    time = pl.coalesce("taken_at", "modified")
    where = (
        seen.join(captures, on="capture", how="left")
        .group_by("fingerprint")
        .agg(
            pl.col("case").n_unique().alias("case_count"),
            pl.col("capture").n_unique().alias("captures"),
            time.min().alias("first_seen"),
            time.max().alias("last_seen"),
            pl.col("case").unique().sort().alias("cases"),
        )
    )
    usage = tables.scan("usage").filter(wanted).group_by("fingerprint", "capture")
    size = pl.col("requested_bytes")
    most = (
        usage.agg(sum_of(size))
        .group_by("fingerprint")
        .agg(
            # The largest may be the one that is not known.
            pl.when(size.null_count() == 0).then(size.max()).alias("max_requested_bytes")
        )
    )
    held = where.join(most, on="fingerprint", how="left")
    return fingerprints.to_frame().lazy().join(held, on="fingerprint", how="left", maintain_order="left").collect()
