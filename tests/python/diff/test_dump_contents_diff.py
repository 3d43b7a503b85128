"""Classes of two dumps: by place in one build, by name across two builds, and by nothing that is a guess."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import named_heaps
import polars as pl
import pytest
from heapdelta import testing
from named_heaps import CULPRIT

GROWN = ["requested_bytes_delta", "allocation_count_delta"]


@pytest.fixture
def story(tmp_path: Path) -> testing.HeapDumps:
    return testing.write_heap_dumps(tmp_path / "heaps", stack_count=60, gflags=())


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return testing.write_symbols(tmp_path_factory.mktemp("symbols"))


def growth_of(story: testing.HeapDumps) -> dict[str, list[int]]:
    """Sum up what was written of each class, by hand."""
    sums: dict[str, list[int]] = {}
    for sign, answer in ((-1, story.dumps[0]), (1, story.dumps[1])):
        for row in answer.busy.filter(content="vtable").drop_nulls("target_name").iter_rows(named=True):
            amount = sums.setdefault(row["target_name"], [0, 0])
            amount[0] += sign * row["requested_bytes"]
            amount[1] += sign
    return sums


def found_of(ranking: pl.DataFrame) -> dict[str, list[int]]:
    rows = ranking.drop_nulls("target_name")
    assert rows["target_name"].is_unique().all()
    return {name: [size, count] for name, size, count in rows.select("target_name", *GROWN).rows()}


def test_the_leak_is_found_by_its_class(story: testing.HeapDumps, symbols: Path) -> None:
    store = hd.symbols(symbols)
    delta = hd.diff(*(hd.read_dump(path).with_symbols(store) for path in (story.before, story.after)))
    ranking = delta.by("content")
    assert found_of(ranking) == growth_of(story)
    objects = ranking.filter(begins_with="vtable").row(0, named=True)
    assert (objects["module"], objects["target_name"]) == (CULPRIT, "Thumbnail")
    plain = hd.diff(hd.read_dump(story.before), hd.read_dump(story.after)).by("content")
    assert plain["target_name"].null_count() == plain.height
    columns = [name for name in ranking.columns if name != "target_name"]
    assert plain.select(columns).equals(ranking.select(columns))


@pytest.mark.parametrize("side", [0, 1])
def test_names_of_one_side_are_those_of_both(side: int, story: testing.HeapDumps, symbols: Path) -> None:
    dumps = [hd.read_dump(story.before), hd.read_dump(story.after)]
    both = hd.diff(*(dump.with_symbols(hd.symbols(symbols)) for dump in dumps)).by("content")
    dumps[side] = dumps[side].with_symbols(hd.symbols(symbols))
    one = hd.diff(*dumps).by("content")
    columns = [name for name in both.columns if name != "target_name"]
    assert one.select(columns).equals(both.select(columns))
    assert set(one["target_name"].drop_nulls()) <= set(both["target_name"].drop_nulls())
    if side == 1:
        assert "Thumbnail" in set(one["target_name"])


def moved(story: testing.HeapDumps, symbols: Path, tmp_path: Path) -> Path:
    """Let the second dump be of a build in which each class has the place of another."""
    own = named_heaps.tables(symbols)
    # The objects of the dump point where they did; what lies there is the class after the one before.
    names = list(own.values())
    other = named_heaps.rebuilt(symbols, tmp_path / "other", dict(zip(own, [*names[1:], names[0]], strict=True)))
    named_heaps.of_other_build(story.after, symbols)
    return other


def test_classes_of_two_builds_compare_by_name(story: testing.HeapDumps, symbols: Path, tmp_path: Path) -> None:
    other = moved(story, symbols, tmp_path)
    dumps = [hd.read_dump(story.before), hd.read_dump(story.after)]
    delta = hd.diff(dumps[0].with_symbols(hd.symbols(symbols)), dumps[1].with_symbols(hd.symbols(other, symbols)))
    rows = delta.by("content").filter(module=CULPRIT, begins_with="vtable")
    sides = [
        {
            (name, place): count
            for name, place, count in dump.by("content")
            .filter(module=CULPRIT, begins_with="vtable")
            .select("target_name", "module_offset", "allocation_count")
            .rows()
        }
        for dump in (delta.before, delta.after)
    ]
    names = [{name for name, _ in side} for side in sides]
    assert names[0] != names[1]
    expected = {}
    for number, side in enumerate(sides):
        for (name, place), count in side.items():
            key = (name, None if name in names[0] & names[1] else place)
            expected.setdefault(key, [0, 0])[number] += count
    counts = ["allocation_count_before", "allocation_count_after"]
    found = {
        (name, place): [before, after]
        for name, place, before, after in rows.select("target_name", "module_offset", *counts).rows()
    }
    assert found == expected
    assert delta.by("content")["allocation_count_after"].sum() == story.dumps[1].busy.height
    note = next(note for note in delta.heap_notes if "built anew" in note)
    assert note == (
        f"{CULPRIT} was built anew between the dumps: what blocks begin with there is compared by the names that "
        "symbols of both builds have for it"
    )


def test_without_symbols_of_both_builds_it_is_said_that_places_do_not_compare(
    story: testing.HeapDumps, symbols: Path, tmp_path: Path
) -> None:
    moved(story, symbols, tmp_path)
    before, after = hd.read_dump(story.before), hd.read_dump(story.after)
    plain = hd.diff(before, after)
    assert any("offsets of the two builds do not compare" in note for note in plain.heap_notes)
    assert plain.by("content")["allocation_count_after"].sum() == story.dumps[1].busy.height
    # With names on one side, what has one is not what has none.
    half = hd.diff(before.with_symbols(hd.symbols(symbols)), after)
    rows = half.by("content").filter(module=CULPRIT, begins_with="vtable")
    named = pl.col("target_name").is_not_null()
    assert rows.filter(named)["allocation_count_after"].sum() == 0
    assert rows.filter(~named)["allocation_count_before"].sum() == 0
    assert half.by("content")["allocation_count_after"].sum() == story.dumps[1].busy.height
