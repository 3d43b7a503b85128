"""`heapdelta series`: what it prints of many logs, what it writes for machines, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from exact_csv import read_back
from heapdelta import cli
from heapdelta.cli import _bar, _json
from heapdelta.cli.series import text
from small_log import APP_FRAME, NTDLL_FRAME, Log

STACKS = {"11": [NTDLL_FRAME, 0x1000_0100, APP_FRAME], "22": [NTDLL_FRAME, APP_FRAME], "33": [NTDLL_FRAME]}
DAYS = 12


def log(day: int, *, pid: int = 704, header: bool = True) -> str:
    """A log of one day: `a.dll` has 4 KiB more every day, the program 500 bytes or 540, ntdll always the same."""
    blocks = [(0x10000, "11", 4096, 8)] * (day + 1) + [(0x10000, "22", 500 + 40 * (day % 2), 8), (0x20000, "33", 64, 8)]
    return Log(blocks, STACKS, pid=pid, taken=f"2012-04-{day + 1:02} 12:00", header=header).text()


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve days of one run in `logs`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    for day in range(DAYS):
        Path(f"logs/log{day + 1}.txt").write_text(log(day), encoding="utf-8", newline="")


def restarted() -> None:
    """From the ninth day on it is another run."""
    for day in range(8, DAYS):
        Path(f"logs/log{day + 1}.txt").write_text(log(day - 8, pid=810).replace("-04-", "-05-"), encoding="utf-8")


def series(*options: str) -> int:
    return cli.run(["series", *options])


def tidy(text: str) -> list[str]:
    """Take out what depends on the widths of columns."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip(" ─")]


REPORT = """\
logs    12 of 12 files
format  umdh2 6.1.7650.0
taken   2012-04-01 12:00 to 2012-04-12 12:00, mostly every 24 h
order   the logs' own time

Points

  #       live   blocks   taken              file
 ─────────────────────────────────────────────────────
  0    4.55 KiB        3   2012-04-01 12:00   log1.txt
  1    8.59 KiB        4   2012-04-02 12:00   log2.txt
                          (8 more)
 10   44.6 KiB       13   2012-04-11 12:00   log11.txt
 11   48.6 KiB       14   2012-04-12 12:00   log12.txt

Growth per module

 #   growth/h     first       last   full in   verdict   course         module
 ─────────────────────────────────────────────────────────────────────────────
 1     +171 bytes   4.00 KiB   48.0 KiB     years   leak      ▁▂▂▃▃▄▅▅▆▆▇█   a
 2        0 bytes      64 bytes       64 bytes             plateau   ████████████   ntdll
"""


