"""The rows of the text that DHCMP and UMDH would have written; the core writes the text itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._numbers import sum_of
from heapdelta._ranking import labels
from heapdelta._ranking.measures import AFTER
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._diff.delta import Delta

_SITES = "dhcmp-sites"


def dhcmp_text(delta: Delta, *, decimal: bool = False, verbose: bool = False) -> str:
    """Write what ``dhcmp A B`` (mode 1) would have written.

    Parameters
    ----------
    delta : Delta
        The difference.
    decimal : bool, default False
        Decimal numbers, as with ``-d``.
    verbose : bool, default False
        The frames below each line, as with ``-v``.

    Returns
    -------
    str
        A line per trace inside one run of a process, else per stack, named by the id in the newer log; then the total.
        Where bytes are not known, a comment says so in the place of the total.
        Two lists of call sites are compared by name.

    Raises
    ------
    OptionError
        If only one of the two is a list of call sites.
    """
    before, after = (side._native for side in delta._together.snapshots)
    return _native.format_dhcmp(_rows(delta), before, after, decimal=decimal, verbose=verbose)


def umdh_text(delta: Delta, *, decimal: bool = False) -> str:
    """Write what ``umdh A B`` would have written: two lines and the frames for each stack, then the total.

    Parameters and errors are those of `dhcmp_text`. Where the logs tell no overheads, the total has its old form, of
    requested bytes alone.
    """
    overhead = delta.total["overhead_bytes_delta"].item()
    before, after = (side._native for side in delta._together.snapshots)
    return _native.format_umdh(_rows(delta), before, after, decimal=decimal, overhead_delta=overhead)


def sites_text(snapshot: Snapshot, *, decimal: bool = False) -> str:
    """Write what ``dhcmp A`` (mode 2) would have written: the bytes of each call site.

    A stack's bytes count for every call site it passes, once each, so the sums overlap. What has no frames counts for
    its id. The layout is ours: no public document shows DHCMP's.

    Parameters
    ----------
    snapshot : Snapshot
        The log.
    decimal : bool, default False
        Decimal numbers.

    Returns
    -------
    str
        A line per call site, most bytes first.
    """
    return _native.format_sites(_sites(snapshot), decimal=decimal)


def _rows(delta: Delta) -> pl.DataFrame:
    sites = [snapshot.format == _SITES for snapshot in (delta.before, delta.after)]
    if any(sites) and not all(sites):
        raise OptionError(
            "expected two logs, or two lists of call sites, found one of each",
            hint="make a list of the log as well: heapdelta dhcmp LOG > sites.txt",
            kind="option",
        )
    matched = delta._matched
    ranking = matched.by("trace" if delta.one_run and not any(sites) else "stack", stack=True)
    stacks = matched.located(matched.stacks.select("fingerprint", "frame"))
    stacks = stacks.select(pl.all().gather(ranking["stack"]))
    if all(sites):
        name = matched.frames["text"].gather(stacks["frame"])
    else:
        ids = ["trace_id"] if "trace_id" in ranking.columns else ["trace_id_after", "trace_id_before"]
        name = ranking.select("BackTrace" + pl.coalesce(ids).fill_null("0")).to_series()
    listed = pl.lit(stacks["fingerprint"].is_not_null() & (not any(sites)))
    side = pl.when(pl.lit(stacks["source"]) == AFTER).then(pl.lit("after")).otherwise(pl.lit("before"))
    return ranking.select(
        _apart(name.fill_null("BackTrace0")),
        "requested_bytes_before",
        "requested_bytes_after",
        "allocation_count_before",
        "allocation_count_after",
        pl.when(listed).then(side).alias("side"),
        pl.when(listed).then(pl.lit(stacks["stack_id"])).alias("stack_id"),
    )


def _apart(names: pl.Series) -> pl.Series:
    """Tell rows apart that have one id from two runs: `BackTrace53`, `BackTrace53x2`. Ids are opaque text."""
    nth = pl.int_range(pl.len()).over("name") + 1
    told = pl.when(nth == 1).then(pl.col("name")).otherwise(pl.format("{}x{}", "name", nth))
    return names.alias("name").to_frame().select(told.alias("name"))["name"]


def _sites(snapshot: Snapshot) -> pl.DataFrame:
    codes, names = _site_codes(snapshot.frames)
    passed = pl.DataFrame(snapshot._native.stack_groups(codes.to_frame()))
    sums = [sum_of(pl.col(name)).alias(name) for name in ("requested_bytes", "allocation_count")]
    usage = snapshot.usage.group_by("stack_id").agg(sums)
    listed = usage.join(passed, on="stack_id", how="inner").group_by("group").agg(sums)
    unlisted = usage.join(passed, on="stack_id", how="anti")
    ids = snapshot.stacks["trace_id"].gather(unlisted["stack_id"]).fill_null("0")
    return pl.concat(
        [
            listed.select(names.gather(listed["group"]).alias("name"), "requested_bytes", "allocation_count"),
            unlisted.select(("BackTrace" + ids).alias("name"), "requested_bytes", "allocation_count"),
        ]
    )


def _site_codes(frames: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Give every call site a number: its frame as the file has it, for a bare address module and offset.

    The latter so that lists of two runs, where modules are elsewhere, can still be compared.
    """
    raw = frames["function"].is_null() & frames["module"].is_not_null() & frames["offset"].is_not_null()
    named = pl.when(pl.lit(raw)).then(pl.lit(labels.function_label(frames))).otherwise("text").alias("name")
    sites = frames.select(named)
    names = sites.unique(maintain_order=True).with_row_index("group")
    codes = sites.join(names, on="name", how="left", maintain_order="left")["group"]
    return codes, names["name"]
