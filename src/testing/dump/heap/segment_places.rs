//! Where the blocks of a segment heap lie: page segments, ranges of units, and what is in them.

use super::{
    plan::{Block, Piece},
    segment_rows::{LfhAt, SegmentRow},
};

const PAGE: u64 = 0x1000;
/// Blocks from this size on are the back end's.
const LARGE: u32 = 0x8000;

/// A chunk of variable size; the pages of a free one may have no memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    pub bytes: u64,
    pub block: Option<Block>,
    pub is_hollow: bool,
}

/// A subsegment of the low-fragmentation heap.
#[derive(Debug, Clone, PartialEq)]
pub struct Lfh {
    pub block: u64,
    pub slots: Vec<Option<Block>>,
    pub commit_units: u64,
}

/// What a range is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Free,
    Own,
    Block(Block),
    Lfh(Lfh),
    Vs(Vec<Chunk>),
}

/// A range of units, with the pages of each that have memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    pub at: usize,
    pub committed: Vec<u8>,
    pub what: What,
}

/// A page segment.
#[derive(Debug, Clone)]
pub struct Segment {
    row: &'static SegmentRow,
    pub base: u64,
    pub shift: u32,
    first: usize,
    pub ranges: Vec<Range>,
}

/// Page segments that are being filled.
pub struct Placing {
    done: Vec<Segment>,
    now: Segment,
    next: usize,
    chunks: Vec<Chunk>,
    lfh_count: usize,
}

impl Lfh {
    fn words_end(at: &LfhAt, count: usize) -> u64 {
        at.bitmap + (count as u64).div_ceil(4 * at.word) * at.word
    }

    /// Bytes before the first block, of so many.
    fn first_of(row: &SegmentRow, count: usize, commit_units: u64) -> u64 {
        (Self::words_end(&row.lfh, count) + 2 * commit_units).next_multiple_of(row.unit)
    }

    pub fn first(&self, row: &SegmentRow) -> u64 {
        Self::first_of(row, self.slots.len(), self.commit_units)
    }

    pub fn bitmap_end(&self, row: &SegmentRow) -> u64 {
        Self::words_end(&row.lfh, self.slots.len())
    }
}

impl Segment {
    pub fn bytes(&self) -> u64 {
        (self.row.units as u64) << self.shift
    }

    pub fn unit(&self, number: usize) -> u64 {
        self.base + ((number as u64) << self.shift)
    }

    /// Parts without memory: address and bytes.
    pub fn holes(&self) -> Vec<(u64, u64)> {
        let unit = 1_u64 << self.shift;
        let own = (self.first as u64) << self.shift;
        let memory = self.row.segment.own;
        let mut holes = if own > memory { vec![(self.base + memory, own - memory)] } else { Vec::new() };
        for range in &self.ranges {
            for (number, committed) in range.committed.iter().enumerate() {
                let (start, memory) = (self.unit(range.at + number), u64::from(*committed) * PAGE);
                if memory < unit {
                    holes.push((start + memory, unit - memory));
                }
            }
        }
        holes
    }

    /// Bytes with memory between two addresses.
    pub fn committed(&self, start: u64, end: u64) -> u64 {
        let holes = self.holes().into_iter().map(|(hole, bytes)| (hole.max(start), (hole + bytes).min(end)));
        end - start - holes.map(|(from, to)| to.saturating_sub(from)).sum::<u64>()
    }
}

impl Placing {
    const VS_UNITS: usize = 16;

    /// Bytes for the chunks of a subsegment.
    fn room(&self) -> u64 {
        Self::VS_UNITS as u64 * PAGE - self.now.row.vs.first
    }

    pub fn new(row: &'static SegmentRow, base: u64, shift: u32, first: usize) -> Self {
        let now = Segment { row, base, shift, first, ranges: Vec::new() };
        Self { done: Vec::new(), now, next: first, chunks: Vec::new(), lfh_count: 0 }
    }

    /// Places pieces in their order.
    pub fn pieces(&mut self, pieces: &[Piece]) {
        let (unit, vs) = (self.now.row.unit, self.now.row.vs);
        for piece in pieces {
            match piece {
                Piece::Block(block, ..) if block.requested >= LARGE => self.block(*block),
                Piece::Block(block, ..) => {
                    let bytes = (vs.header + u64::from(block.requested)).next_multiple_of(unit).max(vs.smallest);
                    self.chunk(Chunk { bytes, block: Some(*block), is_hollow: false });
                }
                Piece::Free(bytes) => {
                    let bytes = bytes.next_multiple_of(unit).clamp(vs.smallest, 0x4000);
                    self.chunk(Chunk { bytes, block: None, is_hollow: false });
                }
                Piece::Hole(pages) => {
                    self.chunk(Chunk { bytes: (pages + 2) * PAGE, block: None, is_hollow: true });
                }
                Piece::Slots(_, slots) => self.lfh(slots),
            }
        }
    }