def test_report_tells_logs_points_ranking_and_reasons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert series("logs", "--top", "2") == cli.OK
    shown = capsys.readouterr()
    head, _, rest = shown.out.partition("Verdicts")
    assert tidy(head) == tidy(REPORT)
    reason = hd.series(hd.read_many("logs")).growth()["reason"]
    flat = " ".join(rest.split())
    assert flat.startswith("1 leak, 1 plateau, 1 noise; of 3 modules Reasons #1 a: leak ")
    assert " ".join(reason[0].split()) in flat
    assert shown.err == ""


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("kind", ["module", "function", "stack", "heap"])
def test_every_ranking_fits_the_width(
    kind: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    restarted()
    assert series("logs", "--by", kind, "--runs", "all") == cli.OK
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert f"Growth per {kind}" in shown
    assert shown.count("restart") >= 2


def test_console_without_these_characters_gets_no_courses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(text, "_is_unicode", lambda _: False)
    assert series("logs") == cli.OK
    assert not set(text._BARS) & set(capsys.readouterr().out)


def test_courses_begin_at_zero_and_keep_both_ends() -> None:
    assert text._bars([0, 1, 50, 100]) == " ▁▄█"
    assert text._bars([0, 0]) == "  "
    long = text._bars(list(range(1, 1001)))
    assert (len(long), long[0], long[-1]) == (20, "▁", "█")


@pytest.mark.parametrize("kind", ["module", "function", "stack", "heap"])
def test_courses_are_those_of_the_long_table(kind: str) -> None:
    restarted()
    made = hd.series(hd.read_many("logs"), by=kind, runs="all")
    ranking = made.growth()
    keys = ["run", *text._KEYS[kind]]
    curves = made.table().sort("point").group_by(keys, maintain_order=True).agg("requested_bytes")
    expected = ranking.join(curves, on=keys, how="left", nulls_equal=True, maintain_order="left")["requested_bytes"]
    assert ranking.height >= 4
    assert text._courses(made, ranking) == [text._bars(curve) for curve in expected.to_list()]


def test_stacks_that_go_on_growing_show_their_frames(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("logs", "--by", "stack") == cli.OK
    shown = capsys.readouterr().out
    (row,) = hd.series(hd.read_many("logs"), by="stack").growth().filter(verdict="leak").to_dicts()
    name = f"#{row['fingerprint']:016X}"[:7]
    told = f"Stack {name}, +171 bytes/h, leak, innermost first\n    ntdll+0x100  77000100\n  > a+0x100  10000100\n"
    assert told in shown
    assert shown.count("Stack #") == 1
    assert f"#1 {name} a!a+0x100: leak" in shown or f"#1 {name} a+0x100: leak" in shown


def test_address_space_tells_when_it_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    total = int(hd.read("logs/log12.txt").usage["requested_bytes"].sum())
    assert series("logs", "--address-space", str(total + 4096 * 5)) == cli.OK
    row = next(line for line in capsys.readouterr().out.splitlines() if " leak " in line)
    assert " 5 days " in row
    assert series("logs", "--address-space", "much") == cli.USAGE


def test_reasons_have_the_hyphen_for_minus(capsys: pytest.CaptureFixture[str]) -> None:
    for day in range(DAYS):
        shrinking = log(DAYS - 1 - day).replace(f"2012-04-{DAYS - day:02}", f"2012-04-{day + 1:02}")
        Path(f"logs/log{day + 1}.txt").write_text(shrinking, encoding="utf-8", newline="")
    assert series("logs") == cli.OK
    shown = capsys.readouterr().out
    assert "rose in 0 of 11 steps, -171 bytes/h" in shown
    assert "−" not in shown


# --- for machines ---


@pytest.mark.parametrize("kind", ["module", "function", "stack", "heap"])
def test_machines_get_the_ranking_in_exact_numbers(
    kind: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    expected = hd.series(hd.read_many("logs"), by=kind).growth()
    assert series("logs", "--by", kind, "--csv") == cli.OK
    assert read_back(capfdbinary.readouterr().out, expected.schema).equals(expected)
    target = tmp_path / "out.parquet"
    assert series("logs", "--by", kind, "--parquet", str(target)) == cli.OK
    assert pl.read_parquet(target).equals(expected)
    assert series("logs", "--by", kind, "--json") == cli.OK
    found = json.loads(capfdbinary.readouterr().out)
    assert found["rows"] == json.loads(json.dumps(_json.rows(expected)))
    assert (found["by"], found["slope_unit"]) == (kind, "bytes/hour")
    for name in {"fingerprint", "heap_base"} & set(expected.columns):
        assert [int(row[name], 16) for row in found["rows"]] == expected[name].to_list()


def test_json_tells_points_runs_and_failures(capsys: pytest.CaptureFixture[str]) -> None:
    restarted()
    Path("logs/notes.txt").write_text("hello", encoding="utf-8")
    assert series("logs", "--runs", "all", "--json") == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert [point["taken_at"] for point in found["points"]][:2] == ["2012-04-01T12:00:00", "2012-04-02T12:00:00"]
    assert [point["point"] for point in found["points"] if point["restart"]] == [8]
    assert [(run["pid"], run["snapshots"], run["restart"]) for run in found["runs"]] == [
        (704, 8, False),
        (810, 4, True),
    ]
    assert [(row["path"], row["kind"]) for row in found["failures"]] == [(str(Path("logs/notes.txt")), "not_a_log")]
    assert found["issues"] == []


def test_long_table_has_every_key_at_every_time(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    expected = hd.series(hd.read_many("logs")).table()
    assert series("logs", "--csv", "--long") == cli.OK
    found = read_back(capfdbinary.readouterr().out, expected.schema)
    assert found.equals(expected)
    assert found.height == 3 * DAYS


def test_top_shortens_what_machines_get(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("logs", "--top", "1", "--csv") == cli.OK
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_chart_is_saved_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("logs", "--json", "--chart", "growth.svg") == cli.OK
    captured = capsys.readouterr()
    assert json.loads(captured.out)["by"] == "module"
    assert captured.err == "chart: growth.svg\n"
    assert Path("growth.svg").read_text(encoding="utf-8").startswith("<svg")


# --- many files ---


def test_files_folders_and_patterns_are_taken_together(capsys: pytest.CaptureFixture[str]) -> None:
    Path("more").mkdir()
    for number in (11, 12):
        shutil.move(f"logs/log{number}.txt", "more")
    for sources in (["logs", "more"], ["logs/log?.txt", "logs/log10.txt", "more/*.txt"]):
        assert series(*sources, "--json") == cli.OK
        assert len(json.loads(capsys.readouterr().out)["points"]) == DAYS


def test_one_bad_file_stops_nothing_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs/notes.txt").write_text("hello", encoding="utf-8")
    hd.testing.write_dump("logs/last.dmp")
    with Path("logs/log3.txt").open("a", encoding="utf-8", newline="") as file:
        file.write("40 bytes + 8 at 999000 by BackTrace99\r\n")
    assert series("logs") == cli.OK
    captured = capsys.readouterr()
    assert "logs    12 of 14 files" in captured.out
    assert "dumps   1 of 14 files, 0 used" in captured.out
    assert "1 dump left out, not known to be of the process in the logs (last.dmp)" in " ".join(captured.out.split())
    end = captured.out.partition("Could not be read (1 of 14 files)\n")[2].splitlines()
    assert [line.partition(": ")[0] for line in end if line] == [f"- {Path('logs/notes.txt')}"]
    # The row is behind the end of its heap.
    assert captured.err == "2 issues in 1 log: 1 heap_in_doubt (warning), 1 stack_not_in_file (warning)\n"


def test_machine_output_goes_to_a_file_and_failures_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs/bad.txt").write_text("not a log", encoding="utf-8")
    assert series("logs", "--csv", "-o", "ranking.csv") == cli.OK
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "bad.txt" in printed.err
    assert "1 of 13 files could not be read as heap logs" in printed.err
    assert pl.read_csv("ranking.csv")["verdict"].to_list()[0] == "leak"
    assert series("logs", "--json", "--output", "all.json") == cli.OK
    assert json.loads(Path("all.json").read_text(encoding="utf-8"))["by"] == "module"
    assert series("logs", "-o", "x.csv") == cli.USAGE
    assert "expected --output with --json or --csv, found neither" in capsys.readouterr().err


def test_nothing_but_bad_files_is_unreadable(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("hello", encoding="utf-8")
    assert series("notes.txt", "missing.txt", "logs/log1.txt") == cli.UNREADABLE
    captured = capsys.readouterr()
    assert [line.partition(": ")[0] for line in captured.err.splitlines()] == ["error"] * 3
    assert captured.err.splitlines()[-1] == "error: expected two heap logs or more, found 1 in 3 files"
    assert captured.out == ""


def test_several_runs_are_refused_until_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    restarted()
    assert series("logs") == cli.USAGE
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "error: expected logs of one run of a program, found 2: app on BOX, process 704: 8 logs from 2012-04-01 12:00 "
        "on; app on BOX, process 810: 4 logs from 2012-05-01 12:00 on",
        "hint: --runs all judges each run by itself; or name the files of one run",
    ]
    assert captured.out == ""
    assert series("logs", "--runs", "all") == cli.OK
    lines = tidy(capsys.readouterr().out)
    assert "1 4 4.55 KiB 16.6 KiB app 810 on BOX restart" in lines
    assert any(line.startswith("8 4.55 KiB") and line.endswith("restart") for line in lines)


def test_logs_without_a_time_are_put_in_order_by_name_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    for day in range(DAYS):
        Path(f"logs/log{day + 1}.txt").write_text(log(day, header=False), encoding="utf-8", newline="")
    assert series("logs") == cli.USAGE
    error, hint = capsys.readouterr().err.splitlines()
    first = Path("logs/log1.txt")
    assert error.startswith(f"error: expected logs that tell when they were taken, found 12 that do not: {first}")
    assert hint.startswith("hint: --order name goes by the files' names, --order mtime by")
    assert series("logs", "--order", "name") == cli.OK
    shown = capsys.readouterr().out
    assert "order   the files' names" in shown
    assert "growth/step" in shown
    assert "+4.00 KiB" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "expected LOG for heapdelta series, found nothing"),
        (["empty"], "empty: expected files, found an empty folder"),
        (["logs/*.log"], "expected files that match logs/*.log, found none"),
        (["logs/log1.txt"], "expected two heap logs or more, found 1 in 1 file"),
        (["logs", "--csv", "--json"], "expected one of --json, --csv and --parquet, found several"),
        (["logs", "--long"], "expected --long with --csv or --parquet, found neither"),
        (["logs", "--long", "--json"], "expected --long with --csv or --parquet, found neither"),
        (["logs", "--inclusive", "--by", "heap"], "expected --by module or function with --inclusive, found heap"),
        (["logs", "--chart", "a.gif"], "expected --chart with a .png, .svg or .html file, found a.gif"),
        (["logs", "--by", "trace"], "--by"),
    ],
)
def test_wrong_options_are_named(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert series(*options) == cli.USAGE
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_interrupt_while_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hd, "read_many", interrupted)
    assert series("logs") == cli.INTERRUPTED


def test_bar_counts_files_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_bar, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert series("logs", "--json") == cli.OK
    assert "12/12" in capsys.readouterr().err
