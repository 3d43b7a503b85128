//! A segment heap of the made-up build: page segments cut into ranges of units, in these blocks of the back end, of variable size and of
//! the low-fragmentation heap; large blocks beside.
//!
//! Offsets are in `segment_rows`. What the keys are combined with is as in public talks; no real one was seen.

use super::{
    answer::{BlockRow, Rows},
    content::{Content, Images, fill},
    memory::Memory,
    plan::{Block, HeapPlan, Piece},
    segment_places::{Chunk, Lfh, Placing, Range, Segment, What},
    segment_rows::{NARROW, SegmentRow, WIDE},
};
use crate::testing::random::Random;

const PAGE: u64 = 0x1000;
const SIGNATURE: u64 = 0xDDEE_DDEE;
const SEGMENT: u64 = 0xA2E6_4EAD_A2E6_4EAD;
const VARIABLE: u64 = 0x2BED;
const TREE: u64 = 0xCCDD_CCDD;
/// Bytes of the heap's own allocation: with memory, and of addresses.
const OWN: (u64, u64) = (0x3000, 0x1_0000);
const LARGE_APART: u64 = 0x10_0000;

/// A segment heap.
pub struct SegmentHeap {
    row: &'static SegmentRow,
    base: u64,
    key: u64,
    lfh_key: u32,
    is_encoded: bool,
    segments: Vec<Segment>,
    large: Vec<Block>,
}

impl SegmentHeap {
    /// Takes every second piece of a heap, and adds some blocks that are larger.
    pub fn take(seed: u64, heap: &mut HeapPlan, base: u64, is_64_bit: bool) -> Self {
        let row = if is_64_bit { &WIDE } else { &NARROW };
        let [small_units, larger_units] = row.heap.contexts;
        let mut random = Random::of(seed, "segment heap", 0);
        let mut number = 0;
        let mut pieces = Vec::new();
        heap.pieces.retain(|piece| {
            number += 1;
            if number % 2 == 0 {
                pieces.push(piece.clone());
            }
            number % 2 != 0
        });
        let block = |requested| Block { requested, content: Content::Noise, stack: 0 };
        pieces.extend([0x2_0123, 0x1_0000].map(|requested| Piece::Block(block(requested), 0, 0)));
        let aligned =
            |context: usize| (base + row.room.segments[context]).next_multiple_of((row.units as u64) << larger_units.1);
        let mut small = Placing::new(row, aligned(0), small_units.1, small_units.2);
        small.pieces(&pieces);
        let mut segments = small.done();
        let mut larger = Placing::new(row, aligned(1), larger_units.1, larger_units.2);
        [0x9_1234, 0xA_0000].iter().for_each(|requested| larger.block(block(*requested)));
        segments.extend(larger.done());
        let large = [0x3_0123, 0x2_0000, 0x5_0FFF].map(block).to_vec();
        let (key, lfh_key) = (random.bits() & row.last(), random.bits() as u32);
        Self { row, base, key, lfh_key, is_encoded: seed.is_multiple_of(2), segments, large }
    }

    /// Where it is.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// A chunk in the middle of the blocks of variable size, a block area of the low-fragmentation heap, and a page segment.
    pub fn places(&self) -> [u64; 3] {
        let mut found = [0; 3];
        for segment in self.segments.iter().filter(|segment| segment.shift == self.row.heap.contexts[0].1) {
            found[2] = segment.base;
            for range in &segment.ranges {
                let start = segment.unit(range.at);
                match &range.what {
                    What::Vs(chunks) if found[0] == 0 => {
                        let half = chunks.len() / 2;
                        let more = chunks[half..].iter().position(|chunk| chunk.block.is_some());
                        let half = half + more.unwrap_or(0);
                        found[0] =
                            start + self.row.vs.first + chunks[..half].iter().map(|chunk| chunk.bytes).sum::<u64>();
                    }
                    What::Lfh(_) if found[1] == 0 => found[1] = start,
                    _ => {}
                }
            }
        }
        found
    }

