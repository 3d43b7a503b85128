"""Many logs of one server, as `heapdelta.testing` offers them: days with a leak, a cache, a false alarm, a restart."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapdelta import _native, _whole_file
from heapdelta._words import plural
from heapdelta.testing._files import own_places
from heapdelta.testing._logs import Answer, Totals, with_totals

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

_BIRTHS = ("leaked_by_birth", "cached_by_birth", "sessions_by_birth")


@dataclass(frozen=True)
class SeriesAnswer(Answer):
    """What is in one log of `write_series`, and how old the blocks are.

    The three lists tell, for each log of the run from its first to this one, how many of the blocks that were born
    before that log and after the one before it are still there; their sum is everything there is. In the first place
    are the blocks that were there in the first log of the run. They count real births and deaths. Who matches logs by
    address, size and stack sees fewer deaths where a freed block is followed by one like it at its place.

    Attributes
    ----------
    run : int
        Which run of the program: 0, or 1 after the restart.
    leaked_by_birth, cached_by_birth, sessions_by_birth : tuple of Totals
        Blocks of the leak, entries of the cache, and sessions, which are the false alarm.
    """

    run: int
    leaked_by_birth: tuple[Totals, ...]
    cached_by_birth: tuple[Totals, ...]
    sessions_by_birth: tuple[Totals, ...]


@dataclass(frozen=True)
class SeriesStory:
    """Logs of some days, oldest first. Made by `write_series`.

    Attributes
    ----------
    answers : tuple of SeriesAnswer
        One for each log.
    restart_point : int or None
        Number of the first log after the restart; None without one.
    """

    answers: tuple[SeriesAnswer, ...]
    restart_point: int | None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The logs, oldest first."""
        return tuple(answer.path for answer in self.answers)

    @property
    def culprit(self) -> str:
        """The module that leaks."""
        return self.answers[0].culprit

    @property
    def cache(self) -> str:
        """The module whose cache fills up in the first day of a run and then trades its entries."""
        return self.answers[0].cache

    @property
    def false_alarm(self) -> str:
        """The module whose memory comes and goes with the hours of the day, under other stacks by night than by day."""
        return self.answers[0].false_alarm


def write_series(
    folder: str | PathLike[str],
    *,
    days: int = 5,
    hours_apart: int = 4,
    seed: int = 1,
    stack_count: int = 2000,
    restart_after: int | None = 60,
) -> SeriesStory:
    """Write the logs of some days of the server: ``fernhollow_001.txt`` and so on, 64-bit ``umdh2``.

    The leak gets more blocks by day than by night and frees none. The cache is full after 24 hours; from then on it
    trades 4 % of its entries in an hour. A quarter of the sessions ends in an hour; there are half as many more at
    noon as by night, and other stacks hold them. Ordinary stacks keep their number of blocks more or less, and trade
    them at a pace of their own. Within a run a block stays at its address until it is freed, and a later block of the
    same size may get its place. After a restart everything starts over: other process id, addresses and ids.

    Parameters
    ----------
    folder : str or path-like
        Where to; made if it is not there. Files of these names are replaced if they are of the story.
    days : int, default 5
        How long; with the hours between, at least 2 logs.
    hours_apart : int, default 4
        Hours from one log to the next. The first is taken on 2024-03-11 at 09:00.
    seed : int, default 1
        Another seed, another server with the same story.
    stack_count : int, default 2000
        Size of the story: about 75,000 blocks and 4 MB a log, or less of both in proportion.
    restart_after : int, optional
        The program is started anew in the hour before the first log that is taken that many hours, or more, after the
        first one. None, or more than there are: it never is.

    Returns
    -------
    SeriesStory
        The logs and their answers.

    Raises
    ------
    ValueError
        If there would be fewer than 2 logs, or a number of hours is below 1.
    OptionError
        If a file of such a name is there that is not of the story.
    WriteError
        If a file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> from heapdelta import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = testing.write_series(folder, days=2, stack_count=100, restart_after=30)
    >>> len(story.paths), story.restart_point, [answer.run for answer in story.answers[7:9]]
    (12, 8, [0, 1])
    """
    if hours_apart < 1:
        raise ValueError(f"expected at least 1 hour from log to log, found {hours_apart}")
    if restart_after is not None and restart_after < 1:
        raise ValueError(f"expected a restart after at least 1 hour, found {restart_after}")
    count = days * 24 // hours_apart
    if count < 2:
        raise ValueError(
            f"expected time for at least 2 logs, found {plural(days, 'day')} and {plural(hours_apart, 'hour')} from "
            "log to log"
        )
    paths = own_places(folder, [f"fernhollow_{number:03}.txt" for number in range(1, count + 1)])
    restart_at = None if restart_after is None else -(-restart_after // hours_apart)
    if restart_at is not None and restart_at >= count:
        restart_at = None
    with ExitStack() as stack:
        places = [stack.enter_context(_whole_file.replaced(path)) for path in paths]
        found: list[dict[str, Any]] = _native.write_series_logs(
            places, seed=seed, stack_count=stack_count, hours_apart=hours_apart, restart_at=restart_at
        )
    answers = [_answer(path, about) for path, about in zip(paths, found, strict=True)]
    return SeriesStory(tuple(answers), restart_at)


def _answer(path: Path, about: dict[str, Any]) -> SeriesAnswer:
    values = {name: tuple(Totals(**sums) for sums in about.pop(name)) for name in _BIRTHS} | with_totals(about)
    return SeriesAnswer(path=path, **values)
