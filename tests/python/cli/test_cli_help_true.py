"""Help says what is true of defaults."""

from __future__ import annotations

import pytest
from heapdelta import cli


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("summary", "[default: log: none; a comparison, and --by stack: 3; 3 in JSON]"),
        ("diff", "[default: 3; none with --by anything but stack; 3 in JSON]"),
        ("cases", "Rows to show; machine output has all."),
        ("rank", "Rows to show; machine output has all."),
        ("similar", "Rows to show; machine output has all."),
    ],
)
def test_defaults(command: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    assert cli.run([command, "-h"]) == cli.OK
    assert said in " ".join(capsys.readouterr().out.split())
