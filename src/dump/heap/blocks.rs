//! Blocks as columns, and how many there are of each size.

use std::collections::HashMap;

/// Who gave a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrontEnd {
    /// The back end.
    Backend,
    /// The low-fragmentation heap.
    Lfh,
    /// The system: an allocation of its own.
    Large,
    /// Page heap: pages of its own.
    Page,
    /// The part of a segment heap that has blocks of variable size.
    Vs,
}

impl FrontEnd {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Backend, Self::Lfh, Self::Large, Self::Page, Self::Vs];

    /// As the table shows it.
    pub fn name(self) -> &'static str {
        ["backend", "lfh", "large", "page", "vs"][self as usize]
    }
}

/// Blocks of one front end and state.
#[derive(Debug, Default)]
pub struct Columns {
    /// Where the program's bytes are.
    pub address: Vec<u64>,
    /// Bytes that it asked for; nothing for free ones.
    pub requested: Vec<u64>,
    /// Bytes with the header.
    pub bytes: Vec<u64>,
    /// Flags of the header.
    pub flags: Vec<u32>,
    /// Numbers of stacks, in heaps whose blocks have some; else none.
    pub traces: Vec<u32>,
}

impl Columns {
    fn with_room() -> Self {
        Self {
            address: Vec::with_capacity(CHUNK),
            requested: Vec::with_capacity(CHUNK),
            bytes: Vec::with_capacity(CHUNK),
            flags: Vec::with_capacity(CHUNK),
            traces: Vec::new(),
        }
    }
}

/// Blocks of a batch: none grows past it, so that nothing is copied to make room.
const CHUNK: usize = 1 << 16;

/// Sizes that have a place of their own in an array.
const SMALL: usize = 4096;

/// Blocks of a segment.
#[derive(Debug)]
pub struct Blocks {
    /// By front end, then busy and free.
    chunks: [Vec<Columns>; 10],
    small: Vec<u64>,
    others: HashMap<u64, u64>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { chunks: Default::default(), small: vec![0; SMALL], others: HashMap::new() }
    }
}

impl Blocks {
    fn last(&mut self, place: usize) -> &mut Columns {
        let chunks = &mut self.chunks[place];
        match chunks.last() {
            Some(last) if last.address.len() < CHUNK => {}
            // The first one grows as it must: most segments are small.
            None => chunks.push(Columns::default()),
            Some(_) => chunks.push(Columns::with_room()),
        }
        let last = chunks.len() - 1;
        &mut chunks[last]
    }

    /// A block that the program has.
    #[inline(always)]
    pub fn busy(&mut self, front_end: FrontEnd, address: u64, requested: u64, bytes: u64, flags: u8) {
        let columns = self.last(2 * front_end as usize);
        columns.address.push(address);
        columns.requested.push(requested);
        columns.bytes.push(bytes);
        columns.flags.push(u32::from(flags));
        match self.small.get_mut(requested as usize) {
            Some(count) => *count += 1,
            None => *self.others.entry(requested).or_default() += 1,
        }
    }

    /// Adds the number of its stack to the last busy block.
    pub fn trace(&mut self, front_end: FrontEnd, number: u32) {
        if let Some(last) = self.chunks[2 * front_end as usize].last_mut() {
            last.traces.push(number);
        }
    }

    /// Busy blocks, in the order of the table.
    pub fn all_busy(&self) -> impl Iterator<Item = &Columns> {
        self.chunks.iter().step_by(2).flatten()
    }

    /// A block that nobody has.
    #[inline(always)]
    pub fn free(&mut self, front_end: FrontEnd, address: u64, bytes: u64, flags: u8) {
        let columns = self.last(2 * front_end as usize + 1);
        columns.address.push(address);
        columns.bytes.push(bytes);
        columns.flags.push(u32::from(flags));
    }

    /// Takes the chunks of a front end, busy or free.
    pub fn take(&mut self, front_end: FrontEnd, free: bool) -> Vec<Columns> {
        std::mem::take(&mut self.chunks[2 * front_end as usize + usize::from(free)])
    }

    /// Busy blocks by their size.
    pub fn sizes(&self) -> impl Iterator<Item = (u64, u64)> {
        let small = (0_u64..).zip(self.small.iter().copied()).filter(|(_, count)| *count > 0);
        small.chain(self.others.iter().map(|(size, count)| (*size, *count)))
    }
}
