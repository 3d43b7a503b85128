"""What one would write without heapdelta: a line-by-line parser with `re`, and one with polars expressions.

Both do the real work: numbers parsed, a list of blocks, sums per trace id, the frames of every stack. Neither minds
heaps, aliases, other line ends, encodings or damage. The answer is the sums per trace id, as ``{id: (bytes, blocks)}``,
and the number of stacks and frames, so that they can be checked against heapdelta and against each other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import polars as pl

Answer = tuple[dict[str, tuple[int, int]], int, int]

BLOCK = r"^([0-9A-F]+) bytes \+ ([0-9A-F]+) at ([0-9A-F]+) by BackTrace([0-9A-F]+)"


def with_re(path: Path) -> Answer:
    """Read line by line."""
    block = re.compile(BLOCK)
    frame = re.compile(r"^\t([0-9A-F]+)")
    blocks: list[tuple[int, int, int, str]] = []
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    stacks: dict[str, list[int]] = {}
    trace = ""
    with path.open(encoding="windows-1252") as lines:
        for line in lines:
            if found := block.match(line):
                requested, overhead, address, trace = found.groups()
                number = int(requested, 16)
                blocks.append((number, int(overhead, 16), int(address, 16), trace))
                entry = sums[trace]
                entry[0] += number
                entry[1] += 1
            elif found := frame.match(line):
                stacks.setdefault(trace, []).append(int(found[1], 16))
    totals = {trace: (entry[0], entry[1]) for trace, entry in sums.items()}
    return totals, len(stacks), sum(map(len, stacks.values()))


def with_polars(path: Path) -> Answer:
    """Read all lines into a column, then work on columns."""
    lines = pl.read_csv(
        path,
        has_header=False,
        new_columns=["line"],
        separator="\x01",
        quote_char=None,
        encoding="utf8-lossy",
    )
    names = ["requested", "overhead", "address", "trace"]
    split = pl.col("line").str.extract_groups(BLOCK).struct.rename_fields(names)
    frame = pl.col("line").str.strip_chars("\t\r").str.to_integer(base=16, strict=False, dtype=pl.UInt64)
    read = lines.lazy().select(
        split.alias("block"),
        pl.when(pl.col("line").str.starts_with("\t")).then(frame).alias("frame"),
    )
    read = read.unnest("block").with_columns(
        pl.col("requested", "overhead", "address").str.to_integer(base=16, dtype=pl.UInt64),
        pl.col("trace").forward_fill().alias("owner"),
    )
    table = read.filter(pl.col("requested").is_not_null() | pl.col("frame").is_not_null()).collect()
    blocks = table.filter(pl.col("requested").is_not_null()).select(names)
    stacks = table.filter(pl.col("frame").is_not_null()).group_by("owner", maintain_order=True).agg("frame")
    sums = blocks.group_by("trace").agg(pl.col("requested").sum(), pl.len())
    totals = {trace: (requested, count) for trace, requested, count in sums.iter_rows()}
    return totals, stacks.height, int(stacks["frame"].list.len().sum())


def ours(path: Path) -> Answer:
    """The same answer from heapdelta, untimed."""
    import heapdelta as hd

    snapshot = hd.read(path)
    stacks = snapshot.stacks
    sums = snapshot.usage.join(stacks.select("stack_id", "trace_id"), on="stack_id")
    sums = sums.group_by("trace_id").agg(pl.col("requested_bytes").sum(), pl.col("allocation_count").sum())
    totals = {trace: (requested, count) for trace, requested, count in sums.iter_rows()}
    depth = stacks["depth"].drop_nulls()
    return totals, len(depth), int(depth.sum())


RIVALS = {"re": with_re, "polars": with_polars}
