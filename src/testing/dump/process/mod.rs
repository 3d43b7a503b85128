//! Dumps of the server of [`super::super::investigation`], each taken five minutes after the log of its step.
//!
//! The same process as in the logs: pid, module bases and sizes, heaps and what lies in them. And what only a dump tells:
//!
//! - the heaps' committed memory, which grows as the blocks of the logs do, to the page;
//! - a section of 3 MiB more with every step, some private blocks that are new, grown, shrunk and gone;
//! - `fhprint.dll`, loaded when the first dump was taken and gone in all later ones; `fhexport.dll`, the other way round;
//! - 40 events more with every step, and 3 threads more that start in `fhpreview`; nothing else grows.
//!
//! Both modules came and went within the five minutes, so the logs are right not to list them.
//!
//! Invariant: the answer is counted while the plan is made, never by reading back.

mod objects;
mod program;
mod space;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    super::investigation::{self, program::Run, story},
    Damage, Misc, Plan, System, SystemMemory, VmCounters,
};
use space::Space;
pub use space::Sums;
pub(super) use space::with_free;

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Same seed, same program and same story.
    pub seed: u64,
    /// Which dump of the story, from 0; they are four hours apart.
    pub step: u64,
    /// Which run of the program.
    pub run: u64,
    /// Size of the story, as for the logs.
    pub stack_count: u64,
    /// Width of an address: 64, or 32 for anything else.
    pub pointer_width: u32,
    /// All memory in a Memory64List; otherwise stacks, environment blocks and the starts of heaps in a MemoryList.
    pub full: bool,
    /// A defect of the file.
    pub damage: Option<Damage>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, step: 0, run: 0, stack_count: 2_000, pointer_width: 64, full: false, damage: None }
    }
}

/// What was written. Damage is not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes of the file.
    pub byte_count: u64,
    /// Process id.
    pub pid: u64,
    /// Seconds since 1970, UTC.
    pub taken_at: u64,
    /// Seconds since 1970, UTC.
    pub process_created_at: u64,
    /// Rows of `modules`.
    pub module_count: u64,
    /// Rows of `unloaded_modules`.
    pub unloaded_module_count: u64,
    /// Rows of `threads`.
    pub thread_count: u64,
    /// Rows of `regions`, free ones too.
    pub region_count: u64,
    /// Rows of `handles`.
    pub handle_count: u64,
    /// Rows of `memory`.
    pub memory_range_count: u64,
    /// Bytes of memory contents in the file.
    pub memory_bytes: u64,
    /// `PrivateUsage` of the counters.
    pub private_usage: u64,
    /// Bytes of the blocks that the log of this step lists, with their overhead.
    pub heap_block_bytes: u64,
    /// What the address space is made of.
    pub classes: BTreeMap<&'static str, Sums>,
    /// Bytes of the image of each module, by its name.
    pub modules: BTreeMap<String, u64>,
    /// Handles of each type.
    pub handle_types: BTreeMap<&'static str, u64>,
    /// Threads by where they start: `fhpreview+0x27A8`.
    pub thread_starts: BTreeMap<String, u64>,
}

/// 9 o'clock on 11 March 2024, the time of the first log, and five minutes more.
const FIRST: u64 = 1_710_147_600 + 300;
const STEP: u64 = 4 * 3600;
/// Start of the first run; another one follows between the first two logs.
const CREATED: u64 = 1_710_108_847;
const RUN: u64 = 13 * 3600;
/// Charged to the process for written pages of images: no region shows it.
const IMAGE_COMMIT: u64 = 0x48_0000;

/// The whole dump as a plan.
///
/// # Errors
///
/// `InvalidInput` where the address space of a 32-bit process cannot hold the growth of that many steps.
pub fn plan(options: &Options) -> io::Result<(Plan, Answer)> {
    let is_64_bit = options.pointer_width == 64;
    let run = Run::new(options.seed, options.run, is_64_bit);
    let taken_at = FIRST + STEP * options.step;
    let mut answer = Answer {
        pid: run.pid,
        taken_at,
        process_created_at: (CREATED + RUN * options.run).min(taken_at - 60),
        ..Answer::default()
    };
    let mut plan = Plan {
        time_date_stamp: taken_at as u32,
        flags: if options.full { 0x1826 } else { 0x1864 },
        is_64_bit,
        seed: options.seed,
        ..Plan::default()
    };
    let mut space = Space::new(options, is_64_bit);
    program::put_modules(&mut plan, &mut answer, &mut space, options, &run);
    put_heaps(&mut answer, &mut space, options);
    program::put_private(&mut space, options);
    objects::put_threads(&mut plan, &mut answer, &mut space, options, &run);
    objects::put_handles(&mut plan, &mut answer, options);
    put_header(&mut plan, &mut answer, &space);
    let (regions, ranges) = space.finish(options.full, &mut answer)?;
    plan.regions = Some(regions);
    *(if options.full { &mut plan.memory64 } else { &mut plan.memory }) = Some(ranges);
    Ok((plan, answer))
}

