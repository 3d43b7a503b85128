"""`encoding=`: what the caller says of a log's code page, by any name of Python's."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import heapdelta as hd
import pytest
from heapdelta import _native, cli
from heapdelta.exceptions import FormatError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=PC - PID=7
// Loaded modules:
//            77650000   180000 D:\\{name}\\{name}.exe
*- - - - - - - - - - Start of data for heap @ 2E60000 - - - - - - - - - -
40 bytes + 18 at 2E9FB00 by BackTrace7
\t77651234

*- - - - - - - - - - End of data for heap @ 2E60000 - - - - - - - - - -
"""

NAMES = {
    "cp932": "予定表",
    "gbk": "管理",
    "cp949": "한국어",
    "cp950": "許功蓋",
    "euc_jp": "予定表",
    "cp1250": "Žluťoučký",
    "cp1251": "Программы",
    "cp1253": "Ελλάδα",
    "cp1254": "Şişli",
    "cp1255": "עברית",
    "cp1256": "عربي",
    "cp1257": "Žąsis",
    "cp1258": "Đà",
    "cp874": "ไทย",
    "cp866": "Программы",
    "cp850": "Größe",
    "cp852": "Žluťoučký",
    "cp437": "Größe",
    "koi8-r": "Программы",
    "iso8859-2": "Žluťoučký",
    "utf-8": "予定表",
    "utf-16-le": "予定表",
    "utf-32-be": "予定表",
}

PAGES = [437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 865, 869]


@pytest.mark.parametrize("encoding", NAMES)
def test_names_are_read_in_the_code_page_that_the_caller_names(encoding: str) -> None:
    name = NAMES[encoding]
    content = TEXT.format(name=name).encode(encoding)
    snapshot = hd.read(content, encoding=encoding)
    assert isinstance(snapshot, hd.Snapshot)
    assert snapshot.modules["path"].to_list() == [f"D:\\{name}\\{name}.exe"]
    assert snapshot.modules["name"].to_list() == [name]
    assert snapshot.frames["module"].to_list() == [name]
    assert snapshot.issues.is_empty()
    # Python knows the name, and reads the same.
    assert content.decode(snapshot.encoding) == TEXT.format(name=name)
    assert hd.read(content, encoding=snapshot.encoding).encoding == snapshot.encoding


def test_any_alias_of_python_will_do() -> None:
    content = TEXT.format(name="予定表").encode("cp932")
    for alias in ("932", "CP932", "ms932", "mskanji", "ms_kanji", "shift_jis", "sjis", "windows-31j"):
        assert hd.read(content, encoding=alias).modules["name"].to_list() == ["予定表"], alias
    for alias, known in (("latin-1", "windows-1252"), ("uhc", "cp949"), ("ms950", "cp950"), ("950", "cp950")):
        assert _native.encoding_name(codecs.lookup(alias).name) == known


@pytest.mark.parametrize("page", PAGES)
def test_code_pages_of_dos_are_those_of_python(page: int) -> None:
    characters = bytes(range(0x80, 0x100)).decode(f"cp{page}", "replace")
    text = b"".join(b"// %c\n" % byte for byte in range(0x80, 0x100)) + TEXT.format(name="a").encode()
    snapshot = hd.read(text, encoding=f"cp{page}")
    assert isinstance(snapshot, hd.Snapshot)
    lines = [line.rstrip() for line in snapshot.sections["text"].head(128)]
    # A no-break space is a blank like any other, and a soft hyphen is nothing.
    expected = [f"// {character}".replace("\xa0", " ").replace("\xad", "").rstrip() for character in characters]
    assert lines == expected


@pytest.mark.parametrize("encoding", ["klingon", "", "base64", "mbcs", "x-user-defined", "cp424", "a\0b", "é", "1"])
def test_unknown_names_are_an_option_out_of_range(encoding: str) -> None:
    with pytest.raises(OptionError, match="expected a code page such as cp932"):
        hd.read(b"", encoding=encoding)
    with pytest.raises(OptionError, match="expected a code page such as cp932"):
        hd.read_many([b""], encoding=encoding)
    with pytest.raises(TypeError, match="expected the name of an encoding, found int"):
        hd.read(b"", encoding=932)  # type: ignore[arg-type]


