"""What grew, held against a naive version of the same, and against sums that must agree."""

from __future__ import annotations

from collections import Counter

import heapdelta as hd
import polars as pl
import pytest
from heapdelta._ranking.labels import hexadecimal
from heapdelta._ranking.matched import MEASURES, NUMBERS
from heapdelta.exceptions import OptionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_log import APP, APP_FRAME, NTDLL, NTDLL_FRAME, Log

KINDS = ["module", "stack", "function", "heap", "size", "trace"]
FRAMES = [NTDLL_FRAME, NTDLL + 0x200, APP_FRAME, APP + 0x200, 0x1000_0100, 0x1000_0200, 0x7FFF_0000]
NAMES = {0x7700: "ntdll", 0x40: "app", 0x1000: "a"}


def module_of(frame: int) -> str | None:
    return NAMES.get(frame >> 16)


@st.composite
def logs(draw: st.DrawFn, *, one_run: bool = True) -> tuple[Log, Log]:
    ids = [f"{number:X}" for number in range(1, 7)]
    stack = st.lists(st.sampled_from(FRAMES), min_size=1, max_size=5)
    stacks = {trace: draw(stack) for trace in draw(st.sets(st.sampled_from(ids)))}
    block = st.tuples(
        st.sampled_from([0x10000, 0x20000]),
        st.sampled_from([*ids, "0"]),
        st.integers(0, 2**40),
        st.integers(0, 255),
    )
    sides = [Log(draw(st.lists(block, max_size=12)), dict(stacks)) for _ in range(2)]
    if not one_run:
        sides[1].pid += 1
    return sides[0], sides[1]


Place = tuple[str | None, str | None, str]


def naive_place(log: Log, trace: str, other: Log) -> Place:
    """Module, function and status by the rule of the documentation, one stack at a time."""
    if trace == "0":
        return None, None, "no stack recorded"
    frames = log.stacks.get(trace) if any(block[1] == trace for block in log.blocks) else other.stacks.get(trace)
    if frames is None:
        return None, None, "stack not in file"
    blamed = next((frame for frame in frames if module_of(frame) != "ntdll"), frames[-1])
    module = module_of(blamed)
    return (module, f"{module}+0x{blamed & 0xFFFF:x}", "ok") if module else (None, f"{blamed:x}", "no module")


def naive_sums(before: Log, after: Log, columns: list[int]) -> dict[tuple[str | None, ...], tuple[int, ...]]:
    sums: dict[tuple[str | None, ...], Counter[str]] = {}
    for side, log, other in (("before", before, after), ("after", after, before)):
        for _, trace, requested, overhead in log.blocks:
            place = naive_place(log, trace, other)
            counter = sums.setdefault(tuple(place[column] for column in columns), Counter())
            for measure, value in zip(MEASURES, (requested, overhead, 1), strict=True):
                counter[f"{measure}_{side}"] += value
                counter[f"{measure}_delta"] += value if side == "after" else -value
    return {key: tuple(counter[name] for name in NUMBERS) for key, counter in sums.items()}


relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(logs(), st.booleans())
def test_modules_and_functions_equal_the_naive_version(pair: tuple[Log, Log], other_case: bool) -> None:
    before, after = pair
    if other_case:
        before.modules = {name.upper(): base for name, base in before.modules.items()}
    delta = hd.diff(before.read(), after.read())
    for kind, columns in (("module", [0, 2]), ("function", [0, 1, 2])):
        shown, ranking = len(columns), delta.by(kind)
        found = {tuple(key and key.lower() for key in row[:shown]): row[shown:-2] for row in ranking.iter_rows()}
        assert found == naive_sums(before, after, columns)
        assert len(found) == ranking.height
        # What grew and what shrank, stack by stack.
        parts: Counter[tuple[object, ...]] = Counter()
        for row in delta.by("stack").iter_rows(named=True):
            key = tuple(row[name] and row[name].lower() for name in ranking.columns[:shown])
            parts[(*key, row["requested_bytes_delta"] > 0)] += row["requested_bytes_delta"]
        for row in ranking.iter_rows():
            key = tuple(name and name.lower() for name in row[:shown])
            assert row[-2:] == (parts[(*key, True)], parts[(*key, False)])


@relaxed
@given(logs(), st.booleans())
def test_every_ranking_adds_up_to_the_total(pair: tuple[Log, Log], one_run: bool) -> None:
    before, after = pair
    after.pid += not one_run
    delta = hd.diff(before.read(), after.read())
    for kind in KINDS if one_run else KINDS[:-1]:
        ranking = delta.by(kind)
        assert ranking.select(NUMBERS).sum().equals(delta.total), kind
        assert ranking["requested_bytes_delta"].is_sorted(descending=True), kind
        keys = [name for name in ranking.columns if not name.startswith(MEASURES)]
        assert ranking.select(keys).is_unique().all(), kind


