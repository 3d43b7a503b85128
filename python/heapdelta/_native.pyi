"""
Native part of heapdelta: use the package `heapdelta`, not this module.
"""

from _typeshed import Incomplete, SupportsGetItem
from os import PathLike
from pathlib import Path
from typing_extensions import CapsuleType
from typing import Any, Final, SupportsFloat, SupportsIndex, final

__all__ = ["__version__", "is_debug_build", "Bytes", "Comparison", "Diff", "Dump", "Grid", "HeapSymbols", "HeapWalk", "Keys", "Snapshot", "SymbolStore", "Table", "archive_of", "are_archives", "blamed_frames", "content_hashes", "damage_names", "doubtful_names", "empty_symbols", "empty_tables", "encoding_name", "export_stacks", "follow_blocks", "format_dhcmp", "format_sites", "format_umdh", "function_labels", "gathered", "heap_damage_names", "hexadecimal", "issue_count", "key_of", "members", "modules_keys", "one_run", "path_kinds", "read", "read_each", "read_every", "read_members", "restored", "server_symbols", "shared_stacks", "stack_index", "statuses", "survivors", "tree_nodes", "why_not_one_process", "why_not_one_run", "without_partner", "write_heap_dump", "write_heap_dump_log", "write_investigation_log", "write_process_dump", "write_reference_dump", "write_reference_heaps", "write_reference_log", "write_series_logs"]

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
    def blame(self, /, allocators: Any) -> Table:
        """
        The frame that each stack counts for: the table `blame`. `allocators` has one column bool: which frames are an
        allocator's.
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
        A table by its name; those of symbols are empty before there are any.
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
class Diff:
    """
    Two snapshots, the later one first, or one comparison. Wrapped by `heapdelta.Delta` and `heapdelta.Comparison`.
    """
    def __new__(cls, /, captures: SupportsGetItem[int, Snapshot | Comparison], allocators: SupportsGetItem[int, Any], *, threads: SupportsIndex | None = None) -> Diff:
        """
        Number the stacks of all captures. `allocators` has for each of them one column bool: which of its frames are an
        allocator's.
        """
    def passed(self, /, capture: SupportsIndex, groups: Any) -> Table:
        """
        The groups that each stack of a capture passes: the table `stack_groups`. `groups` has one column u32: the group of each
        frame, null for none.
        """
    def paths(self, /, stacks: Any, passed_over: Any, hidden: Any, steps: Any, first: Any | None, *, inward: bool, merged: bool, keep_allocators: bool) -> Table:
        """
        What a call tree shows of stacks: the table `paths`. `stacks` has one column u32, null for blocks without a stack.

        Of the frames of all captures, one behind the other, `passed_over` and `hidden` say in one column bool which ones no stack
        counts for and which are no step, `steps` in one column u32 which step each is; `first` which one an outward path begins with
        if the stack counts for that frame, None for none. `merged`: neighbours that are the same are one step.
        """
    def rank(self, /, parts: SupportsGetItem[int, Any], keys: Any) -> Table:
        """
        Sum rows up by a key of their stacks, and rank the keys by growth: the table `ranking`.

        `parts` have the columns stack u32, side u32 (0 after, 1 before, 2 both), and the measures of both sides u64; `keys` has
        one column u32: the key of each stack. Rows without a key are left out.
        """
    def sides(self, /, by: str) -> Table:
        """
        The sums of two snapshots by `stack` or by `heap`, one below the other: the table `sides_by_stack` or `sides_by_heap`.
        """
    def stacks(self, /) -> Table:
        """
        The stacks of all captures, one behind the other: the table `numbered_stacks`.
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
        Bytes of the process: a view of the file where they are there in one piece, else of a copy.
        """
    def closed(self, /) -> Dump:
        """
        The same without the file.
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
    def heap_symbols(self, /, store: SymbolStore) -> HeapSymbols | None:
        """
        What symbols say of the structures of heaps; None where the store has no PDB of the very ntdll.dll of the dump.
        """
    def heap_walk(self, /, threads: SupportsIndex | None = None, contents: bool = False, symbols: HeapSymbols | None = None) -> HeapWalk:
        """
        The heaps of the process, walked now; with contents, what blocks begin with is looked at as well.
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
    def segment_heap_count(self, /) -> int:
        """
        How many segment heaps show by their signatures. What is in their page segments, only a walk tells.
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
    def __new__(cls, /, snapshots: SupportsGetItem[int, Snapshot], by: str, *, threads: SupportsIndex | None = None) -> Grid:
        """
        Sum up snapshots by `stack`, which is the content of their stacks, or by `heap`, which is the address of their heaps.
        """
    def cells(self, /, keys: SupportsGetItem[int, SupportsIndex]) -> Table:
        """
        The cells of keys in the order given, a row for each key and point: key u32, point u32, present bool, sums u64, null
        where they are not known.
        """
    def curves(self, /, first: SupportsIndex, times: SupportsGetItem[int, SupportsFloat | SupportsIndex], *, middle: tuple[SupportsIndex, SupportsIndex], late: tuple[SupportsIndex, SupportsIndex], settled: SupportsIndex, quantile: SupportsFloat | SupportsIndex, fall_share: SupportsFloat | SupportsIndex) -> Table:
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
    def of_sums(sums: Any, *, keys: SupportsIndex, overhead: SupportsGetItem[int, bool], threads: SupportsIndex | None = None) -> Grid:
        """
        Take sums that are known: a row for each key and point that has something, with the columns key u32, point u32 and the
        sums u64, null where they are not known. `keys` and `points` say how many there are; `overhead` whether each point's log
        writes it.
        """
    def sizes(self, /, point: SupportsIndex) -> Table:
        """
        Requested bytes of every key at one point, null where they are not known.
        """
    def sum(self, /, keys: SupportsGetItem[int, SupportsIndex], groups: SupportsGetItem[int, SupportsIndex], group_count: SupportsIndex) -> Grid:
        """
        Add keys up into groups: each key goes into the group that is at the same place.
        """

