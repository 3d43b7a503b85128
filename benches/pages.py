"""Pages in a real browser: when their first picture is there, and how long a zoom takes."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/python/report"))
from chromium import NAMES, Browser

BOXES = {"report": ".box", "memray": "#chart svg g rect, #chart svg g foreignObject", "heaptrack": "svg g rect"}
"""What a graph is drawn with."""

# The first frame after the first box, in milliseconds from the begin of the navigation.
_WATCH = """(boxes => {
    const watch = new MutationObserver(() => {
        if (!document.querySelector(boxes)) return;
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => { window.firstPicture = performance.now(); }));
    });
    watch.observe(document, {childList: true, subtree: true});
})"""
# From the click until the frame is on the screen, for the three largest boxes below the root, each in a page at rest.
_ZOOM = """(async () => {
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done))), times = [];
    const rest = () => new Promise(done => setTimeout(done, 300));
    for (const number of [1, 2, 3]) {
        document.querySelector('.box').click();
        await frame();
        await rest();
        const box = document.querySelectorAll('.box')[number], start = performance.now();
        box.click();
        await frame();
        times.push(performance.now() - start);
    }
    return times;
})()"""
_DRAWN = """new Promise(done => {
    const look = () => window.firstPicture ? done() : setTimeout(look, 20);
    look();
})"""
_BUSY = "TaskDuration"


def browser() -> str | None:
    """Where one is."""
    return next(filter(None, map(which, NAMES)), None)


def page(kind: str, path: Path) -> dict[str, Any]:
    """Open a page once, in a browser that has just started; of our report, zoom as well."""
    with Browser() as started:
        started.ask("Performance.enable", timeDomain="threadTicks")
        started.ask("Page.addScriptToEvaluateOnNewDocument", source=f"{_WATCH}({BOXES[kind]!r})")
        started.open(path)
        started.value(_DRAWN)
        result = {"picture_ms": started.value("window.firstPicture"), "picture_busy_ms": _busy(started)}
        if kind == "report":
            result["told"] = started.value("document.querySelector('.told').textContent")
            before = _busy(started)
            result["zoom_ms"] = median(started.value(_ZOOM))
            # Three zooms, and as many times out.
            result["zoom_busy_ms"] = (_busy(started) - before) / 6
        return result


def _busy(started: Browser) -> float:
    """What the page's thread has had of a processor, milliseconds."""
    metrics = started.ask("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == _BUSY) * 1e3
