//! What a diff is made of: the stacks of both snapshots as one table, the sums of both sides, and rankings of them.
//!
//! A [`Diff`] of two snapshots has their stacks one after the other, those of the later snapshot first, so that one number names
//! a stack of either. A comparison that a tool wrote is a diff as well, of one source.

mod blame;
mod contents;
mod labels;
mod nodes;
mod partners;
pub mod paths;
mod ranking;
mod sides;
mod stacks;
mod status;
pub mod totals;

pub use blame::{blame, stack_groups};
pub use labels::{doubtful_names, function_labels, hexadecimal};
pub use nodes::{Nodes, nodes};
pub use partners::without_partner;
pub use ranking::NO_KEY;
pub use sides::Side;
pub use status::Status;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::{
    snapshot::{Comparison, Snapshot},
    table::Table,
};
use totals::By;

/// What has stacks.
#[derive(Debug, Clone)]
pub enum Source {
    /// A log.
    Snapshot(Snapshot),
    /// A comparison of two.
    Comparison(Comparison),
}

impl Source {
    /// A table by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        match self {
            Self::Snapshot(snapshot) => snapshot.table(name),
            Self::Comparison(comparison) => comparison.table(name),
        }
    }
}

/// Two snapshots, or one comparison, with the stacks of all of them as one table.
#[derive(Debug, Clone)]
pub struct Diff {
    sources: Vec<Source>,
    stacks: Table,
}

impl Diff {
    /// Numbers the stacks of all sources; `is_allocator` tells for each source which frames its stacks do not count for.
    ///
    /// Uses the threads of the pool it is called in, as all methods do.
    ///
    /// # Errors
    ///
    /// More text than one column can hold.
    pub fn new(sources: Vec<Source>, is_allocator: &[impl Fn(u32) -> bool + Sync]) -> Result<Self, ArrowError> {
        let stacks = stacks::numbered(&sources, is_allocator)?;
        Ok(Self { sources, stacks })
    }

    /// The stacks of all sources: the table `numbered_stacks`.
    pub fn stacks(&self) -> &Table {
        &self.stacks
    }

    /// The sums of both sides by stack or by heap: the table `sides_by_stack` or `sides_by_heap`; absent for a comparison, whose
    /// rows have both sides.
    pub fn sides(&self, by: By) -> Option<Table> {
        match &self.sources[..] {
            [Source::Snapshot(after), Source::Snapshot(before)] => Some(sides::sides(after, before, by)),
            _ => None,
        }
    }

    /// Rows summed up by a key of their stacks, and the keys ranked by growth: the table `ranking`; absent if a column is.
    /// `keys` has the key of each stack, or [`NO_KEY`].
    pub fn rank(&self, rows: &[RecordBatch], keys: &[u32]) -> Option<Table> {
        ranking::rank(rows, keys)
    }

    /// The groups of frames that each stack of a source passes: the table `stack_groups`. `group` has the group of each frame.
    pub fn passed(&self, source: usize, group: impl Fn(u32) -> Option<u32> + Sync) -> Option<Table> {
        Some(stack_groups(self.sources.get(source)?.table("stacks"), group))
    }

    /// The path of each stack, [`NO_KEY`] for blocks without one: the table `paths`. Absent if a stack is not there, or something is
    /// not told of every frame.
    pub fn paths(&self, stacks: &[u32], shape: &paths::Shape<'_>) -> Option<Table> {
        paths::paths(&self.sources, stacks, shape)
    }
}
