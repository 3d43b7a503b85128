"""A check as JUnit XML, which CI servers read: a test case for each limit, the worst stacks in the text of a failure.

JUnit has no schema of its own. This keeps to what the two that are used ask for: ``JUnit.xsd`` of Apache Ant's reports,
the strict one (every attribute, the order of elements, no ``file``), and ``junit-10.xsd`` of Jenkins.
"""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from heapdelta._safe_text import visible_lines
from heapdelta._words import count_text, plural
from heapdelta.cli import _rank
from heapdelta.cli.check import words

if TYPE_CHECKING:
    from datetime import datetime

    from heapdelta.cli.check.gate import Check, Result

# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(check: Check, *, top: int, started: datetime, seconds: float) -> bytes:
    """Write the whole document, in UTF-8.

    Parameters
    ----------
    check : Check
        What was found.
    top : int
        Stacks to show in the text of a failure.
    started : datetime
        When the check began, without a time zone, as the schema wants it.
    seconds : float
        How long it took, reading included.
    """
    failures = sum(not result.passed for result in check.results)
    counts = {"tests": str(len(check.results)), "failures": str(failures), "errors": "0", "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites")
    about = {"id": "0", "package": "heapdelta", "name": "heapdelta.check", "hostname": platform.node() or "localhost"}
    suite = ElementTree.SubElement(root, "testsuite", about | counts)
    suite.set("timestamp", started.replace(microsecond=0).isoformat())
    properties = ElementTree.SubElement(suite, "properties")
    for name, side in (("before", check.delta.before), ("after", check.delta.after)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _clean(side.path or "<bytes>")})
    for result in check.results:
        # The limits are looked at together; the time is the suite's.
        case = ElementTree.SubElement(
            suite, "testcase", {"name": _clean(result.name), "classname": "heapdelta.check", "time": "0"}
        )
        if not result.passed:
            about_failure = {"type": result.option.removeprefix("--"), "message": _clean(words.sentence(result))}
            failure = ElementTree.SubElement(case, "failure", about_failure)
            failure.text = _clean(_worst(check, result, top))
    ElementTree.SubElement(suite, "system-out").text = _clean(_output_text(check))
    ElementTree.SubElement(suite, "system-err")
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}\n".encode()


def _worst(check: Check, result: Result, top: int) -> str:
    lines = [words.sentence(result)]
    for row in result.stacks.head(top).iter_rows(named=True):
        lines += ["", words.stack_title(row)]
        if row["fingerprint"] is not None:
            lines += [f"  {line}" for line in _rank.frame_lines(check, row["fingerprint"])]
    rest = result.stacks.height - top
    if rest > 0:
        lines += ["", f"and {count_text(rest)} more"]
    return "\n".join(lines)


def _output_text(check: Check) -> str:
    lines = [f"Total  {words.total(check)}"]
    lines += [
        f"suppression in line {row['line']}: {row['pattern']}: {row['effect']}, {plural(row['stacks'], 'stack')}, "
        f"{plural(row['requested_bytes_delta'], 'byte', signed=True)}"
        for row in check.suppressions.iter_rows(named=True)
    ]
    return "\n".join([*lines, *(f"note: {note}" for note in check.notes)])


def _clean(text: str) -> str:
    r"""Write what XML cannot hold as ``\x01``, and then what a reader would not see."""
    return visible_lines(_FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", text))
