"""The process that draws, started ahead: its pictures are those drawn here, nobody misses it, and it leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import heapdelta as hd
import pytest
import vl_convert
from heapdelta import cli
from heapdelta._drawing import ahead
from heapdelta.chart import _page

SPEC = {
    "data": {"values": [{"module": "a<b>.dll", "bytes": 7}, {"module": "Ω", "bytes": -3}]},
    "mark": "bar",
    "encoding": {"x": {"field": "bytes", "type": "quantitative"}, "y": {"field": "module", "type": "nominal"}},
}
STORY = """
import heapdelta as hd
story = hd.testing.write_investigation("logs", stack_count=40)
delta = hd.diff(hd.read_log(story.before), hd.read_log(story.after))
"""

DRAWN_THERE = """
from heapdelta._drawing import ahead
ask, drawn = ahead.picture, []
def picture(*arguments, **options):
    drawn.append(ask(*arguments, **options))
    return drawn[-1]
ahead.picture = picture
hd.report(delta, "there.html")
print([each[:4] for each in drawn])
"""


@pytest.fixture(autouse=True)
def nothing_has_drawn_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delitem(sys.modules, "vl_convert", raising=False)
    yield
    assert ahead._running.get() is None


def started() -> subprocess.Popen[bytes]:
    process = ahead._running.get()
    assert process is not None
    return process


def test_its_pictures_are_those_that_are_drawn_here() -> None:
    assert ahead.picture("vegalite_to_svg", SPEC, vl_version=_page.VEGA_LITE) is None
    here = _page.svg(SPEC), _page.png(SPEC)
    with ahead.ahead():
        process = started()
        for _ in range(2):
            assert (_page.svg(SPEC), _page.png(SPEC)) == here
        assert process.poll() is None
    assert process.returncode is not None


def test_a_chart_that_cannot_be_drawn_is_the_same_error() -> None:
    wrong = {"mark": "bar", "encoding": {"x": {"field": 7, "type": "no such type"}}, "data": {"url": 1}, "width": {}}
    with pytest.raises(ValueError) as here:
        vl_convert.vegalite_to_svg(wrong, vl_version=_page.VEGA_LITE)
    with ahead.ahead():
        with pytest.raises(ValueError) as there:
            _page.svg(wrong)
        assert str(there.value) == str(here.value)
        # What failed is over, and the next chart is drawn here.
        assert ahead._running.get() is None
        assert _page.svg(SPEC).startswith("<svg")


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "print('usage: something else')",
        "print(100); print('too little')",
        "import sys; sys.stdin.readline(); print(-1)",
        "import time; time.sleep(600)",
        "import os; os.abort()",
    ],
)
def test_a_process_that_fails_is_not_missed(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("program.py").write_text(program, encoding="utf-8")
    monkeypatch.setattr(ahead, "_PROGRAM", tmp_path / "program.py")
    monkeypatch.setattr(ahead, "_PATIENCE", 5)
    here = _page.svg(SPEC)
    with ahead.ahead():
        process = started()
        assert _page.svg(SPEC) == here
    assert process.returncode is not None


@pytest.mark.parametrize("executable", [None, "", "/nobody/has/python", "C:\\WinDbg\\windbg.exe", "/usr/bin/maya"])
def test_a_process_that_cannot_be_started_is_not_missed(
    executable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with ahead.ahead():
        assert ahead._running.get() is None
        assert _page.svg(SPEC).startswith("<svg")


def test_one_process_is_enough() -> None:
    with ahead.ahead():
        outer = started()
        with ahead.ahead():
            assert started() is outer
        assert started() is outer
        assert outer.poll() is None


def test_where_charts_were_drawn_before_there_is_no_process() -> None:
    sys.modules["vl_convert"] = vl_convert
    with ahead.ahead():
        assert ahead._running.get() is None


def run(code: str, folder: Path) -> str:
    """Run Python code in a folder, which is not among the places of its modules."""
    path = os.pathsep.join(str(Path(part).absolute()) for part in sys.path if part)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_reports_are_the_same_and_nothing_of_the_folder_runs(tmp_path: Path) -> None:
    for name in ("vl_convert.py", "json.py", "sitecustomize.py"):
        tmp_path.joinpath(name).write_text("open('owned', 'w').close()\n", encoding="utf-8")
    assert run(f"{STORY}{DRAWN_THERE}", tmp_path).strip() == "[b'<svg', b'<svg']"
    run(f"{STORY}import vl_convert\nhd.report(delta, 'here.html')", tmp_path)
    assert tmp_path.joinpath("there.html").read_bytes() == tmp_path.joinpath("here.html").read_bytes()
    assert not tmp_path.joinpath("owned").exists()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process that was started to draw."""
    processes: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remembered(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        processes.append(popen(*arguments, **options))  # type: ignore[call-overload]
        return processes[-1]

    monkeypatch.setattr(ahead.subprocess, "Popen", remembered)
    return processes


def test_a_command_that_fails_leaves_no_process(tmp_path: Path, begun: list[subprocess.Popen[bytes]]) -> None:
    missing = str(tmp_path / "missing.txt")
    assert cli.run(["report", missing, missing, "-o", str(tmp_path / "report.html")]) == cli.UNREADABLE
    assert cli.run(["diff", missing, missing, "--chart", str(tmp_path / "chart.svg")]) == cli.UNREADABLE
    assert cli.run(["diff", missing, missing, "--chart", str(tmp_path / "chart.html")]) == cli.UNREADABLE
    assert [process.returncode is not None for process in begun] == [True, True]


def test_a_report_leaves_no_process(tmp_path: Path, begun: list[subprocess.Popen[bytes]]) -> None:
    story = hd.testing.write_investigation(tmp_path / "logs", stack_count=40)
    hd.report(hd.diff(hd.read_log(story.before), hd.read_log(story.after)), tmp_path / "report.html")
    assert [process.returncode is not None for process in begun] == [True]
