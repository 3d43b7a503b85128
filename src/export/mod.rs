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

use ahash::{HashMap, HashMapExt};
use flate2::{Compression, write::GzEncoder};

/// Who wrote the file, where a format has a field for it.
const EXPORTER: &str = concat!("heapdelta ", env!("CARGO_PKG_VERSION"));
/// The outermost frame of a stack whose bytes are not known: no format has a number that says so.
pub const UNKNOWN: &str = "[bytes not known]";

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
    /// Whether it is a frame that is passed over when stacks are blamed.
    pub is_allocator: bool,
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
    /// Places of all stacks, one stack behind the other, innermost first.
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
    /// How many stacks there are.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// The places of a stack, innermost first.
    fn steps_of(&self, stack: usize) -> &[u32] {
        &self.steps[self.starts[stack]..self.starts[stack + 1]]
    }

    /// Whether bytes of a stack are not known at some point.
    fn is_unknown(&self, stack: usize) -> bool {
        self.points.iter().any(|point| point.bytes[stack].is_none())
    }

    /// Whether there is such a stack.
    fn has_unknown(&self) -> bool {
        (0..self.len()).any(|stack| self.is_unknown(stack))
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

/// Stacks as a tree from the outermost place inward: each node is a place, and the node that it was called from.
struct Trie {
    /// Place, and number of the node it was called from plus 1; 0 for none.
    nodes: Vec<(u32, u32)>,
    /// The node of each stack, where it ends.
    ends: Vec<u32>,
}

impl Trie {
    /// The outermost place of stacks whose bytes are not known has the number behind those of all others.
    fn new(stacks: &Stacks) -> Self {
        let unknown = u32::try_from(stacks.places.len()).unwrap_or(u32::MAX);
        let mut numbers: HashMap<u64, u32> = HashMap::with_capacity(stacks.steps.len() / 2);
        let mut nodes = Vec::new();
        let mut ends = Vec::with_capacity(stacks.len());
        for stack in 0..stacks.len() {
            let first = stacks.is_unknown(stack).then_some(&unknown);
            let mut above = 0;
            for place in first.into_iter().chain(stacks.steps_of(stack).iter().rev()) {
                // Both in one number, which is hashed in one go.
                let key = u64::from(*place) << 32 | u64::from(above);
                above = *numbers.entry(key).or_insert_with(|| {
                    nodes.push((*place, above));
                    u32::try_from(nodes.len()).unwrap_or(u32::MAX)
                });
            }
            ends.push(above.saturating_sub(1));
        }
        Self { nodes, ends }
    }
}

/// How hard gzip tries.
const LEVEL: u32 = 2;

/// Packs a file.
///
/// # Errors
///
/// Writing into memory has none; the trait has them.
pub fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(LEVEL));
    packed.write_all(bytes)?;
    packed.finish()
}
