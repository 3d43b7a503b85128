"""`heapdelta tree`: what is drawn, what adds up in it, and what machines get."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import cli
from polars.testing import assert_frame_equal
from small_hogs import hogs

PAIR = ["tree", "before.txt", "after.txt"]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    found = hd.testing.write_investigation(folder, stack_count=80)
    hd.testing.write_dump_investigation(folder, stack_count=60)
    with zipfile.ZipFile(folder / "case.zip", "w") as packed:
        for path in found.paths[:2]:
            packed.write(path, path.name)
    return folder


@pytest.fixture(autouse=True)
def here(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story)
    monkeypatch.setenv("COLUMNS", "120")


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(list(arguments)) == cli.OK
    return capsys.readouterr().out


def drawn(text: str) -> list[str]:
    """Give the lines of the drawing, without its heading."""
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if line.endswith(("blamed frame", "of the thread")))
    return lines[first + 1 : lines.index("", first)]


def delta() -> hd.Delta:
    return hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt"))


CALLS = {
    "1": ["ntdll!RtlAllocateHeap", "app!grow", "app!load", "app!main"],
    "2": ["ntdll!RtlAllocateHeap", "app!grow", "app!save", "app!main"],
    "3": ["net!read", "net!poll"],
}


@pytest.fixture
def calls(tmp_path: Path) -> list[str]:
    for name, held in (("old", {"1": 100, "2": 3000}), ("new", {"1": 4196, "2": 1976, "3": 60, "9": 1})):
        (tmp_path / name).write_text(hogs(held, CALLS), encoding="utf-8", newline="")
    return [str(tmp_path / name) for name in ("old", "new")]


def test_the_tree_is_drawn_outward_and_inward(calls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(out(capsys, "tree", *calls)) == [
        "+3.06 KiB       +2   100.0 %   total",
        "+3.00 KiB        0    98.8 %   ├ app",
        "+3.00 KiB        0    98.8 %   │ └ app!grow",
        "+4.00 KiB        0    79.1 %   │   ├ app!load ← app!main",
        "-1.00 KiB        0    19.8 %   │   └ app!save ← app!main",
        "+61 bytes       +2     1.2 %   └ (2 smaller)",
    ]
    inward = drawn(out(capsys, "tree", *calls, "--inward"))
    assert [line.split("%   ")[1] for line in inward] == [
        "total",
        "├ app!main",
        "│ ├ app!load → app!grow",
        "│ └ app!save → app!grow",
        "└ (2 smaller)",
    ]


@pytest.mark.parametrize("width", ["80", "120"])
@pytest.mark.parametrize("options", [[], ["--inward"], ["--by", "module"], ["--keep-allocators", "--min-share", "0"]])
def test_every_line_fits_and_growth_adds_up(
    options: list[str], width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = drawn(out(capsys, *PAIR, *options))
    assert max(map(len, lines)) <= int(width)
    # What is right below a line adds up to it, as far as three digits tell.
    sums: dict[int, float] = {}
    for line in reversed(lines):
        growth, guide = amount(line), re.search(r"%   ([│├└ ]*)", line)
        if guide is None:
            assert not line[: len(line) - len(line.lstrip())].strip(), "the rest of a name"
            continue
        level = len(guide[1]) // 2
        if level + 1 in sums:
            assert sums.pop(level + 1) == pytest.approx(growth, abs=9000)
        sums[level] = sums.get(level, 0) + growth


def amount(line: str) -> float:
    found = re.match(r" *([-+]?[\d.,]+) (bytes?|KiB|MiB)", line)
    if found is None:
        return 0
    unit = {"KiB": 1 << 10, "MiB": 1 << 20}.get(found[2], 1)
    return float(found[1].replace(",", "")) * unit


def test_long_names_are_wrapped_and_deep_ones_keep_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "app!" + "Namespace::" * 12 + "f"
    stacks = {f"{number}": [name, *["app!walk"] * number, "app!main"] for number in range(1, 15)}
    (tmp_path / "deep").write_text(hogs(dict.fromkeys(stacks, 64), stacks), encoding="utf-8", newline="")
    lines = drawn(out(capsys, "tree", str(tmp_path / "deep"), "--inward"))
    assert max(map(len, lines)) <= 80
    assert re.sub(r"[\s│├└…]", "", "".join(lines)).count("Namespace::" * 12) == 14
    assert any("… " in line for line in lines), "guides are cut, names are not"


def test_depth_and_share_leave_out(calls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert [line.split("%   ")[1] for line in drawn(out(capsys, "tree", *calls, "--depth", "2"))] == [
        "total",
        "├ app",
        "│ └ app!grow …",
        "└ (2 smaller)",
    ]
    all_of_it = [line.split("%   ")[1] for line in drawn(out(capsys, "tree", *calls, "--min-share", "0"))]
    assert all_of_it[-3:] == ["├ net", "│ └ net!read ← net!poll", "└ (stack not in file)"]
    for share in ("20%", "20 %", "0.2"):
        text = drawn(out(capsys, "tree", *calls, "--min-share", share))
        assert [line.split("%   ")[1] for line in text][3:] == [
            "│   ├ app!load ← app!main",
            "│   └ (1 smaller)",
            "└ (2 smaller)",
        ]
    for share in ("2", "x", "-1", "1e-2", "200%"):
        assert cli.run(["tree", *calls, f"--min-share={share}"]) == cli.USAGE
        assert f"expected --min-share with a share such as 5% or 0.05, found {share}" in capsys.readouterr().err


def test_the_first_line_says_what_filters_leave_out(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, *PAIR, "--focus", "fhpreview")
    part = delta().filter(focus="fhpreview")
    assert re.search(r"100.0 %   total of \+\S+ KiB: filters leave out \+\S+ KiB$", drawn(text)[0])
    assert f"- {part.notes[0]}" in text
    written = json.loads(out(capsys, *PAIR, "--focus", "fhpreview", "--json"))
    assert written["filters"] == "focus fhpreview"
    assert written["left_out"] == part.left_out.row(0, named=True)
    assert written["rows"] == part.tree().to_dicts()
    assert "filters" not in drawn(out(capsys, *PAIR))[0]


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ([], {}),
        (["--inward"], {"direction": "inward"}),
        (["--by", "module", "--keep-allocators"], {"by": "module", "allocators": "keep"}),
    ],
)
def test_machines_get_the_whole_table(
    options: list[str], shape: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = delta().tree(**shape)
    written = json.loads(out(capsys, *PAIR, *options, "--json"))
    assert written["rows"] == table.to_dicts()
    assert written["total"] == delta().total.row(0, named=True)
    assert (written["direction"], written["filters"]) == (shape.get("direction", "outward"), None)
    assert written["notes"] == delta().notes
    target = tmp_path / "tree.parquet"
    out(capsys, *PAIR, *options, "--parquet", str(target))
    assert_frame_equal(pl.read_parquet(target), table)
    read = pl.read_csv(io.StringIO(out(capsys, *PAIR, *options, "--csv-raw")), schema=table.schema)
    assert_frame_equal(read, table)
    assert cli.run([*PAIR, *options, "--csv"]) == cli.OK
    assert all(f"note: {note}" in capsys.readouterr().err for note in delta().notes[:1])


def test_machines_get_a_part_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    table = delta().tree()
    change = table["requested_bytes_grown"] - table["requested_bytes_shrunk"]
    rows = json.loads(out(capsys, *PAIR, "--json", "--depth", "2", "--min-share", "5%"))["rows"]
    assert rows == table.filter((pl.col("depth") <= 2) & (change >= 0.05 * change[0])).to_dicts()
    known = {row["node_id"] for row in rows}
    assert all(row["parent_id"] in known for row in rows[1:])


def test_a_share_of_nothing_leaves_out_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table = delta().tree()
    assert (table["requested_bytes_grown"] - table["requested_bytes_shrunk"] == 0).any()
    assert json.loads(out(capsys, *PAIR, "--json", "--min-share", "0"))["rows"] == table.to_dicts()
    text = out(capsys, *PAIR, "--min-share", "0%")
    assert "smaller)" not in text
    unchanged = drawn(out(capsys, "tree", "after.txt", "after.txt", "--min-share", "0"))
    assert len(unchanged) > 1
    assert all(line.split()[3:5] == ["0.0", "%"] for line in unchanged)


def test_one_log_an_archive_and_a_comparison_have_trees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = out(capsys, "tree", "after.txt")
    assert "   bytes   blocks     share   outward from the blamed frame" in live
    assert drawn(live)[0].endswith("total")
    written = json.loads(out(capsys, "tree", "after.txt", "--json"))
    assert written["rows"] == hd.read_log("after.txt").tree().to_dicts()
    assert cli.run(["tree", "case.zip"]) == cli.OK
    packed = capsys.readouterr()
    assert packed.err.splitlines() == ["before: case.zip!before.txt", "after: case.zip!after.txt"]
    assert drawn(packed.out) == drawn(out(capsys, *PAIR))
    (tmp_path / "text").write_text(out(capsys, "dhcmp", "-v", *PAIR[1:]), encoding="utf-8")
    text = out(capsys, "tree", str(tmp_path / "text"))
    assert "blocks" not in text.partition("outward")[0].splitlines()[-1], "the text does not tell"
    assert drawn(text)[1].split()[-1] == "fhpreview"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["before.dmp"], "before.dmp: expected a heap log or a comparison of two, found a minidump"),
        (["before.txt", "after.dmp"], "after.dmp: expected a heap log, found a minidump"),
        (["before.txt", "--match", "name"], "expected --match with two logs, found one file"),
        (["before.txt", "after.txt", "--radix", "16"], "expected no --radix with two logs"),
        (["before.txt", "--after-capture", "1"], "expected AFTER with --after-capture, found none"),
        (["before.txt", "--output", "x.json"], "expected --output with --json or --csv, found neither"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["tree", *arguments]) == cli.USAGE
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""


def test_logs_that_are_the_same_have_a_root_alone(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = drawn(out(capsys, "tree", "after.txt", "after.txt"))
    assert line.split() == ["0", "bytes", "0", "0.0", "%", "total"]
