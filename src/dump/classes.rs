//! What a region is for, as far as the dump shows it: never a guess.
//!
//! A stack is an allocation in which a thread's stack lies, a TEB the region of a thread's environment block, the PEB the
//! region that a TEB points at. A heap is an allocation that starts with a segment, of either width, where the dump holds these
//! bytes; heaps that processes share are mapped memory. The rest of private memory is `private`. Each region has one class, so sums by class add up to the whole.

use super::{
    heap::find::{self, Found, HEAD},
    memory::Memory,
    regions::{COMMIT, FREE, IMAGE, MAPPED, PRIVATE, Regions},
    threads::Thread,
};

/// What a region is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Class {
    /// A module's, or another file mapped as a program.
    Image,
    /// A mapped file, or a section of the page file.
    Mapped,
    /// A thread's stack.
    Stack,
    /// A thread's environment block.
    Teb,
    /// The process's environment block.
    Peb,
    /// A heap, as its signature shows.
    Heap,
    /// Private memory of which nothing more is known; also heaps whose first bytes are not in the dump.
    Private,
    /// Nobody's.
    Free,
    /// The type is none that is documented.
    #[default]
    Unknown,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub const NAMES: [&'static str; 9] =
        ["image", "mapped", "stack", "teb", "peb", "heap", "private", "free", "unknown"];
}

/// The answer for every region, and for every thread its stack.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// Class of each region.
    pub class: Vec<Class>,
    /// Thread of each region: of a stack, or of a TEB that is alone in its region.
    pub thread_id: Vec<Option<u32>>,
    /// Stack of each thread: the allocation's first address, and its committed bytes.
    pub stacks: Vec<Option<(u64, u64)>>,
}

/// Allocations that are heaps if they start with a segment.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// The place in the file of the bytes that tell, for each.
    pub places: Vec<u64>,
    /// The allocations.
    asked: Vec<Asked>,
    /// Allocation of each row; `NONE` for free regions.
    allocation: Vec<u32>,
    allocation_count: usize,
    narrow: bool,
}

/// An allocation that may be a heap.
#[derive(Debug, Clone, Copy)]
struct Asked {
    allocation: u32,
    base: u64,
    /// Bytes that the dump holds of its start, up to those that tell.
    held: usize,
    private: bool,
}

/// Regions by address, and the allocations they form.
struct Map<'a> {
    regions: &'a Regions,
    /// Rows sorted by base.
    sorted: Vec<u32>,
    /// Distinct first addresses of allocations, sorted.
    allocations: Vec<u64>,
    /// Allocation of each row; `NONE` for free regions.
    allocation: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// `PAGE_READWRITE`, `PAGE_EXECUTE_READWRITE`.
const WRITABLE: u32 = 0x44;

impl<'a> Map<'a> {
    fn new(regions: &'a Regions) -> Self {
        let mut sorted: Vec<u32> = (0..regions.len() as u32).collect();
        sorted.sort_by_key(|at| regions.base[*at as usize]);
        let mut allocations: Vec<u64> = Vec::with_capacity(regions.len() / 2);
        for base in (0..regions.len()).filter(|at| !regions.is_free(*at)).map(|at| regions.allocation(at)) {
            // Regions of one allocation mostly follow each other.
            if allocations.last() != Some(&base) {
                allocations.push(base);
            }
        }
        allocations.sort_unstable();
        allocations.dedup();
        let mut last = NONE;
        let number = |at: usize| {
            if regions.is_free(at) {
                return NONE;
            }
            // Most writers walk up the address space: it is the allocation of the region before, or the next.
            let base = regions.allocation(at);
            let near = [last, last.wrapping_add(1)];
            let near = near.into_iter().find(|number| allocations.get(*number as usize) == Some(&base));
            let found = || allocations.binary_search(&base).map_or(NONE, |found| found as u32);
            last = near.unwrap_or_else(found);
            last
        };
        let allocation = (0..regions.len()).map(number).collect();
        Self { regions, sorted, allocations, allocation }
    }

    /// Row of the region that holds an address; free ones hold nothing.
    fn row(&self, address: u64) -> Option<usize> {
        let after = self.sorted.partition_point(|at| self.regions.base[*at as usize] <= address);
        let row = *self.sorted[..after].last()? as usize;
        let inside = address - self.regions.base[row] < self.regions.size[row];
        (inside && !self.regions.is_free(row)).then_some(row)
    }

    fn private_row(&self, address: u64) -> Option<usize> {
        self.row(address).filter(|row| self.regions.kind[*row] == PRIVATE)
    }
}

/// What the dump holds of the process's memory.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    /// The whole file.
    pub file: &'a [u8],
    /// Which of its bytes stand for an address.
    pub memory: &'a Memory,
    /// The process had 32-bit pointers.
    pub narrow: bool,
}

/// Tells the classes but for heaps, and which allocations may be some. Contents are asked for pointers of TEBs.
pub fn classify(regions: &Regions, threads: &[Thread], contents: &Contents<'_>) -> (Classes, Candidates) {
    if regions.is_empty() {
        let classes = Classes { stacks: vec![None; threads.len()], ..Classes::default() };
        return (classes, Candidates::default());
    }
    let map = Map::new(regions);
    let mut class: Vec<Class> = (0..regions.len()).map(|row| by_type(regions, row)).collect();
    let mut thread_id = vec![None; regions.len()];
    let stack_of = stacks(&map, threads);
    let mut owner: Vec<Option<u32>> = vec![None; map.allocations.len()];
    for (thread, stack) in threads.iter().zip(&stack_of) {
        if let Some(allocation) = stack {
            owner[*allocation as usize].get_or_insert(thread.thread_id);
        }
    }
    let mut committed = vec![0_u64; map.allocations.len()];
    for row in 0..regions.len() {
        let allocation = map.allocation[row];
        if allocation == NONE {
            continue;
        }
        let allocation = allocation as usize;
        if regions.state[row] == COMMIT {
            committed[allocation] = committed[allocation].saturating_add(regions.size[row]);
        }
        if class[row] == Class::Private && owner[allocation].is_some() {
            (class[row], thread_id[row]) = (Class::Stack, owner[allocation]);
        }
    }
    blocks(&map, threads, contents, &mut class, &mut thread_id);
    let stack = |stack: &Option<u32>| {
        stack.map(|allocation| (map.allocations[allocation as usize], committed[allocation as usize]))
    };
    let stacks = stack_of.iter().map(stack).collect();
    (Classes { class, thread_id, stacks }, candidates(map, &owner, contents))
}

