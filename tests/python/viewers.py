"""Small readers of the formats of other viewers, made from their descriptions and not from our writers.

Each gives what a file holds as `Row`s, which `by_module` sums up by the innermost frame, as a viewer's list would.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import heapdelta as hd
from heapdelta._ranking.views import Views


@dataclass
class Row:
    """A stack: names of its frames, innermost first; files and lines of these; its numbers."""

    frames: list[str]
    numbers: list[int]
    places: list[tuple[str | None, int | None]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    module: str | None = None


def content(path: Path) -> bytes:
    """Unpack a file, if it is packed."""
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


# --- pprof ------------------------------------------------------------------------------------------------------------


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _message(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message by number: whole numbers and bytes."""
    found: dict[int, list[Any]] = defaultdict(list)
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        if key & 7 == 0:
            value, place = _varint(data, place)
            found[key >> 3].append(value)
        else:
            assert key & 7 == 2, "the format has no other kinds"
            size, place = _varint(data, place)
            found[key >> 3].append(data[place : place + size])
            place += size
    return found


def _packed(parts: list[Any]) -> list[int]:
    numbers: list[int] = []
    for part in parts:
        if isinstance(part, int):
            numbers.append(part)
            continue
        place = 0
        while place < len(part):
            value, place = _varint(part, place)
            numbers.append(value)
    return [number - (1 << 64) if number >> 63 else number for number in numbers]


def _one(found: dict[int, list[Any]], number: int, default: Any = 0) -> Any:
    return found[number][-1] if found.get(number) else default


@dataclass
class Pprof:
    kinds: list[tuple[str, str]]
    rows: list[Row]
    mappings: list[tuple[str, str]]
    """File and build of each module."""
    comments: list[str]
    default: str


def pprof(path: Path) -> Pprof:
    profile = _message(gzip.decompress(path.read_bytes()))
    texts = [text.decode() for text in profile[6]]
    assert texts[0] == ""
    functions = {_one(one, 1): one for one in map(_message, profile[5])}
    mappings = {_one(one, 1): one for one in map(_message, profile[3])}
    locations = {_one(one, 1): one for one in map(_message, profile[4])}
    rows = []
    for sample in map(_message, profile[2]):
        frames, places, module = [], [], None
        for number in _packed(sample[1]):
            location = locations[number]
            if module is None:
                mapping = mappings.get(_one(location, 2))
                module = texts[_one(mapping, 5)] if mapping else ""
            for line in map(_message, location[4]):
                function = functions[_one(line, 1)]
                frames.append(texts[_one(function, 2)])
                places.append((texts[_one(function, 4)] or None, _one(line, 2) or None))
        labels = {texts[_one(label, 1)]: texts[_one(label, 2)] for label in map(_message, sample[3])}
        rows.append(Row(frames, _packed(sample[2]), places, labels, module))
    kinds = [(texts[_one(kind, 1)], texts[_one(kind, 2)]) for kind in map(_message, profile[1])]
    files = [(texts[_one(one, 5)], texts[_one(one, 6)]) for one in mappings.values()]
    return Pprof(kinds, rows, files, [texts[one] for one in _packed(profile[13])], texts[_one(profile, 14)])


# --- text and JSON ----------------------------------------------------------------------------------------------------


def folded(path: Path, count: int) -> list[Row]:
    """Lines with `count` numbers each."""
    rows = []
    for line in content(path).decode().splitlines():
        stack, *numbers = line.rsplit(" ", count)
        rows.append(Row(stack.split(";")[::-1], [int(number) for number in numbers]))
    return rows


def speedscope(path: Path) -> dict[str, list[Row]]:
    """The rows of each profile."""
    file = json.loads(content(path))
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = file["shared"]["frames"]
    found = {}
    for profile in file["profiles"]:
        assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "bytes", 0)
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(weight >= 0 for weight in profile["weights"])
        assert profile["endValue"] == sum(profile["weights"])
        rows = []
        for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
            shown = [frames[number] for number in reversed(sample)]
            places = [(frame.get("file"), frame.get("line")) for frame in shown]
            rows.append(Row([frame["name"] for frame in shown], [weight], places))
        found[profile["name"]] = rows
    return found


@dataclass
class Firefox:
    points: list[float]
    came: list[list[Row]]
    """What came at each point."""
    left: list[list[Row]]
    """What left there, as positive numbers."""
    held: list[list[Row]]
    """What is there then."""
    counter: list[int]
    """Live bytes at each point, by the track."""
    libraries: list[str]
    profile: dict[str, Any]


