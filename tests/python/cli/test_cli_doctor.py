"""`heapdelta doctor`: what it says of an installation that works, and of what is missing or broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

import heapdelta as hd
import heapdelta_command
import pytest
from heapdelta import cli
from heapdelta.cli.doctor import command, packages, surroundings, trials
from heapdelta.cli.doctor.finding import Finding, State

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def findings() -> dict[str, list[Finding]]:
    return {topic: find() for topic, find in command.TOPICS.items()}


def stated(found: list[Finding]) -> dict[str, State]:
    return {each.name: each.state for each in found}


def versions(requirements: list[str]) -> dict[str, tuple[str, str | None]]:
    found = (re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<([\d.]+))?", each) for each in requirements)
    return {each[1]: (each[2], each[3]) for each in found if each is not None}


def test_all_that_is_needed_works_here(findings: dict[str, list[Finding]]) -> None:
    assert set(stated(findings["Packages it needs"]).values()) == {State.WORKS}
    assert stated(findings["What it does, tried on a synthetic case"]) == dict.fromkeys(trials.TRIALS, State.WORKS)
    assert command.of_state(findings, State.BROKEN) == []


def test_every_finding_that_is_not_well_has_a_hint(findings: dict[str, list[Finding]]) -> None:
    for topic in findings.values():
        for each in topic:
            assert (each.hint is None) == (each.state is State.WORKS), each


def test_versions_are_those_of_the_package() -> None:
    assert versions(PROJECT["dependencies"]) == packages.NEEDED
    extras = {
        name: (first, extra)
        for extra in ("pandas", "excel", "distributed")
        for name, (first, _) in versions(PROJECT["optional-dependencies"][extra]).items()
    }
    assert {name: about[:2] for name, about in packages.OPTIONAL.items() if about[1]} == extras


def test_the_trials_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert set(stated(trials.all_of_them()).values()) == {State.WORKS}
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(after: object, before: object) -> object:
        return hd._diff.delta.diff(before, after)

    monkeypatch.setattr(hd, "diff", wrong)
    found = trials.all_of_them()
    assert stated(found)["logs"] is State.BROKEN
    assert "WrongAnswerError: expected {" in next(each.found for each in found if each.name == "logs")


def test_a_folder_that_is_not_there_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    (found,) = trials.all_of_them()
    assert (found.name, found.state) == ("temporary files", State.BROKEN)
    assert "TMPDIR" in (found.hint or "")


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [
        (None, State.BROKEN, "expected typer>=0.28,<0.29, found none"),
        ("0.27.9", State.BROKEN, "expected typer>=0.28,<0.29, found 0.27.9"),
        ("0.29", State.BROKEN, "expected typer>=0.28,<0.29, found 0.29"),
        ("0.28.0", State.WORKS, "0.28.0"),
        ("0.28.11.post1", State.WORKS, "0.28.11.post1"),
    ],
)
def test_versions_of_what_is_needed(
    version: str | None, state: State, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_version", lambda name: version if name == "typer" else "99")
    found = next(each for each in packages.needed() if each.name == "typer")
    assert (found.state, found.found) == (state, said)


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [
        (None, State.ABSENT, "not installed, for tables as Excel"),
        ("3.1", State.LIMITED, "expected 3.2 or later, found 3.1"),
        ("4", State.WORKS, "4, for tables as Excel"),
    ],
)
def test_versions_of_what_can_be_used(
    version: str | None, state: State, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_version", lambda _: version)
    found = next(each for each in packages.optional() if each.name == "xlsxwriter")
    assert found.state is state
    assert found.found.startswith(said)
    assert ("heapdelta[excel]" in (found.hint or "")) is (state is not State.WORKS)


def test_a_package_that_is_there_and_cannot_be_imported_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xlsxwriter.py").write_text("raise OSError('a library is missing')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(packages, "_version", lambda _: "99")
    for name in [name for name in sys.modules if name.partition(".")[0] == "xlsxwriter"]:
        monkeypatch.delitem(sys.modules, name)
    found = next(each for each in packages.optional() if each.name == "xlsxwriter")
    assert found.state is State.LIMITED
    assert found.found.startswith("99 cannot be imported: OSError: a library is missing")


def test_an_environment_without_pip_is_told_of_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_version", lambda _: None)
    monkeypatch.setattr(packages.util, "find_spec", lambda _: object())
    assert all("pip install" in (found.hint or "") and "uv" not in (found.hint or "") for found in packages.needed())
    monkeypatch.setattr(packages.util, "find_spec", lambda _: None)
    (polars,) = (found for found in packages.needed() if found.name == "polars")
    assert (polars.hint or "").startswith("uv pip install --python ")
    assert "polars>=2.1,<3" in (polars.hint or "")


@pytest.mark.skipif(os.name != "posix", reason="pipx and uv link commands on POSIX alone")
def test_a_command_that_is_linked_to_is_of_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = tmp_path / "venv" / "bin", tmp_path / "other"
    ours.mkdir(parents=True)
    other.mkdir()
    for folder in (ours, other):
        (folder / "heapdelta").touch(mode=0o755)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "heapdelta").symlink_to(ours / "heapdelta")
    monkeypatch.setattr(surroundings.sysconfig, "get_path", lambda _: str(ours))
    for folder, state in ((ours, State.WORKS), (linked, State.WORKS), (other, State.LIMITED)):
        monkeypatch.setenv("PATH", str(folder))
        assert stated(surroundings.program())["command"] is state, folder


def test_chromium_is_a_matter_of_who_has_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Cargo.toml").touch()
    monkeypatch.setattr(surroundings, "_SOURCES", tmp_path)
    assert "Chromium" in stated(surroundings.machine())
    monkeypatch.setattr(surroundings, "_SOURCES", tmp_path / "site-packages")
    assert "Chromium" not in stated(surroundings.machine())


def test_a_script_without_a_font_is_found() -> None:
    assert surroundings.missing_scripts({"Latin": "A", "nobody's": "\U000fffff", "none": " "}) == ["nobody's", "none"]


def test_an_encoding_without_room_for_signs_is_said() -> None:
    done = heapdelta("doctor", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    found = {each["name"]: each for each in json.loads(done.stdout)["findings"]}
    assert found["encoding"]["state"] == "limited"
    assert "PYTHONUTF8=1" in found["encoding"]["hint"]


def heapdelta(*arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own; `code` runs before it."""
    path = os.pathsep.join(part for part in sys.path if part)
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nfrom heapdelta_command import main; main()", *arguments],
        env=os.environ | {"PYTHONPATH": path, "NO_COLOR": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_passwords_are_not_shown_and_exit_code_is_0() -> None:
    done = heapdelta("doctor", HEAPDELTA_PASSWORD="hunter2", COLUMNS="97")
    assert (done.returncode, done.stderr) == (cli.OK, "")
    assert "hunter2" not in done.stdout
    assert "COLUMNS=97" in done.stdout
    assert "HEAPDELTA_PASSWORD is set" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("All that heapdelta needs works; ")


def test_json_has_every_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["doctor", "--json", "-o", "doctor.json"]) == cli.OK
    written = json.loads(Path("doctor.json").read_text(encoding="utf-8"))
    assert (written["heapdelta"], written["works"]) == (hd.__version__, True)
    assert {each["topic"] for each in written["findings"]} == set(command.TOPICS)
    names = [each["name"] for each in written["findings"]]
    assert {"polars", "logs", "pandas", "fonts of charts", "terminal"} <= set(names)
    polars = next(each for each in written["findings"] if each["name"] == "polars")
    assert polars == {
        "topic": "Packages it needs",
        "name": "polars",
        "state": "works",
        "found": metadata.version("polars"),
        "hint": None,
    }


