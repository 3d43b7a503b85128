"""Symbols in the shell: `heapdelta symbols`, and `--symbols` on the commands that read."""

from __future__ import annotations

import json
from pathlib import Path

import programs
import pytest
from heapdelta import cli
from small_dump import Module, SmallDump

IDENTITY = programs.expected("x64")["id"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two logs that name their build, one that does not, and symbols in a store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    text = programs.log("x64", symbol_file=rf"d:\s\server.pdb\{IDENTITY}\server.pdb")
    Path("before.txt").write_bytes(text)
    Path("after.txt").write_bytes(text.replace(b"\n10 bytes + 18", b"\n100010 bytes + 18"))
    Path("plain.txt").write_bytes(programs.log("x64"))
    programs.stored(Path("store"), "x64")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = cli.OK) -> tuple[str, str]:
    assert cli.run(list(arguments)) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def test_the_table_says_which_file_names_what(capsys: pytest.CaptureFixture[str]) -> None:
    shown, _ = run(capsys, "symbols", "before.txt", "--symbols", "store")
    words = " ".join(shown.split())
    count = len(programs.expected("x64")["returns"])
    assert f"{count} {count} server id_from_log {Path('store/server.pdb', IDENTITY, 'server.pdb')}" in words
    assert "--missing" not in shown
    rows = json.loads(run(capsys, "symbols", "before.txt", "--symbols", "store", "--json")[0])["symbols"]
    assert (rows[0]["match"], rows[0]["base"]) == ("id_from_log", f"0x{programs.base_of('x64'):X}")
    table = run(capsys, "symbols", "before.txt", "--symbols", "store", "--csv")[0]
    assert table.splitlines()[0].startswith("module,base,debug_file,wanted_id,found_path,found_id,match")


def test_paths_stay_whole_in_a_narrow_console(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(Path("store/server.pdb", IDENTITY, "server.pdb"))
    monkeypatch.setenv("COLUMNS", "80")
    shown, _ = run(capsys, "symbols", "before.txt", "--symbols", "store")
    assert "file or reason" not in shown
    assert shown.splitlines()[-3:] == ["Files and reasons", f"- server: {path}", ""]
    monkeypatch.setenv("COLUMNS", "120")
    shown, _ = run(capsys, "symbols", "before.txt", "--symbols", "store")
    assert f"id_from_log   {path}" in shown
    assert "Files and reasons" not in shown


def test_what_is_lacking_is_a_list_for_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "symbols", "before.txt", "--missing") == (f"server.pdb/{IDENTITY}/server.pdb\n", "")
    assert run(capsys, "symbols", "before.txt", "--missing", "--symbols", "store") == ("", "")
    listed, said = run(capsys, "symbols", "plain.txt", "--missing")
    assert (listed, said) == ("", "1 module whose build the file does not tell: server\n")
    run(capsys, "symbols", "before.txt", "--missing", "-o", "needed.txt")
    assert Path("needed.txt").read_text(encoding="utf-8") == f"server.pdb/{IDENTITY}/server.pdb\n"


