//! What several tests need: reading text with any options, and tables as text that a person can review.

use arrow_cast::pretty::pretty_format_batches;
use heapdelta::{
    Capture, ErrorKind, Options, Snapshot,
    internals::{log::sink::LineCounts, table::Table},
    read,
};

/// The tables of a dump.
pub const DUMP: [&str; 10] = [
    "modules",
    "unloaded_modules",
    "threads",
    "regions",
    "handles",
    "memory",
    "memory_counters",
    "system_memory",
    "streams",
    "issues",
];

/// Options with a number of threads and a block size.
pub fn options(threads: usize, block_size: usize) -> Options {
    Options { threads: Some(threads), block_size, ..Options::default() }
}

/// Reads text that must be a capture.
pub fn snapshot(text: &[u8]) -> Snapshot {
    match read(text, &options(1, 1 << 20)) {
        Ok(Capture::Snapshot(snapshot)) => snapshot,
        other => panic!("expected a snapshot, found {other:?}"),
    }
}

/// Everything a log says, as text; without the columns named.
pub fn dump(log: &Capture, without: &[&str]) -> String {
    let names: &[&str] = match log {
        Capture::Snapshot(_) => &["allocations", "usage", "stacks", "frames", "modules", "heaps", "sections", "issues"],
        Capture::Comparison(_) => &["rows", "stacks", "frames", "modules", "sections", "issues"],
        Capture::Dump(_) => &DUMP,
    };
    let head = match log {
        Capture::Snapshot(snapshot) => format!("{:?}\n{:?}\n", snapshot.header, snapshot.about.lines),
        Capture::Comparison(comparison) => format!(
            "{} radix {:?} totals {:?} {:?}\n{:?}\n",
            comparison.format,
            comparison.radix,
            comparison.total_requested_delta,
            comparison.total_overhead_delta,
            comparison.about.lines
        ),
        Capture::Dump(dump) => format!("{:?}\n", dump.header),
    };
    let tables = names.iter().map(|name| format!("\n{name}\n{}\n", pretty(table(log, name), without)));
    head + &tables.collect::<String>()
}

/// A table of a log.
pub fn table<'a>(log: &'a Capture, name: &str) -> &'a Table {
    match log {
        Capture::Snapshot(snapshot) => snapshot.table(name).unwrap(),
        Capture::Comparison(comparison) => comparison.table(name).unwrap(),
        Capture::Dump(dump) => dump.table(name).unwrap(),
    }
}

/// The lines of a log.
pub fn lines(log: &Capture) -> LineCounts {
    match log {
        Capture::Snapshot(snapshot) => snapshot.about.lines,
        Capture::Comparison(comparison) => comparison.about.lines,
        Capture::Dump(dump) => dump.about.lines,
    }
}

fn pretty(table: &Table, without: &[&str]) -> String {
    let names = table.schema.fields().iter().enumerate();
    let kept: Vec<usize> =
        names.filter(|(_, field)| !without.contains(&field.name().as_str())).map(|(at, _)| at).collect();
    let batches: Vec<_> = table.batches.iter().map(|batch| batch.project(&kept).unwrap()).collect();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// What an outcome says, whether tables or an error.
pub fn outcome(text: &[u8], options: &Options, without: &[&str]) -> String {
    match read(text, options) {
        Ok(log) => dump(&log, without),
        Err(error) => {
            assert!(!matches!(error.kind(), ErrorKind::Internal { .. }), "{error}");
            error.to_string()
        }
    }
}

/// Lines of a text, counted in the simplest way there is.
pub fn count_lines(text: &[u8]) -> u64 {
    let newlines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    newlines + u64::from(text.last().is_some_and(|byte| *byte != b'\n'))
}
