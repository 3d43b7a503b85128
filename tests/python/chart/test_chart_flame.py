"""The flame chart: boxes are nodes of the tree, in the place and the width that their change asks for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import chart
from heapdelta.exceptions import OptionError
from small_log import APP_FRAME, NTDLL_FRAME, Log


@pytest.fixture(scope="module")
def delta(tmp_path_factory: pytest.TempPathFactory) -> hd.Delta:
    story = hd.testing.write_investigation(tmp_path_factory.mktemp("logs"), stack_count=120)
    return hd.diff(hd.read_log(story.before), hd.read_log(story.after))


def boxes(drawn) -> list[dict]:
    return drawn.to_dict()["datasets"]["boxes"]


@pytest.mark.parametrize("direction", ["outward", "inward"])
@pytest.mark.parametrize("by", ["function", "module"])
def test_boxes_are_as_wide_as_their_change(delta: hd.Delta, direction, by) -> None:
    tree = delta.tree(direction=direction, by=by)
    change = tree["requested_bytes_grown"] - tree["requested_bytes_shrunk"]
    shown = boxes(chart.flame(delta, direction=direction, by=by, top=2000))
    assert (shown[0]["left"], shown[0]["right"], shown[0]["top"]) == (0, 1, 0)
    widths = sorted((box["right"] - box["left"] for box in shown), reverse=True)
    expected = sorted(change / change[0], reverse=True)[: len(shown)]
    assert widths == pytest.approx(expected)
    for level in range(max(box["bottom"] for box in shown)):
        row = [box for box in shown if box["top"] == level]
        above = [box for box in shown if box["top"] == level - 1]
        assert all(one["right"] <= other["left"] + 1e-9 for one, other in pairwise(row))
        for box in row if level else []:
            assert any(up["left"] - 1e-9 <= box["left"] and box["right"] <= up["right"] + 1e-9 for up in above)


def test_growth_and_shrinkage_meet_at_the_border(delta: hd.Delta) -> None:
    row = delta.tree(by="module").filter(module="fhsession", depth=1).row(0, named=True)
    box = next(box for box in boxes(chart.flame(delta)) if box["name"] == "fhsession")
    share = row["requested_bytes_grown"] / (row["requested_bytes_grown"] - row["requested_bytes_shrunk"])
    assert (box["border"] - box["left"]) / (box["right"] - box["left"]) == pytest.approx(share)


def test_steps_are_modules_where_no_frame_has_a_function(delta: hd.Delta) -> None:
    assert not any("+0x" in box["name"] for box in boxes(chart.flame(delta)))
    assert any("+0x" in box["name"] for box in boxes(chart.flame(delta, by="function")))


def test_few_boxes_are_the_widest_and_the_rest_is_told(delta: hd.Delta) -> None:
    drawn = chart.flame(delta, top=3)
    assert len(boxes(drawn)) == 3
    assert f"3 of {delta.tree(by='module').height:,} nodes" in drawn.to_dict()["title"]["subtitle"][0]


def test_a_log_and_a_filter(delta: hd.Delta) -> None:
    live = delta.after.live().filter(focus="fhcatalog")
    drawn = chart.flame(live)
    assert boxes(drawn)[0]["name"] == "total"
    assert "filters leave out" in drawn.to_dict()["title"]["subtitle"][0]


def test_nothing_that_changed_is_one_box() -> None:
    log = Log([(0x10000, "1", 100, 8)], {"1": [NTDLL_FRAME, APP_FRAME]}).read()
    assert [box["name"] for box in boxes(chart.flame(hd.diff(log, log)))] == ["total"]


def test_it_is_refused_what_it_cannot_draw(delta: hd.Delta, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"found .*Path"):
        chart.flame(tmp_path)
    with pytest.raises(OptionError, match="expected a top of 1 to 2000, found 0"):
        chart.flame(delta, top=0)
    with pytest.raises(OptionError, match="expected outward or inward for direction"):
        chart.flame(delta, direction="down")
    huge = Log([(0x10000, "1", (1 << 63) + 5, 0)], {"1": [NTDLL_FRAME]}).read()
    with pytest.raises(OptionError, match="expected known sums for a flame graph"):
        chart.flame(hd.diff(Log([], {}).read(), huge))
