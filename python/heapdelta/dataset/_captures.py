"""The table `captures` of a dataset: one row for each log, comparison and dump, with its header and its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta import _native
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._numbers import count_of_rows, sum_of
from heapdelta._ranking.measures import MEASURES
from heapdelta._series.belonging import IS_PROGRAM
from heapdelta.dataset._layout import CAPTURES, COMPARISON, DUMP, LOG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta.dataset._gather import Group, Kept

_KINDS = {LOG: "log", COMPARISON: "comparison", DUMP: "dump"}


def captures_of(groups: Mapping[str, Group]) -> list[pl.DataFrame]:
    """Make the table of all captures, kind by kind."""
    return [_of_group(noun, group) for noun, group in groups.items()]


def _of_group(noun: str, group: Group) -> pl.DataFrame:
    rows = [_about(each) for each in group.kept]
    schema: dict[str, Any] = {name: kind for name, kind in CAPTURES.items() if name in rows[0]}
    about = pl.DataFrame(rows, schema=schema, strict=False).with_columns(pl.lit(_KINDS[noun]).alias("kind"))
    facts = [] if noun == COMPARISON else [_programs(group)]
    if noun == LOG:
        facts += [_sums(group), _wholeness(group)]
        keys = _native.modules_keys(group.natives)
        about = about.with_columns(pl.Series("modules_key", [f"{key:016X}" for key in keys]))
    about = about.with_row_index("place")
    for each in facts:
        about = about.join(each, on="place", how="left", maintain_order="left")
    if noun == LOG:
        about = about.with_columns(
            _of_empty("overhead_bytes", pl.col("format") == "umdh2"), pl.col("complete").fill_null(True)
        )
        about = about.with_columns(_of_empty("requested_bytes"), _of_empty("allocation_count"))
        about = about.with_columns(pl.col("writes_overhead").fill_null(pl.col("format") == "umdh2"))
    return about.drop("place", "rows", strict=False)


def _of_empty(measure: str, known: pl.Expr | None = None) -> pl.Expr:
    """Say 0 for a log without any rows, if its format says such a thing."""
    zero = pl.col("rows").is_null() if known is None else pl.col("rows").is_null() & known
    return pl.when(zero).then(pl.lit(0, pl.UInt64)).otherwise(pl.col(measure)).alias(measure)


def _about(kept: Kept) -> dict[str, Any]:
    capture: Any = kept.capture
    about: dict[str, Any] = {
        "case": kept.case,
        "capture": kept.key,
        "path": kept.path,
        "number": kept.number,
        "format": capture.format,
        "byte_count": capture.byte_count,
        "issues": kept.issues,
    }
    if isinstance(capture, Comparison):
        about |= {"encoding": capture.encoding, "radix": capture.radix}
    else:
        about |= {
            "tool_version": capture.tool_version,
            "taken_at": capture.taken_at,
            "machine": capture.machine,
            "pid": capture.pid,
            "pointer_width": capture.pointer_width,
            "encoding": capture.encoding,
        }
    if isinstance(capture, Dump):
        about |= {name: getattr(capture, name) for name in ("os", "os_version", "process_created_at")}
    else:
        lines = capture.line_counts
        about |= {f"{name}_lines": lines[f"{name}s"] for name in ("row", "issue")}
        about |= {f"{name}_lines": lines[name] for name in ("structure", "preamble", "blank")}
    return about


def _programs(group: Group) -> pl.DataFrame:
    programs = group.rows("modules").select("place", "name", "path").filter(IS_PROGRAM)
    return programs.group_by("place").agg(pl.col("name").first().alias("program"))


def _sums(group: Group) -> pl.DataFrame:
    return (
        group.rows("usage")
        .group_by("place")
        .agg(
            *(sum_of(pl.col(measure)) for measure in MEASURES),
            pl.col("overhead_bytes").is_not_null().any().alias("writes_overhead"),
            count_of_rows().alias("rows"),
        )
    )


def _wholeness(group: Group) -> pl.DataFrame:
    open_heap = (~pl.col("complete")).fill_null(False)
    return group.rows("heaps").group_by("place").agg((~open_heap.any()).alias("complete"))
