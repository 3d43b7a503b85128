"""Stacks of a series: their ids, which of them have their frames shown, and the frames, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._ranking.fingerprints import digits_of, only_one, short_forms
from heapdelta._ranking.views import OF_TRACE
from heapdelta._words import bytes_text
from heapdelta.cli import _views
from heapdelta.cli._safe import Text
from heapdelta.cli.series import reasons
from heapdelta.cli.series.choices import Kind
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._ranking.views import Views
    from heapdelta._series.series import Series


def kind_of(by: Kind | None, stacks: int | None, stack: str | None) -> Kind | None:
    """Tell what is ranked, where options about single stacks are given.

    Raises
    ------
    OptionError
        If something else is asked for.
    """
    given = "--stack" if stack is not None else "--stacks" if stacks is not None else None
    if given is None or by is Kind.STACK:
        return by
    if given == "--stacks" or by is not None:
        found = "found it without" if by is None else f"found {by}"
        raise OptionError(f"expected --by stack with {given}, {found}", kind="option")
    return Kind.STACK


def ids(series: Series, rows: pl.DataFrame) -> list[str]:
    """Give the short forms of the fingerprints of rows, as no other stack of the series has them; else nothing."""
    return short_forms(rows["fingerprint"], _known(series)).fill_null("").to_list()


def one(series: Series, ranking: pl.DataFrame, asked: str) -> pl.DataFrame:
    """Give the rows of one stack, one for each run that has it.

    Raises
    ------
    OptionError
        If there is none, or several are meant.
    """
    rows = ranking.filter(fingerprint=_fingerprint(series, asked))
    if rows.is_empty():
        raise OptionError(f"expected a stack that no filter leaves out, found {asked}", kind="no_such_stack")
    return rows


def told(ranking: pl.DataFrame, count: int | None) -> pl.DataFrame:
    """Choose the stacks that have their frames shown: the first that look like a leak."""
    going_on = pl.col("verdict").is_in(reasons.GOING_ON) & pl.col("fingerprint").is_not_null()
    return ranking.filter(going_on).head(_views.count_of(count))


def show(target: Console, series: Series, rows: pl.DataFrame) -> None:
    """Print stacks: id, pace and verdict, and the frames; an arrow marks the one that is blamed."""
    unit = series.slope_unit.partition("/")[2].replace("hour", "h")
    several = series.points["run"].n_unique() > 1
    for name, row in zip(ids(series, rows), rows.iter_rows(named=True), strict=True):
        pace = None if row["pace"] is None else round(row["pace"])
        run = f" in run {row['run']}" if several else ""
        told = f"{bytes_text(pace, signed=True)}/{unit}{run}, {row['verdict']}"
        target.print(Text(f"Stack {name}, {told}, innermost first", "bold"), soft_wrap=True)
        _views.show_frames(target, _holder(series, row), row["fingerprint"])


def as_json(series: Series, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Give stacks with their frames, as those of a difference are given."""
    return [
        _views.stack_json(_holder(series, row), name, row)
        for name, row in zip(ids(series, rows), rows.iter_rows(named=True), strict=True)
    ]


def _known(series: Series) -> pl.Series:
    logs = series._together.snapshots
    return pl.concat([log.stacks["fingerprint"].drop_nulls().unique() for log in logs]).unique()


def _holder(series: Series, row: dict[str, Any]) -> Views:
    """Look into the last log of a run that has a stack."""
    points = series.points.filter(pl.col("run") == row["run"])["point"].to_list()
    lasting = (series._together.snapshots[point] for point in reversed(points))
    log = next(log for log in lasting if (log.stacks["fingerprint"] == row["fingerprint"]).any())
    live: Views = log.live(series.allocators)
    return live._with_filter(series._filtered)


def _fingerprint(series: Series, asked: str) -> int:
    match = OF_TRACE.fullmatch(asked.strip())
    if match is None:
        traces = pl.concat([log.stacks["trace_id"].drop_nulls().unique() for log in series._together.snapshots])
        return int(only_one(digits_of(_known(series)), asked, "", traces), 16)
    own = (
        (pl.col("trace_id").str.to_uppercase() == match[1].upper())
        & pl.col("fingerprint").is_not_null()
        & pl.col("alias_of").is_null()
    )
    found = pl.concat([log.stacks.filter(own)["fingerprint"] for log in series._together.snapshots])
    distinct = found.unique(maintain_order=True)
    if distinct.len() == 1:
        return int(distinct[0])
    said = "none" if distinct.is_empty() else ", ".join(short_forms(distinct.head(3), distinct))
    message = f"expected one stack with its frames called {asked} in all logs, found {said}"
    raise OptionError(message, hint="give its fingerprint, as in #C291BD", kind="no_such_stack")
