//! Dumps of the story and of benchmarks: their known answers, found by the crate `minidump` and by our reader.

use std::collections::BTreeMap;

use heapdelta::{
    Dump,
    testing::{
        dump::{
            process::{self, write_process},
            reference::{self, write_reference},
        },
        investigation::{self, write_investigation},
    },
};
use minidump::{
    MinidumpHandleDataStream, MinidumpMemory64List, MinidumpMemoryInfoList, MinidumpMemoryList, MinidumpMiscInfo,
    MinidumpModuleList, MinidumpThreadList, MinidumpUnloadedModuleList, Module,
};

use super::{
    super::dumps::{column, dump, issues},
    read,
};

fn process_dump(options: &process::Options) -> (Vec<u8>, process::Answer) {
    let mut out = Vec::new();
    let answer = write_process(&mut out, options).unwrap();
    assert_eq!(out.len() as u64, answer.byte_count);
    (out, answer)
}

#[test]
fn process_dump_is_of_the_process_in_the_log() {
    for pointer_width in [64, 32] {
        let options = process::Options { step: 1, stack_count: 200, pointer_width, ..Default::default() };
        let (bytes, answer) = process_dump(&options);
        let mut log = Vec::new();
        let of_log = investigation::Options { step: 1, stack_count: 200, pointer_width, ..Default::default() };
        let log_answer = write_investigation(&mut log, &of_log).unwrap();
        let log = String::from_utf8(log).unwrap();
        let dump = read(&bytes);
        assert_eq!(dump.get_stream::<MinidumpMiscInfo>().unwrap().raw.process_id(), Some(&(log_answer.pid as u32)));
        let total = log_answer.total;
        assert_eq!(answer.heap_block_bytes, total.requested_bytes + total.overhead_bytes);
        let list = dump.get_stream::<MinidumpModuleList>().unwrap();
        let listed = |module: &dyn Module| {
            let line = format!("//    {:16X} {:8X} {}", module.base_address(), module.size(), module.code_file());
            log.contains(&line)
        };
        assert_eq!(list.iter().filter(|module| listed(*module)).count() as u64, log_answer.module_count);
        assert_eq!(list.iter().count() as u64, answer.module_count);
    }
}

#[test]
fn process_answer_is_what_stands_in_the_dump() {
    for (pointer_width, full) in [(64, false), (32, false), (64, true)] {
        let options = process::Options { step: 2, stack_count: 100, pointer_width, full, ..Default::default() };
        let (bytes, answer) = process_dump(&options);
        let dump = read(&bytes);
        let regions = dump.get_stream::<MinidumpMemoryInfoList<'_>>().unwrap();
        assert_eq!(regions.iter().count() as u64, answer.region_count);
        let sum = |state: u32| -> u64 {
            regions.iter().filter(|region| region.raw.state == state).map(|region| region.raw.region_size).sum()
        };
        assert_eq!(sum(0x1000), answer.classes.values().map(|sums| sums.committed_bytes).sum::<u64>());
        assert_eq!(sum(0x2000), answer.classes.values().map(|sums| sums.reserved_bytes).sum::<u64>());
        let threads = dump.get_stream::<MinidumpThreadList<'_>>().unwrap().threads.len() as u64;
        let handles = dump.get_stream::<MinidumpHandleDataStream>().unwrap().iter().count() as u64;
        let unloaded = dump.get_stream::<MinidumpUnloadedModuleList>().unwrap().iter().count() as u64;
        assert_eq!(
            [threads, handles, unloaded],
            [answer.thread_count, answer.handle_count, answer.unloaded_module_count]
        );
        let ranges = if full {
            dump.get_stream::<MinidumpMemory64List<'_>>().unwrap().iter().map(|range| range.size).collect::<Vec<_>>()
        } else {
            dump.get_stream::<MinidumpMemoryList<'_>>().unwrap().iter().map(|range| range.size).collect()
        };
        assert_eq!((ranges.len() as u64, ranges.iter().sum()), (answer.memory_range_count, answer.memory_bytes));
        assert_eq!(answer.modules.values().sum::<u64>(), answer.classes["image"].committed_bytes);
    }
}

