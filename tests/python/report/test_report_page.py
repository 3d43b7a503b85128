"""What a report says first, that nothing in it acts or reaches out, and where it may be written."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta._report.texts import Texts
from heapdelta.exceptions import OptionError, WriteError
from hostile_logs import hostile_delta
from hostile_names import check_svg, has_unseen
from small_log import APP_FRAME, NTDLL_FRAME, Log
from unpacked import Reader, data_of

COMPARISON = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"


def read(view, folder: Path, **options) -> tuple[str, Reader]:
    page = hd.report(view, folder / "case.html", **options).path.read_text(encoding="utf-8")
    return page, Reader(page)


def heading(view, folder: Path) -> str:
    return "".join(read(view, folder)[1].texts["h1"])


def test_the_answer_is_first(delta: hd.Delta, tmp_path: Path) -> None:
    page, found = read(delta, tmp_path)
    assert re.fullmatch(r"fhpreview holds \S+ MiB more than before, of \S+ MiB in all", "".join(found.texts["h1"]))
    questions = [text for text in found.texts["h2"] if text.endswith("?")]
    assert questions == ["Which module?", "Leak or cache?", "How far to trust it?", "What next?"]
    commands = [re.sub("<[^>]*>", "", command) for command in re.findall(r'<pre class="command">(.*?)</pre>', page)]
    assert commands[0] == "heapdelta series FOLDER_WITH_THE_LOGS"
    assert commands[1].startswith(f"heapdelta diff {delta.before.path} {delta.after.path} --stacks ")
    for note in delta.notes:
        assert note in found.text


def test_what_a_reader_must_know_first_goes_before_it(growing: tuple[Log, Log], tmp_path: Path) -> None:
    before, after = (log.read() for log in growing)
    assert "swapped" in heading(hd.diff(after, before), tmp_path)
    nothing = Log([], {}, taken="2012-04-30 14:09").read()
    assert heading(hd.diff(before, before), tmp_path) == "Live bytes are as many as before, and no module grew"
    assert heading(hd.diff(before, nothing), tmp_path).startswith("Live bytes fell by 664 bytes")
    other = Log([(0x10000, "7", 900, 8)], {"7": [APP_FRAME + 8]}, taken="2012-04-30 14:09").read()
    assert "no stack in common" in heading(hd.diff(before, other), tmp_path)
    stacks = {"11": [NTDLL_FRAME, APP_FRAME]}
    unnamed = [Log([(0x10000, "11", 9, 8), (0x10000, "0", size, 8)], stacks).read() for size in (0, 500)]
    assert "have no stack: the ranking is not to be trusted" in heading(hd.diff(*unnamed), tmp_path)


def test_one_log_and_a_comparison_have_reports(logs, tmp_path: Path) -> None:
    assert re.match(r"\S+ holds \S+ [KM]iB of ", heading(logs[1], tmp_path))
    assert heading(logs[1].live().filter(focus="fhcatalog"), tmp_path).startswith("fhcatalog holds ")
    assert "have no stack" in heading(hd.read_comparison(COMPARISON), tmp_path)
    empty = hd.read_log(b"*- - - - Start of data for heap @ 10000 - - - -\n")
    assert heading(empty, tmp_path) == "The log holds no blocks"


def test_the_policy_lets_the_page_s_own_script_run_alone(delta: hd.Delta, tmp_path: Path) -> None:
    page, _ = read(delta, tmp_path)
    policy = re.search('Content-Security-Policy" content="([^"]*)"', page)[1]
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    for text, kind in ((script, "script-src"), (style, "style-src")):
        assert f"{kind} 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|setAttribute\(.on", script
    )
    assert "</script" not in script
    assert "http" not in re.sub(r"base64,[^\"]*", "", page).replace("http-equiv", "")


@pytest.mark.skipif(os.name == "nt", reason="names of files as POSIX allows them")
def test_names_of_strangers_are_texts_and_nothing_else(tmp_path: Path) -> None:
    page, found = read(hostile_delta(tmp_path), tmp_path, title="</title><script>acted=1</script>")
    tags = [tag for tag, _ in found.tags]
    assert (tags.count("script"), tags.count("img"), tags.count("title")) == (2, 2, 1)
    assert not {"iframe", "svg", "b"} & (set(tags) - {"b"})
    assert not [key for _, keys in found.tags for key in keys if key.startswith("on") or key == "style"]
    assert has_unseen(page) == []
    for source in re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', page):
        check_svg(b64decode(source).decode())
    text = re.search(r'class="stacks-data">([^<]*)</script>', page)[1]
    assert text.isascii()
    assert not re.search("[<>&]", text)
    assert any("acted=" in str(name) for name in data_of(page)["names"])


def test_nobody_is_named_in_an_anonymous_report(tmp_path: Path) -> None:
    folder = tmp_path / "jane doe"
    folder.mkdir()
    paths = []
    for hour, size in ((12, 100), (13, 900)):
        log = Log([(0x10000, "1", size, 8)], {"1": [NTDLL_FRAME, APP_FRAME]}, machine="JANES-BOX", pid=hour + 7000)
        log.taken = f"2012-04-30 {hour}:09"
        paths.append(folder / f"{hour}.txt")
        paths[-1].write_text(log.text(), encoding="utf-8", newline="")
    delta = hd.diff(*map(hd.read_log, paths))
    named, _ = read(delta, tmp_path)
    for secret in ("jane doe", "JANES-BOX", "7012"):
        assert secret in named
    page, _ = read(delta, tmp_path, anonymise=True)
    for secret in ("jane", "JANES-BOX", "7012", "7013", str(tmp_path)):
        assert secret not in page
    assert "12.txt" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"C:\Users\jane doe\src\a.cpp:7", "a.cpp:7"),
        ("heapdelta diff /home/jane/a.txt ../b.txt", "heapdelta diff a.txt ../b.txt"),
        (r"\\server\share\x\app.dll", "app.dll"),
        ("app!operator/+0x1", "app!operator/+0x1"),
        ("std::vector<a/b>", "std::vector<a/b>"),
        ("'/home/j d/x.txt'", "'x.txt'"),
        ("~/logs/a.txt", "a.txt"),
    ],
)
def test_folders_are_left_out(text: str, shown: str) -> None:
    assert Texts(anonymise=True)(text) == shown
    assert Texts()(text) == text


@pytest.mark.parametrize("name", ["case.txt", "case", "case.html.gz"])
def test_a_report_is_a_page(delta: hd.Delta, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match=r"expected a path that ends in \.html"):
        hd.report(delta, tmp_path / name)


@pytest.mark.parametrize("content", [b"*- - - - Start of data for heap @ 10000 - - - -\n", b"<!DOCTYPE html>mine"])
def test_what_is_no_report_is_not_replaced(delta: hd.Delta, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "case.html"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="expected no file"):
        hd.report(delta, path)
    assert path.read_bytes() == content


def test_a_report_is_replaced_by_another(delta: hd.Delta, tmp_path: Path) -> None:
    first = hd.report(delta, tmp_path / "case.html", stacks=1)
    second = hd.report(delta, tmp_path / "case.html")
    assert first.path == second.path
    assert second.path.stat().st_size == second.byte_count > first.byte_count
    assert list(tmp_path.iterdir()) == [second.path]
    with pytest.raises(WriteError):
        hd.report(delta, tmp_path / "nowhere" / "case.html")


def test_two_calls_write_the_same(delta: hd.Delta, tmp_path: Path) -> None:
    pages = [hd.report(delta, tmp_path / name).path.read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_other_things_have_no_report(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="found DataFrame"):
        hd.report(pl.DataFrame(), tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []
