"""Charts: the numbers they show, not their looks."""

from itertools import pairwise
from pathlib import Path

import altair as alt
import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart, exceptions, testing
from heapdelta.chart import _data, _region_parts, _regions
from small_dump import SmallDump


def ranking(*rows):
    names, before, after = zip(*rows, strict=True)
    return pl.DataFrame(
        {"module": names, "requested_bytes_before": before, "requested_bytes_after": after},
        schema_overrides={"requested_bytes_before": pl.UInt64, "requested_bytes_after": pl.UInt64},
    ).with_columns(
        (pl.col("requested_bytes_after").cast(pl.Int64) - pl.col("requested_bytes_before").cast(pl.Int64)).alias(
            "requested_bytes_delta"
        )
    )


def bars(drawn):
    return drawn.to_dict()["datasets"]["bars"]


def marks(drawn):
    return sum(map(len, drawn.to_dict()["datasets"].values()))


FORTY = ranking(
    *((f"module{number:02}", 1000 * number, 1000 * (number + (-1) ** number * number)) for number in range(40))
)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    story = testing.write_investigation(tmp_path_factory.mktemp("story"), steps=5, stack_count=120)
    return [hd.read(path) for path in story.paths]


@pytest.mark.parametrize(
    "frame", [FORTY, ranking(("a", 0, 7)), ranking(("a", 9, 0), ("b", 5, 1)), ranking(("a", 3, 3))]
)
@pytest.mark.parametrize("top", [1, 3, 12, 100])
def test_bars_lead_from_the_total_before_to_the_total_after(frame, top):
    drawn = _data.waterfall_bars(frame, top)
    assert drawn[0].end == frame["requested_bytes_before"].sum()
    assert drawn[-1].end == frame["requested_bytes_after"].sum()
    at = drawn[0].end
    for bar in drawn[1:-1]:
        assert bar.begin == at
        at = bar.end
    assert at == drawn[-1].end


def test_folded_bar_says_how_many_and_what_they_did():
    drawn = bars(chart.waterfall(FORTY, top=5))
    folded = drawn[-2]
    # module00 did not change; 5 of the other 39 have a bar of their own.
    assert folded["name"] == "34 more modules"
    assert folded["detail"] == "17 grew by 299 KiB, 17 shrank by 282 KiB"
    assert len(drawn) == 1 + 5 + 1 + 1


def test_changes_too_small_to_see_are_folded_and_a_single_one_keeps_its_name():
    tiny = [("b", 10, 11), ("c", 10, 9)]
    assert [bar["name"] for bar in bars(chart.waterfall(ranking(("a", 0, 10_000), *tiny)))][2] == "2 more modules"
    assert [bar["name"] for bar in bars(chart.waterfall(ranking(("a", 0, 10_000), tiny[0])))][2] == "b"


def test_growth_comes_first_largest_first_then_shrinkage():
    frame = ranking(("a", 0, 50), ("b", 90, 0), ("c", 0, 70), ("d", 20, 0))
    assert [bar["name"] for bar in bars(chart.waterfall(frame))[1:-1]] == ["c", "a", "b", "d"]


def test_sign_is_in_the_label_and_in_the_kind():
    drawn = bars(chart.waterfall(ranking(("a", 0, 2048), ("b", 1024, 0))))
    assert [(bar["change"], bar["kind"]) for bar in drawn[1:-1]] == [("+2.00 KiB", "grew"), ("-1.00 KiB", "shrank")]


def test_small_changes_of_a_large_total_are_drawn_against_it():
    large = 10_000_000_000
    drawn = chart.waterfall(ranking(("a", large, large + 2048 * 50), ("b", 0, 2048 * 10)))
    assert [bar["end"] for bar in bars(drawn)] == [0, 100, 120, 120]
    assert "change against the total before (KiB)" in str(drawn.to_dict())


def test_long_names_are_cut_in_the_middle_and_stay_distinct():
    long = "very_long_module_name_" * 10
    drawn = bars(chart.waterfall(ranking((long + "a" * 30, 0, 10), (long + "b" + "a" * 30, 0, 10))))[1:-1]
    assert [len(bar["label"]) for bar in drawn] == [46, 50]
    assert drawn[0]["name"] == long + "a" * 30
    assert len({bar["label"] for bar in drawn}) == 2


def test_names_of_modules_cannot_be_taken_for_totals():
    drawn = bars(chart.waterfall(ranking(("total before", 10, 20), ("total after", 0, 5))))
    assert len({bar["label"] for bar in drawn}) == 4


