//! The tables of the heaps in a minidump, which are walked when they are asked for.

use super::{DUMP_ISSUES, FRAMES, Kind, STACKS, TableSchema, USAGE, column, nullable};

const UNPROVED: &str = "the layout of the heap is not proved";
const NO_FLAGS: &str =
    "the layout of the heap is not proved, its header is not in the dump, or it is a page heap or a segment heap";

/// Heaps of a dump.
pub const DUMP_HEAPS: TableSchema = TableSchema {
    name: "heaps",
    row: "heap",
    order: "heap_id: by base; parts of heaps whose headers are not in the dump come last",
    columns: &[
        column("heap_id", Kind::U32, "row number, from 0"),
        nullable("base", Kind::U64, "the header of the heap is not in the dump", "its handle: where its header is"),
        column("bits", Kind::U32, "64 or 32: width of its pointers; a 64-bit dump of a WOW64 process has both"),
        column(
            "kind",
            Kind::Text,
            "`nt`, `page` (full page heap, gflags `+hpa`; experimental), or `segment` (the segment heap of Windows 10 and \
             later, which is read where symbols of ntdll are given; experimental)",
        ),
        nullable("flags", Kind::U32, NO_FLAGS, "`Flags` of the heap, as bits"),
        nullable(
            "layout",
            Kind::Text,
            UNPROVED,
            "which layout of Windows' structures fits; a PDB's name and id where it is from symbols",
        ),
        column(
            "trust",
            Kind::Text,
            "`proved`: all that was checked holds; `damaged`: the layout is proved, and some of the heap contradicts itself; \
             `partial`: the layout is proved as far as it is in the dump, which lacks the rest or what would prove it; `unproved`: nothing was read",
        ),
        column("proof", Kind::Text, "what was checked, and how much of it held"),
        nullable(
            "listed",
            Kind::Bool,
            "the PEB's list is not in the dump, or it is a page heap",
            "true if the PEB lists it",
        ),
        nullable(
            "front_end",
            Kind::Text,
            UNPROVED,
            "`lfh` if the low-fragmentation heap serves it, as in each segment heap, `page` for a page heap, else `backend`",
        ),
        nullable(
            "stack_traces",
            Kind::Bool,
            UNPROVED,
            "true if its blocks are marked as having stacks (gflags `+ust`)",
        ),
        nullable("segment_count", Kind::U64, UNPROVED, "segments; large blocks are none"),
        nullable(
            "reserved_bytes",
            Kind::U64,
            UNPROVED,
            "bytes of address space: segments, large blocks, pages of page heap; of parts only what is known of them",
        ),
        nullable("committed_bytes", Kind::U64, UNPROVED, "`reserved_bytes` without `uncommitted_bytes`"),
        nullable("uncommitted_bytes", Kind::U64, UNPROVED, "bytes of address space without memory"),
        nullable("busy_bytes", Kind::U64, UNPROVED, "bytes that the program asked for and has"),
        nullable("busy_count", Kind::U64, UNPROVED, "blocks that the program has"),
        nullable(
            "free_bytes",
            Kind::U64,
            UNPROVED,
            "bytes of free blocks with their headers, those of the front end too",
        ),
        nullable("free_count", Kind::U64, UNPROVED, "free blocks"),
        nullable(
            "overhead_bytes",
            Kind::U64,
            UNPROVED,
            "bytes that the heap takes for itself: headers, rests of blocks, blocks of its own",
        ),
        nullable(
            "unknown_bytes",
            Kind::U64,
            UNPROVED,
            "committed bytes of which nothing is known: their pages are not in the dump, or nothing proves what they are",
        ),
        nullable("lfh_bytes", Kind::U64, UNPROVED, "of `busy_bytes`: in blocks of the low-fragmentation heap"),
        nullable("lfh_count", Kind::U64, UNPROVED, "of `busy_count`: blocks of the low-fragmentation heap"),
        nullable("lfh_free_bytes", Kind::U64, UNPROVED, "of `free_bytes`: kept by the low-fragmentation heap"),
        nullable("lfh_free_count", Kind::U64, UNPROVED, "of `free_count`: kept by the low-fragmentation heap"),
        nullable("large_bytes", Kind::U64, UNPROVED, "of `busy_bytes`: in blocks with an allocation of their own"),
        nullable("large_count", Kind::U64, UNPROVED, "of `busy_count`: blocks with an allocation of their own"),
        nullable("largest_free_bytes", Kind::U64, UNPROVED, "bytes of the largest free block"),
        nullable(
            "backend_entry_count",
            Kind::U64,
            UNPROVED,
            "busy entries of the segments as the back end counts them: the heap's own too, and one for many blocks of the \
             front end; without the headers of segments",
        ),
        nullable("backend_entry_bytes", Kind::U64, UNPROVED, "bytes of these entries with their headers"),
    ],
};

