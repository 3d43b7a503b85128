"""`heapdelta series` over dumps: beneath the ranking of logs, or alone; for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from curves import log_of
from exact_csv import read_back
from heapdelta import cli
from small_dump import TAKEN, SmallDump
from small_dumps import HOUR, dump, leaking

DAYS = 8


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs and dumps of one process in two folders of `run`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for folder in ("run/logs", "run/dumps"):
        Path(folder).mkdir(parents=True)
    for number in range(DAYS):
        sizes = {"a": 4096 * (number + 1)}
        Path(f"run/logs/{number}.txt").write_text(log_of(sizes, 6 * number).text(), encoding="utf-8", newline="")
    for number, one in enumerate(leaking(DAYS)):
        Path(f"run/dumps/{number}.dmp").write_bytes(one.write())


def series(*options: str) -> int:
    return cli.run(["series", *options, "--warm-up-hours", "0"])


def of_dumps(**options: object) -> hd.DumpSeries:
    return hd.series(hd.read_many("run/dumps"), by="counter", **options)  # type: ignore[call-overload, no-any-return]


TABLE = """\
Counters of 8 dumps

 #    growth/h      first       last   verdict   counter
 ─────────────────────────────────────────────────────────────────
 1    +171 KiB   1.00 MiB   8.00 MiB   leak      private usage
 2      +0.167         13         20   leak      handles
 3      +0.167         10         17   leak      Event handles
 4      +0.167          2          9   leak      threads
"""


def test_counters_stand_beneath_the_ranking_of_logs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert series("run", "--top", "4") == cli.OK
    shown = capsys.readouterr()
    assert "logs    8 of 16 files" in shown.out
    assert "dumps   8 of 16 files, 2024-03-11 09:00 to 2024-03-13 03:00 UTC" in shown.out
    ranking, _, beneath = shown.out.partition("Counters of")
    assert "Growth per module" in ranking
    lines = [" ".join(line.split()) for line in f"Counters of{beneath}".splitlines() if line.strip(" ─")]
    assert lines[:6] == [" ".join(line.split()) for line in TABLE.splitlines() if line.strip(" ─")]
    assert "left out for want of width" not in beneath
    assert "+0.17 handles/h" in " ".join(lines)
    assert "logs tell the time of their machine, dumps that of UTC" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("sources", [["run"], ["run/dumps"], ["run", "--by", "counter"], ["run", "--runs", "all"]])
def test_every_table_fits_the_width(
    sources: list[str], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long = dump(60, handles=["AVeryLongNameOfATypeOfHandlesThatNobodyWouldEverGiveToAnything" * 2])
    Path("run/dumps/9.dmp").write_bytes(long.write())
    assert series(*sources) == cli.OK
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert "Counters of 9 dumps" in shown


def test_only_dumps_are_that_table_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("run/dumps") == cli.OK
    alone = capsys.readouterr().out
    assert alone.startswith("dumps  8 of 8 files")
    assert "Growth per" not in alone
    assert series("run", "--by", "counter") == cli.OK
    assert "logs   8 beside, not looked at" in capsys.readouterr().out


def test_json_has_counters_under_their_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("run", "--json") == cli.OK
    both = json.loads(capsys.readouterr().out)
    assert both["by"] == "module"
    found = both["counters"]
    assert found["slope_unit"] == "unit/hour"
    assert found["points"][0]["taken_at"] == "2024-03-11T09:00:00Z"
    assert both["points"][0]["taken_at"] == "2024-03-11T09:00:00"
    assert found["rows"] == of_dumps().growth(warm_up_hours=0).to_dicts()
    assert series("run/dumps", "--json") == cli.OK
    alone = json.loads(capsys.readouterr().out)
    assert (alone["by"], alone["counters"], alone["failures"]) == ("counter", found, [])
    assert series("run/logs", "--json") == cli.OK
    assert json.loads(capsys.readouterr().out)["counters"] is None


def test_tables_for_machines_are_those_of_python(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    growth = of_dumps().growth(warm_up_hours=0)
    assert series("run", "--by", "counter", "--csv") == cli.OK
    assert read_back(capfdbinary.readouterr().out, growth.schema).equals(growth)
    target = tmp_path / "long.parquet"
    assert series("run/dumps", "--parquet", str(target), "--long") == cli.OK
    assert pl.read_parquet(target).equals(of_dumps().table())
    capfdbinary.readouterr()
    assert series("run", "--csv") == cli.OK
    assert b"--by counter ranks what 8 dumps beside the logs count" in capfdbinary.readouterr().err


def test_names_of_types_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(DAYS):
        hostile = dump(6 * number, handles=["=1+1\x1b[31m"] * (number + 1))
        Path(f"run/dumps/{number}.dmp").write_bytes(hostile.write())
    assert series("run/dumps") == cli.OK
    assert "\x1b" not in capsys.readouterr().out
    assert series("run/dumps", "--csv") == cli.OK
    assert "'=1+1" in capsys.readouterr().out


def test_several_processes_are_refused_until_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        later = dump(100 + number, pid=810, created=TAKEN + 90 * HOUR)
        Path(f"run/dumps/later{number}.dmp").write_bytes(later.write())
    assert series("run/dumps") == cli.USAGE
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: expected dumps of one process, found 2: app.exe, process 704, since 2024-03-11")
    assert hint == "hint: --runs all keeps them apart in one series"
    assert series("run/dumps", "--runs", "all") == cli.OK
    shown = capsys.readouterr().out
    assert "app.exe 810" in shown
    assert "restart" in shown
    # Beside logs, the dumps of the other process are named and left out.
    assert series("run") == cli.OK
    assert "3 dumps left out, not known to be of the process in the logs" in " ".join(capsys.readouterr().out.split())


def test_few_dumps_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("run/dumps/0.dmp") == cli.USAGE
    assert capsys.readouterr().err == "error: expected two dumps or more, found 1 in 1 file\n"
    assert series("run/dumps", "--by", "module") == cli.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: expected two heap logs or more, found 0 in 8 files",
        "hint: --by counter ranks what 8 dumps count",
    ]
    assert series("run/dumps", "--inclusive") == cli.USAGE
    assert "expected --by module or function with --inclusive, found counter" in capsys.readouterr().err
    Path("bad.txt").write_text("hello", encoding="utf-8")
    assert series("bad.txt", "run/dumps/0.dmp") == cli.UNREADABLE
    assert "expected two dumps or more, found 1 in 2 files" in capsys.readouterr().err


def test_chart_of_dumps_is_saved() -> None:
    assert series("run/dumps", "--json", "-o", "x.json", "--chart", "x.svg") == cli.OK
    assert Path("x.svg").read_text(encoding="utf-8").startswith("<svg")


def test_dumps_without_a_time_go_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(DAYS):
        Path(f"run/dumps/{number}.dmp").write_bytes(SmallDump(taken=0, handles=["Event"] * (number + 1)).write())
    assert series("run/dumps") == cli.USAGE
    assert "hint: --order name goes by the files' names" in capsys.readouterr().err
    assert series("run/dumps", "--order", "name") == cli.OK
    shown = capsys.readouterr().out
    assert "growth/step" in shown
    assert "taken  -" in shown
