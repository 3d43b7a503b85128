"""Which frame owns an allocation: the rules that tell an allocator's frames from everyone else's.

A stack counts for its first frame, from the innermost outward, that no rule takes for an allocator's. If every frame is
an allocator's, the outermost decides. The rules are applied once per distinct frame, here; the walk along the stacks is
the core's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT", "Allocators", "Rule"]


@dataclass(frozen=True)
class Rule:
    """One rule: frames of these modules and functions belong to an allocator, or do not.

    Patterns are compared without regard to case; ``*`` stands for any text and ``?`` for one character, everything
    else for itself.

    Parameters
    ----------
    module : str, default "*"
        Name of the module, without extension.
    function : str, default "*"
        Name of the function. A frame without one (a raw address) matches only ``"*"``.
    allocator : bool, default True
        False makes an exception: the frame is not an allocator's, whatever later rules say.

    Examples
    --------
    >>> from heapdelta.blame import Rule
    >>> Rule.parse("mymem!pool_*")
    Rule(module='mymem', function='pool_*', allocator=True)
    >>> Rule.parse("-ntdll!Ldr*").allocator
    False
    """

    module: str = "*"
    function: str = "*"
    allocator: bool = True

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read a rule: ``mymem`` (a module), ``mymem!pool_*``, ``*!my_malloc``, or with ``-`` before it an exception.

        Parameters
        ----------
        text : str
            The rule.

        Returns
        -------
        Rule
            The rule.

        Raises
        ------
        OptionError
            If a pattern is empty.
        """
        body = text.strip()
        allocator = not body.startswith("-")
        module, bang, function = body.removeprefix("-").strip().partition("!")
        if not module or (bang and not function):
            raise OptionError(
                f"expected an allocator rule such as mymem or mymem!pool_*, found {text!r}",
                hint="use * for any module: *!my_malloc",
                kind="option",
            )
        return cls(module, function or "*", allocator)


RuleLike: TypeAlias = "Rule | str"


class Allocators(tuple[Rule, ...]):
    """An ordered list of rules; for each frame the first rule that matches decides.

    Made from rules and strings (see `Rule.parse`); ``blame.DEFAULT + ["mymem"]`` extends the built-in list, and a list
    in front of it, ``["-ntdll!Ldr*"] + blame.DEFAULT``, overrules it.

    Examples
    --------
    >>> from heapdelta import blame
    >>> len(blame.DEFAULT + ["mymem"]) - len(blame.DEFAULT)
    1
    """

    __slots__ = ()

    def __new__(cls, rules: Iterable[RuleLike] = ()) -> Allocators:
        """Read every rule that is given as text."""
        if isinstance(rules, str | Rule):
            rules = [rules]
        return super().__new__(cls, (_as_rule(rule) for rule in rules))

    def __add__(self, other: Iterable[RuleLike]) -> Allocators:  # type: ignore[override]
        return Allocators([*self, *Allocators(other)])

    def __radd__(self, other: Iterable[RuleLike]) -> Allocators:
        return Allocators([*Allocators(other), *self])

    def __repr__(self) -> str:
        return f"<Allocators: {len(self)} rules>"


def _as_rule(rule: RuleLike) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, str):
        return Rule.parse(rule)
    raise TypeError(f"expected an allocator rule or its text, found {type(rule).__name__}")


# Modules that do nothing but hand out memory, or check those who do. msvcp* is not here: the C++ library also owns
# memory of its own (locales, streams), and a raw log, which has no function names, could not tell the two apart.
_MODULES = ["ntdll", "verifier", "vrfcore", "vfbasics", "msvcr*", "ucrtbase*", "vcruntime*"]

# Functions that allocate for their caller, in whatever module they stand: the C runtime is often linked statically.
_FUNCTIONS = [
    "Rtl*AllocateHeap*",
    "RtlReAllocateHeap*",
    "HeapAlloc",
    "HeapReAlloc",
    "LocalAlloc",
    "LocalReAlloc",
    "GlobalAlloc",
    "GlobalReAlloc",
    "CoTaskMemAlloc",
    "CoTaskMemRealloc",
    "CRetailMalloc_*",
    "SysAllocString*",
    "SysReAllocString*",
    "APP_DATA::AllocCachedMem",
    "malloc",
    "calloc",
    "realloc",
    "_malloc*",
    "_calloc*",
    "_realloc*",
    "_recalloc*",
    "_expand*",
    "_aligned_*alloc*",
    "_heap_alloc*",
    "_nh_malloc*",
    "_strdup*",
    "_wcsdup*",
    "operator new*",
    # operator new and operator new[] as an export table names them, for 32 and 64 bit
    "??2@YA*",
    "??_U@YA*",
    "std::_Allocate*",
    "std::allocator<*>::allocate",
]

DEFAULT: Allocators = Allocators([*(Rule(name) for name in _MODULES), *(Rule("*", name) for name in _FUNCTIONS)])
"""The built-in rules: modules of the heap manager and the C runtime, then functions that allocate for their caller."""


def frame_flags(frames: pl.DataFrame, allocators: Allocators) -> pl.Series:
    """Tell which frames are an allocator's.

    Parameters
    ----------
    frames : polars.DataFrame
        The `frames` table, in order of `frame_id`.
    allocators : Allocators
        The rules.

    Returns
    -------
    polars.Series
        ``allocator`` bool, as long as the table.
    """
    flag = pl.lit(None, dtype=pl.Boolean)
    decided = [(_matches(frames, group), group[0].allocator) for group in _groups(allocators)]
    for matches, allocator in reversed(decided):
        flag = pl.when(matches).then(pl.lit(allocator)).otherwise(flag)
    return frames.with_columns(flag.fill_null(False).alias("allocator"))["allocator"]


def _groups(allocators: Allocators) -> list[list[Rule]]:
    """Neighbours that one expression can decide together: same answer, same column looked at."""
    groups: list[list[Rule]] = []
    for rule in allocators:
        neighbour = groups[-1][0] if groups else None
        if (
            neighbour
            and _column(rule)
            and _column(rule) == _column(neighbour)
            and rule.allocator == neighbour.allocator
        ):
            groups[-1].append(rule)
        else:
            groups.append([rule])
    return groups


def _column(rule: Rule) -> str | None:
    """Tell the only column a rule looks at; None if it looks at both."""
    if rule.function == "*":
        return "module"
    return "function" if rule.module == "*" else None


def _matches(frames: pl.DataFrame, rules: list[Rule]) -> pl.Expr:
    by_module = _is_any_of(frames["module"], [rule.module for rule in rules])
    by_function = _is_any_of(frames["function"], [rule.function for rule in rules])
    return by_module & by_function


def _is_any_of(names: pl.Series, patterns: list[str]) -> pl.Expr:
    """Compare each distinct name once: a log has thousands of times more frames than modules."""
    if "*" in patterns:
        return pl.lit(True)
    regex = "(?is)^(?:" + "|".join(_regex(pattern) for pattern in patterns) + ")$"
    distinct = names.unique().drop_nulls()
    return pl.col(names.name).is_in(distinct.filter(distinct.str.contains(regex)).implode()).fill_null(False)


def _regex(glob: str) -> str:
    special = {"*": ".*", "?": "."}
    return "".join(special.get(character) or re.escape(character) for character in glob)
