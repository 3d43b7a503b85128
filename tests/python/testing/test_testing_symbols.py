"""Symbols of the synthetic server: they are those of its logs and its dumps, and say what resolved logs say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = ["fhlicence", "marlinsql"]


def of_the_server(table: pl.DataFrame) -> pl.DataFrame:
    """Rows of modules that have symbols."""
    made_here = pl.col("module").str.starts_with("f") | pl.col("module").is_in(["osprxml", "marlinsql"])
    return table.filter(made_here & ~pl.col("module").is_in(WITHOUT))


def test_a_log_and_a_dump_of_the_process_name_the_same_builds(tmp_path: Path) -> None:
    store = hd.symbols(testing.write_symbols(tmp_path / "symbols"))
    log = hd.read_log(testing.write_log(tmp_path / "before.txt", seed=2).path)
    dump = hd.read_dump(testing.write_dump(tmp_path / "before.dmp", seed=2).path)
    for capture, match in ((log, "id_from_log"), (log.with_modules(dump), "id"), (dump, "id")):
        found = of_the_server(capture.with_symbols(store).symbols)
        assert set(found.select("match", pl.col("named_count") == pl.col("frame_count")).rows()) == {(match, True)}


def test_functions_are_those_that_a_resolved_log_names(tmp_path: Path) -> None:
    store = hd.symbols(testing.write_symbols(tmp_path / "symbols"))
    named = hd.read_log(testing.write_log(tmp_path / "umdh2.txt").path).with_symbols(store)
    resolved = hd.read_log(testing.write_log(tmp_path / "umdh1.txt", dialect="umdh1").path)
    # The older tool prints 16 frames of a stack.
    names = []
    for log in (named, resolved):
        printed = log.frames.filter(pl.col("frame_id").is_in(log.stacks["frame_ids"].list.head(16).explode().implode()))
        names.append(set(of_the_server(printed).select("module", "function").rows()))
    assert names[0] == names[1]


def test_frames_have_lines_and_inlined_calls(tmp_path: Path) -> None:
    store = hd.symbols(testing.write_symbols(tmp_path / "symbols"))
    log = hd.read_log(testing.write_log(tmp_path / "before.txt").path).with_symbols(store)
    leak = log.frames.filter(module="fhpreview", function="Thumbnail::Insert", offset=0x8C)
    file = r"D:\fernhollow\fhpreview\thumbnail.cpp"
    assert leak.select("file", "source_line").rows() == [(file, 184)]
    calls = log.inlines.filter(frame_id=leak["frame_id"].item())
    assert calls.select("depth", "function", "file", "source_line").rows() == [(0, "Thumbnail::Keep", file, 12)]


def test_a_dump_names_where_its_threads_began(tmp_path: Path) -> None:
    store = hd.symbols(testing.write_symbols(tmp_path / "symbols"))
    dump = hd.read_dump(testing.write_dump(tmp_path / "after.dmp", step=1).path).with_symbols(store)
    starts = dump.addresses.filter(what="thread start", module="fhpreview")
    assert set(starts.select("function", "offset", "source_line").rows()) == {("PagePreview::Update", 0, 140)}


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    testing.write_symbols(tmp_path)
    testing.write_symbols(tmp_path)
    (tmp_path / "fhcore.sym").write_text("MODULE windows x86_64 4A252F1112A54C0A9B4F1B5C0D5E40B22 fhcore.pdb\n")
    with pytest.raises(OptionError, match="found another"):
        testing.write_symbols(tmp_path)
