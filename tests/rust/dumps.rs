//! Sound minidumps: what the plan of a synthetic dump says is in the tables.

use std::borrow::Cow;

use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use heapdelta::{
    Capture, Dump, ErrorKind, Options, Table,
    internals::input::{Source, content::Content},
    read,
    testing::dump::{Plan, Range, Region, State, System, VmCounters},
};

use super::sample_dump::{bytes, full_sample, module_base, range_base, sample};

/// Reads bytes that must be a dump.
pub fn dump(bytes: Vec<u8>) -> Dump {
    match read(Content::new(bytes), &Options::default()) {
        Ok(Capture::Dump(dump)) => dump,
        other => panic!("expected a dump, found {other:?}"),
    }
}

/// A column as text; nulls are `-`.
pub fn column(dump: &Dump, table: &str, name: &str) -> Vec<String> {
    texts(dump.table(table).unwrap(), name)
}

/// The same of any table.
pub fn texts(table: &Table, name: &str) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let columns = table.batches.iter().map(|batch| batch.column_by_name(name).unwrap());
    let text = |column: &ArrayRef| {
        // As ns: names of time zones would need another crate.
        let as_number = matches!(column.data_type(), DataType::Timestamp(..) | DataType::Duration(_));
        let number = || arrow_cast::cast(column, &DataType::Int64).unwrap();
        let column = if as_number { number() } else { column.clone() };
        let format = ArrayFormatter::try_new(&column, &options).unwrap();
        (0..column.len()).map(|row| format.value(row).to_string()).collect::<Vec<_>>()
    };
    columns.flat_map(text).collect()
}

/// The kinds of all issues.
pub fn issues(dump: &Dump) -> Vec<String> {
    column(dump, "issues", "kind")
}

fn numbers(values: impl IntoIterator<Item = u64>) -> Vec<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

#[test]
fn a_sound_dump_has_no_issues() {
    let dump = dump(bytes(&sample()));
    assert_eq!(issues(&dump), Vec::<String>::new());
    let header = &dump.header;
    assert_eq!((header.taken_at, header.flags, header.pointer_width), (Some(1_710_147_900), 0x1826, 64));
    assert_eq!((header.pid, header.process_created_at), (Some(4711), Some(1_710_000_000)));
    assert_eq!((header.user_time, header.kernel_time), (Some(61), Some(7)));
    let words = [&header.os, &header.os_version, &header.service_pack, &header.cpu, &header.comment];
    let words: Vec<&str> = words.into_iter().map(|word| word.as_deref().unwrap()).collect();
    assert_eq!(words, ["windows", "10.0.19045", "Service Pack 1", "amd64", "ein größerer Kommentar"]);
    let exception = header.exception.unwrap();
    assert_eq!((exception.code, exception.address, exception.thread_id), (0xC000_0005, module_base(0) + 0x1234, 100));
}

#[test]
fn streams_list_the_whole_directory() {
    let dump = dump(bytes(&sample()));
    let reasons = column(&dump, "streams", "reason");
    assert_eq!(reasons.len(), 16);
    let unread: Vec<&String> = reasons.iter().filter(|reason| *reason != "-").collect();
    assert_eq!(unread, ["CommentStreamW says it", "an undocumented stream, or a vendor's"]);
    let second = Plan { other: vec![(4, vec![0; 8]), (13, vec![1])], ..sample() };
    let dump = self::dump(bytes(&second));
    let reasons = column(&dump, "streams", "reason").join("\n");
    assert!(reasons.contains("a second stream of its type: the first one counts"), "{reasons}");
    assert!(reasons.contains("no table holds what it says"), "{reasons}");
    assert_eq!(column(&dump, "modules", "base").len(), 4);
}

#[test]
fn modules_have_names_versions_and_identities() {
    let dump = dump(bytes(&sample()));
    assert_eq!(column(&dump, "modules", "name"), ["app", "zusätze", "third", "fourth"]);
    assert_eq!(column(&dump, "modules", "version"), ["1.2.3.4", "1.2.3.4", "1.2.3.4", "-"]);
    assert_eq!(column(&dump, "modules", "product_version")[0], "5.6.7.8");
    let id = "5D1B7A0C4E4C2F1B9C1E6A6B0F3D77211F";
    assert_eq!(column(&dump, "modules", "debug_id"), [id, id, "4B3D2A103", "-"]);
    assert_eq!(column(&dump, "modules", "debug_file")[0], r"D:\build\app.pdb");
    assert_eq!(column(&dump, "unloaded_modules", "name"), ["old", "older"]);
    assert_eq!(column(&dump, "unloaded_modules", "timestamp"), numbers([0x5D00_0000; 2]));
}

