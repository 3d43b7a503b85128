//! The stack trace database that `gflags +ust` keeps, in a private block of its own.
//!
//! No real one was seen. Records are as public symbols describe them; which field has the depth is as the two public tools
//! that read them have it, which differs with page heap.

use super::{memory::Memory, rows::Row};

/// Places in the database and in a record: 64 and 32 bits.
struct At {
    database: u64,
    commit_base: u64,
    added: u64,
    array: u64,
    record: u64,
    count: u64,
    index: u64,
    depth: u64,
    frames: u64,
}

const AT_64: At = At {
    database: 0x2F0,
    commit_base: 0x88,
    added: 0xB4,
    array: 0xB8,
    record: 0x110,
    count: 0x8,
    index: 0xC,
    depth: 0xE,
    frames: 0x10,
};
const AT_32: At = At {
    database: 0x188,
    commit_base: 0x48,
    added: 0x60,
    array: 0x64,
    record: 0x8C,
    count: 0x4,
    index: 0x8,
    depth: 0xA,
    frames: 0xC,
};
/// Numbers of records start here, so that none can be taken for a depth.
const FIRST_INDEX: u64 = 0x100;
/// Most frames of a record.
const DEEPEST: usize = 32;

/// Where the stacks of a process are.
#[derive(Debug, Clone)]
pub struct Traces {
    pub base: u64,
    first: u64,
    record: u64,
    pub stacks: Vec<Vec<u64>>,
    /// The depth is where it is with page heap.
    pub with_page_heap: bool,
}

fn at(is_64_bit: bool) -> &'static At {
    if is_64_bit { &AT_64 } else { &AT_32 }
}

impl Traces {
    /// A database at an address: for each stack its return addresses, innermost first.
    pub fn new(row: &Row, base: u64, stacks: Vec<Vec<u64>>, with_page_heap: bool) -> Self {
        let at = at(row.is_64_bit);
        Self { base, first: base + at.database.next_multiple_of(0x10), record: at.record, stacks, with_page_heap }
    }

    /// The record of a stack by its number plus one; 0 for none.
    pub fn address(&self, stack: u32) -> u64 {
        u64::from(stack).checked_sub(1).map_or(0, |number| self.first + number * self.record)
    }

    pub fn paint(&self, row: &Row, memory: &mut Memory) {
        let at = at(row.is_64_bit);
        let count = self.stacks.len() as u64;
        let array = self.first + count * self.record;
        let end = array + count * row.pointer - self.base;
        let committed = end.next_multiple_of(0x1000);
        memory.add(self.base, committed, (committed + 0x10_0000).next_multiple_of(0x1_0000));
        memory.word(self.base + at.commit_base, self.base);
        memory.u32(self.base + at.added, count);
        memory.word(self.base + at.array, array + count * row.pointer);
        for (number, stack) in (0..).zip(&self.stacks) {
            let record = self.first + number * self.record;
            let frames = &stack[..stack.len().min(DEEPEST)];
            let depth = frames.len() as u64;
            memory.u32(record + at.count, 1 | depth << 11);
            let (index, depth) = if self.with_page_heap { (FIRST_INDEX + number, depth) } else { (depth, 0) };
            memory.u16(record + at.index, index);
            memory.u16(record + at.depth, depth);
            for (place, frame) in (0..).zip(frames) {
                memory.word(record + at.frames + place * row.pointer, *frame);
            }
            memory.word(array + (count - 1 - number) * row.pointer, record);
        }
    }
}
