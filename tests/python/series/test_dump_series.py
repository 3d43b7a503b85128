"""`series` of dumps: what they count, null where it is not told, judged by the rules of logs."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import heapdelta as hd
import polars as pl
import pytest
from curves import snapshots_of
from heapdelta.exceptions import OptionError
from small_dump import COUNTERS, CREATED, TAKEN, Module, Region, SmallDump
from small_dumps import HOUR, counters, dump, leaking, read_all


def of(dumps: list[SmallDump], **options: Any) -> hd.DumpSeries:
    return hd.series(read_all(dumps), **options)


def values(series: hd.DumpSeries, counter: str, kind: str | None = None, *, status: str = "ok") -> list[int | None]:
    rows = series.table().filter(pl.col("handle_type").eq_missing(kind), counter=counter, status=status)
    return rows["value"].to_list()


def row(series: hd.DumpSeries, counter: str, kind: str | None = None, **options: Any) -> dict[str, Any]:
    growth = series.growth(**options).filter(pl.col("handle_type").eq_missing(kind), counter=counter, status="ok")
    return growth.row(0, named=True)


def test_table_has_every_counter_at_every_time() -> None:
    series = of(leaking(3))
    assert values(series, "private_usage") == [1 << 20, 2 << 20, 3 << 20]
    assert values(series, "handle_count") == [13, 14, 15]
    assert values(series, "handle_count", "Event") == [10, 11, 12]
    assert values(series, "handle_count", "File") == [3, 3, 3]
    assert values(series, "thread_count") == [2, 3, 4]
    table = series.table()
    units = dict(table.select("counter", "unit").unique().rows())
    assert units["handle_count"] == "handles"
    assert units["thread_count"] == "threads"
    assert set(units.values()) == {"bytes", "handles", "threads"}
    assert table.schema["taken_at"] == pl.Datetime("us", "UTC")
    assert not [name for name in table["counter"].unique() if "peak" in name or "fault" in name or "job" in name]


def test_curves_get_verdicts_and_reasons_in_their_units() -> None:
    series = of(leaking())
    assert series.slope_unit == "unit/hour"
    private, events = row(series, "private_usage"), row(series, "handle_count", "Event")
    assert (private["verdict"], events["verdict"]) == ("leak", "leak")
    assert private["pace"] == pytest.approx((1 << 20) / 6)
    assert events["pace"] == pytest.approx(1 / 6)
    assert (events["first_value"], events["last_value"], events["dumps"]) == (10, 21, 12)
    assert "+171 KiB/h" in private["reason"]
    assert "+0.17 handles/h" in events["reason"]
    assert "threads/h" in row(series, "thread_count")["reason"]
    assert row(series, "handle_count", "File")["reason"] == "3 handles in every dump"
    assert row(of(leaking(3)), "handle_count")["reason"] == "3 dumps of this run; a verdict needs 6"


def test_numbers_are_those_that_a_series_of_logs_has() -> None:
    """The same curves as bytes of modules: the same slopes, chances and verdicts."""
    chance = random.Random(5)
    hours = [6.0 * number for number in range(14)]
    curves = [
        [1000 + 50 * number + chance.randrange(40) for number in range(14)],
        [1000 + chance.randrange(300) for _ in range(14)],
        [2000 + 500 * min(number, 5) for number in range(14)],
    ]
    dumps = [
        dump(
            hour,
            counters=None,
            regions=None,
            starts=None,
            handles=[f"t{kind}" for kind, curve in enumerate(curves) for _ in range(curve[at])],
        )
        for at, hour in enumerate(hours)
    ]
    ours = of(dumps).growth().filter(pl.col("handle_type").is_not_null()).sort("handle_type")
    logs = hd.series(snapshots_of({f"t{kind}": curve for kind, curve in enumerate(curves)}, hours)).growth()
    theirs = logs.sort("module")
    for name in ("slope", "slope_low", "slope_high", "late_slope", "pace", "rising_share", "p_value", "verdict"):
        assert ours[name].to_list() == pytest.approx(theirs[name].to_list()), name
    assert ours["last_value"].to_list() == theirs["last_bytes"].to_list()


def test_what_a_dump_lacks_is_null_and_no_point_of_the_curve() -> None:
    dumps = leaking()
    for number in (2, 7):
        dumps[number].handles = None
    dumps[4].counters = None
    series = of(dumps)
    assert values(series, "handle_count")[2:8:5] == [None, None]
    assert values(series, "handle_count", "Event")[2] is None
    assert values(series, "private_usage")[4] is None
    assert row(series, "handle_count", "Event")["dumps"] == 10
    assert row(series, "handle_count", "Event")["verdict"] == "leak"
    assert row(series, "private_usage")["dumps"] == 11
    assert row(series, "thread_count")["dumps"] == 12
    notes = " ".join(series.notes)
    assert "handles: not in 2 dumps (points 2, 7)" in notes
    assert "what the process counted itself: not in 1 dump (point 4)" in notes


def test_none_of_a_type_is_0_where_handles_are_listed() -> None:
    dumps = leaking(8)
    dumps[0].handles, dumps[1].handles = ["File"], None
    assert values(of(dumps), "handle_count", "Event")[:3] == [0, None, 12]
    dumps[0].handles = []
    assert values(of(dumps), "handle_count", "Event")[0] == 0
    assert values(of(dumps), "handle_count")[0] == 0


def test_handles_without_a_type_are_counted_apart() -> None:
    dumps = leaking(8)
    dumps[0].handles = [None] * 5
    dumps[1].handles = ["Event"] * 4 + [None]
    series = of(dumps)
    assert values(series, "handle_count")[:2] == [5, 5]
    # Where no handle tells its type, nobody knows how many there are of one.
    assert values(series, "handle_count", "Event")[:2] == [None, 4]
    assert values(series, "handle_count", status="not in the dump") == [5, 1, 0, 0, 0, 0, 0, 0]
    assert any("do not tell the type of every handle" in note for note in series.notes)


def cut(one: SmallDump, stream: int) -> bytes:
    """Write a dump whose directory says that a stream ends in the middle of a row."""
    raw = bytearray(one.write())
    count, directory = struct.unpack_from("<II", raw, 8)
    (place,) = (at for at in range(directory, directory + 12 * count, 12) if raw[at] == stream)
    (size,) = struct.unpack_from("<I", raw, place + 4)
    struct.pack_into("<I", raw, place + 4, size - 20)
    return bytes(raw)


@pytest.mark.parametrize(
    ("stream", "counter", "meaning"),
    [
        (12, "handle_count", "handles"),
        (3, "thread_count", "threads"),
        (16, "committed_bytes", "committed and reserved memory"),
    ],
)
def test_a_list_that_is_cut_is_not_known(stream: int, counter: str, meaning: str) -> None:
    whole = [dump(hour, handles=["A", "B"], starts=[1, 2], regions=[Region(0x1000, 0x1000)] * 2) for hour in range(3)]
    dumps = [whole[0].read(), hd.read_dump(cut(whole[1], stream)), whole[2].read()]
    series = hd.series(dumps)
    found = values(series, counter)
    assert found[1] is None
    assert found[0] == found[2] is not None
    assert [note for note in series.notes if note.startswith(f"{meaning}: damaged in 1 dump (point 1)")]
    if stream == 12:
        assert values(series, "handle_count", "A") == [1, None, 1]


def test_counters_that_no_dump_tells_have_no_rows() -> None:
    series = of([dump(hour, counters=None, handles=None, starts=None, regions=None) for hour in range(7)])
    assert series.table().is_empty()
    assert series.growth().is_empty()
    assert series.growth().schema == of(leaking(7)).growth().schema
    assert sorted(series.notes) == [
        "no dump tells of committed and reserved memory",
        "no dump tells of handles",
        "no dump tells of threads",
        "no dump tells of what the process counted itself",
    ]
    assert "DumpSeries" in series._repr_html_()


def test_regions_are_summed_by_state() -> None:
    def at(number: int) -> SmallDump:
        regions = [
            Region(0x10_0000, 0x1000 * (number + 1), allocation_base=0x10_0000),
            Region(0x40_0000, 0x5000, kind=0x100_0000, allocation_base=0x40_0000),
            Region(0x80_0000, 0x2000, state=0x2000, allocation_base=0x80_0000),
            Region(0x90_0000, 0x7000, state=0x1_0000),
        ]
        return dump(number, regions=regions)

    series = of([at(number) for number in range(3)])
    assert values(series, "committed_bytes") == [0x6000, 0x7000, 0x8000]
    assert values(series, "committed_private_bytes") == [0x1000, 0x2000, 0x3000]
    assert values(series, "reserved_bytes") == [0x2000] * 3


def test_exhaustion_is_told_of_virtual_size_alone() -> None:
    gib = 1 << 30
    dumps = [dump(10 * number, counters=counters(number << 20, gib + (number << 24))) for number in range(10)]
    assert row(of(dumps), "virtual_size")["hours_to_exhaustion"] is None
    found = row(of(dumps), "virtual_size", address_space=2 * gib)
    assert found["hours_to_exhaustion"] == pytest.approx((gib - (9 << 24)) / ((1 << 24) / 10))
    assert row(of(dumps), "private_usage", address_space=2 * gib)["hours_to_exhaustion"] is None
    assert row(of(dumps, order="given"), "virtual_size", address_space=2 * gib)["hours_to_exhaustion"] is None


@pytest.mark.parametrize("width", [32, 64])
def test_dumps_of_both_widths_are_taken(width: Any, tmp_path: Path) -> None:
    for step in range(6):
        hd.testing.write_dump(tmp_path / f"{step}.dmp", step=step, stack_count=60, pointer_width=width)
    series = hd.series(hd.read_many(tmp_path), by="counter")
    found = row(series, "virtual_size", warm_up_hours=0)
    assert found["verdict"] == "leak"
    assert (found["hours_to_exhaustion"] is not None) == (width == 32)


# --- runs and order ---


def test_two_processes_are_refused_until_asked_for() -> None:
    later = [dump(100 + number, pid=810, created=TAKEN + 90 * HOUR, handles=["Key"]) for number in range(7)]
    dumps = leaking(8) + later
    with pytest.raises(
        OptionError, match=r"expected dumps of one process, found 2: app\.exe, process 704, since"
    ) as no:
        of(dumps)
    assert "runs='all'" in (no.value.hint or "")
    series = of(dumps, runs="all")
    assert series.points["run"].to_list() == [0] * 8 + [1] * 7
    assert series.points.filter("restart")["point"].to_list() == [8]
    assert series.table().filter(handle_type="Event")["run"].unique().to_list() == [0]
    growth = series.growth()
    assert growth.filter(counter="thread_count")["run"].sort().to_list() == [0, 1]
    assert "8 dumps" not in repr(series)
    assert "15 dumps of 2 processes" in repr(series)
    assert any("started anew 1 time, if all dumps are of one machine" in note for note in series.notes)


def test_one_id_used_twice_is_two_processes() -> None:
    again = leaking(3, created=CREATED + 1)
    with pytest.raises(OptionError, match="found 2"):
        of(leaking(3) + again)
    side_by_side = of(leaking(3) + again, runs="all")
    assert side_by_side.points["restart"].sum() == 0


def test_programs_at_other_addresses_are_two_processes() -> None:
    moved = leaking(2, modules=[Module(0x50_0000, 0x1_0000, "C:\\App\\app.exe")])
    with pytest.raises(OptionError, match="found 2"):
        of(leaking(2) + moved)


def test_dumps_that_name_no_process_are_taken_on_the_callers_word() -> None:
    dumps = leaking(6, pid=None)
    series = of(dumps)
    assert any("6 dumps of 6 taken for the same run unproved" in note for note in series.notes)
    with pytest.raises(OptionError, match="expected two dumps or more of known processes, found 0"):
        of(dumps, runs="all")
    assert len(of(dumps + leaking(3), runs="all")) == 3
    with pytest.raises(OptionError, match="found process ids 1, 2"):
        of([dump(hour, pid=pid, created=0) for hour, pid in enumerate([1, 1, 2])])


def test_order_is_by_time_name_change_or_as_given(tmp_path: Path) -> None:
    for number, one in enumerate(leaking(4)):
        path = tmp_path / f"d{10 - number}.dmp"
        path.write_bytes(one.write())
        os.utime(path, (1000 + 3600 * ((number + 1) % 4), 1000 + 3600 * ((number + 1) % 4)))
    batch = hd.read_many(tmp_path)
    by = {order: hd.series(batch, by="counter", order=order) for order in ("taken_at", "name", "mtime", "given")}
    mebibytes = {order: [value >> 20 for value in values(series, "private_usage")] for order, series in by.items()}
    assert mebibytes == {"taken_at": [1, 2, 3, 4], "name": [4, 3, 2, 1], "mtime": [4, 1, 2, 3], "given": [4, 3, 2, 1]}
    assert by["name"].slope_unit == "unit/step"
    assert "the dumps' own times do not rise in this order" in by["name"].notes
    assert by["mtime"].slope_unit == "unit/hour"
    assert set(by["mtime"].points["time_source"]) == {"mtime"}
    assert set(by["taken_at"].points["time_source"]) == {"dump"}


def test_equal_times_gaps_and_dumps_without_a_time() -> None:
    dumps = [dump(hour) for hour in (0, 0, 1, 2, 40)]
    series = of([*dumps, SmallDump(taken=0)])
    assert len(series) == 5
    notes = " ".join(series.notes)
    assert "1 dump left out, no time told: <bytes>" in notes
    assert "1 dump taken at the same moment as the one before" in notes
    assert "1 gap in time" in notes
    same = of([dump(0, handles=["Event"] * number) for number in range(1, 9)])
    assert row(same, "handle_count")["slope"] is None
    with pytest.raises(OptionError, match="expected dumps that tell when they were taken, found 2 that do not"):
        of([SmallDump(taken=0), SmallDump(taken=0), dump(1)])


def test_wrong_uses_are_told() -> None:
    dumps = read_all(leaking(3))
    with pytest.raises(OptionError, match="expected two dumps or more, found 1"):
        hd.series(dumps[:1])
    with pytest.raises(
        OptionError,
        match="expected counter, heap, size, size_class, content, source or region_class for dumps, found 'stack'",
    ):
        hd.series(dumps, by="stack")  # type: ignore[call-overload]
    with pytest.raises(OptionError, match="expected no inclusive for what dumps count"):
        hd.series(dumps, inclusive=True)  # type: ignore[call-overload]
    with pytest.raises(OptionError, match="expected one or all for runs"):
        hd.series(dumps, runs="some")  # type: ignore[call-overload]
    with pytest.raises(OptionError, match="expected alpha between 0 and 1"):
        hd.series(dumps).growth(alpha=2)
    with pytest.raises(OptionError, match="expected two snapshots or more, found 1") as few:
        hd.series([*snapshots_of({"a": [1]}, [0]), *dumps])
    assert few.value.hint == "3 dumps beside: by='counter' tells how what they count grew"
    with pytest.raises(OptionError, match="expected two snapshots or more, found 1") as few:
        hd.series([*snapshots_of({"a": [1]}, [0]), dumps[0]])
    assert few.value.hint == "one dump beside tells of no growth: a series takes two logs or more, or two dumps"
    with pytest.raises(OptionError, match="expected two snapshots or more, found 0") as few:
        hd.series(hd.read_many([one.write() for one in leaking(3)]))
    assert few.value.hint == "3 dumps among the files: by='counter' tells how what they count grew"
    assert isinstance(hd.series(iter(dumps)), hd.DumpSeries)


def test_dumps_of_archives_are_a_series() -> None:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as target:
        for number, one in enumerate(leaking(7)):
            target.writestr(f"{number}.dmp", one.write())
    series = hd.series(hd.read_many([packed.getvalue()]), by="counter", order="name")
    assert values(series, "handle_count", "Event") == list(range(10, 17))
    assert row(series, "handle_count", "Event", warm_up_hours=0)["verdict"] == "leak"


def test_all_counters_of_the_documentation_are_in_their_place() -> None:
    numbers = [1000 + place for place in range(COUNTERS)]
    series = of([dump(hour, counters=numbers) for hour in range(2)])
    expected = series.dumps[0].memory_counters.row(0, named=True)
    told = series.table().filter(point=0, unit="bytes").select("counter", "value").rows()
    assert {name: value for name, value in told if name in expected} == {
        name: expected[name] for name, _ in told if name in expected
    }
    assert len(told) >= 8
