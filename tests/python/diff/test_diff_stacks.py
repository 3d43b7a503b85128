"""Stacks of a difference: which are the same, which of their frames is blamed, and where ids disagree with frames."""

from __future__ import annotations

import re
from copy import deepcopy

import heapdelta as hd
import pytest
from heapdelta.exceptions import OptionError
from small_log import APP, APP_FRAME, NTDLL, NTDLL_FRAME, Log

KINDS = ["module", "stack", "function", "heap", "size", "trace"]
FRAMES = [NTDLL_FRAME, NTDLL + 0x200, APP_FRAME, APP + 0x200, 0x1000_0100, 0x1000_0200, 0x7FFF_0000]
NAMES = {0x7700: "ntdll", 0x40: "app", 0x1000: "a"}


def test_stack_that_is_not_in_the_file_matches_by_id_in_one_run_only() -> None:
    before, after = (Log([(0x10000, "77", 10, 8)], pid=1) for _ in range(2))
    assert hd.diff(before.read(), after.read()).by("stack").height == 1
    after.pid = 2
    apart = hd.diff(before.read(), after.read()).by("stack")
    assert apart.select("trace_id_before", "trace_id_after", "requested_bytes_delta").rows() == [
        (None, "77", 10),
        ("77", None, -10),
    ]
    assert apart["status"].unique().to_list() == ["stack not in file"]


def test_frames_known_to_one_log_serve_the_other(growing: tuple[Log, Log]) -> None:
    before, after = growing
    cut = Log(after.blocks, {}, taken=after.taken)
    delta = hd.diff(before.read(), cut.read())
    assert delta.by("module").equals(hd.diff(before.read(), after.read()).by("module"))
    assert delta.by("stack")["trace_id_after"].to_list() == ["11", "33", "22"]


def test_frames_of_the_other_log_may_be_those_of_another_id_here() -> None:
    frames = [APP_FRAME]
    before = Log([(0x10000, "77", 10, 8), (0x10000, "99", 20, 8)], {"99": frames})
    after = Log([(0x10000, "77", 50, 8)], {"77": frames})
    for older, newer, sign in ((before, after, 1), (after, before, -1)):
        delta = hd.diff(older.read(), newer.read())
        assert delta.by("stack")["requested_bytes_delta"].to_list() == [20 * sign]
        assert delta.total["requested_bytes_delta"].to_list() == [20 * sign]


def test_conflicts_list_where_id_and_content_disagree(growing: tuple[Log, Log]) -> None:
    before, after = growing
    assert hd.diff(before.read(), after.read()).conflicts.is_empty()
    after.stacks = deepcopy(after.stacks)
    after.stacks["22"] = [NTDLL_FRAME, APP + 0x999]
    after.stacks["44"] = after.stacks.pop("33")
    after.blocks = [(heap, "44" if trace == "33" else trace, *rest) for heap, trace, *rest in after.blocks]
    delta = hd.diff(before.read(), after.read())
    found = delta.conflicts
    assert found.select("trace_id_before", "trace_id_after", "kind").rows() == [
        ("33", "44", "same frames, other id"),
        ("22", "22", "same id, other frames"),
    ]
    assert any("disagree" in note for note in delta.notes)
    assert delta.by("trace").select("trace_id", "requested_bytes_delta").rows() == [
        ("11", 900),
        ("44", 64),
        ("33", -64),
        ("22", -300),
    ]


def test_conflicts_of_many_ids_with_equal_frames_are_as_many_as_the_ids() -> None:
    def of(ids: range) -> hd.Snapshot:
        return Log([(0x10000, f"{number:X}", 8, 8) for number in ids], {f"{n:X}": [NTDLL_FRAME] for n in ids}).read()

    found = hd.diff(of(range(1, 301)), of(range(1001, 1201))).conflicts
    assert found["kind"].unique().to_list() == ["same frames, other id"]
    assert set(found["trace_id_before"]) == {f"{number:X}" for number in range(1, 301)}
    assert set(found["trace_id_after"]) == {f"{number:X}" for number in range(1001, 1201)}
    assert found.height == 300 + 200 - 1


def test_stack_shows_its_frames_and_which_one_is_blamed(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    frames = delta.stack(delta.by("stack")["fingerprint"][0])
    assert frames.select("index", "module", "offset", "blamed", "alias").rows() == [
        (0, "ntdll", 0x100, False, 0),
        (1, "a", 0x100, True, 0),
        (2, "app", 0x100, False, 0),
    ]
    for wrong in (1 << 64, "x", "#", None, True, 1.5):
        expected = f"expected a fingerprint such as #C291BD or its 16 digits, found {wrong!r}"
        with pytest.raises(OptionError, match=re.escape(expected)):
            delta.stack(wrong)  # type: ignore[arg-type]
    for number in (12, -1):
        with pytest.raises(OptionError, match=r"expected one stack of fingerprint [0F]+[0-9A-F]+, found none"):
            delta.stack(number)


def test_a_stack_is_found_by_its_short_form_and_by_the_logs_own_name(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    for row in delta.by("stack").drop_nulls("fingerprint").iter_rows(named=True):
        digits = f"{row['fingerprint']:016X}"
        trace = row["trace_id_after"] or row["trace_id_before"]
        for asked in (row["fingerprint"], digits, f"#{digits[:8]}", f"0x{digits.lower()}", f"BackTrace{trace}"):
            assert delta.fingerprint(asked) == row["fingerprint"]
    with pytest.raises(OptionError, match="found none called BackTrace99"):
        delta.stack("BackTrace99")


def test_outermost_frame_is_blamed_if_all_are_an_allocators() -> None:
    log = Log([(1, "5", 10, 8)], {"5": [NTDLL_FRAME, NTDLL + 0x200, NTDLL_FRAME]})
    delta = hd.diff(Log().read(), log.read())
    assert delta.stack(delta.by("stack")["fingerprint"][0])["blamed"].to_list() == [False, False, True]


def test_functions_without_a_name_show_module_and_offset(growing: tuple[Log, Log]) -> None:
    delta = hd.diff(growing[0].read(), growing[1].read())
    assert delta.by("function")["function"].to_list() == ["a+0x100", "ntdll+0x100", "app+0x100"]


def test_frames_in_no_module_are_told_apart() -> None:
    log = Log([(1, "5", 10, 8), (1, "6", 20, 8), (1, "0", 5, 8)], {"5": [0x7FFF_0000], "6": [0x7FFF_1000]})
    delta = hd.diff(Log().read(), log.read())
    assert delta.by("module").select("module", "status", "requested_bytes_delta").rows() == [
        (None, "no module", 30),
        (None, "no stack recorded", 5),
    ]
    assert delta.by("function")["function"].to_list() == ["7FFF1000", "7FFF0000", None]
