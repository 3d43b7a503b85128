"""
Native part of heapdelta: use the package `heapdelta`, not this module.
"""

from _typeshed import SupportsGetItem
from os import PathLike
from typing_extensions import CapsuleType
from typing import Any, Final, SupportsFloat, SupportsIndex, final

__all__ = ["__version__", "is_debug_build", "Bytes", "Comparison", "Dump", "Grid", "Snapshot", "Table", "blame", "damage_names", "encoding_name", "follow_blocks", "format_dhcmp", "format_sites", "format_umdh", "function_labels", "hexadecimal", "number_through", "one_run", "rank", "read", "read_each", "sides_by_heap", "sides_by_stack", "stack_groups", "survivors", "write_investigation_log", "write_process_dump", "write_reference_dump", "write_reference_log", "write_series_logs"]

__version__: Final[str]
"""
Version of the crate.
"""

is_debug_build: Final[bool]
"""
True for a build without optimisation, which is some thirty times slower.
"""

@final
class Bytes:
    """
    Bytes of a dump, as a buffer that cannot be written to.
    """
    def __len__(self, /) -> int: ...

@final
class Comparison:
    """
    One comparison. Wrapped by `heapdelta.Comparison`.
    """
    @property
    def byte_count(self, /) -> int:
        """
        Bytes of the file.
        """
    @property
    def encoding(self, /) -> str:
        """
        Encoding, by Python's name.
        """
    @property
    def format(self, /) -> str:
        """
        dhcmp or umdh-compare.
        """
    @property
    def line_count(self, /) -> int:
        """
        Lines of the file.
        """
    @property
    def line_counts(self, /) -> dict[str, int]:
        """
        What became of the lines: rows, structure, preamble, blank, issues.
        """
    @property
    def path(self, /) -> str | None:
        """
        The file, None for bytes.
        """
    @property
    def radix(self, /) -> int | None:
        """
        10 or 16; None if every number reads the same either way.
        """
    def table(self, /, name: str) -> Table:
        """
        A table by its name.
        """
    @property
    def total_overhead_delta(self, /) -> int | None:
        """
        Total of overhead bytes that the tool printed, after - before.
        """
    @property
    def total_requested_delta(self, /) -> int | None:
        """
        Total of requested bytes that the tool printed, after - before.
        """

@final
class Dump:
    """
    One minidump. Wrapped by `heapdelta.Dump`.
    """
    @property
    def byte_count(self, /) -> int:
        """
        Bytes of the file.
        """
    def bytes_at(self, /, address: SupportsIndex, size: SupportsIndex) -> memoryview:
        """
        Bytes of the process: a view of the file where they stand there in one piece, else of a copy.
        """
    @property
    def comment(self, /) -> str | None:
        """
        Words that were put in with the dump.
        """
    @property
    def cpu(self, /) -> str | None:
        """
        x86, amd64, arm64 and so on.
        """
    @property
    def exception(self, /) -> tuple[int, int, int] | None:
        """
        The exception for which it was taken: code, address, thread id.
        """
    @property
    def flags(self, /) -> int:
        """
        MINIDUMP_TYPE, as the writer was asked for.
        """
    @property
    def format(self, /) -> str:
        """
        Always minidump.
        """
    @property
    def kernel_time(self, /) -> float | None:
        """
        Seconds of CPU time in the kernel.
        """
    @property
    def os(self, /) -> str | None:
        """
        windows, linux, macos and so on.
        """
    @property
    def os_version(self, /) -> str | None:
        """
        Version and build of the system.
        """
    @property
    def path(self, /) -> str | None:
        """
        The file, None for bytes.
        """
    @property
    def pid(self, /) -> int | None:
        """
        Process id.
        """
    @property
    def pointer_width(self, /) -> int:
        """
        32 or 64.
        """
    @property
    def process_created_at(self, /) -> int | None:
        """
        When the process was made, seconds since 1970 UTC.
        """
    @property
    def processor_count(self, /) -> int | None:
        """
        Processors of the machine.
        """
    @property
    def service_pack(self, /) -> str | None:
        """
        Name of the service pack.
        """
    def table(self, /, name: str) -> Table:
        """
        A table by its name.
        """
    @property
    def taken_at(self, /) -> int | None:
        """
        When it was taken, seconds since 1970 UTC.
        """
    @property
    def user_time(self, /) -> float | None:
        """
        Seconds of CPU time outside the kernel.
        """