@pytest.mark.parametrize("kind", ["module", "stack", "function", "heap", "trace"])
def test_a_delta_is_drawn_by_any_kind(snapshots, kind):
    delta = hd.diff(snapshots[0], snapshots[1])
    drawn = bars(chart.waterfall(delta, by=kind, top=4))
    assert drawn[0]["detail"] == f"{delta.total['requested_bytes_before'][0]:,} bytes"
    assert drawn[-1]["detail"] == f"{delta.total['requested_bytes_after'][0]:,} bytes"
    assert all(bar["name"] for bar in drawn)


def test_growth_of_all_lines_is_that_of_the_total(snapshots):
    first, last = snapshots[0].usage["requested_bytes"].sum(), snapshots[-1].usage["requested_bytes"].sum()
    frames = [chart._growth._amounts(hd.diff(snapshots[0], snapshot).by("module"), "after") for snapshot in snapshots]
    for top in (1, 2, 8, 100):
        lines = _data.growth_lines(frames, top)
        assert lines.filter(pl.col("point") == len(snapshots) - 1)["growth"].sum() == last - first
        assert lines["name"].n_unique() <= top + 1
    assert lines["name"][0] == "fhpreview"


def test_growth_takes_snapshots_or_deltas(snapshots):
    deltas = [hd.diff(snapshots[0], snapshots[1]), hd.diff(snapshots[1], snapshots[2])]
    assert chart.growth(*deltas).to_dict()["datasets"] == chart.growth(*snapshots[:3]).to_dict()["datasets"]


def test_line_that_flattens_and_line_that_rises_are_told_apart(snapshots):
    rows = chart.growth(*snapshots).to_dict()["datasets"]["lines"]
    cache = [row["growth"] for row in rows if row["name"] == "fhcatalog"]
    leak = [row["growth"] for row in rows if row["name"] == "fhpreview"]
    assert cache[4] - cache[3] < 0.02 * cache[4]
    assert leak[4] - leak[3] > 0.2 * leak[4]


def test_growth_without_any_change_says_so(snapshots):
    rows = chart.growth(snapshots[0], snapshots[0]).to_dict()["datasets"]["lines"]
    assert [(row["name"], row["growth"]) for row in rows] == [("no change", 0), ("no change", 0)]


def test_labels_do_not_hide_each_other():
    places = _data.spread([10.0, 9.99, 0.01, 0.0, 0.0], 0.0, 10.0)
    assert all(upper - lower >= 0.4499 for upper, lower in pairwise(places))
    assert min(places) >= 0


def test_many_points_and_rows_stay_below_the_limit_of_marks():
    frames = [pl.DataFrame({"name": ["a", "b"], "requested_bytes": [point, 7]}) for point in range(6_000)]
    lines = _data.growth_lines(frames, 49)
    assert 100 <= lines.height <= _data.MARKS
    assert lines["point"].max() == 5_999
    many = ranking(*((f"m{number}", 0, 1_000 + number) for number in range(20_000)))
    assert marks(chart.waterfall(many, top=2_000)) <= _data.MARKS


def test_wrong_arguments_are_refused(snapshots):
    with pytest.raises(hd.exceptions.OptionError, match="top of 1 to 2000, found 0"):
        chart.waterfall(FORTY, top=0)
    with pytest.raises(TypeError, match="found str"):
        chart.waterfall("before.txt")
    with pytest.raises(hd.exceptions.OptionError, match="two snapshots or more, found 1"):
        chart.growth(snapshots[0])
    with pytest.raises(TypeError, match="or deltas alone, found str"):
        chart.growth(snapshots[0], "after.txt")
    with pytest.raises(hd.exceptions.OptionError, match="starts at"):
        chart.growth(hd.diff(snapshots[0], snapshots[1]), hd.diff(snapshots[2], snapshots[3]))


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<svg"), ("a.html", b"<!DOCTYPE html>")])
def test_saved_files_need_no_network(tmp_path, name, start):
    path = chart.save(chart.waterfall(FORTY), tmp_path / name)
    content = path.read_bytes()
    assert content.startswith(start)
    assert b'src="http' not in content


def test_altairs_own_save_works(tmp_path):
    chart.waterfall(FORTY).save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<svg")


def test_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(hd.exceptions.OptionError, match=r"\.png, \.svg or \.html"):
        chart.save(chart.waterfall(FORTY), tmp_path / "a.gif")


def test_renderer_shows_a_picture_or_a_page_without_a_network():
    drawn = chart.waterfall(FORTY)
    assert alt.renderers.active == "heapdelta"
    assert set(drawn._repr_mimebundle_()) == {"image/svg+xml"}
    chart.enable(interactive=True)
    try:
        page = drawn._repr_mimebundle_()["text/html"]
    finally:
        chart.enable()
    assert page.startswith("<iframe srcdoc=")
    assert 'src="http' not in page.replace("&quot;", '"')


@pytest.fixture(scope="module")
def dumps(tmp_path_factory):
    story = testing.write_dump_investigation(tmp_path_factory.mktemp("dumps"), steps=3, stack_count=120)
    return [hd.read(path) for path in story.paths]


