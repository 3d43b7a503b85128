"""`heapdelta doctor`: the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

import heapdelta
from heapdelta.cli import _machine, _output
from heapdelta.cli._safe import Text
from heapdelta.cli.doctor import packages, surroundings, trials
from heapdelta.cli.doctor.finding import Finding, State
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

BROKEN = 1
"""Exit code: something that heapdelta needs does not work."""

TOPICS: dict[str, Callable[[], list[Finding]]] = {
    "Program": surroundings.program,
    "Packages it needs": packages.needed,
    "What it does, tried on a synthetic case": trials.all_of_them,
    "Packages it can use": packages.optional,
    "Around it": surroundings.machine,
}
_STYLES = {State.WORKS: "green", State.LIMITED: "yellow", State.ABSENT: "dim", State.BROKEN: "bold red"}
_WIDTH = max(map(len, State)) + 2


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON.")] = False,
    output: _machine.JsonFile = None,
) -> int:
    """Tell what of this installation works, what does not, and what to do about it.

    Versions, what heapdelta does tried on a small synthetic case, optional packages, fonts of charts, the terminal.
    It asks no network. To be pasted into a report of a defect; it names folders of this machine, and no password.

    Exit code 1 says that something heapdelta needs does not work.
    """
    if output is not None and not as_json:
        raise OptionError("expected --output with --json, found it alone", kind="option")
    findings = {topic: find() for topic, find in TOPICS.items()}
    if as_json:
        _machine.write(written(findings) + "\n", output)
    else:
        show(_output.console(), findings)
    return BROKEN if of_state(findings, State.BROKEN) else 0


def of_state(findings: dict[str, list[Finding]], state: State) -> list[Finding]:
    """Give the findings of one state."""
    return [each for topic in findings.values() for each in topic if each.state is state]


def written(findings: dict[str, list[Finding]]) -> str:
    """Write all findings as JSON."""
    rows = [
        {"topic": topic, "name": each.name, "state": each.state, "found": each.found, "hint": each.hint}
        for topic, of_topic in findings.items()
        for each in of_topic
    ]
    works = not of_state(findings, State.BROKEN)
    return json.dumps({"heapdelta": heapdelta.__version__, "works": works, "findings": rows}, indent=2)


def show(target: Console, findings: dict[str, list[Finding]]) -> None:
    """Print the findings by topic, and the verdict at the end."""
    name = max(len(each.name) for topic in findings.values() for each in topic) + 2
    for topic, of_topic in findings.items():
        target.print(Text(topic, "bold"))
        for each in of_topic:
            state = Text(f"{each.state:{_WIDTH}}", _STYLES[each.state])
            target.print(state + Text(f"{each.name:{name}}{each.found}"), soft_wrap=True)
            if each.hint is not None:
                target.print(Text(f"{'':{_WIDTH + name}}hint: {each.hint}", "dim"), soft_wrap=True)
        target.print()
    target.print(verdict(findings), soft_wrap=True)


def verdict(findings: dict[str, list[Finding]]) -> Text:
    """Say in a sentence how it is."""
    broken = of_state(findings, State.BROKEN)
    if broken:
        names = ", ".join(each.name for each in broken)
        return Text(f"Something that heapdelta needs does not work: {names}", "bold red")
    limited, absent = (len(of_state(findings, state)) for state in (State.LIMITED, State.ABSENT))
    return Text(f"All that heapdelta needs works; {limited} limited, {absent} optional and absent", "bold")