@final
class HeapSymbols:
    """
    Layouts of heaps from PDBs of ntdll.dll.
    """

@final
class HeapWalk:
    """
    The heaps of a minidump as tables.
    """
    def table(self, /, name: str) -> Table:
        """
        A table by its name: heaps, segments, allocations, sizes, usage, stacks, frames or issues; with contents also contents or crt_blocks.
        """

@final
class Keys:
    """
    Keys of frames and stacks that a dataset has.
    """
    def __len__(self, /) -> int:
        """
        How many they are.
        """
    def __new__(cls, /, frames: Any, stacks: Any) -> Keys:
        """
        Take the keys of frames, and those of stacks: each a table with one column u64.
        """
    def add(self, /, other: Keys) -> None:
        """
        Take in others.
        """

@final
class Snapshot:
    """
    One capture. Wrapped by `heapdelta.Snapshot`.
    """
    def blame(self, /, allocators: Any) -> Table:
        """
        The frame that each stack counts for: the table `blame`. `allocators` has one column bool: which frames are an
        allocator's.
        """
    def by_names(self, /) -> Snapshot:
        """
        The log with these hashes in the place of fingerprints, where there is one.
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
    def name_fingerprints(self, /) -> Table:
        """
        A hash of the modules and functions of each stack, null where a frame has no function: the table `name_fingerprints`.
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
    def stack_groups(self, /, groups: Any) -> Table:
        """
        The groups that each stack passes: the table `stack_groups`. `groups` has one column u32: the group of each frame, null
        for none.
        """
    def table(self, /, name: str) -> Table:
        """
        A table by its name; those of symbols are empty before there are any.
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
class SymbolStore:
    """
    Places with symbols, and the files in them that were opened. Wrapped by `heapdelta.SymbolStore`.
    """
    def __new__(cls, /, paths: SupportsGetItem[int, str | PathLike[str]]) -> SymbolStore: ...
    def complete(self, /, log: Snapshot, *, by_name: bool, threads: SupportsIndex | None = None) -> Snapshot:
        """
        A log with names for its addresses. Files that nothing but their name, or name and size, shows to be the right ones are taken
        if `by_name`.
        """
    def faults(self, /) -> list[tuple[Path, str]]:
        """
        What could not be looked at, and why.
        """
    def look_up(self, /, modules: Any, addresses: Any, *, returns: bool, by_name: bool, threads: SupportsIndex | None = None) -> tuple[Table, Table, Table]:
        """
        What symbols say of addresses, the only column of ``addresses``: the tables `symbols`, `names` and `inlines`. ``modules`` has the
        columns of a table of modules. Where calls return to, the call before is meant (``returns``).
        """
    def name_contents(self, /, dump: Dump, contents: Table, *, by_name: bool, threads: SupportsIndex | None = None) -> tuple[Table, Table]:
        """
        What symbols say of what blocks begin with: the tables `contents`, with names, and `symbols`. ``contents`` is that of a walk
        through the heaps of ``dump``.
        """
    @property
    def places(self, /) -> list[Path]:
        """
        Folders and files, in the order in which they are searched.
        """
    @property
    def servers(self, /) -> list[str]:
        """
        Servers that a path names. Nothing is asked of them.
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

