//! A small sound dump with every stream, for tests that read it back and for tests that damage it.

use heapdelta::testing::dump::{
    CodeView, Damage, Exception, Handle, Layout, Misc, Module, ObjectInfo, Plan, Range, Region, State, System,
    SystemMemory, Thread, ThreadInfo, UnloadedModule, VmCounters,
};

/// Base of module `number` of the sample.
pub const fn module_base(number: u64) -> u64 {
    0x7FF6_0000_0000 + number * 0x10_0000
}

/// First address of range `number` of the sample.
pub const fn range_base(number: u64) -> u64 {
    0x1A0_0000_0000 + number * 0x1_0000
}

/// `GUID` of the first module, as the file has it.
pub const GUID: [u8; 16] =
    [0x0C, 0x7A, 0x1B, 0x5D, 0x4C, 0x4E, 0x1B, 0x2F, 0x9C, 0x1E, 0x6A, 0x6B, 0x0F, 0x3D, 0x77, 0x21];

/// The dump: four modules, two unloaded ones, three threads, four handles, six regions, four ranges of a page.
pub fn sample() -> Plan {
    Plan {
        time_date_stamp: 1_710_147_900,
        flags: 0x1826,
        is_64_bit: true,
        comment_ansi: Some(b"a comment".to_vec()),
        comment_wide: Some("ein größerer Kommentar".to_owned()),
        modules: Some(modules()),
        unloaded_modules: Some(vec![unloaded("old.dll", 0x40_0000), unloaded("older.dll", 0x50_0000)]),
        threads: Some((0..3).map(thread).collect()),
        thread_infos: Some((0..3).map(thread_info).collect()),
        thread_names: Some(vec![(100, "main".into()), (102, "Wörker".into())]),
        handles: Some(handles()),
        regions: Some(regions()),
        other: vec![(0xFFF0, b"a vendor's own".to_vec())],
        memory: Some((0..4).map(|number| Range::new(range_base(number), 0x1000)).collect()),
        seed: 7,
        ..header()
    }
}

/// The same with all memory in a Memory64List.
pub fn full_sample() -> Plan {
    let mut plan = sample();
    plan.memory64 = plan.memory.take();
    plan
}

fn header() -> Plan {
    Plan {
        system: Some(System {
            processor_architecture: 9,
            number_of_processors: 4,
            product_type: 1,
            version: [10, 0, 19045],
            platform_id: 2,
            csd_version: "Service Pack 1".into(),
        }),
        misc: Some(Misc {
            version: 4,
            process_id: Some(4711),
            process_times: Some([1_710_000_000, 61, 7]),
            time_zone: "UTC",
            build_string: "19045.1",
        }),
        counters: Some(VmCounters {
            revision: 2,
            flags: 0xF,
            page_fault_count: 77,
            peak_working_set_size: 3 << 20,
            working_set_size: 2 << 20,
            pagefile_usage: 5 << 20,
            virtual_size: 9 << 20,
            private_usage: 41_734_144,
            private_working_set_size: 1 << 20,
            ..VmCounters::default()
        }),
        system_memory: Some(SystemMemory {
            page_size: 4096,
            number_of_physical_pages: 1 << 20,
            basic_performance: Some([11, 22, 33, 44]),
        }),
        exception: Some(Exception {
            thread_id: 100,
            code: 0xC000_0005,
            address: module_base(0) + 0x1234,
            information: vec![0, 0x10],
            stack_pointer: range_base(0) + 0x800,
        }),
        ..Plan::default()
    }
}

fn modules() -> Vec<Module> {
    let rsds = CodeView::Rsds { guid: GUID, age: 0x1F, file: r"D:\build\app.pdb".to_owned() };
    let nb10 = CodeView::Nb10 { time_date_stamp: 0x4B3D_2A10, age: 3, file: "third.pdb".to_owned() };
    let module = |number: u64, path: &str, code_view| Module {
        base: module_base(number),
        size: 0x2_0000,
        checksum: 0x100 + number as u32,
        time_date_stamp: 0x5E00_0000 + number as u32,
        path: path.into(),
        version: (number != 3).then_some(([1, 2, 3, 4], [5, 6, 7, 8])),
        code_view,
    };
    vec![
        module(0, r"C:\app\app.exe", Some(rsds.clone())),
        module(1, r"C:\app\zusätze.dll", Some(rsds)),
        module(2, r"C:\app\third.dll", Some(nb10)),
        module(3, r"C:\app\fourth.dll", None),
    ]
}

fn unloaded(name: &str, base: u64) -> UnloadedModule {
    UnloadedModule { base, size: 0x3000, checksum: 9, time_date_stamp: 0x5D00_0000, path: name.into() }
}

fn thread(number: u64) -> Thread {
    Thread {
        thread_id: 100 + number as u32,
        suspend_count: number as u32,
        priority_class: 0x20,
        priority: 8,
        teb: 0x50_0000 + number * 0x2000,
        stack: (range_base(number) + 0x800, 0x800),
        instruction_pointer: Some(module_base(0) + 0x100 + number),
    }
}

fn thread_info(number: u64) -> ThreadInfo {
    ThreadInfo {
        thread_id: 100 + number as u32,
        exit_status: 0x103,
        create_time: 133_546_000_000_000_000,
        kernel_time: 10_000_000,
        user_time: 20_000_000 + number,
        start_address: module_base(number) + 0x40,
        affinity: 0xF,
        ..ThreadInfo::default()
    }
}

fn handles() -> Vec<Handle> {
    let handle = |number: u64, type_name: &str, object_name: Option<&str>| Handle {
        handle: 4 * number + 4,
        type_name: Some(type_name.into()),
        object_name: object_name.map(Into::into),
        attributes: 2,
        granted_access: 0x1F_0003,
        handle_count: 2,
        pointer_count: 40 + number as u32,
        object_infos: Vec::new(),
    };
    let info = |info_type| ObjectInfo { info_type, data: vec![0; 8], next: None };
    let event = Handle { object_infos: vec![info(6), info(1)], ..handle(1, "Event", None) };
    vec![
        handle(0, "File", Some(r"\Device\x")),
        event,
        handle(2, "Event", None),
        Handle { handle: 16, ..Handle::default() },
    ]
}

/// Stacks of the three threads, a block, its reserve, free memory.
fn regions() -> Vec<Region> {
    let region = |number: u64, state: State| Region {
        base: range_base(number),
        size: 0x1000,
        allocation_base: if state == State::Free { 0 } else { range_base(number) },
        allocation_protect: 4,
        state,
        protect: if state == State::Reserve { 0 } else { 4 },
        kind: if state == State::Free { 0 } else { 0x2_0000 },
    };
    let states = [State::Commit, State::Commit, State::Commit, State::Commit, State::Reserve, State::Free];
    (0..).zip(states).map(|(number, state)| region(number, state)).collect()
}

/// A plan as bytes.
pub fn bytes(plan: &Plan) -> Vec<u8> {
    written(&plan.layout())
}

/// A plan as bytes, with a defect.
pub fn damaged(plan: &Plan, damage: Damage) -> Vec<u8> {
    written(&damage.layout(plan))
}

fn written(layout: &Layout) -> Vec<u8> {
    let mut out = Vec::new();
    let byte_count = layout.write(&mut out).unwrap();
    assert_eq!(byte_count, out.len() as u64);
    out
}
