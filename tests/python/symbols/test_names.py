"""Addresses become functions, files and lines: the same as LLVM says, whatever the format and the width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import programs
import pytest
from programs import bare

if TYPE_CHECKING:
    from pathlib import Path

Calls = list[tuple[str | None, str | None, int | None]]


def told(log: hd.Snapshot) -> list[tuple[int, Calls]]:
    """Tell of each frame its place in the module, and its calls, innermost first."""
    inlined: dict[int, Calls] = {}
    for frame, _, *call in log.inlines.iter_rows():
        inlined.setdefault(frame, []).append(tuple(call))
    base = log.modules["base"][0]
    rows = log.frames.select("frame_id", "address", "function", "file", "source_line").iter_rows()
    return [(address - base, [*inlined.get(frame, []), tuple(call)]) for frame, address, *call in rows]


@pytest.mark.parametrize("build", programs.BUILDS)
def test_names_and_lines_are_those_that_llvm_tells(build: str, tmp_path: Path) -> None:
    files = [f"{build}/server.exe", *([f"{build}/server.pdb"] if build in programs.PDBS else [])]
    log = hd.read_log(programs.log(build))
    named = log.with_symbols(hd.symbols(programs.put(tmp_path, *files)))
    expected = [
        (place, [(bare(function), file, line) for function, file, line in calls])
        for place, *calls in programs.expected(build)["returns"]
    ]
    assert told(named) == expected
    kind = "private" if build in programs.PDBS else "dwarf"
    assert named.symbols.select("match", "kind", "named_count").rows() == [("image", kind, len(expected))]


@pytest.mark.parametrize("build", programs.BUILDS)
def test_what_the_log_says_stays(build: str, tmp_path: Path) -> None:
    files = [f"{build}/server.exe", *([f"{build}/server.pdb"] if build in programs.PDBS else [])]
    log = hd.read_log(programs.log(build))
    named = log.with_symbols(hd.symbols(programs.put(tmp_path, *files)))
    assert named.stacks.equals(log.stacks)
    kept = ["frame_id", "address", "module", "text"]
    assert named.frames.select(kept).equals(log.frames.select(kept))
    assert named.usage.equals(log.usage)
    # The log itself is as it was.
    assert log.frames["function"].null_count() == log.frames.height
    assert log.symbols.is_empty()


@pytest.mark.parametrize("build", programs.BUILDS)
def test_offsets_are_those_from_the_start_of_the_function(build: str, tmp_path: Path) -> None:
    files = [f"{build}/server.exe", *([f"{build}/server.pdb"] if build in programs.PDBS else [])]
    named = hd.read_log(programs.log(build)).with_symbols(hd.symbols(programs.put(tmp_path, *files)))
    base = named.modules["base"][0]
    start = pl.col("address") - base - pl.col("offset")
    starts = named.frames.group_by("function").agg(start.unique().alias("start"))
    several = starts.filter(pl.col("start").list.len() > 1)
    # Two functions of one name; all other calls, far into a long function too, tell one start.
    assert several.select("function", pl.col("start").list.len()).rows() == [("shop::Basket::add", 2)]
    assert named.frames.filter(function="shop::unrolled")["offset"].max() > 0x1000
    places = named.frame_symbols["module_offset"]
    assert places.to_list() == (named.frames["address"] - base).to_list()


def test_folded_functions_say_that_they_have_more_names(tmp_path: Path) -> None:
    store = hd.symbols(programs.put(tmp_path, "x64/server.exe", "x64/server.pdb"))
    named = hd.read_log(programs.log("x64")).with_symbols(store)
    rows = named.frames.join(named.frame_symbols, on="frame_id")
    assert set(rows.filter(pl.col("other_names") > 0)["function"]) == {"shop::open_order"}
    assert rows.filter(function="shop::open_order")["decorated"].item() == "?open_order@shop@@YAHH@Z"
    assert not named.frame_symbols["doubtful"].any()


@pytest.mark.parametrize("name", ["server.pd_", "server.pdb.gz"])
def test_a_packed_pdb_is_read_as_it_is(name: str, tmp_path: Path) -> None:
    store = hd.symbols(programs.put(tmp_path, "x64/server.exe"))
    if name.endswith("gz"):
        (tmp_path / name).write_bytes((programs.FOLDER / "x64" / name).read_bytes())
    else:
        programs.put(tmp_path, f"x64/{name}")
    named = hd.read_log(programs.log("x64")).with_symbols(store)
    assert named.frames["function"].null_count() == 0
    assert named.symbols["found_path"].item().endswith(name)


def test_frames_that_the_tool_printed_resolved_stay(tmp_path: Path) -> None:
    text = programs.log("x64", places=[4128]).decode()
    address = f"\t{programs.base_of('x64') + 4128:X}\n"
    log = hd.read_log(text.replace(address, "\tserver!Printed+0x12\n" + address).encode())
    named = log.with_symbols(hd.symbols(programs.put(tmp_path, "x64/server.pdb")), by_name=True)
    assert named.frames["function"].to_list() == ["Printed", "shop::Basket::add"]
    assert named.symbols["frame_count"].to_list() == [1]


def test_breakpads_text_says_the_same(tmp_path: Path) -> None:
    log = hd.read_log(programs.log("x64"))
    named = log.with_symbols(hd.symbols(programs.put(tmp_path, "x64/server.sym", "x64/server.exe")))
    expected = [
        # Its writer has words of its own for a namespace without a name.
        (
            place,
            [
                (bare(function).replace("`anonymous namespace'", "(anonymous namespace)"), *at)
                for function, *at in calls
            ],
        )
        for place, *calls in programs.expected("x64")["returns"]
    ]
    assert told(named) == expected
    assert named.symbols.select("match", "kind").rows() == [("image", "breakpad")]
    store = programs.put(tmp_path / "sym", "x64/server.sym")
    assert log.with_symbols(hd.symbols(store)).symbols["match"].to_list() == ["none"]
    by_name = log.with_symbols(hd.symbols(store), by_name=True)
    assert by_name.symbols["match"].to_list() == ["name_and_size"]


@pytest.mark.parametrize(("build", "public"), [("x64", "public"), ("x86", "public32")])
def test_public_symbols_name_what_is_near(build: str, public: str, tmp_path: Path) -> None:
    identity = programs.expected(build)["id"]
    log = hd.read_log(programs.log(build, symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb"))
    # Its own age is 3, and that of its lists is the one of the image.
    named = log.with_symbols(hd.symbols(programs.put(tmp_path / "public", f"{public}/server.pdb")))
    assert named.symbols.select("match", "kind", "reason").rows() == [("id_from_log", "public", None)]
    whole = log.with_symbols(hd.symbols(programs.put(tmp_path / "whole", f"{build}/server.pdb")))
    frames = named.frames.join(named.frame_symbols, on="frame_id").join(whole.frames, on="frame_id", suffix="_whole")
    assert frames["file"].null_count() == frames.height
    assert named.inlines.is_empty()
    # Functions that are not public have no name, and no other function's far from it.
    near = frames.filter(pl.col("offset") < 0x100)
    assert near.filter(pl.col("function") == pl.col("function_whole")).height >= 0.7 * near.height
    assert not near["doubtful"].any()
    assert frames.filter(pl.col("offset") >= 0x100)["doubtful"].all()
    assert frames["offset"].max() < 0x1000
    far = whole.frames.filter(function="shop::unrolled").filter(pl.col("offset") >= 0x1000)
    assert far.height > 0
    assert named.frames.join(far, on="frame_id", how="semi")["function"].null_count() == far.height
    assert any("perhaps another function" in note for note in named.live().notes)
