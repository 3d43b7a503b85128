"""Classes of blocks on the command line, in reports and charts: named by symbols, and never more than text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import heapdelta as hd
import hostile_names
import named_heaps
import pytest
from heapdelta import chart, cli, testing
from named_heaps import CULPRIT

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "a\x1b]0;owned\x07\x9b31mb",
    "\u202eexe.gpj\u200b",
    "=cmd|' /C calc'!A0",
    "[red]markup[/red]",
    "??_7?$List@V?$Map@VKey@@V<script>@@@@@@6B@",
    "x" * 10_000,
]


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return testing.write_symbols(tmp_path_factory.mktemp("symbols"))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.HeapDumps:
    return testing.write_heap_dumps(tmp_path_factory.mktemp("heaps"), steps=3, stack_count=60, gflags=())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, symbols: Path) -> tuple[list[Path], Path]:
    """Dumps of a build whose classes have names that act, and the symbols of it."""
    folder = tmp_path_factory.mktemp("hostile")
    made = testing.write_heap_dumps(folder / "heaps", steps=3, stack_count=60, gflags=())
    for answer in made.dumps:
        named_heaps.of_other_build(answer.path, symbols)
    places = named_heaps.tables(symbols)
    names = dict(zip(places, [*HOSTILE, HOSTILE[0]], strict=True))
    return [answer.path for answer in made.dumps], named_heaps.rebuilt(symbols, folder / "symbols", names)


def run(*arguments: object, capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, str]:
    assert cli.run([str(argument) for argument in arguments]) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def test_summary_and_diff_name_the_classes(
    story: testing.HeapDumps, symbols: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"vtable at {CULPRIT}+0x{min(named_heaps.tables(symbols)) + 0x40:X}"
    out, _ = run("summary", story.after, "--by", "content", "--symbols", symbols, capsys=capsys)
    assert f"Thumbnail ({place})" in out
    assert "no symbols of the right build were found for" in " ".join(out.split())
    out, err = run("diff", story.before, story.after, "--by", "content", "--symbols", symbols, capsys=capsys)
    assert f"Thumbnail ({place})" in out
    assert not err
    out, _ = run("diff", story.before, story.after, "--symbols", symbols, capsys=capsys)
    assert f"Thumbnail ({place})" in out
    out, _ = run("diff", story.before, story.after, "--by", "content", capsys=capsys)
    assert "Thumbnail" not in out
    assert place.removeprefix("vtable at ") in out


def test_machines_get_the_names(story: testing.HeapDumps, symbols: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = hd.symbols(symbols)
    before, after = (hd.read_dump(path).with_symbols(store) for path in (story.before, story.after))
    asked = ["--by", "content", "--symbols", symbols]
    written = json.loads(run("summary", story.after, *asked, "--json", capsys=capsys)[0])
    assert [row["target_name"] for row in written["rows"]] == after.by("content")["target_name"].to_list()
    assert written["notes"] == [*after.heap_notes, *after.content_notes]
    delta = hd.diff(before, after)
    written = json.loads(run("diff", story.before, story.after, *asked, "--json", capsys=capsys)[0])
    assert [row["target_name"] for row in written["rows"]] == delta.by("content")["target_name"].to_list()
    assert written["heap_notes"] == [*delta.heap_notes, *delta.content_notes]
    out, err = run("diff", story.before, story.after, *asked, "--csv", capsys=capsys)
    names = [row["target_name"] or None for row in csv.DictReader(io.StringIO(out))]
    assert names == delta.by("content")["target_name"].to_list()
    assert "no symbols of the right build" in err


def test_series_names_the_classes(story: testing.HeapDumps, symbols: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [answer.path for answer in story.dumps]
    out, _ = run("series", *paths, "--by", "content", "--symbols", symbols, "--csv", capsys=capsys)
    rows = {row["target_name"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["Thumbnail"]["module"] == CULPRIT
    out, _ = run("series", *paths, "--by", "content", "--symbols", symbols, "--top", "50", capsys=capsys)
    assert "Thumbnail (vtable at" in out
    assert "no symbols of the right build" in " ".join(out.split())


def test_a_report_names_the_classes(
    story: testing.HeapDumps, symbols: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    run("report", story.before, story.after, "--symbols", symbols, "-o", page, capsys=capsys)
    text = page.read_text(encoding="utf-8")
    assert "Thumbnail (vtable at" in text
    assert "no symbols of the right build" in text


def test_hostile_names_are_text(
    hostile: tuple[list[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths, symbols = hostile
    asked = ["--by", "content", "--symbols", symbols]
    for arguments in (["summary", paths[1]], ["diff", *paths[:2]], ["series", *paths]):
        out, err = run(*arguments, *asked, "--top", "99", capsys=capsys)
        assert not hostile_names.has_unseen(out + err)
        assert "onerror" in out
        out, _ = run(*arguments, *asked, "--csv", capsys=capsys)
        names = {row["target_name"] for row in csv.DictReader(io.StringIO(out))}
        assert not any(name.startswith("=") for name in names)
    page = tmp_path / "report.html"
    run("report", *paths[:2], "--symbols", symbols, "-o", page, capsys=capsys)
    text = page.read_text(encoding="utf-8")
    assert not hostile_names.has_unseen(text)
    assert "<img src=x" not in text
    assert len(text) < 5_000_000
    store = hd.symbols(symbols)
    series = hd.series([hd.read_dump(path).with_symbols(store) for path in paths], by="content")
    hostile_names.check_repr(series._repr_html_())
    hostile_names.check_svg(chart.save(chart.growth(series, top=8), tmp_path / "x.svg").read_text(encoding="utf-8"))
