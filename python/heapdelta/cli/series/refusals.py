"""What `heapdelta series` refuses: options that do not go together, too few files, several runs taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from heapdelta._picture import MOST_LINES
from heapdelta._words import moment, plural
from heapdelta.cli import _output, _views
from heapdelta.cli.series.choices import OF_DUMPS, Kind, Which
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from heapdelta._read.many import Batch
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series

FAILURES_SHOWN = 10
LINES = 8
"""Lines of a chart unless another number is asked for."""
_UNREADABLE = 3


def refuse(kind: Kind, filters: Mapping[str, object], *, inclusive: bool) -> None:
    """Refuse what does not go together."""
    if inclusive and kind not in (Kind.MODULE, Kind.FUNCTION):
        raise OptionError(f"expected --by module or function with --inclusive, found {kind}", kind="option")
    if kind in OF_DUMPS:
        _views.refuse_for_dumps(filters)


def refuse_chart(chart: Path | None, top: int | None) -> None:
    """See before the work that a picture can be drawn.

    Inclusive sums overlap, which bars that add up cannot show; lines, each from its own zero, can.
    """
    _views.check_chart(chart, inclusive=False)
    if chart is not None and (top or LINES) > MOST_LINES:
        raise OptionError(f"expected --top of 1 to {MOST_LINES} with --chart, found {top}", kind="option")


def refuse_heaps(made: Series, chart: Path | None) -> None:
    """Refuse a picture in which one address would be two heaps."""
    runs = made.points["run"].n_unique()
    if chart is not None and made.by == "heap" and runs > 1:
        raise OptionError(
            f"expected --chart with heaps of one run, found {runs} runs",
            hint="in another run the same address is another heap: name the files of one run",
            kind="option",
        )


def refuse_few(batch: Batch, kind: Kind) -> None:
    """Refuse less than two of what is ranked; where files failed, that is the reason, and the exit code tells so."""
    of_dumps = kind in OF_DUMPS or (kind is Kind.HEAP and len(batch.dumps) > 0 and not len(batch))
    count = len(batch.dumps) if of_dumps else len(batch)
    if count >= 2:
        return
    noun = "dumps" if of_dumps else "heap logs"
    few = f"expected two {noun} or more, found {count} in {plural(len(batch.paths), 'file')}"
    others = not of_dumps and len(batch.dumps) > 1
    hint = f"--by counter ranks what {plural(len(batch.dumps), 'dump')} count" if others else None
    if batch.failures.is_empty():
        raise OptionError(few, hint=hint, kind="option")
    for message in batch.failures["message"].head(FAILURES_SHOWN):
        _output.error_line(message)
    _output.error_line(few, hint)
    raise typer.Exit(_UNREADABLE)


def refuse_many(runs: Runs, which: Which) -> None:
    """Refuse logs of several runs, unless they are asked for."""
    if len(runs) < 2 or which is Which.ALL:
        return
    lines = [
        f"{run.program or 'a program'} on {run.machine}, process {run.pid}: {plural(len(run), 'log')} "
        f"from {moment(run.first_taken_at) or 'unknown'} on"
        for run in runs
    ]
    shown = "; ".join(lines[:3]) + ("; …" if len(lines) > 3 else "")
    raise OptionError(
        f"expected logs of one run of a program, found {len(runs)}: {shown}",
        hint="--runs all judges each run by itself; or name the files of one run",
        kind="option",
    )
