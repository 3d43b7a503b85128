//! Full page heap: every block at the end of pages of its own, a page without access behind it.
//!
//! No real one was seen: the description of a block is as public symbols have it, the header in front of it as the
//! documentation of the debugger does.

use super::{
    answer::{BlockRow, Rows, State},
    content::{Images, fill},
    memory::Memory,
    plan::{Block, HeapPlan, Piece},
    rows::Row,
    traces::Traces,
};

const PAGE: u64 = 0x1000;
const ROOT: u64 = 0xFFEE_DDCC;
const START: u64 = 0xABCD_BBBB;
const END: u64 = 0xDCBA_BBBB;
/// Fills the bytes between a block and the end of its page.
const SUFFIX: u8 = 0xD0;

/// Blocks of a heap, taken out of its segments.
pub struct Pages {
    heap: u64,
    base: u64,
    blocks: Vec<Block>,
}

/// One block: its pages, its place, what is asked for.
struct Place {
    base: u64,
    committed: u64,
    user: u64,
}

impl Pages {
    /// Takes as many blocks of a heap as there is room for at an address.
    pub fn take(row: &Row, heap: &mut HeapPlan, base: u64, room: u64) -> Self {
        let mut pages = Self { heap: heap.base, base, blocks: Vec::new() };
        let mut used = 0x10_0000;
        heap.pieces.retain(|piece| {
            let block = match piece {
                Piece::Block(block, ..) => *block,
                _ => return true,
            };
            let bytes = committed(row, &block) + PAGE;
            let fits = used + bytes <= room;
            if fits {
                used += bytes;
                pages.blocks.push(block);
            }
            !fits
        });
        pages
    }

    fn places(&self, row: &Row) -> Vec<Place> {
        let mut base = self.base + 0x10_0000;
        let mut place = |block: &Block| {
            let committed = committed(row, block);
            let user = base + committed - u64::from(block.requested).next_multiple_of(row.unit);
            let place = Place { base, committed, user };
            base += committed + PAGE;
            place
        };
        self.blocks.iter().map(&mut place).collect()
    }

    pub fn paint(&self, row: &Row, memory: &mut Memory, images: &Images, traces: Option<&Traces>) {
        let places = self.places(row);
        let node = if row.is_64_bit { 0x80 } else { 0x40 };
        let bytes = (PAGE + node * places.len() as u64).next_multiple_of(PAGE);
        memory.add(self.base, bytes, 0x10_0000);
        memory.u32(self.base, ROOT);
        let end = places.last().map_or(self.base + 0x10_0000, |place| place.base + place.committed);
        let start = self.base + 0x10_0000;
        let holes: Vec<_> = places.iter().map(|place| (place.base + place.committed, PAGE)).collect();
        memory.add(start, end - start, end + PAGE - start).holes = holes;
        for ((number, place), block) in (0..).zip(&places).zip(&self.blocks) {
            let trace = traces.map_or(0, |traces| traces.address(block.stack));
            self.describe(row, memory, self.base + PAGE + number * node, place, block, trace);
            self.head(row, memory, place, block, trace);
            fill(memory, images, place.user, block);
            for at in place.user + u64::from(block.requested)..place.base + place.committed {
                memory.u8(at, SUFFIX);
            }
        }
    }

    /// Pointers of the tree, then the block: user address, virtual block and its sizes, sizes, value, flags, trace.
    fn describe(&self, row: &Row, memory: &mut Memory, at: u64, place: &Place, block: &Block, trace: u64) {
        let first = at + 4 * row.pointer;
        let requested = u64::from(block.requested);
        let fields =
            [place.user, place.base, place.committed + PAGE, place.committed, requested, place.committed, 0, 0, trace];
        for (number, value) in (0..).zip(fields) {
            memory.word(first + number * row.pointer, value);
        }
    }

    fn head(&self, row: &Row, memory: &mut Memory, place: &Place, block: &Block, trace: u64) {
        let (width, start) = (row.pointer, place.user - head_bytes(row));
        memory.u32(start, START);
        memory.word(start + width, self.base);
        memory.words(start + 2 * width, u64::from(block.requested), place.committed);
        memory.word(start + 6 * width, trace);
        memory.u32(place.user - 4, END);
    }

    pub fn count(&self, row: &Row, images: &Images, rows: &mut Rows) {
        for (place, block) in self.places(row).iter().zip(&self.blocks) {
            let busy = BlockRow::busy(self.heap, place.base, place.committed, place.user, block, images);
            rows.blocks.push(BlockRow { front_end: "page_heap", state: State::Busy, ..busy });
        }
    }
}

fn head_bytes(row: &Row) -> u64 {
    if row.is_64_bit { 0x40 } else { 0x20 }
}

fn committed(row: &Row, block: &Block) -> u64 {
    (u64::from(block.requested).next_multiple_of(row.unit) + head_bytes(row)).next_multiple_of(PAGE)
}
