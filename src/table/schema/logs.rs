//! The tables of heap logs and of comparisons.

use super::{Column, Kind, TableSchema, column, nullable};

const INFERRED: Column = column(
    "inferred",
    Kind::Bool,
    "true if the row was read by what its tokens are, from a section whose layout no public document shows",
);

/// Live blocks, or sums per stack where the tool wrote no more.
pub const ALLOCATIONS: TableSchema = TableSchema {
    name: "allocations",
    row: "live block (umdh2), hog line (umdh1, dh), heap entry (dh, inferred) or call site (dhcmp mode 2)",
    order: "file order",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        nullable("address", Kind::U64, "the line gives sums, not a block", "address of the block"),
        column("requested_bytes", Kind::U64, "bytes the program asked for; for a hog line the sum of its blocks"),
        nullable(
            "overhead_bytes",
            Kind::U32,
            "the tool does not write it (umdh1, dh)",
            "bytes the heap manager added to the block",
        ),
        column("allocation_count", Kind::U32, "blocks this row stands for; 1 for umdh2"),
        nullable(
            "stack_id",
            Kind::U32,
            "no stack was recorded (`BackTrace0`, or no back trace named)",
            "the stack: row of `stacks`",
        ),
        INFERRED,
    ],
};

/// The sums that everything else is made from.
pub const USAGE: TableSchema = TableSchema {
    name: "usage",
    row: "heap and stack: what is live there",
    order: "heap_id, then stack_id, null last",
    columns: &[
        column("heap_id", Kind::U32, "the heap: row of `heaps`"),
        nullable("stack_id", Kind::U32, "no stack was recorded", "the stack: row of `stacks`"),
        nullable("requested_bytes", Kind::U64, TOO_LARGE, "sum of the bytes asked for"),
        nullable(
            "overhead_bytes",
            Kind::U64,
            "the tool does not write it (umdh1, dh), or it is too large for 64 bits",
            "sum of the overhead, bytes",
        ),
        nullable("allocation_count", Kind::U64, TOO_LARGE, "blocks"),
    ],
};

const TOO_LARGE: &str = "it is too large for 64 bits; an issue `sum_overflow` gives it in full";

/// Call stacks, each once.
pub const STACKS: TableSchema = TableSchema {
    name: "stacks",
    row: "distinct stack of the file: a trace id with its frames",
    order: "stack_id: order of definition in the file, then ids whose frames are not in the file",
    columns: &[
        column("stack_id", Kind::U32, "row number, from 0"),
        nullable(
            "trace_id",
            Kind::Text,
            "the line names no id (dhcmp mode 2)",
            "the id as the tool printed it, without `BackTrace`; opaque text",
        ),
        nullable(
            "fingerprint",
            Kind::U64,
            "the frames are not in the file",
            "64-bit hash of the frames (docs/concepts.md): equal across runs, machines and releases",
        ),
        nullable("depth", Kind::U32, "the frames are not in the file", "number of frames"),
        nullable(
            "truncated",
            Kind::Bool,
            "the frames are not in the file",
            "true if outer frames are probably missing: the depth is the tool's limit (16, 32 or 64 frames) and the outermost frame ends fewer than one in a hundred of the shorter stacks; or the file ends inside the stack",
        ),
        nullable(
            "alias_of",
            Kind::U32,
            "the stack is the first of its trace id",
            "the first stack of the same trace id: another one that the tool printed under it (`Alias`)",
        ),
        nullable(
            "frame_ids",
            Kind::ListU32,
            "the frames are not in the file",
            "the frames, rows of `frames`, innermost first",
        ),
        INFERRED,
    ],
};

/// Frames, each once.
pub const FRAMES: TableSchema = TableSchema {
    name: "frames",
    row: "distinct frame of the file",
    order: "frame_id: order of first appearance",
    columns: &[
        column("frame_id", Kind::U32, "row number, from 0"),
        nullable("address", Kind::U64, "the frame was printed resolved", "return address"),
        nullable(
            "module",
            Kind::Text,
            "the address is in no listed module, or the tool wrote `<nomodule>`",
            "name of the module: `modules.name` for an address, as printed for a resolved frame",
        ),
        nullable("function", Kind::Text, "raw address, or the tool wrote `???`", "name of the function"),
        nullable(
            "offset",
            Kind::U64,
            "none printed, or a bare address in no listed module",
            "bytes from the start of the function, or of the module where there is no function",
        ),
        nullable("file", Kind::Text, "no source line was printed", "source file, as printed"),
        nullable("source_line", Kind::U32, "no source line was printed", "line in the source file"),
        column("text", Kind::Text, "the frame as the file has it, without indentation"),
    ],
};

/// Loaded modules.
pub const MODULES: TableSchema = TableSchema {
    name: "modules",
    row: "loaded module",
    order: "file order",
    columns: &[
        nullable("base", Kind::U64, "the file names the module without its address", "address of the first byte"),
        nullable("size", Kind::U64, "the row shows no size", "bytes of address space"),
        column(
            "name",
            Kind::Text,
            "the file name without extension, as a debugger names it; with extension where two modules share the stem; \
             `Unknown_Module_` and the base where the row has no path",
        ),
        column("path", Kind::Text, "path as the tool printed it; empty where the row has none"),
        nullable("version", Kind::Text, "heap logs do not have it", "file version"),
        nullable("timestamp", Kind::U32, "heap logs do not have it", "link time stamp, seconds since 1970 UTC"),
        nullable("debug_id", Kind::Text, "heap logs do not have it", "identity of the module's symbols"),
        nullable("symbols", Kind::Text, "no `DBGHELP:` line names the module", "kind of symbols the tool had loaded"),
        nullable("symbol_file", Kind::Text, "no `DBGHELP:` line names the module", "file of the symbols, as printed"),
        INFERRED,
    ],
};

