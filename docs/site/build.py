"""Build the docs site: collect its pages, make its pictures, start Sphinx.

    python docs/site/build.py FOLDER

The pages are put into FOLDER/source as they lie in the repository, so that links between files are those of GitHub;
what the site has beside them (docs/site/pages) is laid on top. The site itself is in FOLDER/html. Nothing is taken from
a network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pictures

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe|source|embed)\b[^>]*\bsrc=["']?(?:https?:)?//[^>]*>|<link\b[^>]*\bhref=["']?(?:https?:)?//[^>]*>"""
    r"""|(?:@import|url\()\s*["']?(?:https?:)?//[^)]*"""
)
"""What a browser would load from another place without being asked."""
PAGES = ("*.md", "docs/*.md", "benches/*.md", "notebooks/*.ipynb")


def collect(source: Path) -> None:
    """Copy what Sphinx reads."""
    for pattern in PAGES:
        for file in PROJECT.glob(pattern):
            place = source / file.relative_to(PROJECT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place)
    shutil.copytree(HERE / "pages", source, dirs_exist_ok=True)


def loads_from_elsewhere(html: Path) -> list[str]:
    """Find what a reader without a network would miss."""
    files = [file for file in html.rglob("*") if file.suffix in (".html", ".css")]
    texts = ((file, file.read_text(encoding="utf-8")) for file in files)
    return [f"{file.relative_to(html)}: {found[0][:200]}" for file, text in texts for found in ELSEWHERE.finditer(text)]


def main() -> int:
    """Build all of it anew; warnings are errors."""
    folder = Path(sys.argv[1]).resolve()
    source, html, whole = folder / "source", folder / "html", folder / "whole"
    for old in (source, html, whole):
        shutil.rmtree(old, ignore_errors=True)
    collect(source)
    pictures.make(whole, source / "made", folder / "files")
    words = ["-b", "html", "-c", HERE, "-d", folder / "doctrees", "-D", f"html_extra_path={whole}", "--jobs", "2"]
    strict = ["--fresh-env", "--fail-on-warning", "--nitpicky", "--quiet"]
    failed = subprocess.run([sys.executable, "-m", "sphinx", *words, *strict, source, html], check=False).returncode
    elsewhere = [] if failed else loads_from_elsewhere(html)
    for line in elsewhere:
        print(f"docs-site: loaded from elsewhere: {line}", file=sys.stderr)
    done = not failed and not elsewhere
    print(f"docs-site: {html / 'index.html'}" if done else "docs-site: not built", file=sys.stderr)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
