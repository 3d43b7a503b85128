"""Which frame owns an allocation: the rules that tell an allocator's frames from everyone else's.

A stack counts for its first frame, from the innermost outward, that no rule takes for an allocator's. If every frame is
an allocator's, the outermost decides. The rules are applied once per distinct frame, here; the walk along the stacks is
the core's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from heapdelta._blame.table import TABLE
from heapdelta._words import plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT", "Allocators", "Rule"]

ADDRESS = "+0x*"
"""Function of a rule that takes only frames without one: raw addresses, shown as ``app+0x1C3F``."""

_INLINE = "(?:(?:__1|__2|__ndk1|__cr|__cxx11|__debug|tr1)::)?"
"""Inline namespaces of ``std`` in libc++ and libstdc++, in small letters, and the one before C++11."""


@dataclass(frozen=True)
class Rule:
    """One rule: frames of these modules and functions belong to an allocator, or do not.

    Patterns are compared without regard to case; ``*`` stands for any text and ``?`` for one character, everything
    else for itself. Parameters in brackets behind the name of a function may be left out of its pattern. A pattern of
    a function that begins with ``std::`` also takes the inline namespaces of C++ libraries, as in ``std::__1::vector``.

    Parameters
    ----------
    module : str, default "*"
        Name of the module, without extension.
    function : str, default "*"
        Name of the function. A frame without one (a raw address) matches only ``"*"``, and ``"+0x*"``, which matches
        nothing else.
    allocator : bool, default True
        False makes an exception: the frame is not an allocator's, whatever later rules say.

    Examples
    --------
    >>> from heapdelta.blame import Rule
    >>> Rule.parse("mymem!pool_*")
    Rule(module='mymem', function='pool_*', allocator=True)
    >>> Rule.parse("-ntdll!Ldr*").allocator
    False
    >>> Rule.parse("kernelbase+0x*")
    Rule(module='kernelbase', function='+0x*', allocator=True)
    """

    module: str = "*"
    function: str = "*"
    allocator: bool = True

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read a rule: ``mymem``, ``mymem!pool_*``, ``*!my_malloc``, ``mymem+0x*``.

        ``mymem`` is the whole module, ``mymem+0x*`` its frames without a function; ``-`` before it makes an exception.

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
        body = body.removeprefix("-").strip()
        module, bang, function = body.partition("!")
        if not bang and body.endswith(ADDRESS):
            module, bang, function = body.removesuffix(ADDRESS), ADDRESS, ADDRESS
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
        return f"<Allocators: {plural(len(self), 'rule')}>"


def _as_rule(rule: RuleLike) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, str):
        return Rule.parse(rule)
    raise TypeError(f"expected an allocator rule or its text, found {type(rule).__name__}")


DEFAULT: Allocators = Allocators(rule for row in TABLE for rule in row.rules)
"""The built-in rules: whole modules, addresses of system modules, then functions. ``docs/blame.md`` lists them."""


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
    distinct = {name: frames[name].unique().drop_nulls() for name in ("module", "function")}
    decided = [(_matches(frames, group, distinct), group[0].allocator) for group in _groups(allocators)]
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
    """Tell the only column whose patterns a rule compares; None if it compares both."""
    if rule.function in ("*", ADDRESS):
        return "module" if rule.function == "*" else "address"
    return "function" if rule.module == "*" else None


def _matches(frames: pl.DataFrame, rules: list[Rule], distinct: dict[str, pl.Series] | None = None) -> pl.Expr:
    """Compare a group of rules; `distinct` has the distinct names of each column, if they are known."""
    names = distinct or {name: frames[name].unique().drop_nulls() for name in ("module", "function")}
    modules = _hits(names["module"], [rule.module for rule in rules])
    if modules is not None and modules.is_empty():
        return pl.lit(False)
    by_module = pl.lit(True) if modules is None else pl.col("module").is_in(modules.implode()).fill_null(False)
    if rules[0].function == ADDRESS:
        return by_module & pl.col("module").is_not_null() & pl.col("function").is_null()
    functions = _hits(names["function"], [rule.function for rule in rules], parameters=r"(?:\(.*)?")
    if functions is None:
        return by_module
    return by_module & pl.col("function").is_in(functions.implode()).fill_null(False)


def _is_any_of(names: pl.Series, patterns: list[str]) -> pl.Expr:
    hits = _hits(names.unique().drop_nulls(), patterns)
    return pl.lit(True) if hits is None else pl.col(names.name).is_in(hits.implode()).fill_null(False)


def _hits(distinct: pl.Series, patterns: list[str], parameters: str = "") -> pl.Series | None:
    """Give the names that a pattern matches, None for all. A log has thousands of times more frames than modules."""
    if "*" in patterns:
        return None
    # Half the time of a regular expression that does not care for case.
    return distinct.filter(distinct.str.to_lowercase().str.contains(_any_of(tuple(patterns), parameters)))


@lru_cache(maxsize=64)
def _any_of(patterns: tuple[str, ...], parameters: str) -> str:
    """Make one expression of all; the table of a thousand is asked for by every ranking."""
    return "(?s)^(?:" + "|".join(_regex(pattern.lower()) for pattern in patterns) + f"){parameters}$"


def _regex(glob: str) -> str:
    special = {"*": ".*", "?": "."}
    head = "std::" if glob.startswith("std::") else ""
    return (
        head
        + _INLINE * bool(head)
        + "".join(special.get(character) or re.escape(character) for character in glob.removeprefix(head))
    )
