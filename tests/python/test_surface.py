"""The public surface: its names, its documentation, and what importing it costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import heapdelta as hd
import pytest
from heapdelta import _native, blame, dataset, exceptions


def test_public_names_are_these() -> None:
    assert sorted(hd.__all__) == [
        "ArchiveLimits",
        "Batch",
        "Comparison",
        "Dataset",
        "Delta",
        "Dump",
        "DumpDelta",
        "DumpSeries",
        "Export",
        "Ingest",
        "Live",
        "Report",
        "Run",
        "Runs",
        "Series",
        "Snapshot",
        "Survival",
        "SymbolStore",
        "__version__",
        "blame",
        "chart",
        "dataset",
        "diff",
        "exceptions",
        "export",
        "group",
        "ingest",
        "members",
        "open",
        "read",
        "read_baseline",
        "read_comparison",
        "read_dump",
        "read_log",
        "read_many",
        "report",
        "series",
        "symbols",
        "testing",
        "write_baseline",
    ]
    assert set(hd.__all__) <= set(dir(hd))
    assert hd.__version__ == _native.__version__
    with pytest.raises(AttributeError, match="module 'heapdelta' has no attribute 'nothing'"):
        _ = hd.nothing


def public_things() -> list[tuple[str, object]]:
    things: list[tuple[str, object]] = []
    for module in (hd, blame, dataset, exceptions):
        for name in module.__all__:
            if name in ("chart", "dataset", "testing", "__version__"):
                continue
            thing = getattr(module, name)
            things.append((f"{module.__name__}.{name}", thing))
            if inspect.isclass(thing):
                members = [(key, value) for key, value in inspect.getmembers(thing) if not key.startswith("_")]
                ours = [(key, value) for key, value in members if callable(value) or isinstance(value, property)]
                things += [(f"{name}.{key}", value) for key, value in ours if key not in dir(tuple) + dir(OSError)]
    return things


@pytest.mark.parametrize(("name", "thing"), public_things(), ids=[name for name, _ in public_things()])
def test_everything_public_is_documented(name: str, thing: object) -> None:
    assert inspect.getdoc(thing), name


@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_error_is_one_of_ours(name: str) -> None:
    assert issubclass(getattr(exceptions, name), exceptions.HeapdeltaError)


@pytest.mark.parametrize("native", [_native.Snapshot, _native.Comparison])
def test_native_classes_cannot_be_made_or_changed(native: type) -> None:
    with pytest.raises(TypeError):
        native()
    comparison = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"
    log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    made = hd.read(log if native is _native.Snapshot else comparison)._native
    assert isinstance(made, native)
    with pytest.raises(AttributeError):
        made.format = "x"


def test_import_leaves_slow_packages_alone() -> None:
    code = "import sys, heapdelta; print([name for name in ('altair', 'rich', 'typer') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_options_after_the_source_are_by_keyword_only() -> None:
    for function in (
        hd.read,
        hd.read_log,
        hd.read_dump,
        hd.read_comparison,
        hd.read_many,
        hd.diff,
        hd.Delta.by,
        hd.series,
        hd.report,
        hd.Series.growth,
        hd.DumpSeries.growth,
        hd.ingest,
        hd.Dataset.rank,
        hd.Dataset.similar,
        dataset.plan,
    ):
        kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
        assert inspect.Parameter.KEYWORD_ONLY in kinds
