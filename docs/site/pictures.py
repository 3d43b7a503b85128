"""What the site shows of heapdelta's work, made anew: reports, charts, and the demo in every viewer."""

from __future__ import annotations

import sys
from contextlib import chdir
from typing import TYPE_CHECKING, Any

import heapdelta as hd
from heapdelta import chart
from viewers import VIEWERS, AbsentError, Demo, Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BESIDE = {"enable", "save"}
"""What `heapdelta.chart` has that draws nothing."""


def make(whole: Path, made: Path, files: Path) -> None:
    """Write reports and pictures into `whole`, which the site gets as it is, and what shows them into `made`."""
    reports, pictures = whole / "reports", whole / "pictures"
    for folder in (reports, pictures, made, files):
        folder.mkdir(parents=True, exist_ok=True)
    hd.testing.write_investigation(files)
    # The folder of this machine is of no use to a reader.
    with chdir(files):
        delta = hd.diff(hd.read_log("before.txt", blocks=True), hd.read_log("after.txt", blocks=True))
        demo = Demo(delta, files, hd.report(delta, reports / "demo.html").path)
        drawn = gallery(delta, reports, pictures)
    shown = "\n".join(card(viewer, demo, pictures) for viewer in VIEWERS)
    grid = f"::::{{grid}} 1 1 2 2\n:gutter: 3\n:class-container: viewers\n\n{shown}::::\n"
    (made / "viewers.md").write_text(grid, encoding="utf-8")
    (made / "charts.md").write_text(drawn, encoding="utf-8")


def shown_as(picture: Path, name: str) -> str:
    """Show a picture, and the whole of it for who clicks on it."""
    place = f"pictures/{picture.name}"
    return f'<a href="{place}"><img src="{place}" alt="{name}"></a>'


def card(viewer: Viewer, demo: Demo, pictures: Path) -> str:
    """Show one viewer, or say that it is not here."""
    picture = pictures / f"{viewer.name.replace(' ', '-').replace(chr(39), '')}.png"
    try:
        text = viewer.show(demo, picture)
    except AbsentError as program:
        print(f"docs-site: {viewer.name} is left out: there is no {program} on the path", file=sys.stderr)
        shown = f"*Left out: there was no {program} where this site was built.*"
    else:
        shown = shown_as(picture, viewer.name) if text is None else f"```text\n{text}\n```"
    return f":::{{grid-item-card}} {viewer.name}\n{viewer.about}\n\n{shown}\n\n```sh\n{viewer.commands}\n```\n:::\n\n"


def charts(delta: hd.Delta, reports: Path) -> Iterator[tuple[str, str, Any]]:
    """Name of a function, how it is called, and the chart. `pages/charts.md` says what the names mean."""
    hd.testing.write_series("days", stack_count=400)
    days = hd.series(hd.read_many("days", blocks=True), runs="all")
    hd.report(days, reports / "days.html")
    older, newer = map(hd.read_dump, hd.testing.write_dump_investigation("dumps").paths)
    hd.report(hd.diff(older, newer), reports / "dumps.html")
    yield "waterfall", "hd.chart.waterfall(delta)", chart.waterfall(delta)
    yield "flame", 'hd.chart.flame(delta, by="module")', chart.flame(delta, by="module")
    yield "live", "hd.chart.live(delta.after)", chart.live(delta.after)
    yield "sizes", "hd.chart.sizes(delta)", chart.sizes(delta)
    yield "growth", "hd.chart.growth(days)", chart.growth(days)
    yield "slope", "hd.chart.slope(days, top=12)", chart.slope(days, top=12)
    yield "survival", "hd.chart.survival(days)", chart.survival(days)
    yield "regions", "hd.chart.regions(older, newer)", chart.regions(older, newer)
    full = hd.read_dump(hd.testing.write_heap_dumps("heaps").after)
    yield "heap_map", "hd.chart.heap_map(full)", chart.heap_map(full)
    yield "fragmentation", "hd.chart.fragmentation(full)", chart.fragmentation(full)


def gallery(delta: hd.Delta, reports: Path, pictures: Path) -> str:
    """Draw each chart once."""
    parts = {}
    for name, call, drawn in charts(delta, reports):
        picture = chart.save(drawn, pictures / f"chart-{name}.svg")
        parts[name] = f"## {name}\n\n```python\n{call}\n```\n\n{shown_as(picture, name)}\n"
    missing = set(chart.__all__) - BESIDE - set(parts)
    if missing:
        raise RuntimeError(f"expected a picture of every chart, found none of {sorted(missing)}")
    return "\n".join(parts.values())