@final
class Grid:
    """
    Every key of a series at every point. Wrapped by `heapdelta.Series`.
    """
    def __len__(self, /) -> int: ...
    def cells(self, /, keys: SupportsGetItem[int, SupportsIndex]) -> Table:
        """
        The cells of keys in the order given, a row for each key and point: key u32, point u32, present bool, sums u64, null
        where they are not known.
        """
    def curves(self, /, first: SupportsIndex, times: SupportsGetItem[int, SupportsFloat | SupportsIndex], *, middle: tuple[SupportsIndex, SupportsIndex], late: tuple[SupportsIndex, SupportsIndex], settled: SupportsIndex, quantile: SupportsFloat | SupportsIndex, fall_share: SupportsFloat | SupportsIndex, threads: SupportsIndex | None = None) -> Table:
        """
        Describe the curves of requested bytes over a stretch of points, of all keys that have something there.

        Sizes ending in `_bytes` are exact; the others are above the least. A curve with a point that is not known is not
        described: `unknown_points` counts these, and its numbers are null.
        `times` has a time for each point from `first` on; ranges are pairs (from, to) inside it, `to` left out;
        `settled` is where the settled part begins.
        """
    def keys(self, /) -> Table:
        """
        One row per key: value u64, status u8, and where it was seen last: point u32, row u32.
        """
    @staticmethod
    def of_heaps(snapshots: SupportsGetItem[int, Snapshot]) -> Grid:
        """
        Sum up snapshots by the address of their heaps.
        """
    @staticmethod
    def of_stacks(snapshots: SupportsGetItem[int, Snapshot]) -> Grid:
        """
        Sum up snapshots by the content of their stacks.
        """
    def sizes(self, /, point: SupportsIndex) -> Table:
        """
        Requested bytes of every key at one point, null where they are not known.
        """
    def sum(self, /, keys: SupportsGetItem[int, SupportsIndex], groups: SupportsGetItem[int, SupportsIndex], group_count: SupportsIndex) -> Grid:
        """
        Add keys up into groups: each key goes into the group that stands at the same place.
        """

@final
class Snapshot:
    """
    One capture. Wrapped by `heapdelta.Snapshot`.
    """
    @property
    def byte_count(self, /) -> int:
        """
        Bytes of the capture.
        """
    @property
    def encoding(self, /) -> str:
        """
        Encoding, by Python's name.
        """
    @property
    def format(self, /) -> str:
        """
        umdh2, umdh1, dh or dhcmp-sites.
        """
    @property
    def line_count(self, /) -> int:
        """
        Lines of the capture.
        """
    @property
    def line_counts(self, /) -> dict[str, int]:
        """
        What became of the lines: rows, structure, preamble, blank, issues.
        """
    @property
    def machine(self, /) -> str | None:
        """
        Machine name.
        """
    @property
    def path(self, /) -> str | None:
        """
        The file, None for bytes.
        """
    @property
    def pid(self, /) -> int | None:
        """
        Process id.
        """
    @property
    def pointer_width(self, /) -> int:
        """
        32 or 64.
        """
    def table(self, /, name: str) -> Table:
        """
        A table by its name.
        """
    @property
    def taken_at(self, /) -> str | None:
        """
        Local time of the capture, YYYY-MM-DD HH:MM, with seconds where they were printed.
        """
    @property
    def tool_version(self, /) -> str | None:
        """
        Version that the tool printed.
        """
    def with_modules(self, /, dump: Dump) -> Snapshot:
        """
        The log with what a dump of the same process knows of modules.
        """

@final
class Table:
    """
    A table for any library that speaks Arrow: `polars.DataFrame(table)`, `pyarrow.table(table)`.
    """
    def __arrow_c_schema__(self, /) -> CapsuleType:
        """
        Export the schema alone.
        """
    def __arrow_c_stream__(self, /, requested_schema: Any | None = None) -> CapsuleType:
        """
        Export the rows as an Arrow C stream.

        The schema is always the table's own; a requested one is not looked at, as the interface allows.
        """
    def __len__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def select(self, /, names: SupportsGetItem[int, str]) -> Table:
        """
        Some columns, in the order of their names; nothing is copied.
        """

def blame(capture: Snapshot | Comparison, allocators: Any) -> Table:
    """
    The frame that each stack counts for; `allocators` has one column bool: which frames are an allocator's.
    """

def damage_names() -> list[str]:
    """
    The names of all defects that `write_process_dump` can write.
    """

def encoding_name(name: str) -> str | None:
    """
    Python's name of an encoding, by any of its names; None for one that is not known.
    """

def follow_blocks(snapshots: SupportsGetItem[int, Snapshot], *, threads: SupportsIndex | None = None) -> tuple[Table, Table]:
    """
    Follow the blocks of snapshots of one run, in the order of time; gives the tables `survival_stacks` and `lives`.

    Wrapped by `heapdelta.Series.survival`.
    """

def format_dhcmp(rows: Any, before: Snapshot | None, after: Snapshot, *, decimal: bool, verbose: bool) -> str:
    """
    Text of DHCMP mode 1. `rows` is a polars.DataFrame of name, requested_bytes_before, requested_bytes_after,
    allocation_count_before, allocation_count_after, side, stack_id.
    """

