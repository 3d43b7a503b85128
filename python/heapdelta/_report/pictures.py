"""Charts as images of a page: their bytes are in it, and an image cannot act, whatever is drawn in it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from heapdelta._report.parts import Picture
from heapdelta.chart._page import svg

if TYPE_CHECKING:
    import altair as alt


def picture(chart: alt.TopLevelMixin, name: str, title: str, words: str) -> Picture:
    """Make an image of a chart; `words` tell what it shows."""
    return Picture(name, title, [], source=source_of(chart), words=words)


def source_of(chart: alt.TopLevelMixin) -> str:
    """Write a chart as the address of an image."""
    return f"data:image/svg+xml;base64,{b64encode(svg(chart.to_dict(validate=False)).encode()).decode()}"