@relaxed
@given(logs())
def test_diff_of_a_log_with_itself_is_all_zero(pair: tuple[Log, Log]) -> None:
    snapshot = pair[0].read()
    delta = hd.diff(snapshot, snapshot)
    for kind in KINDS:
        for measure in MEASURES:
            assert (delta.by(kind)[f"{measure}_delta"] == 0).all()
    assert delta.conflicts.is_empty()


@relaxed
@given(logs(), st.booleans())
def test_swapping_the_sides_changes_every_sign(pair: tuple[Log, Log], one_run: bool) -> None:
    before, after = pair
    after.pid += not one_run
    there, back = hd.diff(before.read(), after.read()), hd.diff(after.read(), before.read())
    renamed = {f"{m}_{a}": f"{m}_{b}" for m in MEASURES for a, b in (("before", "after"), ("after", "before"))}
    renamed |= {"trace_id_before": "trace_id_after", "trace_id_after": "trace_id_before"}
    for kind in KINDS if one_run else KINDS[:-1]:
        turned = back.by(kind).rename(renamed, strict=False)
        parts = [f"requested_bytes_{part}" for part in ("grown", "shrunk") if kind in ("module", "function")]
        turned = turned.rename(dict(zip(parts, reversed(parts), strict=True)))
        swapped = turned.with_columns(-pl.col(name) for name in [*(f"{m}_delta" for m in MEASURES), *parts])
        columns = there.by(kind).columns
        expected = there.by(kind).sort(columns, nulls_last=True)
        assert swapped.select(columns).sort(columns, nulls_last=True).equals(expected), kind


@relaxed
@given(logs(one_run=False))
def test_inclusive_sums_are_those_of_every_module_a_stack_passes(pair: tuple[Log, Log]) -> None:
    before, after = pair
    ranking = hd.diff(before.read(), after.read()).by("module", inclusive=True)
    sums: Counter[tuple[str | None, str]] = Counter()
    for sign, log in ((-1, before), (1, after)):
        for _, trace, requested, _ in log.blocks:
            frames = log.stacks.get(trace)
            if trace == "0" or frames is None:
                keys = {(None, "no stack recorded" if trace == "0" else "stack not in file")}
            else:
                keys = {(module_of(frame), "ok" if module_of(frame) else "no module") for frame in frames}
            for key in keys:
                sums[key] += sign * requested
    found = {row[:2]: row[2] for row in ranking.select("module", "status", "requested_bytes_delta").iter_rows()}
    assert found == sums


def test_largest_growth_stands_first(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    shown = delta.by("module").select("module", "requested_bytes_delta", "allocation_count_delta").rows()
    assert shown == [("a", 900, 1), ("ntdll", 0, 0), ("app", -300, 0)]


def test_stacks_of_two_runs_match_although_ids_and_addresses_changed(growing: tuple[Log, Log]) -> None:
    before, after = growing
    move = 0x100_0000
    other = Log(
        blocks=[(heap, f"9{trace}", *rest) for heap, trace, *rest in after.blocks],
        stacks={f"9{trace}": [frame + move for frame in frames] for trace, frames in after.stacks.items()},
        modules={name: base + move for name, base in after.modules.items()},
        pid=9999,
    )
    columns = ["fingerprint", "module", *NUMBERS]
    same_run = hd.diff(before.read(), after.read()).by("stack").select(columns)
    two_runs = hd.diff(before.read(), other.read()).by("stack")
    assert two_runs.select(columns).equals(same_run)
    assert two_runs.row(0, named=True)["trace_id_before"] == "11"
    assert two_runs.row(0, named=True)["trace_id_after"] == "911"


def test_module_names_compare_without_regard_to_case(growing: tuple[Log, Log]) -> None:
    before, after = growing
    after.modules = {name.upper(): base for name, base in after.modules.items()}
    ranking = hd.diff(before.read(), after.read()).by("module")
    assert ranking["module"].to_list() == ["A", "NTDLL", "APP"]


def test_functions_named_by_their_module_compare_without_regard_to_case(growing: tuple[Log, Log]) -> None:
    growing[0].modules = {name.upper(): base for name, base in growing[0].modules.items()}
    delta = hd.diff(growing[0].read(), growing[1].read())
    for inclusive in (False, True):
        functions = delta.by("function", inclusive=inclusive)["function"].to_list()
        assert len(functions) == len({function.lower() for function in functions})


def test_sum_past_the_largest_number_is_null_in_every_view() -> None:
    size = 0xC000_0000_0000_0000
    log = Log([(0x10000, "5", size, 8), (0x10000, "6", size, 8)], {"5": [APP_FRAME], "6": [APP_FRAME, NTDLL_FRAME]})
    delta = hd.diff(Log().read(), log.read())
    for view in (delta.total, delta.by("module"), delta.by("module", inclusive=True).head(1), delta.by("heap")):
        assert view["requested_bytes_before"].to_list() == [0]
        assert view["requested_bytes_after"].to_list() == [None]
        assert view["requested_bytes_delta"].to_list() == [None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pid": 812}, "the process ids differ (704 and 812)"),
        ({"machine": "OTHER"}, "the machines differ (BOX and OTHER)"),
        ({"modules": {"app.exe": APP + 0x10000, "ntdll.dll": NTDLL}}, "app was loaded at another address"),
        ({"modules": {"stranger.dll": NTDLL}}, "no module is listed in both"),
        ({"header": False}, "a log does not name its machine"),
    ],
)
def test_traces_are_refused_across_runs(growing: tuple[Log, Log], change: dict[str, object], reason: str) -> None:
    before, after = growing
    for name, value in change.items():
        setattr(after, name, value)
    delta = hd.diff(before.read(), after.read())
    assert not delta.one_run
    assert reason in " ".join(delta.notes)
    with pytest.raises(OptionError) as caught:
        delta.by("trace")
    assert str(caught.value) == (
        "expected module, stack, function, heap or size, found 'trace': trace ids mean nothing across process runs, "
        f"and {reason}"
    )


