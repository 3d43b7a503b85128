"""The command line: what it prints, what it writes, and the code it leaves with."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import pytest
from exact_csv import read_back
from heapdelta import cli
from heapdelta._compat import dhcmp_text, sites_text, umdh_text
from heapdelta.cli import _json
from small_log import APP_FRAME, NTDLL_FRAME, Log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(growing: tuple[Log, Log], tmp_path: Path) -> tuple[str, str]:
    paths = tmp_path / "before.txt", tmp_path / "after.txt"
    for path, log in zip(paths, growing, strict=True):
        path.write_text(log.text(), encoding="utf-8", newline="")
    return str(paths[0]), str(paths[1])


@pytest.fixture(params=["80", "120"])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", request.param)
    return int(request.param)


def test_diff_prints_a_table_a_person_can_read(
    files: tuple[str, str], width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["diff", *files]) == cli.OK
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    for words in (
        "Total  +600 bytes requested",
        "Growth per module",
        "+900 bytes",
        "-300 bytes",
        "a+0x100",
        "BOX",
        "704",
    ):
        assert words in shown, words
    assert "  > a+0x100  10000100" in shown


def test_rest_of_a_ranking_is_summed_up(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["diff", *files, "--by", "module", "--top", "1"]) == cli.OK
    rest = next(line for line in capsys.readouterr().out.splitlines() if "(2 more)" in line)
    assert rest.split()[:3] == ["-300", "bytes", "0"]


@pytest.mark.parametrize("kind", ["module", "stack", "function", "heap", "trace"])
def test_every_ranking_can_be_had_in_exact_numbers(
    files: tuple[str, str], kind: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    expected = hd.diff(hd.read(files[0]), hd.read(files[1])).by(kind)
    assert cli.run(["diff", *files, "--by", kind, "--csv"]) == cli.OK
    text = capfdbinary.readouterr().out
    assert read_back(text, expected.schema).equals(expected)
    target = tmp_path / "out.parquet"
    assert cli.run(["diff", *files, "--by", kind, "--parquet", str(target)]) == cli.OK
    assert pl.read_parquet(target).equals(expected)
    assert cli.run(["diff", *files, "--by", kind, "--json"]) == cli.OK
    found = json.loads(capfdbinary.readouterr().out)
    assert found["rows"] == _json.rows(expected)
    for name in {"fingerprint", "heap_base"} & set(expected.columns):
        assert all(row[name].startswith("0x") for row in found["rows"]), "no number above 2^53 may lose digits"
        assert [int(row[name], 16) for row in found["rows"]] == expected[name].to_list()
    assert found["total"]["requested_bytes_delta"] == 600
    assert found["before"]["taken_at"] == "2012-04-30T12:09:00"


def test_long_paths_are_broken_between_their_words(
    growing: tuple[Log, Log], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "uploads" / "case_2024-0311_fernhollow" / "application_servers"
    folder.mkdir(parents=True)
    paths = folder / "before.txt", folder / "after.txt"
    for path, log in zip(paths, growing, strict=True):
        path.write_text(log.text(), encoding="utf-8", newline="")
    for width in (60, 80, 400):
        monkeypatch.setenv("COLUMNS", str(width))
        assert cli.run(["diff", *map(str, paths)]) == cli.OK
        head = capsys.readouterr().out.partition("Total")[0]
        assert max(len(line.rstrip()) for line in head.splitlines()) <= width
        words = re.split(r"(?<=[\\/_.-])", f"{paths[0]}")
        assert all(any(word in line for line in head.splitlines()) for word in words)
        assert ("file " in head) == (width == 400)


def test_refused_rankings_name_the_option_of_the_command_line(
    growing: tuple[Log, Log], files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    growing[1].pid += 1
    other = tmp_path / "other.txt"
    other.write_text(growing[1].text(), encoding="utf-8", newline="")
    for wrong, lines in (
        (
            "trace",
            [
                "error: expected --by module, stack, function or heap, found trace: trace ids mean nothing across "
                "process runs, and the process ids differ (704 and 705)",
                "hint: --by stack matches stacks by what they contain",
            ],
        ),
        (
            "region_class",
            ["error: expected --by module, stack, function, heap, trace or size for logs, found region_class"],
        ),
    ):
        assert cli.run(["diff", files[0], str(other), "--by", wrong]) == cli.USAGE
        captured = capsys.readouterr()
        assert captured.err.splitlines() == lines
        assert captured.out == ""


def test_diff_draws_on_demand(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "growth.svg"
    assert cli.run(["diff", *files, "--by", "stack", "--json", "--chart", str(picture)]) == cli.OK
    captured = capsys.readouterr()
    assert json.loads(captured.out)["by"] == "stack"
    assert captured.err == f"chart: {picture}\n"
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert cli.run(["diff", *files, "--chart", "growth.gif"]) == cli.USAGE


def test_rules_come_from_a_file(files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.txt"
    rules.write_text("DEFAULT\na  # our pool\n\n", encoding="utf-8")
    assert cli.run(["diff", *files, "--allocators", str(rules), "--json"]) == cli.OK
    assert [row["module"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["app", "ntdll"]
    assert cli.run(["diff", *files, "--allocators", str(tmp_path / "none")]) == cli.USAGE


def test_issues_are_counted_for_each_file(
    growing: tuple[Log, Log], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    growing[0].blocks.append((0x10000, "99", 1, 1))
    path = tmp_path / "before.txt"
    path.write_text(growing[0].text(), encoding="utf-8")
    for arguments in (["summary"], ["diff", str(path)], ["check", "--max-growth", "1GB", str(path)]):
        assert cli.run([*arguments, str(path)]) == cli.OK
        captured = capsys.readouterr()
        assert captured.err == "", "a person reads it once"
        assert captured.out.count("Could not be read, or is in doubt") == 1
        assert "stack_not_in_file" in captured.out
    for arguments in (["diff", "--json"], ["diff", "--csv"], ["umdh"], ["check", "--max-growth", "1GB", "--json"]):
        assert cli.run([*arguments, str(path), str(path)]) == cli.OK
        captured = capsys.readouterr()
        assert captured.err.count(f"{path}: 1 issue: 1 stack_not_in_file (warning)") == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], cli.OK),
        (["diff", "--help"], cli.OK),
        (["--version"], cli.OK),
        (["nothing"], cli.USAGE),
        (["diff", "BEFORE"], cli.USAGE),
        (["diff", "missing.txt"], cli.UNREADABLE),
        (["diff", "BEFORE", "AFTER", "--by", "colour"], cli.USAGE),
        (["diff", "BEFORE", "AFTER", "--json", "--csv"], cli.USAGE),
        (["diff", "BEFORE", "AFTER", "--by", "stack", "--inclusive"], cli.USAGE),
        (["dhcmp", "-v", "BEFORE"], cli.USAGE),
        (["summary", "missing.txt"], cli.UNREADABLE),
        (["diff", "BEFORE", "missing.txt"], cli.UNREADABLE),
        (["diff", "BEFORE", "AFTER", "--parquet", "no/such/folder/x.parquet"], cli.UNREADABLE),
    ],
)
def test_exit_code(arguments: list[str], code: int, files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    named = {"BEFORE": files[0], "AFTER": files[1]}
    assert cli.run([named.get(argument, argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert bool(captured.err) == (code != cli.OK)


def test_errors_show_message_and_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["summary", str(tmp_path)]) == cli.UNREADABLE
    assert capsys.readouterr().err.splitlines() == [
        f"error: {tmp_path}: expected a file, found a directory",
        "hint: name the log files in it, one at a time; heapdelta series takes a folder with all below it",
    ]


def test_interrupt_has_a_code_of_its_own(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hd, "read", interrupted)
    assert cli.run(["summary", files[0]]) == cli.INTERRUPTED


def test_comparison_is_shown_by_summary_and_refused_by_diff(
    files: tuple[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["umdh", *files]) == cli.OK
    comparison = tmp_path / "cmp.txt"
    comparison.write_text(capfd.readouterr().out, encoding="utf-8", newline="")
    assert cli.run(["summary", str(comparison)]) == cli.OK
    assert "umdh-compare" in capfd.readouterr().out
    assert cli.run(["diff", str(comparison), files[1]]) == cli.USAGE
    assert "expected a heap log or a minidump, found a comparison of two logs" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("traces", "words"),
    [(["7", "8"], "2 stacks"), (["7", "8", "7"], "2 stacks"), (["7", "0"], "1 stack and in blocks without one")],
)
def test_comparison_counts_stacks_and_not_lines(
    traces: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = {"7": "\n\tapp+17\n\n", "8": "\n\tapp+18\n\n"}
    lines = [f"+ 64 ( c8 - 64) 2 allocs\tBackTrace{trace}\n{frames.get(trace, '')}" for trace in traces]
    path = tmp_path / "cmp.txt"
    path.write_text("".join(lines) + f"Total increase == {100 * len(traces):x}\n", encoding="utf-8")
    comparison = hd.read(path)
    assert f", {words.partition(' and')[0]}, +{100 * len(traces)} bytes" in repr(comparison)
    assert cli.run(["summary", str(path)]) == cli.OK
    growth = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("growth"))
    assert growth.split(maxsplit=1)[1].rstrip() == f"+{100 * len(traces)} bytes in {words}"


@pytest.mark.parametrize("decimal", [False, True])
@pytest.mark.parametrize("one_run", [False, True])
def test_text_of_the_old_tools_reads_back_to_equal_numbers(
    growing: tuple[Log, Log], decimal: bool, one_run: bool
) -> None:
    growing[1].pid += not one_run
    delta = hd.diff(growing[0].read(), growing[1].read())
    radix = 10 if decimal else 16
    for text in (dhcmp_text(delta, decimal=decimal, verbose=True), umdh_text(delta, decimal=decimal)):
        back = hd.read(text.encode(), radix=radix)
        assert isinstance(back, hd.Comparison)
        columns = ["requested_bytes_before", "requested_bytes_after", "requested_bytes_delta"]
        expected = delta.by("stack").filter(pl.col("requested_bytes_delta") != 0)
        assert back.rows.select("trace_id", *columns).rows() == expected.select("trace_id_after", *columns).rows()
        assert back.total_requested_delta == 600
        assert back.stacks["depth"].to_list() == [3, 2]
    total = umdh_text(delta, decimal=True).splitlines()[-1]
    assert total.split() == ["Total", "increase", "==", "600", "requested", "+", "8", "overhead", "=", "608"]


def test_first_column_of_dhcmp_is_the_sign_and_names_are_of_the_newer_log(growing: tuple[Log, Log]) -> None:
    lines = dhcmp_text(hd.diff(growing[0].read(), growing[1].read())).splitlines()
    assert lines == [
        "+     384 (   3e8 -    64)      2 allocs\tBackTrace11",
        "-     12c (    c8 -   1f4)      1 allocs\tBackTrace22",
        "Total increase == 258",
    ]


def test_call_sites_count_once_for_each_stack_and_compare_again(growing: tuple[Log, Log]) -> None:
    before, after = growing
    before.stacks["11"] = after.stacks["11"] = [NTDLL_FRAME, APP_FRAME, 0x1000_0100, APP_FRAME]
    after.blocks.append((0x10000, "0", 7, 1))
    lists = [hd.read(sites_text(log.read()).encode()) for log in (before, after)]
    names = lists[1].frames["text"].gather(lists[1].stacks["frame_ids"].list.first())
    sums = lists[1].usage.join(lists[1].stacks.with_columns(names.alias("name")), on="stack_id")
    assert dict(sums.select("name", "requested_bytes").iter_rows()) == {
        "app+0x100": 1200,
        "ntdll+0x100": 1264,
        "a+0x100": 1000,
        "BackTrace0": 7,
    }
    lines = dhcmp_text(hd.diff(*lists)).splitlines()
    assert lines[0].endswith("\ta+0x100")
    assert lines[0].startswith("+     384 (   3e8 -    64)")


def test_demo_tells_where_the_chart_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["demo", "--out", str(tmp_path / "demo")]) == cli.OK
    shown = capsys.readouterr().out
    assert "Growth per module" in shown
    for name in ("growth.png", "growth.html"):
        chart = tmp_path / "demo" / name
        assert chart.stat().st_size > 1000
        assert f"chart: {chart}" in shown
    assert "before.dmp" in shown
    assert cli.run(["diff", *(str(tmp_path / "demo" / name) for name in ("before.dmp", "after.dmp"))]) == cli.OK


def test_comparisons_of_one_window_are_captures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    window = tmp_path / "window.txt"
    comparison = "+ {0} ( {0} - 0) 1 allocs\tBackTrace1\n\n\tapp!f+1\n\nTotal increase == {0}\n"
    first, second = comparison.format("1a"), comparison.format("2b")
    window.write_text(f"PS C:\\> umdh a b\n{first}PS C:\\> umdh b c\n{second}PS C:\\> exit\n", encoding="utf-8")
    assert cli.run(["summary", str(window)]) == cli.UNREADABLE
    said = capfd.readouterr().err
    assert "capture 1 at line 1 (PS C:\\> umdh a b), capture 2 at line 7 (PS C:\\> umdh b c)" in said
    for capture, growth in (("1", "+26 bytes"), ("2", "+43 bytes")):
        assert cli.run(["summary", str(window), "--capture", capture]) == cli.OK
        assert growth in capfd.readouterr().out
    assert cli.run(["summary", str(window), "--capture", "3"]) == cli.UNREADABLE
    found = hd.read(window, capture=2)
    assert isinstance(found, hd.Comparison)
    assert found.total_requested_delta == 0x2B


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0:000> !heap -s\n*******\n  NT HEAP STATS BELOW\n*******\n", "output of WinDbg's !heap"),
        ("--- Usage Summary ------ RgnCount --- Total Size\n", "output of WinDbg's !address"),
        ("*****\n*** ERROR: Symbol file could not be found.\n", "output of WinDbg"),
        ("# Case 4711\n\n*** IMPORTANT ***\n\nplease look at these logs\n", "Markdown without a heap log in it"),
    ],
)
def test_what_is_no_log_is_named(text: str, name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.txt"
    other.write_text(text, encoding="utf-8")
    assert cli.run(["summary", str(other)]) == cli.UNREADABLE
    assert f"expected a heap log of dh, umdh or dhcmp, found {name}" in capfd.readouterr().err


@pytest.mark.parametrize("form", [["--csv"], ["--csv-raw"], ["--parquet", "out.parquet"]])
def test_notes_that_a_ranking_alone_has_no_room_for_are_on_stderr(
    form: list[str],
    files: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    swapped = files[1], files[0]
    notes = hd.diff(*map(hd.read, swapped)).notes
    assert notes
    for command in ("diff", "series"):
        assert cli.run([command, *swapped, *form]) == cli.OK
        shown = capsys.readouterr()
        assert "note: " not in shown.out
        said = [line for line in shown.err.splitlines() if line.startswith("note: ")]
        if command == "diff":
            assert said == [f"note: {note}" for note in notes]
        else:
            assert said == [f"note: {note}" for note in hd.series(hd.read_many(swapped)).notes]
