"""What two dumps say about growth: against the counted answers of the story, and against sums made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dumps"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.DumpInvestigation:
    return testing.write_dump_investigation(tmp_path_factory.mktemp("story"), steps=3)


@pytest.fixture(scope="module")
def dumps(story: testing.DumpInvestigation) -> list[hd.Dump]:
    return [_dump(path) for path in story.paths]


def _dump(path: Path) -> hd.Dump:
    dump = hd.read(path)
    assert isinstance(dump, hd.Dump)
    return dump


def _diff(before: hd.Dump, after: hd.Dump) -> hd.DumpDelta:
    delta = hd.diff(before, after)
    assert isinstance(delta, hd.DumpDelta)
    return delta


def _changes(table: pl.DataFrame, key: str, number: str) -> dict[Any, int]:
    changed = table.filter(pl.col(f"{number}_delta") != 0)
    return dict(changed.select(key, f"{number}_delta").rows())


def test_classes_handles_threads_and_modules_are_those_that_were_counted_while_writing(
    story: testing.DumpInvestigation, dumps: list[hd.Dump]
) -> None:
    before, after = story.answers[:2]
    delta = _diff(dumps[0], dumps[1])
    classes = delta.by("region_class")
    for side, answer in (("before", before), ("after", after)):
        for measure in ("committed_bytes", "reserved_bytes", "region_count"):
            expected = {name: getattr(totals, measure) for name, totals in answer.classes.items()}
            assert dict(classes.select("region_class", f"{measure}_{side}").rows()) == expected
        handles = delta.by("handle_type").filter(pl.col(f"handle_count_{side}") > 0)
        assert dict(handles.select("handle_type", f"handle_count_{side}").rows()) == answer.handle_types
        threads = delta.by("thread_start").filter(pl.col(f"thread_count_{side}") > 0)
        assert dict(threads.select("thread_start", f"thread_count_{side}").rows()) == answer.thread_starts
        modules = delta.by("module").filter(pl.col(f"image_bytes_{side}") > 0)
        assert dict(modules.select("module", f"image_bytes_{side}").rows()) == answer.modules
    assert _changes(delta.by("module"), "module", "image_bytes") == story.module_growth
    assert _changes(delta.by("handle_type"), "handle_type", "handle_count") == story.handle_growth


def test_counters_show_the_growth_of_the_process(story: testing.DumpInvestigation, dumps: list[hd.Dump]) -> None:
    before, after = story.answers[:2]
    private = _diff(dumps[0], dumps[1]).counters.filter(pl.col("counter") == "private_usage").row(0, named=True)
    assert (private["value_before"], private["value_after"]) == (before.private_usage, after.private_usage)
    assert private["value_delta"] == after.private_usage - before.private_usage


def test_modules_that_came_or_went_are_named(dumps: list[hd.Dump]) -> None:
    modules = _diff(dumps[0], dumps[1]).by("module")
    changed = modules.filter(pl.col("change") != "same").select("change", "module").rows()
    assert set(changed) == {("loaded", "fhexport"), ("unloaded", "fhprint"), ("unloaded earlier", "fhsetup")}


@pytest.mark.parametrize("kind", ["region_class", "allocation_base"])
def test_regions_add_up_to_the_total_and_to_the_table(dumps: list[hd.Dump], kind: str) -> None:
    delta = _diff(dumps[0], dumps[2])
    sums = delta.by(kind).select(pl.col(delta.total.columns).sum())
    assert sums.rows() == delta.total.rows()
    for side, dump in (("before", dumps[0]), ("after", dumps[2])):
        committed: int = sum(row["size"] for row in dump.regions.iter_rows(named=True) if row["state"] == "commit")
        assert delta.total[f"committed_bytes_{side}"].item() == committed


def test_allocations_of_one_process_are_compared_by_address_as_by_hand(dumps: list[hd.Dump]) -> None:
    before, after = ({}, {})
    for sums, dump in ((before, dumps[0]), (after, dumps[1])):
        for row in dump.regions.filter(pl.col("state") != "free").iter_rows(named=True):
            pair = sums.setdefault(row["allocation_base"], [0, 0])
            pair[row["state"] != "commit"] += row["size"]
    table = _diff(dumps[0], dumps[1]).by("allocation_base")
    assert table.height == len(before.keys() | after.keys())
    for row in table.iter_rows(named=True):
        old, new = before.get(row["allocation_base"]), after.get(row["allocation_base"])
        assert [row["committed_bytes_before"], row["reserved_bytes_before"]] == (old or [0, 0])
        assert [row["committed_bytes_after"], row["reserved_bytes_after"]] == (new or [0, 0])
        assert (row["change"] == "new", row["change"] == "gone") == (old is None, new is None)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside the project: ../shared/corpus")
@pytest.mark.parametrize("kind", ["region_class", "module", "handle_type", "thread_start"])
def test_real_dumps_of_different_programs_compare_as_far_as_they_can(kind: str) -> None:
    paths = [CORPUS / name for name in ("win10-x64-14threads-vmcounters.dmp", "win11-x64-all-streams.dmp")]
    delta = _diff(*(_dump(path) for path in paths))
    table = delta.by(kind)
    assert table.height > 0
    assert not delta.same_process
    assert any("different programs" in note for note in delta.notes)
    lists = {"region_class": "regions", "module": "modules", "handle_type": "handles", "thread_start": "threads"}
    for side, dump in (("before", delta.before), ("after", delta.after)):
        empty = getattr(dump, lists[kind]).height == 0
        first = next(name for name in table.columns if name.endswith(f"_{side}") and table[name].dtype == pl.UInt64)
        assert empty == (table[first].null_count() == table.height) or kind == "module"
