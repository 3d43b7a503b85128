"""A report in a real browser: its numbers, its keys, and that nothing of a log acts or leaves the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from chromium import Browser, found
from heapdelta._words import bytes_text
from hostile_logs import NAMES, hostile_delta

pytestmark = pytest.mark.timeout(300)

LISTED = """(async () => {
    const table = document.querySelector('.as-table');
    const told = new Promise(done => table.addEventListener('toggle', done, {once: true}));
    if (!table.open) {
        table.open = true;
        await told;
    }
    return [...table.querySelectorAll('tbody tr')].map(row => [...row.cells].map(
        cell => cell.dataset.exact === undefined ? cell.textContent : Number(cell.dataset.exact)));
})()"""
TOLD = "document.querySelector('.told').textContent"
# Every other point of the canvas: whether something is painted there, and what is told when the pointer comes to it.
POINTED = """(() => {
    const canvas = document.querySelector('.boxes canvas'), points = [];
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const told = document.querySelector('.told');
    for (let y = 10; y < canvas.height; y += 23) for (let x = 1; x < canvas.width; x += 2) {
        told.textContent = '';
        document.querySelector('.boxes').dispatchEvent(new MouseEvent('mouseleave'));
        const place = canvas.getBoundingClientRect();
        // Events are at whole pixels of the window, between which the graph may begin.
        const clientX = Math.ceil(place.left + x), pixel = Math.floor(clientX - place.left);
        const about = {bubbles: true, clientX, clientY: place.top + y};
        canvas.dispatchEvent(new MouseEvent('mousemove', about));
        points.push([pixel, y, pixels[4 * (y * canvas.width + pixel) + 3] > 0, told.textContent]);
    }
    return points;
})()"""
FOCUSED = "document.activeElement.getAttribute('aria-label')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found()
    with Browser() as started:
        yield started
        assert [url for url in started.requests if not url.startswith(("file:", "data:", "about:"))] == []


@pytest.fixture(scope="module")
def page(delta: hd.Delta, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hd.report(delta, tmp_path_factory.mktemp("page") / "case.html", stacks=150).path


@pytest.fixture(scope="module")
def named(delta: hd.Delta, tmp_path_factory: pytest.TempPathFactory) -> tuple[hd.Delta, Path]:
    """A difference with names of functions, and a page that has all of its stacks."""
    folder = tmp_path_factory.mktemp("named")
    store = hd.symbols(hd.testing.write_symbols(folder / "symbols"))
    both = hd.diff(delta.before.with_symbols(store), delta.after.with_symbols(store))
    return both, hd.report(both, folder / "case.html", stacks=None).path


def first_level(view: hd.Delta) -> list[list[object]]:
    """What the tree has below the root, in its order: name, growth, grown, shrunk, blocks."""
    parts = [f"requested_bytes_{part}" for part in ("delta", "grown", "shrunk")]
    ranking = view.by("module").select(pl.coalesce("module", "status"), *parts, "allocation_count_delta")
    return [list(row) for row in ranking.iter_rows()]


@pytest.mark.parametrize("by", ["function", "module"])
def test_first_level_is_the_ranking_by_module(browser: Browser, page: Path, delta: hd.Delta, by: str) -> None:
    browser.open(page)
    browser.choose("by", by)
    listed = sorted(row[:5] for row in browser.value(LISTED))
    # The sum of nothing is nothing in the page, and minus nothing to JavaScript.
    assert [[cell or 0 for cell in row] for row in listed] == sorted(first_level(delta))
    assert f"({delta.total['requested_bytes_delta'].item():+,} bytes)" in browser.value(TOLD)
    assert browser.said == []


def test_both_directions_have_one_root(browser: Browser, page: Path) -> None:
    browser.open(page)
    outward = browser.value(TOLD)
    browser.choose("direction", "inward")
    assert browser.value(TOLD) == outward
    assert sum(row[1] for row in browser.value(LISTED)) == int(
        re.search(r"\((\S+) bytes\)", outward)[1].replace(",", "")
    )


def test_growth_alone_and_shrinkage_alone(browser: Browser, page: Path) -> None:
    browser.open(page)
    for show in ("grown", "shrunk"):
        browser.choose("show", show)
        bars = "['grown', 'shrunk'].filter(bar => document.querySelector(`.box.${bar}`))"
        assert browser.value(bars) == [show]


def test_keys_alone_lead_through_the_graph(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("by", "function")
    browser.value("document.querySelector('.box[tabindex=\"0\"]').focus()")
    assert browser.value(FOCUSED).startswith("total · ")
    browser.press("ArrowDown")
    assert browser.value(FOCUSED).startswith("fhpreview · ")
    assert browser.value(TOLD) == browser.value(FOCUSED)
    browser.press("ArrowRight")
    assert browser.value(FOCUSED).startswith("fhcatalog · ")
    browser.press("ArrowDown", "Enter")
    zoomed = browser.value(FOCUSED)
    assert zoomed.startswith("fhcatalog")
    assert "in=fhcatalog" in browser.value("location.hash")
    assert browser.value("document.querySelectorAll('.box.above').length") == 2
    browser.press("Backspace")
    assert browser.value("document.querySelectorAll('.box.above').length") == 1
    browser.press("Escape")
    assert browser.value("document.querySelectorAll('.box.above').length") == 0
    assert browser.value(FOCUSED).startswith("total · ")
    assert browser.value("document.querySelectorAll('.box[tabindex=\"0\"]').length") == 1


def test_a_zoomed_view_can_be_linked_to(browser: Browser, page: Path) -> None:
    browser.open(Path("/dev/null"))
    browser.open(page, fragment="#direction=outward&by=function&show=both&in=fhcatalog")
    assert browser.value(TOLD).startswith("fhcatalog · ")


def test_find_tells_what_has_it_and_what_no_filter_sees(browser: Browser, page: Path, delta: hd.Delta) -> None:
    browser.open(page)
    browser.choose("find", "no such thing")
    assert "no stack has" in browser.value(TOLD)
    browser.choose("find", "fhcatalog")
    assert browser.value("document.querySelectorAll('.box.found').length") > 0
    browser.choose("focus", "on")
    assert "folded stacks" in browser.value("document.querySelector('.blind').textContent")
    assert {row[0] for row in browser.value(LISTED)} >= {"fhcatalog"}
    assert delta.by("module").height > len(browser.value(LISTED))


def exact(browser: Browser) -> list[list[object]]:
    """The first level of the graph, where minus nothing is nothing."""
    return sorted([cell or 0 for cell in row[:5]] for row in browser.value(LISTED))


@pytest.mark.parametrize(
    ("field", "patterns", "filters"),
    [
        ("only", "FHCATALOG", {"focus": ["fhcatalog"]}),
        ("only", "fhpre*; fhqueue", {"focus": ["fhpre*", "fhqueue"]}),
        ("without", "fhc?talog", {"ignore": ["fhc?talog"]}),
        ("without", "fhpreview!Thumbnail::*", {"ignore": ["fhpreview!Thumbnail::*"]}),
    ],
)
def test_filters_of_the_page_are_those_of_the_library(
    browser: Browser, named: tuple[hd.Delta, Path], field: str, patterns: str, filters: dict[str, list[str]]
) -> None:
    delta, page = named
    browser.open(page)
    browser.choose(field, patterns)
    view = delta.filter(**filters)
    assert [row for row in exact(browser) if any(row[1:])] == [row for row in sorted(first_level(view)) if any(row[1:])]
    out = bytes_text(view.left_out["requested_bytes_delta"].item(), signed=True)
    said = browser.value("document.querySelector('.blind').textContent")
    assert said.startswith(f"Filters leave out {out}.")
    assert f"{field}=" in browser.value("location.hash")
    linked = browser.value("location.hash")
    browser.open(Path("/dev/null"))
    browser.open(page, fragment=linked)
    assert browser.value(f"document.querySelector('.controls').elements.{field}.value") == patterns
    assert browser.value("document.querySelector('.blind').textContent") == said


def test_hidden_frames_keep_their_bytes(browser: Browser, named: tuple[hd.Delta, Path]) -> None:
    delta, page = named
    browser.open(page)
    browser.choose("direction", "inward")
    browser.choose("by", "function")
    whole = browser.value(TOLD)
    browser.choose("hide", "ntdll; KERNEL32; ucrtbase; msvcrt")
    assert browser.value(TOLD) == whole
    tree = delta.tree(direction="inward", hide=["ntdll", "KERNEL32", "ucrtbase", "msvcrt"])
    expected = tree.filter(depth=1)
    hidden = expected.filter(kind="all frames hidden")
    assert hidden.height == 1
    listed = {row[0]: row[1] for row in browser.value(LISTED)}
    assert listed["all frames hidden"] == hidden["requested_bytes_delta"].item()
    # What did not change is folded by module, and has no frames.
    assert sorted(filter(None, listed.values())) == sorted(filter(None, expected["requested_bytes_delta"]))


def test_filters_say_what_they_cannot_see(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("only", "fhqueue")
    assert "are in folded stacks" in browser.value("document.querySelector('.blind').textContent")
    browser.choose("only", "no such module")
    assert browser.value(TOLD).startswith("total · 0 bytes")


def test_boxes_too_narrow_for_words_answer_pointer_and_keys(browser: Browser, named: tuple[hd.Delta, Path]) -> None:
    browser.open(named[1], width=500)
    browser.choose("by", "function")
    browser.choose("direction", "inward")
    points = browser.value(POINTED)
    first = {told: (x, y) for x, y, painted, told in reversed(points) if painted and told}
    assert len(first) > 20
    # What is painted answers, and nothing else does.
    assert [(x, y) for x, y, painted, told in points if painted != bool(told)] == []
    told, (x, y) = next((told, place) for told, place in first.items() if " smaller" not in told)
    browser.value(f"""(() => {{
        const canvas = document.querySelector('.boxes canvas'), place = canvas.getBoundingClientRect();
        const about = {{bubbles: true, clientX: Math.ceil(place.left + {x}), clientY: place.top + {y}}};
        canvas.dispatchEvent(new MouseEvent('click', about));
    }})()""")
    assert browser.value(TOLD) == told
    assert browser.value("document.querySelectorAll('.box.above').length") == y // 23
    browser.choose("direction", "outward")
    browser.value("document.querySelector('.box[tabindex=\"0\"]').focus()")
    browser.press("ArrowDown", *["ArrowRight"] * 40)
    assert browser.value("parseFloat(document.activeElement.style.width)") < 24
    assert browser.value(TOLD) == browser.value(FOCUSED)


def test_few_boxes_at_a_time(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.value("document.querySelectorAll('.box').length") < 400
    assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [320, 700])
def test_narrow_windows_have_no_second_scroll_bar(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_a_table_is_sorted_by_a_click(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.value("document.querySelector('#modules-all-table th:nth-child(6) button').click()")
    cells = "[...document.querySelectorAll('#modules-all-table tbody td:nth-child(6)')]"
    blocks = f"{cells}.map(cell => Number(cell.dataset.exact))"
    assert browser.value(blocks) == sorted(browser.value(blocks), reverse=True)
    assert browser.value("document.querySelector('#modules-all-table th:nth-child(6)').ariaSort") == "descending"


def test_without_javascript_all_but_the_graph_is_there(browser: Browser, page: Path) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.ask("Page.navigate", url=page.resolve().as_uri())
        browser.ask("Emulation.setScriptExecutionDisabled", value=True)
        text = ""
        for _ in range(100):
            text = browser.value("document.body ? document.body.innerText : ''")
            if "Made by heapdelta" in text:
                break
        assert "needs JavaScript" in text
        assert "fhpreview holds" in text
        for part in ("Which module?", "By module", "By stack", "Notes", "Files"):
            assert part in text
        assert browser.value("document.querySelector('.viewer').offsetHeight") == 0
        assert browser.value("document.querySelector('img.still').offsetHeight") > 50
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_names_of_strangers_do_nothing(browser: Browser, tmp_path: Path) -> None:
    said = len(browser.said)
    made = hd.report(hostile_delta(tmp_path), tmp_path / "case.html", title=NAMES[0])
    browser.open(made.path)
    for direction in ("inward", "outward"):
        browser.choose("direction", direction)
        browser.choose("find", "<script>")
    assert browser.value("window.acted === undefined")
    assert browser.value("document.images.length") == 2
    assert browser.value("document.scripts.length") == 2
    assert browser.value("document.querySelectorAll('iframe, object, embed, link, base').length") == 0
    assert browser.said[said:] == []


def test_the_policy_stops_what_escaping_would_let_through(browser: Browser, page: Path, tmp_path: Path) -> None:
    said = len(browser.said)
    broken = page.read_text(encoding="utf-8").replace(
        "<main>", "<main><script>acted = 1</script><img src=x onerror='acted = 2'><img src='http://127.0.0.1:9/x'>"
    )
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    browser.open(tmp_path / "broken.html")
    assert browser.value("window.acted === undefined")
    assert browser.value(TOLD).startswith("total · ")
    blocked = browser.said[said:]
    assert len([text for text in blocked if "Content Security Policy" in text]) >= 3
    assert all("Content Security Policy" in text for text in blocked)
    browser.requests.clear()


def test_in_a_notebook_the_page_has_a_frame_of_its_own(browser: Browser, delta: hd.Delta, tmp_path: Path) -> None:
    frame = hd.report(delta, tmp_path / "x.html", stacks=20)._repr_html_()
    assert re.match(r'<iframe sandbox="allow-scripts" srcdoc="[^"]*" style="[^"]*"></iframe>$', frame)
    (tmp_path / "notebook.html").write_text(f"<!DOCTYPE html><meta charset=UTF-8>{frame}", encoding="utf-8")
    said = len(browser.said)
    browser.open(tmp_path / "notebook.html")
    assert browser.said[said:] == []
