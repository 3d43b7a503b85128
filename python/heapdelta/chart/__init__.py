"""Charts of what grew: a delta, a series, dumps or a ranking in, an Altair chart out. Nothing comes from a network.

Importing this module makes our renderer Altair's, unless another one was chosen before: Altair's own shows a chart by
loading scripts from the internet.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt

from heapdelta import _whole_file
from heapdelta._picture import refuse_other
from heapdelta.chart import _page as pages
from heapdelta.chart._flame import flame
from heapdelta.chart._fragmentation import fragmentation
from heapdelta.chart._growth import growth
from heapdelta.chart._heap_map import heap_map
from heapdelta.chart._live import live
from heapdelta.chart._regions import regions
from heapdelta.chart._sizes import sizes
from heapdelta.chart._slope import slope
from heapdelta.chart._survival import survival
from heapdelta.chart._waterfall import waterfall
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from os import PathLike

__all__ = [
    "enable",
    "flame",
    "fragmentation",
    "growth",
    "heap_map",
    "live",
    "regions",
    "save",
    "sizes",
    "slope",
    "survival",
    "waterfall",
]


def save(chart: alt.TopLevelMixin, path: str | PathLike[str]) -> Path:
    """Save a chart as a file that needs no network to be looked at, and of which no text acts.

    Parameters
    ----------
    chart : altair chart
        Any chart, not only ours.
    path : str or path-like
        Ends in ``.png`` (twice the size on screen), ``.svg`` or ``.html`` (with tooltips; about 0.9 MB, as the scripts
        are in it). A picture that is there is replaced when the new one is complete; anything else is not.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If the path ends in something else, or a file is there that is no picture: a log that was saved as a page, say.
    WriteError
        If the file cannot be written; what was there before is as it was.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".svg", ".html"):
        raise OptionError(f"expected a path that ends in .png, .svg or .html, found {path.name!r}", kind="option")
    refuse_other(path)
    _whole_file.check(path)
    _whole_file.write(path, pages.drawn(chart.to_dict(), suffix))
    return path


def enable(*, interactive: bool = False) -> None:
    """Show charts in notebooks without a network.

    Parameters
    ----------
    interactive : bool, default False
        False shows a picture (SVG); True a page of its own inside the cell, with tooltips, at 1 MB a chart.
    """
    alt.renderers.register("heapdelta", _render)
    alt.renderers.enable("heapdelta", interactive=interactive)


def _render(spec: dict[str, Any], *, interactive: bool = False, **_: object) -> dict[str, str]:
    if not interactive:
        return {"image/svg+xml": pages.svg(spec)}
    page, style = html.escape(pages.page(spec)), "width:100%;height:560px;border:0"
    return {"text/html": f'<iframe srcdoc="{page}" style="{style}" sandbox="allow-scripts"></iframe>'}


if alt.renderers.active == "default":
    enable()
