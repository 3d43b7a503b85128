"""Settings of Sphinx. `build.py` collects the pages and starts it; `make docs-site` is the way to do both."""

from __future__ import annotations

import sys
from pathlib import Path

import heapdelta

sys.path.insert(0, str(Path(__file__).parent))

project = "heapdelta"
author = "The heapdelta authors"
copyright = "The heapdelta authors, MIT licence"  # noqa: A001 - Sphinx wants it so
version = release = heapdelta.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "links",
]
exclude_patterns = ["made/**"]
nitpicky = True
# `docs/errors.md` has its errors one step further down than its title asks for.
suppress_warnings = ["myst.header"]
default_role = "obj"

# Links between pages are those of GitHub: paths of files, and headings by their words.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# Cells run anew in every build; an error in one ends it.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_show_tb = True
# Widgets would load scripts from the internet.
nb_ipywidgets_js = {}

# Docstrings tell the types.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autosummary_generate = False
numpydoc_class_members_toctree = False
# What these inherit is Python's.
_PLAIN = [heapdelta.Batch, heapdelta.Runs, heapdelta.blame.Allocators]
_PLAIN += [getattr(heapdelta.exceptions, name) for name in heapdelta.exceptions.__all__]
numpydoc_show_inherited_class_members = {
    f"{where}.{kind.__name__}": False for kind in _PLAIN for where in ("heapdelta", kind.__module__)
}
# All but: extended summary, examples and "See also" everywhere, and the place of quotes, which ruff looks after.
# Classes are not asked for their parameters: functions of ours make them.
numpydoc_validation_checks = {"all", "ES01", "EX01", "GL02", "SA01"}
numpydoc_validation_exclude = {r"\.[A-Z]\w*$"}

html_theme = "pydata_sphinx_theme"
html_title = "heapdelta"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
# Shown beside what is found, it is fetched from other pages, which a browser refuses for files.
html_show_search_summary = False
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {page: [] for page in ("index", "README", "charts")}
