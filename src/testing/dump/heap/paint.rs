//! A placed heap becomes bytes: its structure, its segments, every entry with its header, and the lists among them.

use super::{
    content::{Images, fill},
    large, lfh,
    memory::Memory,
    place::{Entry, Segment, What, free_units, uncommitted_pages},
    plan::{HeapPlan, Piece},
    rows::Row,
    traces::Traces,
};

/// `SegmentSignature` and `Signature`.
const SEGMENT: u64 = 0xFFEE_FFEE;
const HEAP: u64 = 0xEEFF_EEFF;
/// Bit of `EncodeFlagMask` where headers are combined.
const ENCODED: u64 = 0x10_0000;
/// What a debug heap fills free memory with, and what it puts behind a block.
const FREE_FILL: u32 = 0xFEEE_FEEE;
const TAIL_FILL: u8 = 0xAB;

/// Everything that painting a heap needs.
pub struct Painting<'a> {
    pub row: &'a Row,
    pub plan: &'a HeapPlan,
    pub segments: &'a [Segment],
    pub images: &'a Images,
    pub traces: Option<&'a Traces>,
    /// Its number in the list of the process, from 1.
    pub number: u64,
}

impl Painting<'_> {
    /// The heap's memory.
    pub fn paint(&self) -> Memory {
        let mut memory = Memory::new(self.row);
        for segment in self.segments {
            let part = memory.add(segment.base, segment.end - segment.base, segment.reserved);
            part.holes.clone_from(&segment.holes);
            part.is_mapped = self.plan.is_mapped;
        }
        for segment in self.segments {
            self.segment(&mut memory, segment);
            for entry in &segment.entries {
                self.entry(&mut memory, segment, entry);
            }
        }
        large::paint(&mut memory, self);
        self.heap(&mut memory);
        self.lists(&mut memory);
        lfh::paint(&mut memory, self);
        memory
    }

    /// The header of an entry: eight bytes, combined with the heap's encoding.
    pub fn header(&self, memory: &mut Memory, entry: &Entry) {
        memory.put(entry.address + self.row.header, &self.header_bytes(entry));
    }

    /// The same as bytes; plain headers have no checksum.
    pub fn header_bytes(&self, entry: &Entry) -> [u8; 8] {
        let [low, high] = entry.units.to_le_bytes();
        let [before_low, before_high] = entry.previous.to_le_bytes();
        let mut bytes = [low, high, entry.flags, 0, before_low, before_high, 0, entry.unused];
        if let Some(encoding) = self.plan.encoding {
            bytes[3] = low ^ high ^ entry.flags;
            bytes.iter_mut().zip(encoding).for_each(|(byte, code)| *byte ^= code);
        }
        bytes
    }

    fn segment(&self, memory: &mut Memory, segment: &Segment) {
        let (at, row, base) = (self.row.segment, self.row, segment.base);
        let own = if base == self.plan.base { row.heap_entry } else { row.segment_entry };
        memory.u32(base + at.signature, SEGMENT);
        memory.u32(base + at.signature + 4, u64::from(base != self.plan.base));
        memory.word(base + at.heap, self.plan.base);
        memory.word(base + at.base, base);
        memory.word(base + at.pages, segment.reserved / 0x1000);
        memory.word(base + at.first, base + own);
        memory.word(base + at.last, base + segment.reserved);
        memory.u32(base + at.uncommitted_pages, uncommitted_pages(segment));
        memory.u32(base + at.uncommitted_pages + 4, descriptors(row, segment).count() as u64);
    }

    fn entry(&self, memory: &mut Memory, segment: &Segment, entry: &Entry) {
        self.header(memory, entry);
        let (row, address) = (self.row, entry.address);
        let bytes = u64::from(entry.units) * row.unit;
        match entry.what {
            What::Hole(start, size) => {
                let descriptor = address + row.front(false);
                memory.words(descriptor + 4 * row.pointer, start, size);
            }
            What::Free if self.plan.has_tails => {
                let links = 2 * row.pointer;
                for at in (links..bytes - row.header - 8 + row.overlap()).step_by(4) {
                    memory.u32(address + row.header + 8 + at, u64::from(FREE_FILL));
                }
            }
            What::Block(piece) => {
                if let Piece::Block(block, ..) = &self.plan.pieces[piece as usize] {
                    let front = row.front(self.plan.has_traces);
                    self.trace(memory, address, bytes, block.stack, u64::from(block.requested));
                    fill(memory, self.images, address + front, block);
                    self.tail(memory, address + front + u64::from(block.requested));
                }
            }
            What::Header | What::Free | What::Slots(_) | What::Zone(_) => {}
        }
        debug_assert!(address + bytes <= segment.base + segment.reserved);
    }

    /// Trace pointer and second header of a block, where the heap has such.
    pub fn trace(&self, memory: &mut Memory, address: u64, bytes: u64, stack: u32, requested: u64) {
        if let (true, Some(traces)) = (self.plan.has_traces, self.traces) {
            let trace = traces.address(stack);
            memory.word(address + self.row.front(false), trace);
            extended(memory, self.row, address + self.row.front(true), bytes - requested, trace);
        }
    }

    /// The pattern behind a block, where the heap has such.
    pub fn tail(&self, memory: &mut Memory, end: u64) {
        if self.plan.has_tails {
            memory.put(end, &[TAIL_FILL; 16][..self.row.unit as usize]);
        }
    }

    fn heap(&self, memory: &mut Memory) {
        let (row, plan, at, base) = (self.row, self.plan, self.row.heap, self.plan.base);
        memory.u32(base + at.flags, u64::from(plan.flags));
        memory.u32(base + at.flags + 4, u64::from(plan.flags) & 0x7F00_0060);
        if let Some(encoding) = plan.encoding {
            memory.u32(base + at.encode_mask, ENCODED);
            memory.put(base + at.encoding + row.header, &encoding);
        }
        memory.u32(base + at.interceptor, if plan.has_traces { 0x7A3F_11C5 } else { 0 });
        memory.u32(base + at.threshold, row.largest() / row.unit);
        memory.u32(base + at.signature, HEAP);
        memory.word(base + at.signature + row.pointer, 0x10_0000);
        memory.word(base + at.signature + 2 * row.pointer, 0x2000);
        memory.word(base + at.total_free, free_units(self.segments));
        memory.word(base + at.total_free + row.pointer, if row.is_64_bit { 0x7FF_FFFD_EFFF } else { 0x7FFD_EFFF });
        memory.u16(base + at.index, self.number);
        memory.word(base + at.lookup_pointer, base + at.lookup);
        if let Some(store) = plan.store_address(row) {
            memory.word(base + at.front_end, store);
            memory.u8(base + at.front_end_type, 2);
        }
        self.counters(memory);
        let width = row.pointer;
        let lookup = base + at.lookup;
        memory.u32(lookup + width, 0x80);
        memory.u32(lookup + width + 4, 1);
        memory.u32(lookup + width + 8, self.free().count() as u64);
        memory.word(lookup + (width + 0x14).next_multiple_of(width), base + at.free);
    }

    /// TotalMemoryReserved, TotalMemoryCommitted, TotalMemoryLargeUCR, TotalSizeInVirtualBlocks, TotalSegments, TotalUCRs.
    fn counters(&self, memory: &mut Memory) {
        let (at, width) = (self.plan.base + self.row.heap.counters, self.row.pointer);
        let reserved: u64 = self.segments.iter().map(|segment| segment.reserved).sum();
        let uncommitted: u64 = self.segments.iter().map(uncommitted_pages).sum();
        memory.words(at, reserved, reserved - 0x1000 * uncommitted);
        memory.word(at + 3 * width, large::bytes(self));
        memory.u32(at + 4 * width, self.segments.len() as u64);
        let ranges: usize = self.segments.iter().map(|segment| descriptors(self.row, segment).count()).sum();
        memory.u32(at + 4 * width + 4, ranges as u64);
    }

    fn free(&self) -> impl Iterator<Item = &Entry> {
        self.segments.iter().flat_map(|segment| &segment.entries).filter(|entry| entry.what == What::Free)
    }

    /// Segments, free entries by size, uncommitted ranges of each segment and of all, large blocks.
    fn lists(&self, memory: &mut Memory) {
        let (row, base) = (self.row, self.plan.base);
        let links = self.segments.iter().map(|segment| segment.base + row.segment.list);
        memory.ring(&std::iter::once(base + row.heap.segments).chain(links).collect::<Vec<_>>());
        let mut free: Vec<(u16, u64)> = self.free().map(|entry| (entry.units, entry.address)).collect();
        free.sort_unstable();
        let links = free.iter().map(|(_, address)| address + row.front(false));
        memory.ring(&std::iter::once(base + row.heap.free).chain(links).collect::<Vec<_>>());
        let mut all = vec![base + row.heap.uncommitted];
        for segment in self.segments {
            let own: Vec<u64> = descriptors(row, segment).collect();
            let links = own.iter().map(|descriptor| descriptor + 2 * row.pointer);
            let head = segment.base + row.segment.uncommitted_list;
            memory.ring(&std::iter::once(head).chain(links).collect::<Vec<_>>());
            all.extend(own);
        }
        memory.ring(&all);
        let links = large::addresses(self);
        memory.ring(&std::iter::once(base + row.heap.large).chain(links).collect::<Vec<_>>());
    }
}

/// Descriptors of the uncommitted ranges of a segment.
fn descriptors<'a>(row: &'a Row, segment: &'a Segment) -> impl Iterator<Item = u64> + 'a {
    let is_hole = |entry: &&Entry| matches!(entry.what, What::Hole(..));
    segment.entries.iter().filter(is_hole).map(|entry| entry.address + row.front(false))
}

/// The second header, right before what the user gets: index of a function, a part of the trace's number, the bytes that are
/// not the user's, units back to the first header, and a sign.
pub fn extended(memory: &mut Memory, row: &Row, user: u64, unused: u64, trace: u64) {
    memory.u16(user - 8, 1);
    memory.u16(user - 6, (trace >> 4) & 0x7FFF);
    memory.u16(user - 4, unused);
    memory.u8(user - 2, (row.front(true) - row.front(false)) as u8 / row.unit as u8);
    memory.u8(user - 1, 5);
}
