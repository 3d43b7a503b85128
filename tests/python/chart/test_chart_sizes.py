"""The histogram of block sizes: what is in which bin, and that no block is lost."""

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import chart, testing
from heapdelta._ranking import size_classes
from heapdelta.chart import _sizes
from hypothesis import given
from hypothesis import strategies as st
from small_dump import SmallDump


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    story = testing.write_investigation(tmp_path_factory.mktemp("story"), steps=3, stack_count=120)
    return [hd.read(path) for path in story.paths]


def blocks(sizes):
    return pl.DataFrame({"requested_bytes": sizes}, schema={"requested_bytes": pl.UInt64})


def rows(drawn):
    return drawn.to_dict()["datasets"]["blocks"]


def state(found, name):
    return found.filter(pl.col("state") == name).select("exponent", "allocation_count", "requested_bytes").rows()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_bin_of_a_block_is_the_number_of_its_highest_bit(sizes):
    exponents = blocks(sizes).select(size_classes.exponent(pl.col("requested_bytes"))).to_series().to_list()
    assert exponents == [size.bit_length() - 1 for size in sizes]


@given(st.lists(st.integers(0, 2**40), max_size=40), st.lists(st.integers(0, 2**40), max_size=40))
def test_bins_hold_every_block_and_every_byte(before, after):
    found = _sizes.size_bins([blocks(before), blocks(after)])
    for name, sizes in (("before", before), ("after", after)):
        naive = {}
        for size in sizes:
            count, total = naive.get(size.bit_length() - 1, (0, 0))
            naive[size.bit_length() - 1] = (count + 1, total + size)
        assert state(found, name) == [(power, *naive[power]) for power in sorted(naive)]


@pytest.mark.parametrize(
    ("power", "text"),
    [
        (-1, "0 bytes"),
        (0, "1 byte"),
        (1, "2 to 3 bytes"),
        (6, "64 to 127 bytes"),
        (9, "512 to 1023 bytes"),
        (10, "1 to 2 KiB"),
        (19, "512 to 1024 KiB"),
        (20, "1 to 2 MiB"),
        (44, "16 to 32 TiB"),
    ],
)
def test_bins_have_a_name(power, text):
    assert size_classes.text(power) == text


def test_sums_of_a_picture_are_those_of_the_logs(snapshots):
    drawn = rows(chart.sizes(snapshots[0], snapshots[2]))
    for name, snapshot in (("before", snapshots[0]), ("after", snapshots[2])):
        assert sum(row["blocks"] for row in drawn if row["state"] == name) == snapshot.allocations.height
    subtitle = chart.sizes(snapshots[0], snapshots[2]).to_dict()["title"]["subtitle"]
    assert subtitle[1].startswith(f"before: {snapshots[0].allocations.height:,} blocks")


def test_blocks_of_one_stack_are_those_of_its_row(snapshots):
    delta = hd.diff(snapshots[0], snapshots[2])
    worst = delta.by("stack").row(0, named=True)
    drawn = chart.sizes(delta, stack=worst["fingerprint"])
    for name in ("before", "after"):
        assert sum(row["blocks"] for row in rows(drawn) if row["state"] == name) == worst[f"allocation_count_{name}"]
    assert drawn.to_dict()["title"]["subtitle"][0].endswith(f"{worst['function']}  #{worst['fingerprint']:016X}"[:-10])


def test_a_delta_is_drawn_like_its_two_sides(snapshots):
    delta = hd.diff(*snapshots[:2])
    assert chart.sizes(delta).to_dict() == chart.sizes(*snapshots[:2]).to_dict()


def test_after_stands_inside_before(snapshots):
    drawn = rows(chart.sizes(*snapshots[:2]))
    pairs = {}
    for row in drawn:
        pairs.setdefault(row["bin"], {})[row["state"]] = (row["left"], row["right"])
    both = [pair for pair in pairs.values() if len(pair) == 2]
    assert both
    assert all(pair["before"][0] < pair["after"][0] < pair["after"][1] < pair["before"][1] for pair in both)


def test_an_empty_log_is_drawn_empty():
    empty = hd.read(b"*- - - - Start of data for heap @ 10000 - - - -\n")
    assert rows(chart.sizes(empty, empty)) == []


def test_logs_without_single_blocks_and_other_things_are_refused(snapshots, tmp_path):
    error = hd.exceptions.OptionError
    without = hd.read(snapshots[0].path, blocks=False)
    with pytest.raises(error, match=r"expected a log read with its blocks, found .*before\.txt without them") as caught:
        chart.sizes(without, snapshots[1])
    assert caught.value.hint == "read it with blocks=True"
    sums = hd.read(testing.write_log(tmp_path / "sums.txt", dialect="umdh1", stack_count=60).path)
    with pytest.raises(error, match=r"a line for each block, found .*sums.txt \(umdh1\), which has sums"):
        chart.sizes(sums, sums)
    with pytest.raises(error, match="expected the fingerprint of a stack with blocks, found 1"):
        chart.sizes(*snapshots[:2], stack=1)
    with pytest.raises(error, match="expected the fingerprint of a stack, found 'app'"):
        chart.sizes(*snapshots[:2], stack="app")
    with pytest.raises(TypeError, match="expected two snapshots of heap logs, or one Delta, found one snapshot"):
        chart.sizes(snapshots[0])
    with pytest.raises(TypeError, match="found Dump"):
        chart.sizes(snapshots[0], SmallDump().read())


def test_a_picture_of_sizes_can_be_saved(snapshots, tmp_path):
    text = chart.save(chart.sizes(*snapshots[:2]), tmp_path / "sizes.svg").read_text(encoding="utf-8")
    assert "requested size of a block" in text
