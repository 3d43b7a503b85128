//! Synthetic dumps, read back by the crate `minidump`, which shares nothing with the writer.

mod process;

use heapdelta::testing::dump::{Damage, Misc, Plan, Range, VmCounters, pattern, stream};
use minidump::{
    Minidump, MinidumpException, MinidumpHandleDataStream, MinidumpMemory64List, MinidumpMemoryInfoList,
    MinidumpMemoryList, MinidumpMiscInfo, MinidumpModuleList, MinidumpSystemInfo, MinidumpThreadInfoList,
    MinidumpThreadList, MinidumpThreadNames, MinidumpUnloadedModuleList, Module,
    system_info::{Cpu, Os},
};

use super::sample_dump::{bytes, damaged, full_sample, module_base, range_base, sample};

type Read<'a> = Minidump<'a, &'a [u8]>;

fn read(bytes: &[u8]) -> Read<'_> {
    Minidump::read(bytes).unwrap()
}

#[test]
fn header_reads_back() {
    let bytes = bytes(&sample());
    let dump = read(&bytes);
    assert_eq!((dump.header.time_date_stamp, dump.header.flags), (1_710_147_900, 0x1826));
    assert_eq!(dump.header.stream_count, 16);
    let system = dump.get_stream::<MinidumpSystemInfo>().unwrap();
    assert_eq!((system.os, system.cpu), (Os::Windows, Cpu::X86_64));
    assert_eq!(system.os_parts(), ("10.0.19045".to_owned(), Some("Service Pack 1".to_owned())));
    let exception = dump.get_stream::<MinidumpException<'_>>().unwrap();
    assert_eq!(exception.raw.exception_record.exception_code, 0xC000_0005);
    assert_eq!(exception.context(&system, None).unwrap().get_instruction_pointer(), module_base(0) + 0x1234);
}

#[test]
fn every_version_of_misc_info_is_the_crate_s() {
    for version in 1..=5 {
        let misc = Misc { version, process_id: Some(12), process_times: Some([34, 56, 78]), ..Misc::default() };
        let bytes = bytes(&Plan { misc: Some(misc), ..sample() });
        let dump = read(&bytes);
        let misc = dump.get_stream::<MinidumpMiscInfo>().unwrap();
        assert_eq!(misc.raw.process_id(), Some(&12), "{version}");
        assert_eq!(misc.raw.process_create_time(), Some(&34), "{version}");
        let size = dump.get_raw_stream(stream::MISC_INFO).unwrap().len();
        assert_eq!(size, [24, 44, 232, 832, 1364][usize::from(version) - 1]);
        assert_eq!(misc.raw.build_string().is_some(), version >= 4);
        assert_eq!(misc.raw.process_cookie().is_some(), version == 5);
    }
}

#[test]
fn modules_read_back_with_their_identities() {
    let bytes = bytes(&sample());
    let dump = read(&bytes);
    let list = dump.get_stream::<MinidumpModuleList>().unwrap();
    let modules: Vec<_> = list.iter().collect();
    assert_eq!(modules.len(), 4);
    assert_eq!(modules[1].code_file(), r"C:\app\zusätze.dll");
    assert_eq!(modules[1].version().unwrap(), "1.2.3.4");
    assert_eq!(modules[0].debug_identifier().unwrap().breakpad().to_string(), "5D1B7A0C4E4C2F1B9C1E6A6B0F3D77211f");
    assert_eq!(modules[2].debug_file().unwrap(), "third.pdb");
    assert_eq!(modules[3].version(), None);
    let unloaded = dump.get_stream::<MinidumpUnloadedModuleList>().unwrap();
    assert_eq!(unloaded.iter().map(|module| module.code_file()).collect::<Vec<_>>(), ["old.dll", "older.dll"]);
}

#[test]
fn threads_read_back_with_contexts_and_stacks() {
    for is_64_bit in [true, false] {
        let mut plan = Plan { is_64_bit, ..sample() };
        if let (false, Some(system), Some(threads)) = (is_64_bit, &mut plan.system, &mut plan.threads) {
            system.processor_architecture = 0;
            threads.iter_mut().for_each(|thread| thread.instruction_pointer = Some(0x40_1000));
        }
        let bytes = bytes(&plan);
        let dump = read(&bytes);
        let system = dump.get_stream::<MinidumpSystemInfo>().unwrap();
        let threads = dump.get_stream::<MinidumpThreadList<'_>>().unwrap();
        let memory = dump.get_memory().unwrap();
        for (number, thread) in (0..).zip(&threads.threads) {
            let context = thread.context(&system, None).unwrap();
            let expected = if is_64_bit { module_base(0) + 0x100 + number } else { 0x40_1000 };
            assert_eq!(context.get_instruction_pointer(), expected);
            let stack = range_base(number) + 0x800;
            assert_eq!(context.get_stack_pointer(), if is_64_bit { stack } else { stack & 0xFFFF_FFFF });
            let mut word = Vec::new();
            pattern(7, stack, 8, &mut word);
            assert_eq!(
                thread.stack_memory(&memory).unwrap().get_memory_at_address::<u64>(stack).unwrap().to_le_bytes(),
                *word
            );
        }
        let infos = dump.get_stream::<MinidumpThreadInfoList>().unwrap();
        assert_eq!(infos.thread_infos[2].raw.start_address, module_base(2) + 0x40);
        let names = dump.get_stream::<MinidumpThreadNames>().unwrap();
        assert_eq!(names.get_name(102).unwrap(), "Wörker");
    }
}

