"""`series` of dumps by what their heaps hold: sums at every point, null where not all is known."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import named_heaps
import polars as pl
import pytest
from heapdelta import exceptions, testing

STEPS = 7


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.HeapDumps:
    return testing.write_heap_dumps(tmp_path_factory.mktemp("heaps"), steps=STEPS, stack_count=30, gflags=())


@pytest.fixture(scope="module")
def dumps(story: testing.HeapDumps) -> list[hd.Dump]:
    return [hd.read_dump(answer.path) for answer in story.dumps]


@pytest.mark.parametrize(("by", "key", "written"), [("heap", "heap_base", "heap"), ("size", "size", "requested_bytes")])
def test_every_point_has_the_sums_that_were_written(
    story: testing.HeapDumps, dumps: list[hd.Dump], by: str, key: str, written: str
) -> None:
    table = hd.series(dumps, by=by).table()
    assert table["value"].null_count() == 0
    for point, answer in enumerate(story.dumps):
        sums: dict[int, int] = {}
        for name, size in answer.busy.select(pl.col(written).alias("name"), "requested_bytes").iter_rows():
            sums[name] = sums.get(name, 0) + size
        rows = table.filter(pl.col("point") == point)
        assert {name: value for name, value in rows.select(key, "value").iter_rows() if value} == sums


def test_a_series_keeps_no_walk(story: testing.HeapDumps) -> None:
    fresh = [hd.read_dump(answer.path) for answer in story.dumps[:2]]
    hd.series(fresh, by="size").table()
    assert not any(dump._walks.done for dump in fresh)


def test_growth_has_verdicts(dumps: list[hd.Dump]) -> None:
    for by in ("heap", "size", "size_class", "content", "region_class"):
        series = hd.series(dumps, by=by)
        growth = series.growth(warm_up_hours=0)
        assert growth.height
        assert growth["verdict"].null_count() == 0
        assert growth.columns[0] == "run"
        assert repr(series).startswith(f"<DumpSeries by {by}: {STEPS} dumps")
        assert series._repr_html_()
    heaps = hd.series(dumps, by="heap").growth(warm_up_hours=0)
    assert "leak" in set(heaps["verdict"])


def test_a_dump_that_does_not_tell_all_is_no_point(dumps: list[hd.Dump], tmp_path: Path) -> None:
    cut = testing.write_heap_dump(tmp_path / "cut.dmp", step=2, stack_count=30, damage="missing-segment")
    mixed = [*dumps[:2], hd.read_dump(cut.path), *dumps[3:]]
    sizes = hd.series(mixed, by="size")
    assert set(sizes.table().filter(pl.col("value").is_null())["point"]) == {2}
    assert any("not all are known in 1 dump (point 2)" in note for note in sizes.notes)
    heaps = hd.series(mixed, by="heap")
    values = heaps.table().filter(pl.col("point") == 2)["value"]
    assert 0 < values.null_count() < len(values)


def test_logs_and_dumps_are_followed_by_what_they_have(dumps: list[hd.Dump], story: testing.HeapDumps) -> None:
    with pytest.raises(
        exceptions.OptionError, match="expected counter, heap, size, size_class, content, source or region_class"
    ):
        hd.series(dumps, by="module")
    logs = [hd.read_log(answer.path) for answer in story.logs[:2]]
    with pytest.raises(exceptions.OptionError, match="expected two dumps or more, found 0"):
        hd.series(logs, by="size")


def test_classes_have_names_where_some_dumps_know_them(
    dumps: list[hd.Dump], story: testing.HeapDumps, tmp_path: Path
) -> None:
    store = hd.symbols(testing.write_symbols(tmp_path / "symbols"))
    plain = hd.series(dumps, by="content").table()
    # One dump that knows the names is enough: a place is one class in all of them.
    known = [dump.with_symbols(store) if point == STEPS - 1 else dump for point, dump in enumerate(dumps)]
    series = hd.series(known, by="content")
    table = series.table()
    assert table.drop("target_name").equals(plain.drop("target_name"))
    assert plain["target_name"].null_count() == plain.height
    for point, answer in enumerate(story.dumps):
        sums: dict[str, int] = {}
        for name, size in answer.busy.drop_nulls("target_name").select("target_name", "requested_bytes").iter_rows():
            sums[name] = sums.get(name, 0) + size
        rows = table.filter(pl.col("point") == point).drop_nulls("target_name")
        found = {name: value for name, value in rows.select("target_name", "value").iter_rows() if value}
        assert found == {name: size for name, size in sums.items() if name in found}
    last = {name for name in story.dumps[-1].busy["target_name"] if name is not None}
    assert last <= set(table["target_name"])
    assert any(note.startswith("no symbols of the right build were found for") for note in series.notes)
    leak = series.growth(warm_up_hours=0).filter(begins_with="vtable").row(0, named=True)
    assert (leak["module"], leak["target_name"], leak["verdict"]) == ("fhpreview", "Shared<Thumbnail>", "leak")


def test_a_class_of_one_build_names_no_place_of_another(story: testing.HeapDumps, tmp_path: Path) -> None:
    symbols = testing.write_symbols(tmp_path / "symbols")
    store = hd.symbols(symbols)
    other = tmp_path / "other.dmp"
    other.write_bytes(Path(story.dumps[1].path).read_bytes())
    named_heaps.of_other_build(other, symbols)
    dumps = [hd.read_dump(story.dumps[0].path).with_symbols(store), hd.read_dump(other)]
    series = hd.series(dumps, by="content")
    rows = series.table().filter(module="fhpreview", begins_with="vtable")
    held = rows.filter(pl.col("value") > 0)
    assert held.filter(point=0)["target_name"].null_count() == 0
    assert held.filter(point=1)["target_name"].null_count() == held.filter(point=1).height > 0
    assert any(note.startswith("fhpreview is of several builds") for note in series.notes)
