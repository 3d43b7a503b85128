//! Every defect of a dump: which issues it becomes, what is kept, and that neither memory nor time runs away.
//!
//! What is kept is never less than Microsoft's engine keeps: every other record of the list, every complete range.

mod bounds;

use arrow_array::{cast::AsArray, types::UInt64Type};
use heapdelta::{
    Capture, Dump, ErrorKind, Options, read,
    testing::dump::{Damage, Plan, Text, pattern, stream},
};

use super::sample_dump::{bytes, damaged, full_sample, range_base, sample};

/// The tables of a dump but for `issues`, in the order of [`COUNTS`].
const TABLES: [&str; 7] = ["modules", "unloaded_modules", "threads", "regions", "handles", "memory", "streams"];
/// Their rows in the sound sample.
const COUNTS: [usize; 7] = [4, 2, 3, 6, 4, 4, 16];

fn dump(bytes: &[u8]) -> Dump {
    match read(bytes, &Options::default()) {
        Ok(Capture::Dump(dump)) => dump,
        other => panic!("expected a dump, found {other:?}"),
    }
}

fn rows(dump: &Dump, table: &str) -> usize {
    dump.table(table).unwrap().batches.iter().map(|batch| batch.num_rows()).sum()
}

fn counts(dump: &Dump) -> [usize; 7] {
    TABLES.map(|table| rows(dump, table))
}

/// Values of a text column, empty where null.
fn texts(dump: &Dump, table: &str, column: &str) -> Vec<String> {
    let batches = &dump.table(table).unwrap().batches;
    let columns = batches.iter().map(|batch| batch.column_by_name(column).unwrap().as_string_view());
    columns
        .flat_map(|column| column.iter().map(|text| text.unwrap_or_default().to_owned()).collect::<Vec<_>>())
        .collect()
}

/// Values of a column of 64-bit numbers.
fn numbers(dump: &Dump, table: &str, column: &str) -> Vec<Option<u64>> {
    let batches = &dump.table(table).unwrap().batches;
    let columns = batches.iter().map(|batch| batch.column_by_name(column).unwrap().as_primitive::<UInt64Type>());
    columns.flat_map(|column| column.iter().collect::<Vec<_>>()).collect()
}

/// Issues as `kind stream index +bytes`, the last from the start of their stream.
fn issues(dump: &Dump) -> Vec<String> {
    let (kinds, streams) = (texts(dump, "issues", "kind"), texts(dump, "issues", "stream"));
    let (indices, places) = (numbers(dump, "issues", "index"), numbers(dump, "issues", "byte"));
    let starts = numbers(dump, "streams", "offset");
    let names = texts(dump, "streams", "name");
    let line = |at: usize| {
        let start = names.iter().position(|name| *name == streams[at] && !name.is_empty()).and_then(|row| starts[row]);
        let index = indices[at].map_or("-".to_owned(), |index| index.to_string());
        let place = places[at].map_or(0, |place| place.wrapping_sub(start.unwrap_or(0)));
        format!("{} {} {index} +{place}", kinds[at], streams[at])
    };
    (0..kinds.len()).map(line).collect()
}

/// Rows of the sample where one table has another number of them.
fn with(table: &str, rows: usize) -> [usize; 7] {
    let mut counts = COUNTS;
    counts[TABLES.iter().position(|name| *name == table).unwrap()] = rows;
    counts
}

/// The defect in both kinds of dump: the issues, one list of memory named by `*`, and the rows kept.
fn expect(damage: Damage, expected: &[&str], kept: [usize; 7]) -> Dump {
    let list = |list: &str| expected.iter().map(|line| line.replace('*', list)).collect::<Vec<_>>();
    let full = dump(&damaged(&full_sample(), damage));
    assert_eq!((issues(&full), counts(&full)), (list("Memory64ListStream"), kept), "{damage:?}, full");
    expect_near(damage, &list("MemoryListStream"), kept)
}

fn expect_near(damage: Damage, expected: &[impl AsRef<str>], kept: [usize; 7]) -> Dump {
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    let near = dump(&damaged(&sample(), damage));
    assert_eq!((issues(&near), counts(&near)), (expected.into_iter().map(str::to_owned).collect(), kept), "{damage:?}");
    near
}

#[test]
fn sound_dump_has_no_issue() {
    for plan in [sample(), full_sample()] {
        let dump = dump(&bytes(&plan));
        assert_eq!((issues(&dump), counts(&dump)), (vec![], COUNTS));
    }
}

