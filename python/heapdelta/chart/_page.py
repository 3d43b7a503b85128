"""A chart becomes a picture or a page of its own, of which no text acts. Part of `chart`.

A page holds the scripts that draw, and nothing of a log as anything but data: ``<`` is an escape in it, and its content
security policy lets only the page's own two scripts run, nothing be compiled, and nothing be loaded or sent.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from functools import cache, wraps
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import altair as alt
import vl_convert

from heapdelta._drawing import ahead
from heapdelta.chart._text import for_any_page, for_drawing, mapped

if TYPE_CHECKING:
    from collections.abc import Callable

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])

# The interpreter needs no leave to compile. Only pictures can be saved: the menu's other entries write the chart's text
# into a new window as it is, or send it to an editor on the internet.
_OPTIONS = {
    "mode": "vega-lite",
    "renderer": "svg",
    "ast": True,
    "actions": {"export": True, "source": False, "compiled": False, "editor": False},
}
# A tooltip shows the frames of a stack, a line each: by itself it shows seven lines, and no ends of them.
_STYLE = (
    "#chart.vega-embed { width: 100%; display: flex; } #chart.vega-embed details { position: relative; } "
    "#vg-tooltip-element.vg-tooltip table tr td.value { max-width: 640px; max-height: none; white-space: pre-line; } "
    "#vg-tooltip-element.vg-tooltip table tr td.key { vertical-align: top; }"
)
_TITLE = "heapdelta chart"
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})

Arguments = ParamSpec("Arguments")
Drawn = TypeVar("Drawn", bound=alt.TopLevelMixin)


def harmless(draw: Callable[Arguments, Drawn]) -> Callable[Arguments, Drawn]:
    """Let a function's chart have no text that acts, wherever it is drawn or put, whatever the function forgot."""

    @wraps(draw)
    def checked(*args: Arguments.args, **options: Arguments.kwargs) -> Drawn:
        chart = draw(*args, **options)
        spec = chart.to_dict(validate=False)
        changed = mapped(spec, for_any_page)
        return chart if changed == spec else type(chart).from_dict(changed)  # type: ignore[attr-defined]

    return checked


def drawn(spec: dict[str, Any], suffix: str) -> bytes | str:
    """Draw a chart as what the end of a file's name asks for."""
    if suffix == ".png":
        return png(spec)
    return svg(spec) if suffix == ".svg" else page(spec)


def svg(spec: dict[str, Any]) -> str:
    """Draw a chart as SVG."""
    shown = mapped(spec, for_drawing)
    drawn = ahead.picture("vegalite_to_svg", shown, vl_version=VEGA_LITE)
    return vl_convert.vegalite_to_svg(shown, vl_version=VEGA_LITE) if drawn is None else drawn.decode()


def png(spec: dict[str, Any]) -> bytes:
    """Draw a chart as PNG, twice the size on screen."""
    shown = mapped(spec, for_drawing)
    drawn = ahead.picture("vegalite_to_png", shown, vl_version=VEGA_LITE, scale=2)
    return vl_convert.vegalite_to_png(shown, vl_version=VEGA_LITE, scale=2) if drawn is None else drawn


def page(spec: dict[str, Any]) -> str:
    """Write a page that needs no network; about 0.9 MB, as the scripts are in it."""
    shown = mapped(spec, for_drawing)
    scripts = [_bundle(), f"vegaEmbed('#chart', {_embedded(shown)}, {json.dumps(_OPTIONS)}).catch(console.error);"]
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    title = html.escape(title_of(shown))
    return f"""<!DOCTYPE html>
<html>
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{_STYLE}</style>
<script>{scripts[0]}</script>
</head>
<body>
<div id="chart"></div>
<script>{scripts[1]}</script>
</body>
</html>
"""


def title_of(spec: dict[str, Any]) -> str:
    """Give the title of a chart in one line, as a plain text; of one that has none, a word for it."""
    title = spec.get("title")
    text = title.get("text") if isinstance(title, dict) else title
    lines = text if isinstance(text, list) else [text]
    words = " ".join(line for line in lines if isinstance(line, str)).split()
    return " ".join(words) or _TITLE


def _embedded(spec: dict[str, Any]) -> str:
    """Write JSON that is JavaScript as well, in ASCII, without a character that HTML takes for its own."""
    return json.dumps(spec).translate(_ESCAPES)


@cache
def _bundle() -> str:
    """Scripts of Vega, Vega-Lite and Vega-Embed, of which none ends the element that they are in."""
    return vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]  # the stub asks for a snippet
