"""Were two snapshots taken of one run of one process? Only then do trace ids and addresses mean the same in both.

The rule: both name the same machine and the same process id, and their module tables do not contradict it. Process ids
are used again, so the module tables are asked too: the program itself must be the same and stand at the same address in
both, and so must at least half of the modules that both list (a plug-in may be unloaded and come back elsewhere).
Tables that share no module are of two runs. Where a log names no machine or process, the answer is unknown, and unknown
counts as no.

Dumps name no machine. They name the moment when the process was made, which together with the id stands in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._words import moment

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot


def why_not_one_run(before: Snapshot, after: Snapshot) -> str | None:
    """Tell why ids must not be matched; None if they may be.

    Parameters
    ----------
    before, after : Snapshot
        The two snapshots.

    Returns
    -------
    str or None
        A clause such as ``the process ids differ (704 and 812)``.
    """
    if before.machine is None or after.machine is None:
        return "a log does not name its machine"
    if before.pid is None or after.pid is None:
        return "a log does not name its process"
    if before.machine.casefold() != after.machine.casefold():
        return f"the machines differ ({before.machine} and {after.machine})"
    if before.pid != after.pid:
        return f"the process ids differ ({before.pid} and {after.pid})"
    return _moved(before.modules, after.modules)


def why_not_one_process(before: Dump, after: Dump) -> str | None:
    """Tell why addresses in two dumps must not be compared; None if they may be.

    Parameters
    ----------
    before, after : Dump
        The two dumps.

    Returns
    -------
    str or None
        A clause such as ``the process ids differ (704 and 812)``.
    """
    if before is after or (
        before.path is not None and (before.path, before.byte_count) == (after.path, after.byte_count)
    ):
        return None
    if before.pid is None or after.pid is None:
        return "a dump does not name its process"
    if before.pid != after.pid:
        return f"the process ids differ ({before.pid} and {after.pid})"
    made, later = before.process_created_at, after.process_created_at
    if made is None or later is None:
        return "a dump does not say when its process was made"
    if made != later:
        return f"the processes were made at different times ({moment(made)} and {moment(later)})"
    return _moved(before.modules, after.modules)


def _moved(before: pl.DataFrame, after: pl.DataFrame) -> str | None:
    # The rule in a folder of logs, and a tenth of the time.
    if before is after or before.equals(after):
        return None
    columns = [pl.col("path").str.to_lowercase(), "base", "name"]
    # A path that could not be read is empty, and says nothing about which module it is.
    placed = pl.col("base").is_not_null() & (pl.col("path") != "")
    old, new = (modules.filter(placed).select(columns) for modules in (before, after))
    programs = [modules.filter(pl.col("path").str.ends_with(".exe")) for modules in (old, new)]
    if all(listed.height for listed in programs) and not programs[0]["path"].is_in(programs[1]["path"].implode()).any():
        return f"the programs differ ({programs[0]['name'][0]} and {programs[1]['name'][0]})"
    # The first listing of a path counts: a few logs list a module twice.
    both = old.unique("path", keep="first").join(new.unique("path", keep="first"), on="path", suffix="_after")
    moved = both.filter(pl.col("base") != pl.col("base_after"))
    program = moved.filter(pl.col("path").str.ends_with(".exe"))
    if not program.is_empty():
        return f"{program['name'][0]} was loaded at another address"
    if both.is_empty() and old.height and new.height:
        return "no module is listed in both"
    if 2 * moved.height > both.height:
        return f"{moved.height} of {both.height} modules were loaded at other addresses"
    return None
