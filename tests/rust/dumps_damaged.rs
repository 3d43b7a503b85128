//! Damaged and hostile minidumps: a bad record costs that record, nothing panics, time and memory stay bounded.

use heapdelta::{
    Capture, Dump, Error, ErrorKind, Options,
    internals::input::content::Content,
    read,
    testing::dump::{CodeView, Damage, Plan, Range, Region, State},
};
use proptest::prelude::*;

use super::{
    dumps::{column, dump, issues},
    sample_dump::{bytes, damaged, full_sample, range_base, sample},
    support::DUMP,
};

fn broken(damage: Damage) -> Dump {
    dump(damaged(&sample(), damage))
}

fn refused(bytes: Vec<u8>) -> Error {
    read(Content::new(bytes), &Options::default()).unwrap_err()
}

#[test]
fn a_file_short_by_a_page_keeps_every_complete_range() {
    let dump = dump(damaged(&full_sample(), Damage::ShortByAPage));
    assert_eq!(column(&dump, "memory", "size"), ["4096", "4096", "4096", "0"]);
    assert_eq!(column(&dump, "memory", "declared_size"), ["4096"; 4]);
    assert_eq!(issues(&dump), ["cut_range"]);
    assert_eq!(column(&dump, "modules", "name").len(), 4);
}

#[test]
fn a_bad_name_costs_its_characters_and_no_module() {
    for (damage, kind) in [
        (Damage::LoneSurrogate, "malformed_text"),
        (Damage::EndlessName, "unreadable_text"),
        (Damage::NamePastTheEnd, "unreadable_text"),
    ] {
        let dump = broken(damage);
        let names = column(&dump, "modules", "name");
        assert_eq!([&*names[0], &*names[2], &*names[3]], ["app", "third", "fourth"], "{damage:?}");
        assert_eq!(issues(&dump), [kind], "{damage:?}");
        assert_eq!(column(&dump, "issues", "index"), ["1"], "{damage:?}");
        assert_eq!(column(&dump, "issues", "stream"), ["ModuleListStream"]);
    }
    assert!(column(&broken(Damage::LoneSurrogate), "modules", "path")[1].contains('\u{FFFD}'));
    assert_eq!(column(&broken(Damage::EndlessName), "modules", "path")[1], "");
    assert_eq!(column(&broken(Damage::OddName), "modules", "name").len(), 4);
}

#[test]
fn a_bad_debug_record_costs_the_debug_id() {
    let dump = broken(Damage::BadCodeView);
    let ids = column(&dump, "modules", "debug_id");
    assert_eq!((&*ids[1], ids.len()), ("-", 4));
    assert_ne!(ids[0], "-");
    assert_eq!(issues(&dump), ["unreadable_debug_record"]);
}

#[test]
fn a_debug_file_without_an_end_costs_its_name_and_not_the_id() {
    let mut plan = sample();
    let file = "x".repeat(0x1_0000);
    plan.modules.as_mut().unwrap()[0].code_view = Some(CodeView::Rsds { guid: [7; 16], age: 1, file });
    let dump = dump(bytes(&plan));
    assert_eq!(column(&dump, "modules", "debug_file")[..2], ["-", r"D:\build\app.pdb"]);
    assert_ne!(column(&dump, "modules", "debug_id")[0], "-");
    assert_eq!(column(&dump, "issues", "kind"), ["unreadable_text"]);
}

#[test]
fn protections_that_all_differ_are_put_into_words_up_to_a_number() {
    let region = |number: u32| Region {
        base: u64::from(number) << 12,
        size: 0x1000,
        allocation_base: 0x1000,
        allocation_protect: 4,
        state: State::Commit,
        protect: 0x100 | number << 11,
        kind: 0x2_0000,
    };
    let protections = column(
        &dump(bytes(&Plan { regions: Some((1..=5000).map(region).collect()), ..Plan::default() })),
        "regions",
        "protect",
    );
    assert_eq!(protections[0], "PAGE_GUARD|0x800");
    assert_eq!(protections[4095], "PAGE_GUARD|0x800000");
    assert_eq!((protections[4096].as_str(), protections[4999].as_str()), ("0x800900", "0x9C4100"));
}

