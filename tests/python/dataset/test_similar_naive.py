"""The score of `Dataset.similar` against a naive one."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.dataset import _similar
from small_dataset import Stack, dataset, log
from small_log import Log


def naive_scores(asked: hd.Dataset, one: str) -> dict[str, float]:
    """Score every stack against one, with whole tables in Python and a plain recursion; allocators are all of ntdll."""
    frames = {row["frame"]: row for row in asked.scan("frames").collect().iter_rows(named=True)}

    def token(key: str) -> tuple[object, ...]:
        row = frames[key]
        module = row["module"] and row["module"].lower()
        if module is None:
            return (None, row["text"], row["address"])
        return (module, row["function"]) if row["function"] else (module, None, row["offset"])

    stacks, blamed = {}, {}
    for print_, keys in asked.scan("stacks").select("fingerprint", "frames").collect().iter_rows():
        tokens = [token(key) for key in keys]
        own = [place for place, each in enumerate(tokens) if each[0] != "ntdll"]
        stacks[print_] = tokens[own[0] :] if own else tokens
        blamed[print_] = tokens[own[0]] if own else tokens[-1]
    behind = defaultdict(set)
    for print_, tokens in stacks.items():
        for each in tokens:
            behind[each].add(blamed[print_])

    def weights(tokens: list[tuple[object, ...]]) -> list[float]:
        return [0.8**place / len(behind[each]) ** 0.5 for place, each in enumerate(tokens)]

    def agree(a: tuple[object, ...], b: tuple[object, ...]) -> float:
        if a == b:
            return 1
        if a[0] is None or a[0] != b[0]:
            return 0
        return 0.1 if len(a) == len(b) == 2 else 0.3

    def score(here: list[tuple[object, ...]], there: list[tuple[object, ...]]) -> float:
        mine, others = weights(here), weights(there)

        @cache
        def most(i: int, j: int) -> float:
            if i == len(here) or j == len(there):
                return 0
            paired = agree(here[i], there[j]) * (mine[i] + others[j]) + most(i + 1, j + 1)
            return max(paired, most(i + 1, j), most(i, j + 1))

        return most(0, 0) / (sum(mine) + sum(others))

    return {print_: score(stacks[one], tokens) for print_, tokens in stacks.items()}


@pytest.mark.parametrize("seed", range(4))
def test_score_is_that_of_a_naive_one(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    names = [f"{module}!f{number}" for module in ("a", "b", "ntdll") for number in range(4)]

    def named() -> Stack:
        return [f"{chance.choice(names)}+0x{chance.randint(1, 3)}" for _ in range(chance.randint(1, 8))]

    def raw() -> list[int]:
        bases = [0x7700_0000, 0x1000_0000, 0x40_0000, 0x9000_0000]
        return [chance.choice(bases) + 8 * chance.randint(1, 3) for _ in range(chance.randint(1, 8))]

    modules = {"b.dll": 0x40_0000, "ntdll.dll": 0x7700_0000, "a.dll": 0x1000_0000}
    traces = [f"{number:X}" for number in range(1, 25)]
    addresses = Log([(0x10000, each, 64, 8) for each in traces], {each: raw() for each in traces}, modules=modules)
    asked = dataset(
        tmp_path, {"case-1/a.txt": log({each: named() for each in traces}), "case-2/a.txt": addresses.text()}
    )
    for one in asked.scan("stacks").collect()["fingerprint"].sort().gather_every(7):
        expected = naive_scores(asked, one)
        rows = asked.similar(one, min_score=0, top=None, allocators=["ntdll"])
        assert rows.height == len(expected)
        for print_, score in rows.select("fingerprint", "score").iter_rows():
            assert score == pytest.approx(expected[print_]), print_
        # What is sorted out beforehand could not have reached the score.
        for least in (0.2, 0.31, 0.5, 0.9):
            found = asked.similar(one, min_score=least, top=None, allocators=["ntdll"])
            assert found.equals(rows.filter((pl.col("score") >= least) | pl.col("same")))
        # Only so many are put beside it: the likeliest.
        monkeypatch.setattr(_similar, "ALIGNED", 3)
        assert asked.similar(one, min_score=0, top=None, allocators=["ntdll"]).height == 4
        monkeypatch.undo()