#[test]
fn threads_are_one_row_from_three_streams() {
    let dump = dump(bytes(&sample()));
    assert_eq!(column(&dump, "threads", "thread_id"), ["100", "101", "102"]);
    assert_eq!(column(&dump, "threads", "name"), ["main", "-", "Wörker"]);
    assert_eq!(column(&dump, "threads", "suspend_count"), ["0", "1", "2"]);
    assert_eq!(column(&dump, "threads", "start_module"), ["app", "zusätze", "third"]);
    assert_eq!(column(&dump, "threads", "created_at")[0], "1710126400000000000");
    assert_eq!(column(&dump, "threads", "exited_at"), ["-", "-", "-"]);
    assert_eq!(column(&dump, "threads", "exit_status"), ["-", "-", "-"], "259 says that it runs");
    assert_eq!(column(&dump, "threads", "kernel_time")[0], "1000000000");
    assert_eq!(column(&dump, "threads", "instruction_pointer")[2], (module_base(0) + 0x102).to_string());
    assert_eq!(column(&dump, "threads", "stack_base"), numbers((0..3).map(|at| range_base(at) + 0x1000)));
    assert_eq!(column(&dump, "threads", "stack_limit"), numbers((0..3).map(range_base)));
    assert_eq!(column(&dump, "threads", "stack_committed_bytes"), numbers([0x1000; 3]));
    let only_infos = self::dump(bytes(&Plan { threads: None, ..sample() }));
    assert_eq!(column(&only_infos, "threads", "thread_id"), ["100", "101", "102"]);
    assert_eq!(column(&only_infos, "threads", "teb"), ["-", "-", "-"]);
}

#[test]
fn regions_are_told_apart_and_add_up() {
    let mut plan = sample();
    let region = |base, state, protect, kind| Region {
        base,
        size: 0x1000,
        allocation_base: if state == State::Free { 0 } else { base },
        allocation_protect: 4,
        state,
        protect,
        kind,
    };
    let more = [
        region(module_base(1), State::Commit, 0x20, 0x100_0000),
        region(0x50_0000, State::Commit, 4, 0x2_0000),
        region(0x60_0000, State::Commit, 0x104, 0x4_0000),
        region(0x70_0000, State::Commit, 0x800_0004, 0x2_0000),
        region(0x80_0000, State::Commit, 4, 0x2_0000),
        region(0x90_0000, State::Commit, 4, 0x77),
    ];
    plan.regions.get_or_insert_default().extend(more);
    let heap = Range { known: vec![(0x10, 0xFFEE_FFEE_u32.to_le_bytes().to_vec())], ..Range::new(0x70_0000, 0x40) };
    let peb = Range { known: vec![(0x60, 0x80_0123_u64.to_le_bytes().to_vec())], ..Range::new(0x50_0000, 0x80) };
    plan.memory.get_or_insert_default().extend([heap, peb]);
    let dump = dump(bytes(&plan));
    let classes = column(&dump, "regions", "class");
    let own = ["stack", "stack", "stack", "private", "private", "free"];
    assert_eq!(classes[..6], own);
    assert_eq!(classes[6..], ["image", "teb", "mapped", "heap", "peb", "unknown"]);
    assert_eq!(column(&dump, "regions", "module")[5..8], ["-", "zusätze", "-"]);
    assert_eq!(column(&dump, "regions", "thread_id")[..4], ["100", "101", "102", "-"]);
    assert_eq!(column(&dump, "regions", "thread_id")[7], "100");
    assert_eq!(column(&dump, "regions", "state")[3..6], ["commit", "reserve", "free"]);
    assert_eq!(column(&dump, "regions", "allocation_base")[5], "-");
    let protect = column(&dump, "regions", "protect");
    assert_eq!(protect[8..10], ["PAGE_READWRITE|PAGE_GUARD", "PAGE_READWRITE|0x8000000"]);
    assert_eq!(column(&dump, "regions", "type")[11], "0x77");
}

#[test]
fn a_region_without_contents_is_never_called_a_heap() {
    let mut plan = sample();
    plan.memory = None;
    let dump = dump(bytes(&plan));
    assert!(!column(&dump, "regions", "class").contains(&"heap".to_owned()));
}

#[test]
fn handles_and_counters_are_read() {
    let dump = dump(bytes(&sample()));
    assert_eq!(column(&dump, "handles", "handle"), ["4", "8", "12", "16"]);
    assert_eq!(column(&dump, "handles", "type"), ["File", "Event", "Event", "-"]);
    assert_eq!(column(&dump, "handles", "name"), [r"\Device\x", "-", "-", "-"]);
    assert_eq!(column(&dump, "memory_counters", "private_usage"), ["41734144"]);
    assert_eq!(column(&dump, "memory_counters", "virtual_size"), [(9 << 20).to_string()]);
    assert_eq!(column(&dump, "memory_counters", "job_total_commit_limit"), ["-"], "its flag is off");
    assert_eq!(column(&dump, "system_memory", "commit_limit_pages"), ["33"]);
    assert_eq!(column(&dump, "system_memory", "page_size"), ["4096"]);
}

