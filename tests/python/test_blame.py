"""Which frames are an allocator's, and which frame is left to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import blame
from heapdelta.blame import Allocators, Rule, frame_flags
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from small_log import Log


def flags(*names: tuple[str | None, str | None], rules: Allocators = blame.DEFAULT) -> list[int]:
    schema = {"module": pl.String, "function": pl.String}
    return list(frame_flags(pl.DataFrame(list(names), schema=schema, orient="row"), rules))


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("ntdll", None),
        ("NTDLL", "RtlAllocateHeap"),
        ("verifier", "AVrfDebugPageHeapAllocate"),
        ("MSVCR90D", "_read"),
        ("msvcrt", "malloc"),
        ("ucrtbased", "_malloc_dbg"),
        ("VCRUNTIME140", None),
        ("kernel32", "HeapAlloc"),
        ("KERNELBASE", "LocalAlloc"),
        ("MyApp", "operator new"),
        ("MyApp", "operator new[]"),
        ("MyApp", "_heap_alloc_dbg"),
        ("MyApp", "_nh_malloc"),
        ("MyApp", "malloc"),
        ("ole32", "CoTaskMemAlloc"),
        ("OLEAUT32", "SysAllocStringLen"),
        ("MyApp", "??2@YAPAXI@Z"),
        (None, "malloc"),
    ],
)
def test_frame_is_an_allocators(module: str | None, function: str | None) -> None:
    assert flags((module, function)) == [1]


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("MyApp", None),
        (None, None),
        ("MyApp", "LeakyFunc"),
        ("MyApp", "my_malloc_cache"),
        ("ntdllx", None),
        ("myntdll", None),
        ("msvcp90", "std::locale::_Init"),
        ("kernel32", "BaseThreadInitThunk"),
        ("rpcrt4", None),
    ],
)
def test_frame_is_not_an_allocators(module: str | None, function: str | None) -> None:
    assert flags((module, function)) == [0]


def test_text_reads_as_a_rule() -> None:
    assert Rule.parse("mymem") == Rule("mymem")
    assert Rule.parse("mymem!pool_*") == Rule("mymem", "pool_*")
    assert Rule.parse(" *!grab ") == Rule("*", "grab")
    assert Rule.parse("-ntdll!Ldr*") == Rule("ntdll", "Ldr*", allocator=False)
    assert Rule.parse("combase+0x*") == Rule("combase", "+0x*")
    assert Rule.parse("-libstdc++*") == Rule("libstdc++*", allocator=False)


@pytest.mark.parametrize("text", ["", "  ", "-", "!x", "mymem!", "+0x*"])
def test_half_a_rule_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="expected an allocator rule"):
        Rule.parse(text)


def test_anything_else_is_no_rule() -> None:
    with pytest.raises(TypeError, match="expected an allocator rule or its text, found int"):
        Allocators([3])  # type: ignore[list-item]


def test_module_and_function_of_a_rule_must_both_match() -> None:
    rules = Allocators(["mymem!pool_*"])
    assert flags(("MyMem", "pool_get"), ("mymem", "other"), ("x", "pool_get"), ("mymem", None), rules=rules) == [
        1,
        0,
        0,
        0,
    ]


def test_first_rule_that_matches_decides() -> None:
    frames = [("ntdll", "LdrpMapDll"), ("ntdll", "RtlAllocateHeap")]
    assert flags(*frames, rules=["-ntdll!Ldr*"] + blame.DEFAULT) == [0, 1]  # noqa: RUF005 - the sum is what is tested
    assert flags(*frames, rules=blame.DEFAULT + ["-ntdll!Ldr*"]) == [1, 1]  # noqa: RUF005 - the sum is what is tested


def test_globs_take_every_other_character_for_itself() -> None:
    rules = Allocators(["a.b+c", "*!f(?)"])
    assert flags(("a.b+c", None), ("axb+c", None), ("x", "f(1)"), ("x", "f(12)"), rules=rules) == [1, 0, 1, 0]


def test_no_rule_means_the_innermost_frame_is_blamed(growing: tuple[Log, Log]) -> None:
    snapshot = growing[1].read()
    assert snapshot.blame([])["module"].unique().to_list() == ["ntdll"]
    assert snapshot.blame()["module"].to_list() == ["a", "app", "ntdll"]


def test_own_rules_reach_the_ranking(growing: tuple[Log, Log]) -> None:
    before, after = (log.read() for log in growing)
    extended = hd.diff(before, after, allocators=blame.DEFAULT + ["a"]).by("module")  # noqa: RUF005 - the sum is what is tested
    assert extended.select("module", "requested_bytes_delta").rows() == [("app", 600), ("ntdll", 0)]
    replaced = hd.diff(before, after, allocators=["nothing"]).by("module")
    assert replaced.select("module", "requested_bytes_delta").rows() == [("ntdll", 600)]


def test_no_frames_have_no_flags() -> None:
    assert flags() == []