def archive_of(path: str | PathLike[str]) -> Path | None:
    """
    The archive that a path with a `!` names, if there is no file of that path; None for every other path.
    """

def are_archives(paths: SupportsGetItem[int, str | PathLike[str]], *, encoding: str | None = None, password: str | None = None, limits: Incomplete | None = None) -> list[bool]:
    """
    Which of these files are archives. What cannot be opened is none: who reads it says why.
    """

def blamed_frames(stacks: Any, frames: Any) -> Table:
    """
    The frame that each stack of a dataset is blamed on: the number of a row of ``frames`` (``frame``, ``allocator``), null
    without one. ``stacks`` has lists of keys, ``frames``.
    """

def content_hashes(paths: SupportsGetItem[int, str | PathLike[str]]) -> list[str | None]:
    """
    The XXH128 hashes of files, as hexadecimal digits; None for what cannot be read to its end.
    """

def damage_names() -> list[str]:
    """
    The names of all defects that `write_process_dump` can write.
    """

def doubtful_names(frames: Any) -> Table:
    """
    Tell which frames have a name that is probably that of another function: one column `doubtful`. `frames` has the columns
    function and offset of `frames`.
    """

def empty_symbols() -> Table:
    """
    The table `symbols` of a capture that nobody named.
    """

def empty_tables(noun: str) -> list[tuple[str, Table]]:
    """
    The tables of a log, a comparison or a minidump without any rows, by the noun that captures are called. A log has those of symbols,
    too.
    """

def encoding_name(name: str) -> str | None:
    """
    Python's name of an encoding, by any of its names; None for one that is not known.
    """