def test_many_logs_take_one_encoding_and_those_that_prove_their_own_keep_it(tmp_path: Path) -> None:
    text = TEXT.format(name="予定表")
    for number, encoding in enumerate(["cp932", "utf-16", "utf-8-sig", "cp932"]):
        (tmp_path / f"{number}.txt").write_bytes(text.encode(encoding))
    batch = hd.read_many(tmp_path, encoding="cp932")
    assert [snapshot.encoding for snapshot in batch] == ["cp932", "utf-16-le", "utf-8-sig", "cp932"]
    assert [snapshot.modules["name"].to_list() for snapshot in batch] == [["予定表"]] * 4
    alone = hd.read_many([text.encode("cp932")], encoding="cp932")
    assert alone.snapshots[0].modules["name"].to_list() == ["予定表"]


def test_without_a_word_the_doubt_is_told() -> None:
    snapshot = hd.read(TEXT.format(name="予定表").encode("cp932"))
    assert snapshot.encoding == "windows-1252"
    (issue,) = snapshot.issues.iter_rows(named=True)
    assert (issue["kind"], issue["severity"]) == ("assumed_code_page", "info")
    assert "encoding=" in issue["action"]
    assert isinstance(snapshot, hd.Snapshot)
    assert snapshot.modules["name"].item() not in ("", ".exe")
    assert hd.read(TEXT.format(name="Größe").encode("cp1252"), encoding="cp1252").issues.is_empty()


def test_every_command_that_reads_logs_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = [tmp_path / name for name in ("1.txt", "2.txt")]
    for size, log in zip((40, 80), logs, strict=True):
        log.write_bytes(TEXT.format(name="予定表").replace("40 bytes", f"{size} bytes").encode("cp932"))
    before, after = map(str, logs)
    for arguments in (
        ["summary", before],
        ["diff", before, after],
        ["check", before, after, "--max-growth", "1MB"],
        ["series", before, after],
        ["dhcmp", before, after, "-v"],
        ["umdh", before, after],
    ):
        assert cli.run([*arguments, "--encoding", "cp932"]) == cli.OK, arguments
        shown = capsys.readouterr()
        assert "予定表" in shown.out or arguments[0] == "check", arguments
        assert "assumed_code_page" not in shown.out + shown.err, arguments
        assert cli.run([*arguments, "--encoding", "klingon"]) == cli.USAGE, arguments
        assert "expected a code page such as cp932" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-16le", "utf-16be", "utf-16", "utf-32", "1200"])
@pytest.mark.parametrize("source", ["path", "bytes"])
def test_a_wide_encoding_of_narrow_text_is_called_wrong(encoding: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(
        "*- - - - Start of data for heap @ 10000 - - - -\n40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n"
    )
    with pytest.raises(FormatError) as refused:
        hd.read(path if source == "path" else path.read_bytes(), encoding=encoding)
    assert "as the encoding that was given says, found text without a single zero byte" in refused.value.message
    assert refused.value.message.isascii()
    assert (refused.value.kind, refused.value.path) == ("not_a_log", str(path) if source == "path" else None)
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("give no encoding")
    failures = hd.read_many([path, path], encoding=encoding).failures
    assert failures["message"].str.contains("without a single zero byte", literal=True).to_list() == [True, True]


def test_what_is_no_log_in_any_encoding_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("Dear customer, please send a log.\n".encode("utf-16-le"))
    with pytest.raises(FormatError, match='found text that starts with "Dear customer'):
        hd.read(path, encoding="utf-16le")
    with pytest.raises(FormatError, match="expected a heap log"):
        hd.read(b"Dear customer, please send a log.\n", encoding="cp932")
