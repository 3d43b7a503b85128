"""`Dataset.similar`: which stacks it finds, and what it says of them."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.exceptions import OptionError
from small_dataset import Stack, dataset, log
from small_log import NTDLL_FRAME, Log

HEAP = "ntdll!RtlAllocateHeap+0x10"
OUTER = [
    "user32!DispatchMessageW+0x9",
    "host!Loop+0x40",
    "kernel32!BaseThreadInitThunk+0xe",
    "ntdll!RtlUserThreadStart+0x5",
]
LEAK = [HEAP, "shop!Basket::Add+0x2c", "shop!Order::Read+0x80", "net!Channel::OnData+0x11", *OUTER]


def of_stacks(folder: Path, *stacks: Stack) -> hd.Dataset:
    """One case with a log for each stack."""
    return dataset(folder, {f"case-{number}/a.txt": log({"1": stack}) for number, stack in enumerate(stacks, 1)})


def fingerprint(asked: hd.Dataset, case: str = "case-1") -> str:
    found = asked.scan("traces").filter(pl.col("case") == case).select("fingerprint").collect()
    return str(found["fingerprint"].unique().item())


def compared(folder: Path, here: Stack, there: Stack, **options: object) -> dict[str, object]:
    """What is said of the second stack beside the first."""
    asked = of_stacks(folder, here, there)
    rows = asked.similar(fingerprint(asked), **options)  # type: ignore[arg-type]
    assert rows["same"].to_list() == [True, *[False] * (rows.height - 1)]
    return rows.row(1, named=True) if rows.height > 1 else {}


def test_same_stack_in_two_cases_is_one_row(tmp_path: Path) -> None:
    logs = {
        "case-1/a.txt": log({"1": LEAK}, held=0x100, taken="2001-02-03 04:05"),
        "case-1/b.txt": log({"1": LEAK}, held=0x300, taken="2001-02-03 05:05"),
        "case-2/a.txt": log({"9": LEAK}, held=0x200, taken="2001-03-03 04:05"),
    }
    asked = dataset(tmp_path, logs)
    (row,) = asked.similar(fingerprint(asked)).iter_rows(named=True)
    assert (row["score"], row["same"], row["differs"]) == (1.0, True, "the stack itself")
    assert (row["module"], row["function"]) == ("shop", "Basket::Add")
    assert (row["frames"], row["shared_frames"], row["shared_modules"]) == (7, 7, 0)
    assert (row["cases"], row["case_count"], row["captures"]) == (["case-1", "case-2"], 2, 3)
    assert (f"{row['first_seen']:%m-%d %H}", f"{row['last_seen']:%m-%d %H}") == ("02-03 04", "03-03 04")
    assert row["max_requested_bytes"] == 0x300


def test_columns_are_those_of_the_docs(tmp_path: Path) -> None:
    asked = of_stacks(tmp_path, LEAK)
    assert asked.similar(fingerprint(asked)).schema == {
        "score": pl.Float64,
        "same": pl.Boolean,
        "fingerprint": pl.String,
        "module": pl.String,
        "function": pl.String,
        "label": pl.String,
        "differs": pl.String,
        "shared_frames": pl.UInt32,
        "shared_modules": pl.UInt32,
        "frames": pl.UInt32,
        "case_count": pl.UInt32,
        "captures": pl.UInt32,
        "first_seen": pl.Datetime("us"),
        "last_seen": pl.Datetime("us"),
        "max_requested_bytes": pl.UInt64,
        "cases": pl.List(pl.String),
    }


def test_other_offsets_of_a_newer_version_agree(tmp_path: Path) -> None:
    newer = [frame.partition("+")[0] + "+0x7" for frame in LEAK]
    row = compared(tmp_path, LEAK, newer)
    assert (row["score"], row["differs"]) == (1.0, "all 7 frames agree, at other offsets")


def test_other_frames_of_the_allocator_do_not_count(tmp_path: Path) -> None:
    row = compared(tmp_path, LEAK, ["ntdll!RtlDebugAllocateHeap+0x44", "msvcrt!malloc+0x9", *LEAK[1:]])
    assert (row["score"], row["differs"]) == (1.0, "all 7 frames agree, the allocator's before differ")


def test_only_frame_is_told(tmp_path: Path) -> None:
    row = compared(tmp_path, LEAK[:2], [HEAP, "shop!Basket::Add+0x7"])
    assert (row["score"], row["differs"], row["frames"]) == (1.0, "the only frame agrees, at other offsets", 1)


def test_renamed_function_is_told(tmp_path: Path) -> None:
    row = compared(tmp_path, LEAK, [HEAP, "shop!Basket::Insert+0x2c", *LEAK[2:]])
    assert 0.7 < row["score"] < 0.9  # type: ignore[operator]
    assert row["differs"] == "6 of 7 frames agree; shop!Basket::Add is shop!Basket::Insert there"
    assert (row["shared_frames"], row["shared_modules"], row["function"]) == (6, 1, "Basket::Insert")


def test_inserted_frame_is_told_and_frames_behind_it_still_agree(tmp_path: Path) -> None:
    row = compared(tmp_path, LEAK, [*LEAK[:3], "shop!Trace+0x1", *LEAK[3:]])
    assert 0.85 < row["score"] < 1  # type: ignore[operator]
    assert row["differs"] == "7 of 8 frames agree; shop!Trace is added there"
    assert (row["shared_frames"], row["frames"]) == (7, 8)


def test_many_differences_are_counted(tmp_path: Path) -> None:
    renamed = [f"{frame.partition('!')[0]}!New+0x1" if place % 2 else frame for place, frame in enumerate(LEAK)]
    row = compared(tmp_path, LEAK, renamed, min_score=0)
    assert row["differs"] == (
        "3 of 7 frames agree; shop!Basket::Add is shop!New there, net!Channel::OnData is net!New there, "
        "and 2 more differences"
    )


def test_missing_frame_is_told(tmp_path: Path) -> None:
    row = compared(tmp_path, LEAK, [*LEAK[:2], *LEAK[4:]])
    assert row["differs"] == "5 of 7 frames agree; 2 frames from shop!Order::Read on are missing there"


def test_names_of_modules_compare_without_case_and_of_functions_with_it(tmp_path: Path) -> None:
    louder = [frame.partition("!")[0].upper() + "!" + frame.partition("!")[2] for frame in LEAK]
    asked = of_stacks(tmp_path, LEAK, louder)
    assert asked.similar(fingerprint(asked))["cases"].to_list() == [["case-1", "case-2"]]
    row = compared(tmp_path / "other", LEAK, [LEAK[0], "SHOP!basket::add+0x2c", *LEAK[2:]])
    assert row["differs"] == "6 of 7 frames agree; shop!Basket::Add is SHOP!basket::add there"


def test_stack_that_was_cut_off_is_similar(tmp_path: Path) -> None:
    row = compared(tmp_path, LEAK, LEAK[:5])
    assert row["score"] > 0.8  # type: ignore[operator]
    assert row["differs"] == "4 of 7 frames agree; there it ends before host!Loop"
    longer = compared(tmp_path / "longer", LEAK[:5], LEAK)
    assert longer["score"] == row["score"]
    assert longer["differs"] == "4 of 7 frames agree; there it goes on with host!Loop"


def test_order_counts(tmp_path: Path) -> None:
    names = [f"m{number}!f{number}+0x1" for number in range(6)]
    row = compared(tmp_path, names, names[::-1], min_score=0)
    assert row["shared_frames"] == 1


def test_shared_outer_frames_alone_are_not_similar(tmp_path: Path) -> None:
    assert compared(tmp_path, LEAK, [HEAP, "mail!Spool+0x1", "mail!Send+0x2", "mail!Flush+0x3", *OUTER]) == {}


def test_frames_that_everything_passes_make_nothing_similar(tmp_path: Path) -> None:
    """One frame of its own, then those that many functions are blamed behind."""
    stacks = [[HEAP, f"shop!f{number}+0x10", *OUTER] for number in range(40)]
    asked = of_stacks(tmp_path, *stacks)
    assert asked.similar(fingerprint(asked)).height == 1


def test_address_against_its_name_agrees_in_the_module_alone(tmp_path: Path) -> None:
    raw = Log([(0x10000, "5", 100, 8)], {"5": [NTDLL_FRAME, 0x1000_0100, 0x1000_0200]}).text()
    named = log({"1": [HEAP, "A!Make+0x20", "a!Run+0x30"]})
    asked = dataset(tmp_path, {"case-1/a.txt": raw, "case-2/a.txt": named})
    assert asked.similar(fingerprint(asked)).height == 1
    row = asked.similar(fingerprint(asked), min_score=0.2).row(1, named=True)
    assert row["score"] == pytest.approx(0.3)
    assert row["differs"] == (
        "none of 2 frames agrees, 2 in the module alone; a+0x100 is A!Make there, a+0x200 is a!Run there"
    )
    assert (row["shared_frames"], row["shared_modules"]) == (0, 2)


def test_equal_addresses_in_a_module_agree(tmp_path: Path) -> None:
    logs = {}
    for case, base in [("case-1", 0x1000_0000), ("case-2", 0x2000_0000)]:
        stack = [NTDLL_FRAME, base + 0x100, base + (0x200 if case == "case-1" else 0x208), base + 0x300]
        modules = {"ntdll.dll": 0x7700_0000, "a.dll": base}
        logs[f"{case}/a.txt"] = Log([(0x10000, "5", 100, 8)], {"5": stack}, modules=modules).text()
    asked = dataset(tmp_path, logs)
    row = asked.similar(fingerprint(asked)).row(1, named=True)
    assert row["differs"] == "2 of 3 frames agree; a+0x200 is a+0x208 there"


def test_name_guessed_from_exports_is_no_name(tmp_path: Path) -> None:
    guessed = [HEAP, "shop!Export+0x14b40", *LEAK[2:]]
    row = compared(tmp_path, guessed, [HEAP, "shop!Export+0x14c00", *LEAK[2:]])
    assert (row["shared_frames"], row["shared_modules"]) == (6, 1)
    assert compared(tmp_path / "own", guessed, [*guessed[:-1], "ntdll!Other+0x1"])["shared_frames"] == 6


def test_stack_of_the_allocator_alone_counts_whole(tmp_path: Path) -> None:
    own = [HEAP, "ntdll!RtlCreateHeap+0x1", "ntdll!RtlUserThreadStart+0x5"]
    other = [HEAP, "ntdll!RtlReAllocateHeap+0x1", "ntdll!RtlSizeHeap+0x1", "ntdll!RtlUserThreadStart+0x5"]
    asked = of_stacks(tmp_path, own, other)
    rows = asked.similar(fingerprint(asked), allocators=["ntdll"], min_score=0)
    assert rows["frames"].to_list() == [3, 4]
    assert rows["function"].to_list() == ["RtlUserThreadStart"] * 2
    assert rows["score"][1] < 1


def test_rules_decide_where_a_stack_begins(tmp_path: Path) -> None:
    asked = of_stacks(tmp_path, LEAK, [HEAP, "shop!Basket::Insert+0x2c", *LEAK[2:]])
    rows = asked.similar(fingerprint(asked), allocators=[*hd.blame.DEFAULT, "shop!Basket::*"])
    assert rows["score"].to_list() == [1.0, 1.0]
    assert asked.similar(fingerprint(asked))["score"][1] < 1


@pytest.mark.parametrize(
    "write", [str.lower, lambda text: f"#{text[:6]}", lambda text: f"0x{text}", lambda text: int(text, 16)]
)
def test_fingerprint_in_every_form(tmp_path: Path, write: object) -> None:
    asked = of_stacks(tmp_path, LEAK, LEAK[:5])
    whole = fingerprint(asked)
    assert asked.similar(write(whole)).equals(asked.similar(whole))  # type: ignore[operator]


def test_unknown_and_ambiguous_fingerprints_are_refused(tmp_path: Path) -> None:
    stacks = {f"{number}": [HEAP, f"shop!f{number}+0x1"] for number in range(1, 18)}
    asked = dataset(tmp_path, {"case-1/a.txt": log(stacks)})
    prints = asked.scan("stacks").collect()["fingerprint"]
    twice = next(digit for digit in "0123456789ABCDEF" if prints.str.starts_with(digit).sum() > 1)
    for digits in ("0123456789ABCDE", twice):
        with pytest.raises(OptionError) as refused:
            asked.similar(digits)
        assert refused.value.kind == "no_such_stack"
    with pytest.raises(OptionError, match="expected a fingerprint"):
        asked.similar("leak")


@pytest.mark.parametrize("options", [{"min_score": -0.1}, {"min_score": 1.5}, {"min_score": float("nan")}, {"top": 0}])
def test_options_are_checked(tmp_path: Path, options: dict[str, float]) -> None:
    asked = of_stacks(tmp_path, LEAK)
    with pytest.raises(OptionError):
        asked.similar(fingerprint(asked), **options)  # type: ignore[arg-type]


def test_labels_are_shown(tmp_path: Path) -> None:
    asked = of_stacks(tmp_path, LEAK, [HEAP, "shop!Basket::Insert+0x2c", *LEAK[2:]])
    asked.label(fingerprint(asked, "case-2"), "KB5001234, fixed in 4.2")
    assert asked.similar(fingerprint(asked))["label"].to_list() == [None, "KB5001234, fixed in 4.2"]


def test_top_keeps_the_stack_and_the_best(tmp_path: Path) -> None:
    asked = of_stacks(tmp_path, LEAK, LEAK[:4], LEAK[:6], LEAK[:7])
    every = asked.similar(fingerprint(asked), top=None)
    assert every["score"].is_sorted(descending=True)
    assert every.height == 4
    assert asked.similar(fingerprint(asked), top=2).equals(every.head(2))


def test_size_that_is_not_known_is_not_the_most(tmp_path: Path) -> None:
    huge = log({"1": LEAK}) + log({"1": LEAK}, held=2**64 - 1).split("\r\n", 2)[2]
    asked = dataset(tmp_path, {"case-1/a.txt": huge, "case-1/b.txt": log({"1": LEAK}, taken="2001-02-04 04:05")})
    assert asked.similar(fingerprint(asked))["max_requested_bytes"].to_list() == [None]


def test_log_without_a_time_was_seen_when_its_file_was_changed(tmp_path: Path) -> None:
    asked = dataset(tmp_path, {"case-1/a.txt": log({"1": LEAK}).split("\r\n", 1)[1]})
    row = asked.similar(fingerprint(asked)).row(0, named=True)
    assert row["first_seen"] == row["last_seen"] == asked.manifest["modified"].item()


def test_comparison_has_a_stack_and_says_not_what_it_held(tmp_path: Path) -> None:
    frames = "".join(f"\t{frame}\n" for frame in LEAK)
    text = f"+     1A0 (    3C0 -    220)     3 allocs\tBackTrace1\n\n{frames}\nTotal increase == 1A0\n"
    asked = dataset(tmp_path, {"case-1/cmp.txt": text})
    row = asked.similar(fingerprint(asked)).row(0, named=True)
    assert (row["cases"], row["captures"], row["max_requested_bytes"]) == (["case-1"], 1, None)


def test_many_parts_and_a_compacted_dataset_answer_alike(tmp_path: Path) -> None:
    whole = of_stacks(tmp_path, LEAK, [HEAP, "shop!Basket::Insert+0x2c", *LEAK[2:]], LEAK)
    one = fingerprint(whole)
    before = whole.similar(one)
    (tmp_path / "in/case-4").mkdir()
    (tmp_path / "in/case-4/a.txt").write_text(log({"1": LEAK}))
    hd.ingest(tmp_path / "in", tmp_path / "out", progress=lambda _: None)
    parted = hd.open(tmp_path / "out")
    rows = parted.similar(one)
    assert rows["cases"].to_list() == [["case-1", "case-3", "case-4"], ["case-2"]]
    assert rows.select("score", "differs").equals(before.select("score", "differs"))
    parted.compact()
    assert parted.similar(one).equals(rows)
