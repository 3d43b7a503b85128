//! What a heap is to hold, before anything has an address.

use super::{content::Content, rows::Row};

/// A block that the program asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Bytes asked for.
    pub requested: u32,
    pub content: Content,
    /// Number of its stack plus one; 0 for a block without.
    pub stack: u32,
}

/// A stretch of a segment.
#[derive(Debug, Clone)]
pub enum Piece {
    /// A block of the backend, with a flag byte and this many units more than needed.
    Block(Block, u8, u8),
    /// Free bytes, in whole units.
    Free(u64),
    /// Blocks of the low-fragmentation heap: bytes of a slot, and the slots.
    Slots(u64, Vec<Option<Block>>),
    /// Pages that are reserved only.
    Hole(u64),
}

/// A heap.
#[derive(Debug, Clone)]
pub struct HeapPlan {
    pub base: u64,
    pub flags: u32,
    /// Reserve of the first segment, and base and reserve of those that follow as long as they are needed.
    pub reserved: u64,
    pub more: Vec<(u64, u64)>,
    /// What headers are combined with; without it they are plain.
    pub encoding: Option<[u8; 8]>,
    /// Blocks have a stack trace in front of them.
    pub has_traces: bool,
    /// Blocks have a pattern behind them that tells of writes past their end.
    pub has_tails: bool,
    pub is_mapped: bool,
    /// In the list of the process.
    pub is_listed: bool,
    /// Where the store of the low-fragmentation heap lies, and its key.
    pub store: u64,
    pub key: u32,
    pub pieces: Vec<Piece>,
    /// Blocks with memory of their own: where, and what.
    pub large: Vec<(u64, Block)>,
}

/// The sizes of a block's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of the entry.
    pub bytes: u64,
    /// From the entry's start to the user's bytes.
    pub front: u64,
    /// Bytes of the entry that the user has not asked for.
    pub unused: u64,
}

impl HeapPlan {
    /// A heap without blocks.
    pub fn new(base: u64, reserved: u64) -> Self {
        Self {
            base,
            flags: 2,
            reserved,
            more: Vec::new(),
            encoding: None,
            has_traces: false,
            has_tails: false,
            is_mapped: false,
            is_listed: true,
            store: 0,
            key: 0,
            pieces: Vec::new(),
            large: Vec::new(),
        }
    }

    /// The smallest entry for so many bytes.
    pub fn shape(&self, row: &Row, requested: u64) -> Shape {
        let front = row.front(self.has_traces);
        let tail = if self.has_tails { row.unit } else { 0 };
        let bytes = (front + requested + tail - row.overlap()).next_multiple_of(row.unit).max(2 * row.unit);
        Shape { bytes, front, unused: bytes - requested }
    }

    /// How many UserBlocks it has.
    pub fn slots_count(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::Slots(..))).count()
    }

    /// Where the store starts, if there is one.
    pub fn store_address(&self, row: &Row) -> Option<u64> {
        let front = if row.windows == super::Windows::Seven { row.large_entry } else { 0 };
        (self.slots_count() > 0).then_some(self.store + front)
    }
}
