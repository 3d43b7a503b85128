//! What is in the heaps, counted from the plan and the places, never by reading back.

use super::{
    content::{Content, Images, debug_place},
    large,
    paint::Painting,
    place::{Entry, What, fronts, uncommitted_pages},
    plan::{Block, Piece},
};
use crate::testing::investigation::{classes, program::MODULES};

/// What a stretch of a heap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The program's.
    Busy,
    /// Nobody's.
    Free,
    /// The heap's own.
    Internal,
}

/// A block, or a stretch that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRow {
    /// Base of its heap.
    pub heap: u64,
    /// Where its entry starts.
    pub entry: u64,
    /// Bytes of the entry.
    pub entry_bytes: u64,
    /// What the program got; only of busy ones.
    pub address: Option<u64>,
    /// Bytes that it asked for.
    pub requested: Option<u64>,
    /// Whose it is.
    pub state: State,
    /// `backend`, `lfh`, `large` or `page_heap`; of a segment heap also `vs`.
    pub front_end: &'static str,
    /// What the byte of flags says; only of entries of the backend.
    pub flags: Option<u8>,
    /// What a block holds; of internal stretches what they are.
    pub content: &'static str,
    /// The first word of a block of which it says something.
    pub first_word: Option<u64>,
    /// The class of an object: its module and its number there.
    pub class: Option<(u8, u8)>,
    /// Request number, file and line of a block of the debug C runtime.
    pub debug: Option<(u32, &'static str, u32)>,
    /// Number of the stack.
    pub stack: Option<u32>,
}

/// Sums of a heap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct HeapRow {
    pub base: u64,
    pub is_64_bit: bool,
    pub is_listed: bool,
    pub is_encoded: bool,
    pub flags: u32,
    pub segment_count: u64,
    /// Of the segments.
    pub reserved_bytes: u64,
    pub committed_bytes: u64,
    pub uncommitted_bytes: u64,
    pub busy_count: u64,
    /// Asked for, in segments.
    pub busy_bytes: u64,
    /// Free entries, with their headers.
    pub free_count: u64,
    pub free_bytes: u64,
    pub largest_free_bytes: u64,
    pub lfh_busy_count: u64,
    pub lfh_busy_bytes: u64,
    pub lfh_free_count: u64,
    pub lfh_free_bytes: u64,
    /// What is left of the committed bytes of the segments.
    pub overhead_bytes: u64,
    pub large_count: u64,
    pub large_bytes: u64,
    pub large_committed_bytes: u64,
}

impl BlockRow {
    /// What symbols call the class of an object.
    pub fn class_name(&self) -> Option<String> {
        let (module, class) = self.class?;
        classes::name(&MODULES[usize::from(module)], u64::from(class))
    }
}

/// Everything that is in the heaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Rows {
    pub heaps: Vec<HeapRow>,
    pub blocks: Vec<BlockRow>,
}

impl BlockRow {
    fn new(heap: u64, entry: u64, entry_bytes: u64, state: State, content: &'static str) -> Self {
        Self {
            heap,
            entry,
            entry_bytes,
            address: None,
            requested: None,
            state,
            front_end: "backend",
            flags: None,
            content,
            first_word: None,
            class: None,
            debug: None,
            stack: None,
        }
    }

    /// Bytes that nobody has.
    pub fn free(heap: u64, entry: u64, entry_bytes: u64) -> Self {
        Self::new(heap, entry, entry_bytes, State::Free, "free")
    }

    /// A block of the program.
    pub fn busy(heap: u64, entry: u64, entry_bytes: u64, address: u64, block: &Block, images: &Images) -> Self {
        let debug = match block.content {
            Content::Debug(request) => {
                let (file, line) = debug_place(request);
                Some((request, file, line))
            }
            _ => None,
        };
        Self {
            address: Some(address),
            requested: Some(u64::from(block.requested)),
            first_word: block.content.first_word(images),
            class: block.content.class(),
            debug,
            stack: block.stack.checked_sub(1),
            ..Self::new(heap, entry, entry_bytes, State::Busy, block.content.name())
        }
    }
}

