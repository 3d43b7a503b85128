//! The tables that the core answers questions about logs with; what users see is made of them.

use super::{Column, Kind, TableSchema, column, nullable};

/// Answer of [`crate::diff::Diff::sides`], by stack.
pub const SIDES_BY_STACK: TableSchema = TableSchema {
    name: "sides_by_stack",
    row: "stack in use on one side",
    order: "the after side first; then stack, blocks without one last",
    columns: &with_measures([
        SIDE,
        nullable("stack", Kind::U32, "no stack was recorded", "the stack, by its number among those of both sides"),
    ]),
};

/// Answer of [`crate::diff::Diff::sides`], by heap.
pub const SIDES_BY_HEAP: TableSchema = TableSchema {
    name: "sides_by_heap",
    row: "heap in use on one side",
    order: "the after side first; then heap_id",
    columns: &with_measures([SIDE, nullable("heap_base", Kind::U64, "the heap is not named", "address of the heap")]),
};

const SIDE: Column = column("side", Kind::U32, "0 after, 1 before");

/// Columns, and behind them the measures of both sides.
const fn with_measures([first, second]: [Column; 2]) -> [Column; 8] {
    [
        first,
        second,
        nullable(
            "requested_bytes_before",
            Kind::U64,
            TOO_LARGE,
            "bytes the program asked for, before; 0 in a row of the other side",
        ),
        nullable("requested_bytes_after", Kind::U64, TOO_LARGE, "the same, after"),
        nullable(
            "overhead_bytes_before",
            Kind::U64,
            NOT_ALL_WRITTEN,
            "bytes the heap manager added, before; 0 in a row of the other side",
        ),
        nullable("overhead_bytes_after", Kind::U64, NOT_ALL_WRITTEN, "the same, after"),
        nullable("allocation_count_before", Kind::U64, TOO_LARGE, "blocks, before; 0 in a row of the other side"),
        nullable("allocation_count_after", Kind::U64, TOO_LARGE, "the same, after"),
    ]
}

const TOO_LARGE: &str = "it is too large for 64 bits";
const NOT_ALL_WRITTEN: &str = "that side's log does not write all of it, or it is too large for 64 bits";

/// Answer of [`crate::diff::blame`].
pub const BLAME: TableSchema = TableSchema {
    name: "blame",
    row: "stack with frames",
    order: "stack_id",
    columns: &[
        column("stack_id", Kind::U32, "the stack: row of `stacks`"),
        nullable("frame_id", Kind::U32, "the stack has no frame", "the frame the stack counts for: row of `frames`"),
    ],
};

/// Answer of [`crate::snapshot::one_run`].
pub const CARRIED: TableSchema = TableSchema {
    name: "carried",
    row: "stack and module that another log of the run knows for some of its frames",
    order: "source, then stack_id, then module",
    columns: &[
        column("source", Kind::U32, "the snapshot, from 0"),
        column("stack_id", Kind::U32, "the stack: row of its `stacks`"),
        column("module", Kind::Text, "the module that the frames are in"),
        nullable("base", Kind::U64, "the frames are texts", "where the module starts"),
        nullable("own_module", Kind::Text, "there is none", "what the snapshot itself has for the frames"),
        column("known_by", Kind::U32, "the snapshot that knows the module"),
    ],
};

/// Answer of [`crate::diff::Diff::stacks`].
pub const NUMBERED_STACKS: TableSchema = TableSchema {
    name: "numbered_stacks",
    row: "stack of one of several captures",
    order: "the captures as given, then stack_id",
    columns: &[
        nullable("trace_id", Kind::Text, "the line names none", "the id as printed"),
        nullable("fingerprint", Kind::U64, NO_FRAMES, "hash of the content"),
        nullable("depth", Kind::U32, NO_FRAMES, "frames"),
        nullable("alias_of", Kind::U32, "it is the first of its trace id", "the first: row of the `stacks` it is from"),
        nullable(
            "frame",
            Kind::U32,
            "the stack has no frame",
            "the frame the stack counts for: row of all tables `frames`, one behind the other",
        ),
        nullable(
            "content",
            Kind::U32,
            NO_FRAMES,
            "place of the fingerprint among all; stacks of equal frames have the same",
        ),
    ],
};