/// Segments of heaps, and blocks with an allocation of their own.
pub const HEAP_SEGMENTS: TableSchema = TableSchema {
    name: "segments",
    row: "segment of a heap, or large block: reserved is busy, free, overhead, uncommitted and unknown bytes, exactly",
    order: "heap_id, base",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        column("base", Kind::U64, "first address"),
        column(
            "kind",
            Kind::Text,
            "`segment`, `large` (a block with an allocation of its own), `page` (a block of page heap), `header` (the structure of a \
             segment heap) or `part` (of a segment)",
        ),
        column("reserved_bytes", Kind::U64, "bytes of address space"),
        column("uncommitted_bytes", Kind::U64, "bytes of address space without memory"),
        column("busy_bytes", Kind::U64, "bytes that the program asked for and has"),
        column("busy_count", Kind::U64, "blocks that the program has"),
        column("free_bytes", Kind::U64, "bytes of free blocks"),
        column("free_count", Kind::U64, "free blocks"),
        column("overhead_bytes", Kind::U64, "bytes that the heap takes for itself"),
        column("unknown_bytes", Kind::U64, "bytes of which nothing is known"),
        column("largest_free_bytes", Kind::U64, "bytes of the largest free block"),
    ],
};

const FREE: &str = "the block is free";

/// Blocks of the heaps of a dump.
pub const DUMP_ALLOCATIONS: TableSchema = TableSchema {
    name: "allocations",
    row: "block of a heap, busy or free",
    order: "heap_id, front_end, state; then address, segment by segment",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        column("address", Kind::U64, "where the program's bytes are, or would be: the pointer that it was given"),
        nullable("requested_bytes", Kind::U64, FREE, "bytes the program asked for"),
        nullable("overhead_bytes", Kind::U32, FREE, "bytes the heap added: header, rest, and what checks ask for"),
        column("block_bytes", Kind::U64, "bytes of the block with its header"),
        column("allocation_count", Kind::U32, "1"),
        column(
            "front_end",
            Kind::Text,
            "who gave it: `backend`, `lfh` (the low-fragmentation heap), `large` (an allocation of its own), `page` (page \
             heap) or `vs` (blocks of variable size of a segment heap)",
        ),
        column("state", Kind::Text, "`busy` or `free`"),
        column(
            "flags",
            Kind::U32,
            "`Flags` of its header, as bits; 0 for blocks of the low-fragmentation heap, of page heap and of segment heaps, which have none",
        ),
        nullable("stack_id", Kind::U32, "no stack was recorded, or none is proved", "the stack: row of `stacks`"),
    ],
};

/// How many blocks of each size there are.
pub const BLOCK_SIZES: TableSchema = TableSchema {
    name: "sizes",
    row: "heap and size: its busy blocks of that size",
    order: "heap_id, requested_bytes",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        column("requested_bytes", Kind::U64, "bytes that the program asked for, of each block"),
        column("allocation_count", Kind::U64, "blocks"),
    ],
};

/// What blocks begin with.
pub const BLOCK_CONTENTS: TableSchema = TableSchema {
    name: "contents",
    row: "heap and what its busy blocks begin with",
    order: "heap_id, begins_with, target",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        column(
            "begins_with",
            Kind::Text,
            "`vtable` (a pointer into a module, to pointers to code: an object of a class), `module` (another pointer into a \
             module), `heap` (a pointer into a heap), `text`, `wide_text` (UTF-16), `zero`, `other`, `short` (no room for a \
             pointer) or `absent` (not in the dump). Blocks of the debug CRT are looked at behind its header",
        ),
        nullable("target", Kind::U64, "neither `vtable` nor `module`", "address that the pointer has"),
        nullable("module", Kind::Text, "neither `vtable` nor `module`", "module that it points into: `modules.name`"),
        nullable("module_offset", Kind::U64, "neither `vtable` nor `module`", "bytes from the module's base"),
        nullable(
            "target_name",
            Kind::Text,
            "nobody asked symbols (`Dump.with_symbols`), or they name nothing that begins right there",
            "what begins at the target, by symbols: of a vtable its class, else the data; all names, with bars between, where \
             the linker folded several",
        ),
        column("requested_bytes", Kind::U64, "sum of the bytes asked for; without what the debug CRT added"),
        column("allocation_count", Kind::U64, "blocks"),
    ],
};

/// Blocks of the debug CRT.
pub const CRT_BLOCKS: TableSchema = TableSchema {
    name: "crt_blocks",
    row: "heap and place in a program where the debug CRT was asked for blocks that are busy",
    order: "heap_id; then the address of the file's name, source_line, block_use",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        nullable("file", Kind::Text, "none was given, or its name is not in the dump", "source file, as compiled"),
        nullable("source_line", Kind::U32, "none was given", "line in the source file"),
        column("block_use", Kind::Text, "`normal`, `crt`, `ignore`, `client` or `free`: the use that the CRT noted"),
        column("requested_bytes", Kind::U64, "sum of the bytes that the program asked for"),
        column("allocation_count", Kind::U64, "blocks"),
        column("first_request", Kind::U32, "least request number, as `_CrtSetBreakAlloc` takes it"),
        column("last_request", Kind::U32, "largest request number"),
    ],
};

/// The tables of the heaps of a minidump, in the order of documentation; `usage`, `stacks`, `frames` and `issues`
/// have the columns of others.
pub const HEAP_TABLES: [&TableSchema; 10] = [
    &DUMP_HEAPS,
    &HEAP_SEGMENTS,
    &DUMP_ALLOCATIONS,
    &BLOCK_SIZES,
    &BLOCK_CONTENTS,
    &CRT_BLOCKS,
    &USAGE,
    &STACKS,
    &FRAMES,
    &DUMP_ISSUES,
];
