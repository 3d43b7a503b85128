"""Write the licence texts of all crates that are compiled into a wheel, on any system, into one file.

    python tools/release/licences.py LICENSE-THIRD-PARTY.txt

Where a crate may be used under the Apache License 2.0 or another, it is used under Apache 2.0, whose text is there
once. Of any other crate all that it says is there. The crates are those of Cargo.lock, and their texts in what cargo
has downloaded.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
APACHE = "Apache-2.0"
# What is linked in beside crates.
BESIDE = """\
The Rust standard library (https://www.rust-lang.org), MIT OR Apache-2.0: used under Apache-2.0. It brings parts of
LLVM's compiler-rt, Apache-2.0 WITH LLVM-exception. A wheel for Windows that was built with MinGW brings start-up code
of mingw-w64 (public domain and ZPL-2.1) and of GCC (GPL-3.0 WITH GCC-exception-3.1, which asks nothing of programs that
it is part of).
"""
_NAMED = re.compile(r"(?i)(licen[cs]e|copying|copyright|notice|unlicense)(?!.*\.(rs|py|html?)$)")
# zstd may be used under BSD-3-Clause or GPL-2.0; the crate says that it is used under the former.
_NOT_CHOSEN = ("zstd/COPYING",)
_END = "END OF TERMS AND CONDITIONS"
_APPENDIX = 2000
_RULE = "=" * 120

Crate = dict[str, Any]


def bundled() -> list[Crate]:
    """Give the crates that are linked in: neither build scripts' nor tests' nor procedural macros."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--features", "python"]
    found = json.loads(subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {each["id"]: each for each in found["packages"]}
    needs = {node["id"]: node["deps"] for node in found["resolve"]["nodes"]}
    root = found["resolve"]["root"]
    seen, waiting = {root}, [root]
    while waiting:
        for needed in needs[waiting.pop()]:
            is_linked = any(kind["kind"] is None for kind in needed["dep_kinds"])
            if is_linked and needed["pkg"] not in seen and not is_macro(packages[needed["pkg"]]):
                seen.add(needed["pkg"])
                waiting.append(needed["pkg"])
    return sorted((packages[each] for each in seen - {root}), key=lambda crate: (crate["name"], crate["version"]))


def is_macro(crate: Crate) -> bool:
    """Tell whether it runs in the compiler alone."""
    return any("proc-macro" in target["kind"] for target in crate["targets"])


def may_be_apache(crate: Crate) -> bool:
    """Tell whether its licence is a choice of which one is Apache 2.0."""
    licence = crate["license"]
    choices = re.split(r"\s+OR\s+|\s*/\s*", licence)
    return " AND " not in licence and len(choices) > 1 and APACHE in choices


def texts_of(crate: Crate) -> list[str]:
    """Read what its folder has of licences and notices."""
    folder = Path(crate["manifest_path"]).parent
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and _NAMED.match(file.name)]
    files = [file for file in files if file.relative_to(folder).as_posix() not in _NOT_CHOSEN]
    return [tidy(file.read_text(encoding="utf-8", errors="replace")) for file in files]


def tidy(text: str) -> str:
    """Take out blanks at line ends, and blank lines around it."""
    return "\n".join(line.rstrip() for line in text.strip("\ufeff\f\r\n ").splitlines())


def apache_text(crates: list[Crate]) -> str:
    """Give the text of Apache 2.0 that most crates carry."""
    texts = [text for crate in crates for text in texts_of(crate) if "Apache License" in text[:200]]
    return Counter(texts).most_common(1)[0][0]


def without_apache(text: str, apache: str) -> str:
    """Put a line in the place of the terms of Apache 2.0, which are there once; what comes after them stays."""
    terms, end, rest = text.partition(_END)
    if not end or terms.split() != apache.partition(_END)[0].split():
        return text
    # The appendix says how to apply it; whatever comes behind that is the crate's own.
    rest = rest.strip()
    is_appendix = not rest or (rest.startswith("APPENDIX") and len(rest) < _APPENDIX)
    return "Apache License 2.0, as above" if is_appendix else f"Apache License 2.0, as above\n\n{rest}"


def written(crates: list[Crate]) -> str:
    """Write all of it, each text once."""
    by_choice = [crate for crate in crates if may_be_apache(crate)]
    apache = apache_text(by_choice)
    carriers: dict[str, list[str]] = {}
    for crate in crates:
        if crate not in by_choice:
            texts = texts_of(crate)
            assert texts, f"{crate['name']}: expected a licence text in {crate['manifest_path']}, found none"
            for text in texts:
                carriers.setdefault(without_apache(text, apache), []).append(label(crate))
    parts = [
        "heapdelta contains the following, each under the terms below. Written by tools/release/licences.py.",
        BESIDE.strip(),
        "Used under the Apache License 2.0, where a choice is given:\n\n" + "\n".join(map(label, by_choice)),
        apache,
    ]
    parts += ["\n".join(names) + "\n\n" + text for text, names in carriers.items()]
    return f"\n\n{_RULE}\n\n".join(parts) + "\n"


def label(crate: Crate) -> str:
    """Name a crate, with its version, its licence and where it comes from."""
    return f"{crate['name']} {crate['version']}, {crate['license']}, {crate['repository'] or 'https://crates.io'}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written(bundled()), encoding="utf-8", newline="\n")