#[test]
fn file_short_by_a_page_keeps_every_complete_range() {
    let dump = expect_near(Damage::ShortByAPage, &["cut_range MemoryListStream 3 +52"], COUNTS);
    assert_eq!(numbers(&dump, "memory", "size"), [0x1000, 0x1000, 0x1000, 0].map(Some));
    assert_eq!(numbers(&dump, "memory", "declared_size"), [Some(0x1000); 4]);
    let full = super::damage::dump(&damaged(&full_sample(), Damage::ShortByAPage));
    assert_eq!(issues(&full), ["cut_range Memory64ListStream 3 +64"]);
    for dump in [dump, full] {
        let mut expected = Vec::new();
        pattern(7, range_base(2), 0x1000, &mut expected);
        assert_eq!(*dump.bytes_at(range_base(2), 0x1000).unwrap(), expected);
        let error = dump.bytes_at(range_base(3), 64).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::AbsentMemory { absent_size: 64, .. }), "{error}");
    }
}

#[test]
fn bad_module_costs_what_is_bad_of_it() {
    let second = "ModuleListStream 1 +112";
    for (damage, kind, name, has_id) in [
        (Damage::LoneSurrogate, "malformed_text", "zusätz\u{FFFD}e", true),
        (Damage::BadCodeView, "unreadable_debug_record", "zusätze", false),
        (Damage::EndlessName, "unreadable_text", "", true),
        (Damage::NamePastTheEnd, "unreadable_text", "", true),
    ] {
        let dump = expect(damage, &[&format!("{kind} {second}")], COUNTS);
        let names = texts(&dump, "modules", "name");
        assert_eq!([&names[0], &names[2], &names[3]], ["app", "third", "fourth"], "{damage:?}");
        assert_eq!(names[1], name, "{damage:?}");
        let ids = texts(&dump, "modules", "debug_id");
        assert_eq!(ids[1].is_empty(), !has_id, "{damage:?}");
        assert_eq!(ids[2], "4B3D2A103");
    }
}

#[test]
fn text_that_goes_past_the_end_is_read_as_far_as_it_goes() {
    let mut plan = Plan { modules: sample().modules, ..Plan::default() };
    let path = Text { declared_bytes: Some(0xFFFE), ..r"C:\app\long.dll".into() };
    plan.modules.as_mut().unwrap()[1].path = path;
    let dump = dump(&bytes(&plan));
    assert_eq!(issues(&dump), ["cut_text ModuleListStream 1 +112"]);
    assert!(texts(&dump, "modules", "path")[1].starts_with(r"C:\app\long.dll"));
}

#[test]
fn comment_without_an_end_stops_with_its_stream() {
    let other = vec![(stream::COMMENT_A, vec![b'x'; 5000]), (3 << 16, b"not the comment".to_vec())];
    let dump = dump(&bytes(&Plan { comment_ansi: None, comment_wide: None, other, ..sample() }));
    assert_eq!(dump.header.comment.unwrap(), "x".repeat(5000));
}

#[test]
fn unloaded_module_of_size_0_is_a_row() {
    let dump = expect(Damage::EmptyUnloadedModule, &[], with("unloaded_modules", 3));
    assert_eq!(texts(&dump, "unloaded_modules", "name"), ["empty", "old", "older"]);
    assert_eq!(numbers(&dump, "unloaded_modules", "size")[0], Some(0));
}

#[test]
fn chain_that_loops_costs_nothing_but_itself() {
    for damage in [Damage::LoopedHandleChain, Damage::LoopedHandlePair] {
        let dump = expect(damage, &["endless_chain HandleDataStream 1 +56"], COUNTS);
        assert_eq!(texts(&dump, "handles", "type"), ["File", "Event", "Event", ""]);
    }
}

#[test]
fn cut_header_is_an_error_and_cut_directory_an_issue() {
    for length in 0..32 {
        let error = read(&bytes(&sample())[..length], &Options::default()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::NotADump { .. } | ErrorKind::Empty | ErrorKind::NotALog { .. }),
            "{error}"
        );
    }
    let cut = ["cut_directory  - +56", "cut_stream SystemInfoStream - +0", "cut_stream MiscInfoStream - +0"];
    expect(Damage::CutDirectory, &cut, [0, 0, 0, 0, 0, 0, 2]);
}

#[test]
fn stream_count_beyond_the_file_is_an_issue_and_what_is_there_is_kept() {
    let dump = dump(&damaged(&sample(), Damage::StreamCount));
    assert_eq!(issues(&dump).iter().filter(|issue| issue.starts_with("cut_directory")).count(), 1);
    assert_eq!(counts(&dump)[..6], COUNTS[..6]);
}