    /// A block of the back end; the last pages of a unit that it does not need have no memory.
    pub fn block(&mut self, block: Block) {
        let unit = 1_u64 << self.now.shift;
        let (bytes, pages) = (u64::from(block.requested), u64::from(block.requested).div_ceil(PAGE));
        let per_unit = unit / PAGE;
        let units = bytes.div_ceil(unit);
        let committed = (0..units).map(|number| (pages - number * per_unit).min(per_unit) as u8).collect();
        self.push(committed, What::Block(block));
    }

    fn chunk(&mut self, chunk: Chunk) {
        let used: u64 = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        if used + chunk.bytes > self.room() {
            self.close_chunks();
        }
        self.chunks.push(chunk);
    }

    fn close_chunks(&mut self) {
        if self.chunks.is_empty() {
            return;
        }
        let mut chunks = std::mem::take(&mut self.chunks);
        let used: u64 = chunks.iter().map(|chunk| chunk.bytes).sum();
        let (first, smallest) = (self.now.row.vs.first, self.now.row.vs.smallest);
        match self.room() - used {
            0 => {}
            // Too small for a chunk: the one before gets it.
            rest if rest < smallest => chunks.last_mut().into_iter().for_each(|last| last.bytes += rest),
            rest => chunks.push(Chunk { bytes: rest, block: None, is_hollow: false }),
        }
        let mut committed = vec![1; Self::VS_UNITS];
        let mut at = first;
        for chunk in &chunks {
            if chunk.is_hollow {
                let whole = (at + 0x20).div_ceil(PAGE);
                (whole..(at + chunk.bytes) / PAGE).for_each(|page| committed[page as usize] = 0);
            }
            at += chunk.bytes;
        }
        self.push(committed, What::Vs(chunks));
        // Something else between.
        match self.done.len() + self.now.ranges.len() {
            number if number % 3 == 0 => self.push(vec![1], What::Own),
            number if number % 3 == 1 => self.push(vec![1, 0, 1], What::Free),
            _ => {}
        }
    }

    fn lfh(&mut self, slots: &[Option<Block>]) {
        let row = self.now.row;
        let requested = slots.iter().flatten().map(|block| u64::from(block.requested)).max().unwrap_or(0);
        let block = requested.next_multiple_of(row.unit).max(row.unit);
        self.lfh_count += 1;
        let (commit_units, more) = (self.lfh_count as u64 % 2 * 3, self.lfh_count as u64 % 3);
        let end = |count: usize| Lfh::first_of(row, count, commit_units) + count as u64 * block;
        let needed = end(slots.len()).div_ceil(PAGE);
        let mut slots = slots.to_vec();
        while end(slots.len() + 1) <= (needed + more) * PAGE {
            slots.push(None);
        }
        let lfh = Lfh { block, slots, commit_units };
        let last = lfh.slots.iter().rposition(Option::is_some).map_or(0, |last| last as u64 + 1);
        // Pages behind the last busy block have no memory, where there are more than needed.
        let used = (lfh.first(row) + last * block).div_ceil(PAGE);
        let committed = (0..needed + more).map(|page| u8::from(page < used || more == 0)).collect();
        self.push(committed, What::Lfh(lfh));
    }

    fn push(&mut self, committed: Vec<u8>, what: What) {
        let units = committed.len();
        if self.next + units > self.now.row.units {
            self.close();
        }
        self.now.ranges.push(Range { at: self.next, committed, what });
        self.next += units;
    }

    fn close(&mut self) {
        let rest = self.now.row.units - self.next;
        if rest > 0 {
            self.now.ranges.push(Range { at: self.next, committed: vec![0; rest], what: What::Free });
        }
        let next = Segment { base: self.now.base + self.now.bytes(), ranges: Vec::new(), ..self.now.clone() };
        self.done.push(std::mem::replace(&mut self.now, next));
        self.next = self.now.first;
    }

    /// All page segments.
    pub fn done(mut self) -> Vec<Segment> {
        self.close_chunks();
        self.close();
        self.done
    }
}
