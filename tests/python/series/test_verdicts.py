"""Curves with known answers: each verdict, over several seeds, and with other curves beside it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import heapdelta as hd
import numpy as np
import pytest
from curves import snapshots_of
from heapdelta._series import verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MIB = 1 << 20
POINTS, STEP = 30, 4.0
HOURS = np.arange(POINTS) * STEP
SPAN = HOURS[-1]
GAIN = 30 * MIB


def noise(rng: np.random.Generator, share: float) -> Floats:
    return rng.normal(0, share * GAIN, POINTS)


CURVES: dict[str, tuple[str, Callable[[np.random.Generator], Floats]]] = {
    "steady leak": ("leak", lambda rng: GAIN * HOURS / SPAN + noise(rng, 0.01)),
    "leak with noise": ("leak", lambda rng: GAIN * HOURS / SPAN + noise(rng, 0.04)),
    "leak that starts late": ("leak", lambda rng: GAIN * np.maximum(0, HOURS / SPAN - 0.5) * 2 + noise(rng, 0.01)),
    "slow leak under a big cache": (
        "leak",
        lambda rng: 10 * GAIN * np.minimum(HOURS / 24, 1) + GAIN / 2 * HOURS / SPAN + noise(rng, 0.005),
    ),
    "leak over a sawtooth": (
        "leak",
        lambda rng: GAIN * HOURS / SPAN + GAIN / 2 * (np.arange(POINTS) % 5) / 5 + noise(rng, 0.01),
    ),
    "step": ("plateau", lambda rng: GAIN * (HOURS > 0.5 * SPAN) + noise(rng, 0.02)),
    "late step": ("plateau", lambda rng: GAIN * (HOURS > 0.8 * SPAN) + noise(rng, 0.01)),
    "cache with saturation": ("plateau", lambda rng: GAIN * (1 - np.exp(-HOURS / (SPAN / 8))) + noise(rng, 0.01)),
    "cache full after a day": ("plateau", lambda rng: GAIN * np.minimum(HOURS / 24, 1) + noise(rng, 0.01)),
    "the same all the time": ("plateau", lambda _rng: np.full(POINTS, float(GAIN))),
    "cache still filling": ("warming up", lambda rng: GAIN * (1 - np.exp(-1.7 * HOURS / SPAN)) + noise(rng, 0.005)),
    "24-hour cache turnover": ("sawtooth", lambda rng: GAIN * (HOURS % 24) / 24 + noise(rng, 0.02)),
    "24-hour cache turnover after a day of filling": (
        "sawtooth",
        lambda rng: (
            3 * GAIN * np.minimum(HOURS / 24, 1) - GAIN * (HOURS > 24) * (1 - HOURS % 24 / 24) + noise(rng, 0.01)
        ),
    ),
    "ripples of a cache after a day of filling": (
        "plateau",
        lambda rng: GAIN * np.minimum(HOURS / 24, 1) + GAIN / 40 * np.sin(2 * np.pi * HOURS / 24) + noise(rng, 0.005),
    ),
    "a growing load by day and night": (
        "leak",
        lambda rng: GAIN * np.sin(2 * np.pi * HOURS / 24) / 2 + GAIN * HOURS / SPAN + noise(rng, 0.01),
    ),
    "day and night": ("sawtooth", lambda rng: GAIN * np.sin(2 * np.pi * HOURS / 24) / 2 + noise(rng, 0.02)),
    "sawtooth of a collector": (
        "sawtooth",
        lambda rng: GAIN * (np.cumsum(rng.uniform(0.8, 1.2, POINTS)) % 5.5) / 5.5 + noise(rng, 0.02),
    ),
    "pure noise": ("noise", lambda rng: noise(rng, 0.1)),
    "one spike": ("noise", lambda rng: GAIN * (np.arange(POINTS) == 14) + noise(rng, 0.01)),
    "shrinking": ("shrinking", lambda rng: -GAIN * HOURS / SPAN + noise(rng, 0.03)),
}


def drawn(name: str, seed: int) -> list[int]:
    values = 50 * MIB + CURVES[name][1](np.random.default_rng(seed))
    return [int(value) for value in values.clip(16)]


@pytest.fixture(scope="module")
def tables() -> list[dict[str, tuple[str, str]]]:
    """Verdict and reason by curve, for each of eight seeds; all curves are in the same logs."""
    found = []
    for seed in range(8):
        curves = {f"m{place}": drawn(name, seed) for place, name in enumerate(CURVES)}
        growth = hd.series(snapshots_of(curves, list(HOURS))).growth()
        by_module = {row["module"]: (row["verdict"], row["reason"]) for row in growth.iter_rows(named=True)}
        found.append({name: by_module[f"m{place}"] for place, name in enumerate(CURVES)})
    return found


@pytest.mark.parametrize("name", CURVES)
def test_curve_has_its_verdict(name: str, tables: list[dict[str, tuple[str, str]]]) -> None:
    assert [table[name][0] for table in tables] == [CURVES[name][0]] * len(tables), tables[0][name][1]


def test_every_verdict_has_a_curve() -> None:
    of_no_curve = {"too few snapshots", "not known"}
    assert {verdict for verdict, _ in CURVES.values()} | of_no_curve == set(verdict.VERDICTS)


def test_few_snapshots_have_no_verdict() -> None:
    for count in range(2, verdict.MIN_POINTS + 1):
        rising = {"a": [1000 * (1 + place) for place in range(count)]}
        growth = hd.series(snapshots_of(rising, [24.0 * place for place in range(count)])).growth()
        few = count < verdict.MIN_POINTS
        assert growth["verdict"].to_list() == ["too few snapshots" if few else "leak"], count
        assert growth["first_bytes"].item() == 1000


def test_growth_of_the_first_day_is_no_leak() -> None:
    hours = [float(hour) for hour in range(20)]
    rising = snapshots_of({"a": [1000 + 500 * place for place in range(20)]}, hours)
    growth = hd.series(rising).growth()
    assert growth["verdict"].to_list() == ["warming up"]
    assert "the first 24 h" in growth["reason"].item()
    assert hd.series(rising).growth(warm_up_hours=0)["verdict"].to_list() == ["leak"]
    # Four snapshots after the first day are enough.
    longer = snapshots_of({"a": [1000 + 500 * place for place in range(28)]}, [float(hour) for hour in range(28)])
    assert hd.series(longer).growth()["verdict"].to_list() == ["leak"]


def test_thousand_noisy_curves_hide_no_leak_and_make_few() -> None:
    rng = np.random.default_rng(7)
    curves = {f"n{place}": [int(v) for v in 10_000 + rng.normal(0, 500, 14).clip(-9000)] for place in range(400)}
    curves |= {f"leak{place}": [10_000 + 400 * point for point in range(14)] for place in range(4)}
    growth = hd.series(snapshots_of(curves, [4.0 * point for point in range(14)])).growth()
    leaks = growth.filter(growth["verdict"] == "leak")["module"].to_list()
    assert {f"leak{place}" for place in range(4)} <= set(leaks)
    assert len(leaks) <= 5
    # By each row's own p-value there would be many.
    assert growth.filter(growth["p_value"] <= 0.05).height > 15


def test_reasons_say_the_numbers_that_decided(tables: list[dict[str, tuple[str, str]]]) -> None:
    reasons = {name: reason for name, (_, reason) in tables[0].items()}
    assert reasons["steady leak"].startswith("rose in 2")
    assert " of 29 steps, +" in reasons["steady leak"]
    assert "KiB/h" in reasons["steady leak"]
    assert "p = " in reasons["steady leak"]
    assert "one step of +3" in reasons["step"]
    assert "at point 15" in reasons["step"]
    assert "of the range" in reasons["cache with saturation"]
    assert reasons["the same all the time"] == "80.0 MiB in every snapshot"
    assert "slowing down" in reasons["cache still filling"]
    assert "fell 4 times by more than 40 %" in reasons["24-hour cache turnover"]
    assert "no trend beyond chance" in reasons["pure noise"]
    assert "in the last 20 snapshots fell 3 times" in reasons["24-hour cache turnover after a day of filling"]


def test_level_curve_that_still_rises_says_so() -> None:
    # A leak of 1 % a day beside a cache that is full after two days: too small to be told apart, not too small to say.
    hours = [4.0 * place for place in range(30)]
    cache = [int(100 * MIB * (1 - np.exp(-hour / 12)) + MIB * hour / 24 + 16) for hour in hours]
    row = hd.series(snapshots_of({"a": cache}, hours)).growth().row(0, named=True)
    assert row["verdict"] == "plateau"
    assert "it still rises there, though more slowly than before: the last third moves by +4" in row["reason"]


def test_snapshots_of_one_moment_tell_nothing() -> None:
    growth = hd.series(snapshots_of({"a": list(range(100, 112))}, [0.0] * 12)).growth()
    assert growth["verdict"].to_list() == ["noise"]
    assert growth["reason"].to_list() == ["all 12 snapshots are of the same moment: they tell nothing of growth"]


def test_settled_part_begins_after_the_first_third_and_the_first_hours() -> None:
    times = [4.0 * place for place in range(30)]
    assert verdict.settled(times, 24.0) == 10
    assert verdict.settled(times, 60.0) == 15
    assert verdict.settled(times, 100.0) == 30
    assert verdict.settled(times[:8], 0.0) == 2
    assert verdict.settled(times[:7], 4.0 * 2) == 7


def test_thirds_are_inside_the_series_and_long_enough() -> None:
    for count in range(1, 60):
        times = [float(place) for place in range(count)]
        (begin, end), (late, last) = verdict.parts(times, 0.0)
        assert 0 <= begin < end <= count
        assert late < last == count
        assert last - late >= min(count, verdict.MIN_LATE_POINTS)
        assert end - begin == last - late
        assert verdict.parts(times, 1e9)[1] == (count, count)
    assert all(a <= b for a, b in pairwise(verdict.ORDER.values()))


@pytest.mark.parametrize("seed", [1, 2])
def test_days_of_a_web_server_are_told_apart_before_and_after_its_restart(seed: int, tmp_path: Path) -> None:
    story = hd.testing.write_series(tmp_path, seed=seed, stack_count=200)
    growth = hd.series(hd.read_many(tmp_path), runs="all").growth()
    verdicts = {(row["module"], row["run"]): row["verdict"] for row in growth.iter_rows(named=True)}
    for run in (0, 1):
        assert verdicts[story.culprit, run] == "leak"
        assert verdicts[story.cache, run] == "plateau"
        assert verdicts[story.false_alarm, run] == "sawtooth"
    assert growth["module"].to_list()[:2] == [story.culprit] * 2


@pytest.mark.parametrize(
    ("hours", "curve"),
    [
        (np.arange(30) * 4.0, lambda hours: hours % 60),
        (np.arange(48) * 1.0, lambda hours: hours % 24),
    ],
)
def test_cycle_that_fell_once_only_may_look_like_a_leak_as_the_docs_say(
    hours: Floats, curve: Callable[[Floats], Floats]
) -> None:
    growth = hd.series(snapshots_of({"a": [int(MIB * (1 + v)) for v in curve(hours)]}, list(hours))).growth()
    assert growth["verdict"].to_list() == ["leak"]


def test_a_single_late_snapshot_is_no_level() -> None:
    hours = [4.0 * place for place in range(7)]
    noisy = hd.series(snapshots_of({"a": [1000, 1300, 1100, 1400, 900, 1250, 1200]}, hours)).growth()
    assert noisy["verdict"].to_list() == ["noise"]
    several = hd.series(
        snapshots_of({"a": [1000, 1300, 1100, 1400, 900, 1250, *[1200] * 6]}, [4.0 * p for p in range(12)])
    )
    assert several.growth()["verdict"].to_list() == ["plateau"]
