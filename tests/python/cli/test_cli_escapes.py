"""No name steers a terminal, hides in a table, becomes markup of a page or a formula of a spreadsheet."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import cli
from heapdelta._safe_text import visible, visible_lines
from heapdelta.cli import _bar, _machine
from heapdelta.cli.check import markdown
from hostile import MAIN
from markdown_it import MarkdownIt

CONTROLS = [*map(chr, [*range(0x20), *range(0x7F, 0xA0)])]
BIDI = [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"]
INVISIBLE = [*"\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u2029\u2062\u3164\ufffe\uffff\U000e0041"]
UNSAFE = re.compile(f"[{re.escape(''.join({*CONTROLS, *BIDI, *INVISIBLE} - {chr(10)}))}\ud800-\udfff]")

# A log of resolved frames: whatever is in a line is the name of a function.
TEMPLATE = """\
// UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:00 - Machine=H - PID=7
// Loaded modules:
//     Base Size Module
//            10000000    10000 C:\\W\\{module}.dll
//
*- - - - - - - - - - Start of data for heap @ 2C0000 - - - - - - - - - -
{size:X} bytes + 1C at 2E90000 by BackTrace100
\t10000100

10 bytes + 1C at 2E91000 by BackTrace200
\t{module}!{function}+0x10

*- - - - - - - - - - End of data for heap @ 2C0000 - - - - - - - - - -
"""


def logs(folder: Path, module: str, function: str = "f") -> list[str]:
    paths = [folder / "before.txt", folder / "after.txt"]
    for size, path in zip((0x1000, 0x2000), paths, strict=True):
        text = TEMPLATE.format(module=module, function=function, size=size)
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    return [str(path) for path in paths]


def safe_names() -> list[str]:
    """One character each that may be in a line of a log."""
    return [each for each in [*CONTROLS, *BIDI, *INVISIBLE] if each not in "\n\r\0\t\x0b\x0c\x1a\x85\u2028\u2029\ufeff"]


def test_everything_that_is_not_to_be_seen_is_written_out() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        shown = visible(f"a{character}b")
        if hidden:
            assert shown == "a" + character.encode("ascii", "backslashreplace").decode() + "b" or code < 0x80
        assert UNSAFE.search(shown.replace("\n", "\x00")) is None, hex(code)
        if character.isalnum() and character.isascii():
            assert shown == f"a{character}b"
    assert visible("a\x1b]0;x\x07\u202e\n\U000e0041\udcff") == r"a\x1b]0;x\x07\u202e\x0a\U000e0041\udcff"
    assert visible_lines("a\tb\r\nc\rd\n\x85") == "a\tb\r\nc\\x0dd\n\\x85"
    assert visible("C:\\W\\größe−№日本語🙂.dll") == "C:\\W\\größe−№日本語🙂.dll"


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff"],
        ["diff", "--by", "function"],
        ["diff", "--by", "trace"],
        ["tree"],
        ["tree", "--inward", "--keep-allocators"],
        ["series", "--by", "function"],
        ["check", "--max-growth", "1", "--by", "function", "--max-growth-each", "1"],
        ["summary"],
    ],
    ids=" ".join,
)
def test_tables_show_names_written_out(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    everything = "".join(safe_names())
    paths = logs(tmp_path, f"m{everything}", f"f{everything}")
    command, *options = arguments
    cli.run([command, *(paths[:1] if command == "summary" else paths), *options])
    shown = capsys.readouterr()
    for text in shown:
        assert UNSAFE.search(text) is None
    for written in (r"\x1b", r"\x9b", r"\u202e", r"\u200b", r"\u061c", r"\x07"):
        assert written in shown.out


def test_columns_are_as_wide_as_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    cli.run(["diff", "--by", "module", *logs(tmp_path, "m\u202e\u200b" * 30)])
    table = capsys.readouterr().out.partition("Growth per module")[2]
    assert max(map(len, table.splitlines())) <= 100
    assert "".join(table.split()).count(r"\u202e\u200b") == 30


NAMES = ["a\x1b]0;owned\x07b", "a\u202eb", "a\nb", "a\x9b31mb", "a\udcff\udc9bb"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_files_are_written_out(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    paths = logs(tmp_path, "m")
    try:
        (folder / f"{name}.txt").write_bytes(Path(paths[0]).read_bytes())
        (folder / f"{name}2.txt").write_bytes(Path(paths[1]).read_bytes())
        (folder / f"{name}.bad").write_bytes(b"no log")
    except (OSError, UnicodeEncodeError):
        pytest.skip("the file system has no such names")
    first = str(folder / f"{name}.txt")
    for arguments in (
        ["summary", first],
        ["summary", str(folder / f"{name}.bad")],
        ["summary", f"{first}/no"],
        ["diff", first, str(folder / f"{name}2.txt")],
        ["diff", first, first, "--chart", f"{first}.gif"],
        ["diff", first, first, "--parquet", first],
        ["diff", first, first, "--parquet", f"no/{name}"],
        ["diff", first, first, "--by", name],
        ["diff", first, first, f"--{name}"],
        ["diff", first],
        [name],
        ["series", str(folder)],
        ["series", str(folder), "--csv"],
        ["series", str(folder), "--json"],
        ["check", first, first, "--max-growth", name],
        ["check", first, first, "--max-growth", "1", "--markdown", "-"],
        ["check", first, first, "--max-growth", "1", "--allocators", name],
    ):
        cli.run(arguments)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        for text in (shown.err,) if "--csv" in arguments else shown:
            assert UNSAFE.search(text) is None, arguments


def test_bar_shows_names_written_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(_bar, "_PATIENCE_SECONDS", 0.0)
    bar = _bar.Bar("a\x1b]0;owned\x07\u202eb")
    bar(1, 2)
    bar.close()
    assert r"a\x1b]0;owned\x07\u202eb" in capsys.readouterr().err


ON_A_TERMINAL = pytest.mark.skipif(not hasattr(os, "openpty"), reason="terminals of POSIX")


def on_a_terminal(*arguments: str) -> str:
    """Run a command whose standard output and standard error are a terminal; give what it shows."""
    ours, theirs = os.openpty()
    environment = os.environ | {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "400"}
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        running.wait(timeout=60)
    os.close(ours)
    return shown.decode()


HOSTILE = "a\x1b]0;owned\x07\x9b31m\u202e\u200bb\x7f"
MACHINE = [
    ["diff", "--csv", "--by", "function"],
    ["diff", "--csv-raw", "--by", "function"],
    ["diff", "--json", "--by", "function"],
    ["tree", "--csv"],
    ["tree", "--json"],
    ["umdh"],
    ["dhcmp", "-v"],
    ["check", "--max-growth", "1", "--by", "function", "--markdown", "-"],
    ["check", "--max-growth", "1", "--by", "function", "--junit", "-"],
    ["series", "--csv", "--by", "function"],
]


@ON_A_TERMINAL
@pytest.mark.parametrize("arguments", MACHINE, ids=" ".join)
def test_machine_output_is_written_out_on_a_terminal_alone(
    arguments: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    command, *options = arguments
    paths = logs(tmp_path, HOSTILE, HOSTILE)
    shown = on_a_terminal(command, *paths, *options)
    assert UNSAFE.search(shown.replace("\r\n", "\n").replace("\t", " ")) is None
    # JSON has a way of its own to write them out.
    assert "a\\x1b]0;owned\\x07\\x9b31m\\u202e\\u200bb\\x7f" in shown.replace("\\u00", "\\x")
    cli.run([command, *paths, *options])
    raw = capfdbinary.readouterr().out.decode()
    if command in ("umdh", "dhcmp") or "--csv" in options or "--csv-raw" in options:
        assert HOSTILE in raw
    if "--json" in options:
        assert any(HOSTILE in str(row["function"]) for row in json.loads(raw)["rows"])
    if "--junit" in options:
        ElementTree.fromstring(raw)


@ON_A_TERMINAL
def test_case_of_umdh_is_shown_written_out(tmp_path: Path) -> None:
    shown = on_a_terminal("umdh", *logs(tmp_path, "a\x1b]0;pwned\x07b"))
    assert "a\\x1b]0;pwned\\x07b" in shown
    assert "\x1b" not in shown


def test_defect_of_ours_is_reported_without_obeying_the_file(tmp_path: Path) -> None:
    code = (
        "import heapdelta.cli\ndef broken(*_, **__):\n    raise ZeroDivisionError('a\\x1b]0;owned\\x07b')\n"
        f"heapdelta.cli.run = broken\n{MAIN}"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == cli.DEFECT
    assert b"ZeroDivisionError: a\\x1b]0;owned\\x07b" in done.stderr
    assert b"\x1b" not in done.stderr


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tplain",
    " =1",
    "  +1",
    "\u00a0=1",
    "'=1",
    '"=1',
    "＝1",
    "＋1",
    "－1",
    "＠1",
    "\u200b=1",
    "\ufeff=cmd|'/c calc'!A0",
    "−1",
]
HARMLESS = ["a=1", "", "app!f", "1-1", "operator==", "C:\\a-b", "'quoted'", "~A", "`anonymous namespace'::f"]


def test_text_that_a_spreadsheet_would_run_stands_behind_a_quote() -> None:
    table = pl.DataFrame({"n": [-1] * (len(FORMULAS) + len(HARMLESS)), "text": [*FORMULAS, *HARMLESS]})
    told = pl.read_csv(io.StringIO(_machine.csv(table, raw=False)), schema=table.schema).fill_null("")
    assert told["text"].to_list() == [*(f"'{text}" for text in FORMULAS), *HARMLESS]
    assert told["n"].to_list() == table["n"].to_list()
    assert _machine.csv(table, raw=True) == table.write_csv()
    assert _machine.csv(table.select("n"), raw=False) == table.select("n").write_csv()


@pytest.mark.parametrize("command", ["diff", "series"])
def test_formulas_in_a_log_are_told_unless_asked_for_as_they_are(
    command: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    paths = logs(tmp_path, "=cmd+calc", "=HYPERLINK(1)")
    cli.run([command, *paths, "--by", "module", "--csv"])
    told = capfdbinary.readouterr().out.decode()
    cli.run([command, *paths, "--by", "module", "--csv-raw"])
    raw = capfdbinary.readouterr().out.decode()
    assert "'=cmd+calc" in told
    assert "=cmd+calc" in raw
    assert "'=cmd" not in raw
    assert told.replace("'=cmd", "=cmd") == raw


def render(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


MARKUP = [
    "<img src=x onerror=alert(1)>",
    "![x](http://evil/x.png)",
    "[x](http://evil)",
    "a|b|c",
    "a\\|b",
    "a\\\\|b",
    "``` `` `",
    "@everyone",
    "#17",
    "http://evil/x",
    "www.evil.example",
    "a\u2028b",
    "</details>",
    "--> <!--",
    "&lt;b&gt;",
    "a\x0bb",
    "# heading",
]


@pytest.mark.parametrize("name", MARKUP, ids=ascii)
def test_names_are_no_markup_of_the_report(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = logs(tmp_path, "m", name)
    arguments = ["check", *paths, "--by", "function", "--max-growth-each", "1", "--max-growth-of", f"{name}=1"]
    if "!" in name:
        arguments[-1] = "@all*=1"
    code = cli.run([*arguments, "--markdown", "-"])
    text = capfd.readouterr().out
    assert code == cli.EXCEEDED or "heap" not in text
    page = render(text)
    outside = re.sub(r"<code.*?</code>", "", page, flags=re.DOTALL)
    for wrong in ("<img", "<a ", "@", "#17", "http", "www."):
        assert wrong not in outside, wrong
    assert page.count("<details>") == page.count("</details>")
    for row in re.findall(r"<tr>(.*?)</tr>", page, flags=re.DOTALL):
        assert len(re.findall("<t[hd]", row)) in (3, 4)


def test_cells_with_a_bar_are_one_cell_however_the_backslash_is_read() -> None:
    for name in ("a|b", "a\\|b", "a\\\\|b", "|", "\\|"):
        cell = markdown._cell(name)
        assert re.search(r"\\\\\|", cell) is None
        assert re.search(r"(?<!\\)\|", cell) is None


def test_report_for_a_server_holds_any_name(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for name in ["".join(safe_names()), "]]>", "<x/>", "&amp;", "\ufffe\uffff", "a\x85b"]:
        paths = logs(tmp_path, "m", name)
        cli.run(["check", *paths, "--by", "function", "--max-growth-each", "1", "--junit", "-"])
        ElementTree.fromstring(capfdbinary.readouterr().out)


@pytest.mark.skipif(os.name == "nt", reason="names of files as POSIX allows them")
def test_reprs_of_results_are_one_safe_line(tmp_path: Path) -> None:
    path = Path(logs(tmp_path, "m")[0])
    hostile = path.rename(tmp_path / "a\x1b]0;owned\x07b.txt")
    for found in (hd.read(hostile), hd.diff(hd.read(hostile), hd.read(hostile)), hd.group([hd.read(hostile)])):
        assert UNSAFE.search(repr(found)) is None
