"""Numbers as people read them, in every output alike."""

from __future__ import annotations

import ast
import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import heapdelta
import pytest
from heapdelta._words import bytes_text, count_text, duration_text, listed, moment, of_count, plural, share_text

PACKAGE = Path(heapdelta.__file__).parent


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "?"),
        (0, "0 bytes"),
        (1, "+1 byte"),
        (-1, "-1 byte"),
        (1023, "+1,023 bytes"),
        (1024, "+1.00 KiB"),
        (10_234, "+9.99 KiB"),
        (10_236, "+10.0 KiB"),
        ((1 << 20) - 513, "+1,023 KiB"),
        ((1 << 20) - 512, "+1.00 MiB"),
        (-5 << 40, "-5.00 TiB"),
        ((1 << 64) - 1, "+16.0 EiB"),
    ],
)
def test_bytes_have_three_digits_that_count(number: int | None, text: str) -> None:
    assert bytes_text(number, signed=True) == text


def test_counts_agree_with_their_nouns() -> None:
    assert [plural(count, "stack") for count in (None, 0, 1, 2000)] == [
        "? stacks",
        "0 stacks",
        "1 stack",
        "2,000 stacks",
    ]
    assert [plural(count, "block", signed=True) for count in (-1, 0, 1)] == ["-1 block", "0 blocks", "+1 block"]
    assert [plural(count, "batch", "batches") for count in (1, 2)] == ["1 batch", "2 batches"]
    assert [of_count(count, "is", "are") for count in (None, 0, -1, 1, 2)] == ["are", "are", "is", "is", "are"]
    assert count_text(-1234) == "-1,234"


def test_no_text_writes_a_count_before_a_noun_without_looking_at_the_count() -> None:
    written = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            written += [
                f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(number)}{noun.value[:20]}"
                for number, noun in pairwise(parts)
                if isinstance(number, ast.FormattedValue) and "count_text(" in ast.unparse(number.value)
                if isinstance(noun, ast.Constant) and re.match(r" (more )?[a-z]+s\b", str(noun.value))
            ]
    assert written == []


@pytest.mark.parametrize(
    ("part", "whole", "digits", "text"),
    [
        (0, 9, 0, "0 %"),
        (9, 9, 0, "100 %"),
        (1, 900, 0, "less than 1 %"),
        (899, 900, 0, "more than 99 %"),
        (1, 3, 1, "33.3 %"),
        (1, 90_000, 1, "less than 0.1 %"),
        (89_999, 90_000, 1, "more than 99.9 %"),
        (0, 0, 0, "0 %"),
        (None, 9, 0, "?"),
    ],
)
def test_shares_are_never_rounded_to_all_or_nothing(part: int | None, whole: int, digits: int, text: str) -> None:
    assert share_text(part, whole, digits=digits) == text


def test_times_have_seconds_where_there_are_some() -> None:
    assert moment(datetime(2012, 4, 30, 12, 9)) == "2012-04-30 12:09"
    assert moment(datetime(2012, 4, 30, 12, 9, 5)) == "2012-04-30 12:09:05"
    assert moment(None) is None
    lengths = [timedelta(seconds=20), timedelta(minutes=45), timedelta(hours=20), timedelta(days=3, hours=4, minutes=9)]
    assert [duration_text(length) for length in lengths] == ["less than a minute", "45 min", "20 h", "3 d 4 h"]


def test_choices_are_listed_with_or() -> None:
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]
