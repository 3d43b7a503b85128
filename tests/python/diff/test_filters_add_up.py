"""Filters of filters add up, in every view that has them, or are refused where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import heapdelta as hd
import pytest
from heapdelta.exceptions import OptionError
from small_shop import two_logs

VIEWS = ["delta", "live", "series"]


@pytest.fixture
def view(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    two_logs(tmp_path)
    before, after = (hd.read_log(tmp_path / name) for name in ("before.txt", "after.txt"))
    if request.param == "delta":
        return hd.diff(before, after)
    return after.live() if request.param == "live" else hd.series([before, after], order="given")


def same(one: Any, other: Any) -> bool:
    return bool(one.left_out.equals(other.left_out)) and one.notes == other.notes


@pytest.mark.parametrize("view", VIEWS, indirect=True)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"focus": "shop"}, {"ignore": "plug"}),
        ({"ignore": "plug"}, {"focus": "shop"}),
        ({"ignore": "plug"}, {"ignore": ["-shop", "cache"]}),
        ({"hide": "cache"}, {"hide": "plug"}),
        ({"show": "cache"}, {"hide": "plug"}),
    ],
)
def test_what_adds_up(view: Any, first: dict[str, Any], second: dict[str, Any]) -> None:
    both: dict[str, list[str]] = {}
    for each in (first, second):
        for name, patterns in each.items():
            both.setdefault(name, []).extend([patterns] if isinstance(patterns, str) else patterns)
    assert same(view.filter(**first).filter(**second), view.filter(**both))
    assert not same(view.filter(**first), view)


@pytest.mark.parametrize("view", VIEWS, indirect=True)
@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ({"focus": "shop"}, {"focus": "cache"}, "focus"),
        ({"show": "shop"}, {"show": "cache"}, "show"),
        ({"ignore": ["-shop", "cache"]}, {"ignore": "shop"}, "ignore"),
    ],
)
def test_what_does_not_is_refused(view: Any, first: dict[str, Any], second: dict[str, Any], name: str) -> None:
    with pytest.raises(OptionError, match=f"expected one filter with {name}, found") as caught:
        view.filter(**first).filter(**second)
    assert "give all patterns in one call" in (caught.value.hint or "")


@pytest.mark.parametrize("view", VIEWS, indirect=True)
def test_no_pattern_takes_all_away(view: Any) -> None:
    assert same(view.filter(focus="plug").filter(), view)
