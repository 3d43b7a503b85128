"""Programs that load, unload and move modules, against a naive reader: a frame is in the first module known for it."""

from collections import defaultdict

import heapdelta as hd
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_log import APP, APP_FRAME, NTDLL, NTDLL_FRAME
from small_series import Point, survivors

PLACES = [0x1000_0000, 0x1100_0000, 0x1200_0000]
NAMES = ["one.dll", "two.dll", "three.dll"]
# As many that stay where they are, so that all logs are known to be of one run.
SYSTEM = {"app.exe": APP, "ntdll.dll": NTDLL, "kernel32.dll": 0x7800_0000, "user32.dll": 0x7900_0000}
# Modules of the tests' logs have this size.
SIZE = 0x10_0000

addresses = st.sampled_from([place + offset for place in PLACES for offset in (0x40, 0x80)])
stacks = st.lists(addresses | st.just(APP_FRAME), min_size=0, max_size=3).map(lambda frames: [NTDLL_FRAME, *frames])
lists = st.permutations(NAMES).map(lambda names: dict(zip(names, PLACES, strict=True)))


@st.composite
def points(draw) -> Point:
    loaded = draw(lists)
    kept = draw(st.sets(st.sampled_from(NAMES)))
    ids = draw(st.dictionaries(st.sampled_from(["A1", "B1", "C1"]), st.integers(0, 3), min_size=1))
    held = draw(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(sorted(ids))), unique_by=lambda row: row[0]))
    return Point(
        [(0x10_0000 + 0x100 * place, 0x10 + place, trace) for place, trace in held],
        # Numbers for now; the stacks of the program are drawn once for all of its logs.
        ids,
        modules=SYSTEM | {name: base for name, base in loaded.items() if name in kept},
    )


@st.composite
def programs(draw) -> list[Point]:
    logs = draw(st.lists(points(), min_size=2, max_size=4))
    known = draw(st.lists(stacks, min_size=4, max_size=4))
    for log in logs:
        used = {trace for _, _, trace in log.blocks}
        log.stacks = {trace: known[number] for trace, number in log.stacks.items() if trace in used}
    return logs


def place(modules: dict[str, int], address: int) -> tuple | None:
    found = [(name.partition(".")[0], address - base) for name, base in modules.items() if 0 <= address - base < SIZE]
    return found[0] if found else None


def truth(logs: list[Point], *, one_run: bool) -> list[dict[str, list[tuple]]]:
    """Give for each log what the frames of each id are: (module, offset), or the address alone."""
    first: dict[tuple, tuple] = {}
    for log in logs:
        for trace, frames in log.stacks.items():
            for frame in frames:
                placed = place(log.modules, frame)
                if placed is not None:
                    first.setdefault((trace, *frames, frame), placed)

    def content(log: Point, trace: str, frame: int) -> tuple:
        own = place(log.modules, frame)
        return (first.get((trace, *log.stacks[trace], frame)) if one_run else own) or (None, frame)

    return [
        {trace: [content(log, trace, frame) for frame in log.stacks[trace]] for trace in log.stacks} for log in logs
    ]


def blamed(content: list[tuple]) -> str | None:
    """Tell the module of the first frame that is not of the heap manager."""
    return next((module for module, _ in content if module != "ntdll"), "ntdll")


def sums(log: Point, contents: dict[str, list[tuple]], *, inclusive: bool = False) -> dict[str | None, int]:
    found: dict[str | None, int] = defaultdict(int)
    for _, size, trace in log.blocks:
        passed = {module for module, _ in contents[trace]} if inclusive else {blamed(contents[trace])}
        for module in passed:
            found[module] += size
    return found


def read(logs: list[Point]) -> list[hd.Snapshot]:
    return [hd.read(log.text(hour)) for hour, log in enumerate(logs)]


def sides(delta: hd.Delta, side: str, *, inclusive: bool = False) -> dict[str | None, int]:
    rows = delta.by("module", inclusive=inclusive).select("module", f"requested_bytes_{side}")
    return {module: size for module, size in rows.iter_rows() if size}


checked = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@checked
@given(programs(), st.booleans())
def test_differences_agree_with_the_naive_truth(logs, inclusive):
    pair = [logs[0], logs[-1]]
    delta = hd.diff(*read(pair))
    before, after = truth(pair, one_run=True)
    assert sides(delta, "before", inclusive=inclusive) == sums(pair[0], before, inclusive=inclusive)
    assert sides(delta, "after", inclusive=inclusive) == sums(pair[1], after, inclusive=inclusive)
    distinct = {
        tuple(contents[trace]) for log, contents in zip(pair, (before, after), strict=True) for trace in log.stacks
    }
    assert delta.by("stack").height == len(distinct)
    other = {trace for trace in before.keys() & after.keys() if before[trace] != after[trace]}
    assert set(delta.conflicts.filter(kind="same id, other frames")["trace_id_before"]) == other


@checked
@given(programs())
def test_across_runs_each_log_has_its_own_modules(logs):
    pair = [logs[0], logs[-1]]
    pair[1].pid = 812
    delta = hd.diff(*read(pair))
    own = truth(pair, one_run=False)
    assert sides(delta, "before") == sums(pair[0], own[0])
    assert sides(delta, "after") == sums(pair[1], own[1])


@checked
@given(programs())
def test_series_and_survival_agree_with_the_naive_truth(logs):
    contents = truth(logs, one_run=True)
    series = hd.series(read(logs))
    found: list[dict[str | None, int]] = [{} for _ in logs]
    for point, module, size in series.table().select("point", "module", "requested_bytes").iter_rows():
        if size:
            found[point][module] = size
    assert found == [sums(log, known) for log, known in zip(logs, contents, strict=True)]
    whose = [
        [(address, size, tuple(known[trace])) for address, size, trace in log.blocks]
        for log, known in zip(logs, contents, strict=True)
    ]
    expected: dict[tuple, int] = defaultdict(int)
    for (content, born, point), (count, _) in survivors(whose).items():
        expected[blamed(list(content)), born, point] += count
    rows = series.survival().table.group_by("module", "born", "point").agg(pl.col("allocation_count").sum())
    assert {tuple(row[:3]): row[3] for row in rows.iter_rows()} == expected


@checked
@given(programs())
def test_growth_of_snapshots_never_moves_a_stack(logs):
    contents = truth(logs, one_run=True)
    snapshots = read(logs)
    chain = hd.chart._growth._chain(snapshots)
    assert [sides(delta, "after") for delta in chain] == [
        sums(log, known) for log, known in zip(logs[1:], contents[1:], strict=True)
    ]
