"""`heapdelta demo`: an investigation from start to end, on logs that heapdelta writes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import heapdelta as hd
from heapdelta.cli import _demo_files, _output
from heapdelta.cli._files import FOLDER
from heapdelta.cli._safe import Text
from heapdelta.cli.diff import show

_CHARTS = ("growth.png", "growth.html")
_FILES = ("before.txt", "after.txt", "before.dmp", "after.dmp", *_CHARTS)


def demo(
    out: Annotated[Path, FOLDER, typer.Option(help="Folder for logs, dumps and chart; made if need be.")] = Path(
        "demo"
    ),
) -> None:
    """Write two logs with a leak in them, rank what grew, draw it, and tell where everything is.

    Files of the same names that the demo did not write are not replaced.
    """
    with _demo_files.claimed(out, _FILES):
        _investigate(out)


def _investigate(out: Path) -> None:
    story = hd.testing.write_investigation(out)
    dumps = hd.testing.write_dump_investigation(out)
    before, after = story.before, story.after
    target = _output.console()
    target.print(Text(f"$ heapdelta diff {before} {after}", "bold"), soft_wrap=True, end="\n\n")
    delta = hd.diff(hd.read_log(before), hd.read_log(after))
    show(target, delta)
    waterfall = hd.chart.waterfall(delta)
    for name in _CHARTS:
        chart = hd.chart.save(waterfall, out / name)
        target.print(Text(f"chart: {chart.resolve()}"), soft_wrap=True)
    target.print(Text("dumps of the same process, and what they can say:"))
    target.print(Text(f"$ heapdelta diff {dumps.before} {dumps.after}", "bold"), soft_wrap=True)
    _output.report_issues([(str(before), delta.before), (str(after), delta.after)])
