//! Stacks and their sums become files of other viewers: pure functions of what Python has matched, named and trimmed.
//!
//! Every stack has at least one place, and every byte a stack: blocks without one have a place such as `[no stack recorded]`. So the
//! total of every viewer is the total of the log.

pub mod firefox;
pub mod folded;
pub mod heaptrack;
pub mod pprof;
pub mod speedscope;
#[cfg(test)]
mod tests;

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder};
use rayon::prelude::*;

use crate::diff::paths::sorted;

/// Who wrote the file, where a format has a field for it.
const EXPORTER: &str = concat!("heapdelta ", env!("CARGO_PKG_VERSION"));
/// The outermost frame of a stack whose bytes are not known: no format has a number that says so.
const UNKNOWN: &str = "[bytes not known]";

/// A call, as a viewer shows it.
pub struct Call {
    /// Module and function: `app!grow`, or `app+0x1C3F`.
    pub name: String,
    /// Source file.
    pub file: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
}

/// A place in the program: a frame of the log, or what stands for one.
pub struct Place {
    /// Calls that were inlined there, innermost first, and last the function itself.
    pub calls: Vec<Call>,
    /// Row of [`Stacks::modules`].
    pub module: Option<u32>,
    /// Whether it is a frame that is passed over when stacks are blamed; `None` for what stands for a frame.
    pub is_allocator: Option<bool>,
}

/// A module that places are in.
pub struct Module {
    /// As frames have it.
    pub name: String,
    /// The file, or the name again.
    pub path: String,
    /// Identity of its symbols.
    pub debug_id: Option<String>,
}

/// What there is at a point in time; absent where it is not known.
pub struct Point {
    /// What it is called: `before`, `after`, `live`.
    pub label: String,
    /// Since the first point.
    pub milliseconds: f64,
    /// Bytes of each stack.
    pub bytes: Vec<Option<i64>>,
    /// Blocks of each stack.
    pub blocks: Vec<Option<i64>>,
}

/// All that is written.
pub struct Stacks {
    /// The files, without their folders.
    pub title: String,
    /// When the first point is, milliseconds since 1970; 0 where it is not known.
    pub started: f64,
    /// What a reader of the numbers must know.
    pub notes: Vec<String>,
    /// Modules that places are in, the program first.
    pub modules: Vec<Module>,
    /// All places.
    pub places: Vec<Place>,
    /// Places of all stacks, one stack behind the other, outermost first.
    pub steps: Vec<u32>,
    /// Where each stack begins among the steps, and where the last one ends.
    pub starts: Vec<usize>,
    /// Name of the module that each stack counts for: row of [`Stacks::owner_names`].
    pub owners: Vec<u32>,
    /// Modules that stacks count for.
    pub owner_names: Vec<String>,
    /// In the order of time: one for a log, two for a comparison.
    pub points: Vec<Point>,
}

impl Stacks {
    /// Tells in stacks whose bytes are not known that they are not, and leaves out what no stack has.
    pub fn prepared(mut self) -> Self {
        self.tell_unknown();
        let places = leave_named(&mut self.places, self.steps.iter().copied());
        self.steps.iter_mut().for_each(|place| *place = places[*place as usize]);
        let modules = leave_named(&mut self.modules, self.places.iter().filter_map(|place| place.module));
        self.places.iter_mut().for_each(|place| place.module = place.module.map(|module| modules[module as usize]));
        let owners = leave_named(&mut self.owner_names, self.owners.iter().copied());
        self.owners.iter_mut().for_each(|owner| *owner = owners[*owner as usize]);
        self
    }

    /// Makes [`UNKNOWN`] the outermost place of stacks whose bytes are not known at some point.
    fn tell_unknown(&mut self) {
        let is_unknown: Vec<bool> = (0..self.len()).map(|stack| self.is_unknown(stack)).collect();
        if !is_unknown.contains(&true) {
            return;
        }
        let unknown = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let call = Call { name: UNKNOWN.to_owned(), file: None, line: None };
        self.places.push(Place { calls: vec![call], module: None, is_allocator: None });
        let (mut steps, mut starts) = (Vec::with_capacity(self.steps.len()), vec![0]);
        for (stack, is_unknown) in is_unknown.into_iter().enumerate() {
            steps.extend(is_unknown.then_some(unknown));
            steps.extend_from_slice(self.steps_of(stack));
            starts.push(steps.len());
        }
        (self.steps, self.starts) = (steps, starts);
    }

    /// How many stacks there are.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// The places of a stack, outermost first.
    fn steps_of(&self, stack: usize) -> &[u32] {
        &self.steps[self.starts[stack]..self.starts[stack + 1]]
    }

