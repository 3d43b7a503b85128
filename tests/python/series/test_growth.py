"""The numbers of `Series.growth` against SciPy and against the plainest Python there is."""

from __future__ import annotations

import math
import statistics
from itertools import combinations, pairwise

import heapdelta as hd
import polars as pl
import pytest
import scipy.stats
from curves import snapshots_of
from heapdelta._series import growth
from heapdelta.exceptions import OptionError
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import Log


@st.composite
def bundles(draw: st.DrawFn) -> tuple[list[float], dict[str, list[int]]]:
    """Times in hours, a few of them equal, and curves with ties, with zeros, and with great numbers."""
    count = draw(st.integers(2, 40))
    steps = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.0, 4.0, 24.0]), min_size=count - 1, max_size=count - 1))
    hours = [0.0]
    for step in steps:
        hours.append(hours[-1] + step)
    size = st.one_of(st.integers(0, 5), st.integers(0, 2000), st.integers(0, 1 << 40))
    curve = st.lists(size, min_size=count, max_size=count)
    curves = draw(st.lists(curve, min_size=1, max_size=4))
    # No two points are the same in all: of a log and its copy only one counts.
    return hours, {f"m{place}": values for place, values in enumerate([*curves, list(range(1, count + 1))])}


def naive_slope(hours: list[float], values: list[int]) -> float | None:
    pairs = combinations(zip(hours, values, strict=True), 2)
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs if x2 > x1]
    return statistics.median(slopes) if slopes else None


@settings(max_examples=60, deadline=None)
@given(bundle=bundles(), alpha=st.sampled_from([0.05, 0.01, 0.3]))
def test_numbers_are_those_of_scipy_and_of_plain_python(
    bundle: tuple[list[float], dict[str, list[int]]], alpha: float
) -> None:
    hours, curves = bundle
    growth = hd.series(snapshots_of(curves, hours)).growth(alpha=alpha)
    assert growth["module"].sort().to_list() == sorted(name for name, values in curves.items() if any(values))
    for row in growth.iter_rows(named=True):
        values = curves[row["module"]]
        ends = (row["first_bytes"], row["last_bytes"], row["min_bytes"], row["max_bytes"])
        assert ends == (values[0], values[-1], min(values), max(values))
        assert row["count_delta"] == bool(values[-1]) - bool(values[0])
        up = sum(later > earlier for earlier, later in pairwise(values))
        assert row["rising_share"] == pytest.approx(up / (len(values) - 1))
        slope = naive_slope(hours, values)
        assert row["slope"] == (slope if slope is None else pytest.approx(slope, rel=1e-12, abs=1e-9))
        if slope is None:
            continue
        found = scipy.stats.theilslopes(values, hours, alpha=1 - alpha)
        assert row["slope_low"] == pytest.approx(found.low_slope, rel=1e-9, abs=1e-9)
        assert row["slope_high"] == pytest.approx(found.high_slope, rel=1e-9, abs=1e-9)
        tau = scipy.stats.kendalltau(hours, values)
        assert row["p_value"] == pytest.approx(1.0 if math.isnan(tau.pvalue) else tau.pvalue, rel=1e-9)
    changing = growth.filter(pl.col("max_bytes") > pl.col("min_bytes"))
    if changing.height:
        adjusted = scipy.stats.false_discovery_control(changing["p_value"].to_list())
        assert changing["q_value"].to_list() == pytest.approx(list(adjusted), rel=1e-12)
    assert growth.filter(pl.col("max_bytes") == pl.col("min_bytes"))["q_value"].to_list() == [1.0] * (
        growth.height - changing.height
    )


