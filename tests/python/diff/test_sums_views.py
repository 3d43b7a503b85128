"""Every view, chart, page and command over logs whose sums pass 2^64: nothing raises or wraps, and unknown is told."""

from __future__ import annotations

import ast
import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart, cli
from heapdelta.cli.check.gate import Check, Limits
from small_log import APP_FRAME, NTDLL_FRAME, Log

if TYPE_CHECKING:
    from collections.abc import Iterator

STACKS = {"7": [APP_FRAME], "8": [0x1000_0100], "9": [NTDLL_FRAME]}
HEAP = 0x10000
HUGE = 1 << 63
SMALL = [(HEAP, "7", 0x40, 0x18)]
LOGS = {
    "small": SMALL,
    "once": [*SMALL, (HEAP, "8", HUGE, 0x18)],
    "twice": [*SMALL, (HEAP, "8", HUGE, 0x18), (HEAP, "0", HUGE, 0x18)],
    "stack": [*SMALL, (HEAP, "8", HUGE, 0x18), (HEAP, "8", HUGE, 0x18)],
    "all": [(HEAP, trace, 2**64 - 1, 0x18) for trace in "77889900"],
}
PAIRS = [*product(("small", "stack"), LOGS), ("once", "twice"), ("twice", "small"), ("all", "all")]


def log(name: str, hour: int = 0) -> Log:
    return Log(LOGS[name], STACKS, taken=f"2012-04-30 {hour:02}:09")


def paths(folder: Path, names: tuple[str, ...]) -> list[str]:
    made = []
    for hour, name in enumerate(names):
        path = folder / f"{hour}-{name}.txt"
        path.write_text(log(name, hour).text(), encoding="utf-8", newline="")
        made.append(str(path))
    return made


def in_exact_numbers(names: tuple[str, str]) -> int | None:
    """Growth in all, as far as 64 bits hold its parts."""
    before, after = (sum(block[2] for block in LOGS[name]) for name in names)
    fits = max(before, after) < 1 << 64 and -(1 << 63) <= after - before < 1 << 63
    return after - before if fits else None


@pytest.mark.parametrize("names", PAIRS)
def test_views_pages_and_charts_of_two_logs(names: tuple[str, str]) -> None:
    before, after = (log(name, hour).read() for hour, name in enumerate(names))
    delta = hd.diff(before, after)
    assert delta.total["requested_bytes_delta"].item() == in_exact_numbers(names)
    shown = [repr(delta), delta._repr_html_(), repr(after), after._repr_html_(), *delta.notes]
    for kind in ("module", "function", "stack", "trace", "heap"):
        ranking = delta.by(kind)
        assert ranking["allocation_count_after"].sum() == len(LOGS[names[1]])
        known = delta.by(kind).drop_nulls("requested_bytes_after")["requested_bytes_after"].to_list()
        assert all(size in (0, 0x40, HUGE, HUGE + 0x40) for size in known), (kind, known)
        chart.waterfall(delta, by=kind).to_dict()
    delta.by("module", inclusive=True)
    chart.sizes(delta).to_dict()
    for by in ("module", "function", "heap"):
        chart.growth(before, after, by=by).to_dict()
    told = in_exact_numbers(names) is None
    assert any("not known" in note for note in delta.notes) == (told or {"twice", "once"}.intersection(names) != set())
    assert not any("64 bytes in" in text for text in shown if "once" not in names and "small" not in names)


@pytest.mark.parametrize("names", [names for names in PAIRS if {"stack", "all"}.intersection(names)])
def test_waterfall_says_what_it_leaves_out(names: tuple[str, str]) -> None:
    delta = hd.diff(*(log(name, hour).read() for hour, name in enumerate(names)))
    drawn = chart.waterfall(delta, by="stack").to_dict()
    assert "whose bytes are not known" in drawn["title"]["subtitle"]


@pytest.mark.parametrize(("by", "inclusive"), [("module", False), ("module", True), ("stack", False), ("heap", False)])
def test_series_survival_and_their_charts(by: str, inclusive: bool) -> None:
    names = ("small", "once", "twice", "stack", "all", "small", "once")
    series = hd.series([log(name, hour).read() for hour, name in enumerate(names)], by=by, inclusive=inclusive)
    assert series.points["requested_bytes"].to_list() == [64, HUGE + 64, None, None, None, 64, HUGE + 64]
    growth = series.growth(warm_up_hours=0)
    assert growth["verdict"].to_list() == ["not known"] * growth.height
    table = series.table()
    assert table.filter(pl.col("point") == 4)["requested_bytes"].null_count() >= 1
    for drawn in (chart.growth(series), chart.slope(series)):
        drawn.to_dict()
    if not inclusive:
        chart.growth(series, style="stacked").to_dict()
    assert "not known" in json.dumps(chart.growth(series).to_dict()["title"])
    assert "not known" in series._repr_html_()
    assert any("points 2, 3, 4" in note for note in series.notes)
    survival = series.survival()
    assert survival.table.filter(pl.col("point") == 4)["allocation_count"].sum() == len(LOGS["all"])
    survival._repr_html_()
    for kind in ("module", "function", "stack"):
        chart.survival(survival, by=kind).to_dict()


