"""What every answer about stacks takes in the shell: stacks, one stack, filters, sizes, and one file as two."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import cli
from small_log import APP_FRAME, NTDLL_FRAME, Log


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    hd.testing.write_investigation(folder, stack_count=80)
    return folder


@pytest.fixture(autouse=True)
def here(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story)
    monkeypatch.setenv("COLUMNS", "120")


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(list(arguments)) == cli.OK
    return capsys.readouterr().out


DIFF = ["diff", "before.txt", "after.txt"]


def delta() -> hd.Delta:
    return hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt"))


def titles(text: str) -> list[str]:
    return [line.split(",")[0].removeprefix("Stack ") for line in text.splitlines() if line.startswith("Stack #")]


def test_the_largest_stack_of_each_module_that_grew_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    modules = delta().by("module").filter(pl.col("requested_bytes_delta") > 0)["module"].to_list()
    shown = titles(out(capsys, *DIFF, "--stacks", str(len(modules))))
    blamed = {
        f"#{row['fingerprint']:016X}"[:7]: row["module"]
        for row in delta().by("stack").drop_nulls("fingerprint").to_dicts()
    }
    assert sorted(blamed[each] for each in shown) == sorted(modules)
    assert len(titles(out(capsys, *DIFF))) == 3
    assert titles(out(capsys, *DIFF, "--by", "module")) == []
    assert len(titles(out(capsys, *DIFF, "--by", "module", "--stacks", "2"))) == 2
    assert titles(out(capsys, *DIFF, "--stacks", "0")) == []


def test_one_stack_is_shown_by_the_id_that_a_ranking_shows(capsys: pytest.CaptureFixture[str]) -> None:
    table = out(capsys, *DIFF, "--by", "stack", "--top", "1", "--stacks", "1")
    (name,) = titles(table)
    shown = out(capsys, *DIFF, "--stack", name)
    assert titles(shown) == [name]
    assert "Growth per" not in shown
    assert shown.split("innermost first")[1].split("\n\n")[0] in table
    written = json.loads(out(capsys, *DIFF, "--stack", name, "--json"))
    (stack,) = written["stacks"]
    assert stack["id"] == name
    assert [frame["text"] for frame in stack["frames"]] == delta().stack(name)["text"].to_list()
    assert sum(frame["blamed"] for frame in stack["frames"]) == 1
    assert cli.run([*DIFF, "--stack", "#FFFFFFFFFF"]) == cli.USAGE
    assert "expected one stack of fingerprint FFFFFFFFFF, found none" in capsys.readouterr().err


def test_what_is_filtered_away_is_said_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    filters = ["--focus", "fhpreview", "--ignore", "*!nothing"]
    note = delta().filter(focus="fhpreview", ignore="*!nothing").notes[0]
    assert f"- {note}" in out(capsys, *DIFF, *filters)
    assert note in json.loads(out(capsys, *DIFF, *filters, "--json"))["notes"]
    assert cli.run([*DIFF, *filters, "--csv"]) == cli.OK
    printed = capsys.readouterr()
    assert f"note: {note}" in printed.err
    assert printed.out.splitlines()[1].startswith("fhpreview,")
    assert "left out by filters" in out(capsys, "summary", "after.txt", "--hide", "fhpreview")


@pytest.mark.parametrize("kind", ["module", "function", "stack", "trace", "heap", "size"])
def test_one_log_ranks_in_every_form(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = hd.read_log("after.txt")
    ranking = log.by(kind)
    text = out(capsys, "summary", "after.txt", "--by", kind, "--top", "2", "--stacks", "0")
    assert f"Live per {kind}" in text
    assert f"({ranking.height - 2} more)" in text
    written = json.loads(out(capsys, "summary", "after.txt", "--by", kind, "--json", "--top", "2"))
    assert [row["requested_bytes"] for row in written["rows"]] == ranking["requested_bytes"].head(2).to_list()
    assert written["total"]["requested_bytes"] == log.live().total["requested_bytes"].item()
    rows = out(capsys, "summary", "after.txt", "--by", kind, "--csv-raw").splitlines()
    assert len(rows) == ranking.height + 1
    assert cli.run(["summary", "after.txt", "--by", kind, "--parquet", "out.parquet"]) == cli.OK
    assert pl.read_parquet("out.parquet").equals(ranking)
    assert cli.run(["summary", "after.txt", "--by", kind, "--chart", "live.svg", "--top", "2"]) == cli.OK
    assert "chart: live.svg" in capsys.readouterr().err
    assert Path("live.svg").read_text(encoding="utf-8").count("<path aria-label") >= 3


def test_a_comparison_ranks_exports_and_draws_as_two_logs_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["umdh", "before.txt", "after.txt"]) == cli.OK
    Path("cmp.txt").write_text(capsys.readouterr().out, encoding="utf-8")
    found = hd.read_comparison("cmp.txt")
    written = json.loads(out(capsys, "summary", "cmp.txt", "--by", "function", "--json"))
    deltas = found.by("function")["requested_bytes_delta"].to_list()
    assert [row["requested_bytes_delta"] for row in written["rows"]] == deltas
    assert written["stacks"][0]["frames"]
    assert cli.run(["summary", "cmp.txt", "--by", "module", "--chart", "cmp.png"]) == cli.OK
    assert Path("cmp.png").read_bytes().startswith(b"\x89PNG")
    assert len(titles(capsys.readouterr().out)) == 0
    assert cli.run(["summary", "cmp.txt", "--by", "size"]) == cli.USAGE
    assert "expected --by module, stack, function or trace for logs, found size" in capsys.readouterr().err


def test_sizes_of_two_logs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    written = json.loads(out(capsys, *DIFF, "--by", "size", "--json"))
    assert [row["size"] for row in written["rows"]] == delta().by("size")["size"].to_list()
    size = written["rows"][0]["size"]
    assert f"{size:,} bytes" in out(capsys, *DIFF, "--by", "size", "--top", "1")


def test_output_goes_into_a_file_and_threads_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    plain = out(capsys, *DIFF, "--json")
    assert out(capsys, *DIFF, "--json", "-o", "diff.json", "--threads", "1") == ""
    assert Path("diff.json").read_text(encoding="utf-8") == plain


@pytest.mark.parametrize("command", [DIFF, ["summary", "after.txt"]])
def test_a_chart_that_cannot_be_drawn_is_refused_before_the_work(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = [command[0], *(f"no-{name}" for name in command[1:])]
    assert cli.run([*nothing, "--chart", "a.bmp"]) == cli.USAGE
    assert "expected --chart with a .png, .svg or .html file, found a.bmp" in capsys.readouterr().err
    assert cli.run([*nothing, "--chart", "a.png", "--by", "module", "--inclusive"]) == cli.USAGE
    assert "its sums overlap" in capsys.readouterr().err


def test_options_about_stacks_are_refused_for_dumps(capsys: pytest.CaptureFixture[str]) -> None:
    hd.testing.write_dump_investigation(".", stack_count=60)
    for option in (["--stacks", "1"], ["--stack", "#C291BD"], ["--focus", "app"], ["--hide", "app"]):
        assert cli.run(["diff", "before.dmp", "after.dmp", *option]) == cli.USAGE
        assert f"expected no {option[0]} with a minidump" in capsys.readouterr().err
    assert cli.run(["summary", "after.dmp", "--by", "module"]) == cli.USAGE
    assert (
        "expected --by heap, size, size_class, content or source with a minidump, found module"
        in capsys.readouterr().err
    )


def test_growth_that_is_hidden_in_a_module_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, sizes in (("b.txt", (1_000, 900_000)), ("a.txt", (900_000, 500))):
        (tmp_path / name).write_text(
            "UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812\n"
            "*********** Heap 00140000 Hogs ********************\n"
            + "".join(
                f"{size:08X} bytes in 0x1 allocations (@ 0x{size:X}) by: BackTrace{place}\n\tapp!f{place}+0x1\n\n"
                for place, size in enumerate(sizes, start=1)
            ),
            encoding="utf-8",
        )
    pair = [str(tmp_path / "b.txt"), str(tmp_path / "a.txt")]
    row = next(line for line in out(capsys, "diff", *pair).splitlines() if line.rstrip().endswith(" app"))
    assert row.split()[:6] == ["-500", "bytes", "+878", "KiB", "-878", "KiB"]
    headings = [line for line in out(capsys, *DIFF).splitlines() if line.split()[:1] == ["growth"]]
    assert headings
    assert not [line for line in headings if "shrunk" in line]


def test_every_command_of_logs_takes_threads_and_an_output_for_its_json(capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--max-growth", "1GB", "--json"]
    for command in (["check", "before.txt", "after.txt", *limits], ["series", "before.txt", "after.txt", "--json"]):
        plain = out(capsys, *command, "--threads", "1")
        assert out(capsys, *command, "--threads", "2", "-o", "answer.json") == ""
        assert Path("answer.json").read_text(encoding="utf-8") == plain
    assert cli.run(["check", "before.txt", "after.txt", "--max-growth", "1GB", "-o", "answer.json"]) == cli.USAGE
    assert "expected --output with --json, found it alone" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["module", "stack"])
def test_stacks_whose_growth_is_not_known_are_shown_and_marked(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    heap, most = 0x2E_0000, (1 << 64) - 1
    stacks = {"1": [NTDLL_FRAME, APP_FRAME], "2": [NTDLL_FRAME, 0x1000_0100], "3": [NTDLL_FRAME, APP_FRAME + 8]}
    stacks |= {"4": [NTDLL_FRAME, APP_FRAME + 16]}
    before = Log([(heap, trace, 100, 8) for trace in "1234"], stacks)
    grown = [(heap, "1", 300, 8), (heap, "2", most, 8), (heap, "2", most, 8), (heap, "3", 100, 8), (heap, "4", 9, 8)]
    after = Log(grown, stacks, taken="2012-04-30 13:09")
    for name, log in (("before.txt", before), ("after.txt", after)):
        Path(name).write_text(log.text(), encoding="utf-8", newline="")
    # What is not known is chosen before what shrank, as the first of its module; what stayed is not shown.
    whole = ["+200 bytes", "-91 bytes", "growth not known"]
    for count, expected in enumerate([[], whole[:1], whole[::2], whole, whole]):
        shown = out(capsys, *DIFF, "--by", by, "--stacks", str(count))
        assert [line.split(", ")[1] for line in shown.splitlines() if line.startswith("Stack #")] == expected
        written = json.loads(out(capsys, *DIFF, "--by", by, "--stacks", str(count), "--json"))
        deltas = [stack["requested_bytes_delta"] for stack in written["stacks"]]
        assert len(deltas) == len(expected)
        assert (None in deltas) == ("growth not known" in expected)
    assert "bytes not known in 2 blocks" in out(capsys, "summary", "after.txt", "--by", "stack", "--stacks", "4")


@pytest.mark.parametrize("command", [DIFF, ["summary", "after.txt"]])
@pytest.mark.parametrize(
    ("other", "said"),
    [(["--by", "module"], "--by module"), (["--by", "size"], "--by size"), (["--inclusive"], "--inclusive")],
)
def test_one_stack_alone_is_not_ranked_by_something_else(
    command: list[str], other: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--stack", "#C291BD", *other]) == cli.USAGE
    assert f"expected no {said} with --stack, which shows one stack alone" in capsys.readouterr().err
