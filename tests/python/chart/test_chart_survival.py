"""Blocks born and still there: the numbers of the panels, against sums by hand."""

import random

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart, testing
from heapdelta.chart import _data, _survival
from small_curves import SmallCurves

RUNS = ((0, range(6)), (1, range(6, 11)))
KEEP = {"leak": 1.0, "cache": 0.6, "churn": 0.0}


def a_table(seed=1, stacks=2):
    """Blocks of three modules, some stacks each, over two runs."""
    random_of = random.Random(seed)
    rows = []
    for run, points in RUNS:
        for number, (module, keep) in enumerate(KEEP.items()):
            for stack in range(stacks):
                for born in points:
                    count = random_of.randint(1, 90)
                    for point in range(born, points[-1] + 1):
                        left = int(count * keep ** (point - born))
                        if left:
                            rows.append((run, 10 * number + stack, module, born, point, left, 100 * left))
    columns = ["run", "fingerprint", "module", "born", "point", "allocation_count", "requested_bytes"]
    types = dict.fromkeys(columns, pl.UInt32) | {"module": pl.String, "fingerprint": pl.UInt64}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return frame.with_columns(pl.format("{}+0x10", "module").alias("function"), pl.lit("ok").alias("status"))


def points():
    return SmallCurves({"a": list(range(11))}, restarts=[6]).points


def panels(top=3, by="module", table=None):
    return _survival.panels(a_table() if table is None else table, by, top)[0]


@pytest.mark.parametrize("by", ["module", "function", "stack"])
def test_panels_tell_births_and_who_is_left_as_summed_by_hand(by):
    table = a_table()
    shown, left_out = _survival.panels(table, by, 100)
    assert left_out == 0
    assert len(shown) == 1 + (6 if by == "stack" else 3)
    whole = {(row["run"], row["end"]): (row["born"], row["kept"]) for row in shown[0].births.iter_rows(named=True)}
    rows = table.rows(named=True)
    for run, its_points in RUNS:
        for born in its_points[1:]:
            at_birth = sum(row["allocation_count"] for row in rows if row["born"] == row["point"] == born)
            at_end = sum(
                row["allocation_count"] for row in rows if row["born"] == born and row["point"] == its_points[-1]
            )
            assert whole[run, born] == (at_birth, at_end)
    for column in ("born", "kept"):
        assert sum(panel.births[column].sum() for panel in shown[1:]) == shown[0].births[column].sum()
    assert sum(panel.older for panel in shown[1:]) == shown[0].older


def test_a_leak_keeps_its_young_and_churn_keeps_none():
    by_name = {panel.name: panel for panel in panels()}
    born, kept = by_name["leak"].grown_up()
    assert 0 < born == kept
    assert by_name["leak"].older == by_name["leak"].older_kept > 0
    born, kept = by_name["churn"].grown_up()
    assert born > 0 == kept
    born, kept = by_name["cache"].grown_up()
    assert 0.1 < kept / born < 0.6


def test_panels_come_by_what_their_young_still_hold():
    assert [panel.name for panel in panels(top=2)] == ["all stacks", "leak", "cache"]
    assert _survival.panels(a_table(), "module", 2)[1] == 1
    assert [panel.name for panel in panels(top=0)] == ["all stacks"]


def test_the_youngest_are_of_a_kind_of_their_own():
    drawn = _survival.draw(panels(), points()).to_dict()["datasets"]
    for number in range(4):
        rows = drawn[f"births_{number}"]
        young = [row for row in rows if row["kind"] == _survival.YOUNG]
        assert {row["to"] for row in young} == {"2024-03-12T05:00:00Z", "2024-03-13T01:00:00Z"}
        assert all(row["from"] == 0 for row in young)
    leak = drawn["births_1"]
    assert not [row for row in leak if row["kind"] == _survival.GONE]


def test_bars_reach_from_log_to_log_and_never_over_a_restart():
    rows = _survival.draw(panels(), points()).to_dict()["datasets"]["births_0"]
    restarted = "2024-03-12T09:00:00Z"
    assert all(row["at"] < row["to"] for row in rows)
    assert not [row for row in rows if row["at"] < restarted <= row["to"]]


def test_many_intervals_are_put_together_and_no_block_is_lost():
    table = pl.DataFrame({"run": [0] * 5_000, "begin": range(5_000), "end": range(1, 5_001)}).with_columns(
        born=pl.col("begin") % 7, kept=pl.col("begin") % 3, young=pl.col("end") == 5_000
    )
    few = _survival.thinned(table, 300)
    assert few.height <= 302
    assert few["born"].sum() == table["born"].sum()
    assert few["kept"].sum() == table["kept"].sum()
    assert few.filter("young")["born"].to_list() == [4_999 % 7]
    assert few["begin"].to_list()[1:] == few["end"].to_list()[:-1]
    assert _survival.thinned(table.head(9), 9).equals(table.head(9))
    assert 3 * few.height <= _data.MARKS


