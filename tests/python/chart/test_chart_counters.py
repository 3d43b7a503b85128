"""`chart.growth` of a series of dumps: a panel for each unit, no bytes and counts on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import heapdelta as hd
import pytest
from heapdelta.exceptions import OptionError
from small_dump import TAKEN
from small_dumps import HOUR, dump, leaking, read_all

if TYPE_CHECKING:
    from pathlib import Path


def spec(series: hd.DumpSeries, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = hd.chart.growth(series, **options).to_dict()
    return found


def axis_titles(panel: dict[str, Any]) -> set[str]:
    axes = [layer.get("encoding", {}).get("y", {}).get("axis") for layer in panel["layer"]]
    return {axis["title"] for axis in axes if axis}


def test_each_unit_has_a_panel_and_an_axis() -> None:
    drawn = spec(hd.series(read_all(leaking())), warm_up_hours=0)
    assert [panel["title"]["text"].partition(",")[0] for panel in drawn["vconcat"]] == ["bytes", "handles", "threads"]
    assert [axis_titles(panel) for panel in drawn["vconcat"]] == [
        {"growth (MiB)"},
        {"growth (handles)"},
        {"growth (threads)"},
    ]
    lines = {name: rows for name, rows in drawn["datasets"].items() if name.startswith("lines")}
    assert {row["name"] for row in lines["lines_handles"]} == {"Event handles", "File handles", "handles"}
    last = [row for row in lines["lines_handles"] if row["name"] == "Event handles"][-1]
    assert (last["end"], last["change"], last["total"], last["verdict"]) == (11, "+11 handles", "21 handles", "leak")
    assert drawn["title"]["subtitle"][0] == "12 dumps, from 11 Mar 2024 09:00 to 14 Mar 2024 03:00 (UTC)"


def test_points_that_are_not_told_are_not_drawn() -> None:
    dumps = leaking(8)
    dumps[3].handles = None
    rows = spec(hd.series(read_all(dumps)))["datasets"]["lines_handles"]
    assert sum(row["name"] == "handles" for row in rows) == 7


def test_restarts_and_gaps_are_seen(tmp_path: Path) -> None:
    later = [dump(100 + number, pid=810, created=TAKEN + 90 * HOUR, starts=[1] * number) for number in range(7)]
    series = hd.series(read_all([*leaking(8), dump(80, starts=[1] * 9), *later]), runs="all")
    words = [row["text"] for row in spec(series)["datasets"]["breaks"]]
    assert words == ["no dump for 1 d 14 h", "restart"]
    saved = hd.chart.save(hd.chart.growth(series), tmp_path / "x.png")
    assert saved.stat().st_size > 10_000


def test_order_without_a_clock_names_dumps() -> None:
    drawn = spec(hd.series(read_all(leaking(7)), order="given"))
    titles = {
        layer["encoding"]["x"]["axis"]["title"]
        for layer in drawn["vconcat"][0]["layer"]
        if "axis" in layer.get("encoding", {}).get("x", {}) and layer["encoding"]["x"]["axis"]
    }
    assert "dumps in their order, not by their time" in titles


def test_nothing_told_is_a_chart_that_says_so(tmp_path: Path) -> None:
    series = hd.series(
        read_all([dump(hour, counters=None, handles=None, starts=None, regions=None) for hour in range(3)])
    )
    drawn = hd.chart.growth(series)
    assert drawn.to_dict()["title"]["subtitle"][-1] == "nothing that is counted changed"
    hd.chart.save(drawn, tmp_path / "x.svg")


def test_a_type_of_handles_runs_no_script(tmp_path: Path) -> None:
    script = "m</script><script>alert(1)</script>"
    series = hd.series(read_all([dump(hour, handles=[script] * (hour + 1)) for hour in range(7)]))
    page = hd.chart.save(hd.chart.growth(series), tmp_path / "x.html").read_text(encoding="utf-8")
    assert "</script><script>alert" not in page
    assert "alert(1)" in page
    assert "<script>alert" not in series._repr_html_()


def test_options_of_logs_are_refused() -> None:
    series = hd.series(read_all(leaking(3)))
    for options in ({"style": "stacked"}, {"by": "module"}, {"top": 300}):
        with pytest.raises(OptionError, match="expected "):
            hd.chart.growth(series, **options)  # type: ignore[arg-type]
