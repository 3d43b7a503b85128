"""Inside one run a stack is the same, in the module it was first seen in, whatever other module lists have there."""

import re

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import _compat
from heapdelta.cli.check.gate import Check, Limits
from heapdelta.cli.check.suppress import parse
from small_hogs import hogs
from small_log import APP, APP_FRAME, NTDLL, NTDLL_FRAME
from small_series import Point, series_of

GLAZE = 0x1000_0000
SYSTEM = {"app.exe": APP, "ntdll.dll": NTDLL}
LOADED = SYSTEM | {"glaze.dll": GLAZE}
REUSED = SYSTEM | {"frost.dll": GLAZE}
LEAK = [NTDLL_FRAME, GLAZE + 0x40, APP_FRAME]
OTHER = [NTDLL_FRAME, APP_FRAME + 0x20]


def blocks(leaked: int, others: int = 3) -> list[tuple[int, int, str]]:
    """A block of the leak has 0x100 bytes; one of the program has 16."""
    held = [(0x1_0000 + 0x200 * place, 0x100, "C50") for place in range(leaked)]
    return held + [(0x9_0000 + 0x20 * place, 16, "A10") for place in range(others)]


def point(leaked: int, modules: dict[str, int], **options) -> Point:
    return Point(blocks(leaked), {"C50": LEAK, "A10": OTHER}, modules=modules, **options)


def read(*points: Point) -> list[hd.Snapshot]:
    return [hd.read(one.text(hour)) for hour, one in enumerate(points)]


def diff(before: Point, after: Point) -> hd.Delta:
    return hd.diff(*read(before, after))


def sides(delta: hd.Delta, *, inclusive: bool = False) -> dict[str | None, tuple[int, int]]:
    rows = delta.by("module", inclusive=inclusive)
    rows = rows.select("module", "requested_bytes_before", "requested_bytes_after")
    return {module: (before, after) for module, before, after in rows.iter_rows()}