    pub fn paint(&self, memory: &mut Memory, images: &Images) {
        memory.add(self.base, OWN.0, OWN.1);
        let of_heap = &self.row.heap;
        memory.u32(self.base + of_heap.signature, SIGNATURE);
        memory.words(self.base + of_heap.ends, self.base + OWN.0, self.base + OWN.1);
        for (context, shift, first) in of_heap.contexts {
            let fields = &self.row.context;
            let at = self.base + context;
            let own: Vec<&Segment> = self.segments.iter().filter(|segment| segment.shift == shift).collect();
            memory.word(at, self.base);
            memory.u8(at + fields.shift, shift as u8);
            memory.u8(at + fields.first, first as u8);
            memory.word(at + fields.mask, !(((self.row.units as u64) << shift) - 1));
            memory.word(at + fields.count, own.len() as u64);
            own.iter().for_each(|segment| self.segment(memory, images, at, segment));
            let links = own.iter().map(|segment| segment.base);
            memory.ring(&std::iter::once(at + fields.list).chain(links).collect::<Vec<_>>());
        }
        self.large(memory, images);
    }

    fn segment(&self, memory: &mut Memory, images: &Images, context: u64, segment: &Segment) {
        let part = memory.add(segment.base, segment.bytes(), segment.bytes());
        part.holes = segment.holes();
        memory.word(segment.base + self.row.segment.signature, segment.base ^ context ^ self.key ^ SEGMENT);
        for range in &segment.ranges {
            let start = segment.unit(range.at);
            self.describe(memory, segment, range);
            match &range.what {
                What::Block(block) => fill(memory, images, start, block),
                What::Lfh(lfh) => self.lfh(memory, images, start, lfh),
                What::Vs(chunks) => self.chunks(memory, images, start, chunks),
                What::Free | What::Own => {}
            }
        }
    }

    fn chunks(&self, memory: &mut Memory, images: &Images, start: u64, chunks: &[Chunk]) {
        let (unit, vs) = (self.row.unit, &self.row.vs);
        let size = chunks.iter().map(|chunk| chunk.bytes).sum::<u64>() / unit;
        memory.u16(start + vs.signature, (size ^ VARIABLE) & 0x7FFF | 0x8000);
        memory.u16(start + vs.signature + 2, size);
        let (mut at, mut before) = (start + vs.first, 0);
        for chunk in chunks {
            let units = chunk.bytes / unit;
            let sizes = self.row.sizes(units, before, chunk.block.is_some());
            memory.word(at + vs.sizes, sizes ^ at ^ self.key);
            if let Some(block) = &chunk.block {
                let unused = chunk.bytes - vs.header - u64::from(block.requested);
                memory.u32(at, u64::from(unused > 0) << 23 | (at & 0xFF) << 24 | 0x15);
                fill(memory, images, at + vs.header, block);
                say_unused(memory, at + chunk.bytes, unused);
            }
            (at, before) = (at + chunk.bytes, units);
        }
    }

    fn lfh(&self, memory: &mut Memory, images: &Images, start: u64, lfh: &Lfh) {
        let fields = &self.row.lfh;
        let (count, first) = (lfh.slots.len() as u64, lfh.first(self.row));
        let plain = (first | lfh.block << 16) as u32;
        memory.u32(start + fields.offsets, u64::from(plain ^ self.lfh_key ^ (start >> 12) as u32));
        memory.u16(start + fields.count, count);
        memory.u16(start + fields.count + 2, lfh.slots.iter().filter(|slot| slot.is_none()).count() as u64);
        if lfh.commit_units > 0 {
            memory.u8(start + fields.commit_units, lfh.commit_units as u8);
            memory.u16(start + fields.commit_state, lfh.bitmap_end(self.row));
        }
        let unused = |slot: &Option<Block>| slot.as_ref().map(|block| lfh.block - u64::from(block.requested));
        let of_word = 4 * fields.word;
        for word in 0..count.div_ceil(of_word) {
            let bits = (0..of_word).map(|bit| match lfh.slots.get((word * of_word + bit) as usize).map(unused) {
                Some(None) => 0,
                Some(Some(0)) => 1_u64 << (2 * bit),
                // Bits behind the last block are ones.
                Some(Some(_)) | None => 3 << (2 * bit),
            });
            memory.word(start + fields.bitmap + fields.word * word, bits.sum());
        }
        for (number, slot) in (0..).zip(&lfh.slots) {
            if let (Some(block), Some(unused)) = (slot, unused(slot)) {
                let at = start + first + number * lfh.block;
                fill(memory, images, at, block);
                say_unused(memory, at + lfh.block, unused);
            }
        }
    }

