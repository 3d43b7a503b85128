"""The flame graph as a part of a page, and what is said of stacks that it folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._report.parts import Graph, Words
from heapdelta._report.paths import carried
from heapdelta._report.pictures import source_of
from heapdelta._words import bytes_text, of_count, plural
from heapdelta.chart._flame import still

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta._capture.comparison import Comparison
    from heapdelta._diff.delta import Delta
    from heapdelta._ranking.live import Live
    from heapdelta._report.parts import Section


def graph(view: Delta | Comparison | Live, *, live: bool, stacks: int | None, text: Callable[[str], str]) -> Section:
    """Make the graph of a view, of so many stacks; without one where no browser could add up its numbers."""
    found = carried(view._matched, most=stacks, live=live, text=text)
    title = "Where it is held" if live else "Through which calls"
    if found.data is None:
        why = "No graph: the sums pass 2^53 bytes, from where on a browser does not add exactly."
        return Words("graph", title, [why])
    lead = ["A box is as wide as what is below it holds." if live else _HOW]
    if found.folded:
        size = bytes_text(found.folded_change)
        of = "" if live else " of change"
        kept, folded = plural(found.kept, "stack"), plural(found.folded, "smaller stack")
        lead.append(
            f"{kept} {of_count(found.kept, 'has its', 'have their')} frames in the graph. {folded} with {size}{of} "
            f"{of_count(found.folded, 'is', 'are')} folded by module: sums are exact all the same."
        )
    drawn = not found.unknown and found.kept + found.folded <= _MOST_OF_A_STILL
    source = source_of(still(view)) if drawn else ""
    if found.unknown:
        lead.append(f"{plural(found.unknown, 'stack')} whose bytes are not known have no box.")
    return Graph("graph", title, lead, data=found.data, is_live=live, source=source, words=_STILL)


_MOST_OF_A_STILL = 50_000
"""Changed stacks up to which there is a picture for paper: the whole tree of 100,000 takes longer than the page."""
_STILL = "The widest boxes of the graph, from the blamed frame outward; the tables above have the numbers."
_HOW = (
    "A box is as wide as all change below it: what grew (dark line) and what shrank (hatched line), added up. "
    "A module in bold begins a new one."
)
