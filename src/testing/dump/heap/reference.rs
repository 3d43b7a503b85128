//! Large dumps full of heaps for benchmarks: 64-bit, Windows 10, with known totals.
//!
//! Every heap is made twice, once for its sizes and once for its bytes, so that no two are in memory at a time.

use std::io::{self, Write};

use super::{
    Options as StoryOptions, Windows,
    answer::{HeapRow, Rows, count},
    content::{Content, Images},
    memory::Allocation,
    paint::Painting,
    place::{Segment, place},
    plan::{Block, HeapPlan, Piece},
    process,
    rows::{Row, row},
    world::World,
};
use crate::testing::{
    dump::{Range, Region, State, process::with_free},
    random::Random,
};

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes of all segments, to some percent.
    pub heap_bytes: u64,
    /// Busy blocks.
    pub block_count: u64,
    /// Heaps.
    pub heap_count: u64,
    /// Same seed, same dump.
    pub seed: u64,
}

impl Options {
    /// 1 GiB, 6 million blocks, 40 heaps.
    pub const HEAPS_1G: Options = Options { heap_bytes: 1 << 30, block_count: 6_000_000, heap_count: 40, seed: 1 };
}

/// What was written: bytes of the file, and the sums of each heap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes of the file.
    pub byte_count: u64,
    /// Bytes of memory contents.
    pub memory_bytes: u64,
    /// Every heap.
    pub heaps: Vec<HeapRow>,
}

const FIRST: u64 = 0x1A2_0000_0000;
const APART: u64 = 0x4_0000_0000;
const SEGMENT: u64 = 0x100_0000;
const STORE: u64 = 0x3_0000_0000;
/// Slots of UserBlocks, and how many of them are busy; their bytes go from the first to the last of these.
const SLOTS: u64 = 62;
const BUSY: u64 = 58;
const STRIDES: [u64; 4] = [0x20, 0x40, 0x60, 0x90];
const MEAN_STRIDE: u64 = 0x58;

/// Writes a reference dump.
///
/// # Errors
///
/// What `out` returns, and `InvalidInput` for more heaps than a process lists or none.
pub fn write_reference(out: &mut impl Write, options: &Options) -> io::Result<Answer> {
    if !(1..=190).contains(&options.heap_count) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected 1 to 190 heaps"));
    }
    let mut writer = Writer::new(options);
    let mut answer = Answer::default();
    let (mut regions, mut ranges) = (Vec::new(), Vec::new());
    for number in 0..options.heap_count {
        let (plan, segments) = writer.heap(number);
        let mut rows = Rows::default();
        count(&writer.painting(&plan, &segments, number), &mut rows);
        answer.heaps.extend(rows.heaps);
        for part in sizes(writer.row, &plan, &segments) {
            ranges.extend(part.1.iter().map(|(base, size)| Range::new(*base, *size)));
            regions.extend(part.0);
        }
    }
    let story = StoryOptions { seed: options.seed, stack_count: 10, ..StoryOptions::default() };
    let (mut plan, _) = process::plan(&story, std::slice::from_ref(&writer.world), Vec::new());
    let before = process::charged(plan.regions.as_deref().unwrap_or_default());
    regions.extend(plan.regions.take().into_iter().flatten().filter(|region| region.state != State::Free));
    regions.sort_by_key(|region: &Region| region.base);
    process::charge(&mut plan, before, process::charged(&regions));
    plan.regions = Some(with_free(regions, 0x7FFF_FFFF_0000));
    ranges.extend(plan.memory64.take().into_iter().flatten());
    ranges.sort_by_key(|range| range.base);
    plan.memory64 = Some(ranges);
    let layout = plan.layout();
    answer.byte_count = layout.byte_count;
    answer.memory_bytes = layout.byte_count - layout.head.len() as u64;
    out.write_all(&layout.head)?;
    let mut buffer = Vec::new();
    for range in &layout.tail {
        match range.base.checked_sub(FIRST).map(|distance| distance / APART) {
            Some(number) if number < options.heap_count => out.write_all(writer.bytes(number, range))?,
            _ => {
                range.contents(plan.seed, 0, range.size, &mut buffer);
                out.write_all(&buffer)?;
            }
        }
    }
    out.flush()?;
    Ok(answer)
}

struct Writer<'a> {
    options: &'a Options,
    row: &'static Row,
    world: World,
    /// The heap whose bytes are made, and they.
    now: Option<(u64, Vec<Allocation>)>,
}

