"""Lists that are absent, empty or damaged, in one dump or in both: three things that no view takes for each other."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from itertools import product
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import cli
from heapdelta.exceptions import OptionError
from small_dump import APP, Module, Region, SmallDump

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "dumps"
TITLES = {
    "region_class": "Committed memory per class",
    "module": "Images per module",
    "handle_type": "Handles per type",
    "thread_start": "Threads per start",
    "allocation_base": "Committed memory per allocation",
}
FIELD = {
    "region_class": "regions",
    "module": "modules",
    "handle_type": "handles",
    "thread_start": "starts",
    "allocation_base": "regions",
}
FULL = SmallDump(
    regions=[Region(0x1_0000, 0x3000, allocation_base=0x1_0000)],
    handles=["Event", "File"],
    starts=[APP + 16],
)
# Number of a stream, and where in it the number of records is.
COUNTS = {"regions": (16, 8), "modules": (4, 0), "unloaded": (14, 8), "handles": (12, 8), "starts": (3, 0)}


def _without(field: str) -> SmallDump:
    return replace(FULL, **{field: None})


def _empty(field: str) -> SmallDump:
    return replace(FULL, **{field: []})


def damaged(dump: SmallDump, field: str) -> bytes:
    """Name more records than there are: the list ends too early."""
    written = bytearray(dump.write())
    number, place = COUNTS[field]
    directory, count = struct.unpack_from("<I", written, 12)[0], struct.unpack_from("<I", written, 8)[0]
    for entry in range(directory, directory + 12 * count, 12):
        kind, _, offset = struct.unpack_from("<3I", written, entry)
        if kind == number:
            struct.pack_into("<I", written, offset + place, struct.unpack_from("<I", written, offset + place)[0] + 7)
    return bytes(written)


def _files(folder: Path, *sides: SmallDump | bytes) -> list[str]:
    paths = [folder / f"{name}.dmp" for name in ("before", "after")]
    for path, side in zip(paths, sides, strict=True):
        path.write_bytes(side if isinstance(side, bytes) else side.write())
    return [str(path) for path in paths]


def _delta(files: list[str]) -> hd.DumpDelta:
    before, after = map(hd.read, files)
    assert isinstance(before, hd.Dump)
    assert isinstance(after, hd.Dump)
    return hd.diff(before, after)


def _shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    assert cli.run(arguments) == cli.OK
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.mark.parametrize("kind", TITLES)
def test_what_is_in_neither_dump_is_not_called_unchanged(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = _without(FIELD[kind])
    files = _files(tmp_path, lacking, replace(lacking, counters=[9] * 18))
    shown, _ = _shown(["diff", *files], capsys)
    for title in (TITLES[other] for other in TITLES if FIELD[other] == FIELD[kind]):
        assert f"{title}: not in either dump" in shown
    for title in (TITLES[other] for other in TITLES if FIELD[other] != FIELD[kind]):
        assert f"{title}: no change" in shown
    assert f"{TITLES[kind]}: not in either dump" in _shown(["diff", *files, "--by", kind], capsys)[0]


@pytest.mark.parametrize(("kind", "side"), [*product(TITLES, ("before", "after"))])
def test_what_one_dump_lacks_is_not_known_for_both(
    kind: str, side: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = (_without(FIELD[kind]), FULL) if side == "before" else (FULL, _without(FIELD[kind]))
    files = _files(tmp_path, *pair)
    shown, _ = _shown(["diff", *files], capsys)
    assert f"{TITLES[kind]}: not known for both dumps, it is not in the one {side}" in shown
    ranking = _delta(files).by(kind)
    unknown = [name for name in ranking.columns if name.endswith("_delta") and name != "unload_count_delta"]
    assert all(ranking[name].null_count() == ranking.height for name in unknown)


@pytest.mark.parametrize("kind", TITLES)
def test_an_empty_list_is_knowledge(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = _empty(FIELD[kind])
    assert f"{TITLES[kind]}: no change" in _shown(["diff", *_files(tmp_path, empty, empty)], capsys)[0]
    files = _files(tmp_path, empty, FULL)
    assert f"{TITLES[kind]}: not" not in _shown(["diff", *files], capsys)[0]
    ranking = _delta(files).by(kind)
    assert ranking.height
    first = next(name for name in ranking.columns if name.endswith("_delta"))
    assert ranking[first].min() > 0  # type: ignore[operator]


@pytest.mark.parametrize(("kind", "form"), [*product(TITLES, ("json", "csv", "parquet"))])
def test_machine_output_says_what_is_absent(
    kind: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = _files(tmp_path, _without(FIELD[kind]), _without(FIELD[kind]))
    arguments = ["diff", *files, "--by", kind, f"--{form}"]
    target = tmp_path / "out.parquet"
    out, err = _shown([*arguments, str(target)] if form == "parquet" else arguments, capsys)
    if form == "json":
        table = {"starts": "threads"}.get(FIELD[kind], FIELD[kind])
        assert json.loads(out)["rows"] is None
        assert json.loads(out)["lists"][table] == {"before": "absent", "after": "absent"}
        return
    table = pl.read_parquet(target) if form == "parquet" else pl.read_csv(out.encode())
    assert table.is_empty()
    assert table.width > 3
    assert f"{TITLES[kind]}: not in either dump" in err


def test_json_of_known_lists_keeps_an_empty_ranking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = _files(tmp_path, _empty("handles"), _empty("handles"))
    found = json.loads(_shown(["diff", *files, "--by", "handle_type", "--json"], capsys)[0])
    assert (found["rows"], found["lists"]["handles"]) == ([], {"before": "whole", "after": "whole"})


def test_the_totals_say_that_they_are_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = replace(FULL, regions=None, counters=None)
    shown, _ = _shown(["diff", *_files(tmp_path, bare, bare)], capsys)
    assert "Total  ? committed, ? reserved (regions are not in either dump), ? of private usage" in shown
    assert "What the process counted itself: not in either dump" in shown
    shown, _ = _shown(["diff", *_files(tmp_path, bare, FULL)], capsys)
    assert "Total  ? committed, ? reserved (not known for both dumps, it is not in the one before)" in shown
    assert "What the process counted itself: not known for both dumps, it is not in the one before" in shown
    page = _delta(_files(tmp_path, bare, bare))._repr_html_()
    assert "committed memory per class: not in either dump" in page
    assert "counters: not in either dump" in page
    assert "<table" not in page
    page = _delta(_files(tmp_path, _without("regions"), _without("regions")))._repr_html_()
    assert "private_usage" in page


def test_a_summary_has_no_table_without_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.dmp"
    path.write_bytes(replace(FULL, starts=[0, 0], handles=[None]).write())
    shown, _ = _shown(["summary", str(path)], capsys)
    assert "not in the dump" not in shown
    assert "Threads per start" not in shown
    assert "Handles per type" not in shown
    assert "not told  where threads started, what type handles are of" in shown
    assert "2 threads" in shown
    assert "1 handle" in shown
    path.write_bytes(replace(FULL, starts=[0, APP + 16]).write())
    shown, _ = _shown(["summary", str(path)], capsys)
    assert "Threads per start" in shown
    assert "app+0x10" in shown
    assert "(not in the dump)" in shown
    assert "not told" not in shown


def test_starts_that_no_dump_tells_are_not_called_unchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = replace(FULL, starts=[0, 0], handles=[None])
    shown, _ = _shown(["diff", *_files(tmp_path, silent, silent)], capsys)
    assert "Threads per start: as many as before, but where threads started is not in either dump" in shown
    assert "Handles per type: as many as before, but what type handles are of is not in either dump" in shown


def test_a_diff_has_no_table_without_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = replace(FULL, starts=[0, 0], handles=[None])
    files = _files(tmp_path, silent, replace(silent, starts=[0, 0, 0], handles=[]))
    handles = "Handles per type: -1 (1 before and 0 after), but what type handles are of is not in either dump"
    starts = "Threads per start: +1 (2 before and 3 after), but where threads started is not in either dump"
    shown, _ = _shown(["diff", *files], capsys)
    assert handles in shown
    assert starts in shown
    assert "(not in the dump)" not in shown
    shown, _ = _shown(["diff", *files, "--by", "thread_start"], capsys)
    assert starts in shown
    assert "(not in the dump)" not in shown
    files = _files(tmp_path, silent, replace(silent, starts=[0, 0, 0, APP + 16]))
    shown, _ = _shown(["diff", *files], capsys)
    row = next(line for line in shown.splitlines() if "(not in the dump)" in line)
    assert row.split()[:3] == ["+1", "2", "3"], "beside a start that is known it has content"
    files = _files(tmp_path, silent, replace(silent, starts=None))
    shown, _ = _shown(["diff", *files, "--by", "thread_start"], capsys)
    assert "Threads per start: not known for both dumps, it is not in the one after" in shown


def cut(dump: SmallDump, field: str) -> bytes:
    """End a list before its first record; of threads there is no other list."""
    written = bytearray(dump.write())
    number, place = COUNTS[field]
    directory, count = struct.unpack_from("<I", written, 12)[0], struct.unpack_from("<I", written, 8)[0]
    for entry in range(directory, directory + 12 * count, 12):
        kind = struct.unpack_from("<I", written, entry)[0]
        if kind == number:
            struct.pack_into("<I", written, entry + 4, place + 8)
        elif (field, kind) == ("starts", 17):
            struct.pack_into("<I", written, entry, 0xFFF1)
    return bytes(written)


@pytest.mark.parametrize("kind", TITLES)
def test_a_list_of_which_nothing_could_be_read_is_not_called_absent(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    field, title = FIELD[kind], TITLES[kind]
    table = {"starts": "threads"}.get(field, field)
    files = _files(tmp_path, FULL, cut(FULL, field))
    assert (
        f"{title}: not known for both dumps, it could not be read in the one after"
        in _shown(["diff", *files], capsys)[0]
    )
    ranking = _delta(files).by(kind)
    first = next(name for name in ranking.columns if name.endswith("_after"))
    assert ranking[first].null_count() == ranking.height
    assert _delta(files).lists.filter(list=table).row(0)[1:] == ("whole", "damaged")
    files = _files(tmp_path, cut(FULL, field), cut(FULL, field))
    assert f"{title}: could not be read in either dump" in _shown(["diff", *files], capsys)[0]
    assert json.loads(_shown(["diff", *files, "--by", kind, "--json"], capsys)[0])["rows"] is None
    assert f"{title}: could not be read in either dump" in _shown(["diff", *files, "--by", kind, "--csv"], capsys)[1]
    files = _files(tmp_path, cut(FULL, field), _without(field))
    shown = " ".join(_shown(["diff", *files], capsys)[0].split())
    assert f"{title}: not known for both dumps, it is not in the one after and it could not be read in the" in shown
    summary = _shown(["summary", files[0]], capsys)[0]
    assert f"unreadable  {table}" in summary
    assert f"no list of  {table}" not in summary


@pytest.mark.parametrize(("kind", "side"), [*product(TITLES, (0, 1))])
def test_a_damaged_list_gives_the_least_there_can_be(
    kind: str, side: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides: list[SmallDump | bytes] = [FULL, FULL]
    sides[side] = damaged(FULL, FIELD[kind])
    name = ("before", "after")[side]
    files = _files(tmp_path, *sides)
    remark = f"{name}: at least, the list is damaged"
    flowing = " ".join(_shown(["diff", *files], capsys)[0].split())
    assert f"{TITLES[kind]}: no change in what could be read ({remark})" in flowing
    out, err = _shown(["diff", *files, "--by", kind, "--csv"], capsys)
    assert f"{TITLES[kind]}: {remark}" in err
    assert out.count("\n") > 1
    found = json.loads(_shown(["diff", *files, "--by", kind, "--json"], capsys)[0])
    assert "damaged" in [state[name] for state in found["lists"].values()]
    assert "at least" in _shown(["summary", files[side]], capsys)[0]


def test_what_is_not_in_a_damaged_list_may_be_there(tmp_path: Path) -> None:
    files = _files(tmp_path, FULL, damaged(replace(FULL, handles=["Event", "Event", "Event"]), "handles"))
    assert _delta(files).by("handle_type").select(pl.exclude("status")).rows() == [
        ("Event", 1, 3, 2),
        ("File", 1, None, None),
    ]
    two = replace(FULL, modules=[*(FULL.modules or []), Module(0x7000_0000, 0x1000, "C:\\App\\gone.dll")])
    changes = _delta(_files(tmp_path, two, damaged(FULL, "modules"))).by("module")
    assert changes.select("module", "change", "image_bytes_after").rows() == [
        ("app", "same", 0x10_0000),
        ("gone", None, None),
    ]
    swapped = _delta(_files(tmp_path, damaged(FULL, "modules"), two)).by("module")
    assert dict(swapped.select("module", "change").iter_rows()) == {"app": "same", "gone": None}


def test_allocations_of_a_damaged_list_have_no_change_that_is_not_proved(tmp_path: Path) -> None:
    larger = replace(FULL, regions=[Region(0x1_0000, 0x8000, allocation_base=0x1_0000)])
    gone = replace(FULL, regions=[Region(0x9_0000, 0x8000, allocation_base=0x9_0000)])

    def changes(before: SmallDump | bytes, after: SmallDump | bytes) -> list[str | None]:
        found = _delta(_files(tmp_path, before, after)).by("allocation_base").sort("allocation_base")
        return found["change"].to_list()

    assert changes(FULL, damaged(larger, "regions")) == ["grown"]
    assert changes(larger, damaged(FULL, "regions")) == [None]
    assert changes(damaged(FULL, "regions"), larger) == [None]
    assert changes(damaged(larger, "regions"), FULL) == ["shrunk"]
    assert changes(FULL, damaged(FULL, "regions")) == [None]
    assert changes(FULL, damaged(gone, "regions")) == [None, "new"]
    assert changes(FULL, gone) == ["gone", "new"]


def test_private_memory_of_a_damaged_list_did_not_shrink_by_what_is_missing(tmp_path: Path) -> None:
    two = replace(FULL, regions=[*(FULL.regions or []), Region(0x9_0000, 0x5000, allocation_base=0x9_0000)])
    notes = _delta(_files(tmp_path, two, damaged(FULL, "regions"))).notes
    assert not [note for note in notes if note.startswith("private memory changed")]
    assert [note for note in notes if "its sums are too small" in note]


def test_modules_that_one_list_of_unloaded_ones_has_are_not_dated(tmp_path: Path) -> None:
    gone = [Module(0x7000_0000, 0x1000, "C:\\App\\gone.dll")]
    once = replace(FULL, unloaded=gone)
    assert _delta(_files(tmp_path, _empty("unloaded"), once)).by("module")["change"].to_list() == [
        "same",
        "came and went",
    ]
    unknown = _delta(_files(tmp_path, _without("unloaded"), once)).by("module")
    assert unknown.select("module", "change", "unload_count_delta").rows() == [
        ("app", "same", None),
        ("gone", None, None),
    ]
    cut = _delta(_files(tmp_path, damaged(_empty("unloaded"), "unloaded"), once)).by("module")
    assert cut.select("module", "unload_count_before").rows() == [("app", None), ("gone", None)]


def test_missing_threads_make_stacks_private_and_a_note_says_so(tmp_path: Path) -> None:
    notes = _delta(_files(tmp_path, _without("starts"), FULL)).notes
    said = "so threads are unknown, and their stacks count as private"
    assert f"before: the dump has no ThreadListStream that can be read, {said}" in notes
    bare = replace(FULL, starts=None, regions=None)
    assert not [note for note in _delta(_files(tmp_path, bare, bare)).notes if "count as private" in note]


def test_a_chart_needs_regions_and_says_where_their_list_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = _files(tmp_path, _without("regions"), _without("regions"))
    with pytest.raises(OptionError, match="expected a dump that lists its regions"):
        hd.chart.regions(_delta(files))
    assert cli.run(["diff", *files, "--chart", str(tmp_path / "x.svg")]) == cli.USAGE
    assert capsys.readouterr().out == ""
    drawn = hd.chart.regions(_delta(_files(tmp_path, FULL, damaged(FULL, "regions")))).to_dict()
    assert drawn["title"]["subtitle"][-1] == "after.dmp: the list of regions is damaged, so there is at least this much"


def test_every_list_has_a_state(tmp_path: Path) -> None:
    states = _delta(_files(tmp_path, SmallDump(regions=None, handles=None, starts=None, counters=None), FULL)).lists
    assert dict(states.select("list", "before").iter_rows()) == {
        "regions": "absent",
        "modules": "whole",
        "unloaded_modules": "whole",
        "handles": "absent",
        "threads": "absent",
        "memory": "absent",
        "memory_counters": "absent",
        "system_memory": "absent",
    }
    assert set(states.filter(pl.col("after") == "whole")["list"]) == {
        "regions", "modules", "unloaded_modules", "handles", "threads", "memory_counters"
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.glob("*.dmp")) or ["none.dmp"])
def test_real_dumps_say_no_change_only_of_what_they_list(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not (CORPUS / name).exists():
        pytest.skip("the shared corpus is not here")
    one = hd.read(CORPUS / name)
    assert isinstance(one, hd.Dump)
    delta = hd.diff(one, one)
    known = dict(delta.lists.select("list", "before").iter_rows())
    shown, _ = _shown(["diff", str(CORPUS / name), str(CORPUS / name)], capsys)
    for kind, title in TITLES.items():
        if kind == "allocation_base" and not delta.same_process:
            continue
        table = {"starts": "threads"}.get(FIELD[kind], FIELD[kind])
        if known[table] == "absent":
            assert f"{title}: not in either dump" in shown
        else:
            assert f"{title}: no change" in shown or f"{title}: as many as before" in shown
    assert "100.0 %   (not in the dump)" not in _shown(["summary", str(CORPUS / name)], capsys)[0]