    /// Whether bytes of a stack are not known at some point.
    fn is_unknown(&self, stack: usize) -> bool {
        self.points.iter().any(|point| point.bytes[stack].is_none())
    }

    /// Bytes of a stack at the last point less those at the first; none where it is not known.
    fn growth(&self, stack: usize) -> i64 {
        match &self.points[..] {
            [first, .., last] if !self.is_unknown(stack) => last.bytes_of(stack) - first.bytes_of(stack),
            _ => 0,
        }
    }

    /// Whether something of a stack is not as it was, or not known.
    fn has_changed(&self, stack: usize) -> bool {
        let [first, .., last] = &self.points[..] else { return true };
        first.bytes[stack] != last.bytes[stack] || first.blocks[stack] != last.blocks[stack] || self.is_unknown(stack)
    }
}

impl Point {
    /// Bytes of a stack; none where they are not known, which [`UNKNOWN`] tells.
    fn bytes_of(&self, stack: usize) -> i64 {
        self.bytes[stack].unwrap_or(0)
    }

    /// Blocks of a stack; none where they are not known, which a note tells.
    fn blocks_of(&self, stack: usize) -> i64 {
        self.blocks[stack].unwrap_or(0)
    }
}

/// Leaves those of some rows that are named, and gives the new number of each.
fn leave_named<T>(rows: &mut Vec<T>, names: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut is_named = vec![false; rows.len()];
    names.for_each(|row| is_named[row as usize] = true);
    let mut left = is_named.iter();
    rows.retain(|_| left.next() == Some(&true));
    let mut next = 0;
    let number = |is_named| {
        let own = next;
        next += u32::from(is_named);
        own
    };
    is_named.into_iter().map(number).collect()
}

/// Stacks as a tree from the outermost place inward: each node is a place, and the node that it was called from.
struct Trie {
    /// Place, and number of the node it was called from plus 1; 0 for none.
    nodes: Vec<(u32, u32)>,
    /// The node of each stack, where it ends.
    ends: Vec<u32>,
}

impl Trie {
    /// Stacks are put in order, so that each begins with what it shares with the one before it.
    fn new(stacks: &Stacks) -> Self {
        let ways: Vec<&[u32]> = (0..stacks.len()).map(|stack| stacks.steps_of(stack)).collect();
        let mut nodes = Vec::with_capacity(stacks.steps.len() / 2);
        let mut ends = vec![0; stacks.len()];
        // The way of the stack before, and its nodes by their number plus 1.
        let mut last: Vec<(u32, u32)> = Vec::new();
        for stack in sorted(&ways) {
            let way = ways[stack as usize];
            let shared = last.iter().zip(way).take_while(|((before, _), place)| before == *place).count();
            last.truncate(shared);
            for place in &way[shared..] {
                nodes.push((*place, last.last().map_or(0, |(_, node)| *node)));
                last.push((*place, u32::try_from(nodes.len()).unwrap_or(u32::MAX)));
            }
            ends[stack as usize] = last.last().map_or(0, |(_, node)| node.saturating_sub(1));
        }
        Self { nodes, ends }
    }
}

/// How hard gzip tries.
const LEVEL: u32 = 2;
/// Bytes that one thread packs in one go, as if nothing were before them.
const PIECE: usize = 1 << 20;
/// A file packed by deflate, without a name and a time, by an unknown system.
const GZIP_HEAD: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// Packs a file, in pieces side by side that are one stream: not every reader goes on behind the end of a first one.
///
/// # Errors
///
/// Writing into memory has none; the trait has them.
pub fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let pieces = bytes.par_chunks(PIECE).map(|piece| {
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(piece.len() / 2), Compression::new(LEVEL));
        encoder.write_all(piece)?;
        // To the border of a byte, and without an end.
        encoder.flush()?;
        let mut sum = Crc::new();
        sum.update(piece);
        Ok((std::mem::take(encoder.get_mut()), sum))
    });
    let pieces: Vec<(Vec<u8>, Crc)> = pieces.collect::<std::io::Result<_>>()?;
    let mut packed = GZIP_HEAD.to_vec();
    let mut sum = Crc::new();
    for (piece, own) in &pieces {
        packed.extend_from_slice(piece);
        sum.combine(own);
    }
    packed.extend_from_slice(&DeflateEncoder::new(Vec::new(), Compression::new(LEVEL)).finish()?);
    packed.extend_from_slice(&sum.sum().to_le_bytes());
    packed.extend_from_slice(&sum.amount().to_le_bytes());
    Ok(packed)
}
