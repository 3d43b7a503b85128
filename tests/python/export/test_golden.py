"""Files of other viewers stay as they are, byte for byte, until somebody means to change them."""

from __future__ import annotations

import golden_exports
import pytest
import viewers
from viewers import by_module, ranking


@pytest.mark.parametrize("name", golden_exports.NAMES)
def test_exports_are_as_they_were(name: str) -> None:
    kept = (golden_exports.KEPT / name).read_bytes()
    assert golden_exports.made(name) == kept, "if that is meant: python tests/python/golden_exports.py"


def test_what_is_kept_is_right() -> None:
    pair = golden_exports.pair()
    kept = golden_exports.KEPT
    assert sorted(path.name for path in kept.iterdir()) == sorted(golden_exports.NAMES)
    both = ranking(pair, "requested_bytes_before", "requested_bytes_after")
    assert by_module(viewers.folded(kept / "pair.folded", 2)) == both
    after = ranking(pair.after, "requested_bytes")
    assert by_module(viewers.firefox(kept / "pair.firefox.json").held[1]) == after
    assert by_module(viewers.speedscope(kept / "pair.speedscope.json")["after"]) == after
    assert by_module(viewers.heaptrack(kept / "after.heaptrack")) == ranking(
        pair.after, "requested_bytes", "allocation_count"
    )
