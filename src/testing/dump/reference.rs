//! Full dumps of any size for benchmarks, 64-bit, with known totals.
//!
//! Invariant: there are as many ranges, regions, modules and handles as asked for, and as many bytes of memory to the
//! page; each range is one committed region.

use std::io::{self, Write};

use super::{
    super::random::Random,
    CodeView, Handle, Misc, Module, Plan, Range, Region, State, System, Thread, ThreadInfo, UnloadedModule, VmCounters,
    memory::{EXECUTE_READ, EXECUTE_WRITE_COPY, IMAGE, NO_ACCESS, PRIVATE, READ_ONLY, READ_WRITE},
};

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes of memory contents; whole pages, at least one for each range.
    pub memory_bytes: u64,
    /// Rows of `memory`; at least three for each module and two for each thread.
    pub range_count: u64,
    /// Rows of `regions`; at least as many as ranges.
    pub region_count: u64,
    /// Rows of `modules`.
    pub module_count: u64,
    /// Rows of `handles`.
    pub handle_count: u64,
    /// Rows of `threads`.
    pub thread_count: u64,
    /// Same seed, same dump.
    pub seed: u64,
}

impl Options {
    /// 1 GiB, 8,000 ranges, 16,000 regions, 250 modules, 3,000 handles.
    pub const FULL_1G: Options = Options {
        memory_bytes: 1 << 30,
        range_count: 8_000,
        region_count: 16_000,
        module_count: 250,
        handle_count: 3_000,
        thread_count: 64,
        seed: 1,
    };
    /// 2 GiB, 20,000 ranges, 60,000 regions; modules and handles as many.
    pub const FULL_2G: Options =
        Options { memory_bytes: 2 << 30, range_count: 20_000, region_count: 60_000, ..Self::FULL_1G };

    /// The options of this name.
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            "full-1g" => Some(Self::FULL_1G),
            "full-2g" => Some(Self::FULL_2G),
            _ => None,
        }
    }

    /// Raises what is too small for the rest.
    fn sound(self) -> Self {
        let range_count = self.range_count.max(3 * self.module_count + 2 * self.thread_count + 2);
        let fewest = range_count + MODULE_PAGES * self.module_count + THREAD_PAGES * self.thread_count + PROCESS_PAGES;
        let memory_bytes = (self.memory_bytes / PAGE).max(fewest) * PAGE;
        Self { memory_bytes, range_count, region_count: self.region_count.max(range_count), ..self }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes of the file.
    pub byte_count: u64,
    /// Bytes of memory contents.
    pub memory_bytes: u64,
    /// Rows of `memory`.
    pub range_count: u64,
    /// Rows of `regions`.
    pub region_count: u64,
    /// Rows of `modules`.
    pub module_count: u64,
    /// Rows of `handles`.
    pub handle_count: u64,
    /// Rows of `threads`.
    pub thread_count: u64,
    /// Committed bytes of all regions.
    pub committed_bytes: u64,
    /// Reserved bytes of all regions.
    pub reserved_bytes: u64,
    /// Free bytes of all regions.
    pub free_bytes: u64,
    /// Committed bytes of images.
    pub image_bytes: u64,
    /// Sum, modulo 2^64, of the first and the last 8 bytes of every range as little-endian numbers.
    pub end_words: u64,
}

const PAGE: u64 = 0x1000;
/// Where allocations of a process start.
const GRANULARITY: u64 = 0x1_0000;
/// Headers, code and data of a module; environment block and stack of a thread.
const MODULE_PAGES: u64 = 1 + 5 + 2;
const THREAD_PAGES: u64 = 2 + 16;
/// Environment block of the process.
const PROCESS_PAGES: u64 = 1;
const MODULES: u64 = 0x7FF8_0000_0000;
const PROCESS: u64 = 0x9F_0000_0000;
const THREADS: u64 = 0xA0_0000_0000;
const BLOCKS: u64 = 0x1A0_0000_0000;
const APART: u64 = 0x100_0000;
/// One private block in this many starts like a heap segment.
const HEAP_STRIDE: u64 = 16;

/// Writes a reference dump. Numbers that are too small for the others are raised.
///
/// # Errors
///
/// What `out` returns.
pub fn write_reference(out: &mut impl Write, options: &Options) -> io::Result<Answer> {
    let options = options.sound();
    let (plan, mut answer) = plan(&options);
    answer.byte_count = plan.write(out)?;
    Ok(answer)
}

