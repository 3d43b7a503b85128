"""Are two captures of one process? Only then do trace ids and addresses mean the same in both.

The rule is in the core, `src/snapshot/same_process.rs`: it says why not, as a clause such as ``the process ids differ
(704 and 812)``, and None where nothing speaks against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta import _native

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot


def why_not_one_run(before: Snapshot, after: Snapshot) -> str | None:
    """Tell why ids in two logs must not be matched; None if they may be."""
    return _native.why_not_one_run(before._native, after._native)


def why_not_one_process(before: Dump, after: Dump) -> str | None:
    """Tell why addresses in two dumps must not be compared; None if they may be."""
    return _native.why_not_one_process(before._native, after._native)
