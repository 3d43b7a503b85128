"""Heaps of a build that no table knows: read by the symbols of its ntdll, and by nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import heapdelta as hd
import naive_heap
import polars as pl
import programs
import pytest
from heapdelta import testing
from walked_heaps import add_up, busy_of

SMALL = 40
KINDS: list[dict[str, Any]] = [{"pointer_width": 64}, {"pointer_width": 32}, {"wow64": True}]
GUID = b"heapdelta ntdl64"


def write(tmp_path: Path, **options: Any) -> tuple[testing.HeapDumpAnswer, hd.Dump]:
    options = {"windows": "unknown", **options}
    # Nothing can be written on Windows where a dump is read.
    path = tmp_path / f"heaps{len(list(tmp_path.iterdir()))}.dmp"
    answer = testing.write_heap_dump(path, stack_count=SMALL, **options)
    return answer, hd.read_dump(answer.path)


def store(tmp_path: Path, *names: str) -> hd.SymbolStore:
    return hd.symbols(programs.put(tmp_path / "symbols", *names))


def changed(tmp_path: Path, content: bytes, name: str = "ntdll.pdb") -> hd.SymbolStore:
    folder = tmp_path / f"changed{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    (folder / name).write_bytes(content)
    return hd.symbols(folder)


BOTH = ("ntdll/ntdll.pdb", "ntdll/wntdll.pdb")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(map(str, kind.values())))
def test_the_symbols_of_ntdll_read_what_no_table_knows(kind: dict[str, Any], tmp_path: Path) -> None:
    answer, before = write(tmp_path, **kind)
    assert set(before.heaps["trust"]) == {"unproved"}
    assert before.allocations.is_empty()
    dump = before.with_symbols(store(tmp_path, *BOTH))
    written = set(answer.busy.select("heap", "address", "requested_bytes", "front_end").rows())
    assert busy_of(dump) == written
    naive = naive_heap.find(naive_heap.Dump(answer.path))
    assert {(h.base, b.address, b.requested, b.front_end) for h in naive for b in h.blocks} == written
    assert set(dump.heaps["trust"]) == {"proved"}
    assert dump.heap_issues.filter(pl.col("severity") != "info").is_empty()
    for bits, layout, proof in dump.heaps.select("bits", "layout", "proof").iter_rows():
        name = "ntdll.pdb" if bits == 64 else "wntdll.pdb"
        assert layout.startswith(f"{name} 706165686564746C61206E74646C")
        assert layout.endswith(f"1, {bits}-bit")
        assert proof.endswith(f"layout known from the types of {layout.split(',')[0]}; no known layout fits")
    add_up(dump)
    assert set(before.heaps["trust"]) == {"unproved"}, "the dump itself stays what it was"


def test_other_symbols_change_nothing(tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    other = programs.content("ntdll/ntdll.pdb").replace(GUID, b"heapdelta other!")
    for symbols in (changed(tmp_path, other), store(tmp_path, "x64/server.pdb", "ntdll/wntdll.pdb")):
        named = dump.with_symbols(symbols, by_name=True)
        assert named._walks is dump._walks
        assert set(named.heaps["trust"]) == {"unproved"}
    _, known = write(tmp_path, windows="10")
    assert known.with_symbols(store(tmp_path, *BOTH))._walks is known._walks


def test_symbols_without_types_are_an_issue(tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    public = programs.content("public/server.pdb")
    own = bytes.fromhex(programs.expected("x64")["id"][:32])
    guid = own[3::-1] + own[5:3:-1] + own[7:5:-1] + own[8:]
    assert guid in public
    named = dump.with_symbols(changed(tmp_path, public.replace(guid, GUID)))
    issues = named.heap_issues.filter(kind="heap_symbols")
    assert issues["severity"].to_list() == ["warning"]
    assert issues["text"].item().endswith("it has no types")
    assert set(named.heaps["trust"]) == {"unproved"}


def test_a_structure_that_is_missing_is_named(tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    content = programs.content("ntdll/ntdll.pdb").replace(b"FrontEndHeapType\0", b"FrontEndHeapKind\0")
    named = dump.with_symbols(changed(tmp_path, content))
    assert named.heap_issues.filter(kind="heap_symbols")["text"].item().endswith("its _HEAP has no FrontEndHeapType")


def test_symbols_of_any_bytes_are_no_harm(tmp_path: Path) -> None:
    answer, dump = write(tmp_path)
    written = set(answer.busy.select("heap", "address", "requested_bytes", "front_end").rows())
    content = programs.content("ntdll/ntdll.pdb")
    places = [at for at in range(0, len(content), 31) if any(content[at - 8 : at + 8])]
    read = 0
    for at in places[::3]:
        spoiled = bytearray(content)
        spoiled[at] ^= 0xFF
        named = dump.with_symbols(changed(tmp_path, bytes(spoiled)))
        add_up(named)
        if set(named.heaps["trust"]) == {"proved"}:
            assert busy_of(named) == written
            read += 1
    assert 0 < read < len(places)
