"""What Windows does otherwise: simulated where the system is another, and as it is where it is Windows."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import _shell, _whole_file, cli, testing
from heapdelta._long_path import for_system
from heapdelta._picture import refuse_other
from heapdelta._shell import pasted
from heapdelta.dataset._commit import put_part
from heapdelta.dataset._store import Folder
from heapdelta.exceptions import ClosedError, OptionError, PermissionDeniedError, WriteError
from small_hogs import hogs
from small_log import APP_FRAME, NTDLL_FRAME, Log

MAIN = "from heapdelta_command import main; main()"
# So Windows tells of a pipe that nobody reads any more.
CLOSED_PIPE = """
import errno, os
write = os.write
def of_windows(descriptor, content):
    try:
        return write(descriptor, content)
    except BrokenPipeError:
        raise OSError(errno.EINVAL, "Invalid argument") from None
os.write = of_windows
"""
ON_WINDOWS = pytest.mark.skipif(os.name != "nt", reason="only Windows does this")
STACKS = {"1": ["ntdll!RtlAllocateHeap", "Prüfer中!grow"], "2": ["ntdll!RtlAllocateHeap", "shop!main"]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("before.txt").write_text(hogs({"1": 1_000, "2": 10}, STACKS), encoding="utf-8", newline="")
    Path("after.txt").write_text(hogs({"1": 9_000, "2": 20}, STACKS), encoding="utf-8", newline="")
    return tmp_path


def log(allocated: int, taken: str = "2012-04-30 12:09") -> str:
    stacks = {"11": [NTDLL_FRAME, APP_FRAME]}
    return Log([(0x10000, "11", allocated, 8)], stacks, taken=taken).text()


def command(*arguments: str, code: str = "", **options: object) -> subprocess.CompletedProcess[bytes]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
    line = [sys.executable, "-c", code + MAIN, *arguments]
    return subprocess.run(line, timeout=120, check=False, **streams)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["diff", "before.txt", "after.txt"], cli.OK),
        (["summary", "before.txt"], cli.OK),
        (["diff", "before.txt", "after.txt", "--csv"], cli.OK),
        (["umdh", "before.txt", "after.txt"], cli.OK),
        (["--help"], cli.OK),
        (["check", "before.txt", "after.txt", "--max-growth", "1"], cli.EXCEEDED),
        (["check", "before.txt", "after.txt", "--max-growth", "1GB"], cli.OK),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_closed_pipe_is_no_error_though_windows_calls_it_an_invalid_argument(arguments: list[str], code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = command(*arguments, code=CLOSED_PIPE, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.parametrize("form", [["--csv"], [], ["--json"]], ids=["csv", "table", "json"])
def test_text_in_a_pipe_is_utf_8_with_plain_line_ends_whatever_the_code_page(form: list[str]) -> None:
    narrow = {name: value for name, value in os.environ.items() if name not in ("PYTHONIOENCODING", "LANG", "LC_CTYPE")}
    narrow |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    done = command("diff", "before.txt", "after.txt", *form, env=narrow)
    assert done.returncode == cli.OK, done.stderr
    assert b"\r" not in done.stdout
    # JSON writes them as escapes.
    assert ("Prüfer中" in done.stdout.decode()) or (form == ["--json"] and b"Pr\\u00fcfer\\u4e2d" in done.stdout)


def test_encoding_that_was_asked_for_is_kept_for_people() -> None:
    done = command("diff", "before.txt", "after.txt", env=os.environ | {"PYTHONIOENCODING": "cp1252"})
    assert b"Pr\xfcfer\\u4e2d" in done.stdout


@pytest.mark.parametrize("to_file", [False, True], ids=["pipe", "file"])
def test_text_of_the_old_tools_has_the_line_ends_of_the_system(to_file: bool) -> None:
    Path("a.txt").write_text(log(100), encoding="utf-8", newline="")
    Path("b.txt").write_text(log(900, "2012-04-30 13:09"), encoding="utf-8", newline="")
    output = ["-o", "old.txt"] if to_file else []
    for code, ends in [("", os.linesep), ("import os; os.linesep = '\\r\\n'\n", "\r\n")]:
        for tool in ("umdh", "dhcmp"):
            done = command(tool, "a.txt", "b.txt", *output, code=code)
            text = Path("old.txt").read_bytes() if to_file else done.stdout
            assert done.returncode == cli.OK, done.stderr
            assert text.count(b"\n") == text.count(ends.encode()) > 0
            assert hd.read_comparison(text, radix=16).format in ("umdh-compare", "dhcmp")


def test_closed_dump_keeps_header_and_tables_and_lets_go_of_the_file() -> None:
    testing.write_dump("app.dmp", stack_count=100)
    with hd.read_dump("app.dmp") as dump:
        base = dump.memory["base"][0]
        view = dump.bytes_at(base, 2)
        named = dump.with_symbols(hd.symbols("."))
    assert (dump.modules.height, dump.handles.height > 0, named.addresses.height > 0) == (45, True, True)
    for each in (dump, named):
        with pytest.raises(ClosedError, match="expected an open dump, found one that was closed") as caught:
            each.bytes_at(base, 2)
        assert isinstance(caught.value, ValueError)
        assert caught.value.kind == "closed"
        assert "read the file again" in (caught.value.hint or "")
    dump.close()
    assert len(bytes(view)) == 2
    del view
    if sys.platform == "linux":
        assert "app.dmp" not in Path("/proc/self/maps").read_text(encoding="utf-8")
    _whole_file.write("app.dmp", b"new")
    Path("app.dmp").unlink()


@ON_WINDOWS
def test_dump_that_is_mapped_is_not_replaced_and_the_hint_says_so() -> None:
    testing.write_dump("app.dmp", stack_count=100)
    dump = hd.read_dump("app.dmp")
    with pytest.raises(WriteError) as caught:
        _whole_file.write("app.dmp", b"new")
    assert "open" in (caught.value.hint or "")
    dump.close()
    _whole_file.write("app.dmp", b"new")


@pytest.mark.parametrize(("number", "words"), [(32, "have it open"), (5, "have it open"), (1224, "Dump.close()")])
def test_error_of_a_file_that_is_open_elsewhere_has_a_hint(number: int, words: str) -> None:
    error = OSError(13, "Permission denied")
    error.winerror = number  # type: ignore[attr-defined]
    assert words in (WriteError.of("x.csv", error).hint or "")


def of_windows(number: int) -> OSError:
    error = PermissionError(13, "Access is denied")
    error.winerror = number  # type: ignore[attr-defined]
    return error


def test_file_that_a_scanner_looks_at_is_replaced_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    replace, refusals = Path.replace, [of_windows(5), of_windows(32)]

    def refused(self: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    _whole_file.write("x.csv", b"new")
    assert Path("x.csv").read_bytes() == b"new"
    assert not refusals
    assert [path.name for path in Path().iterdir() if path.suffix == ".part"] == []


def test_part_of_a_dataset_that_a_reader_has_open_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, rows = Folder(str(Path.cwd() / "cases")), pl.DataFrame({"capture": ["1"]})
    name = put_part(store, "usage", "0123", rows)

    def refused(_self: Path, _target: Path) -> Path:
        raise of_windows(32)

    monkeypatch.setattr(Path, "replace", refused)
    assert put_part(store, "usage", "0123", rows) == name
    with pytest.raises(WriteError):
        put_part(store, "usage", "0123", pl.DataFrame({"capture": ["2"]}))


def test_part_that_counts_no_more_stays_where_a_reader_has_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Folder(str(Path.cwd()))
    monkeypatch.setattr(Path, "unlink", lambda _self, **_: (_ for _ in ()).throw(of_windows(32)))
    store.discard("before.txt")
    with pytest.raises(WriteError):
        store.delete("before.txt")
    monkeypatch.setattr(Path, "unlink", lambda _self, **_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    with pytest.raises(WriteError):
        store.discard("before.txt")


@pytest.mark.parametrize(
    ("path", "given"),
    [
        (r"C:\logs\a.txt", r"C:\logs\a.txt"),
        ("C:\\" + "x" * 250, "\\\\?\\C:\\" + "x" * 250),
        ("C:/x/../" + "y" * 250, "\\\\?\\C:\\" + "y" * 250),
        ("\\\\server\\share\\" + "x" * 250, "\\\\?\\UNC\\server\\share\\" + "x" * 250),
        ("\\\\?\\C:\\" + "x" * 250, "\\\\?\\C:\\" + "x" * 250),
    ],
)
def test_long_paths_are_given_to_windows_in_the_form_without_a_limit(path: str, given: str) -> None:
    assert for_system(path, windows=True) == given
    assert for_system(path, windows=False) == path


def test_tree_of_long_paths_is_read_and_written(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(letter * 60 for letter in "abcde"))
    os.makedirs(for_system(deep))  # noqa: PTH103
    for index, name in enumerate(("one.txt", "two.txt")):
        Path(for_system(deep / name)).write_text(log(100 + index, f"2012-04-30 1{index}:09"), encoding="utf-8")
    assert len(hd.read_many(tmp_path / ("a" * 60))) == 2
    assert len(hd.read_many(f"{tmp_path}/*/*/*/*/*/t*.txt")) == 1
    assert hd.read(deep / "one.txt").byte_count > 0
    _whole_file.write(deep / "out.csv", "a\n")
    assert Path(for_system(deep / "out.csv")).read_text(encoding="utf-8") == "a\n"
    output = str(deep / "growth.csv")
    done = command("diff", str(deep / "one.txt"), str(deep / "two.txt"), "--csv", "-o", output)
    assert done.returncode == cli.OK, done.stderr
    assert Path(for_system(output)).stat().st_size > 10
    done = command("summary", str(deep / "one.txt"), "--json", "-o", str(deep / "one.txt"))
    assert b"output is the input" in done.stderr
    answer = hd.ingest(tmp_path / ("a" * 60), deep / "cases")
    assert answer.new_files == 4
    assert hd.open(deep / "cases").compact() is not None
    assert hd.ingest(deep / "one.txt", tmp_path / "other").new_files == 1
    assert hd.symbols(testing.write_symbols(deep / "symbols")).places
    assert command("demo", "--out", str(deep / "demo")).returncode == cli.OK
    Path(for_system(deep / "demo" / "before.txt")).write_text("mine", encoding="utf-8")
    done = command("demo", "--out", str(deep / "demo"))
    assert (done.returncode, b"found another" in done.stderr) == (cli.USAGE, True)
    done = command("export", str(deep / "one.txt"), "-o", str(deep / "one.folded"))
    assert done.returncode == cli.OK, done.stderr
    assert b"expected a command" in command(str(deep / "one.txt")).stderr
    Path(for_system(deep / "notes.svg")).write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match="found another"):
        refuse_other(deep / "notes.svg")
    Path(for_system(deep / "page.html")).write_text("<p>mine</p>", encoding="utf-8")
    with pytest.raises(OptionError, match="found another"):
        hd.report(hd.read(deep / "one.txt"), deep / "page.html")


@pytest.mark.parametrize("length", [236, 244, 252])
def test_file_beside_a_path_that_is_nearly_too_long_is_written(tmp_path: Path, length: int) -> None:
    target = tmp_path / ("f" * (length - len(str(tmp_path)) - 7)) / "a.csv"
    Path(for_system(target.parent)).mkdir()
    _whole_file.write(target, "a\n")
    assert Path(for_system(target)).read_bytes() == b"a\n"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("app!grow", "app!grow"),
        (r"C:\logs\a.txt", r"C:\logs\a.txt"),
        (r"C:\R&D\x.txt", r'"C:\R&D\x.txt"'),
        ("vector<int>", '"vector<int>"'),
        ("two words\\", '"two words\\\\"'),
        ('a%PATH%$(b)`c"&d.txt', '"a?PATH??(b)?c?&d.txt"'),
        ("", '""'),
    ],
)
def test_commands_to_paste_are_obeyed_by_no_shell(word: str, written: str) -> None:
    assert pasted(["heapdelta", word], windows=True) == f"heapdelta {written}"
    assert shlex.split(pasted(["heapdelta", word], windows=False)) == ["heapdelta", word]


@pytest.mark.parametrize(
    ("short", "written"),
    [
        (r"C:\PROGRA~1\Python\python.exe", r"C:\PROGRA~1\Python\python.exe"),
        # A disk without short names.
        (r"C:\Program Files\Python\python.exe", r'"C:\Program Files\Python\python.exe"'),
    ],
)
def test_program_to_paste_goes_by_its_short_name(short: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = r"C:\Program Files\Python\python.exe"
    monkeypatch.setattr(_shell, "short_name", {place: short}.__getitem__)
    assert pasted([place, "-m", "heapdelta"], windows=True) == f"{written} -m heapdelta"
    assert pasted(["python.exe", "two words"], windows=True) == 'python.exe "two words"'


@pytest.mark.skipif(os.name != "nt", reason="short names are a matter of Windows")
def test_short_name_is_the_same_file(tmp_path: Path) -> None:
    program = tmp_path / "two words" / "program.exe"
    program.parent.mkdir()
    program.touch()
    short = _shell.short_name(str(program))
    assert Path(short).samefile(program)
    assert _shell.short_name(str(program.with_name("missing.exe"))) == str(program.with_name("missing.exe"))


def test_pattern_is_matched_by_commands_of_many_files_and_explained_by_the_others() -> None:
    for index, name in enumerate(("one.log", "two.log")):
        Path(name).write_text(log(100 + index, f"2012-04-30 1{index}:09"), encoding="utf-8")
    assert command("series", "*.log").returncode == cli.OK
    for arguments in (["diff", "*.log"], ["check", "*.log", "--max-growth", "1"], ["summary", "*.log"]):
        done = command(*arguments)
        assert done.returncode == cli.UNREADABLE
        assert "hint: name the file; this pattern matches one.log or two.log" in done.stderr.decode()


def test_pattern_of_dumps_is_matched_too() -> None:
    testing.write_dump("app-1.dmp", stack_count=100)
    by_pattern, by_name = (command("summary", "before.txt", "--modules", name) for name in ("app-*.dmp", "app-1.dmp"))
    assert by_pattern.stderr == by_name.stderr
    assert b"the process ids differ" in by_pattern.stderr


def test_file_of_an_archive_is_named_with_backslashes_and_a_drive(tmp_path: Path) -> None:
    with zipfile.ZipFile("case.zip", "w") as archive:
        archive.writestr("logs\\before.txt", log(100))
    for archive_path in ("case.zip", str(tmp_path / "case.zip")):
        assert hd.read(f"{archive_path}!logs\\before.txt").byte_count == len(log(100))


def test_variables_and_the_home_of_the_user_are_put_into_symbol_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "symbols").mkdir()
    for name in ("HOME", "USERPROFILE", "BUILD_TREE"):
        monkeypatch.setenv(name, str(tmp_path))
    for text in ("~/symbols", "%BUILD_TREE%/symbols", "srv*%BUILD_TREE%/symbols*https://msdl.example"):
        (place,) = hd.symbols(text).places
        assert place.samefile(tmp_path / "symbols")
    with pytest.raises(OptionError, match="found nothing there"):
        hd.symbols("%NO_SUCH_VARIABLE%/symbols")


@ON_WINDOWS
def test_nul_takes_any_output_and_is_no_log() -> None:
    done = command("diff", "before.txt", "after.txt", "--csv", "-o", "NUL")
    assert (done.returncode, done.stderr) == (cli.OK, b"")
    assert command("summary", "NUL").returncode == cli.UNREADABLE


@ON_WINDOWS
def test_output_is_the_input_in_other_letters() -> None:
    before = Path("before.txt").read_bytes()
    done = command("summary", "before.txt", "--json", "-o", "BEFORE.TXT")
    assert done.returncode == cli.USAGE
    assert b"output is the input" in done.stderr
    assert Path("before.txt").read_bytes() == before


@ON_WINDOWS
def test_file_that_another_program_keeps_to_itself_has_a_hint() -> None:
    import ctypes

    create = ctypes.WinDLL("kernel32").CreateFileW  # type: ignore[attr-defined]
    create.restype = ctypes.c_void_p
    handle = create("before.txt", 0x80000000, 0, None, 3, 0, None)
    try:
        with pytest.raises(PermissionDeniedError) as caught:
            hd.read("before.txt")
        assert "another program has it open" in (caught.value.hint or "")
    finally:
        ctypes.WinDLL("kernel32").CloseHandle(ctypes.c_void_p(handle))  # type: ignore[attr-defined]
