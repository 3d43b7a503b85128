r"""Names that act, in every chart, report and page: a program of its own, because a failure may end the whole process.

``python hostile_names.py --seconds 60 --seed 7`` draws logs and dumps full of mutated names in all their forms. It ends
with 0 if no name acted, was lost to a parser, or reached a reader as a character that cannot be seen.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import tempfile
import time
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import heapdelta as hd
import polars as pl
from heapdelta import chart, cli
from small_dump import APP, Module, Region, SmallDump

TAGS = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "-->",
    "]]>",
    "<img src=x onerror=alert(1)>",
    "</svg>",
    "</pre>",
]
QUOTES = [
    "\"'`",
    "${alert(1)}",
    "{{7*7}}",
    "datum['x']",
    "\\u003c",
    "&lt;b&gt;",
    "&",
    "|",
    "=cmd|' /C calc'!A0",
    "`" * 4,
]
CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))]
UNSEEN = [*"\u00ad\u200b\u200d\u200e\u202a\u202e\u2028\u2029\u2060\u2066\u2069\ufeff\u061c\ufff9", "\U000e0041"]
NO_CHARACTERS = ["\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff"]
PLAIN = ["app", "Orders", "std::vector<int>", "ünïcode", "名前", "😀", "operator<", "a b", "x" * 80]
PARTS = [TAGS, QUOTES, CONTROLS, UNSEEN, NO_CHARACTERS, PLAIN]
# Line ends would be lines of a log of their own.
# What names of files may not have.
NOT_IN_NAMES = re.compile(r"""[<>:"/\\|?*\x00-\x1f]""" if os.name == "nt" else r"[/\x00]")
ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
HTML_TAGS = {"div", "strong", "br", "table", "thead", "tbody", "tr", "th", "td"}


def name(dice: random.Random) -> str:
    return "".join(dice.choice(dice.choice(PARTS)) for _ in range(dice.randint(1, 5))) or "x"