const NO_FRAMES: &str = "its frames are not in the file";

/// Answer of [`crate::diff::function_labels`] and [`crate::diff::hexadecimal`].
pub const TEXT: TableSchema = TableSchema {
    name: "text",
    row: "frame, or number",
    order: "as given",
    columns: &[nullable("text", Kind::Text, "there is nothing to write", "what it is called")],
};

/// Answer of [`crate::diff::doubtful_names`].
pub const DOUBTFUL_NAMES: TableSchema = TableSchema {
    name: "doubtful_names",
    row: "frame",
    order: "as given",
    columns: &[column("doubtful", Kind::Bool, "its name is probably that of another function")],
};

/// Answer of [`crate::diff::Diff::rank`].
pub const RANKING: TableSchema = TableSchema {
    name: "ranking",
    row: "key of stacks",
    order: "growth of requested bytes, largest first, unknown last; then key",
    columns: &[
        column("key", Kind::U32, "the key, as numbered by the caller"),
        nullable("stack_after", Kind::U32, "that side has none", "the first stack of the after side"),
        nullable("stack_before", Kind::U32, "that side has none", "the first stack of the before side"),
        column("stack", Kind::U32, "the former, else the latter"),
        nullable("requested_bytes_before", Kind::U64, NOT_KNOWN, "bytes the program asked for"),
        nullable("requested_bytes_after", Kind::U64, NOT_KNOWN, "the same, after"),
        nullable("requested_bytes_delta", Kind::I64, NOT_KNOWN, "after - before"),
        nullable("overhead_bytes_before", Kind::U64, NOT_KNOWN, "bytes the heap manager added"),
        nullable("overhead_bytes_after", Kind::U64, NOT_KNOWN, "the same, after"),
        nullable("overhead_bytes_delta", Kind::I64, NOT_KNOWN, "after - before"),
        nullable("allocation_count_before", Kind::U64, NOT_KNOWN, "blocks"),
        nullable("allocation_count_after", Kind::U64, NOT_KNOWN, "the same, after"),
        nullable("allocation_count_delta", Kind::I64, NOT_KNOWN, "after - before"),
    ],
};

const NOT_KNOWN: &str = "a part of it is not known, or it is too large for 64 bits";

/// Answer of [`crate::diff::stack_groups`].
pub const STACK_GROUPS: TableSchema = TableSchema {
    name: "stack_groups",
    row: "stack and group of frames it passes, each pair once",
    order: "stack_id, then order of first appearance in the stack, innermost first",
    columns: &[
        column("stack_id", Kind::U32, "the stack: row of `stacks`"),
        column("group", Kind::U32, "the group, as numbered by the caller"),
    ],
};

/// Answer of [`crate::diff::Diff::paths`].
pub const PATHS: TableSchema = TableSchema {
    name: "paths",
    row: "stack",
    order: "as given",
    columns: &[column(
        "steps",
        Kind::ListU32,
        "what is shown of the stack, step by step, as numbered by the caller; never empty",
    )],
};

/// Answer of [`crate::diff::without_partner`].
pub const WITHOUT_PARTNER: TableSchema = TableSchema {
    name: "without_partner",
    row: "stack that another log has not, or under another id, or with other frames",
    order: "stack_id",
    columns: &[column("stack_id", Kind::U32, "the stack: row of `stacks`")],
};