#[test]
fn directory_of_39000_entries_is_read() {
    let dump = expect(Damage::ManyStreams, &[], with("streams", 39_016));
    assert_eq!(
        texts(&dump, "streams", "reason")
            .iter()
            .filter(|reason| *reason == "an undocumented stream, or a vendor's")
            .count(),
        39_001
    );
}

#[test]
fn overlapping_ranges_count_in_file_order() {
    let sound = bytes(&sample());
    let dump =
        expect_near(Damage::OverlappingRanges, &["overlapping_range MemoryListStream - +16468"], with("memory", 5));
    let held = dump.bytes_at(range_base(0), 0x1800).unwrap();
    let start = sound.len() - 4 * 0x1000;
    assert_eq!(held[..0x1000], sound[start..start + 0x1000], "the range that is first");
    assert_eq!(held[0x1000..], [0xEE; 0x800], "the rest of the second");
}

#[test]
fn lists_past_the_end_leave_all_others() {
    for damage in [Damage::StreamPastTheEnd, Damage::StreamOverflow] {
        let dump = expect(damage, &["cut_stream ModuleListStream - +0"], with("modules", 0));
        let row = texts(&dump, "streams", "name").iter().position(|name| name == "ModuleListStream").unwrap();
        assert!(texts(&dump, "streams", "reason")[row].starts_with("0 of "));
    }
}

#[test]
fn counts_larger_than_the_file_keep_what_is_there() {
    let cut = |name: &str| format!("cut_list {name} - +0");
    let lists = [
        "ThreadListStream",
        "ModuleListStream",
        "UnloadedModuleListStream",
        "ThreadInfoListStream",
        "ThreadNamesStream",
        "HandleDataStream",
        "MemoryInfoListStream",
        "*",
    ];
    let expected = lists.map(cut);
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let dump = expect(Damage::CountsTooLarge, &expected, COUNTS);
    assert_eq!(texts(&dump, "threads", "name"), ["main", "", "Wörker"]);
}

#[test]
fn records_of_no_size_leave_all_other_lists() {
    let lists = ["UnloadedModuleListStream", "ThreadInfoListStream", "HandleDataStream", "MemoryInfoListStream"];
    let expected = lists.map(|name| format!("unreadable_list {name} - +0"));
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    expect(Damage::RecordSizeZero, &expected, [4, 0, 3, 0, 0, 4, 16]);
}

#[test]
fn offsets_and_sizes_past_32_and_64_bits_do_not_wrap() {
    let dump = expect_near(Damage::OffsetOverflow, &["cut_range MemoryListStream 1 +20"], COUNTS);
    assert_eq!(numbers(&dump, "memory", "size"), [0x1000, 0, 0x1000, 0x1000].map(Some));
    let dump = super::damage::dump(&damaged(&full_sample(), Damage::SizeOverflow));
    assert_eq!((issues(&dump), counts(&dump)), (vec!["cut_range Memory64ListStream 3 +64".to_owned()], COUNTS));
    assert_eq!(numbers(&dump, "memory", "declared_size")[3], Some(u64::MAX));
    assert_eq!(dump.bytes_at(range_base(3), 0x1000).unwrap().len(), 0x1000);
}

/// Both rows are kept as they are written; what there is up to the last address can be read.
#[test]
fn addresses_past_64_bits_do_not_wrap() {
    for plan in [sample(), full_sample()] {
        let dump = dump(&damaged(&plan, Damage::AddressOverflow));
        assert_eq!((rows(&dump, "regions"), rows(&dump, "memory")), (7, 5));
        let top = u64::MAX - 0xFFF;
        assert_eq!(dump.bytes_at(top, 0xFFF).unwrap().len(), 0xFFF);
        assert!(dump.bytes_at(top, 0x2000).is_err());
        assert!(dump.bytes_at(0, 16).is_err(), "nothing wraps to the lowest addresses");
        assert_eq!(dump.bytes_at(range_base(1), 16).unwrap().len(), 16);
    }
}

/// A name cut in the middle of a character: the module and its base are kept.
#[test]
fn name_of_odd_length_keeps_its_module() {
    for plan in [sample(), full_sample()] {
        let dump = dump(&damaged(&plan, Damage::OddName));
        let issue = "malformed_text ModuleListStream 1 +112".to_owned();
        assert_eq!((issues(&dump), counts(&dump)), (vec![issue], COUNTS));
        assert!(texts(&dump, "modules", "path")[1].starts_with(r"C:\app\zusätze.dl"));
    }
}
