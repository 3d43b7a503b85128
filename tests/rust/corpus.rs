//! Real logs and dumps: rows, totals and issues pinned. The corpus is not part of the project, so the tests are ignored unless
//! asked for; `make test` asks for them where there is a corpus.

use std::{fs, path::PathBuf};

use crate::{
    dumps::{column, texts},
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

/// A column of the heaps of a dump, as text.
fn of_heaps(dump: &heapdelta::Dump, name: &str, column: &str) -> Vec<String> {
    texts(dump.heap_walk(Some(2), true).unwrap().table(name).unwrap(), column)
}

fn corpus_dump(name: &str) -> heapdelta::Dump {
    match read(shared("dumps", name).as_slice(), &Options::default()).unwrap() {
        Capture::Dump(dump) => dump,
        _ => panic!("{name} is a dump"),
    }
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn heaps_of_both_widths_are_walked() {
    let dump = corpus_dump("fizzbuzz_wow64.dmp");
    let heaps = |column| of_heaps(&dump, "heaps", column);
    let bases = [0x1_0000_u64, 0x2_0000, 0x46_0000, 0x50_0000, 0x70_0000, 0x7EFE_0000];
    assert_eq!(heaps("base"), bases.map(|base| base.to_string()));
    assert_eq!(heaps("bits"), ["64", "64", "32", "64", "32", "64"]);
    assert_eq!(heaps("trust"), ["proved"; 6]);
    assert_eq!(heaps("listed"), ["true", "true", "true", "true", "true", "false"]);
    // What the back end counts, the heap's own blocks among it.
    assert_eq!(heaps("backend_entry_count"), ["1", "1", "9", "25", "161", "188"]);
    assert_eq!(heaps("backend_entry_bytes"), ["64", "64", "10944", "20432", "77120", "17232"]);
    // As `TotalFreeSize` of each: what the front end keeps free comes on top.
    let free = heaps("free_bytes").into_iter().zip(heaps("lfh_free_bytes"));
    let backend = free.map(|(all, lfh)| all.parse::<u64>().unwrap() - lfh.parse::<u64>().unwrap());
    assert_eq!(backend.collect::<Vec<_>>(), [1344, 62784, 8120, 9648, 3384, 560]);
    assert_eq!(heaps("lfh_count")[4], "152");
    assert_eq!(heaps("lfh_free_count")[4], "102");
    assert_eq!(heaps("large_count"), ["0"; 6], "the memory of the front end is nobody's block");
    assert_eq!(heaps("unknown_bytes"), ["0"; 6]);
    assert!(heaps("proof")[4].contains("152 of 152 LFH keys"));
    assert_eq!(of_heaps(&dump, "issues", "kind"), ["heap_list"]);
    let counted: u64 = heaps("busy_count").iter().map(|count| count.parse::<u64>().unwrap()).sum();
    let of_sizes = of_heaps(&dump, "sizes", "allocation_count");
    assert_eq!(of_sizes.iter().map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), counted);
    let of_contents = of_heaps(&dump, "contents", "allocation_count");
    assert_eq!(of_contents.iter().map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), counted);
    let states = of_heaps(&dump, "allocations", "state");
    assert_eq!(states.iter().filter(|state| *state == "busy").count() as u64, counted);
    let classes = column(&dump, "regions", "class");
    let heap_regions = column(&dump, "regions", "base").into_iter().zip(classes).filter(|(_, class)| class == "heap");
    let heap_regions: Vec<String> = heap_regions.map(|(base, _)| base).collect();
    assert!(bases.iter().all(|base| heap_regions.contains(&base.to_string())), "{heap_regions:?}");
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn a_part_of_a_heap_tells_what_proves_itself() {
    let dump = corpus_dump("tiny-exe-fastfail.dmp");
    let heaps = |column| of_heaps(&dump, "heaps", column);
    assert_eq!(heaps("base"), ["-"]);
    assert_eq!(heaps("trust"), ["partial"]);
    assert_eq!((heaps("lfh_count"), heaps("lfh_free_count")), (vec!["127".to_owned()], vec!["38".to_owned()]));
    assert_eq!(heaps("unknown_bytes"), [(3 * 304).to_string()], "three of 168 blocks are not in the dump");
    assert!(heaps("proof")[0].contains("165 of 165 LFH marks; 6 of 6 LFH keys"), "{:?}", heaps("proof"));
}

#[test]
#[ignore = "needs the corpus of real files, which is not part of the project"]
fn damage_in_real_heaps_never_makes_a_wrong_sum() {
    let file = shared("dumps", "fizzbuzz_wow64.dmp");
    let whole = corpus_dump("fizzbuzz_wow64.dmp");
    let number = |dump: &heapdelta::Dump, column: &str| -> Vec<u64> {
        of_heaps(dump, "heaps", column).iter().filter_map(|value| value.parse().ok()).collect()
    };
    let busy: u64 = number(&whole, "busy_count").iter().sum();
    let start = whole.bytes_at(0x70_0000, 1).unwrap().as_ptr() as usize - whole.content().unwrap().as_ptr() as usize;
    for at in 0..200 {
        let mut damaged = file.clone();
        // Bytes of the header, then of blocks all over the segment.
        let place = start + if at < 100 { at * 4 } else { 0x588 + (at - 100) * 779 % 0x1_3000 };
        damaged[place] ^= 1 << (at % 8);
        let Capture::Dump(dump) = read(damaged.as_slice(), &Options::default()).unwrap() else { panic!("a dump") };
        let parts = ["busy_bytes", "free_bytes", "overhead_bytes", "uncommitted_bytes", "unknown_bytes"];
        let parts = parts.map(|part| number(&dump, part));
        for (heap, reserved) in number(&dump, "reserved_bytes").iter().enumerate() {
            assert_eq!(parts.iter().map(|part| part[heap]).sum::<u64>(), *reserved, "byte {place:#X}");
        }
        assert!(number(&dump, "busy_count").iter().sum::<u64>() <= busy + 1, "byte {place:#X}");
    }
}
