//! Dumps of the server with its NT heaps: every block with its header, every list, every counter.
//!
//! ```text
//! heap | entry | entry | ... | descriptor of the uncommitted range behind | ... | end of the segment
//! ```
//!
//! - `rows` says where fields stand, by version of Windows and width of a pointer.
//! - `plan` says what a heap is to hold, `place` where, `paint` makes bytes of it, `answer` counts it.
//! - `story` is what the server asks for, `process` the dump around it, `damage` what can be wrong.
//! - `reference`(mod@reference) writes large ones for benchmarks.
//!
//! Layouts are those of public symbols, checked by eye against dumps of real processes.
//!
//! Invariant: the answer is counted from the plan, and every committed byte of a segment is in exactly one entry.

mod answer;
mod content;
mod damage;
mod large;
mod lfh;
mod memory;
mod page_heap;
mod paint;
mod place;
mod plan;
mod process;
pub mod reference;
mod rows;
mod segment_heap;
mod segment_places;
mod segment_rows;
mod story;
mod tables;
mod traces;
mod world;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

pub use answer::{BlockRow, HeapRow, Rows, State};
pub use damage::Damage;
pub use rows::Windows;

use super::super::investigation;
use investigation::blocks::{Block as LogBlock, Story, Trace};

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Same seed, same program and same story.
    pub seed: u64,
    /// Which dump of the story, from 0.
    pub step: u64,
    /// Size of the story.
    pub stack_count: u64,
    /// Version of Windows by the layout of its heaps.
    pub windows: Windows,
    /// Width of an address: 64, or 32 for anything else.
    pub pointer_width: u32,
    /// A 32-bit process on 64-bit Windows: heaps of both widths.
    pub wow64: bool,
    /// `gflags +ust`: blocks have stack traces.
    pub traces: bool,
    /// `gflags +htc +hfc +hpc`: patterns behind blocks and in free ones.
    pub tails: bool,
    /// `gflags +hpa`: blocks of the second heap that are not in its low-fragmentation heap have pages of their own.
    pub page_heap: bool,
    /// Half of what is in the second heap is in a segment heap beside it, in the structures of the made-up build. Of a 32-bit process on
    /// 64-bit Windows that is so of both its sides.
    pub segment_heap: bool,
    /// A defect.
    pub damage: Option<Damage>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            step: 0,
            stack_count: 200,
            windows: Windows::Ten,
            pointer_width: 64,
            wow64: false,
            traces: false,
            tails: false,
            page_heap: false,
            segment_heap: false,
            damage: None,
        }
    }
}

/// What was written. Damage is not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes of the file.
    pub byte_count: u64,
    /// Process id.
    pub pid: u64,
    /// Seconds since 1970, UTC.
    pub taken_at: u64,
    /// `NtGlobalFlag`.
    pub global_flag: u64,
    /// Module that leaks.
    pub culprit: &'static str,
    /// Heaps and blocks.
    pub rows: Rows,
    /// Return addresses of each stack as places in modules, innermost first: `fhpreview+0x27A8`.
    pub stacks: Vec<Vec<String>>,
    /// Places in the segment heap, if there is one: a chunk, an area of its low-fragmentation heap, a page segment.
    pub segment_places: [u64; 3],
    /// Where the defect is; 0 without one, or if it has no place.
    pub damaged_at: u64,
}

/// Writes a dump.
///
/// # Errors
///
/// What `out` returns.
pub fn write_heaps(out: &mut impl Write, options: &Options) -> io::Result<Answer> {
    let worlds = process::worlds(options);
    let mut rows = Rows::default();
    let mut parts = Vec::new();
    for world in &worlds {
        world.count(&mut rows);
        parts.extend(world.paint());
    }
    let damaged_at = options.damage.map_or(0, |damage| damage.apply(&worlds[0], &mut parts));
    let stacks = process::stacks(options, worlds[0].row.is_64_bit);
    let (plan, server) = process::plan(options, &worlds, parts);
    let mut layout = plan.layout();
    drop(plan);
    if options.damage == Some(Damage::Cut) {
        layout.byte_count = layout.head.len() as u64 + (layout.byte_count - layout.head.len() as u64) / 4 * 3;
    }
    Ok(Answer {
        byte_count: layout.write(out)?,
        pid: server.pid,
        taken_at: server.taken_at,
        global_flag: world::global_flag(options),
        culprit: investigation::program::CULPRIT,
        rows,
        stacks,
        segment_places: worlds[0].segment_heap.as_ref().map_or([0; 3], segment_heap::SegmentHeap::places),
        damaged_at,
    })
}

/// Writes the log that UMDH would write of the same heaps at the same moment: the same blocks with the same stacks.
///
/// # Errors
///
/// What `out` returns.
pub fn write_heap_log(out: &mut impl Write, options: &Options) -> io::Result<investigation::Answer> {
    let world = process::worlds(options).remove(0);
    let mut rows = Rows::default();
    world.count(&mut rows);
    let log = story::log_options(options, world.row.is_64_bit);
    let sites = investigation::sites::sites(options.seed, options.stack_count);
    let mut story = Story { sites, heaps: vec![Vec::new(); world.heaps.len()] };
    for row in &rows.blocks {
        let (State::Busy, Some(address), Some(requested)) = (row.state, row.address, row.requested) else { continue };
        let Some(number) = world.heaps.iter().position(|heap| heap.base == row.heap) else { continue };
        let trace = row.stack.map_or(Trace::None, |stack| Trace::Site(stack as usize));
        let overhead = row.entry_bytes - requested;
        story.heaps[number].push(LogBlock { trace, requested, overhead, offset: address - row.heap });
    }
    for heap in &mut story.heaps {
        heap.sort_unstable_by_key(|block| block.offset);
    }
    let hours = investigation::HOURS_APART * options.step;
    investigation::write_story(out, &log, &investigation::taken_at(hours), &story)
}
