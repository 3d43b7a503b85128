//! Where the fields of a heap stand, by version of Windows and width of a pointer.
//!
//! Windows 7: both widths as in a full dump of a real process. Windows 10 (RS5 to 11): as public symbols describe them, and
//! of a UserBlocks header the bytes of a real one. What no real byte was seen of: stack traces and page heap.

use super::tables;

/// A version of Windows by the layout of its heaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// Windows 7 SP1.
    Seven,
    /// Windows 10 from 1809 on, and 11.
    Ten,
    /// A build that nobody knows: only the symbols of its ntdll, `tests/data/symbols/ntdll`, say where fields stand.
    Unknown,
}

/// Offsets from the start of the structure that the first word names.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub windows: Windows,
    pub is_64_bit: bool,
    /// Bytes of a pointer, of a unit of size, and where in an entry its eight bytes of header stand.
    pub pointer: u64,
    pub unit: u64,
    pub header: u64,
    /// Bytes of the entry that holds the heap itself, and of that of a further segment.
    pub heap_entry: u64,
    pub segment_entry: u64,
    pub heap: HeapRow,
    pub segment: SegmentRow,
    pub lfh: LfhRow,
    /// Bytes before a block that came from `VirtualAlloc` of its own.
    pub large_entry: u64,
    pub peb: PebRow,
}

/// Of a heap.
#[derive(Debug, Clone, Copy)]
pub struct HeapRow {
    pub flags: u64,
    pub encode_mask: u64,
    pub encoding: u64,
    pub interceptor: u64,
    pub threshold: u64,
    pub signature: u64,
    pub total_free: u64,
    pub index: u64,
    pub uncommitted: u64,
    pub large: u64,
    pub segments: u64,
    pub lookup_pointer: u64,
    pub free: u64,
    pub front_end: u64,
    pub front_end_type: u64,
    pub counters: u64,
    /// The list lookup behind the structure.
    pub lookup: u64,
}

/// Of a segment.
#[derive(Debug, Clone, Copy)]
pub struct SegmentRow {
    pub signature: u64,
    pub list: u64,
    pub heap: u64,
    pub base: u64,
    pub pages: u64,
    pub first: u64,
    pub last: u64,
    pub uncommitted_pages: u64,
    pub uncommitted_list: u64,
}

/// Of the low-fragmentation heap: store, zone, subsegment, UserBlocks.
#[derive(Debug, Clone, Copy)]
pub struct LfhRow {
    pub store_bytes: u64,
    pub zones: u64,
    pub store_heap: u64,
    pub zone_first: u64,
    pub subsegment: u64,
    pub user_blocks: u64,
    pub aggregate: u64,
    pub block_size: u64,
    pub block_count: u64,
    pub size_index: u64,
    /// UserBlocks: the index of its size, its signature, the bitmap's size (and pointer and words), all of it without words.
    pub users_index: u64,
    pub users_signature: u64,
    pub users_offsets: u64,
    pub users_bitmap: u64,
    pub users_bytes: u64,
}

/// Of the environment block of a process.
#[derive(Debug, Clone, Copy)]
pub struct PebRow {
    pub image: u64,
    pub heap: u64,
    pub flags: u64,
    pub heap_count: u64,
    pub heaps: u64,
}

/// The row of a version and a width.
pub fn row(windows: Windows, is_64_bit: bool) -> &'static Row {
    match (windows, is_64_bit) {
        (Windows::Seven, true) => &tables::SEVEN_64,
        (Windows::Seven, false) => &tables::SEVEN_32,
        (Windows::Ten, true) => &tables::TEN_64,
        (Windows::Ten, false) => &tables::TEN_32,
        (Windows::Unknown, true) => &tables::UNKNOWN_64,
        (Windows::Unknown, false) => &tables::UNKNOWN_32,
    }
}

impl Row {
    /// From the start of an entry to what the program gets of it; with stack traces there are two headers and a pointer.
    pub fn front(&self, has_trace: bool) -> u64 {
        match (has_trace, self.is_64_bit) {
            (false, _) => self.header + 8,
            (true, true) => 0x30,
            (true, false) => 0x18,
        }
    }

    /// Bytes in front of the next entry's header that are still the block's.
    pub fn overlap(&self) -> u64 {
        self.header
    }

    /// First block of a UserBlocks of so many, from its start.
    pub fn first_slot(&self, count: u64) -> u64 {
        let words = match self.windows {
            Windows::Seven => 0,
            Windows::Ten | Windows::Unknown => count.div_ceil(8 * self.pointer) * self.pointer,
        };
        (self.lfh.users_bytes + words).next_multiple_of(self.unit)
    }

    /// The largest block that lies in a segment.
    pub fn largest(&self) -> u64 {
        if self.is_64_bit { 0xFF00 * 16 } else { 0xFE00 * 8 }
    }
}