/// Writes one dump of the story.
///
/// # Errors
///
/// What `out` returns, and what [`plan`] does.
pub fn write_process(out: &mut impl Write, options: &Options) -> io::Result<Answer> {
    let (plan, mut answer) = plan(options)?;
    let layout = options.damage.map_or_else(|| plan.layout(), |damage| damage.layout(&plan));
    answer.byte_count = layout.write(out)?;
    Ok(answer)
}

/// Each heap one block of address space, committed as far as the blocks of the log reach.
fn put_heaps(answer: &mut Answer, space: &mut Space, options: &Options) {
    let options = investigation::Options {
        seed: options.seed,
        step: options.step,
        run: options.run,
        stack_count: options.stack_count,
        pointer_width: options.pointer_width,
        ..Default::default()
    };
    for (base, bytes) in story(&options) {
        answer.heap_block_bytes += bytes;
        space.heap(base, investigation::FIRST_BLOCK + bytes);
    }
}

fn put_header(plan: &mut Plan, answer: &mut Answer, space: &Space) {
    let hours = (answer.taken_at - answer.process_created_at) / 3600;
    plan.system = Some(System {
        processor_architecture: if plan.is_64_bit { 9 } else { 0 },
        number_of_processors: 4,
        product_type: 3,
        version: [10, 0, 17763],
        platform_id: 2,
        csd_version: "".into(),
    });
    plan.misc = Some(Misc {
        version: 5,
        process_id: Some(answer.pid as u32),
        process_times: Some([answer.process_created_at, 600 * hours + 41, 45 * hours + 6].map(|time| time as u32)),
        time_zone: "Coordinated Universal Time",
        build_string: "17763.1.synthetic",
    });
    let committed = |class: &str| space.sums.get(class).map_or(0, |sums| sums.committed_bytes);
    let private = ["heap", "stack", "teb", "peb", "private"].map(committed).iter().sum::<u64>() + IMAGE_COMMIT;
    let virtual_size = space.sums.values().map(|sums| sums.committed_bytes + sums.reserved_bytes).sum();
    let working_set = private / 4 * 3 + committed("image") / 2;
    answer.private_usage = private;
    plan.counters = Some(VmCounters {
        revision: 2,
        flags: 0xF,
        page_fault_count: 310_000 + 4_400 * hours as u32,
        peak_working_set_size: working_set + 0x80_0000,
        working_set_size: working_set,
        quota_peak_paged_pool_usage: 0x6_2000,
        quota_paged_pool_usage: 0x6_1400,
        quota_peak_non_paged_pool_usage: 0x1_8000,
        quota_non_paged_pool_usage: 0x1_4200,
        pagefile_usage: private,
        peak_pagefile_usage: private + 0x60_0000,
        peak_virtual_size: virtual_size + 0x200_0000,
        virtual_size,
        private_usage: private,
        private_working_set_size: private / 4 * 3,
        shared_commit_usage: 0x3_1000,
        ..VmCounters::default()
    });
    plan.system_memory = Some(SystemMemory {
        page_size: 0x1000,
        number_of_physical_pages: 4_194_304,
        basic_performance: Some([2_900_000 - private / 0x1000, 1_400_000 + private / 0x1000, 5_242_880, 1_700_000]),
    });
    plan.comment_wide = Some(format!("\r\n*** procdump -m{} {}\r\n*** Manual dump", full_letter(plan), answer.pid));
}

/// As on the command line: all memory, or what is needed.
fn full_letter(plan: &Plan) -> char {
    if plan.flags & 2 != 0 { 'a' } else { 'p' }
}
