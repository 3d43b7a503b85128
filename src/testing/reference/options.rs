//! What a reference log is asked to be, and what was written.

/// What a reference log is full of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nearly nothing but block lines; at 1 GB, 80,000 stacks of 10 to 32 frames.
    Blocks,
    /// Half of the bytes are stacks; at 1 GB, 680,000 of them over 250,000 distinct addresses.
    Mixed,
    /// Twelve heaps, and each of 80,000 stacks has blocks in all of them.
    Heaps,
    /// The shape that a log from the field had: 41 MB with 445,000 blocks and 64,592 stacks.
    Field,
}

impl Kind {
    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "blocks" => Some(Kind::Blocks),
            "mixed" => Some(Kind::Mixed),
            "heaps" => Some(Kind::Heaps),
            "field" => Some(Kind::Field),
            _ => None,
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Kind::Blocks => Shape { stacks: 80_000, addresses: 30_000, shallow: 10, deep: 32, heaps: 6, spread: false },
            Kind::Mixed => {
                Shape { stacks: 680_000, addresses: 250_000, shallow: 34, deep: 62, heaps: 6, spread: false }
            }
            Kind::Heaps => Shape { stacks: 80_000, addresses: 30_000, shallow: 10, deep: 32, heaps: 12, spread: true },
            // 64,592 stacks in 41 MB.
            Kind::Field => {
                Shape { stacks: 1_575_415, addresses: 730_000, shallow: 10, deep: 27, heaps: 6, spread: false }
            }
        }
    }
}

/// Numbers at 1 GB; smaller logs have fewer in proportion.
pub(super) struct Shape {
    pub(super) stacks: u64,
    pub(super) addresses: u64,
    pub(super) shallow: u64,
    pub(super) deep: u64,
    pub(super) heaps: u64,
    /// The first heap brings all stacks, and every heap has blocks of all of them.
    pub(super) spread: bool,
}

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What the log is full of.
    pub kind: Kind,
    /// Size of the log in bytes, kept to within one record; a grown log is about 1.5 % larger.
    pub byte_count: u64,
    /// Same seed, same process: same stacks, ids and addresses.
    pub seed: u64,
    /// Write the later log of the same process, in which no block lies where it lay.
    pub grown: bool,
    /// Write the log of a later step of the same process, in which nearly all blocks lie where they lay; 0 for the first.
    pub step: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes of the file.
    pub byte_count: u64,
    /// Lines of the file.
    pub line_count: u64,
    /// Rows of `allocations`.
    pub block_count: u64,
    /// Rows of `heaps`.
    pub heap_count: u64,
    /// Rows of `stacks`.
    pub stack_count: u64,
    /// Lines that are frames.
    pub frame_count: u64,
    /// Rows of `frames`.
    pub distinct_frame_count: u64,
    /// Bytes asked for, all blocks together.
    pub requested_bytes: u64,
    /// Bytes of overhead, all blocks together.
    pub overhead_bytes: u64,
    /// Of the blocks, those that the log of the same options without `grown` does not have.
    pub grown_block_count: u64,
    /// Bytes asked for by those.
    pub grown_requested_bytes: u64,
    /// Bytes of overhead of those.
    pub grown_overhead_bytes: u64,
    /// Of the blocks, those that the log of the step before does not have at the same address with the same size.
    pub born_block_count: u64,
    /// Bytes asked for by those.
    pub born_requested_bytes: u64,
    /// Blocks of the log of the step before that this one does not have.
    pub died_block_count: u64,
}
