//! Stacks become paths: what a call tree, or another viewer, shows of each, step by step, as numbers.
//!
//! ```text
//! module blamed → function blamed → its callers → …    (outward)
//! start of the thread → … → function blamed            (inward)
//! ```
//!
//! Every stack has a path of at least one step, so that no bytes are lost.

use std::sync::Arc;

use arrow_array::{ListArray, RecordBatch, UInt32Array, cast::AsArray};
use arrow_buffer::OffsetBuffer;
use rayon::prelude::*;

use super::{NO_KEY, Source};
use crate::table::{self, Table, schema, stacks::frames_of};

/// What steps are that are neither a module nor a frame, by number; the caller's own numbers begin behind them.
pub const KINDS: [&str; 6] =
    ["", "total", "no stack recorded", "stack not in file", "outer frames cut off", "all frames hidden"];
/// What the root of a call tree is.
pub const TOTAL: u32 = 1;
const NOT_RECORDED: u32 = 2;
const NOT_IN_FILE: u32 = 3;
const CUT_OFF: u32 = 4;
const ALL_HIDDEN: u32 = 5;

/// Stacks that one thread looks at in one go.
const PORTION: usize = 1 << 14;

/// How paths are to be. What is told of frames is told of those of all sources, one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Frames that stacks do not count for.
    pub passed_over: &'a [bool],
    /// Frames that are no step.
    pub hidden: &'a [bool],
    /// The step that each frame is.
    pub steps: &'a [u32],
    /// Of outward paths the first step, if the stack counts for that frame: its module.
    pub first: Option<&'a [u32]>,
    /// From the start of the thread on.
    pub inward: bool,
    /// Steps that follow each other and are the same are one.
    pub merged: bool,
    /// Frames inside of the one that the stack counts for are steps, too.
    pub keep_allocators: bool,
}

struct Stack<'a> {
    frames: &'a [u32],
    /// Frames of the sources before its own.
    before: usize,
    is_cut_off: bool,
}

/// The path of each stack, [`NO_KEY`] for blocks without one. Absent if a stack is not there, or something is not told of every frame.
pub fn paths(sources: &[Source], stacks: &[u32], shape: &Shape<'_>) -> Option<Table> {
    let (all, frames) = all(sources);
    let told =
        [shape.passed_over.len(), shape.hidden.len(), shape.steps.len(), shape.first.map_or(frames, <[u32]>::len)];
    if told.iter().any(|count| *count != frames) {
        return None;
    }
    let portion = |stacks: &[u32]| {
        let (mut steps, mut lengths) = (Vec::new(), Vec::with_capacity(stacks.len()));
        for stack in stacks {
            let start = steps.len();
            let stack = if *stack == NO_KEY { None } else { Some(all.get(*stack as usize)?) };
            add(stack, shape, &mut steps);
            lengths.push(steps.len() - start);
        }
        Some(batch(steps, lengths))
    };
    let batches: Option<Vec<RecordBatch>> = stacks.par_chunks(PORTION).map(portion).collect();
    Some(Table::new(&schema::PATHS, batches?))
}

/// The stacks of all sources, and how many frames these have.
fn all(sources: &[Source]) -> (Vec<Stack<'_>>, usize) {
    let mut all = Vec::new();
    let mut before = 0;
    for source in sources {
        for batch in source.table("stacks").map_or(&[][..], |table| &table.batches) {
            let cut = batch.column_by_name("truncated").and_then(|column| column.as_boolean_opt());
            all.extend(frames_of(batch).enumerate().map(|(row, frames)| Stack {
                frames: frames.unwrap_or_default(),
                before,
                is_cut_off: cut.is_some_and(|cut| cut.value(row)),
            }));
        }
        before += source.table("frames").map_or(0, Table::len);
    }
    (all, before)
}

/// Adds the path of a stack to the steps of those before it.
fn add(stack: Option<&Stack<'_>>, shape: &Shape<'_>, steps: &mut Vec<u32>) {
    let start = steps.len();
    let Some(Stack { frames, before, is_cut_off }) = stack.filter(|stack| !stack.frames.is_empty()) else {
        return steps.push(if stack.is_some() { NOT_IN_FILE } else { NOT_RECORDED });
    };
    let row = |frame: &u32| before + *frame as usize;
    let blamed = frames.iter().position(|frame| !shape.passed_over[row(frame)]).unwrap_or(frames.len() - 1);
    if let Some(first) = shape.first.filter(|_| !shape.inward) {
        steps.push(first[row(&frames[blamed])]);
    }
    let shown = if shape.keep_allocators { frames } else { &frames[blamed..] };
    let mut is_hidden = true;
    for frame in shown.iter().filter(|frame| !shape.hidden[row(frame)]) {
        is_hidden = false;
        let step = shape.steps[row(frame)];
        if !(shape.merged && steps[start..].last() == Some(&step)) {
            steps.push(step);
        }
    }
    if is_hidden {
        steps.push(ALL_HIDDEN);
    } else if *is_cut_off {
        steps.push(CUT_OFF);
    }
    if shape.inward {
        steps[start..].reverse();
    }
}

/// The numbers of paths, sorted by their steps, then by number: each begins with what it shares with the one before it. Uses the
/// threads of the pool it is called in.
pub fn sorted(paths: &[&[u32]]) -> Vec<u32> {
    /// Steps beside the number, which decide most comparisons without a look at the paths: these are far apart.
    const FIRST: usize = 8;
    let key = |number: u32| {
        let path = paths[number as usize];
        let length = path.len().min(FIRST);
        let mut steps = [0_u32; FIRST];
        steps[..length].copy_from_slice(&path[..length]);
        (steps, length, number)
    };
    let count = u32::try_from(paths.len()).unwrap_or(u32::MAX);
    let mut keyed: Vec<_> = (0..count).into_par_iter().map(key).collect();
    keyed.par_sort_unstable_by(|(steps, length, number), (others, others_length, other)| {
        let rest = |number: u32, length: usize| &paths[number as usize][length..];
        let first = steps[..*length].cmp(&others[..*others_length]);
        first.then_with(|| rest(*number, *length).cmp(rest(*other, *others_length))).then(number.cmp(other))
    });
    keyed.into_iter().map(|(.., number)| number).collect()
}

fn batch(steps: Vec<u32>, lengths: Vec<usize>) -> RecordBatch {
    let lists = ListArray::new(
        schema::list_item(),
        OffsetBuffer::from_lengths(lengths),
        Arc::new(UInt32Array::from(steps)),
        None,
    );
    table::batch(&schema::PATHS, vec![Arc::new(lists)])
}