def test_what_is_broken_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "TOPICS", {"Fate": lambda: [Finding("luck", State.BROKEN, "none\x1b", "try again")]})
    assert cli.run(["doctor"]) == command.BROKEN
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1] == "Something that heapdelta needs does not work: luck"
    assert r"none\x1b" in shown
    assert cli.run(["doctor", "--json"]) == command.BROKEN
    assert json.loads(capsys.readouterr().out)["works"] is False


def test_output_without_json_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "-o", "x.json"]) == cli.USAGE
    assert "expected --output with --json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "written"),
    [
        (r"C:\Python\python.exe", r"C:\Python\python.exe"),
        (r"C:\R&D\python.exe", r'"C:\R&D\python.exe"'),
        ("/opt/two words/python", '"/opt/two words/python"'),
    ],
)
def test_the_program_of_a_hint_is_quoted_where_a_shell_needs_it(
    place: str, written: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", place)
    with pytest.raises(SystemExit):
        heapdelta_command._leave_unable(ImportError("no polars"))
    assert f"hint: {written} -m pip install" in capsys.readouterr().err


def test_heapdelta_that_cannot_be_loaded_says_so_in_two_lines() -> None:
    done = heapdelta("doctor", code="import sys; sys.modules['polars'] = None")
    assert (done.returncode, done.stdout) == (cli.DEFECT, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: heapdelta cannot be loaded: import of polars halted")
    assert hint.endswith("-m pip install --force-reinstall heapdelta")
