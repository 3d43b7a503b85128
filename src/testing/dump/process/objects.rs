//! Threads with their stacks and environment blocks, and handles.

use super::{
    super::{
        Handle, ObjectInfo, Plan, Range, State, Thread, ThreadInfo,
        memory::{GUARD, PRIVATE, READ_WRITE},
    },
    Answer, Options,
    space::{Allocation, Part, Space},
};
use crate::testing::{
    investigation::program::{CULPRIT, Frame, MODULES, Run, module_named, system},
    random::Random,
};

/// Threads of the process: where they start, how many, how many more with every step, and the name of each.
type Kind = (Frame, u64, u64, Option<&'static str>);

const STACK: u64 = 0x10_0000;
const STACK_APART: u64 = 0x11_0000;
const GUARD_BYTES: u64 = 0x3000;
const TEB: u64 = 0x2000;
const TEB_APART: u64 = 0x1_0000;
/// Steps of 100 ns between 1601 and 1970, and in a second.
const FILE_TIME_1970: u64 = 116_444_736_000_000_000;
const TICKS: u64 = 10_000_000;

fn kinds() -> [Kind; 5] {
    [
        (Frame { module: 0, function: 1, offset: 0 }, 1, 0, Some("main")),
        (system("ntdll", "TppWorkerThread", 0), 9, 0, None),
        (system("ucrtbase", "thread_start", 0), 8, 0, None),
        (system("msvcrt", "_threadstartex", 0), 4, 0, None),
        (Frame { module: module_named(CULPRIT), function: 3, offset: 0 }, 2, 3, Some("preview worker")),
    ]
}

/// Threads; those of a later step come after all others, so that the rest keep their places.
pub fn put_threads(plan: &mut Plan, answer: &mut Answer, space: &mut Space, options: &Options, run: &Run) {
    put_peb(space);
    let mut starts = Vec::new();
    for step in 0..=options.step {
        for (frame, first, more, name) in kinds() {
            let count = if step == 0 { first } else { more };
            starts.extend((0..count).map(|_| (run.address(frame), frame.module, name, step)));
        }
    }
    let (mut threads, mut infos, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (start, module, name, step)) in (0..).zip(starts) {
        let thread_id = (run.pid + 8 + 4 * number) as u32;
        threads.push(thread(space, options, run, thread_id, number));
        let started =
            if step == 0 { answer.process_created_at + number / 4 } else { super::FIRST + super::STEP * step };
        infos.push(ThreadInfo {
            thread_id,
            exit_status: 0x103,
            create_time: FILE_TIME_1970 + TICKS * (started - 90 * step.min(1)),
            kernel_time: TICKS / 50 * (number + 1),
            user_time: TICKS / 4 * (number + 1),
            start_address: start,
            affinity: 0xF,
            ..ThreadInfo::default()
        });
        names.extend(name.map(|name| (thread_id, name.into())));
        let place = format!("{}+0x{:X}", MODULES[module].name(), start - run.bases[module]);
        *answer.thread_starts.entry(place).or_default() += 1;
    }
    answer.thread_count = threads.len() as u64;
    (plan.threads, plan.thread_infos, plan.thread_names) = (Some(threads), Some(infos), Some(names));
}

fn put_peb(space: &mut Space) {
    let base = space.bases.tebs - TEB_APART;
    space.private("peb", base, 0x1000, 0);
    // Not being debugged, nothing else known.
    space.contents(Range { known: vec![(0, vec![0; 0x200])], ..Range::new(base, 0x1000) });
}

/// A thread that waits in the kernel's door, with its stack and environment block.
fn thread(space: &mut Space, options: &Options, run: &Run, thread_id: u32, number: u64) -> Thread {
    let peb = space.bases.tebs - TEB_APART;
    let teb = space.bases.tebs + number * TEB_APART;
    let limit = space.bases.stacks + number * STACK_APART;
    let committed = 0x1000 * Random::of(options.seed, "stack", number).between(4, 24);
    let base = limit + STACK;
    let parts = [
        Part(STACK - committed - GUARD_BYTES, State::Reserve, 0),
        Part(GUARD_BYTES, State::Commit, READ_WRITE | GUARD),
        Part(committed, State::Commit, READ_WRITE),
    ];
    space.allocate(&Allocation { class: "stack", base: limit, protect: READ_WRITE, kind: PRIVATE, parts: &parts });
    space.private("teb", teb, TEB, 0);
    let used = committed.min(0x3000) - 0x240;
    space.contents(Range::new(base - used.next_multiple_of(0x1000), used.next_multiple_of(0x1000)));
    // NT_TIB: StackBase, StackLimit, and Self; then ProcessEnvironmentBlock.
    let word =
        |value: u64| if space.is_64_bit { value.to_le_bytes().to_vec() } else { (value as u32).to_le_bytes().to_vec() };
    let width = if space.is_64_bit { 8 } else { 4 };
    let known =
        vec![(width, [word(base), word(base - committed)].concat()), (6 * width, word(teb)), (12 * width, word(peb))];
    space.contents(Range { known, ..Range::new(teb, TEB) });
    Thread {
        thread_id,
        suspend_count: 0,
        priority_class: 0x20,
        priority: 0,
        teb,
        stack: (base - used, used as u32),
        instruction_pointer: Some(run.address(system("ntdll", "TppWorkerThread", 0x1C4))),
    }
}

/// Handles: type, how many, granted access, name of the first.
const HANDLES: [(&str, u64, u32, Option<&str>); 13] = [
    ("Event", 148, 0x1F_0003, Some(r"\BaseNamedObjects\FernhollowReady")),
    ("File", 37, 0x12_019F, Some(r"\Device\HarddiskVolume3\Fernhollow\data\orders.mdb")),
    ("Key", 29, 0x2_0019, Some(r"\REGISTRY\MACHINE\SOFTWARE\Fernhollow")),
    ("Section", 6, 0xF_0007, Some(r"\BaseNamedObjects\FernhollowShared")),
    ("Semaphore", 17, 0x10_0003, None),
    ("Mutant", 9, 0x1F_0001, Some(r"\BaseNamedObjects\FernhollowSingle")),
    ("Thread", 24, 0x1F_FFFF, None),
    ("IoCompletion", 5, 0x1F_0003, None),
    ("TpWorkerFactory", 3, 0xF_00FF, None),
    ("ALPC Port", 6, 0x1F_0001, None),
    ("Directory", 2, 0x3, Some(r"\KnownDlls")),
    ("EtwRegistration", 51, 0x804, None),
    ("WaitCompletionPacket", 12, 0x1, None),
];
/// Events that are never closed, with every step.
const EVENTS: u64 = 40;

pub fn put_handles(plan: &mut Plan, answer: &mut Answer, options: &Options) {
    let mut handles = Vec::new();
    let leaked = (HANDLES[0].0, EVENTS * options.step, HANDLES[0].2, None);
    for (type_name, count, access, name) in HANDLES.into_iter().chain([leaked]) {
        for number in 0..count {
            handles.push(Handle {
                handle: 4 + 4 * handles.len() as u64,
                type_name: Some(type_name.into()),
                object_name: name.filter(|_| number == 0).map(Into::into),
                attributes: u32::from(number % 7 == 0) * 2,
                granted_access: access,
                handle_count: 2,
                pointer_count: 3 + (number % 5) as u32,
                object_infos: info(type_name),
            });
        }
        *answer.handle_types.entry(type_name).or_default() += count;
    }
    answer.handle_count = handles.len() as u64;
    plan.handles = Some(handles);
}

/// What `MINIDUMP_HANDLE_OBJECT_INFORMATION` says of some types: sizes only, the contents are all zero.
fn info(type_name: &str) -> Vec<ObjectInfo> {
    let (info_type, bytes) = match type_name {
        "Event" => (6, 8),
        "Mutant" => (2, 8),
        "Semaphore" => (8, 8),
        _ => return Vec::new(),
    };
    vec![ObjectInfo { info_type, data: vec![0; bytes], next: None }]
}
