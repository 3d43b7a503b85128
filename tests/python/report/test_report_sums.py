"""Numbers of a report: those of the rankings, however much is folded away."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.exceptions import OptionError
from hypothesis import given, settings
from hypothesis import strategies as st
from small_hogs import hogs
from small_log import NTDLL_FRAME, Log
from unpacked import Reader, data_of, stacks_of, sums_by_module


def page_of(view, folder: Path, **options) -> str:
    return hd.report(view, folder / "case.html", **options).path.read_text(encoding="utf-8")


def names_of(ranking: pl.DataFrame) -> list[str]:
    return ranking.select(pl.coalesce("module", pl.format("({})", "status"))).to_series().to_list()


@pytest.mark.parametrize("stacks", [0, 1, 7, 5000, None])
def test_sums_of_modules_are_exact_however_many_stacks_are_folded(delta: hd.Delta, stacks, tmp_path: Path) -> None:
    data = data_of(page_of(delta, tmp_path, stacks=stacks))
    columns = ["requested_bytes_before", "requested_bytes_after", "requested_bytes_grown", "requested_bytes_shrunk"]
    ranking = delta.by("module").with_columns(pl.coalesce("module", "status").alias("name"))
    expected = {row[0]: tuple(row[1:]) for row in ranking.select("name", *columns).iter_rows()}
    assert sums_by_module(data) == expected
    assert len(data["stacks"]["length"]) <= (stacks if stacks is not None else 1 << 30)


def test_paths_are_those_of_the_tree(delta: hd.Delta, tmp_path: Path) -> None:
    stacks = stacks_of(data_of(page_of(delta, tmp_path, stacks=None)))
    tree = delta.tree(direction="inward")
    own: dict[tuple[str, ...], int] = {}
    for stack in stacks:
        own[stack["path"]] = own.get(stack["path"], 0) + stack["after"] - stack["before"]
    found: dict[tuple[str, ...], int] = {}
    open_: dict[int, tuple[str, ...]] = {0: ()}
    for row in tree.slice(1).iter_rows(named=True):
        path = (*open_[row["parent_id"]], row["function"] or row["kind"])
        open_[row["node_id"]] = path
        if row["self_requested_bytes_delta"]:
            found[path] = row["self_requested_bytes_delta"]
    assert {path: size for path, size in own.items() if size} == found


def test_a_log_carries_what_it_holds(logs, tmp_path: Path) -> None:
    live = logs[1].live()
    data = data_of(page_of(logs[1], tmp_path))
    assert data["live"]
    held = {name: after for name, (_, after, _, _) in sums_by_module(data).items()}
    ranking = live.by("module").with_columns(pl.coalesce("module", "status").alias("name"))
    assert held == dict(ranking.select("name", "requested_bytes").iter_rows())


def test_table_of_modules_has_all_of_them_and_adds_up(delta: hd.Delta, tmp_path: Path) -> None:
    read = Reader(page_of(delta, tmp_path))
    ranking = delta.by("module")
    whole = read.rows("modules-all-table")
    assert list(whole) == names_of(ranking)
    for name, row in zip(whole, ranking.iter_rows(named=True), strict=True):
        assert whole[name].exact[1] == row["requested_bytes_delta"]
        assert whole[name].exact[5] == row["allocation_count_delta"]
    few = read.tables["modules-table"][1:]
    for column in (1, 2, 3, 5, 6, 7):
        parts = [row.exact[column] for row in few if row.kind != "total"]
        assert sum(parts) == few[-1].exact[column]
    assert few[-2].texts[0].startswith("smaller: ")
    assert few[-1].exact[1] == delta.total["requested_bytes_delta"].item()


def test_what_changed_and_came_back_is_among_the_first(delta: hd.Delta, tmp_path: Path) -> None:
    first = Reader(page_of(delta, tmp_path)).rows("modules-table")
    change = pl.col("requested_bytes_grown") - pl.col("requested_bytes_shrunk")
    assert set(names_of(delta.by("module").sort(change, descending=True).head(3))) <= set(first)


def test_filters_are_those_of_the_view(delta: hd.Delta, tmp_path: Path) -> None:
    view = delta.filter(focus="fhpreview")
    text = page_of(view, tmp_path)
    sums = sums_by_module(data_of(text))
    assert sum(after - before for before, after, _, _ in sums.values()) == view.total["requested_bytes_delta"].item()
    assert "left out by filters" in text


@pytest.mark.parametrize("size", [(1 << 53) - 1, 1 << 53, 1 << 62, (1 << 63) + 5, (1 << 64) - 1])
def test_sizes_that_a_browser_cannot_add_up_have_no_graph(size: int, tmp_path: Path) -> None:
    stacks = {"1": [NTDLL_FRAME]}
    delta = hd.diff(Log([], stacks).read(), Log([(0x10000, "1", size, 0)], stacks).read())
    page = page_of(delta, tmp_path)
    assert ("stacks-data" in Reader(page).text or 'class="stacks-data"' in page) == (size < 1 << 53)
    assert ("does not add exactly" in page) == (size >= 1 << 53)


def test_a_number_of_stacks_below_none_is_refused(delta: hd.Delta, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected stacks from 0 on, found -1"):
        hd.report(delta, tmp_path / "x.html", stacks=-1)
    assert not (tmp_path / "x.html").exists()


ids = st.sampled_from(["1", "2", "3", "4", "5"])
frames = st.lists(
    st.sampled_from(["ntdll!RtlAllocateHeap", "app!main", "APP!load", "net!read"]), min_size=1, max_size=5
)
held = st.dictionaries(ids | st.just("0"), st.integers(0, 1 << 20))


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(ids, frames), held, held, st.integers(0, 4))
def test_any_two_logs(tmp_path_factory: pytest.TempPathFactory, stacks, old, new, most: int) -> None:
    delta = hd.diff(*(hd.read_log(hogs(side, stacks, pid=812).encode()) for side in (old, new)))
    sums = sums_by_module(data_of(page_of(delta, tmp_path_factory.mktemp("any"), stacks=most)))
    for row in delta.by("module").iter_rows(named=True):
        expected = tuple(row[f"requested_bytes_{part}"] for part in ("before", "after", "grown", "shrunk"))
        assert sums.pop(row["module"] or row["status"], (0, 0, 0, 0)) == expected
    assert all(numbers == (0, 0, 0, 0) for numbers in sums.values())
