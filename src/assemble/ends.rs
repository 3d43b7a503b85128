//! Where whole stacks end: one of the tool's depth limit whose outermost frame ends many shorter ones is not cut off.
//!
//! ```text
//! 7 frames   … RtlUserThreadStart        a shorter stack is whole: this is where threads begin
//! 32 frames  … RtlUserThreadStart        ends there as well: whole, and just as deep as the tool goes
//! 32 frames  … app!Recurse               few shorter stacks end there, or none: probably cut off
//! the file ends behind a frame           the same: it is whole if it ends where whole ones do
//! ```

use std::collections::HashMap;

use rayon::prelude::*;

use crate::assemble::merge::{MergedStacks, Placed, StackPlace};

/// A frame ends whole stacks if it ends at least one in this many of those below the limit.
const ONE_IN: usize = 100;

/// Tells stacks that the tool has cut off from those that are just as deep as it goes.
#[derive(Debug)]
pub struct Ends {
    depth_limit: u32,
    /// The frames that end whole stacks; at most [`ONE_IN`].
    whole: Vec<u32>,
}

impl Ends {
    /// Counts the outermost frames of the stacks below the limit. Uses the threads of the pool it is called in.
    pub fn new(pieces: &[Placed], stacks: &MergedStacks, depth_limit: u32) -> Self {
        let mut whole = Vec::new();
        let is_cut = |placed: &Placed| placed.piece.definitions.last().is_some_and(|last| last.cut);
        if stacks.max_depth == depth_limit || pieces.iter().any(is_cut) {
            let counts = stacks.stacks.par_iter().filter_map(|place| end(pieces, place, depth_limit));
            let counts = counts.fold(HashMap::new, |counts, frame| add(counts, (frame, 1)));
            let counts = counts.reduce(HashMap::new, |counts, more| more.into_iter().fold(counts, add));
            let shorter: usize = counts.values().sum();
            whole.extend(counts.into_iter().filter(|(_, count)| count * ONE_IN >= shorter).map(|(frame, _)| frame));
        }
        Self { depth_limit, whole }
    }

    /// True if outer frames are probably missing: the stack is as deep as the tool goes, or the file ends in it, and it does not
    /// end where whole ones do.
    pub fn is_truncated(&self, frames: &[u32], cut: bool) -> bool {
        let is_deepest = frames.len() as u32 == self.depth_limit;
        (is_deepest || cut) && frames.last().is_some_and(|outermost| !self.whole.contains(outermost))
    }
}

/// The outermost frame of a stack below the limit. Where the file ends is not where a stack ends.
fn end(pieces: &[Placed], place: &StackPlace, depth_limit: u32) -> Option<u32> {
    let (placed, definition) = (&pieces[place.piece as usize], place.definition as usize);
    let frames = placed.frames_of(definition);
    let is_whole = frames.len() < depth_limit as usize && !placed.piece.definitions[definition].cut;
    frames.last().copied().filter(|_| is_whole)
}

fn add(mut counts: HashMap<u32, usize>, (frame, count): (u32, usize)) -> HashMap<u32, usize> {
    *counts.entry(frame).or_default() += count;
    counts
}
