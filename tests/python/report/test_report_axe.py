"""Pages in a real browser, looked at by axe-core: nothing that keeps people out.

axe-core is not ours to carry along: HEAPDELTA_AXE names its `axe.min.js`, which `make test-viewers` has from npm.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import heapdelta as hd
import pytest
from chromium import Browser, found

pytestmark = pytest.mark.timeout(300)

_RUN = """axe.run(document).then(told => ({
    passed: told.passes.length,
    violations: told.violations.map(each => [each.id, each.impact, each.nodes.map(node => node.html.slice(0, 200))]),
}))"""
PAGES = ["two logs", "by function", "one log", "a series", "dumps", "a series of dumps"]


@pytest.fixture(scope="module")
def axe() -> str:
    place = os.environ.get("HEAPDELTA_AXE")
    if not place:
        pytest.skip("NOT TESTED by axe-core, expected HEAPDELTA_AXE with its axe.min.js, found none: make test-viewers")
    return Path(place).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found()
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def of(delta: hd.Delta, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], object]:
    folder = tmp_path_factory.mktemp("axe")

    def made(page: str) -> object:
        if page == "one log":
            return delta.after
        if page == "a series":
            hd.testing.write_series(folder / "logs", stack_count=40)
            return hd.series(hd.group(hd.read_many(folder / "logs")), runs="all")
        if page in ("dumps", "a series of dumps"):
            story = hd.testing.write_dump_investigation(folder / page, steps=7)
            dumps = [hd.read_dump(path) for path in story.paths]
            return hd.diff(*dumps[:2]) if page == "dumps" else hd.series(dumps)
        return delta

    return made


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(page: str, axe: str, browser: Browser, of: Callable[[str], object], tmp_path: Path) -> None:
    browser.open(hd.report(of(page), tmp_path / "a.html", stacks=100).path)  # type: ignore[arg-type]
    if page == "by function":
        browser.choose("by", "function")
        browser.choose("find", "fhpreview")
        browser.value("document.querySelector('.filters').open = true")
        browser.choose("only", "fhpreview*; fhqueue")
    browser.value(axe)
    told = browser.value(_RUN)
    assert told["violations"] == []
    assert told["passed"] > 20
