//! Real logs and dumps: rows, totals and issues pinned. The corpus is not part of the project, so the tests are ignored unless
//! asked for; `make test` asks for them where there is a corpus.

use std::{fs, path::PathBuf};

use crate::{
    dumps::column,
    support::{DUMP, options, outcome, table},
};
use arrow_array::{Array, UInt64Array};
use heapdelta::{Capture, Options, read};

/// A log of the corpus.
fn corpus(name: &str) -> Vec<u8> {
    shared("logs", name)
}

fn shared(folder: &str, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(folder).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sum(log: &Capture, name: &str, column: &str) -> u64 {
    let batches = &table(log, name).batches;
    let values = batches.iter().map(|batch| batch.column_by_name(column).unwrap().clone());
    values.map(|array| array.as_any().downcast_ref::<UInt64Array>().unwrap().iter().flatten().sum::<u64>()).sum()
}

fn sizes(log: &Capture, names: &[&str]) -> Vec<usize> {
    names.iter().map(|name| table(log, name).len()).collect()
}

const SNAPSHOT: [&str; 8] = ["allocations", "usage", "stacks", "frames", "modules", "heaps", "sections", "issues"];

fn pinned(name: &str, rows: [usize; 8], requested: u64, lines: u64) {
    let bytes = corpus(name);
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
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn umdh2_logs() {
    pinned("umdh2-x86-win7-alias.log", [11, 7, 12, 173, 17, 2, 19, 2], 1050, 353);
    pinned("umdh2-x86-win7-trimmed.log", [9, 5, 5, 46, 17, 2, 19, 2], 918, 167);
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn umdh1_logs() {
    pinned("umdh1-win2000-notepad.log", [2, 2, 3, 14, 0, 1, 0, 0], 0x340, 51);
    pinned("umdh1-hog-leakyfunc.txt", [1, 1, 1, 12, 0, 1, 0, 0], 0x5320, 13);
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn failed_runs_quote_the_tool() {
    let bytes = corpus("umdh1-failed-runs.txt");
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
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn comparisons() {
    let rows = ["rows", "stacks", "frames", "issues"];
    let expected = [
        ("dhcmp-hex.txt", [1, 1, 0, 0], Some(16), Some(0x5320)),
        ("umdh2-compare-decimal-fragment.txt", [1, 1, 7, 1], Some(10), None),
        ("umdh2-compare-empty-10.0.19041.txt", [0, 0, 0, 0], None, Some(0)),
        ("umdh2-compare-hex-source-lines.txt", [3, 2, 19, 2], Some(16), None),
    ];
    for (name, sizes_expected, radix, total) in expected {
        let bytes = corpus(name);
        let log = read(bytes.as_slice(), &options(1, 64)).unwrap();
        assert_eq!(sizes(&log, &rows), sizes_expected, "{name}");
        let Capture::Comparison(comparison) = &log else { panic!("{name} is a comparison") };
        assert_eq!((comparison.radix, comparison.total_requested_delta), (radix, total), "{name}");
    }
}

/// Rows of the tables in the order of [`crate::support::DUMP`].
fn pinned_dump(name: &str, rows: [usize; 10]) -> heapdelta::Dump {
    let bytes = shared("dumps", name);
    let log = read(bytes.as_slice(), &Options::default()).unwrap();
    assert_eq!(sizes(&log, &DUMP), rows, "{name}");
    let Capture::Dump(dump) = log else { panic!("{name} is a dump") };
    dump
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn windows_dumps() {
    {
        let dump = pinned_dump("win10-x64-14threads-vmcounters.dmp", [58, 0, 14, 0, 0, 50, 1, 1, 15, 0]);
        assert_eq!(column(&dump, "memory_counters", "private_usage"), ["41734144"]);
        assert_eq!((dump.header.pid, dump.header.taken_at), (Some(10148), Some(1_476_397_020)));
        assert_eq!(dump.header.os_version.as_deref(), Some("10.0.14393"));
        assert_eq!(dump.header.exception.map(|exception| exception.thread_id), Some(6068));
    }
    {
        let dump = pinned_dump("win11-x64-all-streams.dmp", [25, 1, 1, 557, 147, 65, 1, 1, 8, 0]);
        let sizes = column(&dump, "regions", "size").into_iter().map(|size| size.parse::<u64>().unwrap());
        let states = column(&dump, "regions", "state");
        let committed: u64 = sizes.zip(&states).filter(|(_, state)| *state == "commit").map(|(size, _)| size).sum();
        assert_eq!(committed, 1_236_992 + 12_288 + 52_707_328 + 31_682_560 + 45_056);
        assert_eq!(column(&dump, "threads", "stack_committed_bytes"), ["45056"]);
    }
    {
        let dump = pinned_dump("winxp-x86-crash.dmp", [13, 0, 2, 0, 0, 3, 1, 1, 9, 0]);
        assert_eq!((dump.header.pointer_width, dump.header.service_pack.as_deref()), (32, Some("Service Pack 2")));
        assert_eq!(column(&dump, "modules", "debug_id")[0].len(), 33);
    }
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn other_dumps() {
    {
        let dump = pinned_dump("linux-not-windows.dmp", [8, 0, 1, 0, 0, 2, 1, 1, 14, 1]);
        assert_eq!(dump.header.os.as_deref(), Some("linux"));
        assert_eq!(column(&dump, "issues", "kind"), ["other_system"]);
    }
    {
        let dump = pinned_dump("minimal-memory64.dmp", [0, 0, 0, 0, 0, 2, 1, 1, 3, 1]);
        assert_eq!(dump.header.os.as_deref(), Some("macos"));
    }
    pinned_dump("damaged-invalid-range.dmp", [0, 0, 0, 0, 0, 0, 1, 1, 4, 3]);
    pinned_dump("damaged-record-count.dmp", [0, 0, 0, 0, 0, 0, 1, 1, 16, 12]);
}
