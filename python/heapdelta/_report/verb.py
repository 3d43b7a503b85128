"""`report`: the answer to a case as one page that can be mailed."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapdelta import _whole_file
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._drawing.ahead import ahead
from heapdelta._long_path import for_system
from heapdelta._picture import refuse_other
from heapdelta._ranking.live import Live
from heapdelta._report.texts import Texts
from heapdelta._report.wanted import Wanted
from heapdelta._safe_text import visible
from heapdelta._series.dump_series import DumpSeries
from heapdelta._series.series import Series
from heapdelta._words import plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from os import PathLike

    from heapdelta._report.parts import Page
    from heapdelta._report.wanted import Asking

__all__ = ["Report", "report"]

STACKS = 5_000
"""Stacks that a page carries with their frames, unless another number is asked for."""
MARK = b'<meta name="generator" content="heapdelta report">'
"""What a page of ours has near its start."""
_START = 4096
_KINDS = "a Delta, a Snapshot, a Live, a Comparison, a Series, a DumpDelta or a DumpSeries"
_HINTS = {
    "Dump": ": heapdelta.diff of two dumps has a report",
    "Dataset": ": heapdelta.series of dataset.case(name) has a report",
    "Batch": ": heapdelta.series of it has a report",
}
_STYLE = "width:100%;height:760px;border:1px solid #cfcfcf"


class Report:
    """A report that was written. Made by `heapdelta.report`.

    Attributes
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path, content: str) -> None:
        self.path = path
        self._content = content

    @property
    def byte_count(self) -> int:
        """Bytes of the page."""
        return len(self._content.encode())

    def __repr__(self) -> str:
        return f"<Report {visible(str(self.path))}: {plural(self.byte_count, 'byte')}>"

    def _repr_html_(self) -> str:
        return f'<iframe sandbox="allow-scripts" srcdoc="{escape(self._content)}" style="{_STYLE}"></iframe>'


def report(
    of: Delta | Snapshot | Live | Comparison | Series | DumpDelta | DumpSeries,
    path: str | PathLike[str],
    *,
    title: str | None = None,
    stacks: int | None = STACKS,
    anonymise: bool = False,
) -> Report:
    r"""Write a report: one page with the answer first, and then what the answer goes by.

    Which module grew; leak or cache; how far to trust that; what to do next. Then a picture, modules, stacks with their
    frames, the flame graph with growth and shrinkage apart, notes, files, and what could not be read. The page needs
    no network, and but for the graph no JavaScript; no text of a log acts in it.

    Parameters
    ----------
    of : Delta, Snapshot, Live, Comparison, Series, DumpDelta or DumpSeries
        What it is about; filtered or not. Of a series the page has verdicts and the growth over time, stacks and graph
        from the first log to the last of one run; of dumps it has counters, regions, handles, threads and modules.
    path : str or path-like
        Ends in ``.html``, or is ``-`` for standard output. A page that is there is replaced when the new one is
        complete; anything else is not.
    title : str, optional
        By default the names of the files.
    stacks : int, optional
        Stacks that the graph carries with their frames, 5,000 by default, those of the most change; None for all. The
        others are folded by module: every sum is exact all the same.
    anonymise : bool, default False
        Leave out folders, machines and ids of processes. Names of files, modules and functions stay.

    Returns
    -------
    Report
        With its ``path``; a notebook shows the page.

    Raises
    ------
    OptionError
        If the path ends in something else, a file is there that is no page, or `stacks` is below 0.
    TypeError
        If `of` is nothing of the kind.
    WriteError
        If the file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> start, stack = b"*- - - - Start of data for heap @ 10000 - - - -\n", b"\t776CDD82\n\n"
    >>> before = hd.read(start + b"40 bytes + 18 at 2E9FB00 by BackTrace7\n" + stack)
    >>> after = hd.read(start + b"140 bytes + 18 at 2E9FB00 by BackTrace9\n" + stack)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hd.report(hd.diff(before, after), f"{folder}/case.html").path.name
    'case.html'
    """
    return written(of, Path(path), title=title, stacks=stacks, anonymise=anonymise)


def written(
    of: object, path: Path, *, title: str | None, stacks: int | None, anonymise: bool, asking: Asking | None = None
) -> Report:
    """Write a report, as `report` does; `asking` is the command line that asks for it."""
    check(path, stacks)
    _whole_file.check(path)
    captures = _captures(of)
    texts = Texts.of(
        anonymise=anonymise,
        paths=[capture.path for capture in captures],
        machines=[capture.machine for capture in captures if isinstance(capture, Snapshot)],
        pids=[capture.pid for capture in captures if isinstance(capture, Snapshot | Dump)],
    )
    with ahead():
        page = _page(of, Wanted(title, stacks, texts, asking))
    # Jinja takes longer to import than most scripts take.
    from heapdelta._report import page as pages

    content = pages.written(page, texts)
    _whole_file.write(path, content)
    return Report(path, content)


def check(path: Path, stacks: int | None) -> None:
    """See before the work that a report can be written there.

    Raises
    ------
    OptionError
        If the path ends in something else, a file is there that is no report, or `stacks` is below 0.
    """
    if stacks is not None and (isinstance(stacks, bool) or stacks < 0):
        raise OptionError(f"expected stacks from 0 on, found {stacks}", kind="option")
    if _whole_file.stream_of(path) is not None:
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"expected a path that ends in .html, found {path.name!r}", kind="option")
    refuse_other(path)
    place = Path(for_system(path))
    if place.is_file() and (size := place.stat().st_size):
        with place.open("rb") as file:
            start = file.read(min(size, _START))
        if MARK not in start:
            raise OptionError(
                f"{path}: expected no file, or a report to replace, found another page",
                path=str(path),
                hint="choose another name, or delete the file",
                kind="option",
            )


def _captures(of: object) -> list[Any]:
    if isinstance(of, Delta | DumpDelta):
        return [of.before, of.after]
    if isinstance(of, Live):
        return [of._log]
    if isinstance(of, Series):
        return [*of.snapshots, *(of.counters.dumps if of.counters is not None else [])]
    if isinstance(of, DumpSeries):
        return list(of.dumps)
    return [of] if isinstance(of, Snapshot | Comparison) else []


def _page(of: object, wanted: Wanted) -> Page:
    from heapdelta._report import of_logs

    if isinstance(of, Delta):
        return of_logs.of_delta(of, wanted)
    if isinstance(of, Comparison):
        return of_logs.of_comparison(of, wanted)
    if isinstance(of, Snapshot):
        return of_logs.of_live(of.live(), of, wanted)
    if isinstance(of, Live) and isinstance(of._log, Snapshot):
        return of_logs.of_live(of, of._log, wanted)
    if isinstance(of, DumpDelta):
        from heapdelta._report import of_dumps

        return of_dumps.of_dump_delta(of, wanted)
    if isinstance(of, Series | DumpSeries):
        from heapdelta._report import of_series

        return of_series.of_series(of, wanted) if isinstance(of, Series) else of_series.of_dump_series(of, wanted)
    raise TypeError(f"expected {_KINDS}, found {type(of).__name__}{_HINTS.get(type(of).__name__, '')}")