def export_stacks(format: str, title: str, notes: SupportsGetItem[int, str], *, places: Any, inlined: Any, modules: Any, steps: Any, stacks: Any, owners: Any, points: SupportsGetItem[int, tuple[str, SupportsFloat | SupportsIndex]], started: SupportsFloat | SupportsIndex, changes: bool, packed: bool) -> bytes:
    """
    Write stacks as a file of `format`: pprof, folded, speedscope, firefox or heaptrack.

    `places` has name str, module u32 (row of `modules`), allocator bool (null: no frame), file str, source_line u32; `inlined`
    place u32, name, file str, source_line u32, sorted by place, innermost first; `modules` name, path, debug_id str; `steps` one
    column u32, the places of all stacks, outermost first; `stacks` length u32, owner u32 (row of `owners`), and bytes and blocks of
    each point i64; `owners` one column str; `points` label and milliseconds.
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

def gathered(captures: SupportsGetItem[int, Snapshot | Comparison | Dump], name: str, cases: SupportsGetItem[int, str], keys: SupportsGetItem[int, str]) -> Table:
    """
    The rows of one table of captures of one kind, one behind the other, after ``place`` (the number of the capture), ``case`` and
    ``capture``, which have one name for each capture.
    """

def heap_damage_names() -> list[str]:
    """
    The names of all defects that `write_heap_dump` can write.
    """

def hexadecimal(numbers: Any) -> Table:
    """
    Write numbers as upper-case hexadecimal: one column `text`. `numbers` has one column u64.
    """

def issue_count(capture: Snapshot | Comparison | Dump) -> int:
    """
    How many issues a capture has; a row of them can stand for many.
    """

def key_of(text: str) -> str:
    """
    The XXH3 hash of some text, as 16 hexadecimal digits.
    """

def members(source: bytes | bytearray | str | PathLike[str], *, encoding: str | None = None, password: str | None = None, limits: Incomplete | None = None) -> list[tuple[str, int | None, int | None, str, bool | None]] | None:
    """
    What an archive holds: None for what is no archive. Wrapped by `heapdelta.members`.
    """

def modules_keys(logs: SupportsGetItem[int, Snapshot]) -> list[int]:
    """
    A number for the module list of each log, which is the same for lists of the same files at the same addresses.
    """

def one_run(snapshots: SupportsGetItem[int, Snapshot], *, threads: SupportsIndex | None = None) -> tuple[list[Snapshot | None], Table]:
    """
    Snapshots of one run in the order of time, each as the others know its stacks (None: as it is), and the table `carried`.
    """

def path_kinds() -> list[str]:
    """
    What steps of a path are that are neither a module nor a frame, by number.
    """

def read(source: bytes | bytearray | str | PathLike[str], *, threads: SupportsIndex | None = None, blocks: bool = True, radix: SupportsIndex | None = None, capture: SupportsIndex | None = None, encoding: str | None = None, progress: Any | None = None, name: str | PathLike[str] | None = None, password: str | None = None, limits: Incomplete | None = None) -> Snapshot | Comparison | Dump:
    """
    Read a heap log or a minidump. Wrapped by `heapdelta.read`.
    """

def read_each(paths: SupportsGetItem[int, str | PathLike[str]], *, blocks: bool, encoding: str | None, progress: Any, password: str | None = None, limits: Incomplete | None = None) -> list[Snapshot | Comparison | Dump | Any]:
    """
    Read small files one after the other: for each, what `read` gives, or the exception that it raises. Used by
    `heapdelta.read_many`: a thread and a pool for each would take longer than to read it.
    """

def read_every(path: str | PathLike[str], *, blocks: bool, encoding: str | None, progress: Any, password: str | None = None, limits: Incomplete | None = None) -> list[Snapshot | Comparison | Dump | Any]:
    """
    Read every capture of a file that holds several, in two passes: for each, what `read` gives, or the exception that it raises.
    """

def read_members(source: bytes | bytearray | str | PathLike[str], each: Any, *, threads: SupportsIndex | None, blocks: bool, encoding: str | None, progress: Any, password: str | None = None, limits: Incomplete | None = None, name: str | PathLike[str] | None = None, or_itself: bool = False) -> bool:
    """
    Read all that an archive holds, in one pass. False for what is no archive; or that is read itself, as the file without a
    label.

    `each` is called with every file as soon as it is read: its label, the bytes it should have, its time in seconds since 1970,
    the hash of its bytes if it was unpacked to its end, and what `read` gives for it or raises. What it raises stops the reading.
    """

def restored(tables: SupportsGetItem[int, tuple[str, Any]], *, path: str | PathLike[str] | None, format: str, encoding: str, tool_version: str | None, taken_at: str | None, machine: str | None, pid: SupportsIndex | None, pointer_width: SupportsIndex, byte_count: SupportsIndex, line_counts: tuple[SupportsIndex, SupportsIndex, SupportsIndex, SupportsIndex, SupportsIndex]) -> Snapshot:
    """
    Make a snapshot of rows of a dataset, by the name of each table; a table that is not given is empty.
    """

def server_symbols() -> list[tuple[str, bytes]]:
    """
    Write the symbols of the synthetic server: the names of the files, each with what is in it.
    """

def shared_stacks(captures: SupportsGetItem[int, Snapshot | Comparison | Dump], known: Keys | None) -> tuple[Table, Table, Table, Keys]:
    """
    The frames and stacks of logs or comparisons that are not known, each distinct one once: ``frame`` (its key) before the
    columns of `frames`; ``fingerprint``, ``depth``, ``frames``; the ``fingerprint`` of every stack of all; and the new keys.
    """

def stack_index(stacks: Any, frames: Any, decay: SupportsFloat | SupportsIndex) -> tuple[Table, Table, Table]:
    """
    What stacks of a dataset are compared by: one row per stack and frame from the blamed one outward (``stack``, ``number``,
    ``token``, ``weight``); ``token`` and ``group`` of every frame; the frame that each stack is blamed on.
    """

def statuses() -> list[str]:
    """
    The words of the column `status`, by number.
    """

def survivors(lives: Table) -> Table:
    """
    The table `survivors` of a table `lives`: how many blocks of each birth are still there at each later point.

    Wrapped by `heapdelta.Survival`.
    """

def tree_nodes(paths: Any, weights: Any) -> tuple[Table, Table, Table]:
    """
    Make the call tree of `paths`, the table of that name: the tables `nodes`, `spans` and `path_order`. `weights` has one column
    u64: what each path weighs, null where it is not known.
    """

def why_not_one_process(before: Dump, after: Dump) -> str | None:
    """
    Why addresses in two dumps must not be compared; None if they may be.
    """

def why_not_one_run(before: Snapshot, after: Snapshot) -> str | None:
    """
    Why trace ids and addresses of two logs must not be matched; None if they may be.
    """

def without_partner(snapshot: Snapshot, other: Snapshot) -> Table:
    """
    The stacks of a snapshot that are the first of their id, have frames, and no partner of that id and those frames in the other: the
    table `without_partner`.
    """

def write_heap_dump(path: str | PathLike[str], *, step: SupportsIndex, seed: SupportsIndex, stack_count: SupportsIndex, windows: str, pointer_width: SupportsIndex, wow64: bool, gflags: SupportsGetItem[int, str], segment_heap: bool, damage: str | None) -> dict[str, Any]:
    """
    Write one dump of the synthetic server with its heaps. Wrapped by `heapdelta.testing.write_heap_dump`.
    """

def write_heap_dump_log(path: str | PathLike[str], *, step: SupportsIndex, seed: SupportsIndex, stack_count: SupportsIndex, windows: str, pointer_width: SupportsIndex, wow64: bool, gflags: SupportsGetItem[int, str]) -> dict[str, Any]:
    """
    Write the log of the same heaps. Wrapped by `heapdelta.testing.write_heap_dumps`.
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

def write_reference_heaps(path: str | PathLike[str], *, heap_bytes: SupportsIndex, block_count: SupportsIndex, heap_count: SupportsIndex, seed: SupportsIndex) -> dict[str, Any]:
    """
    Write a benchmark dump of heaps. Wrapped by `heapdelta.testing.write_reference_heaps`.
    """

def write_reference_log(path: str | PathLike[str], kind: str, byte_count: SupportsIndex, seed: SupportsIndex, grown: bool = False, step: SupportsIndex = 0) -> dict[str, Any]:
    """
    Write a benchmark log. Wrapped by `heapdelta.testing.write_reference_log`.
    """

def write_series_logs(paths: SupportsGetItem[int, str | PathLike[str]], *, seed: SupportsIndex, stack_count: SupportsIndex, hours_apart: SupportsIndex, restart_at: SupportsIndex | None) -> list[dict[str, Any]]:
    """
    Write the logs of days of the synthetic server. Wrapped by `heapdelta.testing.write_series`.
    """
