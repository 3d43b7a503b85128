"""`heapdelta check`: what is held against a limit, what is suppressed, and the reports for people and machines."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta.cli._size import parse_size
from heapdelta.exceptions import OptionError
from small_hogs import hogs
from small_log import Log
from small_shop import AFTER, BEFORE, STACKS, two_logs


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two logs with named frames, in the working folder: shop +2,500, cache +3,500, plug +2,000 (new), in all 8,000."""
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)


def run(*options: str) -> int:
    return cli.run(["check", "before.txt", "after.txt", *options])


def answer(capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    code = run(*options, "--json")
    found = json.loads(capsys.readouterr().out)
    assert code == (cli.OK if found["passed"] else cli.EXCEEDED)
    return found


def limits(capsys: pytest.CaptureFixture[str], *options: str) -> list[tuple[str, int, int, bool]]:
    found = answer(capsys, *options)["limits"]
    return [tuple(limit[key] for key in ("name", "allowed", "found", "passed")) for limit in found]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--max-growth", "8000"], ("growth", 8000, 8000, True)),
        (["--max-growth", "7999"], ("growth", 7999, 8000, False)),
        (["--max-growth-each", "3.5k"], ("growth of each module", 3500, 3500, True)),
        (["--max-growth-each", "3499"], ("growth of each module", 3499, 3500, False)),
        (["--max-growth-each", "4k", "--by", "function"], ("growth of each function", 4000, 4000, True)),
        (["--max-growth-each", "3999", "--by", "stack"], ("growth of each stack", 3999, 4000, False)),
        (["--max-growth-of", "CACHE=3499"], ("growth of CACHE", 3499, 3500, False)),
        (["--max-growth-of", "c*=4kB"], ("growth of c*", 4000, 3500, True)),
        (["--max-new-stacks", "1"], ("new stacks", 1, 1, True)),
        (["--max-new-stacks", "0"], ("new stacks", 0, 1, False)),
        (["--max-issues", "0"], ("issues", 0, 0, True)),
    ],
)
def test_number_at_the_limit_passes_and_one_more_does_not(
    options: list[str], expected: tuple, capsys: pytest.CaptureFixture[str]
) -> None:
    assert limits(capsys, *options) == [expected]


