//! The batches of the large tables, `allocations` and `stacks`: many at a time, each from one piece of the file or a few.

use arrow_array::{RecordBatch, builder::StringViewBuilder};
use rayon::prelude::*;

use super::ends::Ends;
use crate::{
    assemble::merge::{MergedStacks, MergedTraces, Placed},
    log::sink::{Allocation, BlockColumns, store::Span},
    table::{
        allocations::{self, Blocks},
        stacks, text,
    },
};

/// Rows that a batch should have at the least: smaller pieces are put together.
const BATCH_ROWS: usize = 32 * 1024;

/// What every batch is made with.
pub struct Context<'a> {
    pub traces: &'a MergedTraces,
    pub stacks: &'a MergedStacks,
    /// Blocks of each worker, region by region.
    pub blocks: &'a [Vec<Blocks>],
    pub heap_numbers: &'a [Vec<u32>],
    pub hashes: &'a [u64],
    pub ends: Ends,
}

/// Pieces that become one batch: places of the pieces in file order.
struct Group {
    first: usize,
    pieces: Vec<Placed>,
}

type Batches = Vec<RecordBatch>;

impl Context<'_> {
    /// Builds them, in file order: those of `allocations`, and those of `stacks`.
    pub fn batches(&self, pieces: Vec<Placed>, heap_count: usize) -> (Batches, Batches) {
        let groups = grouped(pieces);
        let most = groups.iter().map(|group| rows(&group.pieces)).max().unwrap_or(0);
        let shared = allocations::Shared::new(most, heap_count);
        let built: Vec<(Batches, Option<_>)> = groups.into_par_iter().map(|group| self.group(group, &shared)).collect();
        let (mut allocations, mut stacks) = (Batches::new(), Batches::new());
        for (some_allocations, some_stacks) in built {
            allocations.extend(some_allocations);
            stacks.extend(some_stacks);
        }
        if !self.stacks.undefined.is_empty() {
            let mut texts = text::builder(self.stacks.undefined.len());
            let undefined = self.stacks.undefined.iter();
            let mut scratch = String::new();
            undefined.for_each(|trace| self.append_id(*trace, &mut scratch, &mut texts));
            stacks.push(stacks::undefined(self.stacks.stacks.len() as u32, texts));
        }
        (allocations, stacks)
    }

    fn group(&self, group: Group, shared: &allocations::Shared) -> (Batches, Option<RecordBatch>) {
        let stacks = self.stack_rows(&group);
        let mut batches = Batches::new();
        batches.extend(self.block_rows(&group.pieces, shared));
        let sums = self.sum_rows(&group.pieces);
        if !sums.is_empty() {
            batches.push(allocations::sums(&sums));
        }
        (
            batches,
            (!stacks.frames_end.is_empty())
                .then(|| stacks.finish(self.hashes, |frames, cut| self.ends.is_truncated(frames, cut))),
        )
    }

    fn stack_rows(&self, group: &Group) -> stacks::StackRows {
        let most = group.pieces.iter().map(|placed| placed.piece.definitions.len()).sum();
        let trace_ids = text::builder(most);
        let mut rows = stacks::StackRows { first_id: u32::MAX, trace_ids, ..stacks::StackRows::default() };
        let only = group.pieces.len() == 1;
        let mut scratch = String::new();
        let mut frame_ids = Vec::new();
        for (offset, placed) in group.pieces.iter().enumerate() {
            let ids = &self.stacks.of_definition[group.first + offset];
            let is_first = |at: usize| {
                let place = self.stacks.stacks[ids[at] as usize];
                place.piece as usize == group.first + offset && place.definition as usize == at
            };
            let kept: Vec<usize> = (0..ids.len()).filter(|at| is_first(*at)).collect();
            let whole = only && kept.len() == ids.len();
            for at in kept {
                let place = self.stacks.stacks[ids[at] as usize];
                let about = placed.piece.definitions[at];
                rows.first_id = rows.first_id.min(ids[at]);
                self.append_id(place.trace, &mut scratch, &mut rows.trace_ids);
                rows.alias_of.push(place.alias_of);
                rows.cut.push(about.cut);
                rows.inferred.push(about.inferred);
                if whole {
                    rows.frames_end.push(about.frames_end as i32);
                } else {
                    frame_ids.extend_from_slice(placed.frames_of(at));
                    rows.frames_end.push(frame_ids.len() as i32);
                }
            }
            if whole {
                let defined = rows.frames_end.last().map_or(0, |end| *end as usize);
                rows.frame_ids = placed.frames.slice(0, defined);
            }
        }
        if !frame_ids.is_empty() {
            rows.frame_ids = frame_ids.into();
        }
        rows
    }

    fn append_id(&self, trace: u32, scratch: &mut String, texts: &mut StringViewBuilder) {
        match self.traces.ids.write(self.traces.keys[trace as usize], scratch) {
            true => texts.append_value(scratch),
            false => texts.append_null(),
        }
    }

    fn sum_rows(&self, pieces: &[Placed]) -> Vec<(u32, Option<u32>, Allocation)> {
        let row = |placed: &Placed, (heap, allocation): &(u32, Allocation)| {
            let numbers = &self.traces.numbers[placed.worker];
            let stack = allocation.trace.map(|slot| self.stacks.of_trace[numbers[slot.0 as usize] as usize]);
            (self.heap_numbers[placed.worker][*heap as usize], stack, *allocation)
        };
        pieces.iter().flat_map(|placed| placed.piece.sums.iter().map(move |sums| row(placed, sums))).collect()
    }

    /// The batch of the blocks, if there are any. Neighbours in one region, as those of a single worker, are one already.
    fn block_rows(&self, pieces: &[Placed], shared: &allocations::Shared) -> Option<RecordBatch> {
        let (mut rows, mut runs): (u32, Vec<(u32, u32)>) = (0, Vec::new());
        for placed in pieces {
            for (heap, end) in &placed.piece.heap_runs {
                let heap = self.heap_numbers[placed.worker][*heap as usize];
                match runs.last_mut() {
                    Some(last) if last.0 == heap => last.1 = rows + end,
                    _ => runs.push((heap, rows + end)),
                }
            }
            rows += placed.piece.blocks.len as u32;
        }
        let mut filled = pieces.iter().filter(|placed| placed.piece.blocks.len > 0);
        let first = filled.next()?;
        let joined = filled.try_fold(first.piece.blocks, |span, placed| {
            (placed.worker == first.worker).then(|| span.joined(placed.piece.blocks)).flatten()
        });
        Some(match joined {
            Some(span) => allocations::blocks(&self.blocks[first.worker][span.region], span, &runs, shared),
            None => {
                let mut together = BlockColumns::default();
                for placed in pieces {
                    let span = placed.piece.blocks;
                    self.blocks[placed.worker][span.region].append_to(&mut together, span);
                }
                let whole = Span { len: rows as usize, ..Span::default() };
                allocations::blocks(&together.into(), whole, &runs, shared)
            }
        })
    }
}

fn rows(pieces: &[Placed]) -> usize {
    pieces.iter().map(|placed| placed.piece.blocks.len).sum()
}

/// Puts small neighbours together; a piece that is large enough stays alone and is moved, not copied.
fn grouped(pieces: Vec<Placed>) -> Vec<Group> {
    let weight = |placed: &Placed| {
        let piece = &placed.piece;
        piece.blocks.len + piece.sums.len() + piece.frames.len
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut room = 0;
    for (at, placed) in pieces.into_iter().enumerate() {
        let this = weight(&placed);
        match groups.last_mut() {
            Some(group) if this <= room => {
                room -= this;
                group.pieces.push(placed);
            }
            _ => {
                room = BATCH_ROWS.saturating_sub(this);
                groups.push(Group { first: at, pieces: vec![placed] });
            }
        }
    }
    groups
}
