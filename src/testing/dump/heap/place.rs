//! Pieces of a heap get their addresses: segments, entries one behind the other, uncommitted ranges between them.
//!
//! Invariant: the entries of a run adjoin, from the segment's first to the one that holds the descriptor of the uncommitted
//! range behind the run, or to the segment's end; no two free entries follow each other.

use super::{
    plan::{HeapPlan, Piece},
    rows::{Row, Windows},
};

const PAGE: u64 = 0x1000;
/// Flags of an entry that the heap made for itself.
const OWN_FLAGS: u8 = 9;

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The heap's or the segment's own structure.
    Header,
    /// Descriptor of an uncommitted range: its address and bytes.
    Hole(u64, u64),
    Free,
    /// A block: number of its piece.
    Block(u32),
    /// UserBlocks: number of its piece.
    Slots(u32),
    /// Descriptions of subsegments: which part of them.
    Zone(u32),
}

/// An entry of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub address: u64,
    pub units: u16,
    /// Units of the entry before it, 0 for the first of a run.
    pub previous: u16,
    pub flags: u8,
    pub unused: u8,
    pub what: What,
}

/// A segment with its entries in the order of their addresses.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    pub base: u64,
    pub reserved: u64,
    pub entries: Vec<Entry>,
    /// End of what is committed, and the reserved ranges among it.
    pub end: u64,
    pub holes: Vec<(u64, u64)>,
}

/// A zone holds this many subsegments.
pub const ZONE: usize = 31;

struct Placing<'a> {
    row: &'a Row,
    done: Vec<Segment>,
    now: Segment,
    next: u64,
    more: std::slice::Iter<'a, (u64, u64)>,
}

/// The segments of a heap. Pieces for which there is no room are left out.
pub fn place(row: &Row, plan: &HeapPlan) -> Vec<Segment> {
    let now = Segment { base: plan.base, reserved: plan.reserved, ..Segment::default() };
    let mut placing = Placing { row, done: Vec::new(), now, next: plan.base, more: plan.more.iter() };
    placing.push(row.heap_entry, 1, 1, What::Header);
    let count = plan.slots_count();
    for zone in 0..count.div_ceil(ZONE) {
        let bytes = row.lfh.zone_first + ZONE as u64 * row.lfh.subsegment;
        placing.internal(bytes, What::Zone(zone as u32));
    }
    for (number, piece) in (0..).zip(&plan.pieces) {
        match piece {
            Piece::Block(block, flags, spare) => {
                let shape = plan.shape(row, u64::from(block.requested));
                let bytes = shape.bytes + u64::from(*spare) * row.unit;
                let unused = if plan.has_traces { 0x42 } else { (bytes - shape.bytes + shape.unused) as u8 };
                placing.entry(bytes, *flags, unused, What::Block(number));
            }
            Piece::Free(bytes) => placing.free(*bytes),
            Piece::Slots(stride, slots) => {
                let count = slots.len() as u64;
                // The last block may reach a header's length past its slot.
                let bytes = row.first_slot(count) + count * stride + row.overlap();
                placing.internal(bytes, What::Slots(number));
            }
            Piece::Hole(pages) => placing.hole(*pages),
        }
    }
    placing.close();
    placing.done
}