def test_a_name_alone_is_taken_only_if_one_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    shown, _ = run(capsys, "symbols", "plain.txt", "--symbols", "store")
    assert "nothing but name and size shows that it is of this build" in " ".join(shown.split())
    assert "--missing lists what a symbol server would be asked for" in shown
    ranked, _ = run(capsys, "summary", "plain.txt", "--symbols", "store", "--symbols-by-name", "--by", "function")
    assert "server!shop::unrolled" in ranked
    assert "they may be wrong" in ranked


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "before.txt", "after.txt", "--by", "function"),
        ("diff", "before.txt", "after.txt", "--by", "function", "--json"),
        ("diff", "before.txt", "after.txt", "--by", "function", "--csv"),
        ("summary", "after.txt", "--by", "function"),
        ("series", "before.txt", "after.txt", "--order", "given", "--by", "function"),
        ("umdh", "before.txt", "after.txt"),
    ],
)
def test_every_command_takes_symbols(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert "shop::Basket::add" not in run(capsys, *arguments)[0]
    assert "shop::Basket::add" in run(capsys, *arguments, "--symbols", "store")[0]


def test_a_check_knows_functions(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["check", "before.txt", "after.txt", "--by", "function", "--max-growth-each", "1KiB"]
    shown, _ = run(capsys, *given, "--symbols", "store", code=cli.EXCEEDED)
    assert "server!shop::Basket::add" in shown


def test_two_builds_match_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    identity = programs.expected("rebuilt")["id"]
    text = programs.log("rebuilt", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb")
    Path("rebuilt.txt").write_bytes(text)
    programs.stored(Path("store"), "rebuilt")
    given = ["diff", "before.txt", "rebuilt.txt", "--symbols", "store", "--match", "name", "--json"]
    written = json.loads(run(capsys, *given)[0])
    assert "stacks are matched by the names of their functions" in written["notes"][0]


def test_what_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for given, words in (
        (["symbols", "before.txt"], "expected --symbols with a place to search, found none"),
        (["symbols", "before.txt", "--symbols", "gone"], "expected a folder or file of symbols, found nothing there"),
        (["symbols", "before.txt", "--missing", "--json"], "expected --missing with --output at most"),
        (["summary", "before.txt", "--symbols-by-name"], "expected --symbols with --symbols-by-name, found none"),
    ):
        assert words in run(capsys, *given, code=cli.USAGE)[1]
    Path("a.dmp").write_bytes(SmallDump(pid=1).write())
    given = ["diff", "a.dmp", "a.dmp", "--match", "name"]
    assert "expected" in run(capsys, *given, code=cli.USAGE)[1]


def test_a_comparison_has_no_builds(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cmp.txt").write_text(run(capsys, "umdh", "before.txt", "after.txt")[0], encoding="utf-8")
    said = run(capsys, "summary", "cmp.txt", "--radix", "16", "--symbols", "store", code=cli.USAGE)[1]
    assert "expected --symbols with a log or a dump, found a comparison" in said


def test_the_threads_of_a_dump_have_names(capsys: pytest.CaptureFixture[str]) -> None:
    expected = programs.expected("x64")
    server = Module(programs.base_of("x64"), expected["size"], "C:\\shop\\server.exe", expected["timestamp"])
    start = server.base + expected["returns"][-1][0] - 30
    Path("a.dmp").write_bytes(SmallDump(pid=1, modules=[server], starts=[start, start, 0x10]).write())
    programs.put(Path("store"), "x64/server.exe")
    assert "image" in run(capsys, "symbols", "a.dmp", "--symbols", "store")[0]
    assert "Places in code" not in run(capsys, "summary", "a.dmp")[0]
    shown = " ".join(run(capsys, "summary", "a.dmp", "--symbols", "store")[0].split())
    assert "2 thread start server!mainCRTStartup+0x0 server.cpp:" in shown
    assert "1 thread start 10" in shown


def test_a_dump_of_the_process_tells_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    """The log tells no build, and has too few addresses in the image to prove it."""
    head = b"// UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - Machine=A - PID=7\n"
    places = [row[0] for row in programs.expected("x64")["returns"]][:3]
    few = programs.log("x64", places=places)
    Path("few.txt").write_bytes(head + few)
    Path("more.txt").write_bytes(
        head.replace(b"12:09", b"12:10") + few.replace(b"\n10 bytes + 18", b"\n100010 bytes + 18")
    )
    Path("other.txt").write_bytes(head.replace(b"PID=7", b"PID=9").replace(b"12:09", b"12:11") + few)
    expected = programs.expected("x64")
    server = Module(programs.base_of("x64"), expected["size"], "C:\\shop\\server.exe", expected["timestamp"])
    Path("a.dmp").write_bytes(SmallDump(pid=7, modules=[server]).write())
    Path("stranger.dmp").write_bytes(SmallDump(pid=1).write())
    programs.put(Path("files"), "x64/server.exe", "x64/server.pdb")
    symbols = ["--symbols", "files"]
    shown = run(capsys, "symbols", "few.txt", *symbols, "--json")[0]
    assert [row["match"] for row in json.loads(shown)["symbols"]] == ["none"]
    dumps = ["--modules", "stranger.dmp", "--modules", "a.dmp"]
    shown = run(capsys, "symbols", "few.txt", *symbols, *dumps, "--json")[0]
    assert [row["match"] for row in json.loads(shown)["symbols"]] == ["image"]
    name = programs.bare(expected["returns"][0][-1][0])
    for command in (["diff", "few.txt", "more.txt", "--by", "function"], ["umdh", "few.txt", "more.txt"]):
        assert name in run(capsys, *command, *symbols, *dumps)[0]
    assert name in run(capsys, "summary", "few.txt", "--by", "function", *symbols, *dumps)[0]
    out, err = run(
        capsys, "series", "few.txt", "more.txt", "other.txt", "--runs", "all", "--by", "function", *symbols, *dumps
    )
    print(out)
    assert name in "".join(out.split())
    assert "no dump of --modules is of the process of 1 log" in err
    _, err = run(capsys, "summary", "other.txt", *dumps, code=cli.USAGE)
    assert "the process ids differ" in err
    _, err = run(capsys, "summary", "a.dmp", *dumps, code=cli.USAGE)
    assert "expected --modules with a heap log, found a dump" in err


def test_two_dumps_say_that_they_have_no_addresses_to_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        Path(f"{name}.dmp").write_bytes(SmallDump(pid=1).write())
    _, err = run(capsys, "diff", "a.dmp", "b.dmp", "--symbols", "store")
    assert "summary DUMP --symbols PATH names those of one" in err
