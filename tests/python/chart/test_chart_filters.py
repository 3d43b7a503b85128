"""Charts of what filters leave: no hidden frame is listed, and what is left out is said."""

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart
from heapdelta.chart import _stacks

HIDDEN = "fhpreview"


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    story = hd.testing.write_investigation(tmp_path_factory.mktemp("story"), steps=3, stack_count=120)
    return hd.read_many(story.paths, blocks=True)


def every_chart_of_stacks(logs, **filters):
    delta = hd.diff(logs.snapshots[0], logs.snapshots[-1]).filter(**filters)
    series = hd.series(logs, by="stack").filter(**filters)
    live = logs.snapshots[-1].live().filter(**filters)
    grown = delta.by("stack")["fingerprint"][0]
    return {
        "waterfall": chart.waterfall(delta, by="stack"),
        "waterfall by trace": chart.waterfall(delta, by="trace"),
        "live": chart.live(live, by="stack"),
        "lines": chart.growth(series),
        "areas": chart.growth(series, style="stacked"),
        "slope": chart.slope(series),
        "sizes": chart.sizes(delta, stack=grown),
    }


def frames_told(drawn):
    return {row["stack"]: row["frames"].split("\n") for row in drawn.to_dict()["datasets"]["stacks"]}


@pytest.mark.parametrize("filters", [{"hide": HIDDEN}, {"show": "fh*"}], ids=["hide", "show"])
def test_tooltips_list_no_hidden_frame_and_count_them(logs, filters):
    for name, drawn in every_chart_of_stacks(logs, **filters).items():
        hidden = 0
        for lines in frames_told(drawn).values():
            frames = [line for line in lines if not line.startswith(("(", "…"))]
            assert frames, name
            if "hide" in filters:
                assert not any(frame.startswith(HIDDEN) for frame in frames), name
            else:
                assert all(frame.startswith("fh") for frame in frames), name
            hidden += sum("hidden frame" in line for line in lines)
        assert hidden, name


def test_a_stack_is_named_by_a_frame_that_is_not_hidden(logs):
    for name, drawn in every_chart_of_stacks(logs, hide=HIDDEN).items():
        assert not any(row["name"].startswith(HIDDEN) for row in drawn.to_dict()["datasets"]["stacks"]), name


def test_tooltips_without_hidden_frames_are_those_of_no_filter(logs):
    whole = every_chart_of_stacks(logs)
    part = every_chart_of_stacks(logs, ignore="nothing")
    assert {name: frames_told(drawn) for name, drawn in part.items()} == {
        name: frames_told(drawn) for name, drawn in whole.items()
    }


def test_hidden_frames_are_counted_where_they_are_missing():
    frames = pl.DataFrame(
        {"module": ["a", "b", "c"], "function": ["f", "g", "h"], "offset": [None] * 3, "text": [""] * 3},
        schema_overrides={"offset": pl.UInt64},
    )
    ids = [1, 0, 1, 1, 2, 1]
    hidden = pl.Series([False, True, False])
    assert _stacks._lines(frames, ids, hidden).split("\n") == [
        "(1 hidden frame)",
        "a!f",
        "(2 hidden frames)",
        "c!h",
        "(1 hidden frame)",
    ]
    many = [0] * 12 + [1, 0, 1]
    assert _stacks._lines(frames, many, hidden).split("\n") == ["a!f"] * 12 + ["… 3 more"]
    assert _stacks._lines(frames, [1], hidden) == "(1 hidden frame)"


def test_what_filters_leave_out_is_in_every_subtitle(logs):
    for name, drawn in every_chart_of_stacks(logs, focus=HIDDEN).items():
        subtitle = drawn.to_dict()["title"]["subtitle"]
        if name != "sizes":
            assert "filters leave out" in "".join(subtitle), name
    delta = hd.diff(logs.snapshots[0], logs.snapshots[-1]).filter(focus=HIDDEN)
    assert "the stacks that filters leave" in chart.sizes(delta).to_dict()["title"]["subtitle"][0]


def test_sizes_of_a_filtered_difference_are_of_the_blocks_that_are_left(logs):
    before, after = logs.snapshots[0], logs.snapshots[-1]
    delta = hd.diff(before, after).filter(focus=HIDDEN)
    rows = chart.sizes(delta).to_dict()["datasets"]["blocks"]
    for state in ("before", "after"):
        blocks = sum(row["blocks"] for row in rows if row["state"] == state)
        assert blocks == delta.total[f"allocation_count_{state}"].item()
    assert 0 < delta.total["allocation_count_after"].item() < after.allocations.height
