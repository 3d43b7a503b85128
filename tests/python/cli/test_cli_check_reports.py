"""What `heapdelta check` writes: the report on the console, Markdown for a pull request, JUnit for a CI server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from heapdelta import cli
from markdown_it import MarkdownIt
from small_hogs import hogs

ODD = "plug!`anonymous namespace'::make<a|b>"
STACKS = {
    "1": ["ntdll!RtlAllocateHeap", "shop!Cart::insert", "shop!main"],
    "2": ["ntdll!RtlAllocateHeap", "cache!Pool::grow", "shop!main"],
    "3": ["ntdll!RtlAllocateHeap", ODD, "shop!main"],
}
HEAPDELTA = [sys.executable, "-c", "from heapdelta.cli import main; main()"]
ALL = ["--max-growth", "4k", "--max-growth-each", "1MiB", "--max-new-stacks", "0", "--ignore", "rules.txt"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, held in (("before.txt", {"1": 1_000, "2": 5_000}), ("after.txt", {"1": 3_500, "2": 9_000, "3": 2_000})):
        (tmp_path / name).write_text(hogs(held, STACKS), encoding="utf-8", newline="")
    (tmp_path / "rules.txt").write_text("cache  # fills up\nold*|x<y>\n", encoding="utf-8")


def run(*options: str) -> int:
    return cli.run(["check", "before.txt", "after.txt", *options])


REPORT = """\
       before                    after
file   before.txt                after.txt
taken  2001-02-03 04:05          2001-02-03 04:05
live   5.86 KiB in 2 blocks       14.2 KiB in 3 blocks

Total  +8.30 KiB requested, +3.91 KiB suppressed, +4.39 KiB checked

growth: expected at most 4,000 bytes, found 4,500 bytes (+4.39 KiB)

   growth   blocks   before     after   module
 ─────────────────────────────────────────────
 +2.44 KiB        0   1,000 bytes   3.42 KiB   shop
 +1.95 KiB       +1      0 bytes   1.95 KiB   plug


    growth   blocks   stack     function                                trace
 ────────────────────────────────────────────────────────────────────────────
 +2.44 KiB        0   #8F2274   shop!Cart::insert                       1
 +1.95 KiB       +1   #334422   plug!`anonymous namespace'::make<a|b>   - -> 3

left out for want of width: before, after

Stack #8F2274, +2.44 KiB, 0 blocks, innermost first
    ntdll!RtlAllocateHeap+0x00000010
  > shop!Cart::insert+0x00000010
    shop!main+0x00000010

new stacks: expected at most 0, found 1

    growth   blocks   stack     function                                trace
 ────────────────────────────────────────────────────────────────────────────
 +1.95 KiB       +1   #334422   plug!`anonymous namespace'::make<a|b>   - -> 3

left out for want of width: before, after

Suppressions

 line     growth   stacks   effect       pattern
 ─────────────────────────────────────────────────
    1   +3.91 KiB        1   suppressed   cache
    2        0 bytes        0   unused       old*|x<y>

Limits

     allowed     found   result     limit
 ────────────────────────────────────────────────────────
     4,000 bytes   4,500 bytes   exceeded   growth
 1,048,576 bytes   2,500 bytes   ok         growth of each module
           0         1   exceeded   new stacks

