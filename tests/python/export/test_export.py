"""`export`: every format is read back by a reader of its own, and held against the ranking by module."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import programs
import pytest
import viewers
from heapdelta.exceptions import OptionError
from small_hogs import hogs
from small_log import APP_FRAME, NTDLL_FRAME, Log
from viewers import by_module, ranking, total

BYTES = ("requested_bytes_before", "requested_bytes_after")
BOTH = ("requested_bytes_before", "allocation_count_before", "requested_bytes_after", "allocation_count_after")
LIVE = ("requested_bytes", "allocation_count")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> hd.Delta:
    story = hd.testing.write_investigation(tmp_path_factory.mktemp("demo"), stack_count=300)
    return hd.diff(hd.read_log(story.before), hd.read_log(story.after))


CALLS = {
    "1": ["ntdll!RtlAllocateHeap", "app!grow", "app!load", "app!main"],
    "2": ["ntdll!RtlAllocateHeap", "app!grow", "app!save", "app!main"],
    "3": ["net!read", "net!poll"],
    "4": ["ntdll!RtlAllocateHeap", "ntdll!RtlStart"],
}


def named() -> hd.Delta:
    """Two logs with names: one stack grew, one shrank, one came, one has allocator frames alone, one no frames."""
    before = hogs({"1": 100, "2": 3000, "4": 7}, CALLS)
    after = hogs({"1": 4196, "2": 1976, "3": 60, "4": 7, "9": 1}, CALLS)
    return hd.diff(hd.read_log(before.encode()), hd.read_log(after.encode()))


def comparison() -> hd.Comparison:
    text = (
        "+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\n\n\tapp!grow+0x10\n\tapp!main+0x20\n\n"
        "-     320 (   100 -   420)     1a allocs\tBackTrace00054\n\n\tnet!read+0x10\n\tapp!main+0x20\n\n"
        "Total increase == 5000\n"
    )
    return hd.read_comparison(text.encode(), radix=16)


def pair(path: Path) -> tuple[list[viewers.Row], list[viewers.Row]]:
    """The samples of before, turned round, and those of after."""
    rows = viewers.pprof(path).rows
    before = [row for row in rows if row.labels.get("pprof::base") == "true"]
    for row in before:
        row.numbers = [-number for number in row.numbers]
    return before, [row for row in rows if "pprof::base" not in row.labels]


VIEWS = ["demo", "named", "comparison", "filtered"]


@pytest.fixture
def view(request: pytest.FixtureRequest, demo: hd.Delta) -> hd.Delta | hd.Comparison:
    made: dict[str, hd.Delta | hd.Comparison] = {
        "demo": demo,
        "named": named(),
        "comparison": comparison(),
        "filtered": demo.filter(focus=["fhpreview", "fhcatalog"], hide="fhimage"),
    }
    return made[request.param]


def joined(before: dict[str, list[int]], after: dict[str, list[int]]) -> dict[str, list[int]]:
    nothing = [0] * len(next(iter((before or after).values())))
    return {name: before.get(name, nothing) + after.get(name, nothing) for name in before | after}


def _only(sums: dict[str, list[int]], count: int) -> dict[str, list[int]]:
    """Leave blocks out if they are not known."""
    if count == 4:
        return sums
    assert all(numbers[1] == numbers[3] == 0 for numbers in sums.values())
    return {module: [numbers[0], numbers[2]] for module, numbers in sums.items()}


@pytest.mark.parametrize("view", VIEWS, indirect=True)
def test_pprof_is_the_ranking(view: hd.Delta | hd.Comparison, tmp_path: Path) -> None:
    path = tmp_path / "a.pb.gz"
    written = hd.export(view, path)
    assert (written.path, written.format) == (path, "pprof")
    before, after = pair(path)
    told = [name for name in BOTH if view.total["allocation_count_delta"].item() is not None or "bytes" in name]
    assert _only(joined(by_module(before), by_module(after)), len(told)) == ranking(view, *told)
    profile = viewers.pprof(path)
    assert profile.kinds == [("live_space", "bytes"), ("live_objects", "count")]
    assert profile.default == "live_space"
    assert profile.comments[2:] == written.notes
    sums = view.total.row(0, named=True)
    assert total(profile.rows) == [sums["requested_bytes_delta"], sums["allocation_count_delta"] or 0]
    for row in profile.rows:
        owner = row.labels["module"]
        assert viewers.module_of(row.frames[0]) == owner.lower()
    hd.export(view, path, changes_only=True)
    changes = viewers.pprof(path).rows
    assert by_module(changes) == ranking(view, "requested_bytes_delta", "allocation_count_delta")
    assert all(any(row.numbers) for row in changes)


@pytest.mark.parametrize("view", VIEWS, indirect=True)
def test_folded_is_the_ranking(view: hd.Delta | hd.Comparison, tmp_path: Path) -> None:
    path = tmp_path / "a.folded"
    hd.export(view, path)
    rows = viewers.folded(path, 2)
    assert by_module(rows) == ranking(view, *BYTES)
    hd.export(view, path, changes_only=True)
    changed = viewers.folded(path, 2)
    assert all(row in rows for row in changed)
    change = {module: after - before for module, (before, after) in by_module(changed).items()}
    expected = ranking(view, "requested_bytes_delta")
    assert {module: [number] for module, number in change.items() if number} == expected


@pytest.mark.parametrize("view", VIEWS, indirect=True)
def test_speedscope_is_the_ranking(view: hd.Delta | hd.Comparison, tmp_path: Path) -> None:
    path = tmp_path / "a.speedscope.json"
    hd.export(view, path)
    profiles = viewers.speedscope(path)
    assert list(profiles) == ["growth", "shrinkage", "after", "before"]
    assert by_module(profiles["before"]) == ranking(view, BYTES[0])
    assert by_module(profiles["after"]) == ranking(view, BYTES[1])
    assert by_module(profiles["growth"]) == ranking(view, "requested_bytes_grown")
    shrunk = ranking(view, "requested_bytes_shrunk")
    assert by_module(profiles["shrinkage"]) == {module: [-number] for module, (number,) in shrunk.items()}
    hd.export(view, path, changes_only=True)
    assert viewers.speedscope(path) == {name: profiles[name] for name in ("growth", "shrinkage")}


@pytest.mark.parametrize("view", VIEWS, indirect=True)
def test_firefox_is_the_ranking(view: hd.Delta | hd.Comparison, tmp_path: Path) -> None:
    path = tmp_path / "a.firefox.json.gz"
    hd.export(view, path)
    profile = viewers.firefox(path)
    assert by_module(profile.held[0]) == ranking(view, BYTES[0])
    assert by_module(profile.held[1]) == ranking(view, BYTES[1])
    assert by_module(profile.came[1]) == ranking(view, "requested_bytes_grown")
    shrunk = ranking(view, "requested_bytes_shrunk")
    assert by_module(profile.left[1]) == {module: [-number] for module, (number,) in shrunk.items()}
    sums = view.total.row(0, named=True)
    assert profile.counter == [sums[BYTES[0]], sums[BYTES[1]]]
    hd.export(view, path, changes_only=True)
    changes = viewers.firefox(path)
    assert by_module(changes.came[0]) == {}
    assert by_module(changes.came[1]) == by_module(profile.came[1])
    assert by_module(changes.left[1]) == by_module(profile.left[1])


def test_heaptrack_is_the_ranking(demo: hd.Delta, tmp_path: Path) -> None:
    for side in (demo.before, demo.after, named().after):
        for path in (tmp_path / "a.heaptrack", tmp_path / "a.heaptrack.gz"):
            hd.export(side, path)
            assert by_module(viewers.heaptrack(path)) == ranking(side, *LIVE)


def test_one_log_is_the_ranking_in_every_format(demo: hd.Delta, tmp_path: Path) -> None:
    log = demo.after
    places = {name: tmp_path / f"a{known}" for name, known in ENDINGS.items()}
    for path in places.values():
        hd.export(log.live(), path)
    expected, held = ranking(log, *LIVE), ranking(log, LIVE[0])
    assert by_module(viewers.pprof(places["pprof"]).rows) == expected
    assert by_module(viewers.folded(places["folded"], 1)) == held
    assert {name: by_module(rows) for name, rows in viewers.speedscope(places["speedscope"]).items()} == {"live": held}
    profile = viewers.firefox(places["firefox"])
    assert [by_module(rows) for rows in profile.held] == [held]


ENDINGS = {
    "pprof": ".pb",
    "folded": ".folded",
    "speedscope": ".speedscope.json",
    "firefox": ".firefox.json",
    "heaptrack": ".heaptrack",
}


def test_frames_inside_the_blamed_one_are_trimmed_or_kept(tmp_path: Path) -> None:
    delta = named()
    hd.export(delta, tmp_path / "a.folded")
    assert (tmp_path / "a.folded").read_text() == (
        "app!main;app!load;app!grow 100 4196\n"
        "app!main;app!save;app!grow 3000 1976\n"
        "net!poll;net!read 0 60\n"
        "ntdll!RtlStart 7 7\n"
        "[stack not in file] 0 1\n"
    )
    hd.export(delta, tmp_path / "b.folded", allocators="keep")
    lines = (tmp_path / "b.folded").read_text().splitlines()
    assert lines[0] == "app!main;app!load;app!grow;ntdll!RtlAllocateHeap 100 4196"
    assert lines[3] == "ntdll!RtlStart;ntdll!RtlAllocateHeap 7 7"


def test_blocks_without_a_stack_and_cut_stacks_have_frames(tmp_path: Path) -> None:
    deep = [NTDLL_FRAME, *(APP_FRAME + 16 * number for number in range(31))]
    whole = {f"{number}": [NTDLL_FRAME, APP_FRAME + 0x800 + number, APP_FRAME + 0x700] for number in range(2, 102)}
    blocks = [(0x10000, "1", 100, 8), (0x10000, "0", 30, 8), (0x10000, "AA", 5, 8)]
    log = Log([*blocks, *((0x10000, trace, 1, 8) for trace in whole)], whole | {"1": deep}).read()
    assert log.stacks["truncated"].any()
    hd.export(log, tmp_path / "a.folded")
    rows = viewers.folded(tmp_path / "a.folded", 1)
    ends = {row.frames[-1]: row.numbers for row in rows if row.frames[-1].startswith("[")}
    assert ends == {"[no stack recorded]": [30], "[stack not in file]": [5], "[outer frames cut off]": [100]}
    assert total(rows) == [log.live().total["requested_bytes"].item()]


def test_lines_and_inlined_calls_are_there(tmp_path: Path) -> None:
    store = hd.symbols(programs.stored(tmp_path / "store", "x64"))
    identity = programs.expected("x64")["id"]
    log = hd.read_log(programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb")).with_symbols(store)
    (frame_id,) = log.inlines["frame_id"].unique().sort().head(1)
    calls = log.inlines.filter(frame_id=frame_id).select("function", "file", "source_line").rows()
    own = log.frames.filter(frame_id=frame_id).select("function", "file", "source_line").row(0)
    expected = [(f"server!{name}", (file, line)) for name, file, line in [*calls, own]]
    for name, ending in ENDINGS.items():
        path = tmp_path / f"a{ending}"
        hd.export(log, path, allocators="keep")
        if name == "folded":
            rows = viewers.folded(path, 1)
            shown = [list(row.frames) for row in rows]
            wanted: list[object] = [frame for frame, _ in expected]
        else:
            found = {
                "pprof": lambda path=path: viewers.pprof(path).rows,
                "speedscope": lambda path=path: viewers.speedscope(path)["live"],
                "firefox": lambda path=path: viewers.firefox(path).held[0],
                "heaptrack": lambda path=path: viewers.heaptrack(path),
            }
            rows = found[name]()
            shown = [list(zip(row.frames, row.places, strict=True)) for row in rows]
            wanted = list(expected)
        assert any(_has(frames, wanted) for frames in shown), name
        assert by_module(rows) == ranking(log, *LIVE[: len(rows[0].numbers)]) or name == "heaptrack"


def _has(frames: list[object], wanted: list[object]) -> bool:
    return any(frames[place : place + len(wanted)] == wanted for place in range(len(frames)))


def test_places_of_one_function_are_told_apart_by_line_alone(tmp_path: Path) -> None:
    log = hd.read_log(hogs({"1": 10, "2": 20}, {"1": ["a!f", "a!main"], "2": ["a!f", "a!main"]}).encode())
    hd.export(log, tmp_path / "a.pb.gz")
    rows = viewers.pprof(tmp_path / "a.pb.gz").rows
    assert {tuple(row.frames) for row in rows} == {("a!f", "a!main")}


def test_the_program_is_the_first_module(demo: hd.Delta, tmp_path: Path) -> None:
    hd.export(demo, tmp_path / "a.pb.gz")
    files = [file for file, _ in viewers.pprof(tmp_path / "a.pb.gz").mappings]
    assert files[0].lower().endswith(".exe")
    assert not any(file.lower().endswith(".exe") for file in files[1:])


def test_bytes_that_are_not_known_are_told(tmp_path: Path) -> None:
    most = (1 << 64) - 1
    blocks = [(0x10000, "1", most, 8), (0x10000, "1", most, 8), (0x10000, "2", 5, 8)]
    log = Log(blocks, {"1": [NTDLL_FRAME, APP_FRAME], "2": [NTDLL_FRAME, APP_FRAME + 16]}).read()
    told = "the bytes of 1 stack are not known, and written as 0, each with the outermost frame [bytes not known]"
    found: dict[str, list[viewers.Row]] = {}
    for name, ending in ENDINGS.items():
        path = tmp_path / f"a{ending}"
        assert told in hd.export(log, path).notes
        reader = {
            "pprof": lambda path=path: viewers.pprof(path).rows,
            "folded": lambda path=path: viewers.folded(path, 1),
            "speedscope": lambda path=path: viewers.speedscope(path)["live"],
            "firefox": lambda path=path: viewers.firefox(path).held[0],
            "heaptrack": lambda path=path: viewers.heaptrack(path),
        }
        found[name] = reader[name]()
    for name, rows in found.items():
        unknown = [row for row in rows if row.frames[-1] == "[bytes not known]"]
        assert [row.numbers[0] for row in unknown] == [0], name
        assert sum(row.numbers[0] for row in rows) == 5, name


def test_a_sum_past_what_a_viewer_keeps_is_told(tmp_path: Path) -> None:
    log = Log([(0x10000, "1", 1 << 60, 8)], {"1": [NTDLL_FRAME, APP_FRAME]}).read()
    told = "the total does not fit into the 53 bits that readers of speedscope keep of a number"
    assert told in hd.export(log, tmp_path / "a.speedscope.json").notes
    assert hd.export(log, tmp_path / "a.folded").notes == log.live().notes


HOSTILE = 'a;b\x1b]0;x\x07\u202e"\\</script>'


def test_names_of_strangers_stay_names(tmp_path: Path) -> None:
    log = hd.read_log(hogs({"1": 10}, {"1": [f"m{HOSTILE}!f{HOSTILE}", "app!main"]}).encode())
    name = log.frames["function"].head(1).item()
    assert "\x1b" in name
    for ending in ENDINGS.values():
        path = tmp_path / f"a{ending}"
        hd.export(log, path)
        assert not {0x1B, 0x07} & set(viewers.content(path)) or ending == ".pb"
    (row,) = viewers.folded(tmp_path / "a.folded", 1)
    assert len(row.frames) == 2
    (row,) = viewers.pprof(tmp_path / "a.pb").rows
    assert r"\x1b]0;x\x07\u202e" in row.frames[0]
    assert "\x1b" not in row.frames[0]
    (row,) = viewers.speedscope(tmp_path / "a.speedscope.json")["live"]
    assert "</script>" in row.frames[0]


def test_what_a_format_has_no_room_for_is_refused(demo: hd.Delta, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected one log for heaptrack, found two sides"):
        hd.export(demo, tmp_path / "a.heaptrack")
    with pytest.raises(OptionError, match="expected two sides for changes alone, found one log"):
        hd.export(demo.after, tmp_path / "a.folded", changes_only=True)
    with pytest.raises(OptionError, match=r"expected a file that ends with \.pb, .* found another name"):
        hd.export(demo, tmp_path / "a.txt")
    with pytest.raises(OptionError, match=r"expected pprof, .* as format, found 'dhat'"):
        hd.export(demo, tmp_path / "a.txt", format="dhat")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="expected trim or keep for allocators, found 'drop'"):
        hd.export(demo, tmp_path / "a.folded", allocators="drop")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a Delta, a Snapshot, a Comparison or a Series, found DataFrame"):
        hd.export(demo.total, tmp_path / "a.folded")  # type: ignore[arg-type]
    many = hd.read_log(hogs({"1": 1}, CALLS).replace("0x1 alloc", "0x7FFFFFFF alloc").encode())
    with pytest.raises(OptionError, match="expected at most 50,000,000 blocks for heaptrack"):
        hd.export(many, tmp_path / "a.heaptrack")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_view_is_a_file(demo: hd.Delta, tmp_path: Path) -> None:
    nothing = demo.filter(focus="no such module")
    for name, ending in ENDINGS.items():
        if name != "heaptrack":
            hd.export(nothing, tmp_path / f"a{ending}")
    hd.export(demo.after.live().filter(focus="no such module"), tmp_path / "a.heaptrack")
    assert viewers.pprof(tmp_path / "a.pb").rows == []
    assert viewers.folded(tmp_path / "a.folded", 2) == []
    assert viewers.firefox(tmp_path / "a.firefox.json").counter == [0, 0]
    assert viewers.heaptrack(tmp_path / "a.heaptrack") == []


def test_the_same_input_is_the_same_file(demo: hd.Delta, tmp_path: Path) -> None:
    for ending in (".pb", ".folded", ".speedscope.json", ".firefox.json.gz"):
        written = []
        for name in ("a", "b"):
            delta = hd.diff(demo.before, demo.after, threads=1 if name == "a" else 2)
            written.append(hd.export(delta, tmp_path / f"{name}{ending}").path.read_bytes())
        assert written[0] == written[1], ending


def test_two_builds_by_name(tmp_path: Path) -> None:
    builds = []
    for build in ("x64", "rebuilt"):
        store = hd.symbols(programs.stored(tmp_path / build, build))
        builds.append(hd.read_log(programs.log(build)).with_symbols(store, by_name=True))
    delta = hd.diff(*builds, match="name")
    hd.export(delta, tmp_path / "a.folded")
    rows = viewers.folded(tmp_path / "a.folded", 2)
    assert by_module(rows) == ranking(delta, *BYTES)
    assert pl.Series([row.numbers[0] for row in rows]).sum() == delta.total[BYTES[0]].item()
