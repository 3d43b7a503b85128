//! The tables that captures have of symbols.

use super::{Kind, TableSchema, column, nullable};

/// Where the names of each module come from.
pub const SYMBOLS: TableSchema = TableSchema {
    name: "symbols",
    row: "module in which there are addresses without a name",
    order: "the order of `modules`",
    columns: &[
        column("module", Kind::Text, "name of the module, as `modules.name` has it"),
        nullable("base", Kind::U64, "the file names the module without its address", "address of its first byte"),
        column("debug_file", Kind::Text, "name of the file that a symbol server would be asked for"),
        nullable(
            "wanted_id",
            Kind::Text,
            "neither the file, nor a dump, nor the image beside names the build",
            "identity of the module's symbols, as symbol stores write it: GUID and age in hexadecimal",
        ),
        nullable(
            "found_path",
            Kind::Text,
            "there is no file of that name",
            "the file with the names, or the nearest that was refused",
        ),
        nullable("found_id", Kind::Text, "the file does not tell, or there is none", "identity that the file tells"),
        column(
            "match",
            Kind::Text,
            "what shows that the file is of the module's build: `id`, `id_from_log`, `image`, `name_and_size`, `name`; `none` or \
             `mismatch` where no file was taken",
        ),
        nullable("kind", Kind::Text, "no file was taken", "`private`, `public`, `dwarf` or `breakpad`"),
        column("frame_count", Kind::U32, "addresses in the module that the file gives without a name"),
        column("named_count", Kind::U32, "those that have a name now"),
        nullable("reason", Kind::Text, "all is well", "why no file was taken, or what is in doubt"),
    ],
};

/// Inlined calls.
pub const INLINES: TableSchema = TableSchema {
    name: "inlines",
    row: "call that the compiler inlined at a frame",
    order: "frame_id, then depth",
    columns: &[
        column("frame_id", Kind::U32, "the frame: row of `frames`"),
        column("depth", Kind::U32, "0 for the innermost call"),
        nullable("function", Kind::Text, "the symbols do not name it", "name of the inlined function"),
        nullable("file", Kind::Text, "the symbols do not tell", "source file"),
        nullable("source_line", Kind::U32, "the symbols do not tell", "line in it"),
    ],
};

/// What symbols say of frames beside their names.
pub const FRAME_SYMBOLS: TableSchema = TableSchema {
    name: "frame_symbols",
    row: "frame that symbols named",
    order: "frame_id",
    columns: &[
        column("frame_id", Kind::U32, "the frame: row of `frames`"),
        column("module_offset", Kind::U64, "bytes from the base of the module"),
        nullable("decorated", Kind::Text, "it is the same, or not told", "the name as the linker knows it"),
        column("other_names", Kind::U32, "more names of the same code: the linker folds functions that are alike"),
        column(
            "doubtful",
            Kind::Bool,
            "true if it is so far behind a public symbol that it is perhaps another function",
        ),
    ],
};

/// The tables of symbols.
pub const SYMBOL_TABLES: [&TableSchema; 3] = [&SYMBOLS, &INLINES, &FRAME_SYMBOLS];
