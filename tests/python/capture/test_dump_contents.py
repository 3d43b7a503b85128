"""Names of what blocks begin with: the classes that were written, by symbols of the right build and by no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import heapdelta as hd
import named_heaps
import polars as pl
import pytest
from heapdelta import exceptions, testing
from heapdelta._symbols import of_contents
from named_heaps import CULPRIT

SMALL = 60
KINDS: list[dict[str, Any]] = [
    {"windows": "10", "pointer_width": 64},
    {"windows": "10", "pointer_width": 32},
    {"windows": "7", "wow64": True},
]


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return testing.write_symbols(tmp_path_factory.mktemp("symbols"))


def write(tmp_path: Path, **options: Any) -> tuple[testing.HeapDumpAnswer, hd.Dump]:
    # Nothing can be written on Windows where a dump is read.
    path = tmp_path / f"heaps{len(list(tmp_path.iterdir()))}.dmp"
    answer = testing.write_heap_dump(path, stack_count=SMALL, **({"step": 1} | options))
    return answer, hd.read_dump(answer.path)


def named_of(dump: hd.Dump) -> dict[int, tuple[str | None, int]]:
    """Name and blocks of each vtable."""
    rows = dump.contents.filter(begins_with="vtable").group_by("target")
    sums = rows.agg(pl.col("target_name").first(), pl.col("allocation_count").sum())
    return {target: (name, count) for target, name, count in sums.rows()}


def written_of(answer: testing.HeapDumpAnswer) -> dict[int, tuple[str | None, int]]:
    rows = answer.busy.filter(content="vtable").group_by("first_word")
    sums = rows.agg(pl.col("target_name").first(), pl.len())
    return {word: (name, count) for word, name, count in sums.rows()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(map(str, kind.values())))
def test_vtables_have_the_names_of_the_classes_that_were_written(
    kind: dict[str, Any], symbols: Path, tmp_path: Path
) -> None:
    answer, dump = write(tmp_path, **kind)
    named = dump.with_symbols(hd.symbols(symbols))
    assert named_of(named) == written_of(answer)
    known = [name for name, _ in named_of(named).values() if name is not None]
    assert len(known) > 5
    assert len(set(known)) == len(known)
    # What is no vtable has no name here: functions are no data.
    assert named.contents.filter(pl.col("begins_with") != "vtable")["target_name"].null_count() == len(
        named.contents.filter(pl.col("begins_with") != "vtable")
    )
    ranking = named.by("content")
    assert ranking.columns[:4] == ["begins_with", "module", "module_offset", "target_name"]
    assert ranking["allocation_count"].sum() == answer.busy.height
    # Without symbols all is as with them, but for the names.
    assert dump.contents.drop("target_name").equals(named.contents.drop("target_name"))
    assert dump.by("content").equals(ranking.with_columns(pl.lit(None, pl.String).alias("target_name")))
    assert dump.content_symbols.is_empty()
    assert dump.content_notes == []
    assert pl.DataFrame(named.arrow("contents")).equals(named.contents)


def test_it_is_said_where_names_are_from_and_which_are_lacking(symbols: Path, tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    named = dump.with_symbols(hd.symbols(symbols))
    told = named.content_symbols
    of_culprit = told.filter(module=CULPRIT).row(0, named=True)
    assert (of_culprit["match"], of_culprit["kind"], of_culprit["named_count"]) == ("id", "breakpad", 3)
    lacking = told.filter(pl.col("match").is_in(["none", "mismatch"]))["module"].to_list()
    assert lacking
    assert CULPRIT not in lacking
    assert named.content_notes == [
        f"no symbols of the right build were found for {', '.join(lacking)}: what begins there has no name "
        "(content_symbols says why)"
    ]


def test_symbols_of_another_build_name_nothing(symbols: Path, tmp_path: Path) -> None:
    answer, dump = write(tmp_path)
    other = named_heaps.rebuilt(symbols, tmp_path / "other", named_heaps.tables(symbols))
    named = dump.with_symbols(hd.symbols(other))
    assert {name for name, _ in named_of(named).values()} == {None}
    assert named.content_symbols.filter(module=CULPRIT)["match"].to_list() == ["mismatch"]
    assert named.content_notes[0].startswith("no symbols of the right build were found for ")
    # The dump knows the build, so that no wish makes the file the right one.
    assert {name for name, _ in named_of(dump.with_symbols(hd.symbols(other), by_name=True)).values()} == {None}
    dump.close()  # Windows lets nobody write into a file that is mapped.
    named_heaps.of_other_build(answer.path, symbols)
    right = hd.read_dump(answer.path).with_symbols(hd.symbols(other))
    names = {name for name, _ in named_of(right).values()} - {None}
    assert names == {name for name in answer.busy.filter(content="vtable")["target_name"].unique() if name} & names
    assert "Thumbnail" in names


def test_a_place_of_several_classes_has_all_their_names(symbols: Path, tmp_path: Path) -> None:
    answer, dump = write(tmp_path)
    at = min(named_heaps.tables(symbols))
    folded = {at: f"??_7PagePreview@@6B@\nPUBLIC {at:x} 0 ??_7Alike@@6B@", at + 0x41: "??_7Between@@6B@"}
    other = named_heaps.rebuilt(symbols, tmp_path / "other", folded)
    dump.close()
    named_heaps.of_other_build(answer.path, symbols)
    named = hd.read_dump(answer.path).with_symbols(hd.symbols(other))
    rows = named.by("content").filter(module=CULPRIT, begins_with="vtable").sort("module_offset")
    # The second table is 0x40 behind the first, and a symbol one byte further is not its name.
    assert rows["target_name"].to_list() == ["Alike | PagePreview", None, None]


def test_a_module_that_is_gone_has_no_vtables(symbols: Path, tmp_path: Path) -> None:
    answer, dump = write(tmp_path)
    dump.close()
    named_heaps.without_module(answer.path)
    named = hd.read_dump(answer.path).with_symbols(hd.symbols(symbols))
    assert named.by("content").filter(module=CULPRIT).is_empty()
    assert named.by("content")["allocation_count"].sum() == answer.busy.height


def test_a_closed_dump_keeps_the_names_it_was_asked_for(symbols: Path, tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    named, late = (dump.with_symbols(hd.symbols(symbols)) for _ in range(2))
    rows = named.contents
    dump.close()
    assert named.contents is rows
    # The walk is shared, and the names come from the symbols.
    assert late.contents.equals(rows)
    other = hd.read_dump(dump.path or "").with_symbols(hd.symbols(symbols))
    other.close()
    with pytest.raises(exceptions.ClosedError):
        _ = other.contents


def test_names_that_are_less_than_certain_are_told() -> None:
    rows = pl.DataFrame({"module": ["a", "b", "c"], "match": ["name", "image", "id"], "named_count": [1, 1, 1]})
    assert of_contents.notes([rows, rows.clear()]) == [
        "names in a are of symbols that nothing but their name shows to be of this build: they may be wrong"
    ]
    assert of_contents.notes([rows.clear()]) == []