@pytest.mark.parametrize("names", PAIRS)
def test_check_never_passes_what_is_not_known(names: tuple[str, str]) -> None:
    delta = hd.diff(*(log(name, hour).read() for hour, name in enumerate(names)))
    check = Check(delta, Limits(growth=1000, growth_each=1000, by="stack", new_stacks=9, issues=99))
    growth, each, *others = check.results
    unknown = {"stack", "all"}.intersection(names) != set()
    exact = sum(size for *_, size, _ in LOGS[names[1]]) - sum(size for *_, size, _ in LOGS[names[0]])
    assert (growth.found, growth.passed) == ((None, False) if unknown else (exact, exact <= 1000))
    assert each.passed == (not unknown and exact <= 1000)
    assert all(result.passed for result in others)
    if unknown:
        of_a = Check(delta, Limits(growth_of=(("a", 1000),))).results[0]
        assert (of_a.found, of_a.passed) == (None, False)


COMMANDS = [
    ["diff"],
    *(["diff", "--by", kind, *form] for kind in ("stack", "heap") for form in ([], ["--csv"], ["--json"])),
    ["tree"],
    ["tree", "--inward", "--by", "module", "--json"],
    ["tree", "--min-share", "5%", "--csv"],
    ["check", "--max-growth", "1", "--max-growth-each", "1"],
    ["check", "--max-growth", "1", "--json"],
    ["check", "--max-growth-of", "a=1", "--markdown", "-"],
    ["check", "--max-growth", "1", "--junit", "-"],
    ["series"],
    ["series", "--by", "stack", "--json"],
    ["series", "--csv"],
    ["series", "--long", "--csv"],
    ["dhcmp"],
    ["umdh"],
    ["dhcmp", "-v", "-d"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("names", [("small", "twice"), ("all", "once")])
def test_every_command(
    command: list[str], names: tuple[str, str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    code = cli.run([*command, *paths(tmp_path, names)])
    out, err = (text.decode() for text in capfdbinary.readouterr())
    assert code == (4 if command[0] == "check" else cli.OK), err
    assert "Traceback" not in err
    if "--json" in command:
        json.loads(out)
    if command[0] == "check" and {"stack", "all"}.intersection(names):
        assert "not known" in out or "null" in out
    if command in (["dhcmp"], ["umdh"]):
        known = "all" not in names
        assert ("Total increase == " in out) == known, out
        assert out.count("not known") == (0 if known else 4)


@pytest.mark.parametrize("name", LOGS)
def test_summary_and_call_sites(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = paths(tmp_path, (name,))
    assert cli.run(["summary", path]) == cli.OK
    live = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("live"))
    expected = {"small": "64 bytes", "once": "8.00 EiB", "twice": "16.0 EiB", "stack": "?", "all": "?"}
    assert live.split(None, 1)[1].startswith(expected[name])
    assert cli.run(["dhcmp", path]) == cli.OK
    for kind in ("parquet", "chart"):
        target = tmp_path / f"out.{'svg' if kind == 'chart' else kind}"
        assert cli.run(["diff", path, path, "--by", "module", f"--{kind}", str(target)]) == cli.OK
        assert target.stat().st_size


def test_suppressed_sums_are_not_known_either() -> None:
    from heapdelta.cli.check import suppress

    delta = hd.diff(log("small").read(), log("stack", 1).read())
    rules = suppress.parse("a\nnobody\n", "rules")
    check = Check(delta, Limits(growth=0), rules)
    assert check.suppressions["requested_bytes_after"].to_list() == [None, 0]
    assert check.suppressions["requested_bytes_delta"].to_list() == [None, 0]
    assert check.passed


def sums_elsewhere(source: str) -> Iterator[int]:
    """Lines that add up, or that fail on a number that is too large, outside `_numbers`.

    Flags may be counted by `(a == b).sum()`; `Grid.sum` has arguments.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, of = node.func.attr, node.func.value
        if name in ("sum", "cum_sum") and not node.args and not isinstance(of, ast.Compare):
            yield node.lineno
        if name == "cast" and node.args and ast.unparse(node.args[0]) == "pl.Int64":
            strict = [keyword for keyword in node.keywords if keyword.arg == "strict"]
            if not strict:
                yield node.lineno


def test_sums_are_made_in_one_module() -> None:
    package = Path(hd.__file__).parent
    found = [
        f"{path.relative_to(package)}:{line}"
        for path in sorted(package.rglob("*.py"))
        if path.name != "_numbers.py"
        for line in sums_elsewhere(path.read_text(encoding="utf-8"))
    ]
    assert not found
    assert list(sums_elsewhere("a.sum()\n(a == b).sum()\ngrid.sum(a, b, c)\na.cast(pl.Int64)\n")) == [1, 4]