def test_a_sentence_says_what_the_panel_shows():
    table = a_table().filter(pl.col("module") == "leak")
    panel = panels(table=table)[0]
    born, _ = panel.grown_up()
    assert _survival._sentence(panel) == (
        f"of {born:,} blocks born later, 100 % are still there; of {panel.older:,} in the first log, 100 %"
    )
    two = panels(table=table.filter((pl.col("point") < 2) & (pl.col("run") == 0)))[0]
    assert _survival._sentence(two).startswith("no block was born between the first and the last log; of ")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return testing.write_series(tmp_path_factory.mktemp("days"), days=3, stack_count=120, restart_after=40)


@pytest.fixture(scope="module")
def survival(story):
    return hd.series(hd.read_many(story.paths, blocks=True), runs="all").survival()


def bars(drawn, number):
    return drawn.to_dict()["datasets"][f"births_{number}"]


def test_bars_of_all_stacks_are_all_births(survival):
    born = sum(row["up"] - row["from"] for row in bars(chart.survival(survival), 0))
    assert born == survival.stacks["born_count"].sum()


def test_panels_of_stacks_agree_with_their_rows(story):
    one = hd.series(hd.read_many(story.paths[: story.restart_point], blocks=True)).survival()
    shown, _ = _survival.panels(one.table, "stack", 5)
    by_bytes = one.table.filter((pl.col("point") == pl.col("point").max()) & (pl.col("born") > 0))
    ranked = by_bytes.group_by("fingerprint").agg(pl.col("requested_bytes").sum()).sort("requested_bytes")
    for panel, fingerprint in zip(shown[1:], ranked["fingerprint"].reverse().head(5), strict=True):
        row = one.stacks.filter(pl.col("fingerprint") == fingerprint).row(0, named=True)
        assert panel.births["born"].sum() == row["born_count"]
        born, kept = panel.grown_up()
        assert kept / born == pytest.approx(row["kept_share"])
        assert panel.births["kept"].sum() + panel.older_kept == row["allocation_count"]


def test_the_leak_keeps_more_than_the_cache_and_both_are_shown(story, survival):
    shown, _ = _survival.panels(survival.table, "module", 4)
    shares = {panel.name: kept / born for panel in shown for born, kept in [panel.grown_up()]}
    assert shares[story.culprit] > shares[story.cache] > shares["all stacks"] > 0
    titles = [panel["title"]["text"] for panel in chart.survival(survival).to_dict()["vconcat"]]
    assert titles[:2] == ["all stacks", story.culprit]


def test_a_series_is_drawn_like_its_survival(story, survival):
    series = hd.series(hd.read_many(story.paths, blocks=True), runs="all")
    assert chart.survival(series, top=2).to_dict() == chart.survival(survival, top=2).to_dict()


def test_the_restart_is_named_once_and_seen_in_every_panel(survival):
    drawn = chart.survival(survival, top=2).to_dict()
    assert [row["text"] for row in drawn["datasets"]["breaks"]] == ["restart"]
    words = [sum(layer["mark"]["type"] == "text" for layer in panel["layer"]) for panel in drawn["vconcat"]]
    rules = [sum(layer["mark"]["type"] == "rule" for layer in panel["layer"]) for panel in drawn["vconcat"]]
    assert words == [2, 0, 0]
    assert rules == [1, 1, 1]


def test_the_word_of_a_restart_is_between_the_legend_and_the_picture(survival):
    drawn = chart.survival(survival).to_dict()
    (legend,) = [
        layer["encoding"]["color"]["legend"]
        for layer in drawn["vconcat"][0]["layer"]
        if "color" in layer.get("encoding", {})
    ]
    sizes = [layer["mark"]["fontSize"] for layer in drawn["vconcat"][0]["layer"] if layer["mark"]["type"] == "text"]
    middle = max(-row["height"] for row in drawn["datasets"]["breaks"])
    assert legend["offset"] >= middle + max(sizes) / 2


def test_what_cannot_be_drawn_is_refused(story, survival):
    error = hd.exceptions.OptionError
    with pytest.raises(error, match="expected one of module, function, stack, found 'heap'"):
        chart.survival(survival, by="heap")
    with pytest.raises(error, match="expected a top of 0 to 30, found 31"):
        chart.survival(survival, top=31)
    with pytest.raises(TypeError, match="expected a Survival or a Series, found Batch"):
        chart.survival(hd.read_many(story.paths[:2]))
    with pytest.raises(error, match="expected snapshots with their blocks"):
        chart.survival(hd.series(hd.read_many(story.paths[:2])))


def test_a_picture_of_survival_can_be_saved(survival, tmp_path):
    text = chart.save(chart.survival(survival), tmp_path / "survival.svg").read_text(encoding="utf-8")
    assert "gone by then" in text
    assert "http" not in text.replace("http://www.w3.org", "")