@pytest.mark.parametrize("count", [34, 91, 92, 120, 200])
def test_long_curves_agree_with_scipy_too(count: int) -> None:
    """Beyond 33 points p is by the normal distribution; beyond 91 the slopes are chosen by way of a sample."""
    rising = [100 + 3 * place for place in range(count)]
    hours = [float(place) for place in range(count)]
    curves = {
        "line": rising,
        "swapped": [rising[1], rising[0], *rising[2:]],
        "waves": [1000 + (place * 7919) % 997 for place in range(count)],
        "ties": [1000 + (place * 7919) % 5 + place // 50 for place in range(count)],
        "rare": [1000 + 500 * (place % 37 == 5) for place in range(count)],
        "late": [1000 + max(0, place - count // 2) for place in range(count)],
    }
    growth = hd.series(snapshots_of(curves, hours)).growth()
    for row in growth.iter_rows(named=True):
        values = curves[row["module"]]
        found = scipy.stats.theilslopes(values, hours, alpha=0.95)
        wanted = (found.slope, found.low_slope, found.high_slope)
        assert (row["slope"], row["slope_low"], row["slope_high"]) == pytest.approx(wanted, rel=1e-12, abs=1e-12)
        expected = scipy.stats.kendalltau(hours, values).pvalue
        assert row["p_value"] == pytest.approx(expected, rel=1e-7, abs=1e-300), row["module"]


@given(
    p_values=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    still=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_false_discoveries_are_controlled_over_the_rows_that_change(p_values: list[float], still: list[bool]) -> None:
    moving = [not flag for flag in still[: len(p_values)]]
    frame = pl.DataFrame({"p_value": p_values, "min": 0.0, "max": [float(flag) for flag in moving]})
    found = growth.q_values(frame).to_list()
    tested = [p for p, flag in zip(p_values, moving, strict=True) if flag]
    adjusted = iter(scipy.stats.false_discovery_control(tested) if tested else [])
    assert found == pytest.approx([float(next(adjusted)) if flag else 1.0 for flag in moving], rel=1e-12)


def test_exhaustion_goes_on_from_the_total_at_the_slope_of_the_key() -> None:
    curves = {"a": [1000 * (1 + place) for place in range(8)], "b": [5000] * 8}
    series = hd.series(snapshots_of(curves, [24.0 * place for place in range(8)]))
    slope = 1000 / 24
    for space, bytes_left in ((None, (2 << 30) - 13000), (3 << 30, (3 << 30) - 13000), (13000, 0), (10, 0)):
        growth = series.growth(address_space=space)
        by_module = dict(growth.select("module", "hours_to_exhaustion").rows())
        assert by_module["a"] == pytest.approx(bytes_left / slope)
        assert by_module["b"] is None
    order = hd.series(series.snapshots, order="given")
    assert order.growth()["hours_to_exhaustion"].null_count() == 2
    assert order.slope_unit == "bytes/step"
    assert order.growth()["slope"].to_list() == [1000.0, 0.0]
    assert series.slope_unit == "bytes/hour"


def test_64_bit_programs_do_not_run_out_unless_told() -> None:
    def log(place: int) -> hd.Snapshot:
        blocks = [(0x1_0000_0000_0000, "1", 1000 + 100 * place, 8)]
        return Log(blocks, {"1": [0x7FFF_0000_0000]}, taken=f"2012-04-{1 + place:02d} 12:00").read()

    series = hd.series([log(place) for place in range(7)])
    assert series.growth()["hours_to_exhaustion"].to_list() == [None]
    assert series.growth(address_space=1 << 40)["hours_to_exhaustion"].to_list() == [
        pytest.approx(((1 << 40) - 1600) / (100 / 24))
    ]


def test_leaks_come_first_then_the_steepest() -> None:
    rising = {f"m{step}": [1000 + step * place for place in range(12)] for step in (10, 500, 20)}
    curves = {"still": [9_000_000] * 12, "less": [90_000 - 100 * place for place in range(12)], **rising}
    growth = hd.series(snapshots_of(curves, [24.0 * place for place in range(12)])).growth()
    assert growth.select("module", "verdict").rows() == [
        ("m500", "leak"),
        ("m20", "leak"),
        ("m10", "leak"),
        ("still", "plateau"),
        ("less", "shrinking"),
    ]


@pytest.mark.parametrize(
    "option",
    [
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"address_space": 0},
        {"address_space": True},
        {"warm_up_hours": -1.0},
        {"warm_up_hours": math.inf},
        {"warm_up_hours": math.nan},
    ],
)
def test_options_of_no_meaning_are_refused(option: dict[str, float]) -> None:
    series = hd.series(snapshots_of({"a": [1, 2]}, [0.0, 1.0]))
    with pytest.raises(OptionError) as refused:
        series.growth(**option)  # type: ignore[arg-type]
    assert str(refused.value).startswith("expected ")
    assert refused.value.kind == "option"


def test_leak_that_began_late_goes_by_the_pace_of_its_last_third() -> None:
    count = 60
    curves = {
        "late": [1 << 20] * 48 + [(1 << 20) + 5000 * step for step in range(1, count - 47)],
        "drip": [1000 + 100 * place for place in range(count)],
    }
    series = hd.series(snapshots_of(curves, [float(2 * place) for place in range(count)]))
    growth = series.growth(address_space=1 << 31)
    late, drip = growth.rows(named=True)[:2]
    assert (late["module"], late["verdict"], late["slope"]) == ("late", "leak", 0.0)
    assert 1500 < late["pace"] == late["late_slope"] <= 2500
    assert late["pace_low"] <= late["pace"] <= late["pace_high"]
    left = (1 << 31) - series.points["requested_bytes"][-1]
    assert late["hours_to_exhaustion"] == pytest.approx(left / late["pace"])
    assert (drip["pace"], drip["pace_low"], drip["pace_high"]) == (
        drip["slope"],
        drip["slope_low"],
        drip["slope_high"],
    )
    drawn = hd.chart.slope(series).to_dict()["datasets"]["slopes"]
    assert drawn[0]["name"] == "late"
    assert drawn[0]["words"].startswith("leak, +1.8")
