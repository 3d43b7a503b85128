"""References that Sphinx cannot follow, and signatures that nobody is to call.

Pages link to files of the repository as GitHub wants it; those that are no pages of the site are named and not linked.
Docstrings put names of parameters and of documented things between the same single backticks, as numpydoc has it; what
is no documented name of heapdelta is shown as code.
"""

from __future__ import annotations

from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, cast

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PROJECT = Path(__file__).resolve().parents[2]


class FilesOfTheRepository(SphinxPostTransform):
    """Names files that are there, and no pages. Comes before MyST warns of them."""

    default_priority = 8

    def run(self, **_: object) -> None:
        """Look at all links of a page that lead to no other page."""
        folder = (PROJECT / self.env.docname).parent
        for link in list(self.document.findall(pending_xref)):
            target = link["reftarget"]
            if link["reftype"] == "myst" and link["refdomain"] != "doc" and (folder / target).exists():
                path = (folder / target).resolve().relative_to(PROJECT)
                link.replace_self(
                    [*link.children, nodes.Text(" ("), nodes.literal(text=path.as_posix()), nodes.Text(")")]
                )


def shown_as_code(*asked: object) -> nodes.Element | None:
    """Answer where Sphinx finds nothing; None lets it warn."""
    node, content = cast("tuple[pending_xref, nodes.TextElement]", asked[2:])
    ours = node["reftarget"].startswith("heapdelta.")
    return nodes.literal(text=content.astext()) if node["reftype"] == "obj" and not ours else None


def signature(*told: object) -> tuple[str, None] | None:
    """Leave out how a class is made that functions of ours make: its docstring has no parameters."""
    _, what, _, thing = told[:4]
    made_by_us = what == "class" and "Parameters\n" not in (getdoc(thing) or "")
    return ("", None) if made_by_us else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Ask these before Sphinx warns and writes."""
    app.add_post_transform(FilesOfTheRepository)
    app.connect("missing-reference", shown_as_code)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