#[test]
fn an_unloaded_module_of_size_0_is_kept() {
    let dump = broken(Damage::EmptyUnloadedModule);
    assert_eq!(column(&dump, "unloaded_modules", "size"), ["0", "12288", "12288"]);
    assert_eq!(issues(&dump), Vec::<String>::new());
}

#[test]
fn chains_that_loop_end() {
    for damage in [Damage::LoopedHandleChain, Damage::LoopedHandlePair] {
        let dump = broken(damage);
        assert_eq!(column(&dump, "handles", "handle").len(), 4);
        assert_eq!(issues(&dump), ["endless_chain"], "{damage:?}");
    }
}

#[test]
fn a_directory_is_read_as_far_as_it_goes() {
    let dump = broken(Damage::StreamCount);
    assert!(issues(&dump).contains(&"cut_directory".to_owned()));
    let entries = column(&dump, "streams", "type").len();
    assert!((16..32).contains(&entries), "{entries}: the directory ends where the first stream begins");
    assert_eq!(column(&dump, "modules", "name").len(), 4);
    let dump = self::dump(damaged(&sample(), Damage::CutDirectory));
    assert_eq!(column(&dump, "streams", "type").len(), 2);
    assert!(issues(&dump).contains(&"cut_directory".to_owned()));
    let dump = broken(Damage::ManyStreams);
    assert_eq!(column(&dump, "streams", "type").len(), 39_016);
    assert_eq!(column(&dump, "modules", "name").len(), 4);
    assert_eq!(issues(&dump), Vec::<String>::new());
}

#[test]
fn overlapping_ranges_are_read_from_the_first() {
    let dump = broken(Damage::OverlappingRanges);
    assert_eq!(issues(&dump), ["overlapping_range"]);
    let mut expected = Vec::new();
    heapdelta::testing::dump::pattern(7, range_base(0) + 0x800, 0x800, &mut expected);
    assert_eq!(*dump.bytes_at(range_base(0) + 0x800, 0x800).unwrap(), *expected);
    assert_eq!(*dump.bytes_at(range_base(0) + 0x1000, 4).unwrap(), [0xEE; 4]);
}

#[test]
fn streams_that_are_not_there_are_issues() {
    for damage in [Damage::StreamPastTheEnd, Damage::StreamOverflow] {
        let dump = broken(damage);
        assert_eq!(column(&dump, "modules", "name"), Vec::<String>::new());
        assert_eq!(issues(&dump), ["cut_stream"], "{damage:?}");
        assert_eq!(column(&dump, "threads", "thread_id").len(), 3);
    }
}

#[test]
fn lists_keep_the_records_that_are_there() {
    let dump = broken(Damage::CountsTooLarge);
    let rows = ["modules", "unloaded_modules", "threads", "regions", "handles", "memory"];
    let counts: Vec<usize> = rows.iter().map(|name| dump.table(name).unwrap().len()).collect();
    assert_eq!(counts, [4, 2, 3, 6, 4, 4]);
    assert!(issues(&dump).iter().all(|kind| kind == "cut_list"), "{:?}", issues(&dump));
    let dump = broken(Damage::RecordSizeZero);
    assert!(issues(&dump).iter().all(|kind| kind == "unreadable_list"), "{:?}", issues(&dump));
    assert_eq!(column(&dump, "modules", "name").len(), 4);
}

#[test]
fn numbers_that_overflow_cost_their_record() {
    let dump = broken(Damage::AddressOverflow);
    assert!(dump.bytes_at(u64::MAX - 8, 64).is_err());
    assert_eq!(issues(&dump), ["impossible_range"; 2]);
    let dump = broken(Damage::OffsetOverflow);
    assert_eq!(column(&dump, "memory", "size"), ["4096", "0", "4096", "4096"]);
    let dump = self::dump(damaged(&full_sample(), Damage::SizeOverflow));
    assert_eq!(issues(&dump), ["cut_range"]);
}

