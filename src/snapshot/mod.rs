//! One capture, one comparison or one dump: its header and its tables.

mod by_names;
mod dump;
mod heap_symbols;
mod heap_walk;
pub(crate) mod modules;
mod one_run;
mod same_process;
mod with_modules;
mod with_symbols;

pub use dump::Dump;
pub use heap_walk::HeapWalk;
pub use one_run::{OneRun, one_run};
pub use same_process::{why_not_one_process, why_not_one_run};
pub use with_symbols::{Looked, NamedContents, look_up, name_contents};

use std::{fmt::Write, path::PathBuf};

use arrow_array::{
    Array, PrimitiveArray, RecordBatch, StringViewArray, UInt64Array,
    cast::AsArray,
    types::{ArrowPrimitiveType, UInt32Type, UInt64Type},
};

use crate::{
    log::sink::LineCounts,
    table::{Table, stacks::frames_of},
};

/// What is known of a file, whatever it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The file; absent for bytes without a name.
    pub path: Option<PathBuf>,
    /// `utf-8`, `utf-8-sig`, `utf-16-le`, `utf-16-be` or `windows-1252`: Python's names; `binary` for a dump.
    pub encoding: String,
    /// What became of the lines.
    pub lines: LineCounts,
    /// Bytes of the input.
    pub byte_count: u64,
}

/// The header of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// `umdh2`, `umdh1`, `dh` or `dhcmp-sites`.
    pub format: String,
    /// Version that the tool printed.
    pub tool_version: Option<String>,
    /// Local time of the capture on the customer's machine: `2012-04-30 12:09`, with seconds where they were printed.
    pub taken_at: Option<String>,
    /// Machine name.
    pub machine: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// 64 if any address is above 4 GiB, else 32.
    pub pointer_width: u32,
}

/// One capture as tables.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The file.
    pub about: About,
    /// The header.
    pub header: Header,
    pub(crate) tables: Vec<(&'static str, Table)>,
}

/// One comparison as tables.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The file.
    pub about: About,
    /// `dhcmp` or `umdh-compare`.
    pub format: String,
    /// 10 or 16, as proved or given; absent if every number reads the same either way.
    pub radix: Option<u32>,
    /// Total of requested bytes that the tool printed, after - before.
    pub total_requested_delta: Option<i128>,
    /// Total of overhead bytes that the tool printed, after - before.
    pub total_overhead_delta: Option<i128>,
    pub(crate) tables: Vec<(&'static str, Table)>,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub enum Capture {
    /// A capture.
    Snapshot(Snapshot),
    /// A comparison of two.
    Comparison(Comparison),
    /// A minidump.
    Dump(Dump),
}

fn find<'a>(tables: &'a [(&'static str, Table)], name: &str) -> Option<&'a Table> {
    tables.iter().find(|(known, _)| *known == name).map(|(_, table)| table)
}

impl Snapshot {
    /// A table by its name; see [`crate::schema::SNAPSHOT_TABLES`].
    pub fn table(&self, name: &str) -> Option<&Table> {
        find(&self.tables, name)
    }

    /// A column of 64-bit numbers of a table, batch by batch.
    pub(crate) fn numbers<'a>(&'a self, table: &str, column: &'a str) -> impl Iterator<Item = &'a UInt64Array> {
        let batches = self.table(table).map_or(&[][..], |table| &table.batches);
        batches.iter().filter_map(move |batch| batch.column_by_name(column)?.as_primitive_opt::<UInt64Type>())
    }

    /// The frames of any stack, as a comparison prints them.
    pub(crate) fn stack_texts(&self) -> StackTexts<'_> {
        let batches = |name| find(&self.tables, name).map_or(&[][..], |table| &table.batches);
        StackTexts {
            frames: batches("frames").iter().flat_map(printed).collect(),
            stacks: batches("stacks").iter().flat_map(frames_of).collect(),
        }
    }
}

impl Comparison {
    /// A table by its name; see [`crate::schema::COMPARISON_TABLES`].
    pub fn table(&self, name: &str) -> Option<&Table> {
        find(&self.tables, name)
    }
}

/// The stacks of a snapshot as text.
pub struct StackTexts<'a> {
    frames: Vec<String>,
    stacks: Vec<Option<&'a [u32]>>,
}

impl StackTexts<'_> {
    /// The frames of a stack, innermost first; none if they are not in the file.
    pub fn of_stack(&self, stack_id: u32) -> Vec<&str> {
        let frames = self.stacks.get(stack_id as usize).copied().flatten().unwrap_or_default();
        frames.iter().filter_map(|frame| self.frames.get(*frame as usize)).map(String::as_str).collect()
    }
}

/// Frames as the file has them; an address as `module!???+OFFSET : ADDRESS`, the form that comparisons have for it, because their
/// readers see no module table; one that symbols name with its name, and the line.
fn printed(frames: &RecordBatch) -> Vec<String> {
    let texts = |name| frames.column_by_name(name).and_then(|column| column.as_string_view_opt());
    let numbers = |name| frames.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let (Some(text), Some(module), Some(function)) = (texts("text"), texts("module"), texts("function")) else {
        return Vec::new();
    };
    let (address, offset, file) = (numbers("address"), numbers("offset"), texts("file"));
    let line = frames.column_by_name("source_line").and_then(|column| column.as_primitive_opt::<UInt32Type>());
    let word = |column: &'_ StringViewArray, row, absent: &str| {
        if column.is_valid(row) { column.value(row).to_owned() } else { absent.to_owned() }
    };
    let print = |row| match at(address, row) {
        Some(address) if !text.value(row).contains('!') => {
            let (module, function) = (word(module, row, "<nomodule>"), word(function, row, "???"));
            let mut printed = format!("{module}!{function}+{:08X} : {address:08X}", at(offset, row).unwrap_or(0));
            if let (Some(file), Some(line)) = (file.filter(|file| file.is_valid(row)), at(line, row)) {
                let _ = write!(printed, " ({}, {line})", file.value(row));
            }
            printed
        }
        _ => text.value(row).to_owned(),
    };
    (0..frames.num_rows()).map(print).collect()
}

fn at<T: ArrowPrimitiveType>(column: Option<&PrimitiveArray<T>>, row: usize) -> Option<T::Native> {
    column.filter(|values| values.is_valid(row)).map(|values| values.value(row))
}
