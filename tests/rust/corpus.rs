//! Real logs, where the shared corpus is at hand: rows, totals and issues pinned.

use std::{fs, path::PathBuf};

use crate::support::{options, outcome, table};
use arrow_array::{Array, UInt64Array};
use heapdelta::{Log, Options, read};

/// The corpus, or `None` with a word about it: it is not part of the project.
fn corpus(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/logs").join(name);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("SKIPPED: the shared corpus is not here: {name}");
    }
    bytes
}

fn sum(log: &Log, name: &str, column: &str) -> u64 {
    let batches = &table(log, name).batches;
    let values = batches.iter().map(|batch| batch.column_by_name(column).unwrap().clone());
    values.map(|array| array.as_any().downcast_ref::<UInt64Array>().unwrap().iter().flatten().sum::<u64>()).sum()
}

fn sizes(log: &Log, names: &[&str]) -> Vec<usize> {
    names.iter().map(|name| table(log, name).len()).collect()
}

const SNAPSHOT: [&str; 8] = ["allocations", "usage", "stacks", "frames", "modules", "heaps", "sections", "issues"];

fn pinned(name: &str, rows: [usize; 8], requested: u64, lines: u64) {
    let Some(bytes) = corpus(name) else { return };
    let log = read(bytes.as_slice(), &options(2, 64)).unwrap();
    assert_eq!(sizes(&log, &SNAPSHOT), rows, "{name}");
    assert_eq!(sum(&log, "usage", "requested_bytes"), requested, "{name}");
    assert_eq!(crate::support::lines(&log).total(), lines, "{name}");
    for (threads, block_size) in [(1, 1 << 20), (7, 1), (2, 333)] {
        assert_eq!(
            outcome(&bytes, &options(threads, block_size), &[]),
            outcome(&bytes, &options(2, 64), &[]),
            "{name}"
        );
    }
    let crlf = String::from_utf8(bytes.clone()).unwrap().replace('\n', "\r\n");
    assert_eq!(
        outcome(crlf.as_bytes(), &options(2, 64), &["byte"]),
        outcome(&bytes, &options(2, 64), &["byte"]),
        "{name}"
    );
}

#[test]
fn umdh2_logs() {
    pinned("umdh2-x86-win7-alias.log", [11, 7, 12, 173, 17, 2, 19, 2], 1050, 353);
    pinned("umdh2-x86-win7-trimmed.log", [9, 5, 5, 46, 17, 2, 19, 2], 918, 167);
}

#[test]
fn umdh1_logs() {
    pinned("umdh1-win2000-notepad.log", [2, 2, 3, 14, 0, 1, 0, 0], 0x340, 51);
    pinned("umdh1-hog-leakyfunc.txt", [1, 1, 1, 12, 0, 1, 0, 0], 0x5320, 13);
}

#[test]
fn failed_runs_quote_the_tool() {
    let Some(bytes) = corpus("umdh1-failed-runs.txt") else { return };
    let said = |capture| {
        let options = Options { capture, ..options(1, 64) };
        read(bytes.as_slice(), &options).unwrap_err().to_string()
    };
    assert!(said(None).contains("found 2: capture 1 at line 2 (UMDH: Logtime 2000-06-28 12:43"), "{}", said(None));
    assert!(said(Some(1)).contains("SymGetSymFromName"), "{}", said(Some(1)));
    assert!(said(Some(2)).contains("OpenProcess failed, LastError = 0x57"), "{}", said(Some(2)));
    assert!(said(Some(2)).starts_with("<bytes>:11: "), "{}", said(Some(2)));
}

#[test]
fn comparisons() {
    let rows = ["rows", "stacks", "frames", "issues"];
    let expected = [
        ("dhcmp-hex.txt", [1, 1, 0, 0], Some(16), Some(0x5320)),
        ("umdh2-compare-decimal-fragment.txt", [1, 1, 7, 1], Some(10), None),
        ("umdh2-compare-empty-10.0.19041.txt", [0, 0, 0, 0], None, Some(0)),
        ("umdh2-compare-hex-source-lines.txt", [3, 2, 19, 1], Some(16), None),
    ];
    for (name, sizes_expected, radix, total) in expected {
        let Some(bytes) = corpus(name) else { continue };
        let log = read(bytes.as_slice(), &options(1, 64)).unwrap();
        assert_eq!(sizes(&log, &rows), sizes_expected, "{name}");
        let Log::Comparison(comparison) = &log else { panic!("{name} is a comparison") };
        assert_eq!((comparison.radix, comparison.total_requested_delta), (radix, total), "{name}");
    }
}
