"""Columns and fingerprints are those of the files in tests/data/interface, which `make interface` writes anew."""

from __future__ import annotations

import difflib

import heapdelta as hd
import pytest
from interface import AWKWARD, FOLDER, GOLDEN, log_of_awkward_stacks


@pytest.mark.parametrize("name", GOLDEN)
def test_interface_is_as_it_was(name: str) -> None:
    kept = FOLDER.joinpath(name).read_text(encoding="utf-8").splitlines()
    now = GOLDEN[name]()
    changes = "\n".join(difflib.unified_diff(kept, now, f"tests/data/interface/{name}", "now", lineterm="", n=0))
    why = "is the change meant? CHANGELOG.md tells users of it, and make interface writes the file anew"
    assert kept == now, f"{changes}\n{why}"


def test_every_awkward_stack_is_there_once() -> None:
    log = hd.read_log(log_of_awkward_stacks().encode())
    kept = FOLDER.joinpath("fingerprints.txt").read_text(encoding="utf-8")
    stacks = dict(log.stacks.select("trace_id", "fingerprint").drop_nulls().iter_rows())
    # The first has no frames, and the last none that can be read.
    assert set(stacks) == set(AWKWARD) - {"1", "F"}
    # Case of a module's name, and zeros before an offset, mean nothing; all else does.
    assert stacks["A"] == stacks["B"]
    assert len(set(stacks.values())) == len(stacks) - 1
    assert all(f"awkward, {trace} of" in kept for trace in stacks)
