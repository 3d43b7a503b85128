//! What stacks count for: the frame that is blamed, and the groups of frames they pass.

use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array};
use rayon::prelude::*;

use crate::{
    engine::memory,
    table::{self, Table, schema, stacks::frames_of},
};

/// For each stack the frame it counts for: the first, from the innermost outward, that is not an allocator's; the outermost if
/// all are; none for a stack without frames.
pub fn blamed(stacks: &[Option<&[u32]>], is_allocator: impl Fn(u32) -> bool) -> Vec<Option<u32>> {
    /// Stacks ahead whose first frames are asked for: they are far apart, and most are decided by those.
    const AHEAD: usize = 16;
    let blame = |(place, frames): (usize, &Option<&[u32]>)| {
        stacks.get(place + AHEAD).copied().flatten().inspect(|ahead| memory::prefetch(ahead, 0));
        let frames = frames.unwrap_or_default();
        frames.iter().find(|frame| !is_allocator(**frame)).or(frames.last()).copied()
    };
    stacks.iter().enumerate().map(blame).collect()
}

/// For every stack with frames, the frame it counts for; see [`blamed`]. Uses the threads of the pool it is called in.
pub fn blame(stacks: Option<&Table>, is_allocator: impl Fn(u32) -> bool + Sync) -> Table {
    let batch = |stacks: &RecordBatch, first: u32| {
        let stacks: Vec<(u32, Option<&[u32]>)> =
            (first..).zip(frames_of(stacks)).filter(|(_, frames)| frames.is_some()).collect();
        let (ids, frames): (Vec<u32>, Vec<Option<&[u32]>>) = stacks.into_iter().unzip();
        let blamed = UInt32Array::from(blamed(&frames, &is_allocator));
        table::batch(&schema::BLAME, vec![Arc::new(UInt32Array::from(ids)), Arc::new(blamed)])
    };
    each_batch(stacks, &schema::BLAME, batch)
}

/// For every stack, each group of frames it passes, once. Uses the threads of the pool it is called in.
pub fn stack_groups(stacks: Option<&Table>, group: impl Fn(u32) -> Option<u32> + Sync) -> Table {
    let batch = |stacks: &RecordBatch, first: u32| {
        let (mut ids, mut groups) = (Vec::new(), Vec::new());
        let mut passed: Vec<u32> = Vec::new();
        for (row, frames) in frames_of(stacks).enumerate() {
            passed.clear();
            for group in frames.unwrap_or_default().iter().filter_map(|frame| group(*frame)) {
                if !passed.contains(&group) {
                    passed.push(group);
                }
            }
            ids.extend(std::iter::repeat_n(first + row as u32, passed.len()));
            groups.extend_from_slice(&passed);
        }
        let columns = [ids, groups].map(|numbers| Arc::new(UInt32Array::from(numbers)) as _);
        table::batch(&schema::STACK_GROUPS, columns.to_vec())
    };
    each_batch(stacks, &schema::STACK_GROUPS, batch)
}

fn each_batch(
    stacks: Option<&Table>,
    schema: &schema::TableSchema,
    build: impl Fn(&RecordBatch, u32) -> RecordBatch + Sync,
) -> Table {
    let batches = stacks.map_or(&[][..], |table| &table.batches);
    let first = batches.iter().scan(0, |next, batch| {
        let first = *next;
        *next += batch.num_rows() as u32;
        Some(first)
    });
    let first: Vec<u32> = first.collect();
    Table::new(schema, batches.par_iter().zip(first).map(|(batch, first)| build(batch, first)).collect())
}