/// Adds a heap and its blocks.
pub fn count(painting: &Painting<'_>, rows: &mut Rows) {
    let from = rows.blocks.len();
    for segment in painting.segments {
        segment.entries.iter().for_each(|entry| backend(painting, entry, &mut rows.blocks));
    }
    slots(painting, &mut rows.blocks);
    for large::Large { base, requested, front, committed, block } in large::blocks(painting) {
        let heap = painting.plan.base;
        let row = match block {
            Some(block) => BlockRow::busy(heap, base, committed, base + front, &block, painting.images),
            None => BlockRow {
                address: Some(base + front),
                requested: Some(requested),
                ..BlockRow::new(heap, base, committed, State::Internal, "lfh_store")
            },
        };
        rows.blocks.push(BlockRow { front_end: "large", ..row });
    }
    rows.heaps.push(sums(painting, &rows.blocks[from..]));
}

fn backend(painting: &Painting<'_>, entry: &Entry, rows: &mut Vec<BlockRow>) {
    let (heap, bytes) = (painting.plan.base, u64::from(entry.units) * painting.row.unit);
    let new = |state, content| BlockRow {
        flags: Some(entry.flags),
        ..BlockRow::new(heap, entry.address, bytes, state, content)
    };
    rows.push(match entry.what {
        What::Header => new(State::Internal, "header"),
        What::Hole(..) => new(State::Internal, "uncommitted_range"),
        What::Zone(_) => new(State::Internal, "zone"),
        What::Slots(_) => new(State::Internal, "user_blocks"),
        What::Free => new(State::Free, "free"),
        What::Block(piece) => {
            let Piece::Block(block, ..) = &painting.plan.pieces[piece as usize] else { return };
            let user = entry.address + painting.row.front(painting.plan.has_traces);
            BlockRow {
                flags: Some(entry.flags),
                ..BlockRow::busy(heap, entry.address, bytes, user, block, painting.images)
            }
        }
    });
}

fn slots(painting: &Painting<'_>, rows: &mut Vec<BlockRow>) {
    let (row, heap) = (painting.row, painting.plan.base);
    for (piece, address, _) in fronts(row, painting.segments).1 {
        let Piece::Slots(stride, slots) = &painting.plan.pieces[piece as usize] else { continue };
        let first = address + row.first_slot(slots.len() as u64);
        for (number, slot) in (0..).zip(slots) {
            let entry = first + number * stride;
            let found = match slot {
                Some(block) => {
                    let user = entry + row.front(painting.plan.has_traces);
                    BlockRow::busy(heap, entry, *stride, user, block, painting.images)
                }
                None => BlockRow::new(heap, entry, *stride, State::Free, "free"),
            };
            rows.push(BlockRow { front_end: "lfh", ..found });
        }
    }
}

fn sums(painting: &Painting<'_>, rows: &[BlockRow]) -> HeapRow {
    let (plan, segments) = (painting.plan, painting.segments);
    let mut sums = HeapRow {
        base: plan.base,
        is_64_bit: painting.row.is_64_bit,
        is_listed: plan.is_listed,
        is_encoded: plan.encoding.is_some(),
        flags: plan.flags,
        segment_count: segments.len() as u64,
        reserved_bytes: segments.iter().map(|segment| segment.reserved).sum(),
        uncommitted_bytes: segments.iter().map(|segment| 0x1000 * uncommitted_pages(segment)).sum(),
        ..HeapRow::default()
    };
    sums.committed_bytes = sums.reserved_bytes - sums.uncommitted_bytes;
    for row in rows {
        let requested = row.requested.unwrap_or_default();
        match (row.front_end, row.state) {
            ("large", state) => {
                sums.large_committed_bytes += row.entry_bytes;
                if state == State::Busy {
                    sums.large_count += 1;
                    sums.large_bytes += requested;
                }
            }
            ("lfh", State::Busy) => {
                sums.lfh_busy_count += 1;
                sums.lfh_busy_bytes += requested;
            }
            ("lfh", _) => {
                sums.lfh_free_count += 1;
                sums.lfh_free_bytes += row.entry_bytes;
            }
            (_, State::Busy) => {
                sums.busy_count += 1;
                sums.busy_bytes += requested;
            }
            (_, State::Free) => {
                sums.free_count += 1;
                sums.free_bytes += row.entry_bytes;
                sums.largest_free_bytes = sums.largest_free_bytes.max(row.entry_bytes);
            }
            (_, State::Internal) => {}
        }
    }
    let used = sums.busy_bytes + sums.free_bytes + sums.lfh_busy_bytes + sums.lfh_free_bytes;
    sums.overhead_bytes = sums.committed_bytes - used;
    sums
}