impl Placing<'_> {
    /// Bytes of the entry that describes an uncommitted range.
    fn descriptor(&self) -> u64 {
        self.row.header + 8 + 6 * self.row.pointer
    }

    fn push(&mut self, bytes: u64, flags: u8, unused: u8, what: What) {
        let previous = match self.now.entries.last() {
            Some(last) if !matches!(last.what, What::Hole(..)) => last.units,
            _ => 0,
        };
        let units = (bytes / self.row.unit) as u16;
        self.now.entries.push(Entry { address: self.next, units, previous, flags, unused, what });
        self.next += bytes;
    }

    /// An entry where there is room for it, in a further segment if need be.
    fn entry(&mut self, bytes: u64, flags: u8, unused: u8, what: What) {
        if self.room() < bytes && !self.open() {
            return;
        }
        if self.room() >= bytes {
            self.push(bytes, flags, unused, what);
        }
    }

    /// An entry of the heap itself for so many bytes.
    fn internal(&mut self, wanted: u64, what: What) {
        let front = self.row.front(false) - self.row.overlap();
        let bytes = (wanted + front).next_multiple_of(self.row.unit);
        let unused = (bytes - wanted) as u8;
        self.entry(bytes, OWN_FLAGS, unused, what);
    }

    /// Bytes before the end of the segment, less what its last descriptor needs and a unit that may be too much.
    fn room(&self) -> u64 {
        (self.now.base + self.now.reserved).saturating_sub(self.next + self.descriptor() + 2 * self.row.unit)
    }

    fn free(&mut self, bytes: u64) {
        let bytes = bytes / self.row.unit * self.row.unit;
        // Where a block was, its place is found as if it were still there.
        if bytes < 2 * self.row.unit || (self.room() < bytes && !self.open()) || self.room() < bytes {
            return;
        }
        match self.now.entries.last_mut() {
            Some(last) if last.what == What::Free => {
                // A size has 16 bits.
                let units = u64::from(last.units) + bytes / self.row.unit;
                if units <= 0xF000 {
                    last.units = units as u16;
                    self.next += bytes;
                }
            }
            _ => self.push(bytes, 0, 0, What::Free),
        }
    }

    /// Fills up so that a descriptor ends where a page does; gives the end of the page.
    fn fill(&mut self, descriptor: u64) -> u64 {
        let end = (self.next + descriptor).next_multiple_of(PAGE);
        let gap = end - descriptor - self.next;
        if gap == self.row.unit {
            // Too small for the links of a free entry: the one before gets it.
            if let Some(last) = self.now.entries.last_mut() {
                last.units += 1;
                last.unused += if last.what == What::Free || last.unused & 0x40 != 0 { 0 } else { self.row.unit as u8 };
                self.next += gap;
            }
        } else if gap > 0 {
            match self.now.entries.last_mut() {
                Some(last) if last.what == What::Free => {
                    last.units += (gap / self.row.unit) as u16;
                    self.next += gap;
                }
                _ => self.push(gap, 0, 0, What::Free),
            }
        }
        end
    }

    fn hole(&mut self, pages: u64) {
        let needed = self.descriptor() + PAGE + pages * PAGE;
        // Behind a hole there must be something.
        if self.room() < needed + 2 * PAGE
            || matches!(self.now.entries.last().map(|last| last.what), Some(What::Hole(..)))
        {
            return;
        }
        let end = self.fill(self.descriptor());
        self.push(self.descriptor(), 1, 3, What::Hole(end, pages * PAGE));
        self.now.holes.push((end, pages * PAGE));
        self.next = end + pages * PAGE;
    }

    /// Ends the segment: with a descriptor of what is left of its reserve, or in a free entry.
    fn close(&mut self) {
        let limit = self.now.base + self.now.reserved;
        let end = self.fill(self.descriptor());
        if end < limit {
            self.push(self.descriptor(), 1, 3, What::Hole(end, limit - end));
            self.now.end = end;
        } else {
            // All of it is committed: no range, no descriptor.
            let gap = limit - self.next;
            match self.now.entries.last_mut() {
                Some(last) if last.what == What::Free => {
                    last.units += (gap / self.row.unit) as u16;
                    self.next = limit;
                }
                _ => self.push(gap, 0, 0, What::Free),
            }
            self.now.end = limit;
        }
        self.done.push(std::mem::take(&mut self.now));
    }

    fn open(&mut self) -> bool {
        let Some((base, reserved)) = self.more.next() else { return false };
        self.close();
        self.now = Segment { base: *base, reserved: *reserved, ..Segment::default() };
        self.next = *base;
        self.push(self.row.segment_entry, 1, 1, What::Header);
        true
    }
}

/// Units of the free entries of a heap.
pub fn free_units(segments: &[Segment]) -> u64 {
    let free = |entry: &&Entry| entry.what == What::Free;
    segments.iter().flat_map(|segment| &segment.entries).filter(free).map(|entry| u64::from(entry.units)).sum()
}

/// User addresses of the zones and of the UserBlocks of a heap, each in their order.
pub fn fronts(row: &Row, segments: &[Segment]) -> (Vec<u64>, Vec<(u32, u64, u64)>) {
    let front = row.front(false);
    let (mut zones, mut users) = (Vec::new(), Vec::new());
    for entry in segments.iter().flat_map(|segment| &segment.entries) {
        match entry.what {
            What::Zone(_) => zones.push(entry.address + front),
            What::Slots(piece) => {
                users.push((piece, entry.address + front, u64::from(entry.units) * row.unit));
            }
            _ => {}
        }
    }
    (zones, users)
}

/// Pages of the segment that are reserved only.
pub fn uncommitted_pages(segment: &Segment) -> u64 {
    let inner: u64 = segment.holes.iter().map(|(_, bytes)| bytes).sum();
    (inner + segment.base + segment.reserved - segment.end) / PAGE
}

/// Windows 7 allocates the store of the low-fragmentation heap as a large block, Windows 10 apart.
pub fn store_is_large(row: &Row) -> bool {
    row.windows == Windows::Seven
}
