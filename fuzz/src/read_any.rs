//! Any bytes through the whole reader: no panic, every line accounted for, and nothing depends on the threads.

use heapdelta::{
    Capture, Error, ErrorKind, Options,
    internals::{
        input::archive::format,
        log::sink::LineCounts,
        table::{
            Table,
            schema::{COMPARISON_TABLES, SNAPSHOT_TABLES},
        },
    },
    read,
};

/// Blocks small enough that inputs of a fuzzer have several.
const BLOCK_SIZE: usize = 48;

/// Reads `data` with one thread and with three.
///
/// # Panics
///
/// If a promise is broken.
pub fn target(data: &[u8]) {
    // `archive_any` is for archives.
    if format(data).is_none() {
        check(data, None);
    }
}

fn check(data: &[u8], capture: Option<usize>) {
    let options = |threads| Options { threads: Some(threads), block_size: BLOCK_SIZE, capture, ..Options::default() };
    match (read(data, &options(1)), read(data, &options(3))) {
        // Minidumps have no lines; `dump_any` is for them.
        (Ok(Capture::Dump(_)), Ok(Capture::Dump(_))) => {}
        (Ok(one), Ok(three)) => {
            if capture.is_none() {
                assert_eq!(about(&one).0.total(), line_count(data, about(&one).1), "lines counted");
            }
            assert_eq!(about(&one), about(&three));
            assert!(same_tables(&one, &three), "tables depend on the threads");
        }
        (Err(one), Err(three)) => {
            assert_eq!(one.to_string(), three.to_string());
            each_capture(data, capture, &one);
        }
        (one, three) => panic!("one thread: {one:?}, three: {three:?}"),
    }
}

fn each_capture(data: &[u8], capture: Option<usize>, error: &Error) {
    match error.kind() {
        ErrorKind::Internal { message } => panic!("a defect: {message}"),
        ErrorKind::ManyCaptures { captures } if capture.is_none() => {
            (1..=captures.len().min(8)).for_each(|capture| check(data, Some(capture)));
        }
        ErrorKind::ManyCaptures { .. } => panic!("capture {capture:?} holds several"),
        _ => {}
    }
}

fn about(log: &Capture) -> (LineCounts, &str) {
    match log {
        Capture::Snapshot(snapshot) => (snapshot.about.lines, &snapshot.about.encoding),
        Capture::Comparison(comparison) => (comparison.about.lines, &comparison.about.encoding),
        Capture::Dump(dump) => (dump.about.lines, &dump.about.encoding),
    }
}

/// Lines by the simplest rule there is: line feeds of the whole text, and a last line without one.
fn line_count(data: &[u8], encoding: &str) -> u64 {
    let utf16 = match encoding {
        "utf-16-le" => Some((encoding_rs::UTF_16LE, &b"\xFF\xFE"[..])),
        "utf-16-be" => Some((encoding_rs::UTF_16BE, &b"\xFE\xFF"[..])),
        _ => None,
    };
    let text = match utf16 {
        Some((encoding, mark)) => {
            let body = data.strip_prefix(mark).unwrap_or(data);
            encoding.decode_without_bom_handling(body).0.into_owned().into_bytes()
        }
        None => data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data).to_vec(),
    };
    let ended = text.is_empty() || text.ends_with(b"\n");
    text.iter().filter(|byte| **byte == b'\n').count() as u64 + u64::from(!ended)
}

fn same_tables(one: &Capture, three: &Capture) -> bool {
    let equal = |one: Option<&Table>, three: Option<&Table>| match (one, three) {
        (Some(one), Some(three)) => one.schema == three.schema && one.batches == three.batches,
        (one, three) => one.is_none() && three.is_none(),
    };
    match (one, three) {
        (Capture::Snapshot(one), Capture::Snapshot(three)) => {
            SNAPSHOT_TABLES.iter().all(|table| equal(one.table(table.name), three.table(table.name)))
        }
        (Capture::Comparison(one), Capture::Comparison(three)) => {
            COMPARISON_TABLES.iter().all(|table| equal(one.table(table.name), three.table(table.name)))
        }
        _ => false,
    }
}