#[test]
fn handles_read_back_with_their_information() {
    let bytes = bytes(&sample());
    let dump = read(&bytes);
    let handles = dump.get_stream::<MinidumpHandleDataStream>().unwrap();
    let types: Vec<_> = handles.iter().map(|handle| handle.type_name.as_deref()).collect();
    assert_eq!(types, [Some("File"), Some("Event"), Some("Event"), None]);
    let handles: Vec<_> = handles.iter().collect();
    assert_eq!(handles[0].object_name.as_deref(), Some(r"\Device\x"));
    assert_eq!(handles[1].object_infos.len(), 2);
}

#[test]
fn memory_reads_back_from_either_list() {
    let mut expected = Vec::new();
    pattern(7, range_base(2), 0x1000, &mut expected);
    let (near, far) = (bytes(&sample()), bytes(&full_sample()));
    let (near, far) = (read(&near), read(&far));
    let list = near.get_stream::<MinidumpMemoryList<'_>>().unwrap();
    assert_eq!(list.memory_at_address(range_base(2)).unwrap().bytes, expected);
    assert_eq!(list.iter().count(), 4);
    let list = far.get_stream::<MinidumpMemory64List<'_>>().unwrap();
    assert_eq!(list.memory_at_address(range_base(2)).unwrap().bytes, expected);
    let regions = near.get_stream::<MinidumpMemoryInfoList<'_>>().unwrap();
    assert_eq!(
        regions.iter().map(|region| region.raw.state).collect::<Vec<_>>(),
        [0x1000, 0x1000, 0x1000, 0x1000, 0x2000, 0x10000]
    );
}

#[test]
fn counters_and_comments_have_the_documented_layout() {
    let bytes = bytes(&sample());
    let dump = read(&bytes);
    let counters = dump.get_raw_stream(stream::PROCESS_VM_COUNTERS).unwrap();
    assert_eq!(counters.len(), 152);
    assert_eq!(counters[88..96], 41_734_144_u64.to_le_bytes());
    assert_eq!(dump.get_raw_stream(stream::SYSTEM_MEMORY_INFO).unwrap().len(), 492);
    assert_eq!(dump.get_raw_stream(stream::COMMENT_A).unwrap(), b"a comment\0");
    assert_eq!(dump.get_raw_stream(0xFFF0).unwrap(), b"a vendor's own");
    let first = VmCounters { revision: 1, flags: 0xF, private_usage: 9, ..VmCounters::default() };
    let bytes = super::sample_dump::bytes(&Plan { counters: Some(first), ..sample() });
    let counters = read(&bytes).get_raw_stream(stream::PROCESS_VM_COUNTERS).unwrap().to_vec();
    assert_eq!((counters.len(), &counters[..4], &counters[72..]), (80, &[1, 0, 0, 0][..], &9_u64.to_le_bytes()[..]));
}

#[test]
fn contents_do_not_depend_on_how_they_are_cut() {
    let range = Range { known: vec![(0x1F_FFFE, vec![1, 2, 3, 4])], ..Range::new(0x1003, 0x30_0000) };
    let whole = bytes(&Plan { memory64: Some(vec![range]), seed: 3, ..Plan::default() });
    let contents = &whole[whole.len() - 0x30_0000..];
    assert_eq!(contents[0x1F_FFFE..0x20_0002], [1, 2, 3, 4]);
    let mut expected = Vec::new();
    for start in [0, 0x3_FFFF, 0x4_0001, 0x12_3456] {
        pattern(3, 0x1003 + start, 100, &mut expected);
        assert_eq!(contents[start as usize..][..100], expected, "{start:#x}");
    }
}

/// The table of what the crate makes of damage: where it changes, the reader of ours is due for a look.
#[test]
fn damage_does_to_the_crate_what_is_known_of_it() {
    let bytes = damaged(&full_sample(), Damage::ShortByAPage);
    assert!(read(&bytes).get_stream::<MinidumpMemory64List<'_>>().is_err());
    for damage in [Damage::LoneSurrogate, Damage::BadCodeView] {
        let bytes = damaged(&sample(), damage);
        assert!(read(&bytes).get_stream::<MinidumpModuleList>().is_err(), "{damage:?}");
    }
    let bytes = damaged(&sample(), Damage::EmptyUnloadedModule);
    assert!(read(&bytes).get_stream::<MinidumpUnloadedModuleList>().is_err());
    for damage in [Damage::StreamCount, Damage::CutHeader, Damage::CutDirectory] {
        assert!(Minidump::read(damaged(&sample(), damage)).is_err(), "{damage:?}");
    }
}

#[test]
fn every_defect_has_a_name_and_changes_the_file() {
    for (name, damage) in Damage::NAMED {
        assert_eq!(Damage::of(name), Some(damage));
        let changed = [sample(), full_sample()].iter().any(|plan| damaged(plan, damage) != bytes(plan));
        assert!(changed, "{name}");
    }
}
