"""`chart.heap_map` and `chart.fragmentation`: cells that add up to the segments, bars that add up to the heaps."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart, exceptions, testing
from heapdelta.chart._heap_cells import KINDS, layout, merged


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> hd.Dump:
    return hd.read_dump(testing.write_heap_dump(tmp_path_factory.mktemp("heaps") / "heaps.dmp", stack_count=60).path)


def test_cells_add_up_to_the_segments(dump: hd.Dump) -> None:
    for heap in dump.heaps.iter_rows(named=True):
        found = layout(dump, heap["heap_id"])
        of_heap = dump.segments.filter((pl.col("heap_id") == heap["heap_id"]) & (pl.col("kind") != "large"))
        sums = dict(zip(KINDS, map(sum, zip(*(cell.parts for cell in found.cells), strict=True)), strict=True))
        for kind in ("busy", "unknown"):
            assert sums[kind] == of_heap[f"{kind}_bytes"].sum(), (kind, heap["base"])
        for kind in ("free", "overhead"):
            assert abs(sums[kind] - of_heap[f"{kind}_bytes"].sum()) <= 8 * 10, (kind, heap["base"])
        assert all(sum(cell.parts) == cell.size for cell in found.cells)
        # What is not committed at the end of a segment is left out.
        assert sums["uncommitted"] <= of_heap["uncommitted_bytes"].sum()
        together = merged(found.cells)
        assert sum(cell.size for cell in together) == sum(cell.size for cell in found.cells)
        assert len(found.cells) <= 1_500


def test_a_map_is_of_the_heap_that_is_asked_for(dump: hd.Dump) -> None:
    first = dump.by("heap")["heap_base"][0]
    assert chart.heap_map(dump).to_dict()["title"]["text"].startswith(f"Heap {first:X} of ")
    last = dump.by("heap")["heap_base"][-1]
    assert chart.heap_map(dump, last).to_dict()["title"]["text"].startswith(f"Heap {last:X} of ")
    with pytest.raises(exceptions.OptionError, match=r"expected the address of a heap .*, found 0x7"):
        chart.heap_map(dump, 7)
    with pytest.raises(TypeError, match="expected a Dump, found str"):
        chart.heap_map("heaps.dmp")


def test_bars_add_up_to_what_is_committed(dump: hd.Dump) -> None:
    drawn = chart.fragmentation(dump).to_dict()
    parts = pl.DataFrame(drawn["datasets"]["parts"]).with_columns(share=pl.col("end") - pl.col("begin"))
    for _, shares in parts.group_by("heap"):
        assert shares["share"].sum() == pytest.approx(100)
    assert len(drawn["datasets"]["heaps"]) == dump.heaps.height
    few = chart.fragmentation(dump, top=2).to_dict()["datasets"]["heaps"]
    assert few[-1]["heap"] == f"{dump.heaps.height - 2} more"


def test_a_dump_without_heaps_is_refused_with_what_would_help(tmp_path: Path) -> None:
    paths = testing.write_dump_investigation(tmp_path, stack_count=20).paths
    for draw in (chart.heap_map, chart.fragmentation):
        with pytest.raises(exceptions.OptionError, match="expected a dump with heaps that can be read") as caught:
            draw(hd.read_dump(paths[0]))
        assert "procdump -ma" in str(caught.value.hint)
