"""A call tree for people: with the growth of each node, calls that do not branch on one line, small ones together.

   growth   blocks   change   outward from the blamed frame
+27.0 MiB   +2,645    100 %   total
+16.8 MiB     +716   44.8 %   ├ fhpreview
+2.84 MiB     +120    7.5 %   │ ├ fhpreview+0x7333 ← fhpreview+0x5DC5 ← … ← ntdll+0x1151 (15 frames)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len, chop_cells

from heapdelta._numbers import total_of_known
from heapdelta._safe_text import visible
from heapdelta._tree.codes import FRAME, KINDS, MODULE
from heapdelta._words import bytes_text, count_text, plural, share_text
from heapdelta.cli import _output, _rank
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from rich.console import Console

TOTAL = KINDS[1]
_HEADS = {False: "outward from the blamed frame", True: "inward from the start of the thread"}
_GAP = "   "
# Names have at least so many columns, however deep they are.
_LEAST_ROOM = 30


class Amounts(NamedTuple):
    """What a line tells: bytes and blocks, grown or held, and all change; None is not known."""

    size: int | None
    blocks: int | None
    change: int | None

    def without(self, others: Sequence[Amounts]) -> Amounts:
        """Give what is left."""
        left = []
        for place, number in enumerate(self):
            parts = [other[place] for other in others]
            known = [part for part in parts if part is not None]
            left.append(None if number is None or len(known) < len(parts) else number - sum(known))
        return Amounts(*left)


@dataclass
class Line:
    """One line of the drawing."""

    amounts: Amounts
    names: list[str]
    """One, or a chain of them."""
    guide: str = ""
    """What is drawn before it."""
    below: str = ""
    """What is drawn before the rest of a name that is too long."""
    style: str = ""
    more: str = ""
    """What is said behind the names."""
    is_node: bool = True
    """False for what is said of several nodes, or of stacks that end in one."""


def change_of(tree: pl.DataFrame) -> pl.Series:
    """Give the amounts by which nodes are compared: growth and shrinkage added up, or what one log holds."""
    if "requested_bytes" in tree.columns:
        return tree["requested_bytes"].alias("change")
    return (tree["requested_bytes_grown"] - tree["requested_bytes_shrunk"]).alias("change")


def worth(tree: pl.DataFrame, change: pl.Series, least: float) -> pl.DataFrame:
    """Leave out nodes with less than a share of all change, 0 for none; what is not known may be large."""
    if not least:
        return tree
    whole = change[0]
    if whole is None:
        own = [f"self_requested_bytes{part}" for part in ("", "_grown", "_shrunk")]
        whole = sum(abs(total_of_known(tree[name])) for name in own if name in tree.columns)
    # The root is there in any case: rows that are left out are of nodes below it.
    is_worth = (change >= least * whole) & (change > 0) if whole else change > 0
    return tree.filter(is_worth.fill_null(True) | (tree["depth"] == 0))


def show(target: Console, tree: pl.DataFrame, *, inward: bool, least: float, depth: int | None) -> None:
    """Draw a tree."""
    live = "requested_bytes" in tree.columns
    change = change_of(tree)
    lines = list(_Drawing(tree, change, least, depth, inward=inward, live=live).lines())
    whole = change[0]
    columns = {
        "bytes" if live else "growth": [bytes_text(line.amounts.size, signed=not live) for line in lines],
        "blocks": [count_text(line.amounts.blocks, signed=not live) for line in lines],
        "share" if live else "change": [_share(line.amounts.change, whole) for line in lines],
    }
    if all(line.amounts.blocks is None for line in lines):
        # Some comparisons do not tell.
        del columns["blocks"]
    widths = {head: max(map(len, [head, *texts])) for head, texts in columns.items()}
    numbers = sum(widths.values()) + len(_GAP) * len(widths)
    heading = _GAP.join(f"{head:>{width}}" for head, width in widths.items())
    target.print(Text(f"{heading}{_GAP}{_HEADS[inward]}", "bold"), soft_wrap=True)
    for number, line in enumerate(lines):
        first, *others = [f"{texts[number]:>{widths[head]}}" for head, texts in columns.items()]
        shown = Text(first) if live else _output.colored(line.amounts.size, first)
        shown.append("".join(_GAP + text for text in others))
        room = max(target.width - numbers, _LEAST_ROOM)
        for place, (guide, name) in enumerate(_fitted(line, room, inward=inward)):
            start = Text(" " * (numbers - len(_GAP))) if place else shown
            target.print(start + Text(f"{_GAP}{guide}", "dim") + Text(name, line.style), soft_wrap=True)
    target.print()


def _share(part: int | None, whole: int | None) -> str:
    return share_text(part, whole, digits=1).replace("less than ", "<").replace("more than ", ">")


class _Drawing:
    """The nodes that are worth a line, and what is said of the others."""

    def __init__(
        self, tree: pl.DataFrame, change: pl.Series, least: float, depth: int | None, *, inward: bool, live: bool
    ) -> None:
        self._suffix = "" if live else "_delta"
        kept = worth(tree.with_columns(change), change, least)
        self._inward = inward
        self._depth = depth
        self._least = least * (change[0] or 0)
        self._root, *nodes = kept.to_dicts()
        self._children: dict[int, list[dict[str, Any]]] = {}
        for node in nodes:
            self._children.setdefault(node["parent_id"], []).append(node)
        parents = tree["parent_id"].filter(tree["parent_id"].is_in(kept["node_id"].implode()))
        self._counts = dict(parents.value_counts(name="count").iter_rows())

    def lines(self) -> Iterator[Line]:
        """Go through the tree in preorder."""
        waiting: list[tuple[Line, dict[str, Any] | None, int]] = [(self._line([self._root]), self._root, 0)]
        while waiting:
            line, node, level = waiting.pop()
            below = [] if node is None else self._below(node)
            if below and level == self._depth:
                line.more += " …"
                below = []
            elif len(below) == 1 and not below[0][0].is_node:
                # What is below is no more than this line.
                line.more += f" {below[0][0].names[0]}"
                below = []
            yield line
            for place, (inner, child) in reversed(list(enumerate(below))):
                is_last = place == len(below) - 1
                inner.guide = line.below + ("└ " if is_last else "├ ")
                inner.below = line.below + ("  " if is_last else "│ ")
                waiting.append((inner, child, level + 1))

    def _below(self, node: dict[str, Any]) -> list[tuple[Line, dict[str, Any] | None]]:
        """Give the lines right below a node: children, stacks that end in it, and what is too small."""
        children = self._children.get(node["node_id"], [])
        below: list[tuple[Line, dict[str, Any] | None]] = []
        for child in children:
            chain = self._chain(child)
            below.append((self._line(chain), chain[-1]))
        smaller = self._counts.get(node["node_id"], 0) - len(children)
        told = [self._amounts(child) for child in children]
        own = self._amounts(node, "self_")
        is_own = own.change is None or own.change > 0
        if is_own and (children or smaller):
            if own.change is None or own.change >= self._least:
                below.append((_remark(own, "(stacks that end here)"), None))
                told.append(own)
            else:
                smaller += 1
        rest = self._amounts(node).without(told)
        if smaller and any(number != 0 for number in rest):
            below.append((_remark(rest, f"({count_text(smaller)} smaller)"), None))
        return below

    def _chain(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        """Follow calls as long as all stacks go the same way."""
        chain = [node]
        while node["kind"] in (MODULE, FRAME):
            children = self._children.get(node["node_id"], [])
            if len(children) != 1 or children[0]["stack_count"] != node["stack_count"]:
                break
            if (node["kind"], children[0]["kind"]) == (MODULE, FRAME):
                # What is blamed is a line of its own.
                break
            (node,) = children
            chain.append(node)
        return chain

    def _line(self, chain: list[dict[str, Any]]) -> Line:
        node = chain[0]
        style = "bold" if node["kind"] in (MODULE, TOTAL) else "dim" if node["allocator"] else ""
        if node["kind"] not in (MODULE, FRAME, TOTAL):
            style = "italic dim"
        made = Line(self._amounts(node), [_name(each) for each in chain], style=style)
        out = node["requested_bytes_left_out"]
        if out:
            signed = bool(self._suffix)
            whole = None if made.amounts.size is None else made.amounts.size + out
            made.more = f" of {bytes_text(whole, signed=signed)}: filters leave out {bytes_text(out, signed=signed)}"
        return made

    def _amounts(self, node: dict[str, Any], own: str = "") -> Amounts:
        size, blocks = (node[f"{own}{measure}{self._suffix}"] for measure in ("requested_bytes", "allocation_count"))
        if not self._suffix:
            return Amounts(size, blocks, size)
        grown, shrunk = (node[f"{own}requested_bytes_{part}"] for part in ("grown", "shrunk"))
        return Amounts(size, blocks, None if grown is None or shrunk is None else grown - shrunk)


def _remark(amounts: Amounts, text: str) -> Line:
    return Line(amounts, [text], style="italic dim", is_node=False)


def _name(node: dict[str, Any]) -> str:
    if node["kind"] == TOTAL:
        return TOTAL
    if node["kind"] == FRAME:
        return _rank.function(node["module"], node["function"], "no module").plain
    if node["kind"] == MODULE:
        return visible(node["module"]) if node["module"] is not None else "(no module)"
    return f"({node['kind']})"


def _fitted(line: Line, room: int, *, inward: bool) -> list[tuple[str, str]]:
    """Write the names of a line in the room there is: guides and text, of the line and of those that it takes more."""
    most = max(room - _LEAST_ROOM, 0)
    guide, below = (
        text if len(text) <= most else f"… {text[len(text) - most + 2 :]}" for text in (line.guide, line.below)
    )
    width = max(room - len(guide), 2)
    first, *others = chop_cells(_chain_text(line.names, width - cell_len(line.more), inward=inward) + line.more, width)
    return [(guide, first), *((below, text) for text in others)]


def _chain_text(names: list[str], width: int, *, inward: bool) -> str:
    """Write a chain of calls in full, or as many of its ends as there is room for; the end that is blamed stays."""
    between = " → " if inward else " ← "
    texts = [between.join(names)]
    if len(names) > 2:
        ends = [(3, 1), (2, 1), (1, 1), (1, 0)]
        for near, far in ends if len(names) > 4 else ends[5 - len(names) :]:
            outward = names[::-1] if inward else names
            shown = [*outward[:near], "…", *outward[len(names) - far :]]
            texts.append(between.join(shown[::-1] if inward else shown) + f" ({plural(len(names), 'call')})")
    return next((text for text in texts if cell_len(text) <= width), texts[-1])