def test_shrinking_is_within_every_limit(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--max-growth", "0", "--max-growth-each", "0", "--json"]
    assert cli.run(["check", "after.txt", "before.txt", *options]) == cli.OK
    found = json.loads(capsys.readouterr().out)["limits"]
    assert [limit["found"] for limit in found] == [-8000, -2000]


def test_module_with_a_limit_of_its_own_is_not_held_against_the_common_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = limits(capsys, "--max-growth-each", "2500", "--max-growth-of", "cache=4k")
    assert found == [("growth of each module", 2500, 2500, True), ("growth of cache", 4000, 3500, True)]


def test_rows_behind_a_number_stand_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--max-growth-each", "2k", "--max-new-stacks", "0")
    each, new = found["limits"]
    assert [(row["module"], row["requested_bytes_delta"]) for row in each["rows"]] == [("cache", 3500), ("shop", 2500)]
    assert [row["trace_id_after"] for row in new["rows"]] == ["4"]
    delta = hd.diff(hd.read("before.txt"), hd.read("after.txt"))
    assert {int(row["fingerprint"], 16) for row in new["rows"]} <= set(delta.by("stack")["fingerprint"])
    assert found["total"] == found["checked"] == delta.total.row(0, named=True)


def test_stack_that_the_older_log_holds_no_bytes_of_is_new_even_if_it_lists_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("before.txt").write_text(hogs(BEFORE | {"4": 0}, STACKS), encoding="utf-8", newline="")
    assert limits(capsys, "--max-new-stacks", "0") == [("new stacks", 0, 1, False)]


@pytest.mark.parametrize(("pid", "new", "noted"), [(812, 1, False), (813, 0, True)])
def test_stack_without_frames_is_new_only_where_its_id_says_so(
    pid: int, new: int, noted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"1": 1_000, "9": 500}
    Path("before.txt").write_text(hogs({"1": 1_000}, STACKS), encoding="utf-8", newline="")
    Path("after.txt").write_text(hogs(held, STACKS, pid=pid), encoding="utf-8", newline="")
    found = answer(capsys, "--max-new-stacks", "0")
    assert found["limits"][0]["found"] == new
    assert any("1 stack without frames may be new or old" in note for note in found["notes"]) == noted
    Path("after.txt").write_text(hogs(held | {"9": 0}, STACKS, pid=pid), encoding="utf-8", newline="")
    assert not any("without frames" in note for note in answer(capsys, "--max-new-stacks", "0")["notes"])


def test_growth_without_a_stack_is_checked_too(
    growing: tuple[Log, Log], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    growing[1].blocks.append((0x10000, "0", 5_000, 8))
    for name, log in zip(("before.txt", "after.txt"), growing, strict=True):
        Path(name).write_text(log.text(), encoding="utf-8", newline="")
    found = answer(capsys, "--max-growth-each", "4k")["limits"][0]
    assert (found["found"], [row["status"] for row in found["rows"]]) == (5_000, ["no stack recorded"])


def test_size_that_no_program_has_is_over_every_limit(
    growing: tuple[Log, Log], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    growing[1].blocks[0] = (0x10000, "11", 0xFFFF_FFFF_FFFF_0000, 8)
    for name, log in zip(("before.txt", "after.txt"), growing, strict=True):
        Path(name).write_text(log.text(), encoding="utf-8", newline="")
    found = limits(capsys, "--max-growth", "8TB", "--max-growth-each", "8TB", "--max-growth-of", "app=8TB")
    found += limits(capsys, "--max-growth-of", "a=8TB")
    assert [passed for *_, passed in found] == [False, False, True, False]
    assert all(number > 1 << 63 for _, _, number, _ in (*found[:2], found[3]))


def test_rules_of_allocators_and_captures_are_those_of_diff(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.txt").write_text("DEFAULT\nplug\n", encoding="utf-8")
    found = limits(capsys, "--max-growth-of", "shop=1", "--allocators", "rules.txt")
    assert found == [("growth of shop", 1, 4500, False)]
    both = hogs(BEFORE, STACKS) + hogs(AFTER, STACKS)
    Path("after.txt").write_text(both, encoding="utf-8", newline="")
    assert limits(capsys, "--max-growth", "0", "--after-capture", "1") == [("growth", 0, 0, True)]
    assert limits(capsys, "--max-growth", "0", "--after-capture", "2") == [("growth", 0, 8000, False)]
    assert run("--max-growth", "0") == cli.UNREADABLE
    assert "check" in capsys.readouterr().err.splitlines()[-1]


# --- suppressions ---


def suppressed(text: str, capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    Path("rules.txt").write_text(text, encoding="utf-8")
    return answer(capsys, *(options or ("--max-growth", "0")), "--ignore", "rules.txt")


def test_suppressions_count_what_they_take_and_say_which_took_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = "# known\n\ncache!Pool::*   # fills up\nnothing\n*!Pool::trim\nplug!x\n"
    found = suppressed(text, capsys)
    assert [
        (row["line"], row["pattern"], row["stacks"], row["requested_bytes_delta"], row["effect"])
        for row in found["suppressions"]
    ] == [
        (3, "cache!Pool::*", 2, 3500, "suppressed"),
        (4, "nothing", 0, 0, "unused"),
        (5, "*!Pool::trim", 0, 0, "covered"),
        (6, "plug!x", 0, 0, "unused"),
    ]
    assert found["limits"][0]["found"] == 4500
    assert found["checked"]["requested_bytes_delta"] == 4500
    assert found["total"]["requested_bytes_delta"] == 8000
    assert {row["module"] for row in found["limits"][0]["rows"]} == {"shop", "plug"}


def test_any_frame_of_a_stack_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert suppressed("SHOP!page::*", capsys)["limits"][0]["found"] == 4000


def test_rule_after_a_minus_keeps_stacks_from_later_rules(capsys: pytest.CaptureFixture[str]) -> None:
    found = suppressed("-*!Page::load\ncache\n", capsys)
    assert [(row["stacks"], row["effect"]) for row in found["suppressions"]] == [(1, "kept"), (1, "suppressed")]
    assert found["limits"][0]["found"] == 8500


def test_rules_that_take_everything_are_noted(capsys: pytest.CaptureFixture[str]) -> None:
    found = suppressed("ntdll", capsys)
    assert found["limits"][0]["found"] == 0
    assert found["notes"][0] == "the suppressions take every stack of both logs: nothing is left to check"


def test_suppressed_stacks_are_not_new(capsys: pytest.CaptureFixture[str]) -> None:
    assert suppressed("plug", capsys, "--max-new-stacks", "0")["passed"]


@pytest.mark.parametrize("seed", range(8))
def test_suppressions_agree_with_a_plain_walk_over_the_frames(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dice = random.Random(seed)
    names = [f"m{module}!f{function}" for module in range(4) for function in range(4)]
    stacks = {str(trace): dice.choices(names, k=dice.randint(1, 5)) for trace in range(1, 30)}
    sides = [{trace: dice.randint(1, 5_000) for trace in stacks if dice.random() < 0.8} for _ in range(2)]
    for name, held in zip(("before.txt", "after.txt"), sides, strict=True):
        Path(name).write_text(hogs(held, stacks), encoding="utf-8", newline="")
    rules = [dice.choice(["", "-"]) + dice.choice([*names, "m1", "m2!f*", "*!f3", "m?!f0"]) for _ in range(5)]
    found = suppressed("\n".join(rules), capsys)

    def decides(frames: list[str]) -> int | None:
        for place, rule in enumerate(rules):
            pattern = rule.removeprefix("-")
            pattern += "" if "!" in pattern else "!*"
            regex = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
            if any(re.fullmatch(regex, frame) for frame in frames):
                return place
        return None

    grown = {trace: sides[1].get(trace, 0) - sides[0].get(trace, 0) for trace in {*sides[0], *sides[1]}}
    place_of = {trace: decides(stacks[trace]) for trace in grown}
    for place, row in enumerate(found["suppressions"]):
        mine = [trace for trace, decided in place_of.items() if decided == place]
        assert row["stacks"] == len({tuple(stacks[trace]) for trace in mine})
        assert row["requested_bytes_delta"] == sum(grown[trace] for trace in mine)
    taken = {trace for trace, place in place_of.items() if place is not None and not rules[place].startswith("-")}
    assert found["limits"][0]["found"] == sum(number for trace, number in grown.items() if trace not in taken)


# --- options ---


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("65536", 65536),
        ("512k", 512_000),
        ("4MB", 4_000_000),
        ("4mb", 4_000_000),
        ("4 MiB", 4 << 20),
        ("1.5GiB", 3 << 29),
        ("0.1k", 100),
        ("2Ti", 2 << 40),
        ("7 bytes", 7),
        ("7B", 7),
        ("1.0001k", 1000),
    ],
)
def test_sizes_are_decimal_but_for_an_i(text: str, size: int) -> None:
    assert parse_size(text, "--max-growth") == size


@pytest.mark.parametrize("text", ["", "-1", "1.5", "4 XB", "MB", "4,000", "1e6", "4MBB", "٤MB", "0x10", "inf"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(OptionError, match="expected --max-growth with a size such as 4MB"):
        parse_size(text, "--max-growth")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], cli.USAGE, "error: expected a limit, found none\nhint: --max-growth SIZE, --max-growth-each SIZE,"),
        (["--max-growth", "4 parsecs"], cli.USAGE, "found '4 parsecs'\nhint: k, M, G, T are thousands"),
        (["--max-growth-of", "shop"], cli.USAGE, "expected --max-growth-of with a module and a size"),
        (["--max-growth-of", "shop!main=4k"], cli.USAGE, "expected --max-growth-of with a module and a size"),
        (["--max-new-stacks", "-1"], cli.USAGE, "--max-new-stacks"),
        (["--max-growth", "1", "--by", "heap"], cli.USAGE, "--by"),
        (["--max-growth", "1", "--json", "--markdown", "-"], cli.USAGE, "expected one of --json, --markdown -"),
        (["--max-growth", "1", "--junit", "-", "--markdown", "-"], cli.USAGE, "expected one of --json, --markdown -"),
        (["--max-growth", "1", "--ignore", "none.txt"], cli.USAGE, "none.txt: expected a file of suppressions"),
        (["--max-growth", "1", "--ignore", "bad.txt"], cli.USAGE, "bad.txt:2: expected a pattern such as mymem"),
        (["--max-growth", "1", "--junit", "no/such/x.xml"], cli.UNREADABLE, f"{Path('no/such/x.xml')}: cannot write"),
        (["--max-growth", "1", "--markdown", "no/such/x.md"], cli.UNREADABLE, f"{Path('no/such/x.md')}: cannot write"),
    ],
)
def test_wrong_options_are_told_from_exceeded_limits(
    options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.txt").write_text("cache\n!nothing\n", encoding="utf-8")
    assert run(*options) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_what_is_no_log_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    hd.testing.write_dump("after.dmp")
    assert cli.run(["umdh", "before.txt", "after.txt"]) == cli.OK
    Path("cmp.txt").write_text(capfd.readouterr().out, encoding="utf-8", newline="")
    assert cli.run(["dhcmp", "before.txt"]) == cli.OK
    Path("sites.txt").write_text(capfd.readouterr().out, encoding="utf-8", newline="")
    for name, code, words in (
        ("missing.txt", cli.UNREADABLE, "missing.txt: cannot read"),
        ("cmp.txt", cli.UNREADABLE, "expected a heap log, found a comparison of two logs"),
        ("after.dmp", cli.UNREADABLE, "expected a heap log, found a minidump"),
        ("sites.txt", cli.USAGE, "found a list of call sites, whose sums overlap"),
    ):
        assert cli.run(["check", "before.txt", name, "--max-growth", "1"]) == code
        assert words in capfd.readouterr().err


_EMPTY_HEAPS = "".join(
    f"*- - - - - {words} @ {base} - - - - -\n"
    for base in ("10000", "20000")
    for words in ("Start of data for heap", "End of data for heap")
)
_TRANSCRIPT = "**********************\nWindows PowerShell transcript start\n**********************\nPS C:\\> umdh a b\n"
_COMPARISON = "+ 1a ( 2a - 10) 1 allocs\tBackTrace1\nTotal increase == 1a\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_EMPTY_HEAPS, "expected a heap log with blocks, found 2 heaps without any"),
        ("*********** Heap 00290000 Hogs ***********\n", "found 1 heap without any"),
        ("*** Modules ***\n77E80000 000C0000 C:\\WINNT\\system32\\KERNEL32.dll\n", "found 0 heaps without any"),
        ("# Case 4711\n\n*** IMPORTANT ***\n\nplease look\n", "found Markdown without a heap log in it"),
        ("0:000> !heap -s\n*****\n  NT HEAP STATS BELOW\n*****\n", "found output of WinDbg's !heap"),
        (_TRANSCRIPT, "found a PowerShell transcript without a heap log in it"),
        (_TRANSCRIPT + _COMPARISON, "found a comparison of two logs"),
    ],
)
def test_what_holds_nothing_is_within_no_limit(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("nothing.txt").write_text(text, encoding="utf-8", newline="")
    for pair in (("nothing.txt", "after.txt"), ("before.txt", "nothing.txt"), ("nothing.txt", "nothing.txt")):
        assert cli.run(["check", *pair, "--max-growth", "1", "--markdown", "out.md"]) == cli.UNREADABLE
        captured = capsys.readouterr()
        assert words in captured.err
        assert captured.out == ""
        assert not Path("out.md").exists()


def test_nothing_is_written_where_a_log_cannot_be_read() -> None:
    options = ["--max-growth", "1", "--junit", "out.xml", "--markdown", "out.md"]
    assert cli.run(["check", "before.txt", "missing.txt", *options]) == cli.UNREADABLE
    assert not Path("out.xml").exists()
    assert not Path("out.md").exists()
