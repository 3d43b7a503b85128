"""`heapdelta demo`: an investigation from start to end, on logs that heapdelta writes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

import heapdelta as hd
from heapdelta.cli import _output
from heapdelta.cli.diff import show


def demo(
    out: Annotated[Path, typer.Option(help="Folder for logs, dumps and chart; made if need be.")] = Path("demo"),
) -> None:
    """Write two logs with a leak in them, rank what grew, draw it, and tell where everything is."""
    out.mkdir(parents=True, exist_ok=True)
    story = hd.testing.write_investigation(out)
    dumps = hd.testing.write_dump_investigation(out)
    before, after = story.before, story.after
    target = _output.console()
    target.print(Text(f"$ heapdelta diff {before} {after}\n", "bold"), soft_wrap=True)
    delta = hd.diff(hd.read(before), hd.read(after))
    show(target, delta)
    waterfall = hd.chart.waterfall(delta)
    for name in ("growth.png", "growth.html"):
        chart = out / name
        # Inline, so that the page opens on a machine without a network.
        waterfall.save(chart, inline=True) if chart.suffix == ".html" else waterfall.save(chart, scale_factor=2)
        target.print(Text(f"chart: {chart.resolve()}"), soft_wrap=True)
    target.print(Text("dumps of the same process, and what they can say:"))
    target.print(Text(f"$ heapdelta diff {dumps.before} {dumps.after}", "bold"), soft_wrap=True)
    _output.report_issues([(str(before), delta.before), (str(after), delta.after)])