#[test]
fn growth_of_the_process_is_the_one_of_its_logs_and_what_the_story_tells() {
    for pointer_width in [64, 32] {
        let at = |step| process_dump(&process::Options { step, pointer_width, ..Default::default() }).1;
        let (before, after) = (at(0), at(1));
        let grown =
            |class: &str| after.classes[class].committed_bytes as i64 - before.classes[class].committed_bytes as i64;
        let blocks = after.heap_block_bytes - before.heap_block_bytes;
        assert!(grown("heap").abs_diff(blocks as i64) <= 5 * 0x1000, "{} {blocks}", grown("heap"));
        assert_eq!(grown("mapped"), 3 << 20);
        assert_eq!(grown("image"), 0x9_A000 - 0x6_3000);
        assert_eq!(grown("teb"), 3 * 0x2000);
        assert_eq!(grown("private"), 0x4_0000 - 0x8_0000 - 0x10_0000 + 0x20_0000);
        assert_eq!(after.handle_types["Event"] - before.handle_types["Event"], 40);
        assert_eq!(after.handle_count - before.handle_count, 40);
        assert_eq!(after.thread_count - before.thread_count, 3);
        let private = ["heap", "stack", "teb", "peb", "private"].map(grown).iter().sum::<i64>();
        assert_eq!(after.private_usage as i64 - before.private_usage as i64, private);
        assert_eq!((after.pid, after.taken_at), (before.pid, before.taken_at + 4 * 3600));
        assert!(before.modules.contains_key("fhprint") && after.modules.contains_key("fhexport"));
        let restarted = process_dump(&process::Options { step: 1, run: 1, pointer_width, ..Default::default() }).1;
        assert!(restarted.pid != after.pid && restarted.process_created_at > before.taken_at);
        assert_eq!(restarted.classes, after.classes);
    }
}

#[test]
fn growth_that_32_bits_cannot_hold_is_an_error() {
    let options = process::Options { step: 60, pointer_width: 32, ..Default::default() };
    assert!(write_process(&mut Vec::new(), &options).is_err());
}

#[test]
fn reference_dump_has_its_numbers() {
    let options = reference::Options {
        memory_bytes: 16 << 20,
        range_count: 300,
        region_count: 900,
        module_count: 20,
        handle_count: 50,
        thread_count: 4,
        seed: 5,
    };
    let mut bytes = Vec::new();
    let answer = write_reference(&mut bytes, &options).unwrap();
    assert_eq!(answer.byte_count, bytes.len() as u64);
    assert_eq!((answer.memory_bytes, answer.range_count, answer.region_count), (16 << 20, 300, 900));
    let dump = read(&bytes);
    let list = dump.get_stream::<MinidumpMemory64List<'_>>().unwrap();
    assert_eq!(list.iter().map(|range| range.size).sum::<u64>(), answer.memory_bytes);
    assert_eq!(list.iter().count() as u64, answer.range_count);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let ends = list.iter().flat_map(|range| [word(&range.bytes[..8]), word(&range.bytes[range.bytes.len() - 8..])]);
    assert_eq!(ends.fold(0, u64::wrapping_add), answer.end_words);
    let regions = dump.get_stream::<MinidumpMemoryInfoList<'_>>().unwrap();
    let committed = regions.iter().filter(|region| region.raw.state == 0x1000).map(|region| region.raw.region_size);
    assert_eq!((regions.iter().count(), committed.sum::<u64>()), (900, answer.committed_bytes));
    assert_eq!(dump.get_stream::<MinidumpModuleList>().unwrap().iter().count(), 20);
    assert_eq!(dump.get_stream::<MinidumpHandleDataStream>().unwrap().iter().count(), 50);
}