2 of 3 limits are exceeded
"""


def tidy(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip(" ─")]


@pytest.mark.parametrize("width", [80, 120])
def test_report_shows_what_is_over_and_ends_with_the_verdict(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(*ALL) == cli.EXCEEDED
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    if width == 80:
        assert tidy(shown) == tidy(REPORT)
    assert shown.splitlines()[-1] == "2 of 3 limits are exceeded"


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        (["--max-growth", "1MB"], "Within the limit"),
        (["--max-growth", "1MB", "--max-new-stacks", "1"], "Within both limits"),
        (["--max-growth", "1MB", "--max-new-stacks", "1", "--max-issues", "0"], "Within all 3 limits"),
        (["--max-growth", "1"], "The limit is exceeded"),
        (["--max-growth", "1", "--max-new-stacks", "0"], "Both limits are exceeded"),
        (["--max-growth", "1", "--max-new-stacks", "1"], "1 of 2 limits is exceeded"),
    ],
)
def test_verdict_is_a_sentence(options: list[str], verdict: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (run(*options) == cli.OK) == verdict.startswith("Within")
    assert capsys.readouterr().out.splitlines()[-1] == verdict


# --- Markdown ---


def test_markdown_goes_to_stdout_or_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(*ALL, "--markdown", "-") == cli.EXCEEDED
    printed = capfd.readouterr().out
    assert printed.startswith("### Heap check: 2 of 3 limits are exceeded\n\n`before.txt` → `after.txt`: +8.30 KiB")
    assert run(*ALL, "--markdown", "out.md") == cli.EXCEEDED
    assert Path("out.md").read_text(encoding="utf-8") == printed
    assert "Limits" in capfd.readouterr().out, "beside a file the report is printed as ever"


def rendered(text: str) -> ElementTree.Element:
    """Render as GitHub does: CommonMark with tables, and HTML as it is."""
    page = MarkdownIt("commonmark").enable("table").render(text)
    return ElementTree.fromstring(f"<page>{page}</page>")


def test_markdown_renders_to_tables_with_every_name_as_it_is() -> None:
    assert run(*ALL, "--markdown", "out.md") == cli.EXCEEDED
    page = rendered(Path("out.md").read_text(encoding="utf-8"))
    tables = [[["".join(cell.itertext()) for cell in row] for row in table.iter("tr")] for table in page.iter("table")]
    limits, growth, new, suppressions = tables
    assert limits == [
        ["limit", "allowed", "found", ""],
        ["growth", "4,000 bytes", "4,500 bytes", "exceeded"],
        ["growth of each module", "1,048,576 bytes", "2,500 bytes", "ok"],
        ["new stacks", "0", "1", "exceeded"],
    ]
    assert growth[1:] == [["+2.44 KiB", "0", "shop!Cart::insert"], ["+1.95 KiB", "+1", ODD]]
    assert new[1:] == [["+1.95 KiB", "+1", ODD]]
    assert suppressions[1:] == [
        ["1", "cache", "1", "+3.91 KiB", "suppressed"],
        ["2", "old*|x<y>", "0", "0 bytes", "unused"],
    ]
    folded = list(page.iter("details"))
    assert ["".join(part[0].itertext()).partition(":")[0] for part in folded] == [
        "Worst stacks",
        "Worst stacks",
        "2 suppressions, 1 without effect",
    ]
    assert f"> {ODD}+0x00000010" in "".join(folded[1].itertext())
    assert page.findtext("h3") == "Heap check: 2 of 3 limits are exceeded"


def test_markdown_of_a_check_that_passes_is_short(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("--max-growth", "1MB", "--markdown", "-") == cli.OK
    assert capfd.readouterr().out == (
        "### Heap check: within the limit\n\n"
        "`before.txt` → `after.txt`: +8.30 KiB requested\n\n"
        "| limit | allowed | found | |\n|:--|--:|--:|:--|\n| growth | 1,000,000 bytes | 8,500 bytes | ok |\n"
    )


def test_patterns_of_limits_are_no_markup() -> None:
    assert run("--max-growth-of", "*s*p*=1", "--markdown", "out.md") == cli.EXCEEDED
    page = rendered(Path("out.md").read_text(encoding="utf-8"))
    assert page.findtext(".//td") == "growth of *s*p*"
    assert page.findtext(".//summary") == (
        "Worst stacks: growth of *s*p*: expected at most 1 byte, found 2,500 bytes (+2.44 KiB)"
    )


# --- JUnit ---

SUITE = {
    "id": r"0",
    "package": r"\S+",
    "name": r"\S+",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "hostname": r"\S+",
    "tests": r"\d+",
    "failures": r"\d+",
    "errors": r"\d+",
    "time": r"\d{1,3}(\.\d*)?",
}


def suite_of(path: str) -> ElementTree.Element:
    """Read the file, and hold it against what JUnit.xsd (Ant) and junit-10.xsd (Jenkins) both ask for."""
    root = ElementTree.fromstring(Path(path).read_bytes())
    assert (root.tag, [child.tag for child in root]) == ("testsuites", ["testsuite"])
    suite = root[0]
    assert set(suite.keys()) == set(SUITE)
    for name, form in SUITE.items():
        assert re.fullmatch(form, suite.get(name, "")), name
    order = [child.tag for child in suite]
    cases = suite.findall("testcase")
    assert order == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
    for case in cases:
        assert set(case.keys()) == {"name", "classname", "time"}
        assert [child.tag for child in case] in ([], ["failure"])
        for failure in case:
            assert set(failure.keys()) == {"type", "message"}
    assert int(suite.get("tests", "")) == len(cases)
    assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
    return suite


def test_junit_has_a_test_case_for_each_limit() -> None:
    assert run(*ALL, "--junit", "out.xml") == cli.EXCEEDED
    suite = suite_of("out.xml")
    assert [(case.get("name"), case.find("failure") is None) for case in suite.findall("testcase")] == [
        ("growth", False),
        ("growth of each module", True),
        ("new stacks", False),
    ]
    growth, new = suite.findall("testcase/failure")
    assert growth.get("message") == "growth: expected at most 4,000 bytes, found 4,500 bytes (+4.39 KiB)"
    assert (growth.get("type"), new.get("type")) == ("max-growth", "max-new-stacks")
    assert new.text is not None
    assert new.text.splitlines() == [
        "new stacks: expected at most 0, found 1",
        "",
        f"+1.95 KiB in +1 block, {ODD}",
        "    ntdll!RtlAllocateHeap+0x00000010",
        f"  > {ODD}+0x00000010",
        "    shop!main+0x00000010",
    ]
    out = suite.findtext("system-out") or ""
    assert "suppression in line 2: old*|x<y>: unused, 0 stacks, 0 bytes" in out


def test_junit_of_a_check_that_passes_has_no_failure() -> None:
    assert run("--max-growth", "1MB", "--junit", "out.xml") == cli.OK
    assert suite_of("out.xml").get("failures") == "0"


def test_junit_holds_only_what_xml_can() -> None:
    strange = {"1": ["ntdll!RtlAllocateHeap", "shop!a\x01b\ufffe&<"]}
    Path("before.txt").write_text(hogs({"1": 1}, strange), encoding="utf-8", newline="")
    Path("after.txt").write_text(hogs({"1": 7}, strange), encoding="utf-8", newline="")
    assert run("--max-growth", "0", "--junit", "out.xml") == cli.EXCEEDED
    text = suite_of("out.xml").findtext("testcase/failure") or ""
    assert "shop!a\\x01b\\xfffe&<" in text


def test_junit_goes_to_stdout_on_request(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("--max-growth", "0", "--junit", "-") == cli.EXCEEDED
    printed = capfdbinary.readouterr().out
    Path("out.xml").write_bytes(printed)
    assert suite_of("out.xml").get("failures") == "1"
    assert not Path("-").exists()


def test_failure_shows_the_worst_stacks_and_counts_the_rest() -> None:
    assert run("--max-growth", "0", "--top", "1", "--junit", "out.xml") == cli.EXCEEDED
    text = suite_of("out.xml").findtext("testcase/failure") or ""
    assert "cache!Pool::grow" in text
    assert "shop!Cart::insert" not in text
    assert text.endswith("\n\nand 2 more")


@pytest.mark.parametrize("report", [[], ["--json"], ["--markdown", "-"], ["--junit", "-"]])
@pytest.mark.parametrize(("allowed", "code"), [("1", cli.EXCEEDED), ("1GB", cli.OK)])
def test_answer_is_the_exit_code_though_nobody_reads_the_report(report: list[str], allowed: str, code: int) -> None:
    command = [*HEAPDELTA, "check", "before.txt", "after.txt", "--max-growth", allowed, *report]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=120)
        assert (done.returncode, done.stderr) == (code, b"")
        assert subprocess.run(command, stdout=writer, stderr=writer, timeout=120).returncode == code
        missing = subprocess.run([*command, "--ignore", "nothere"], stdout=writer, stderr=writer, timeout=120)
        assert missing.returncode == cli.USAGE
    finally:
        os.close(writer)