def firefox(path: Path) -> Firefox:
    profile = json.loads(content(path))
    (thread,) = profile["threads"]
    for name in ("stackTable", "frameTable", "funcTable", "resourceTable", "nativeAllocations", "samples"):
        table = thread[name]
        columns = [column for column in table.values() if isinstance(column, list)]
        assert all(len(column) == table["length"] for column in columns), name
    texts, stacks, frames, funcs = (thread[name] for name in ("stringArray", "stackTable", "frameTable", "funcTable"))
    resources = thread["resourceTable"]

    def row(stack: int | None, number: int) -> Row:
        found = Row([], [number])
        while stack is not None:
            frame = stacks["frame"][stack]
            func = frames["func"][frame]
            file = funcs["fileName"][func]
            found.frames.append(texts[funcs["name"][func]])
            found.places.append((None if file is None else texts[file], frames["line"][frame]))
            if found.module is None:
                resource = funcs["resource"][func]
                found.module = "" if resource < 0 else texts[resources["name"][resource]]
            prefix = stacks["prefix"][stack]
            assert prefix is None or prefix < stack
            stack = prefix
        return found

    points = thread["samples"]["time"]
    answer = Firefox(points, [], [], [], [], [one["name"] for one in profile["libs"]], profile)
    allocations = thread["nativeAllocations"]
    assert allocations["weightType"] == "bytes"
    assert allocations["time"] == sorted(allocations["time"])
    live: dict[int, tuple[int, int]] = {}
    for point in points:
        came, left = [], []
        for place in range(allocations["length"]):
            if allocations["time"][place] != point:
                continue
            weight, stack, address = (allocations[name][place] for name in ("weight", "stack", "memoryAddress"))
            if weight >= 0:
                assert address not in live
                live[address] = (stack, weight)
                came.append(row(stack, weight))
            else:
                assert live.pop(address, (stack, -weight)) == (stack, -weight)
                left.append(row(stack, -weight))
        answer.came.append(came)
        answer.left.append(left)
        answer.held.append([row(*piece) for piece in live.values()])
    changes = profile["counters"][0]["samples"]
    assert changes["time"] == points
    answer.counter = [sum(changes["count"][: place + 1]) for place in range(len(points))]
    return answer


def heaptrack(path: Path) -> list[Row]:
    """Blocks and bytes by stack."""
    strings: list[str] = []
    places: list[tuple[list[str], list[tuple[str | None, int | None]], str]] = []
    nodes: list[tuple[int, int]] = []
    kinds: list[tuple[int, int]] = []
    sums: dict[int, list[int]] = {}
    furthest = 0

    def text(number: int) -> str:
        return strings[number - 1] if number else ""

    for line in content(path).decode().splitlines():
        mode, _, rest = line.partition(" ")
        if mode == "s":
            strings.append(rest)
        elif mode in ("v", "X", "#", "c"):
            continue
        else:
            numbers = [int(number, 16) for number in rest.split(" ")]
            if mode == "i":
                calls = [numbers[place : place + 3] for place in range(2, len(numbers), 3)]
                shown = [(text(call[1]) or None, call[2] or None) if len(call) == 3 else (None, None) for call in calls]
                places.append(([text(call[0]) for call in calls], shown, text(numbers[1])))
            elif mode == "t":
                assert numbers[1] <= len(nodes)
                nodes.append((numbers[0], numbers[1]))
            elif mode == "a":
                kinds.append((numbers[0], numbers[1]))
            else:
                assert mode == "+"
                size, node = kinds[numbers[0]]
                # heaptrack looks a node up by halving, and takes one behind all others for new.
                assert node in sums or node > furthest
                furthest = max(furthest, node)
                row = sums.setdefault(node, [0, 0])
                row[0] += size
                row[1] += 1
    rows = []
    for node, found in sums.items():
        row = Row([], found)
        at = node
        while at:
            place, at = nodes[at - 1]
            row.frames += places[place - 1][0]
            row.places += places[place - 1][1]
            row.module = places[place - 1][2] if row.module is None else row.module
        rows.append(row)
    return rows


# --- what is compared -------------------------------------------------------------------------------------------------


def module_of(frame: str) -> str:
    """The module that the name of a frame begins with."""
    if frame.startswith("[") and frame.endswith("]"):
        return frame
    for mark in ("!", "+0x"):
        if mark in frame:
            return frame.partition(mark)[0].lower()
    return "[no module]"


def by_module(rows: Iterable[Row]) -> dict[str, list[int]]:
    """Sum up by the module of the innermost frame, without what is zero."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        found = sums.setdefault(module_of(row.frames[0]), [0] * len(row.numbers))
        for place, number in enumerate(row.numbers):
            found[place] += number
    return {module: numbers for module, numbers in sums.items() if any(numbers)}


def ranking(view: Views | hd.Snapshot, *columns: str) -> dict[str, list[int]]:
    """What `by` module says of the same, without what is zero or not known in all columns."""
    found = {}
    for row in view.by("module").iter_rows(named=True):
        name = row["module"].lower() if row["module"] is not None else f"[{row['status']}]"
        numbers = [row[column] or 0 for column in columns]
        if any(numbers):
            found[name] = numbers
    return found


def total(rows: Iterable[Row]) -> list[int]:
    return [sum(column) for column in zip(*(row.numbers for row in rows), strict=True)]


def parts(numbers: Iterable[int]) -> Iterator[int]:
    """Growth and shrinkage of changes."""
    changes = list(numbers)
    yield sum(change for change in changes if change > 0)
    yield -sum(change for change in changes if change < 0)
