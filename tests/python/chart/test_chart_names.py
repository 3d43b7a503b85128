"""What charts write and show for a name: one colour for a module, one notation for a stack, its frames beside it."""

import re
from itertools import combinations

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart
from heapdelta._ranking.fingerprints import short_forms
from heapdelta._ranking.names import named_keys
from heapdelta.chart import _colours, _stacks

NOTATION = re.compile(r"  #([0-9A-F]{6,16})$")


def linear(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast_on_white(colour):
    red, green, blue = linear(colour)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def oklab(colour):
    """Where a colour is in Oklab, in which distances are about as large as they look."""
    red, green, blue = linear(colour)
    cones = [
        (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3),
        (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3),
        (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3),
    ]
    rows = (
        (0.2104542553, 0.793617785, -0.0040720468),
        (1.9779984951, -2.428592205, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.808675766),
    )
    return [sum(factor * cone for factor, cone in zip(row, cones, strict=True)) for row in rows]


def apart(one, other):
    return sum((a - b) ** 2 for a, b in zip(oklab(one), oklab(other), strict=True)) ** 0.5


def module_colours(drawn):
    """Colours of modules in a chart, by the module's name, as its marks have them."""
    spec = drawn.to_dict()
    found = {}
    for rows in spec["datasets"].values():
        for row in rows:
            if "colour" in row and not row.get("folded"):
                found.setdefault(re.split(r"[!+,]", row["name"])[0], set()).add(row["colour"])
    for layer in spec.get("layer", []):
        scale = layer.get("encoding", {}).get("color", {}).get("scale") or {}
        if "fhpreview" in scale.get("domain", []):
            for name, colour in zip(scale["domain"], scale["range"], strict=True):
                found.setdefault(name, set()).add(colour)
    for panel in spec.get("vconcat", []):
        title = panel.get("title", {})
        for layer in panel["layer"]:
            scale = layer.get("encoding", {}).get("color", {}).get("scale", {})
            if "color" in title and scale:
                assert scale["range"][0] == title["color"]
                found.setdefault(title["text"].split("+")[0], set()).add(title["color"])
    return found


@pytest.mark.parametrize(
    "name",
    ["growth by module", "series by module", "areas by module", "slope by module", "survival by module", "week"],
)
@pytest.mark.parametrize("module", ["fhpreview", "fhcatalog"])
def test_a_module_has_one_colour_in_all_charts(charts, name, module):
    assert module_colours(charts[name])[module] == {_colours.colour_of(module)}


def test_a_module_has_one_colour_where_it_is_one_of_many(charts):
    for name in ("slope by stack", "slopes of a week", "survival by stack"):
        assert module_colours(charts[name])["fhpreview"] == {_colours.colour_of("fhpreview")}, name
    sizes = charts["sizes of a stack"].to_dict()
    ranges = [layer["encoding"]["color"]["scale"]["range"] for panel in sizes["vconcat"] for layer in panel["layer"]]
    assert {colours[1] for colours in ranges} == {_colours.colour_of("fhpreview")}
    whole = charts["sizes"].to_dict()["vconcat"][0]["layer"][0]["encoding"]["color"]["scale"]["range"]
    assert whole[1] == _colours.ALL


def test_stacks_of_one_module_have_colours_of_their_own_where_only_colour_tells_them_apart(charts):
    rows = charts["series by stack"].to_dict()["datasets"]["lines"]
    own = {row["name"]: row["colour"] for row in rows if not row["folded"]}
    assert len(set(own.values())) == len(own) == 8
    assert {row["colour"] for row in rows if row["folded"]} == {_colours.REST}


def test_all_colours_can_be_read_as_text_and_told_apart():
    for colour in (*_colours.PALETTE, _colours.REST, _colours.ALL):
        assert contrast_on_white(colour) >= 4.5, colour
    for one, other in combinations((*_colours.PALETTE, _colours.REST), 2):
        assert apart(one, other) > 0.06, (one, other)


def test_no_text_of_a_chart_is_paler_than_that(charts):
    for name, drawn in charts.items():
        svg = chart._page.svg(drawn.to_dict())
        fills = set(re.findall(r"<text[^>]*fill=\"(#[0-9a-f]{6})\"", svg))
        inside = {"#ffffff"} if name == "regions" else set()
        assert all(contrast_on_white(fill) >= 4.5 for fill in fills - inside), (name, fills)


def test_colours_depend_on_the_names_alone():
    names = [f"module{number}" for number in range(17)]
    colours = _colours.colours_of(names)
    assert len(set(colours.values())) == len(_colours.PALETTE) == 17
    for count in range(1, 17):
        assert _colours.colours_of(names[:count]) == {name: colours[name] for name in names[:count]}
    assert _colours.colours_of(["App", "app", "net"])["App"] == _colours.colours_of(["app"])["app"]
    assert _colours.colour_of("fhpreview") == "#0078b4"


def test_who_comes_first_keeps_a_colour_that_two_want():
    home = {name: _colours.colour_of(name) for name in (f"m{number}" for number in range(40))}
    one, other = next(pair for pair in combinations(home, 2) if home[pair[0]] == home[pair[1]])
    assert _colours.colours_of([one, other])[one] == home[one]
    assert _colours.colours_of([other, one])[other] == home[one]
    assert len(set(_colours.colours_of([one, other]).values())) == 2


def test_more_names_than_colours_share_them_evenly():
    colours = list(_colours.colours_of(f"m{number}" for number in range(34)).values())
    assert {colours.count(colour) for colour in _colours.PALETTE} == {2}


def test_six_digits_of_a_fingerprint_or_as_many_as_tell_it_apart():
    numbers = [0xC291BD0000000000, 0xABCDEF1100000000, 0xABCDEF1200000000, 7, None, 7]
    found = short_forms(pl.Series("fingerprint", numbers, dtype=pl.UInt64)).to_list()
    assert found == ["#C291BD", "#ABCDEF11", "#ABCDEF12", "#000000", None, "#000000"]
    twins = pl.Series("fingerprint", [0x1234567812345678, 0x1234567812345679], dtype=pl.UInt64)
    assert short_forms(twins).to_list() == ["#1234567812345678", "#1234567812345679"]


def test_a_trace_id_is_never_written_as_a_fingerprint():
    keys = {"module": ["app", None], "function": ["grow", None], "status": ["ok", "stack not in file"]}
    stacks = pl.DataFrame({"fingerprint": [0xC291BD0000000000, None], "trace_id_after": ["5A30FD", "7F"], **keys})
    stacks = stacks.cast({"fingerprint": pl.UInt64}).with_columns(trace_id_before=pl.lit(None, dtype=pl.String))
    assert named_keys(stacks)["name"].to_list() == ["app!grow  #C291BD", "stack not in file  trace 7F"]
    traces = pl.DataFrame({"trace_id": ["5A30FD", "7F"], "fingerprint": stacks["fingerprint"], **keys})
    assert named_keys(traces)["name"].to_list() == ["app!grow  trace 5A30FD", "stack not in file  trace 7F"]


@pytest.mark.parametrize("kind", ["waterfall", "series", "areas", "slope", "survival"])
def test_stacks_are_named_by_digits_of_their_fingerprint(charts, kind):
    spec = charts[f"{kind} by stack"].to_dict()
    rows = spec["datasets"]["stacks"]
    assert rows
    assert all(f"#{NOTATION.search(row['name'])[1]}" == row["stack"] for row in rows)
    assert len({row["stack"] for row in rows}) == len(rows)
    assert all(re.fullmatch("[0-9A-F]{8}( in both)?", row["traces"]) for row in rows)


def test_the_same_stack_has_the_same_digits_in_all_charts(charts):
    known = {}
    for name in ("waterfall by stack", "waterfall by trace", "series by stack", "slope by stack", "survival by stack"):
        for row in charts[name].to_dict()["datasets"]["stacks"]:
            trace = row["traces"].removesuffix(" in both")
            assert known.setdefault(trace, row["stack"]) == row["stack"], name
    assert len(known) > 10


def test_tooltips_of_stacks_have_their_frames(tmp_path):
    story = hd.testing.write_investigation(tmp_path, steps=2, stack_count=120)
    delta = hd.diff(*map(hd.read, story.paths))
    ranking = delta.by("stack")
    spec = chart.waterfall(delta, by="stack").to_dict()
    told = {row["stack"]: row for row in spec["datasets"]["stacks"]}
    long = 0
    for number in ranking["fingerprint"].head(6):
        own = delta.stack(number).filter(pl.col("alias") == 0)
        frames = [f"{module}+0x{offset:X}" for module, offset in own["module", "offset"].iter_rows()]
        row = told[f"#{number:016X}"[:7]]
        lines = row["frames"].split("\n")
        assert len(lines) == min(13, len(frames))
        if len(frames) > 12:
            long += 1
            assert lines.pop() == f"… {len(frames) - 12} more"
        assert lines == frames[:12]
    assert long
    fields = {field["field"] for layer in spec["layer"] for field in layer["encoding"].get("tooltip", [])}
    assert {"stack", "traces", "frames"} <= fields


def test_charts_of_other_things_have_no_stacks(charts):
    for name in ("waterfall by module", "growth by function", "series by module", "survival by module", "sizes"):
        assert "stacks" not in charts[name].to_dict()["datasets"], name


def test_ids_of_both_sides_are_named_with_their_side():
    row = {"trace_id_before": "A", "trace_id_after": "B"}
    assert _stacks._traces(row, {}) == "A before, B after"
    assert _stacks._traces({**row, "trace_id_before": None}, {}) == "B after"
    assert _stacks._traces({**row, "trace_id_before": "B"}, {}) == "B in both"
    assert _stacks._traces({"fingerprint": 1}, {1: ["A", "B", "C", "D", "E"]}) == "A, B, C, … 2 more"


def test_a_frame_of_a_hostile_name_is_one_line():
    frames = pl.DataFrame(
        {
            "module": ["a\nb\x1b[31m", "c" * 200],
            "function": ["f\u202eg", "h"],
            "offset": [None, None],
            "text": ["", ""],
        },
        schema_overrides={"offset": pl.UInt64},
    )
    lines = _stacks._lines(frames, [0, 1]).split("\n")
    assert lines[0] == "a\\x0ab\\x1b[31m!f\\u202eg"
    assert len(lines[1]) == 92


def test_ranking_as_a_frame_names_stacks_without_frames(tmp_path):
    story = hd.testing.write_investigation(tmp_path, steps=2, stack_count=60)
    ranking = hd.diff(*map(hd.read, story.paths)).by("stack")
    row = chart.waterfall(ranking).to_dict()["datasets"]["stacks"][0]
    assert NOTATION.search(row["name"])
    assert row["frames"] == "not known"