impl Classes {
    /// Tells the heaps, too, and gives them: `heads` are at the places of the candidates.
    pub fn mark_heaps(&mut self, candidates: &Candidates, heads: &[Head]) -> Vec<Found> {
        let mut heaps = vec![false; candidates.allocation_count];
        let mut all = Vec::new();
        for (asked, head) in candidates.asked.iter().zip(heads) {
            let head = &head.0[..asked.held.min(head.1)];
            let found = find::found(asked.base, head, candidates.narrow, asked.private);
            heaps[asked.allocation as usize] = found.is_some();
            all.extend(found);
        }
        for (class, allocation) in self.class.iter_mut().zip(&candidates.allocation) {
            // Every region of these classes has an allocation.
            if matches!(class, Class::Private | Class::Mapped) && heaps[*allocation as usize] {
                *class = Class::Heap;
            }
        }
        all
    }
}

/// The first bytes of an allocation, and how many the file has.
pub type Head = ([u8; HEAD], usize);

fn by_type(regions: &Regions, row: usize) -> Class {
    match (regions.state[row], regions.kind[row]) {
        (FREE, _) => Class::Free,
        (_, IMAGE) => Class::Image,
        (_, MAPPED) => Class::Mapped,
        (_, PRIVATE) => Class::Private,
        _ => Class::Unknown,
    }
}

/// The allocation of each thread's stack.
fn stacks(map: &Map<'_>, threads: &[Thread]) -> Vec<Option<u32>> {
    let stack = |thread: &Thread| {
        let listed = thread.listed.filter(|listed| listed.stack_size > 0).map(|listed| listed.stack_start);
        let row = map.private_row(listed.or(thread.stack_pointer)?)?;
        Some(map.allocation[row]).filter(|allocation| *allocation != NONE)
    };
    threads.iter().map(stack).collect()
}

/// Which allocations may start with a heap, and where in the file.
///
/// A segment starts at a multiple of the allocation granularity: in private memory on a page that can be written, in mapped
/// memory on any, since processes may be given a heap to read only.
fn candidates(map: Map<'_>, owner: &[Option<u32>], contents: &Contents<'_>) -> Candidates {
    // `dwAllocationGranularity` of every Windows there is.
    const GRANULARITY: u64 = 0x1_0000;
    let regions = map.regions;
    let mut cursor = contents.memory.cursor();
    let (mut asked, mut places) = (Vec::new(), Vec::new());
    for row in map.sorted.iter().map(|row| *row as usize) {
        let base = regions.base[row];
        let starts = regions.allocation(row) == base && base.is_multiple_of(GRANULARITY);
        let private = regions.kind[row] == PRIVATE;
        let can_hold = regions.state[row] == COMMIT
            && if private { regions.protect[row] & WRITABLE != 0 } else { regions.kind[row] == MAPPED };
        let allocation = map.allocation[row];
        if !starts || !can_hold || allocation == NONE || owner[allocation as usize].is_some() {
            continue;
        }
        if let Some((place, held)) = cursor.start_of(base) {
            asked.push(Asked { allocation, base, held: held.min(HEAD as u64) as usize, private });
            places.push(place);
        }
    }
    let (allocation, allocation_count, narrow) = (map.allocation, map.allocations.len(), contents.narrow);
    Candidates { places, asked, allocation, allocation_count, narrow }
}

/// Marks the regions of TEBs, and of the PEB that they point at.
fn blocks(
    map: &Map<'_>,
    threads: &[Thread],
    contents: &Contents<'_>,
    class: &mut [Class],
    thread_id: &mut [Option<u32>],
) {
    let tebs = |thread: &Thread| Some((thread.thread_id, thread.listed?.teb)).filter(|(_, teb)| *teb != 0);
    for (thread, teb) in threads.iter().filter_map(tebs) {
        if let Some(row) = map.private_row(teb) {
            // Since Windows 10 one region holds the TEBs of many threads.
            let first = class[row] != Class::Teb || thread_id[row] == Some(thread);
            class[row] = Class::Teb;
            thread_id[row] = first.then_some(thread);
        }
    }
    for (_, teb) in threads.iter().filter_map(tebs) {
        // `_TEB.ProcessEnvironmentBlock` of winternl.h.
        let (offset, size) = if contents.narrow { (0x30, 4) } else { (0x60, 8) };
        let read = |at| contents.memory.bytes_at(contents.file, at, size).ok();
        let Some(bytes) = teb.checked_add(offset).and_then(read) else { continue };
        let peb = bytes.iter().rev().fold(0, |pointer: u64, byte| pointer << 8 | u64::from(*byte));
        if let Some(row) = map.private_row(peb).filter(|_| peb != 0) {
            if class[row] != Class::Teb {
                (class[row], thread_id[row]) = (Class::Peb, None);
            }
            return;
        }
    }
}