/// The dump and its known totals; the length of the file is counted when it is written.
fn plan(options: &Options) -> (Plan, Answer) {
    let mut space =
        Space { random: Random::of(options.seed, "reference dump", 0), regions: Vec::new(), ranges: Vec::new() };
    space.committed(PROCESS, PROCESS, PROCESS_PAGES * PAGE, Vec::new());
    let threads = (0..options.thread_count).map(|number| space.thread(number)).collect();
    space.blocks(options);
    let modules = (0..options.module_count).map(|number| space.module(options.seed, number)).collect();
    let mut answer = Answer {
        memory_bytes: space.ranges.iter().map(|range| range.size).sum(),
        range_count: space.ranges.len() as u64,
        region_count: space.regions.len() as u64,
        module_count: options.module_count,
        handle_count: options.handle_count,
        thread_count: options.thread_count,
        ..Answer::default()
    };
    for region in &space.regions {
        *(match region.state {
            State::Commit => &mut answer.committed_bytes,
            State::Reserve => &mut answer.reserved_bytes,
            State::Free => &mut answer.free_bytes,
        }) += region.size;
        answer.image_bytes += if region.kind == IMAGE { region.size } else { 0 };
    }
    let mut word = Vec::new();
    for range in &space.ranges {
        for start in [0, range.size - 8] {
            range.contents(options.seed, start, 8, &mut word);
            let number = word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
            answer.end_words = answer.end_words.wrapping_add(number);
        }
    }
    let plan = Plan {
        modules: Some(modules),
        threads: Some(threads),
        thread_infos: Some((0..options.thread_count).map(thread_info).collect()),
        handles: Some((0..options.handle_count).map(handle).collect()),
        regions: Some(space.regions),
        memory64: Some(space.ranges),
        ..header(options, answer.committed_bytes)
    };
    (plan, answer)
}

fn header(options: &Options, committed: u64) -> Plan {
    Plan {
        time_date_stamp: 1_710_147_600,
        flags: 0x1826,
        is_64_bit: true,
        seed: options.seed,
        system: Some(System {
            processor_architecture: 9,
            number_of_processors: 8,
            product_type: 3,
            version: [10, 0, 20348],
            platform_id: 2,
            csd_version: "".into(),
        }),
        misc: Some(Misc {
            version: 5,
            process_id: Some(4711),
            process_times: Some([1_710_000_000, 60, 6]),
            ..Misc::default()
        }),
        counters: Some(VmCounters { revision: 2, flags: 0xF, private_usage: committed, ..VmCounters::default() }),
        unloaded_modules: Some(vec![UnloadedModule {
            base: MODULES - APART,
            size: 0x1_0000,
            path: "gone.dll".into(),
            ..UnloadedModule::default()
        }]),
        ..Plan::default()
    }
}

fn thread_id(number: u64) -> u32 {
    5000 + 4 * number as u32
}

fn thread_info(number: u64) -> ThreadInfo {
    ThreadInfo {
        thread_id: thread_id(number),
        create_time: 133_546_000_000_000_000 + number,
        kernel_time: number,
        user_time: 10 * number,
        start_address: MODULES + PAGE + number % 4 * APART,
        affinity: 0xFF,
        ..ThreadInfo::default()
    }
}

fn handle(number: u64) -> Handle {
    const TYPES: [&str; 8] = ["Event", "File", "Key", "Section", "Semaphore", "Thread", "Mutant", "EtwRegistration"];
    let type_name = TYPES[(number % 8) as usize];
    Handle {
        handle: 4 + 4 * number,
        type_name: Some(type_name.into()),
        object_name: number.is_multiple_of(3).then(|| format!(r"\Bench\{type_name}{number}").into()),
        granted_access: 0x1F_0003,
        handle_count: 2,
        pointer_count: 3,
        ..Handle::default()
    }
}

struct Space {
    random: Random,
    regions: Vec<Region>,
    ranges: Vec<Range>,
}