#[test]
fn counters_that_a_writer_left_out_are_null() {
    let counters = |revision, flags| VmCounters {
        revision,
        flags,
        working_set_size: 5,
        private_usage: 7,
        ..VmCounters::default()
    };
    let of = |counters| dump(bytes(&Plan { counters, ..sample() }));
    let first = of(Some(counters(1, 0)));
    assert_eq!(column(&first, "memory_counters", "private_usage"), ["7"]);
    assert_eq!(column(&first, "memory_counters", "virtual_size"), ["-"]);
    assert_eq!(column(&first, "memory_counters", "flags"), ["-"]);
    let base = of(Some(counters(2, 1)));
    assert_eq!(column(&base, "memory_counters", "working_set_size"), ["5"]);
    assert_eq!(column(&base, "memory_counters", "private_usage"), ["-"]);
    let none = of(None);
    assert_eq!(column(&none, "memory_counters", "revision"), ["-"]);
    let unknown = of(Some(counters(9, 1)));
    assert_eq!(issues(&unknown), ["unknown_revision"]);
    assert_eq!(column(&unknown, "memory_counters", "working_set_size"), ["-"]);
}

#[test]
fn memory_is_read_by_address() {
    for plan in [sample(), full_sample()] {
        let dump = dump(bytes(&plan));
        assert_eq!(column(&dump, "memory", "base"), numbers((0..4).map(range_base)));
        let inside = dump.bytes_at(range_base(1) + 8, 16).unwrap();
        let mut expected = Vec::new();
        heapdelta::testing::dump::pattern(7, range_base(1) + 8, 16, &mut expected);
        assert_eq!(*inside, *expected);
        assert!(matches!(inside, Cow::Borrowed(_)), "one range holds it");
        let error = dump.bytes_at(range_base(0) + 0xFF0, 0x40).unwrap_err();
        let expected = "<bytes>: expected 64 bytes at 0x1A000000FF0, found 48 absent from 0x1A000001000 on";
        assert_eq!(error.message(), expected);
        assert!(dump.bytes_at(0, 1).is_err());
        assert!(dump.bytes_at(u64::MAX, u64::MAX).is_err());
        assert!(dump.bytes_at(range_base(0), u64::MAX).is_err());
        assert_eq!(dump.bytes_at(5, 0).unwrap().len(), 0);
    }
}

#[test]
fn memory_is_read_across_ranges() {
    let ranges = vec![Range::new(0x2000, 0x1000), Range::new(0x1000, 0x1000), Range::new(0x3000, 0x10)];
    let dump = dump(bytes(&Plan { memory: Some(ranges), ..sample() }));
    let across = dump.bytes_at(0x1FF0, 0x1020).unwrap();
    let mut expected = Vec::new();
    heapdelta::testing::dump::pattern(7, 0x1FF0, 0x1020, &mut expected);
    assert_eq!(*across, *expected);
    assert!(matches!(dump.bytes_at(0x1FF0, 0x20).unwrap(), Cow::Owned(_)), "the file has them elsewhere");
}

#[test]
fn addresses_of_32_bits_lose_the_sign_that_writers_extend() {
    let high = 0xFFFF_FFFF_8000_0000_u64;
    let mut plan = sample();
    plan.is_64_bit = false;
    plan.system = Some(System { processor_architecture: 0, platform_id: 2, ..System::default() });
    plan.memory = Some(vec![Range::new(high, 0x100)]);
    plan.modules.as_mut().unwrap()[1].base = high;
    plan.regions.as_mut().unwrap()[0].base = high;
    let dump = dump(bytes(&plan));
    assert_eq!(dump.header.pointer_width, 32);
    assert_eq!(column(&dump, "memory", "base"), numbers([0x8000_0000]));
    assert_eq!(column(&dump, "modules", "base")[1], 0x8000_0000_u64.to_string());
    assert_eq!(column(&dump, "regions", "base")[0], 0x8000_0000_u64.to_string());
    assert_eq!(dump.bytes_at(0x8000_0010, 8).unwrap(), dump.bytes_at(high + 0x10, 8).unwrap());
}

#[test]
fn a_path_is_mapped_and_bytes_are_read_alike() {
    let bytes = bytes(&sample());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let Ok(Capture::Dump(mapped)) = read(file.path(), &Options::default()) else { panic!("a dump") };
    let Ok(Capture::Dump(copied)) = read(bytes.as_slice(), &Options::default()) else { panic!("a dump") };
    assert_eq!(mapped.about.byte_count, bytes.len() as u64);
    assert_eq!(column(&mapped, "modules", "path"), column(&copied, "modules", "path"));
    assert_eq!(mapped.bytes_at(range_base(2), 9).unwrap(), copied.bytes_at(range_base(2), 9).unwrap());
}

#[test]
fn a_dump_holds_one_capture() {
    let content = Content::new(bytes(&sample()));
    let capture = |capture| {
        let options = Options { capture: Some(capture), ..Options::default() };
        read(Source::from(content.clone()), &options)
    };
    assert!(matches!(capture(1), Ok(Capture::Dump(_))));
    assert!(matches!(capture(2).unwrap_err().kind(), ErrorKind::NoSuchCapture { wanted: 2, available: 1 }));
}