def is_unseen(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") or ord(character) & 0xFFFE == 0xFFFE


def has_unseen(text: str) -> list[str]:
    return sorted({f"U+{ord(character):04X}" for character in text if is_unseen(character)})


class Tags(HTMLParser):
    """What a browser would make elements of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {key for key, _ in attrs}


def check_svg(drawn: str) -> None:
    elements = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawn).iter()}
    assert not elements & {"script", "foreignObject", "img", "a"}, elements
    assert not has_unseen(drawn), has_unseen(drawn)


def check_page(page: str) -> None:
    tags = Tags(page).tags
    assert (tags.count("script"), tags.count("img")) == (2, 0), tags
    assert 'http-equiv="Content-Security-Policy"' in page
    spec = page.rpartition("vegaEmbed('#chart', ")[2].partition("</script>")[0]
    assert not re.search("[<>&\u2028\u2029]", spec)
    assert spec.isascii()


def check_repr(page: str) -> None:
    found = Tags(page)
    assert set(found.tags) <= HTML_TAGS, set(found.tags) - HTML_TAGS
    assert found.attributes <= {"style", "title"}, found.attributes
    assert not has_unseen(page), has_unseen(page)


def check_chart(drawn: alt.TopLevelMixin, folder: Path, dice: random.Random, *, thorough: bool) -> None:
    svg = chart.save(drawn, folder / "x.svg").read_text(encoding="utf-8")
    check_svg(svg)
    if thorough or dice.random() < 0.2:
        check_page(chart.save(drawn, folder / "x.html").read_text(encoding="utf-8"))
        chart.save(drawn, folder / "x.png")
        (interactive,) = chart._render(drawn.to_dict(), interactive=True).values()
        assert Tags(interactive).tags == ["iframe"]
    # Altair's own ways, which we do not write.
    own = Tags(drawn.to_html()).tags
    assert own.count("script") == Tags(alt.Chart(pl.DataFrame({"a": [1]})).mark_point().to_html()).tags.count(
        "script"
    ), own
    check_svg(drawn._repr_mimebundle_()["image/svg+xml"])


def snapshots(dice: random.Random, folder: Path) -> list[hd.Snapshot]:
    """Three logs of one run, whose modules have hostile names."""
    machine, *modules = [ENDS.sub("", name(dice)) for _ in range(5)]
    files = []
    for point in range(3):
        lines = [f"// UMDH: version 6.1.7650.0: Logtime 2012-04-30 1{point}:00 - Machine={machine} - PID=7"]
        lines += ["// Loaded modules:", "//     Base Size Module"]
        lines += [f"//     {(place + 1) << 28:X} 100000 C:\\W\\{module}.dll" for place, module in enumerate(modules)]
        lines += ["//", "", "*- - - - - - - - - - Start of data for heap @ 2C0000 - - - - - - - - - -"]
        for place in range(len(modules)):
            for block in range(point + 1 + place % 2):
                address = (place << 20) + 64 * block + 0x1000000
                lines.append(f"{4096 * (place + 1):X} bytes + 1C at {address:X} by BackTrace{place}")
                if not block:
                    lines += [f"\t{((place + 1) << 28) + 16:X}", f"\t{((place + 2) % 4 + 1 << 28) + 32:X}", ""]
        lines.append("*- - - - - - - - - - End of data for heap @ 2C0000 - - - - - - - - - -")
        # Names of files hold what the system lets them, and are titles.
        title = ENDS.sub("", name(dice)).encode("utf-8", "ignore").decode()
        title = NOT_IN_NAMES.sub("", title)
        files.append(folder / f"{point}{title[:40]}.log")
        files[-1].write_text("\n".join(lines), encoding="utf-8", errors="ignore")
    return [hd.read(file) for file in files]


def resolved(dice: random.Random, folder: Path) -> list[hd.Snapshot]:
    """Two logs whose frames have hostile functions."""
    names = [ENDS.sub("", name(dice)) for _ in range(3)]
    files = [folder / "old.txt", folder / "new.txt"]
    for scale, file in enumerate(files, start=1):
        lines = [f"UMDH: Logtime 2000-06-28 1{scale}:54 - Machine=M - PID=704"]
        lines.append("*********** Heap 00270000 Hogs ********************")
        for place, function in enumerate(names):
            size = 0x1000 * scale * (place + 1)
            lines.append(f"{size:08x} bytes in 0x4 allocations (@ {size // 4:#010x}) by: BackTrace{place:05}")
            lines += [f"        {function}!{function[::-1]}+0x1", ""]
        file.write_text("\n".join(lines), encoding="utf-8", errors="ignore")
    return [hd.read(file) for file in files]


def dumps(dice: random.Random) -> list[hd.Dump]:
    def text() -> str:
        return name(dice).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    return [
        SmallDump(
            regions=[Region(0x1_0000, 0x1000 * (2 + state), allocation_base=0x1_0000)],
            modules=[Module(APP, 0x1_0000, f"C:\\{text()}\\{text()}.exe"), Module(APP << 2, 0x1000, text())],
            handles=[text(), text()],
            starts=[APP + 16],
        ).read()
        for state in range(2)
    ]


def frame(dice: random.Random) -> pl.DataFrame:
    """A frame of the user's own, for a waterfall."""
    names = [name(dice).encode("utf-8", "ignore").decode() for _ in range(5)]
    after = [dice.randint(0, 1 << 20) for _ in names]
    return pl.DataFrame(
        {
            "module": names,
            "requested_bytes_before": [4096] * len(names),
            "requested_bytes_after": after,
            "requested_bytes_delta": [number - 4096 for number in after],
        }
    )


def printed(arguments: list[str]) -> str:
    """What a command prints; it may exceed limits, and must not fail in another way."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = cli.run(arguments)
    assert code in (cli.OK, cli.EXCEEDED), (code, arguments)
    return out.getvalue()


def check_reports(before: hd.Snapshot, after: hd.Snapshot, folder: Path) -> None:
    markdown, junit = folder / "report.md", folder / "report.xml"
    limits = ["check", str(before.path), str(after.path), "--max-growth", "1", "--max-growth-each", "1"]
    shown = printed([*limits, "--markdown", str(markdown), "--junit", str(junit)])
    assert not has_unseen(shown), has_unseen(shown)
    assert not has_unseen(markdown.read_text(encoding="utf-8"))
    assert ElementTree.fromstring(junit.read_bytes()).iter("failure")
    assert not has_unseen(junit.read_text(encoding="utf-8"))
    assert json.loads(printed([*limits, "--json"]))["limits"]


def check_case(of: object, folder: Path, dice: random.Random) -> None:
    """A report: two scripts at most, one of them data; images and nothing else that is loaded."""
    anonymise = dice.random() < 0.5
    path = hd.report(
        of, folder / "case.html", title=name(dice), stacks=dice.choice([0, 1, None]), anonymise=anonymise
    ).path
    page = path.read_text(encoding="utf-8")
    tags = Tags(page)
    assert tags.tags.count("script") <= 2, tags.tags
    assert not set(tags.tags) & {"iframe", "object", "embed", "link", "base", "svg", "a"}, set(tags.tags)
    assert not [key for key in tags.attributes if key.startswith("on") or key in ("style", "srcdoc")], tags.attributes
    assert not has_unseen(page), has_unseen(page)
    assert all(f'src="{start}' in page for start in ["data:image/svg+xml;base64,"] * page.count(" src="))
    for data in re.findall(r'class="stacks-data">([^<]*)</script>', page):
        assert data.isascii()
        assert not re.search("[<>&]", data)
        json.loads(data)
    path.unlink()


def round_of(seed: int, *, thorough: bool) -> None:
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        logs, named, pictures = snapshots(dice, folder), resolved(dice, folder), dumps(dice)
        series, delta, hogs = hd.series(logs), hd.diff(logs[0], logs[-1]), hd.diff(*named)
        memory = hd.diff(*pictures)
        charts = [
            lambda: chart.waterfall(delta),
            lambda: chart.waterfall(hogs, by=dice.choice(["function", "stack", "heap", "trace", "module"])),
            lambda: chart.waterfall(frame(dice)),
            lambda: chart.growth(*logs),
            lambda: chart.growth(hogs, by="function"),
            lambda: chart.growth(series, style=dice.choice(["lines", "stacked"])),
            lambda: chart.growth(hd.series(logs, by="stack", order="given"), top=2),
            lambda: chart.sizes(delta),
            lambda: chart.sizes(logs[0], logs[1], stack=logs[0].stacks["fingerprint"][0]),
            lambda: chart.slope(series),
            lambda: chart.flame(hogs, direction=dice.choice(["outward", "inward"])),
            lambda: chart.flame(logs[0], by="function"),
            lambda: chart.survival(series),
            lambda: chart.regions(memory),
        ]
        for draw in charts if thorough else dice.sample(charts, 3):
            check_chart(draw(), folder, dice, thorough=thorough)
        batch = hd.read_many(folder)
        survival = series.survival()
        for result in (*logs, *named, *pictures, delta, hogs, memory, series, batch, survival, hd.group(logs)):
            check_repr(result._repr_html_())
        cases = [delta, hogs, logs[0], series, memory]
        for case in cases if thorough else dice.sample(cases, 1):
            check_case(case, folder, dice)
        check_reports(*named, folder)
        check_reports(logs[0], logs[-1], folder)


def every_character() -> None:
    """Draw each character that acts or is not seen, alone and all together, in every form."""
    characters = [*CONTROLS, *UNSEEN, *NO_CHARACTERS, "\ud800", "\udfff"]
    names = [f"a{character}b" for character in characters if not "\ud800" <= character <= "\udfff"]
    sizes = [4096 * place for place in range(1, len(names) + 1)]
    table = pl.DataFrame(
        {"module": names, "requested_bytes_before": 0, "requested_bytes_after": sizes, "requested_bytes_delta": sizes}
    )
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for character in characters:
            drawn = alt.Chart(pl.DataFrame({"a": [1]}), title=f"a{character}b").mark_point()
            check_svg(chart.save(drawn, folder / "x.svg").read_text(encoding="utf-8"))
        check_chart(chart.waterfall(table, top=200), folder, dice, thorough=True)
        every = alt.Chart(pl.DataFrame({"a": [1]}), title="".join(characters)).mark_point().encode(x="a")
        check_svg(chart.save(every, folder / "x.svg").read_text(encoding="utf-8"))
        chart.save(every, folder / "x.png")
        check_page(chart.save(every, folder / "x.html").read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--characters", action="store_true", help="each character alone, and nothing else")
    options = parser.parse_args()
    if options.characters:
        every_character()
        return
    end, seed = time.monotonic() + options.seconds, options.seed
    while seed == options.seed or time.monotonic() < end:
        print(f"seed {seed}", flush=True)
        round_of(seed, thorough=seed == options.seed)
        seed += 1


if __name__ == "__main__":
    main()