def segments(drawn):
    return drawn.to_dict()["datasets"]["segments"]


def test_segments_of_a_column_stand_on_each_other_and_reach_the_committed_total(dumps):
    drawn = segments(chart.regions(*dumps))
    for dump in dumps:
        name = Path(dump.path).name
        own = [row for row in drawn if row["dump"] == name]
        assert own[0]["begin"] == 0
        assert all(below["end"] == above["begin"] for below, above in pairwise(own))
        committed = dump.regions.filter(pl.col("state") == "commit")["size"].sum()
        exact = sum(int(row["exact"].removesuffix(" bytes").replace(",", "")) for row in own)
        assert exact == committed


def test_regions_of_a_delta_are_those_of_its_dumps(dumps):
    before, after = dumps[:2]
    assert chart.regions(hd.diff(before, after)).to_dict() == chart.regions(before, after).to_dict()


def test_small_classes_are_one_segment_that_names_them():
    columns = [{"heap": 1000, "image": 900, "teb": 5, "peb": 1}, {"heap": 2000, "image": 900, "teb": 9}]
    parts = _region_parts.region_parts(columns)
    assert [(part.name, part.size) for part in parts if part.state == 1] == [
        ("heap", 2000),
        ("image", 900),
        ("teb, peb", 9),
    ]
    alone = _region_parts.region_parts([{"heap": 1000, "teb": 5}])
    assert [part.name for part in alone] == ["heap", "teb"]


def test_labels_tell_the_change_and_do_not_hide_each_other(dumps):
    drawn = chart.regions(dumps[0], dumps[2]).to_dict()["datasets"]["labels"]
    assert drawn[-1]["label"].startswith("heap: ")
    assert "(+" in drawn[-1]["label"]
    places = [row["place"] for row in drawn]
    assert all(upper > lower for upper, lower in pairwise(places))
    alone = chart.regions(dumps[0]).to_dict()["datasets"]["labels"]
    assert all(row["label"].endswith(" %)") for row in alone)
    same = chart.regions(dumps[0], dumps[0]).to_dict()["datasets"]["labels"]
    assert all(row["label"].endswith("(no change)") for row in same)


def test_neighbouring_classes_differ_without_colour():
    def lightness(colour):
        red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2

    # From dark to light and back; the last two are too rare and too small to matter.
    shades = [lightness(_regions._COLOURS[name]) for name in ("heap", "private", "stack", "mapped", "image")]
    for below, above in pairwise(shades):
        assert (max(below, above) + 0.05) / (min(below, above) + 0.05) > 2


def test_subtitle_says_that_private_growth_has_no_owner(dumps):
    title = chart.regions(*dumps[:2]).to_dict()["title"]
    assert "+" in title["subtitle"][0]
    assert title["subtitle"][1].startswith("a dump does not tell whose private memory")
    assert chart.regions(dumps[0], dumps[0]).to_dict()["title"]["subtitle"][0].endswith("no change")


def test_dumps_without_regions_and_other_things_are_refused(dumps, snapshots):
    bare = SmallDump(regions=None).read()
    with pytest.raises(exceptions.OptionError, match="expected a dump that lists its regions, found bytes without"):
        chart.regions(dumps[0], bare)
    with pytest.raises(exceptions.OptionError, match="expected one dump or more, found none"):
        chart.regions()
    with pytest.raises(TypeError, match="found a heap log, which has no regions"):
        chart.regions(snapshots[0])
    with pytest.raises(TypeError, match="found str"):
        chart.regions("before.dmp")
    with pytest.raises(TypeError, match=r"found list: regions\(\*dumps\) takes them one by one"):
        chart.regions(dumps)
    for mixed in (dumps, [snapshots[0], *dumps]):
        with pytest.raises(TypeError, match="expected snapshots of heap logs alone, or deltas alone, found a Dump:"):
            chart.growth(*mixed)
    with pytest.raises(TypeError, match=r"found a list: growth\(\*states\) takes them one by one"):
        chart.growth(snapshots)
    with pytest.raises(TypeError, match="found a DumpSeries, which is drawn alone"):
        chart.growth(hd.series(dumps), hd.series(dumps))
    with pytest.raises(TypeError, match="found DumpDelta"):
        chart.waterfall(hd.diff(*dumps[:2]))
    empty = chart.regions(SmallDump().read())
    assert segments(empty) == []


def test_a_picture_of_regions_can_be_saved(dumps, tmp_path):
    for name in ("memory.png", "memory.svg"):
        assert chart.save(chart.regions(*dumps), tmp_path / name).stat().st_size > 5_000
    text = (tmp_path / "memory.svg").read_text(encoding="utf-8")
    assert "heap: " in text