def format_sites(rows: Any, *, decimal: bool) -> str:
    """
    Text of DHCMP mode 2 in the layout of heapdelta. `rows` is a polars.DataFrame of name, requested_bytes,
    allocation_count.
    """

def format_umdh(rows: Any, before: Snapshot | None, after: Snapshot, *, decimal: bool, overhead_delta: SupportsIndex | None) -> str:
    """
    Text of UMDH's comparison: two lines a stack, its frames, the total. `rows` as for format_dhcmp.
    """

def function_labels(frames: Any) -> Table:
    """
    Name frames for a ranking: one column `text`. `frames` has the columns module, function, offset and text of `frames`.
    """

def hexadecimal(numbers: Any) -> Table:
    """
    Write numbers as upper-case hexadecimal: one column `text`. `numbers` has one column u64.
    """

def number_through(captures: SupportsGetItem[int, Snapshot | Comparison], allocators: SupportsGetItem[int, Any]) -> Table:
    """
    The stacks of captures, one behind the other: the table `numbered_stacks`.

    `allocators` has for each of them one column bool: which of its frames are an allocator's.
    """

def one_run(snapshots: SupportsGetItem[int, Snapshot]) -> tuple[list[Snapshot | None], Table]:
    """
    Snapshots of one run in the order of time, each as the others know its stacks (None: as it is), and the table `carried`.
    """

def rank(parts: SupportsGetItem[int, Any], keys: Any) -> Table:
    """
    Sum rows up by a key of their stacks, and rank the keys by growth: the table `ranking`.

    `parts` have the columns stack u32, side u32 (0 after, 1 before, 2 both), and the measures of both sides u64; `keys` has
    one column u32: the key of each stack. Rows without a key are left out.
    """

def read(source: bytes | bytearray | str | PathLike[str], *, threads: SupportsIndex | None = None, blocks: bool = True, radix: SupportsIndex | None = None, capture: SupportsIndex | None = None, encoding: str | None = None, progress: Any | None = None, name: str | PathLike[str] | None = None) -> Snapshot | Comparison | Dump:
    """
    Read a heap log or a minidump. Wrapped by `heapdelta.read`.
    """

def read_each(paths: SupportsGetItem[int, str | PathLike[str]], *, blocks: bool, encoding: str | None, progress: Any) -> list[Snapshot | Comparison | Dump | Any]:
    """
    Read small files one after the other: for each, what `read` gives, or the exception that it raises. Used by
    `heapdelta.read_many`: a thread and a pool for each would take longer than to read it.
    """

def sides_by_heap(after: Snapshot, before: Snapshot) -> Table:
    """
    The sums of two snapshots by heap, one below the other: the table `sides_by_heap`.
    """

def sides_by_stack(after: Snapshot, before: Snapshot) -> Table:
    """
    The sums of two snapshots by stack, one below the other: the table `sides_by_stack`.
    """

def stack_groups(capture: Snapshot | Comparison, groups: Any) -> Table:
    """
    The groups that each stack passes; `groups` has one column u32: the group of each frame, null for none.
    """

def survivors(lives: Table) -> Table:
    """
    The table `survivors` of a table `lives`: how many blocks of each birth are still there at each later point.

    Wrapped by `heapdelta.Survival`.
    """

def write_investigation_log(path: str | PathLike[str], *, step: SupportsIndex, seed: SupportsIndex, run: SupportsIndex, stack_count: SupportsIndex, dialect: str, pointer_width: SupportsIndex, line_end: str, encoding: str) -> dict[str, Any]:
    """
    Write one log of the synthetic investigation. Wrapped by `heapdelta.testing.write_log`.
    """

def write_process_dump(path: str | PathLike[str], *, step: SupportsIndex, seed: SupportsIndex, run: SupportsIndex, stack_count: SupportsIndex, pointer_width: SupportsIndex, full: bool, damage: str | None) -> dict[str, Any]:
    """
    Write one dump of the synthetic investigation. Wrapped by `heapdelta.testing.write_dump`.
    """

def write_reference_dump(path: str | PathLike[str], kind: str, seed: SupportsIndex, sizes: dict[str, SupportsIndex]) -> dict[str, int]:
    """
    Write a benchmark dump. Wrapped by `heapdelta.testing.write_reference_dump`.
    """

def write_reference_log(path: str | PathLike[str], kind: str, byte_count: SupportsIndex, seed: SupportsIndex, grown: bool = False, step: SupportsIndex = 0) -> dict[str, Any]:
    """
    Write a benchmark log. Wrapped by `heapdelta.testing.write_reference_log`.
    """

def write_series_logs(paths: SupportsGetItem[int, str | PathLike[str]], *, seed: SupportsIndex, stack_count: SupportsIndex, hours_apart: SupportsIndex, restart_at: SupportsIndex | None) -> list[dict[str, Any]]:
    """
    Write the logs of days of the synthetic server. Wrapped by `heapdelta.testing.write_series`.
    """