#[test]
fn reference_dump_of_too_small_numbers_is_still_sound() {
    let options =
        reference::Options { memory_bytes: 1, range_count: 1, region_count: 1, ..reference::Options::FULL_1G };
    let mut bytes = Vec::new();
    let answer = write_reference(&mut bytes, &options).unwrap();
    assert_eq!(answer.range_count, 3 * 250 + 2 * 64 + 2);
    assert_eq!(
        read(&bytes).get_stream::<MinidumpMemory64List<'_>>().unwrap().iter().count() as u64,
        answer.range_count
    );
}

/// Sums of a column by another, over the rows that `keep` wants.
fn sums(dump: &Dump, table: &str, key: &str, value: &str, keep: impl Fn(usize) -> bool) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (row, (key, value)) in column(dump, table, key).into_iter().zip(column(dump, table, value)).enumerate() {
        if keep(row) {
            *sums.entry(key).or_default() += value.parse::<u64>().unwrap();
        }
    }
    sums
}

fn numbers(dump: &Dump, table: &str, name: &str) -> Vec<u64> {
    column(dump, table, name).iter().map(|value| value.parse().unwrap()).collect()
}

/// Where each thread starts, as the answer writes it.
fn thread_starts(dump: &Dump) -> BTreeMap<String, u64> {
    let bases: BTreeMap<String, u64> =
        column(dump, "modules", "name").into_iter().zip(numbers(dump, "modules", "base")).collect();
    let mut starts = BTreeMap::new();
    let modules = column(dump, "threads", "start_module");
    for (module, address) in modules.into_iter().zip(numbers(dump, "threads", "start_address")) {
        *starts.entry(format!("{module}+0x{:X}", address - bases[&module])).or_default() += 1;
    }
    starts
}

#[test]
fn our_reader_finds_the_answer_of_the_process() {
    for (pointer_width, full) in [(64, false), (32, false), (64, true), (32, true)] {
        let options = process::Options { step: 3, stack_count: 100, pointer_width, full, ..Default::default() };
        let (bytes, answer) = process_dump(&options);
        let dump = dump(bytes);
        assert_eq!(issues(&dump), Vec::<String>::new());
        assert_eq!(dump.header.pid.map(u64::from), Some(answer.pid));
        assert_eq!(dump.header.taken_at, Some(answer.taken_at as i64));
        assert_eq!(dump.header.process_created_at, Some(answer.process_created_at as i64));
        assert_eq!(dump.header.pointer_width, pointer_width);
        let states = column(&dump, "regions", "state");
        let committed = sums(&dump, "regions", "class", "size", |row| states[row] == "commit");
        let reserved = sums(&dump, "regions", "class", "size", |row| states[row] == "reserve");
        let of = |sums: &BTreeMap<String, u64>, class: &str| sums.get(class).copied().unwrap_or(0);
        assert_eq!(committed.len(), answer.classes.len(), "{committed:?}");
        for (class, sums) in &answer.classes {
            let found = (of(&committed, class), of(&reserved, class));
            assert_eq!(found, (sums.committed_bytes, sums.reserved_bytes), "{class}, {pointer_width}, {full}");
        }
        assert_eq!(sums(&dump, "modules", "name", "size", |_| true), answer.modules);
        let types = column(&dump, "regions", "type");
        assert_eq!(sums(&dump, "regions", "module", "size", |row| types[row] == "image"), answer.modules);
        let mut types = BTreeMap::new();
        column(&dump, "handles", "type").into_iter().for_each(|name| *types.entry(name).or_default() += 1);
        assert_eq!(types, answer.handle_types.into_iter().map(|(name, count)| (name.to_owned(), count)).collect());
        assert_eq!(thread_starts(&dump), answer.thread_starts);
        assert_eq!(numbers(&dump, "memory_counters", "private_usage"), [answer.private_usage]);
        assert_eq!(numbers(&dump, "memory", "size").iter().sum::<u64>(), answer.memory_bytes);
        assert_eq!(numbers(&dump, "unloaded_modules", "size").len() as u64, answer.unloaded_module_count);
    }
}
