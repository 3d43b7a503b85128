"""Tests that Wine cannot run: `excused.txt` names each with its reason, and a run holds it to both.

A plugin of pytest (`-p excused`), and for tests of Rust a program that reads what `cargo test` says:

    cargo test … | python excused.py

An excused test that passes fails the run, and so does one that is not there: the list can only get shorter by itself.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pluggy import Result
    from xdist.workermanage import WorkerController

LIST = Path(__file__).with_name("excused.txt")
_RUST = "rust "
_ANNOUNCED = re.compile(r"^running (?P<count>\d+) tests?$")
_SAID = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. (?P<outcome>ok|FAILED|ignored)")


def entries() -> dict[str, str]:
    """Read the list: tests with their reasons. A reason is on the lines below its tests, behind blanks."""
    found: dict[str, str] = {}
    waiting: list[str] = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            if waiting and found.get(waiting[-1]):
                waiting = []
            waiting.append(line.strip())
            found[line.strip()] = ""
        else:
            for name in waiting:
                found[name] = f"{found[name]} {line.strip()}".strip()
    unexplained = [name for name, reason in found.items() if not reason]
    if unexplained:
        raise pytest.UsageError(f"expected a reason below each test, found none for {', '.join(unexplained)}")
    return found


class Excused:
    """Holds a run of pytest to the list: tests by id, with or without parameters, and files that fail to import."""

    def __init__(self) -> None:
        self.reasons = {name: why for name, why in entries().items() if not name.startswith(_RUST)}
        self.seen: set[str] = set()
        self.collected: set[str] = set()
        self.wrong: list[str] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Result[pytest.CollectReport]]:
        """Pass over a file that cannot be imported here."""
        report = (yield).get_result()
        name = collector.nodeid
        if name.endswith(".py"):
            self.collected.add(name)
        if name in self.reasons:
            self.seen.add(name)
            if report.outcome == "failed":
                report.outcome = "skipped"
                report.longrepr = (name, 0, f"excused: {self.reasons[name]}")
            else:
                self.wrong.append(f"{name} is excused, and can be imported")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Expect excused tests to fail."""
        for item in items:
            for name in (item.nodeid, item.nodeid.partition("[")[0]):
                if name in self.reasons:
                    self.seen.add(name)
                    item.add_marker(pytest.mark.xfail(reason=f"excused: {self.reasons[name]}", strict=True))
                    break

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController) -> None:
        """Take what a process of pytest-xdist has found; each of them sees all tests. One that crashed says nothing."""
        found = getattr(node, "workeroutput", {}).get("wrong", ())
        self.wrong += [each for each in found if each not in self.wrong]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail if an excused test is not there."""
        for name in set(self.reasons) - self.seen:
            file = name.partition("::")[0]
            if file in self.collected or not Path(str(session.config.rootpath), file).exists():
                self.wrong.append(f"{name} is excused, and not there")
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["wrong"] = self.wrong
        if self.wrong and session.exitstatus == 0:
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is wrong with the list."""
        for each in self.wrong:
            terminalreporter.write_line(f"{LIST.name}: {each}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Be a plugin of pytest."""
    config.pluginmanager.register(Excused(), "excused-tests")


def main() -> int:
    """Read what `cargo test` says, and say it; give 1 if a test failed that may not, or the list is wrong."""
    excused = {name.removeprefix(_RUST) for name in entries() if name.startswith(_RUST)}
    outcomes: dict[str, str] = {}
    missing = 0
    for line in sys.stdin:
        print(line, end="", flush=True)
        if found := _SAID.match(line):
            # Two programs can have a test of one name.
            if outcomes.get(found["name"]) != "FAILED":
                outcomes[found["name"]] = found["outcome"]
            missing -= 1
        elif found := _ANNOUNCED.match(line):
            missing += int(found["count"])
    failed = {name for name, outcome in outcomes.items() if outcome == "FAILED"}
    wrong = [f"{name} failed" for name in sorted(failed - excused)]
    wrong += [f"{name} is excused, and passed" for name in sorted(excused & outcomes.keys() - failed)]
    wrong += [f"{name} is excused, and not there" for name in sorted(excused - outcomes.keys())]
    if not outcomes:
        wrong.append("no test was run")
    if missing:
        wrong.append(f"{missing} tests were announced and did not end: the program stopped in the middle")
    for each in wrong:
        print(f"test-windows: {each}", file=sys.stderr)
    ignored = sum(outcome == "ignored" for outcome in outcomes.values())
    passed = len(outcomes) - len(failed) - ignored
    print(f"rust: {passed} passed, {len(failed - excused)} failed, {len(failed & excused)} excused, {ignored} ignored")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
