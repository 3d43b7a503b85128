"""Patterns and folders: each real folder is looked at once, and what cannot be read is told."""

from __future__ import annotations

import glob
import os
import random
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta._read.pattern import UnreadableFolder, matching_files
from heapdelta.exceptions import PermissionDeniedError
from hostile import linked, nobody, two_logs


def tree(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("x", encoding="utf-8")


@pytest.mark.parametrize(
    "pattern",
    [
        "*.txt",
        "**",
        "**/*",
        "**/*.txt",
        "a/**/*.txt",
        "**/b/*.txt",
        "**/b/**/*.txt",
        "*/*.txt",
        "./*/?.txt",
        "[ab]/x.txt",
        "a/**/y.txt",
        "**/.h*",
        ".*/**/*.txt",
        "a/../a/*.txt",
        "none/*.txt",
        "x.txt/*",
        "{}/**/*.txt",
        "**/*[[]1].txt",
    ],
)
def test_patterns_mean_what_they_mean_to_python(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree(
        tmp_path,
        *("x.txt", "y.log", ".hidden.txt", "a/x.txt", "a/y.txt", "a/b/x.txt", "a/b/c/y.txt", "b/z.txt", "b/b/w.txt"),
        *(".hid/x.txt", "a/.hid/x.txt", "a/log[1].txt", "c.txt/inner.txt"),
    )
    pattern = pattern.replace("{}", str(tmp_path))
    expected = {os.path.normpath(path) for path in glob.glob(pattern, recursive=True) if Path(path).is_file()}  # noqa: PTH207
    found = matching_files(pattern)
    assert {os.path.normpath(path) for path in found} == expected
    assert len(found) == len(set(found))


def test_trees_at_random_are_searched_as_python_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(14)
    names = ["a", "b", ".c", "d.txt", "e.txt"]
    for number in range(30):
        root = tmp_path / str(number)
        for _ in range(12):
            parts = [chance.choice(names[:3]) for _ in range(chance.randrange(4))]
            tree(root, "/".join([*parts, chance.choice(["f.txt", "g.txt", ".h.txt"])]))
        monkeypatch.chdir(root)
        for _ in range(20):
            choices = ["**", "*", "a", "?", ".*", "[ab]"]
            pattern = "/".join([*(chance.choice(choices) for _ in range(chance.randrange(4))), "*.txt"])
            expected = {path for path in glob.glob(pattern, recursive=True) if Path(path).is_file()}  # noqa: PTH207
            assert set(matching_files(pattern)) == expected, pattern


@pytest.mark.timeout(60)
def test_links_to_folders_above_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree(tmp_path, "logs/x.txt", "logs/a/y.txt", "logs/a/b/z.txt", "logs/a/b/c/w.txt")
    for number, place in enumerate(["logs", "logs/a", "logs/a/b", "logs/a/b/c"]):
        for link in range(5):
            linked(Path(place, f"0{number}{link}"), tmp_path / "logs")
        linked(Path(place, "self"), ".")
        linked(Path(place, "loop"), "loop")
    found = matching_files("logs/**/*.txt")
    assert sorted(found) == ["logs/a/b/c/w.txt", "logs/a/b/z.txt", "logs/a/y.txt", "logs/x.txt"], "by their real paths"
    assert len(matching_files("**")) == 4
    assert len(matching_files("logs/**/**/*.txt")) == 4


def test_folder_behind_a_link_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree(tmp_path, "elsewhere/deep/x.txt")
    Path("logs").mkdir()
    linked(Path("logs/one"), "../elsewhere")
    linked(Path("logs/two"), "../elsewhere")
    assert matching_files("logs/**/*.txt") == ["logs/one/deep/x.txt"]
    assert sorted(matching_files("logs/*/deep/*.txt")) == ["logs/one/deep/x.txt", "logs/two/deep/x.txt"]


def test_a_large_folder_is_listed_in_no_time(tmp_path: Path) -> None:
    for number in range(5000):
        (tmp_path / f"log{number}.txt").touch()
    assert len(matching_files(f"{tmp_path}/**/*.txt")) == 5000


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two logs, and beside them a folder that nobody else may read."""
    if os.name == "nt":
        pytest.skip("users and modes of POSIX")
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "x.txt").write_text("x", encoding="utf-8")
    secret.chmod(0o700 if os.geteuid() == 0 else 0o000)
    return secret


def test_folder_that_cannot_be_read_is_told(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert locked.exists()
    with nobody():
        with pytest.raises(PermissionDeniedError, match=r"secret: cannot read: Permission denied"):
            hd.read_many("secret")
        assert cli.run(["series", "secret"]) == cli.UNREADABLE
    assert capsys.readouterr().err == "error: secret: cannot read: Permission denied\n"


def test_folder_inside_a_pattern_that_cannot_be_read_is_a_failure(
    locked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert locked.exists()
    with nobody():
        batch, below = hd.read_many("**/*.txt"), hd.read_many(".")
        assert cli.run(["series", "**/*.txt", "--csv"]) == cli.OK
        (folder,) = (each for each in matching_files("secret/*") if isinstance(each, UnreadableFolder))
    assert len(batch) == len(below) == 2
    assert below.failures.equals(batch.failures)
    assert batch.failures.select("path", "kind", "message").rows() == [
        ("secret", "io", "secret: cannot read: Permission denied")
    ]
    assert "error: secret: cannot read: Permission denied" in capsys.readouterr().err
    assert folder == "secret"
