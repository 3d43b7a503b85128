"""Tables in consoles of any width: free text wraps before names do, and what has no room is said."""

from __future__ import annotations

import io

import pytest
from heapdelta.cli._listing import Listing
from heapdelta.cli._safe import Console, Text

NAME = "fhpreview!Renderer::draw"
LABEL = "fixed in 4.2; see the ticket of the other customer"


def shown(width: int, *, label: str = LABEL, name: str = NAME) -> str:
    listing = Listing(
        None, ["cases", "runs"], ["function", "seen", "label"], spare=[["runs"], ["seen"]], loose=["label"]
    )
    listing.add("2", "30", Text(name), "2024-03-11", Text(label))
    target = Console(file=io.StringIO(), width=width, highlight=False)
    listing.show(target)
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


@pytest.mark.parametrize("width", [60, 70, 80, 99, 100, 200])
def test_names_stay_whole_while_free_text_can_give_way(width: int) -> None:
    lines = shown(width).splitlines()
    assert any(NAME in line for line in lines)
    assert all(len(line.rstrip()) <= width for line in lines)
    # No word is lost.
    assert all(any(word in line for line in lines) for word in LABEL.split())


def test_columns_are_given_up_one_after_the_other_and_named() -> None:
    said = {width: shown(width).partition("left out for want of width: ")[2].strip() for width in (90, 66, 58)}
    assert said == {90: "", 66: "runs", 58: "runs, seen"}


def test_a_column_of_free_text_without_any_is_not_there() -> None:
    whole = shown(70, label="")
    assert "label" not in whole
    assert "left out" not in whole
    assert "2024-03-11" in whole


def test_a_name_that_no_console_holds_wraps_and_loses_nothing() -> None:
    long = "z" * 300
    assert shown(80, name=long).count("z") == 300
