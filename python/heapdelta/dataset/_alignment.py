"""Two stacks are put beside each other, from the blamed frame outward: how much of them agrees, and what differs.

    shop!Basket::Add     shop!Basket::Insert     only the module agrees
    shop!Order::Read     shop!Order::Read        agrees
                         shop!Log::Trace         is added there
    shop!main            shop!main               agrees

Order counts: of all pairings that never cross, the one that agrees most is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from heapdelta._words import of_count, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DECAY = 0.8
"""How much a frame weighs beside the one inside it; three frames further out it is half.

What is allocated, and for what, is told by the first frames; the outer ones tell by which of many ways the program came
there.
"""

UNNAMED, OTHER_FUNCTION = 0.3, 0.1
"""How much two frames of one module agree that are not equal: one without a function can be the same, two with hardly.

So two stacks that have nothing but a sequence of modules in common score 0.3 at most.
"""

_LONGEST, _TOLD = 80, 2


class Frame(NamedTuple):
    """What is compared of a frame."""

    token: int
    """Equal for frames that agree."""
    module: int | None
    named: bool
    """True if it has a function whose name can be trusted."""


class Counted(NamedTuple):
    """The frames of a stack from the blamed one outward, and what they weigh."""

    frames: Sequence[Frame]
    weights: Sequence[float]


class Pair(NamedTuple):
    """Two frames beside each other, by their places."""

    here: int
    there: int
    equal: bool


def agreement(one: Frame, other: Frame) -> float:
    """Tell how much two frames agree, from 0 to 1."""
    if one.token == other.token:
        return 1.0
    if one.module is None or one.module != other.module:
        return 0.0
    return OTHER_FUNCTION if one.named and other.named else UNNAMED


class Aligner:
    """Puts many stacks beside one."""

    def __init__(self, here: Counted) -> None:
        self._here = here
        self._weight = sum(here.weights)
        self._agreements: dict[Frame, list[tuple[int, float]]] = {}

    def score(self, there: Counted) -> float:
        """Tell which share of the weight of both stacks agrees; 1 if all frames do."""
        if [frame.token for frame in self._here.frames] == [frame.token for frame in there.frames]:
            return 1.0
        return self._columns(there)[-1][-1] / (self._weight + sum(there.weights))

    def pairs(self, there: Counted) -> list[Pair]:
        """Give the pairs that agree at all, innermost first."""
        columns = self._columns(there)
        found = []
        here_place, there_place = len(self._here.frames), len(there.frames)
        while here_place and there_place:
            best = columns[there_place][here_place]
            if columns[there_place - 1][here_place] == best:
                there_place -= 1
            elif columns[there_place][here_place - 1] == best:
                here_place -= 1
            else:
                here_place, there_place = here_place - 1, there_place - 1
                equal = self._here.frames[here_place].token == there.frames[there_place].token
                found.append(Pair(here_place, there_place, equal))
        return found[::-1]

    def _columns(self, there: Counted) -> list[list[float]]:
        """Give the most weight that can agree: a column for each count of first frames there, places for those here."""
        column = [0.0] * (len(self._here.frames) + 1)
        columns = [column]
        for frame, weight in zip(there.frames, there.weights, strict=True):
            column = self._next_column(column, self._agreements_of(frame), weight)
            columns.append(column)
        return columns

    def _next_column(self, before: list[float], agreements: list[tuple[int, float]], weight: float) -> list[float]:
        if not agreements:
            return before
        weights = self._here.weights
        column = before.copy()
        for place, agreed in agreements:
            with_pair = before[place] + agreed * (weights[place] + weight)
            if with_pair > column[place + 1]:
                column[place + 1] = with_pair
        best = 0.0
        for place, value in enumerate(column):
            if value < best:
                column[place] = best
            else:
                best = value
        return column

    def _agreements_of(self, frame: Frame) -> list[tuple[int, float]]:
        """Give the places of frames here that agree with one there, and how much."""
        found = self._agreements.get(frame)
        if found is None:
            every = [(place, agreement(own, frame)) for place, own in enumerate(self._here.frames)]
            found = self._agreements[frame] = [pair for pair in every if pair[1]]
        return found


def told(here: Sequence[str], there: Sequence[str], pairs: Sequence[Pair]) -> str:
    """Say in one sentence what of two stacks agrees and what differs, by the names of their frames."""
    equal = [pair for pair in pairs if pair.equal]
    differences = list(_differences(here, there, equal))
    left = len(differences) - _TOLD
    if left > 0:
        differences[_TOLD:] = [f"and {plural(left, 'more difference')}"]
    return f"{_agreeing(len(equal), len(pairs), max(len(here), len(there)))}; {', '.join(differences)}"


def _agreeing(equal: int, alike: int, whole: int) -> str:
    if equal:
        return f"{equal} of {plural(whole, 'frame')} {of_count(equal, 'agrees', 'agree')}"
    return f"none of {plural(whole, 'frame')} agrees, {alike} in the module alone"


def _differences(here: Sequence[str], there: Sequence[str], equal: Sequence[Pair]) -> Iterator[str]:
    """Say what lies between the frames that agree, on either side, innermost first."""
    after = Pair(0, 0, equal=True)
    for pair in [*equal, Pair(len(here), len(there), equal=True)]:
        own, other = here[after.here : pair.here], there[after.there : pair.there]
        if len(own) == len(other):
            yield from (f"{_short(mine)} is {_short(its)} there" for mine, its in zip(own, other, strict=True))
        elif own and other:
            yield f"{_some(own)} {_is(own)} {_some(other)} there"
        elif own:
            ends = pair.here == len(here)
            yield f"there it ends before {_short(own[0])}" if ends else f"{_some(own)} {_is(own)} missing there"
        else:
            goes_on = pair.there == len(there)
            yield f"there it goes on with {_short(other[0])}" if goes_on else f"{_some(other)} {_is(other)} added there"
        after = Pair(pair.here + 1, pair.there + 1, equal=True)


def _some(names: Sequence[str]) -> str:
    """Name frames: one by its name, several by the first of them."""
    return _short(names[0]) if len(names) == 1 else f"{len(names)} frames from {_short(names[0])} on"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
