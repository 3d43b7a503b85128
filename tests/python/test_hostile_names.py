"""No text of a log runs or steers: in charts, in pages, in reports. What may end the process runs in one of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import altair as alt
import heapdelta as hd
import polars as pl
import pytest
from heapdelta import _html, chart, cli
from heapdelta.chart import _page
from heapdelta.chart._text import chart_text, chart_texts, for_any_page, for_drawing, mapped
from hostile_names import Tags, check_repr

SCRIPT = "m</script><script>alert(1)</script>"
# From xss and chart-control-char-abort among the hostile cases of issue 14.
HOGS = """UMDH: Logtime 2000-06-28 {hour}:54 - Machine=M - PID=704
*********** Heap 00270000 Hogs ********************
{size:08x} bytes in 0x4 allocations (@ {each:#010x}) by: BackTrace00031
        {name}!f+0x1
"""


def written(folder: Path, name: str = SCRIPT) -> list[str]:
    paths = []
    for hour, size in ((10, 0x1000), (11, 0x2000), (12, 0x3000)):
        paths.append(folder / f"{hour}.txt")
        paths[-1].write_text(HOGS.format(hour=hour, size=size, each=size // 4, name=name), encoding="utf-8")
    return [str(path) for path in paths]


def frame(name: str) -> pl.DataFrame:
    numbers = {"requested_bytes_before": [0], "requested_bytes_after": [4096], "requested_bytes_delta": [4096]}
    return pl.DataFrame({"module": [name], **numbers})


@pytest.mark.timeout(600)
def test_mutated_names_act_nowhere() -> None:
    seconds = os.environ.get("HEAPDELTA_FUZZ_SECONDS", "1")
    seed = os.environ.get("HEAPDELTA_FUZZ_SEED", "0")
    program = [sys.executable, str(Path(__file__).with_name("hostile_names.py")), "--seconds", seconds, "--seed", seed]
    done = subprocess.run(program, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr[-4000:]


@pytest.mark.timeout(600)
def test_every_character_can_be_drawn() -> None:
    program = [sys.executable, str(Path(__file__).with_name("hostile_names.py")), "--characters"]
    done = subprocess.run(program, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("command", ["diff", "by-function", "series"])
def test_a_page_of_the_command_line_runs_no_script_of_a_log(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, picture = written(tmp_path), tmp_path / "x.html"
    by = ["--by", "function"] if command == "by-function" else []
    arguments = ["series", *logs] if command == "series" else ["diff", *logs[:2], *by]
    assert cli.run([*arguments, "--chart", str(picture)]) == cli.OK
    capsys.readouterr()
    page = picture.read_text(encoding="utf-8")
    assert "</script><script>alert" not in page
    assert Tags(page).tags.count("script") == 2
    drawn = page.rpartition("vegaEmbed(")[2]
    assert "alert(1)" in drawn
    assert not re.search("<!--|<script", drawn)
    assert drawn.count("</script") == 1


def test_only_the_scripts_of_a_page_may_run() -> None:
    page = _page.page(chart.waterfall(frame(SCRIPT)).to_dict())
    policy = re.search('content="(default-src [^"]*)"', page)
    assert policy is not None
    scripts = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    allowed = {f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts}
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    assert set(rules.pop("script-src").split()) == allowed
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    # A policy counts for what follows it.
    assert page.index("Content-Security-Policy") < page.index("<script>")
    assert '"ast": true' in scripts[1]
    assert '"source": false, "compiled": false, "editor": false' in scripts[1]


def test_the_page_shows_the_name_as_it_is() -> None:
    page = _page.page(chart.waterfall(frame(SCRIPT)).to_dict())
    assert "m\\u003c/script\\u003e\\u003cscript\\u003ealert(1)\\u003c/script\\u003e" in page
    assert "\\u2060" not in page


@pytest.mark.parametrize("name", [SCRIPT, "a<!--b", "<SCRIPT>", "<!DOCTYPE html>"])
def test_altairs_own_page_runs_no_script_of_a_log(name: str, tmp_path: Path) -> None:
    drawn = chart.waterfall(frame(name))
    benign = chart.waterfall(frame("m"))
    for page, other in ((drawn.to_html(), benign.to_html()), (drawn.to_html(inline=True), benign.to_html(inline=True))):
        assert Tags(page).tags == Tags(other).tags
    drawn.save(tmp_path / "x.html")
    assert Tags((tmp_path / "x.html").read_text(encoding="utf-8")).tags == Tags(benign.to_html()).tags


def test_the_notebooks_page_runs_no_script_of_a_log() -> None:
    spec = chart.waterfall(frame(SCRIPT)).to_dict()
    cell = chart._render(spec, interactive=True)["text/html"]
    assert Tags(cell).tags == ["iframe"]
    assert 'sandbox="allow-scripts"' in cell
    assert chart._render(spec)["image/svg+xml"].count("<script") == 0


def test_every_chart_goes_through_the_guard() -> None:
    makers = [getattr(chart, name) for name in chart.__all__ if name not in ("enable", "save")]
    assert len(makers) == 10
    assert all(hasattr(maker, "__wrapped__") for maker in makers)

    @_page.harmless
    def forgetful() -> alt.Chart:
        return alt.Chart(pl.DataFrame({"a\x1b": ["</script>\x00"]}), title="\u202eexe.gpj").mark_point()

    drawn = forgetful()
    assert isinstance(drawn, alt.Chart)
    texts = str(drawn.to_dict())
    assert "\\x1b" in texts
    assert not {"\x1b", "\x00", "\u202e"} & set(texts)
    assert "</" not in texts


def test_charts_of_harmless_names_are_left_as_they_are() -> None:
    spec = chart.waterfall(frame("std::vector<int>")).to_dict()
    assert mapped(spec, for_any_page) == mapped(spec, for_drawing) == spec


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app", "app"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\tb\nc\rd", "a\\x09b\\x0ac\\x0dd"),
        ("a\x00\x7f\x9fb", "a\\x00\\x7f\\x9fb"),
        ("photo\u202egpj.exe", "photo\\u202egpj.exe"),
        ("a\u200bb\u2060c\ufeff", "a\\u200bb\\u2060c\\ufeff"),
        ("a\ufffe\uffff\U0010ffff", "a\\ufffe\\uffff\\U0010ffff"),
        ("a\ud800b", "a\\ud800b"),
        ("std::vector<std::string>", "std::vector<std::string>"),
        ("ünïcode 名前 😀", "ünïcode 名前 😀"),
        ("</x>", "<\u2060/x>"),
        ("a<ScRipt", "a<\u2060ScRipt"),
    ],
)
def test_a_name_becomes_a_text_of_a_chart(name: str, text: str) -> None:
    assert chart_text(name) == text
    assert for_any_page(text) == text
    assert "\u2060" not in for_drawing(text)
    if "\ud800" not in name:
        assert chart_texts(pl.Series([name, "m", None, name])).to_list() == [text, "m", None, text]


def test_a_control_character_of_a_log_is_written_out_in_its_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = written(tmp_path, "a\x1b[31mb")
    for name in ("x.svg", "x.png", "x.html"):
        assert cli.run(["diff", *logs[:2], "--chart", str(tmp_path / name)]) == cli.OK
    capsys.readouterr()
    assert "a\\x1b[31mb" in (tmp_path / "x.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [SCRIPT, "\"' onmouseover=alert(1)", "a\u202eb\x1b", "<img src=x onerror=alert(1)>"])
def test_a_summary_in_a_notebook_is_text_alone(name: str, tmp_path: Path) -> None:
    logs = [hd.read(path) for path in written(tmp_path, name)]
    for result in (hd.diff(logs[0], logs[1]), logs[0], hd.series(logs)):
        check_repr(result._repr_html_())
    page = _html.page(name, {name: name}, pl.DataFrame({name: [name]}))
    check_repr(page)
    assert Tags(page).tags == ["div", "strong", "br", "table", "thead", "tr", "th", "tbody", "tr", "td"]
