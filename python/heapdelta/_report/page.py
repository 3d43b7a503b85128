"""Parts become HTML: one page that needs no network, in which nothing of a log is anything but text.

Every text goes through `Texts` and is escaped by jinja2; what the viewer draws is data in the page, as JSON. The
content security policy lets run the page's own script alone, by its hash, and lets nothing be loaded or sent.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from heapdelta._report.parts import Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta._report.parts import Page


def written(page: Page, text: Callable[[str], str]) -> str:
    """Write a page; `text` makes a line of any text."""

    def shown(value: object) -> object:
        return value if isinstance(value, Markup) else text(str(value))

    environment = Environment(
        loader=PackageLoader("heapdelta._report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = text
    style, script = _file("page.css"), _script()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("page.html").render(
        page=page,
        policy=Markup(policy),
        style=Markup(style),
        script=Markup(script),
        # `paths` has escaped what HTML would take for its own.
        graphs={part.name: Markup(part.data) for part in page.sections if isinstance(part, Graph)},
    )


@cache
def _file(name: str) -> str:
    environment = Environment(loader=PackageLoader("heapdelta._report"), autoescape=True)
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@cache
def _script() -> str:
    """Put the scripts together as one, which leaves no names behind."""
    parts = "".join(
        _file(f"{name}.js") for name in ("words", "stacks", "tree", "filters", "thin", "viewer", "tables", "start")
    )
    return f'"use strict";\n{{\n{parts}}}\n'


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