impl Space {
    fn region(&mut self, allocation_base: u64, base: u64, size: u64, state: State) {
        let protect = match state {
            State::Commit => READ_WRITE,
            State::Reserve => 0,
            State::Free => NO_ACCESS,
        };
        let (allocation_base, allocation_protect, kind) =
            if state == State::Free { (0, 0, 0) } else { (allocation_base, READ_WRITE, PRIVATE) };
        self.regions.push(Region { base, size, allocation_base, allocation_protect, state, protect, kind });
    }

    fn committed(&mut self, allocation_base: u64, base: u64, size: u64, known: Vec<(u64, Vec<u8>)>) {
        self.region(allocation_base, base, size, State::Commit);
        self.ranges.push(Range { known, ..Range::new(base, size) });
    }

    /// Environment block and stack.
    fn thread(&mut self, number: u64) -> Thread {
        let teb = THREADS + number * APART;
        let (limit, base) = (teb + 0x10_0000, teb + 0x11_0000);
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let known = vec![(8, words(&[base, limit])), (0x30, words(&[teb])), (0x60, words(&[PROCESS]))];
        self.committed(teb, teb, 2 * PAGE, known);
        self.committed(limit, limit, base - limit, Vec::new());
        Thread {
            thread_id: thread_id(number),
            priority_class: 0x20,
            teb,
            stack: (base - 0x800, 0x800),
            instruction_pointer: Some(MODULES + PAGE + 0x123),
            ..Thread::default()
        }
    }

    /// Private blocks: three in four share an allocation with one other; allocations start where Windows lets them, with reserved and
    /// free memory behind them as long as there are rows to spare; the last quarter adjoins, in one allocation. So about
    /// one row in six starts a private allocation, as in real dumps (0.16 in a dump of Windows 11).
    fn blocks(&mut self, options: &Options) {
        let count = options.range_count - 3 * options.module_count - 2 * options.thread_count - 1;
        let spare = options.region_count - options.range_count;
        let with_spare = (count * 3 / 4).max(1);
        let other_pages = THREAD_PAGES * options.thread_count + MODULE_PAGES * options.module_count + PROCESS_PAGES;
        let mut pages_left = options.memory_bytes / PAGE - other_pages;
        let (mut base, mut allocation) = (BLOCKS, BLOCKS);
        for number in 0..count {
            let opens = number.is_multiple_of(2);
            if opens && number <= with_spare {
                base = base.next_multiple_of(GRANULARITY);
                allocation = base;
            }
            let left = count - number;
            let mean = pages_left / left;
            let pages = if left == 1 { pages_left } else { self.random.between(1, (2 * mean).max(2) - 1) };
            let pages = pages.min(pages_left - (left - 1)).max(1);
            pages_left -= pages;
            let is_heap = number % HEAP_STRIDE == 0;
            let known = is_heap.then(|| (0x10, 0xFFEE_FFEE_u32.to_le_bytes().to_vec()));
            self.committed(allocation, base, pages * PAGE, known.into_iter().collect());
            let mut next = base + pages * PAGE;
            let due = |number: u64| spare * number.min(with_spare) / with_spare;
            for row in 0..due(number + 1) - due(number) {
                let state = if opens || row % 2 == 0 { State::Reserve } else { State::Free };
                self.region(allocation, next, 16 * PAGE, state);
                next += 16 * PAGE;
            }
            base = next;
        }
    }

    /// Headers, code and data, eight pages in all.
    fn module(&mut self, seed: u64, number: u64) -> Module {
        let base = MODULES + number * APART;
        let mut at = base;
        for (pages, protect) in [(1, READ_ONLY), (5, EXECUTE_READ), (2, READ_WRITE)] {
            self.committed(base, at, pages * PAGE, Vec::new());
            if let Some(region) = self.regions.last_mut() {
                (region.protect, region.allocation_protect, region.kind) = (protect, EXECUTE_WRITE_COPY, IMAGE);
            }
            at += pages * PAGE;
        }
        let mut guid = [0; 16];
        guid[..8].copy_from_slice(&Random::of(seed, "guid", number).bits().to_le_bytes());
        Module {
            base,
            size: (at - base) as u32,
            checksum: number as u32,
            time_date_stamp: 0x5E00_0000 + number as u32,
            path: format!(r"C:\Bench\bench{number:03}.dll").into(),
            version: Some(([1, 2, 3, number as u16], [1, 2, 0, 0])),
            code_view: Some(CodeView::Rsds { guid, age: 1, file: format!("bench{number:03}.pdb") }),
        }
    }
}