#[test]
fn what_cannot_be_a_dump_is_refused() {
    let kinds = |error: Error| (error.kind().name(), error.message());
    let cut = kinds(refused(damaged(&sample(), Damage::CutHeader)));
    assert_eq!(cut.0, "not_a_dump");
    let (name, message) = kinds(refused([b"MDMP\x01\x02\x03\x04".as_slice(), &[0; 24]].concat()));
    assert_eq!((name, &*message), ("not_a_dump", "<bytes>: expected a minidump, found a header of version 0x0201"));
    let mut far = bytes(&sample());
    far[12..16].fill(0xFF);
    let (name, message) = kinds(refused(far));
    assert_eq!(name, "not_a_dump");
    assert!(message.ends_with("found a directory at byte 4294967295, behind the end of the file"), "{message}");
}

#[test]
fn names_that_many_records_share_stay_bounded() {
    let long = "x".repeat(32_000);
    let mut plan = sample();
    let module = plan.modules.as_ref().unwrap()[0].clone();
    plan.modules = Some(vec![module; 20_000]);
    plan.modules.as_mut().unwrap()[0].path = long.as_str().into();
    let mut file = bytes(&plan);
    let layout = plan.layout();
    let list = layout.place(heapdelta::testing::dump::stream::MODULE_LIST).unwrap().offset as usize;
    let name: [u8; 4] = file[list + 4 + 20..list + 28].try_into().unwrap();
    for record in 0..20_000 {
        let at = list + 4 + 108 * record + 20;
        file[at..at + 4].copy_from_slice(&name);
    }
    let size = file.len();
    let dump = dump(file);
    let text: usize = column(&dump, "modules", "path").iter().map(String::len).sum();
    assert!(text <= 2 * size + (1 << 20), "{text}");
    assert!(issues(&dump).len() <= 2001, "{}", issues(&dump).len());
}

#[test]
fn ranges_that_share_bytes_are_not_multiplied() {
    let range = Range { declared_offset: Some(0), declared_size: Some(0x1000), ..Range::default() };
    let ranges = (0..64).map(|at| Range { base: 0x1000 * at, size: 16, ..range.clone() });
    let plan = Plan { memory: Some(ranges.collect()), ..sample() };
    let dump = dump(bytes(&plan));
    let size = dump.about.byte_count;
    assert!(dump.bytes_at(0, size).is_ok());
    assert!(dump.bytes_at(0, size + 1).is_err(), "no file has more memory than bytes");
}

/// Asks for everything; gives how long it took.
fn everything(bytes: Vec<u8>) {
    match read(Content::new(bytes), &Options::default()) {
        Ok(Capture::Dump(dump)) => {
            for table in DUMP {
                let table = dump.table(table).unwrap();
                assert!(table.batches.iter().all(|batch| batch.schema() == table.schema));
            }
            for (base, size) in column(&dump, "memory", "base").iter().zip(column(&dump, "memory", "size")) {
                let (base, size): (u64, u64) = (base.parse().unwrap(), size.parse().unwrap());
                if let Ok(bytes) = dump.bytes_at(base, size) {
                    assert_eq!(bytes.len() as u64, size);
                }
                let _ = dump.bytes_at(base.wrapping_sub(3), 64);
            }
        }
        Ok(_) => panic!("a log"),
        Err(error) => assert!(!matches!(error.kind(), ErrorKind::Internal { .. }), "{error}"),
    }
}

#[test]
fn every_named_defect_is_read_to_its_end() {
    for (_, damage) in Damage::NAMED {
        for plan in [sample(), full_sample()] {
            everything(damaged(&plan, damage));
        }
    }
}

#[test]
fn a_dump_cut_anywhere_is_read_or_refused() {
    let whole = bytes(&sample());
    for end in (4..whole.len()).step_by(97) {
        everything(whole[..end].to_vec());
    }
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let mut file = bytes(&sample());
        // Most of the file is contents of memory: what says something is before it.
        let end = file.len().min(0x1800);
        for (at, value) in changes {
            file[4 + at.index(end - 4)] = value;
        }
        everything(file);
    }

    #[test]
    fn fields_of_extreme_values_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_usize), 1..12)) {
        const EXTREMES: [u32; 4] = [u32::MAX, 0x8000_0000, 0x7FFF_FFFF, 0];
        let mut file = bytes(&full_sample());
        let end = file.len().min(0x1800) / 4;
        for (at, value) in changes {
            let at = 4 + 4 * at.index(end - 2);
            file[at..at + 4].copy_from_slice(&EXTREMES[value].to_le_bytes());
        }
        everything(file);
    }
}
