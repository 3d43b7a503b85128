"""The snapshots of one run brought together: a stack keeps its module when the module list no longer has it.

Inside one run a trace id with the same raw addresses is the same stack. Its frames are in the modules that they were
first seen in, also in logs taken after a module was unloaded or its base went to another, and in earlier ones whose
list lacked it. The core finds and rewrites such stacks (`src/snapshot/one_run`); here are the words for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._capture.same_process import why_not_one_run
from heapdelta._capture.snapshot import Snapshot
from heapdelta._numbers import total, wide_sum
from heapdelta._words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence


_PLACE = ["source", "known_by", "base"]


@dataclass(frozen=True)
class Together:
    """Snapshots as their run knows them, in the order given, and one note for each module that was carried."""

    snapshots: list[Snapshot]
    notes: list[str] = field(default_factory=list)


def of_pair(before: Snapshot, after: Snapshot, *, threads: int | None = None) -> Together:
    """Bring the two sides of a difference together, which are of one run."""
    swapped = before.taken_at is not None and after.taken_at is not None and before.taken_at > after.taken_at
    in_time = [after, before] if swapped else [before, after]
    names = _names(in_time, ["after", "before"] if swapped else ["before", "after"])
    found = together(in_time, names, threads=threads)
    return Together(found.snapshots[::-1], found.notes) if swapped else found


def of_points(snapshots: Sequence[Snapshot], runs: pl.Series, *, threads: int | None = None) -> Together:
    """Bring the snapshots of a series together, each run apart; one that does not name its process stays as it is."""
    completed, notes = list(snapshots), []
    names = _names(snapshots, [f"point {point}" for point in range(len(snapshots))])
    for run in runs.unique(maintain_order=True):
        points = [point for point in (runs == run).arg_true() if _names_itself(snapshots[point])]
        own = [snapshots[point] for point in points]
        found = together(own, [names[point] for point in points], threads=threads)
        notes += found.notes
        for point, snapshot in zip(points, found.snapshots, strict=True):
            completed[point] = snapshot
    return Together(completed, notes)


def of_chain(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Bring together neighbours that are of one run."""
    completed: list[Snapshot] = []
    stretch: list[Snapshot] = []
    for snapshot in snapshots:
        if stretch and why_not_one_run(stretch[-1], snapshot) is not None:
            completed += together(stretch, []).snapshots
            stretch = []
        stretch.append(snapshot)
    return completed + together(stretch, []).snapshots


def together(snapshots: list[Snapshot], names: list[str], *, threads: int | None = None) -> Together:
    """Bring snapshots of one run together, given in the order of time; without names there are no notes."""
    if len(snapshots) < 2:
        return Together(snapshots)
    natives, carried = _native.one_run([snapshot._native for snapshot in snapshots], threads=threads)
    if not len(carried):
        return Together(snapshots)
    pairs = zip(snapshots, natives, strict=True)
    completed = [
        snapshot if native is None else Snapshot(native, named_by=snapshot._named_by) for snapshot, native in pairs
    ]
    return Together(completed, _notes(snapshots, names, pl.DataFrame(carried)) if names else [])


def _names_itself(snapshot: Snapshot) -> bool:
    return why_not_one_run(snapshot, snapshot) is None


def _names(snapshots: Sequence[Snapshot], places: list[str]) -> list[str]:
    """Call each log by its file's name, or by its place where that tells nothing."""
    files = [Path(snapshot.path).name if snapshot.path else None for snapshot in snapshots]
    return [place if file is None or files.count(file) > 1 else file for file, place in zip(files, places, strict=True)]


def _notes(snapshots: list[Snapshot], names: list[str], carried: pl.DataFrame) -> list[str]:
    held = _with_blocks(snapshots, carried).filter("is_held", (pl.col("requested_bytes") != 0).fill_null(True))
    held = held.join(_renamed(snapshots, held), on=_PLACE, how="anti", maintain_order="left")
    notes = []
    for _, rows in held.group_by(pl.col("module").str.to_lowercase(), maintain_order=True):
        later = rows.filter(pl.col("known_by") < pl.col("source"))
        earlier = rows.filter(pl.col("known_by") > pl.col("source"))
        notes += [_unloaded(snapshots, names, later)] if later.height else []
        notes += [_unlisted(names, earlier)] if earlier.height else []
    return notes