def test_empty_logs_give_empty_rankings_and_a_zero_total() -> None:
    delta = hd.diff(Log().read(), Log().read())
    assert all(delta.by(kind).is_empty() for kind in KINDS)
    assert all(delta.by(kind, inclusive=True).is_empty() for kind in ("module", "function"))
    assert delta.total.row(0) == (0,) * 9


def test_column_types_are_those_of_the_documentation(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    for kind in KINDS:
        schema = delta.by(kind).schema
        for measure in MEASURES:
            types = [schema[f"{measure}_{part}"] for part in ("before", "after", "delta")]
            assert types == [pl.UInt64, pl.UInt64, pl.Int64], (kind, measure)


def test_notes_warn_of_what_changes_the_reading(growing: tuple[Log, Log]) -> None:
    before, after = growing
    before.taken, after.taken = after.taken, before.taken
    after.blocks.append((0x10000, "0", 3000, 8))
    notes = " | ".join(hd.diff(before.read(), after.read()).notes)
    assert "before was taken at 2012-04-30 13:09, later than after, taken at 2012-04-30 12:09" in notes
    assert "after: 70 % of the bytes have no stack recorded" in notes


def test_issues_name_their_side(growing: tuple[Log, Log]) -> None:
    before, after = growing
    after.blocks.append((0x10000, "99", 1, 8))
    delta = hd.diff(before.read(), after.read())
    assert delta.issues["side"].to_list() == ["after"]


@pytest.mark.parametrize("wrong", [None, "before.txt", 3])
def test_only_snapshots_can_be_compared(growing: tuple[Log, Log], wrong: object) -> None:
    with pytest.raises(TypeError, match="expected a Snapshot as after, found"):
        hd.diff(growing[0].read(), wrong)  # type: ignore[arg-type]


def test_unknown_kinds_are_refused(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    with pytest.raises(OptionError, match="expected one of module, stack, function, heap, trace, size, found 'modul'"):
        delta.by("modul")
    with pytest.raises(OptionError, match="expected module or function with inclusive=True, found 'stack'"):
        delta.by("stack", inclusive=True)


def test_reprs_are_short(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    assert repr(delta) == "<Delta <bytes> -> <bytes>: +600 bytes in +1 block>"
    assert "requested_bytes_delta" in delta._repr_html_()


def test_hexadecimal_numbers_are_written_as_python_does() -> None:
    edges = [0, 1, 0xF, 0x10, 0xFFFF, 0x10000, 0x1000F, 0xFFFF_FFFF, 2**32, 0x1_000F_0000, 2**63, 2**64 - 1, None]
    for numbers in (edges, *([edge] for edge in edges)):
        values = pl.Series("offset", numbers, dtype=pl.UInt64)
        texts = hexadecimal(values)
        assert texts.to_list() == [None if number is None else f"{number:X}" for number in numbers]