/// Heaps.
pub const HEAPS: TableSchema = TableSchema {
    name: "heaps",
    row: "heap",
    order: "heap_id: order of first appearance",
    columns: &[
        column("heap_id", Kind::U32, "row number, from 0"),
        nullable("base", Kind::U64, "the blocks are under no heap banner", "address of the heap: its handle"),
        nullable("flags", Kind::U64, "no summary, or `<unknown>`", "flags of the heap"),
        nullable("entry_count", Kind::U64, "no summary, or `<unknown>`", "`Number Of Entries`"),
        nullable("tag_count", Kind::U64, "no summary, or `<unknown>`", "`Number Of Tags`"),
        nullable("allocated_bytes", Kind::U64, "no summary, or `<unknown>`", "`Bytes Allocated`"),
        nullable("committed_bytes", Kind::U64, "no summary, or `<unknown>`", "`Bytes Committed`"),
        nullable("free_bytes", Kind::U64, "no summary, or `<unknown>`", "`Total FreeSpace`"),
        nullable(
            "virtual_chunk_count",
            Kind::U64,
            "no summary, or `<unknown>`",
            "`Number of Virtual Address chunks used`",
        ),
        nullable("address_space_bytes", Kind::U64, "no summary, or `<unknown>`", "`Address Space Used`"),
        nullable("entry_overhead_bytes", Kind::U64, "no summary, or `<unknown>`", "`Entry Overhead`"),
        nullable("creator_stack_id", Kind::U32, "no creator printed", "stack that made the heap: row of `stacks`"),
        nullable(
            "complete",
            Kind::Bool,
            "the format marks no end (umdh1, dh)",
            "true if the heap's end was seen; false if the file stops before it",
        ),
    ],
};

/// Text beside the tables: comments, and sections without a public layout, word for word.
pub const SECTIONS: TableSchema = TableSchema {
    name: "sections",
    row: "line of the preamble, of a trailing comment, or of a section whose layout no public document shows",
    order: "file order",
    columns: &[
        column("section", Kind::Text, "words of the banner that opened the section; `preamble` before the first heap"),
        column("line", Kind::U64, "line number, from 1"),
        column(
            "kind",
            Kind::Text,
            "`comment`, `console`, `symbols`, `banner`, `field`, `module`, `heap_entry`, `stack`, `frame`, `text`: what its tokens make of it",
        ),
        column("text", Kind::Text, "the line, word for word, without its line end"),
        nullable(
            "tokens",
            Kind::Text,
            "the line was not read by tokens",
            "kinds of the tokens, in order, separated by blanks: hex, 0xhex, dec, path, trace, frame, quoted, unknown, word",
        ),
    ],
};

/// What could not be read, or contradicts itself.
pub const ISSUES: TableSchema = TableSchema {
    name: "issues",
    row: "thing that could not be read, or that contradicts the rest of the file",
    order: "line, then byte",
    columns: &[
        column(
            "severity",
            Kind::Text,
            "`error`: something is missing from the tables; `warning`: read, but doubtful; `info`: worth knowing",
        ),
        column("kind", Kind::Text, "stable name of the rule (docs/issues.md)"),
        nullable("line", Kind::U64, "it concerns the whole file", "line number, from 1"),
        nullable(
            "byte",
            Kind::U64,
            "it concerns the whole file, or a trace id",
            "offset of the line in the file, from 0",
        ),
        column("text", Kind::Text, "the line, or what is in doubt"),
        column("action", Kind::Text, "what the reader did about it"),
        column(
            "count",
            Kind::U64,
            "things that the row speaks of: 1, but for a row of those of a kind that are not listed, past the first 1,000",
        ),
    ],
};

/// Rows of a comparison.
pub const ROWS: TableSchema = TableSchema {
    name: "rows",
    row: "stack of the comparison",
    order: "file order: growth first, largest first",
    columns: &[
        nullable("trace_id", Kind::Text, "the line names a call site (dhcmp mode 2)", "the id as the tool printed it"),
        nullable("stack_id", Kind::U32, "no frames were printed and no id either", "the stack: row of `stacks`"),
        column("requested_bytes_before", Kind::U64, "bytes in the older log"),
        column("requested_bytes_after", Kind::U64, "bytes in the newer log"),
        nullable(
            "requested_bytes_delta",
            Kind::I64,
            "64 bits do not hold it; an issue `sum_overflow` gives it",
            "bytes, after - before",
        ),
        nullable("allocation_count_before", Kind::U64, "no count line (dhcmp)", "blocks in the older log"),
        nullable("allocation_count_after", Kind::U64, "neither line gives it", "blocks in the newer log"),
        nullable(
            "allocation_count_delta",
            Kind::I64,
            "no count line (dhcmp), or 64 bits do not hold it",
            "blocks, after - before",
        ),
    ],
};

/// The tables of a snapshot, in the order of documentation.
pub const SNAPSHOT_TABLES: [&TableSchema; 8] =
    [&ALLOCATIONS, &USAGE, &STACKS, &FRAMES, &MODULES, &HEAPS, &SECTIONS, &ISSUES];

/// The tables of a comparison, in the order of documentation.
pub const COMPARISON_TABLES: [&TableSchema; 6] = [&ROWS, &STACKS, &FRAMES, &MODULES, &SECTIONS, &ISSUES];