PAIRS = {
    "unloaded": (LOADED, SYSTEM),
    "base reused": (LOADED, REUSED),
    "not listed yet": (SYSTEM, LOADED),
    "the file is called otherwise": (LOADED, LOADED | {"glaze.exe": 0x7000_0000}),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_stack_keeps_its_module(pair):
    old, new = PAIRS[pair]
    delta = diff(point(20, old), point(22, new))
    assert sides(delta) == {"glaze": (0x1400, 0x1600), "app": (48, 48)}
    assert sides(delta, inclusive=True) == {
        "glaze": (0x1400, 0x1600),
        "app": (0x1400 + 48, 0x1600 + 48),
        "ntdll": (0x1400 + 48, 0x1600 + 48),
    }
    stacks = delta.by("stack").filter(module="glaze")
    assert stacks.select("trace_id_before", "trace_id_after", "function").rows() == [("C50", "C50", "glaze+0x40")]
    frames = delta.stack(stacks["fingerprint"].item())
    assert frames.select("module", "offset", "address", "blamed").rows() == [
        ("ntdll", 0x100, NTDLL_FRAME, False),
        ("glaze", 0x40, GLAZE + 0x40, True),
        ("app", 0x100, APP_FRAME, False),
    ]
    assert delta.conflicts.is_empty()
    assert delta.by("function").filter(module="glaze")["requested_bytes_delta"].to_list() == [0x200]
    traces = delta.by("trace").select("trace_id", "module", "requested_bytes_delta")
    assert traces.rows() == [("C50", "glaze", 0x200), ("A10", "app", 0)]


@pytest.mark.parametrize(
    ("pair", "note"),
    [
        ("unloaded", "module unloaded between before and after: glaze (22 blocks, 5,632 bytes keep it)"),
        (
            "base reused",
            "module unloaded between before and after: glaze, whose base went to frost "
            "(22 blocks, 5,632 bytes keep it)",
        ),
        ("not listed yet", "module known in after and not yet in before: glaze (20 blocks, 5,120 bytes are its)"),
        ("the file is called otherwise", None),
    ],
)
def test_each_module_has_a_note(pair, note):
    old, new = PAIRS[pair]
    about = [text for text in diff(point(20, old), point(22, new)).notes if "module " in text and "glaze" in text]
    assert about == ([] if note is None else [note])


def test_stacks_that_hold_no_bytes_have_no_note():
    """Nothing of nothing was carried over, and nobody asks for the frames of nothing."""
    frames = {"C50": LEAK, "A10": OTHER}

    def holding(size: int, modules: dict[str, int]) -> Point:
        return Point([(0x1_0000, size, "C50"), (0x2_0000, size, "D60"), (0x9_0000, 16, "A10")], frames, modules=modules)

    notes = diff(holding(0x100, LOADED), holding(0x100, SYSTEM)).notes
    assert [note for note in notes if "glaze" in note]
    assert "the frames of 1 stack are in neither file" in notes
    notes = diff(holding(0, LOADED), holding(0, SYSTEM)).notes
    assert not [note for note in notes if "glaze" in note or "in neither file" in note or "0 bytes" in note]


def test_notes_name_the_files(tmp_path):
    for hour, (name, log) in enumerate([("before.log", point(1, LOADED)), ("after.log", point(1, SYSTEM))]):
        (tmp_path / name).write_bytes(log.text(hour))
    logs = [hd.read(tmp_path / name) for name in ("before.log", "after.log")]
    note = "module unloaded between before.log and after.log: glaze (1 block, 256 bytes keep it)"
    assert note in hd.diff(*logs).notes
    assert note in hd.series(logs).notes
    # The wrong way round the module is still the one that was there first.
    swapped = hd.diff(*reversed(logs))
    assert note in swapped.notes
    assert sides(swapped)["glaze"] == (256, 256)


@pytest.mark.parametrize("pair", PAIRS)
def test_check_finds_nothing_new_and_no_growth_of_others(pair):
    old, new = PAIRS[pair]
    delta = diff(point(20, old), point(22, new))
    limits = Limits(growth_each=0x200, new_stacks=0, growth_of=(("frost", 0),))
    checked = Check(delta, limits)
    assert [(result.name, result.found) for result in checked.results] == [
        ("growth of each module", 0x200),
        ("growth of frost", 0),
        ("new stacks", 0),
    ]
    suppressed = Check(delta, limits, parse("glaze\n", "rules"))
    assert suppressed.suppressions.select("stacks", "requested_bytes_before", "requested_bytes_after").rows() == [
        (1, 0x1400, 0x1600)
    ]
    assert suppressed.results[0].found == 0


def test_the_tools_text_has_frames_from_the_log_that_knows_the_module():
    for pair in PAIRS.values():
        delta = diff(point(20, pair[0]), point(22, pair[1]))
        for text in (_compat.umdh_text(delta), _compat.dhcmp_text(delta, verbose=True)):
            assert text.count("BackTraceC50") in (1, 2)
            assert f"glaze!???+00000040 : {GLAZE + 0x40:08X}" in text
            assert "frost" not in text
            assert "<nomodule>" not in text


def test_a_series_carries_the_module_forward_and_backward():
    lists = [SYSTEM, LOADED, SYSTEM, REUSED]
    series = series_of([point(10 + 2 * step, modules) for step, modules in enumerate(lists)])
    amounts = series.table().filter(module="glaze").select("point", "requested_bytes").rows()
    assert amounts == [(step, 0x100 * (10 + 2 * step)) for step in range(4)]
    assert set(series.table()["module"]) == {"glaze", "app"}
    survival = series.survival()
    assert survival.stacks.filter(module="glaze").select("born_count", "died_count").row(0) == (6, 0)
    expected = [
        "module unloaded between point 1 and point 2: glaze, whose base went to frost (16 blocks, 4,096 bytes keep it)",
        "module known in point 1 and not yet in point 0: glaze (10 blocks, 2,560 bytes are its)",
    ]
    assert series.notes == expected
    assert survival.notes == expected
    by_stack = series_of([point(10 + 2 * step, modules) for step, modules in enumerate(lists)], by="stack")
    assert by_stack.table().select("module", "depth").unique().height == 2


def test_a_chain_of_deltas_carries_the_module_from_its_first_log():
    logs = read(*(point(10 + 2 * step, modules) for step, modules in enumerate([LOADED, SYSTEM, REUSED])))
    pairs = [hd.diff(logs[0], logs[1]), hd.diff(logs[1], logs[2])]
    for drawn in (hd.chart.growth(*logs), hd.chart.growth(*pairs)):
        lines = pl.DataFrame(drawn.to_dict()["datasets"]["lines"])
        assert set(lines["name"]) <= {"glaze", "app"}


def test_ids_that_are_used_again_are_matched_by_content():
    other = [NTDLL_FRAME, GLAZE + 0x90, APP_FRAME]
    held = [(0x1_0000, 0x100, "C50"), (0x1_0200, 0x10, "D50")]
    before = Point(held, {"C50": LEAK, "D50": OTHER}, modules=LOADED)
    # The ids have changed places, and a new stack has an address where the module was.
    after = Point([*held, (0x1_0400, 1, "E50")], {"C50": OTHER, "D50": LEAK, "E50": other}, modules=SYSTEM)
    delta = diff(before, after)
    assert sides(delta) == {"glaze": (0x100, 0), "app": (0x10, 0x100), None: (0, 0x11)}
    assert not any("module unloaded" in note for note in delta.notes)


def test_across_runs_content_decides():
    for other in ({"pid": 812}, {"modules": {name: base + 0x10_0000 for name, base in SYSTEM.items()}}):
        after = Point(blocks(22), {"C50": LEAK, "A10": OTHER}, **({"modules": SYSTEM} | other))
        delta = diff(point(20, LOADED), after)
        assert not delta.one_run
        assert sides(delta)["glaze"] == (0x1400, 0)
        assert not any("module unloaded" in note for note in delta.notes)


def test_runs_of_a_series_are_kept_apart():
    points = [point(1, LOADED), point(1, SYSTEM), point(1, SYSTEM, pid=812), point(1, SYSTEM, pid=812)]
    table = series_of(points, runs="all").table()
    held = table.filter(pl.col("requested_bytes") == 256).select("run", "point", "module", "status").sort("point")
    assert held.rows() == [
        (0, 0, "glaze", "ok"),
        (0, 1, "glaze", "ok"),
        (1, 2, None, "no module"),
        (1, 3, None, "no module"),
    ]


def test_aliases_are_matched_each_with_its_equal():
    """The later log prints the stacks of the id the other way round: the first of each counts."""

    def log(modules: dict[str, int], *stacks: list[int]) -> bytes:
        text = Point([(0x1_0000, 0x100, "C50")], {"C50": stacks[0]}, modules=modules).text(0).decode()
        first = "".join(f"\t{frame:X}\r\n" for frame in stacks[0])
        more = "".join("\tAlias\r\n" + "".join(f"\t{frame:X}\r\n" for frame in stack) for stack in stacks[1:])
        return text.replace(first, first + more).encode()

    second = [NTDLL_FRAME, GLAZE + 0x80, APP_FRAME]
    delta = hd.diff(hd.read(log(LOADED, LEAK, second)), hd.read(log(SYSTEM, second, LEAK)))
    rows = delta.by("stack").select("function", "requested_bytes_before", "requested_bytes_after")
    assert sorted(rows.rows()) == [("glaze+0x40", 256, 0), ("glaze+0x80", 0, 256)]


BEFORE = ["ntdll!RtlAllocateHeap", "glaze!Render", "app!main"]


@pytest.mark.parametrize(
    ("later", "same"),
    [
        (["ntdll!RtlAllocateHeap", "10000040", "app!main"], True),
        (["ntdll!RtlAllocateHeap", "<nomodule>!???", "app!main"], True),
        (["10000010", "10000040", "app!main"], True),
        # A frame with another name, no frame in common, and another depth.
        (["ntdll!RtlAllocateHeap", "10000040", "app!other"], False),
        (["10000010", "10000040", "10000080"], False),
        (["ntdll!RtlAllocateHeap", "10000040", "app!main", "app!start"], False),
    ],
)
def test_frames_of_text_are_the_same_where_one_log_lacks_the_name(later, same):
    def delta(pid: int) -> hd.Delta:
        old, new = hogs({"7": 100}, {"7": BEFORE}), hogs({"7": 140}, {"7": later}, pid=pid)
        # A bare address has no offset.
        return hd.diff(hd.read(old.encode()), hd.read(re.sub(r"( 100000\d0)\+0x\d+", r"\1", new).encode()))

    assert delta(pid=812).by("stack").height == (1 if same else 2)
    assert sides(delta(pid=812)).get("glaze") == ((100, 140) if same else (100, 0))
    notes = [note for note in delta(pid=812).notes if "unloaded" in note and "glaze" in note]
    assert notes == (
        ["module unloaded between before and after, or no longer named: glaze (1 block, 140 bytes keep it)"]
        if same
        else []
    )
    assert delta(pid=4).by("stack").height == 2


def test_text_that_fits_two_stacks_is_matched_with_neither():
    stacks = [["ntdll!A", "glaze!One"], ["ntdll!A", "glaze!Two"], ["ntdll!A", "<nomodule>!???"]]
    series = hd.series(
        [hd.read(hogs({"7": 100}, {"7": stack}).encode()) for stack in stacks], by="stack", order="given"
    )
    assert series.table()["fingerprint"].n_unique() == 3


def test_a_log_without_its_process_is_left_as_it_is():
    logs = [
        hd.read(text.replace(b" - Machine=BOX - PID=704", b""))
        for text in (point(1, LOADED).text(0), point(1, SYSTEM).text(1))
    ]
    assert set(hd.series(logs).table()["module"]) == {"glaze", "app", None}
    assert sides(hd.diff(*logs))[None] == (0, 256)
