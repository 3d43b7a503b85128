//! Where the fields of a segment heap are, by width of a pointer: as in `tests/data/symbols/ntdll/ntdll.c`, written down a second time,
//! so that writer and reader share nothing.

/// Offsets from the start of the structure that the first word names.
#[derive(Debug, Clone, Copy)]
pub struct SegmentRow {
    pub is_64_bit: bool,
    /// Bytes that sizes are counted in.
    pub unit: u64,
    /// Units of a page segment.
    pub units: usize,
    pub heap: HeapAt,
    pub context: ContextAt,
    pub segment: SegmentAt,
    pub vs: VsAt,
    pub lfh: LfhAt,
    pub large: LargeAt,
    pub room: Room,
}

/// The heap.
#[derive(Debug, Clone, Copy)]
pub struct HeapAt {
    pub signature: u64,
    pub tree: u64,
    /// `UncommittedBase`, and `ReservedLimit` behind it.
    pub ends: u64,
    /// The two contexts: where they are, units as powers of two, their first.
    pub contexts: [(u64, u32, usize); 2],
}

/// A context.
#[derive(Debug, Clone, Copy)]
pub struct ContextAt {
    pub shift: u64,
    pub first: u64,
    pub mask: u64,
    pub list: u64,
    pub count: u64,
}

/// A page segment, and a descriptor.
#[derive(Debug, Clone, Copy)]
pub struct SegmentAt {
    pub signature: u64,
    /// Bytes of it and of its descriptors, in whole pages.
    pub own: u64,
    pub step: u64,
    pub committed: u64,
    pub flags: u64,
    pub units: u64,
}

/// A subsegment of variable sizes, and its chunks.
#[derive(Debug, Clone, Copy)]
pub struct VsAt {
    pub signature: u64,
    /// From the start of a subsegment to its first chunk.
    pub first: u64,
    /// Bytes of a chunk's header, and of the smallest chunk.
    pub header: u64,
    pub smallest: u64,
    pub sizes: u64,
}

/// A subsegment of the low-fragmentation heap.
#[derive(Debug, Clone, Copy)]
pub struct LfhAt {
    pub offsets: u64,
    pub count: u64,
    pub commit_units: u64,
    pub commit_state: u64,
    pub bitmap: u64,
    /// Bytes of a word of the bitmap.
    pub word: u64,
}

/// The description of a large block.
#[derive(Debug, Clone, Copy)]
pub struct LargeAt {
    pub bytes: u64,
    pub node: u64,
    pub address: u64,
    pub pages: u64,
}

/// Distances of what belongs to a heap from its base.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub segments: [u64; 2],
    pub large: u64,
    pub nodes: u64,
}

pub const WIDE: SegmentRow = SegmentRow {
    is_64_bit: true,
    unit: 16,
    units: 256,
    heap: HeapAt { signature: 0x10, tree: 0x40, ends: 0x68, contexts: [(0x90, 12, 2), (0x110, 16, 1)] },
    context: ContextAt { shift: 0x10, first: 0x12, mask: 0x18, list: 0x28, count: 0x38 },
    segment: SegmentAt { signature: 0x18, own: 0x2000, step: 0x20, committed: 0x18, flags: 0x19, units: 0x1E },
    vs: VsAt { signature: 0x28, first: 0x30, header: 0x10, smallest: 0x20, sizes: 8 },
    lfh: LfhAt { offsets: 0x28, count: 0x2C, commit_units: 0x35, commit_state: 0x36, bitmap: 0x38, word: 8 },
    large: LargeAt { bytes: 0x30, node: 8, address: 0x20, pages: 0x28 },
    room: Room { segments: [0x1_0000_0000, 0x2_0000_0000], large: 0x3_0000_0000, nodes: 0x4_0000_0000 },
};

pub const NARROW: SegmentRow = SegmentRow {
    is_64_bit: false,
    unit: 8,
    units: 128,
    heap: HeapAt { signature: 0x08, tree: 0x28, ends: 0x3C, contexts: [(0x50, 12, 1), (0x94, 16, 1)] },
    context: ContextAt { shift: 0x08, first: 0x0A, mask: 0x10, list: 0x18, count: 0x20 },
    segment: SegmentAt { signature: 0x0C, own: 0x1000, step: 0x14, committed: 0x0C, flags: 0x0D, units: 0x12 },
    vs: VsAt { signature: 0x20, first: 0x28, header: 8, smallest: 0x10, sizes: 4 },
    lfh: LfhAt { offsets: 0x14, count: 0x18, commit_units: 0x21, commit_state: 0x22, bitmap: 0x24, word: 4 },
    large: LargeAt { bytes: 0x18, node: 4, address: 0x10, pages: 0x14 },
    room: Room { segments: [0x100_0000, 0x400_0000], large: 0x10_0000, nodes: 0x1_0000 },
};

impl SegmentRow {
    /// Bytes of a pointer.
    pub fn pointer(&self) -> u64 {
        if self.is_64_bit { 8 } else { 4 }
    }

    /// What a chunk says of itself and the one before: units, and whether it is busy.
    pub fn sizes(&self, units: u64, before: u64, is_busy: bool) -> u64 {
        let is_busy = u64::from(is_busy);
        if self.is_64_bit { units | is_busy << 32 | before << 40 } else { before | is_busy << 15 | units << 16 }
    }

    /// The largest number as wide as a pointer.
    pub fn last(&self) -> u64 {
        u64::MAX >> (64 - 8 * self.pointer())
    }
}
