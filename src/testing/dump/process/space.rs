//! The address space: allocations by class become regions, free gaps between them, and ranges with contents.

use std::{collections::BTreeMap, io};

use super::{
    super::{
        Range, Region, State,
        memory::{GUARD, NO_ACCESS, PRIVATE, READ_WRITE},
    },
    Answer, Options,
};
use crate::testing::random::Random;

/// What a class of memory adds up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Committed.
    pub committed_bytes: u64,
    /// Reserved and not committed.
    pub reserved_bytes: u64,
    /// Rows.
    pub region_count: u64,
}

/// One part of an allocation.
pub struct Part(pub u64, pub State, pub u32);

/// An allocation on its way into the regions.
pub struct Allocation<'a> {
    pub class: &'static str,
    pub base: u64,
    pub protect: u32,
    pub kind: u32,
    pub parts: &'a [Part],
}

/// Everything allocated so far.
pub struct Space {
    pub is_64_bit: bool,
    pub sums: BTreeMap<&'static str, Sums>,
    /// Where the run puts what is neither module nor heap: threads, private blocks and sections.
    pub bases: Bases,
    regions: Vec<Region>,
    /// Contents that are in every dump, and in a full one known bytes among all others.
    ranges: Vec<Range>,
}

/// First addresses of areas.
#[derive(Clone, Copy)]
pub struct Bases {
    pub tebs: u64,
    pub stacks: u64,
    pub private: u64,
    pub mapped: u64,
}

const PAGE: u64 = 0x1000;
/// `VirtualAlloc` gives addresses that this divides.
const GRANULARITY: u64 = 0x1_0000;
/// Reserved for a heap whose blocks need no more.
const HEAP_RESERVE: u64 = 0x100_0000;
/// `SegmentSignature` of a heap segment: after the segment's own heap entry.
const SEGMENT_SIGNATURE: u32 = 0xFFEE_FFEE;

impl Space {
    pub fn new(options: &Options, is_64_bit: bool) -> Self {
        let mut random = Random::of(options.seed, "space", options.run);
        let shift = GRANULARITY * random.below(if is_64_bit { 0x1000 } else { 0x10 });
        let bases = if is_64_bit {
            Bases { tebs: 0xA0_0000_0000, stacks: 0xA1_0000_0000, private: 0xB0_0000_0000, mapped: 0xC0_0000_0000 }
        } else {
            Bases { tebs: 0x4000_0000, stacks: 0x4100_0000, private: 0x4A00_0000, mapped: 0x5000_0000 }
        };
        let Bases { tebs, stacks, private, mapped } = bases;
        let bases =
            Bases { tebs: tebs + shift, stacks: stacks + shift, private: private + shift, mapped: mapped + shift };
        Self { is_64_bit, sums: BTreeMap::new(), bases, regions: Vec::new(), ranges: Vec::new() }
    }

    pub fn allocate(&mut self, allocation: &Allocation<'_>) {
        let Allocation { class, base: allocation_base, protect: allocation_protect, kind, .. } = *allocation;
        let mut base = allocation_base;
        for Part(size, state, protect) in allocation.parts {
            if *size == 0 {
                continue;
            }
            let (size, state, protect) = (*size, *state, *protect);
            self.regions.push(Region { base, size, allocation_base, allocation_protect, state, protect, kind });
            let sums = self.sums.entry(class).or_default();
            *(if state == State::Commit { &mut sums.committed_bytes } else { &mut sums.reserved_bytes }) += size;
            sums.region_count += 1;
            base += size;
        }
    }

    /// Private memory: some committed, then some reserved.
    pub fn private(&mut self, class: &'static str, base: u64, committed: u64, reserved: u64) {
        let parts = [Part(committed, State::Commit, READ_WRITE), Part(reserved, State::Reserve, 0)];
        self.allocate(&Allocation { class, base, protect: READ_WRITE, kind: PRIVATE, parts: &parts });
    }

    /// Contents that every dump holds.
    pub fn contents(&mut self, range: Range) {
        self.ranges.push(range);
    }

    /// A heap of one segment that uses the given bytes.
    pub fn heap(&mut self, base: u64, bytes: u64) {
        let committed = bytes.next_multiple_of(PAGE);
        let reserved = committed.max(HEAP_RESERVE).next_multiple_of(GRANULARITY);
        self.private("heap", base, committed, reserved - committed);
        let at = if self.is_64_bit { 0x10 } else { 0x8 };
        let known = vec![(at, SEGMENT_SIGNATURE.to_le_bytes().to_vec())];
        self.contents(Range { known, ..Range::new(base, PAGE) });
    }

    /// All regions in the order of their addresses, free ones too, and the contents that the dump holds.
    pub fn finish(mut self, full: bool, answer: &mut Answer) -> io::Result<(Vec<Region>, Vec<Range>)> {
        self.regions.sort_by_key(|region| region.base);
        self.ranges.sort_by_key(|range| range.base);
        if self.regions.windows(2).any(|pair| pair[0].base + pair[0].size > pair[1].base) {
            let why = "expected a step whose growth fits into a 32-bit process, found a later one";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let ranges = if full { self.everything() } else { std::mem::take(&mut self.ranges) };
        let last = if self.is_64_bit { 0x7FFF_FFFF_0000 } else { 0x7FFF_0000 };
        let regions = with_free(self.regions, last);
        answer.region_count = regions.len() as u64;
        answer.memory_range_count = ranges.len() as u64;
        answer.memory_bytes = ranges.iter().map(|range| range.size).sum();
        answer.classes = self.sums;
        Ok((regions, ranges))
    }

    /// A range for each region that can be read, with the known bytes in it.
    fn everything(&self) -> Vec<Range> {
        let readable = |region: &&Region| region.state == State::Commit && region.protect & (GUARD | NO_ACCESS) == 0;
        let range = |region: &Region| {
            let mut range = Range::new(region.base, region.size);
            let end = region.base + region.size;
            for part in self.ranges.iter().filter(|part| (region.base..end).contains(&part.base)) {
                let distance = part.base - region.base;
                range.known.extend(part.known.iter().map(|(at, bytes)| (at + distance, bytes.clone())));
            }
            range
        };
        self.regions.iter().filter(readable).map(range).collect()
    }
}

/// Fills the gaps between regions.
pub fn with_free(regions: Vec<Region>, last: u64) -> Vec<Region> {
    let free = |base, end| Region {
        base,
        size: end - base,
        allocation_base: 0,
        allocation_protect: 0,
        state: State::Free,
        protect: NO_ACCESS,
        kind: 0,
    };
    let mut all = Vec::with_capacity(2 * regions.len());
    let mut next = 0;
    for region in regions {
        if region.base > next {
            all.push(free(next, region.base));
        }
        next = region.base + region.size;
        all.push(region);
    }
    if next < last {
        all.push(free(next, last));
    }
    all
}
