"""`compact`: small parts become few large ones, and what does not count any more goes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from heapdelta import _native
from heapdelta._numbers import sum_of
from heapdelta.dataset._commit import commit, put_part
from heapdelta.dataset._layout import LABELS, MANIFEST, MANIFEST_COLUMNS, NAMES, SHARED, VANISHED, part, tables
from heapdelta.dataset._manifest import Manifest, manifest_of
from heapdelta.dataset._outcome import DUPLICATE, READ
from heapdelta.dataset._store import Folder
from heapdelta.exceptions import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from heapdelta.dataset._store import Store

Needed: TypeAlias = "Mapping[str, pl.Series]"
"""Keys of stacks, and of frames."""

ROWS_TOGETHER = 4_000_000
"""Rows of a part, about: some 128 MB of it or less."""


class _GoneError(Exception):
    """A part is no longer there."""


def settle(manifest: Manifest) -> Manifest:
    """Write the batches anew that hold captures which no longer count, so that every row of every part counts."""
    rewrite(manifest, sorted(manifest.left_out))
    return manifest_of(manifest.store) if manifest.left_out else manifest


def compact(manifest: Manifest) -> int:
    """Merge small parts. Gives the number of batches that became others."""
    every = pl.DataFrame({"batch": list(manifest.parts)}, schema={"batch": pl.String})
    weight = (sum_of(pl.col("rows")) + pl.len()).alias("size")
    counted = manifest.rows.group_by("batch").agg(pl.col("case").min(), weight)
    counted = every.join(counted, on="batch", how="left").with_columns(pl.col("size").fill_null(0))
    # An attempt that was in vain stays, or the next run would not know of it.
    is_small = (pl.col("size") < ROWS_TOGETHER // 2) & ~pl.col("batch").is_in(manifest.in_vain)
    small = counted.filter(is_small).sort("case", "batch")
    groups: list[list[str]] = []
    together = 0
    for batch, size in small.select("batch", "size").iter_rows():
        if not groups or together + size > ROWS_TOGETHER:
            groups.append([])
            together = 0
        groups[-1].append(batch)
        together += size
    groups = [group for group in groups if len(group) > 1]
    # Where there is no lock, others may be writing what needs them.
    needed = needed_by(manifest) if groups and isinstance(manifest.store, Folder) else None
    for group in groups:
        rewrite(manifest, group, needed)
    return sum(map(len, groups))


def rewrite(manifest: Manifest, batches: Sequence[str], needed: Needed | None = None) -> None:
    """Write some batches as one. The part of the manifest that says so is written last.

    Other batches can need the stacks and frames of these: all of them stay, but for what is not in `needed`.
    """
    if not batches:
        return
    store = manifest.store
    rows = manifest.current.filter(pl.col("batch").is_in(list(batches)))
    name = _native.key_of("\n".join(["compact", *batches, *rows["path"]]))
    counting = rows.filter(pl.col("captures") > 0)
    keys, needing = counting["capture"].explode(empty_as_null=True).drop_nulls(), set(counting["batch"])
    parts = []
    for table in tables():
        try:
            wanted = batches if table in SHARED else [batch for batch in batches if batch in needing]
            content = _merged(store, manifest, table, wanted)
        except _GoneError:
            # In an object store, which has no locks, somebody else merges the same.
            return
        if content is None:
            continue
        if table in SHARED:
            content = content.unique(SHARED[table], keep="first", maintain_order=True)
            if needed is not None:
                content = content.filter(pl.col(SHARED[table]).is_in(needed[table].implode()))
        else:
            content = content.filter(pl.col("capture").is_in(keys.implode())).sort("case", maintain_order=True)
        if content.height:
            parts.append(put_part(store, table, name, content))
    # Why a file that was read could not be read again is told by the row of that attempt.
    reason = pl.when(~pl.col("outcome").is_in([READ, DUPLICATE])).then("reason").alias("reason")
    rows = rows.with_columns(pl.lit(name).alias("batch"), reason)
    # Where there is no lock, one that was replaced can be written again by whoever was at it.
    earlier = [] if isinstance(store, Folder) else sorted(manifest.replaced)
    commit(store, name, rows.select(list(MANIFEST_COLUMNS)), parts, [*batches, *earlier])
    for batch in batches:
        for old in [*manifest.parts.get(batch, []), part(MANIFEST, batch)]:
            store.discard(old)


def needed_by(manifest: Manifest) -> Needed:
    """Tell which stacks and frames the captures that count have."""
    store, left_out = manifest.store, manifest.left_out
    stacks, frames = [], []
    for batch, names in manifest.names("traces").items():
        for name in names:
            rows = pl.read_parquet(io.BytesIO(_part(store, name)), columns=["capture", "fingerprint"])
            rows = rows.filter(~pl.col("capture").is_in(left_out.get(batch, [])))
            stacks.append(rows["fingerprint"].drop_nulls().unique())
    used = pl.concat(stacks).unique() if stacks else pl.Series(dtype=pl.String)
    for names in manifest.names("stacks").values():
        for name in names:
            rows = pl.read_parquet(io.BytesIO(_part(store, name)), columns=["fingerprint", "frames"])
            rows = rows.filter(pl.col("fingerprint").is_in(used.implode()))
            frames.append(rows["frames"].explode(empty_as_null=True).drop_nulls().unique())
    return {"stacks": used, "frames": pl.concat(frames).unique() if frames else used.clear()}


def sweep(manifest: Manifest, *, age: float = 0.0) -> None:
    """Delete what no part of the manifest names: what a run that was killed left behind. Only the one writer may.

    What is younger than `age`, in seconds, is left: somebody may be about to name it.
    """
    store = manifest.store
    if not isinstance(store, Folder):
        return
    named = {name for parts in manifest.parts.values() for name in parts}
    for folder in store.folders():
        if folder not in (*tables(), MANIFEST, LABELS, NAMES, VANISHED):
            continue
        for name in store.names(folder):
            whole = f"{folder}/{name}"
            is_half = name.startswith(".heapdelta-") and name.endswith(".part")
            is_unnamed = folder in tables() and name.endswith(".parquet") and whole not in named
            is_replaced = folder == MANIFEST and name.removesuffix(".parquet") in manifest.replaced
            if is_replaced or ((is_half or is_unnamed) and (not age or store.age(whole) > age)):
                store.discard(whole)


def _part(store: Store, name: str) -> bytes:
    content = store.get(name)
    if content is None:
        raise lost(store, name)
    return content


def lost(store: Store, name: str) -> ReadError:
    """Make the error about a part that counts and is not there."""
    message = f"{store.place}: expected the part {name}, which the manifest names, found it gone"
    hint = "read all files again: ingest with resume=False (--again)"
    return ReadError(message, path=store.place, hint=hint, kind="lost_part")


def _merged(store: Store, manifest: Manifest, table: str, batches: Iterable[str]) -> pl.DataFrame | None:
    named = manifest.names(table)
    left_out = manifest.left_out
    found = []
    for batch in batches:
        for name in named.get(batch, []):
            content = store.get(name)
            if content is None:
                raise lost(store, name) if isinstance(store, Folder) else _GoneError
            rows = pl.read_parquet(io.BytesIO(content))
            if "capture" in rows.columns and batch in left_out:
                rows = rows.filter(~pl.col("capture").is_in(left_out[batch]))
            found.append(rows)
    return pl.concat(found) if found else None