impl<'a> Writer<'a> {
    fn new(options: &'a Options) -> Self {
        let row = row(Windows::Ten, true);
        let bare = |number| HeapPlan::new(FIRST + number * APART, SEGMENT);
        let world =
            World::new(row, (0..options.heap_count).map(bare).collect(), process::images_of(options.seed, true));
        Self { options, row, world, now: None }
    }

    fn images(&self) -> &Images {
        &self.world.images
    }

    fn painting<'b>(&'b self, plan: &'b HeapPlan, segments: &'b [Segment], number: u64) -> Painting<'b> {
        Painting { row: self.row, plan, segments, images: self.images(), traces: None, number: number + 1 }
    }

    fn heap(&self, number: u64) -> (HeapPlan, Vec<Segment>) {
        let Options { heap_bytes, block_count, heap_count, seed } = *self.options;
        let mut random = Random::of(seed, "reference heap", number);
        let mut heap = HeapPlan::new(FIRST + number * APART, SEGMENT);
        heap.more = (1..0x100).map(|segment| (heap.base + segment * 2 * SEGMENT, SEGMENT)).collect();
        let mut encoding = random.bits().to_le_bytes();
        (encoding[6], encoding[7]) = (0, 0);
        heap.encoding = Some(encoding);
        (heap.store, heap.key) = (heap.base + STORE, seed as u32 ^ 0x5E7F_3179);
        let mut left = block_count / heap_count + u64::from(number < block_count % heap_count);
        // Half of the blocks in slots; the others get what is left of the bytes.
        let mean = (2 * heap_bytes / block_count.max(1)).saturating_sub(MEAN_STRIDE).max(0x30);
        let modules = self.images().bases.len() as u64;
        while left > 0 {
            let slots = BUSY.min(left);
            heap.pieces.push(slots_of(&mut random, slots, modules));
            left -= slots;
            for _ in 0..BUSY.min(left) {
                let requested = random.between(8, 2 * mean - 0x38) as u32;
                heap.pieces.push(Piece::Block(block(&mut random, requested, modules), 1, 0));
                if random.below(10) == 0 {
                    heap.pieces.push(Piece::Free(random.between(2, 16) * 16));
                }
                left -= 1;
            }
        }
        let segments = place(self.row, &heap);
        (heap, segments)
    }

    /// The bytes of a range of a heap.
    fn bytes(&mut self, number: u64, range: &Range) -> &[u8] {
        if self.now.as_ref().is_none_or(|(now, _)| *now != number) {
            self.now = None;
            let (plan, segments) = self.heap(number);
            let parts = self.painting(&plan, &segments, number).paint().parts;
            self.now = Some((number, parts));
        }
        let parts = self.now.as_ref().map_or(&[][..], |(_, parts)| parts);
        let holds = |part: &&Allocation| part.base <= range.base && range.base < part.base + part.bytes.len() as u64;
        parts.iter().find(holds).map_or(&[], |part| {
            let start = (range.base - part.base) as usize;
            &part.bytes[start..start + range.size as usize]
        })
    }
}

fn slots_of(random: &mut Random, busy: u64, modules: u64) -> Piece {
    let stride = *random.choose(&STRIDES);
    let mut slots = vec![None; SLOTS as usize];
    let first = random.below(SLOTS - busy + 1);
    for slot in slots.iter_mut().skip(first as usize).take(busy as usize) {
        let requested = (stride - random.between(8, 24)) as u32;
        *slot = Some(block(random, requested, modules));
    }
    Piece::Slots(stride, slots)
}

fn block(random: &mut Random, requested: u32, modules: u64) -> Block {
    let content = match random.below(4) {
        0 | 1 if requested >= 16 => Content::Class(random.below(modules) as u8, random.below(16) as u8),
        2 if requested >= 48 => Content::Ascii(random.below(1000) as u16),
        _ => Content::Noise,
    };
    Block { requested, content, stack: 0 }
}

/// Regions of the allocations of a heap, and their committed parts, without their bytes.
type Sizes = (Vec<Region>, Vec<(u64, u64)>);

fn sizes(row: &Row, plan: &HeapPlan, segments: &[Segment]) -> Vec<Sizes> {
    let part = |base: u64, end: u64, reserved: u64, holes: &[(u64, u64)]| {
        let runs = super::memory::parts(base, end, holes);
        (process::regions_of(base, reserved, &runs, false), runs)
    };
    let mut all: Vec<Sizes> =
        segments.iter().map(|segment| part(segment.base, segment.end, segment.reserved, &segment.holes)).collect();
    if let Some(store) = plan.store_address(row) {
        all.push(part(store, store + row.lfh.store_bytes, 0x1_0000, &[]));
    }
    all
}