    /// Large blocks, and a tree of their descriptions: each has the next on its right.
    fn large(&self, memory: &mut Memory, images: &Images) {
        let (page, fields, pointer) = (self.base + self.row.room.nodes, &self.row.large, self.row.pointer());
        memory.add(page, PAGE, PAGE);
        let code = |holder: u64, value: u64| if self.is_encoded { value ^ holder } else { value };
        let node = |number: usize| page + number as u64 * fields.bytes + fields.node;
        let tree = self.base + self.row.heap.tree;
        memory.word(tree, code(tree, node(0)));
        memory.word(tree + pointer, node(0) | u64::from(self.is_encoded));
        for (number, block) in self.large.iter().enumerate() {
            let (at, own) = (self.large_base(number), node(number));
            let committed = u64::from(block.requested).next_multiple_of(PAGE);
            memory.add(at, committed, committed);
            fill(memory, images, at, block);
            if number + 1 < self.large.len() {
                memory.word(own + pointer, code(own, node(number + 1)));
            }
            if number > 0 {
                memory.word(own + 2 * pointer, code(own, node(number - 1)) | 1);
            }
            let start = own - fields.node;
            memory.word(start + fields.address, at | (committed - u64::from(block.requested)));
            memory.word(start + fields.pages, committed | 1);
        }
    }

    fn large_base(&self, number: usize) -> u64 {
        self.base + self.row.room.large + number as u64 * LARGE_APART
    }

    /// Adds its blocks to the answer: free ones with their bytes of memory.
    pub fn count(&self, images: &Images, rows: &mut Rows) {
        let busy = |front_end, entry, bytes, user, block: &Block| BlockRow {
            front_end,
            ..BlockRow::busy(self.base, entry, bytes, user, block, images)
        };
        let mut free = Vec::new();
        let mut found = Vec::new();
        for segment in &self.segments {
            for range in &segment.ranges {
                let (start, end) = (segment.unit(range.at), segment.unit(range.at + range.committed.len()));
                match &range.what {
                    What::Own => {}
                    What::Free => free.push(("backend", start, end, segment)),
                    What::Block(block) => found.push(busy("backend", start, end - start, start, block)),
                    What::Lfh(lfh) => {
                        for (number, slot) in (0..).zip(&lfh.slots) {
                            let at = start + lfh.first(self.row) + number * lfh.block;
                            match slot {
                                Some(block) => found.push(busy("lfh", at, lfh.block, at, block)),
                                None => free.push(("lfh", at, at + lfh.block, segment)),
                            }
                        }
                    }
                    What::Vs(chunks) => {
                        let mut at = start + self.row.vs.first;
                        for chunk in chunks {
                            match &chunk.block {
                                Some(block) => found.push(busy("vs", at, chunk.bytes, at + self.row.vs.header, block)),
                                None => free.push(("vs", at, at + chunk.bytes, segment)),
                            }
                            at += chunk.bytes;
                        }
                    }
                }
            }
        }
        for (front_end, start, end, segment) in free {
            let bytes = segment.committed(start, end);
            if bytes > 0 {
                found.push(BlockRow { front_end, ..BlockRow::free(self.base, start, bytes) });
            }
        }
        for (number, block) in self.large.iter().enumerate() {
            let at = self.large_base(number);
            let committed = u64::from(block.requested).next_multiple_of(PAGE);
            found.push(busy("large", at, committed, at, block));
        }
        rows.blocks.append(&mut found);
    }

    /// The descriptors of a range: how long it is, and how far each is behind the first.
    fn describe(&self, memory: &mut Memory, segment: &Segment, range: &Range) {
        let fields = &self.row.segment;
        let is_allocated = range.what != What::Free;
        let kind = match range.what {
            What::Free | What::Block(_) => 0,
            What::Own => 4,
            What::Lfh(_) => 8,
            What::Vs(_) => 12,
        };
        let units = range.committed.len();
        for (number, committed) in range.committed.iter().enumerate() {
            let at = segment.base + fields.step * (range.at + number) as u64;
            let flags = kind | u8::from(is_allocated) | if number == 0 { 2 } else { 0 };
            memory.u8(at + fields.committed, *committed);
            memory.u8(at + fields.flags, flags);
            memory.u8(at + fields.units, if number == 0 { units as u8 } else { number as u8 });
        }
        let at = segment.base + fields.step * range.at as u64;
        if is_allocated {
            memory.u32(at, TREE);
        }
        if let What::Block(block) = &range.what {
            memory.u32(at + 4, ((units as u64) << segment.shift) - u64::from(block.requested));
        }
    }
}

/// What the last bytes of a block say of the unused ones.
fn say_unused(memory: &mut Memory, end: u64, unused: u64) {
    match unused {
        0 => {}
        1 => memory.u8(end - 1, 0x80),
        _ => memory.u16(end - 2, unused),
    }
}
