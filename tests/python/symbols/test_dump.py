"""Dumps: they know the build of each module, so logs of their process get symbols by that; and names for threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import programs
import pytest
from small_dump import Module, SmallDump

if TYPE_CHECKING:
    from pathlib import Path


def module(build: str) -> Module:
    expected = programs.expected(build)
    return Module(
        programs.base_of(build),
        expected["size"],
        r"C:\shop\server.exe",
        timestamp=expected["timestamp"],
    )


def test_a_dump_names_where_threads_started(tmp_path: Path) -> None:
    base = programs.base_of("x64")
    start = programs.expected("x64")["returns"][-1][0] - 30
    dump = hd.read_dump(SmallDump(pid=7, modules=[module("x64")], starts=[base + start, 0x10]).write())
    assert dump.symbols.is_empty()
    assert dump.addresses.is_empty()
    named = dump.with_symbols(hd.symbols(programs.put(tmp_path, "x64/server.pdb", "x64/server.exe")))
    # Time stamp and size of the image are its identity.
    assert named.symbols.select("match", "named_count").rows() == [("image", 1)]
    rows = named.addresses.filter(what="thread start")
    assert rows.select("thread_id", "module", "function").rows() == [
        (0, "server", "mainCRTStartup"),
        (1, None, None),
    ]
    assert named.threads.equals(dump.threads)


def test_a_dump_gives_a_log_the_builds(tmp_path: Path) -> None:
    dump = hd.read_dump(SmallDump(pid=7, modules=[module("x64")]).write())
    text = b"// UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - Machine=A - PID=7\n" + programs.log("x64")
    log = hd.read_log(text)
    places = programs.put(tmp_path / "few", "x64/server.exe", "x64/server.pdb")
    few = [row[0] for row in programs.expected("x64")["returns"]][:3]
    short = hd.read_log(text.split(b"//\n*-")[0] + programs.log("x64", places=few).partition(b"Module\n")[2])
    # Three addresses prove nothing; the time stamp of the dump does.
    assert short.with_symbols(hd.symbols(places)).symbols["match"].to_list() == ["none"]
    completed = short.with_modules(dump).with_symbols(hd.symbols(places))
    assert completed.symbols["match"].to_list() == ["image"]
    # In the other order the names are there as well.
    other = short.with_symbols(hd.symbols(places)).with_modules(dump)
    assert other.frames.equals(completed.frames)
    wrong = hd.symbols(programs.put(tmp_path / "wrong", "rebuilt/server.exe", "rebuilt/server.pdb"))
    refused = log.with_modules(dump).with_symbols(wrong)
    assert refused.symbols.select("match", "named_count").rows() == [("mismatch", 0)]


def test_only_a_store_is_taken(tmp_path: Path) -> None:
    dump = hd.read_dump(SmallDump(pid=7).write())
    with pytest.raises(TypeError, match="expected a SymbolStore, found "):
        dump.with_symbols(tmp_path)  # type: ignore[arg-type]