def _with_blocks(snapshots: list[Snapshot], carried: pl.DataFrame) -> pl.DataFrame:
    """Add what each stack holds in its log."""
    parts = []
    for (source,), rows in carried.group_by("source", maintain_order=True):
        usage = snapshots[int(source)].usage.filter(pl.col("stack_id").is_in(rows["stack_id"].unique().implode()))
        sums = usage.group_by("stack_id").agg(wide_sum(pl.col("requested_bytes")), wide_sum(pl.col("allocation_count")))
        sums = sums.with_columns(is_held=pl.lit(True))
        parts.append(rows.join(sums, on="stack_id", how="left", maintain_order="left"))
    return pl.concat(parts)


def _renamed(snapshots: list[Snapshot], carried: pl.DataFrame) -> pl.DataFrame:
    """Find modules that two lists only call otherwise: `app.dll` where there is a program `app` as well."""
    places = carried.drop_nulls(["base", "own_module"]).select(_PLACE).unique(maintain_order=True)
    same = [
        _file_at(snapshots[source], base) == _file_at(snapshots[known_by], base)
        for source, known_by, base in places.iter_rows()
    ]
    return places.filter(pl.Series(same, dtype=pl.Boolean))


def _file_at(snapshot: Snapshot, base: int) -> str | None:
    paths = snapshot.modules.filter(pl.col("base") == base)["path"]
    return None if paths.is_empty() else str(paths[0]).lower()


def _unloaded(snapshots: list[Snapshot], names: list[str], rows: pl.DataFrame) -> str:
    """Say of a module that later logs do not have where its frames are."""
    module, base = rows["module"][0], rows["base"][0]
    first, known_by = int(rows["source"].min()), int(rows["known_by"].min())  # type: ignore[arg-type]
    in_list = [place for place in range(known_by, first) if base is not None and _lists(snapshots[place], module, base)]
    last = in_list[-1] if in_list else first - 1
    others = rows["own_module"].drop_nulls().unique(maintain_order=True)
    others = others.filter(others.str.to_lowercase() != str(module).lower())
    whose = f", whose base went to {' and '.join(others)}" if others.len() else ""
    unsure = ", or no longer named" if base is None else ""
    holder = int(rows["source"].max())  # type: ignore[arg-type]
    where = "" if holder == len(names) - 1 else f" in {names[holder]}"
    amount = _amount(rows.filter(pl.col("source") == holder))
    between = f"{names[last]} and {names[last + 1]}"
    return f"module unloaded between {between}{unsure}: {module}{whose} ({amount} keep it{where})"


def _unlisted(names: list[str], rows: pl.DataFrame) -> str:
    """Say of a module that earlier logs do not have where its frames are."""
    holder = int(rows["source"].max())  # type: ignore[arg-type]
    of_holder = rows.filter(pl.col("source") == holder)
    knows = names[of_holder["known_by"][0]]
    return f"module known in {knows} and not yet in {names[holder]}: {rows['module'][0]} ({_amount(of_holder)} are its)"


def _lists(snapshot: Snapshot, module: str, base: int) -> bool:
    placed = snapshot.modules.filter(pl.col("base") == base)["name"]
    return bool((placed.str.to_lowercase() == module.lower()).any())


def _amount(rows: pl.DataFrame) -> str:
    """Write blocks and bytes of stacks, each counted once; sums that are not known are said to be so."""
    stacks = rows.unique("stack_id")
    sums = [(total(stacks["allocation_count"]), "block"), (total(stacks["requested_bytes"]), "byte")]
    return ", ".join(f"unknown {noun}s" if amount is None else plural(amount, noun) for amount, noun in sums)
