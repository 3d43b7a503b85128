"""What can be said of the docs site without building it: no page and no public name is forgotten.

`make docs-site` builds it, and takes every warning of Sphinx for an error.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import heapdelta as hd
import pytest

PROJECT = Path(__file__).parents[2]
PAGES = PROJECT / "docs" / "site" / "pages"
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$|^\.\. toctree::\n((?:[ ]+[^\n]*\n|\n)+)", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^\.\. (currentmodule|auto\w+):: (\S+)", re.MULTILINE)
SHOWN = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benches/README.md")
MODULES = (hd, hd.blame, hd.chart, hd.dataset, hd.exceptions, hd.testing)


def listed() -> Iterator[tuple[Path, str]]:
    """Pages with each entry of their tables of contents, as a path from the top."""
    for page in [*PAGES.rglob("*.md"), *PAGES.rglob("*.rst")]:
        folder = page.parent.relative_to(PAGES)
        for found in TOCTREE.findall(page.read_text(encoding="utf-8")):
            for line in "".join(found).splitlines():
                if (entry := line.strip()) and not entry.startswith(":"):
                    target = re.sub(r".*<(.*)>$", r"\1", entry)
                    yield page, (folder / target).as_posix()


def sources(entry: str) -> list[Path]:
    """Files that an entry stands for."""
    return [file for root in (PROJECT, PAGES) for end in (".md", ".rst", ".ipynb") for file in root.glob(entry + end)]


def test_every_page_is_in_one_table_of_contents():
    found = [file for _, entry in listed() for file in sources(entry)]
    wanted = [*(PROJECT / "docs").glob("*.md"), *(PROJECT / "notebooks").glob("*.ipynb")]
    wanted += [PROJECT / name for name in SHOWN]
    wanted += [page for page in [*PAGES.rglob("*.md"), *PAGES.rglob("*.rst")] if page != PAGES / "index.md"]
    assert len(wanted) > 50
    assert sorted(found) == sorted(wanted)


def test_every_entry_is_a_page():
    for page, entry in listed():
        assert sources(entry), f"{page.name} lists {entry}"


def documented() -> dict[str, list[object]]:
    """What the pages of the reference describe, by directive."""
    things: dict[str, list[object]] = {}
    for page in (PAGES / "api").glob("*.rst"):
        module = "heapdelta"
        for directive, name in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            if directive == "currentmodule":
                module = name
            elif directive == "automodule":
                things.setdefault(directive, []).append(importlib.import_module(name))
            elif directive != "autosummary":
                things.setdefault(directive, []).append(getattr(importlib.import_module(module), name))
    return things


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(module: ModuleType):
    things = documented()
    if module in things["automodule"]:
        return
    single = [thing for directive, found in things.items() if directive != "automodule" for thing in found]
    for name in module.__all__:
        thing = getattr(module, name)
        if name == "__version__" or isinstance(thing, ModuleType):
            continue
        assert any(thing is one for one in single), f"{module.__name__}.{name} is not in docs/site/pages/api"


def test_modules_of_the_package_are_in_the_reference():
    things = documented()
    for name in hd.__all__:
        thing = getattr(hd, name)
        # The names of `dataset` are on the page of datasets, one by one.
        if isinstance(thing, ModuleType) and thing is not hd.dataset:
            assert thing in things["automodule"], name


def test_the_list_at_a_glance_has_all_of_the_package():
    text = (PAGES / "api" / "index.rst").read_text(encoding="utf-8")
    names = re.findall(r"^   (\w+)$", text.partition(".. autosummary::")[2], re.MULTILINE)
    wanted = [name for name in hd.__all__ if name != "__version__" and not isinstance(getattr(hd, name), ModuleType)]
    assert sorted(names) == sorted(wanted)


def test_methods_that_a_class_inherits_from_ours_are_shown():
    text = "".join(page.read_text(encoding="utf-8") for page in (PAGES / "api").glob("*.rst"))
    for name in hd.__all__:
        thing = getattr(hd, name)
        if not isinstance(thing, type):
            continue
        parents = [parent for parent in thing.__mro__[1:] if parent.__module__.startswith("heapdelta.")]
        inherits = any(not member.startswith("_") for parent in parents for member in vars(parent))
        shown = f".. autoclass:: {name}\n   :inherited-members:\n" in text
        assert shown or not inherits, f"{name} inherits public members: give it :inherited-members:"
