"""What all charts have in common: times, titles of pages, no warnings, room for the texts at their edges."""

import json
import re

import altair as alt
import heapdelta as hd
import pytest
import vl_convert
from heapdelta import chart
from heapdelta.chart import _page, _room
from heapdelta.chart._text import for_drawing, mapped
from wide_font import beyond, width

A_TIME = re.compile(r"2024-03-\d\d \d\d:\d\d")


def tooltips(spec):
    """Every tooltip of a specification: fields and their types."""
    if isinstance(spec, dict):
        if "encoding" in spec and "tooltip" in spec["encoding"]:
            yield spec["encoding"]["tooltip"]
        for value in spec.values():
            yield from tooltips(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from tooltips(value)


def fields_of(spec, kind):
    """Fields that are encoded with a type, and the scales and axes beside them."""
    if isinstance(spec, dict):
        if spec.get("type") == kind and "field" in spec:
            yield spec
        for value in spec.values():
            yield from fields_of(value, kind)
    elif isinstance(spec, list):
        for value in spec:
            yield from fields_of(value, kind)


def compiled(spec):
    return vl_convert.vegalite_to_svg(mapped(spec, for_drawing), vl_version=_page.VEGA_LITE, show_warnings=True)


def test_no_tooltip_shows_a_field_that_is_a_time_for_the_axis(charts):
    timed = 0
    for name, drawn in charts.items():
        spec = drawn.to_dict()
        places = {field["field"] for field in fields_of(spec, "temporal")}
        timed += bool(places)
        shown = {field["field"] for fields in tooltips(spec) for field in fields}
        assert shown, name
        assert not shown & places, name
        if places:
            assert shown & {"when", "about"}, name
    assert timed == 12


def test_times_of_tooltips_are_those_of_the_logs(charts):
    for name in ("growth by module", "series by stack", "areas by module", "week"):
        rows = charts[name].to_dict()["datasets"]["lines"]
        assert rows[0]["when"] == "2024-03-11 09:00"
        assert all(A_TIME.fullmatch(row["when"]) for row in rows), name
    births = charts["survival by module"].to_dict()["datasets"]["births_1"]
    assert births[0]["when"] == "2024-03-11 09:00 to 2024-03-11 13:00"


def test_axes_of_time_do_not_shift_with_the_zone_of_who_looks(charts):
    for name, drawn in charts.items():
        spec = drawn.to_dict()
        for field in fields_of(spec, "temporal"):
            assert field["scale"]["type"] == "utc", name
            for tick in field.get("axis", {}).get("values", []):
                assert tick["utc"] is True, name
            for rows in spec["datasets"].values():
                own = [row[field["field"]] for row in rows if isinstance(row.get(field["field"]), str)]
                assert all(text.endswith("Z") for text in own), name


def test_logs_without_times_name_their_place(tmp_path):
    story = hd.testing.write_investigation(tmp_path, steps=3, stack_count=60)
    snapshots = [hd.read(path) for path in story.paths]
    drawn = chart.growth(snapshots[1], snapshots[0]).to_dict()
    row = drawn["datasets"]["lines"][0]
    assert row["when"].startswith("1. ")
    assert len(row["at"]) <= 18


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        (alt.Undefined, "heapdelta chart"),
        ("", "heapdelta chart"),
        ("What changed", "What changed"),
        (["Growth", "of <b>app</b> & others"], "Growth of &lt;b&gt;app&lt;/b&gt; &amp; others"),
        (alt.TitleParams(["a", "b\nc"], subtitle="d"), "a b c"),
        (alt.TitleParams("</title><script>x</script>"), "&lt;/title&gt;&lt;script&gt;x&lt;/script&gt;"),
        (alt.TitleParams(alt.ExprRef("1 + 1")), "heapdelta chart"),
        ("a\x1b[31mb\u202ec", "a\\x1b[31mb\\u202ec"),
    ],
)
def test_pages_have_the_title_of_their_chart(tmp_path, title, shown):
    drawn = alt.Chart(alt.NamedData("rows"), title=title).mark_point().encode(x="a:Q")
    page = chart.save(drawn.properties(datasets={"rows": [{"a": 1}]}), tmp_path / "a.html").read_text("utf-8")
    assert re.findall("<title>(.*?)</title>", page, re.DOTALL)[0] == shown


def test_our_own_pages_are_told_apart_by_their_titles(charts):
    titles = {_page.title_of(drawn.to_dict()) for drawn in charts.values()}
    assert "heapdelta chart" not in titles
    assert {"What changed: before.txt → after_4.txt", "Blocks by their size", "Growth per hour by stack"} <= titles


def test_vega_warns_of_none_of_them(charts, capfd):
    for drawn in charts.values():
        compiled(drawn.to_dict())
    assert capfd.readouterr().err == ""


def test_a_warning_would_be_seen(charts, capfd):
    spec = charts["week"].to_dict()
    text = json.dumps(spec)
    domain = json.dumps(next(fields_of(spec, "temporal"))["scale"]["domain"])
    compiled(json.loads(text.replace(domain, "[1710147600000, 1710205200000]")))
    assert "WARN Conflicting scale property" in capfd.readouterr().err


def test_no_text_is_cut_where_the_font_is_wide(charts):
    for name, drawn in charts.items():
        assert beyond(_page.svg(drawn.to_dict())) == [], name


def test_a_text_that_is_cut_would_be_found(charts):
    spec = charts["series by stack"].to_dict()
    del spec["padding"]
    assert beyond(_page.svg(spec))


@pytest.mark.parametrize("letter", ["m", "W", "i", "0", "_", "模", "#"])
def test_long_names_have_room_too(letter):
    frame = chart.waterfall(ranking({letter * 60: 4096, f"{letter * 50}!{letter * 50}": 900})).to_dict()
    assert beyond(_page.svg(frame)) == []


def test_room_is_enough_for_what_names_are_made_of():
    for text in (
        "fhpreview+0x610C  #8E9569",
        "HEAPDELTA_NATIVE!HASH_MAP",
        "std::vector<int>::push_back",
        "31 more modules",
    ):
        assert _room.width(text) >= width(text, 11, bold=False)
        assert _room.width(text, bold=True) >= width(text, 11, bold=True)


def test_only_our_own_words_cut_names(charts):
    for name, drawn in charts.items():
        limits = set(re.findall(r'"labelLimit": (\d+)', json.dumps(drawn.to_dict())))
        assert limits <= {"0"}, name


def ranking(sizes):
    import polars as pl

    after = list(sizes.values())
    return pl.DataFrame(
        {
            "module": list(sizes),
            "requested_bytes_before": [0] * len(after),
            "requested_bytes_after": after,
            "requested_bytes_delta": after,
        }
    )