/// Answer of [`crate::diff::nodes`].
pub const NODES: TableSchema = TableSchema {
    name: "nodes",
    row: "node of a call tree",
    order: "preorder; of siblings those that weigh more first",
    columns: &[
        nullable("parent_id", Kind::U32, "it is the root", "the node above: row of `nodes`"),
        column("depth", Kind::U32, "nodes above it"),
        column("code", Kind::U32, "what it is, as numbered by the caller; 1 for the root"),
        column("span", Kind::U32, "the paths that pass it: row of `spans`"),
        column("ending", Kind::U32, "how many of them end in it, from the first of the span on"),
    ],
};

/// Answer of [`crate::diff::nodes`].
pub const SPANS: TableSchema = TableSchema {
    name: "spans",
    row: "paths that are neighbours in `path_order`",
    order: "as in `nodes`",
    columns: &[
        column("start", Kind::U32, "the first: row of `path_order`"),
        column("end", Kind::U32, "the one behind the last"),
    ],
};

/// Answer of [`crate::diff::nodes`].
pub const PATH_ORDER: TableSchema = TableSchema {
    name: "path_order",
    row: "path",
    order: "as in `nodes`: those that end in a node, then those of the nodes below it",
    columns: &[column("path", Kind::U32, "the path, by its place in what was given")],
};

/// Stacks of [`crate::survival::survival`].
pub const SURVIVAL_STACKS: TableSchema = TableSchema {
    name: "survival_stacks",
    row: "stack that held blocks in a run; blocks without a stack have one row",
    order: "no stack first, then as first seen",
    columns: &[
        column("source", Kind::U32, "the first snapshot that has the stack, from 0"),
        nullable("stack_id", Kind::U32, "no stack was recorded", "the stack there: row of its `stacks`"),
        column("reused_count", Kind::U64, "blocks born after the first snapshot where another had lain before"),
    ],
};

/// Blocks of [`crate::survival::survival`].
pub const LIVES: TableSchema = TableSchema {
    name: "lives",
    row: "stack, birth and end: blocks that were there from one snapshot to another",
    order: "stack, then born, then last",
    columns: &[
        column("stack", Kind::U32, "the stack: row of `survival_stacks`"),
        column("born", Kind::U32, "the first snapshot that has the blocks, from 0"),
        column("last", Kind::U32, "the last snapshot that has them"),
        column("allocation_count", Kind::U64, "blocks"),
        nullable("requested_bytes", Kind::U64, TOO_LARGE, "bytes the program asked for in them"),
    ],
};

/// Answer of [`crate::survival::survivors`].
pub const SURVIVORS: TableSchema = TableSchema {
    name: "survivors",
    row: "stack, birth and point at which blocks of that birth are still there",
    order: "stack, then born, then point",
    columns: &[
        column("stack", Kind::U32, "the stack: row of `survival_stacks`"),
        column("born", Kind::U32, "the first snapshot that has the blocks, from 0"),
        column("point", Kind::U32, "the snapshot, from 0"),
        column("allocation_count", Kind::U64, "blocks still there"),
        nullable("requested_bytes", Kind::U64, TOO_LARGE, "bytes the program asked for in them"),
    ],
};

/// Answer of [`crate::snapshot::look_up`].
pub const NAMES: TableSchema = TableSchema {
    name: "names",
    row: "address that symbols name",
    order: "row",
    columns: &[
        column("row", Kind::U32, "the address, from 0, as given"),
        column("function", Kind::Text, "name of the function"),
        column("offset", Kind::U64, "bytes from the start of the function"),
        nullable("file", Kind::Text, "the symbols do not tell", "source file"),
        nullable("source_line", Kind::U32, "the symbols do not tell", "line in it"),
        column("doubtful", Kind::Bool, "it is perhaps another function"),
    ],
};

/// Answer of [`crate::Snapshot::name_fingerprints`].
pub const NAME_FINGERPRINTS: TableSchema = TableSchema {
    name: "name_fingerprints",
    row: "stack",
    order: "stack_id",
    columns: &[nullable(
        "name_fingerprint",
        Kind::U64,
        "no frame has a function",
        "hash of the modules and functions: equal across builds of a program",
    )],
};
