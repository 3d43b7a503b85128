"""How often chance alone gets a verdict: the rates that `docs/series.md` names are measured here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd
import numpy as np
import pytest
from curves import snapshots_of
from heapdelta._series import growth

if TYPE_CHECKING:
    import polars as pl

CURVES, POINTS = 1000, 30
DOCS = Path(__file__).parents[3] / "docs" / "series.md"


def leaks(memory: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """The share of leaks among curves that keep a share of what they were, each judged alone."""
    rng = np.random.default_rng(11)
    state, steps = np.zeros(CURVES), []
    for _ in range(POINTS):
        state = memory * state + rng.normal(0, 1, CURVES)
        steps.append(state)
    table = (50_000_000 + 1_000_000 * np.array(steps)).astype(int)
    curves = {f"m{place}": table[:, place].tolist() for place in range(CURVES)}
    alone: pl.DataFrame
    with monkeypatch.context() as patch:
        patch.setattr(growth, "q_values", lambda measured: measured["p_value"])
        alone = hd.series(snapshots_of(curves, [4.0 * point for point in range(POINTS)])).growth()
    return alone.filter(alone["verdict"] == "leak").height / alone.height


@pytest.mark.parametrize(("memory", "words"), [(1.0, "random walks"), (0.7, "an autocorrelation of 0.7")])
def test_share_of_leaks_among_curves_of_chance_is_the_documented_one(
    memory: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    found = re.search(rf"{re.escape(words)}[^.]*?(\d+) %", text)
    assert found is not None
    assert round(100 * leaks(memory, monkeypatch)) == int(found[1])
