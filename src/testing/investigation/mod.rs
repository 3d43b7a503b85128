//! Logs of an invented server, Fernhollow, in which one module leaks.
//!
//! The story, told alike by every log of a seed:
//!
//! - `fhpreview` keeps page thumbnails that nobody frees: six ways into one function, more with every step.
//! - `fhcatalog` has a cache that fills up in the first three steps and then stays as it is. Two early logs cannot tell
//!   it from the leak; a third can.
//! - `fhsession` holds as much as before, under other stacks: by stack it looks like growth, by module it is none.
//! - All others have their ordinary ups and downs, some blocks have no stack, one id has no stack in the log, one is
//!   for two stacks.
//!
//! Invariant: two logs of one seed differ by what their steps say and by nothing else; a restart changes every address
//! and id, and nothing that they stand for. Blocks lie at other addresses in every log; in the logs of [`series`], which
//! tells days of the same server hour by hour, a block stays where it is.

pub(super) mod blocks;
mod calls;
pub mod classes;
pub(super) mod program;
pub mod series;
pub(super) mod sites;
pub mod symbols;
mod umdh1;
mod umdh2;

use std::io::{self, Write};

use super::{
    encode::{Encoding, LineEnd, Lines},
    random::Random,
};
use blocks::Story;
use program::{MODULES, Run};

/// The tool that is said to have written the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// UMDH 10: one line a block.
    Umdh2,
    /// UMDH of Windows 2000: one line a heap and stack, with names of functions, at most 16 frames, no overhead. All
    /// blocks of a stack have the size of its smallest.
    Umdh1,
}

impl Dialect {
    /// The dialect that `Snapshot.format` gives this name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "umdh2" => Some(Dialect::Umdh2),
            "umdh1" => Some(Dialect::Umdh1),
            _ => None,
        }
    }
}

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Same seed, same program and same story.
    pub seed: u64,
    /// Which log of the story, from 0; they are four hours apart.
    pub step: u64,
    /// Which run of the program: another number, other addresses, ids and process id.
    pub run: u64,
    /// Size of the story: 2,000 stacks and about 75,000 blocks, or fewer of both.
    pub stack_count: u64,
    /// The tool.
    pub dialect: Dialect,
    /// Width of an address: 64, or 32 for anything else.
    pub pointer_width: u32,
    /// Line end of the file.
    pub line_end: LineEnd,
    /// Encoding of the file.
    pub encoding: Encoding,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            step: 0,
            run: 0,
            stack_count: 2_000,
            dialect: Dialect::Umdh2,
            pointer_width: 64,
            line_end: LineEnd::CrLf,
            encoding: Encoding::Utf8,
        }
    }
}

/// A sum over blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes asked for.
    pub requested_bytes: u64,
    /// Bytes of overhead; 0 in a dialect that does not say.
    pub overhead_bytes: u64,
    /// Blocks.
    pub allocation_count: u64,
}

impl Totals {
    fn add(&mut self, requested_bytes: u64, overhead_bytes: u64) {
        self.requested_bytes += requested_bytes;
        self.overhead_bytes += overhead_bytes;
        self.allocation_count += 1;
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Module that leaks.
    pub culprit: &'static str,
    /// Module whose cache fills up.
    pub cache: &'static str,
    /// Module whose memory moves from stack to stack.
    pub false_alarm: &'static str,
    /// Bytes of the file.
    pub byte_count: u64,
    /// Lines of the file.
    pub line_count: u64,
    /// Heaps, one of them empty.
    pub heap_count: u64,
    /// Rows of the module table; 0 in a dialect without one.
    pub module_count: u64,
    /// Ids whose stack is in the file.
    pub stack_count: u64,
    /// Process id.
    pub pid: u64,
    /// `2024-03-11 09:00`
    pub taken_at: String,
    /// All blocks.
    pub total: Totals,
    /// Blocks that were never freed and never will be.
    pub leaked: Totals,
    /// Blocks of the cache.
    pub cached: Totals,
    /// Blocks of `BackTrace0`.
    pub without_stack: Totals,
    /// Blocks whose id has no stack in the file.
    pub undefined: Totals,
    /// Blocks of each module that has some, by name. Together with the two above they are all blocks.
    pub modules: Vec<(&'static str, Totals)>,
}

/// Writes one log of the story.
///
/// # Errors
///
/// What `out` returns.
pub fn write_investigation(out: &mut impl Write, options: &Options) -> io::Result<Answer> {
    write_story(out, options, &taken_at(HOURS_APART * options.step), &Story::new(options))
}

/// Writes the log of a moment.
pub(super) fn write_story(
    out: &mut impl Write,
    options: &Options,
    taken_at: &str,
    story: &Story,
) -> io::Result<Answer> {
    let run = Run::new(options.seed, options.run, options.pointer_width == 64);
    let mut lines = Lines::new(out, options.encoding, options.line_end);
    let (stack_count, module_count) = match options.dialect {
        Dialect::Umdh2 => (umdh2::write(&mut lines, options, &run, taken_at, story)?, MODULES.len() as u64),
        Dialect::Umdh1 => (umdh1::write(&mut lines, options, &run, taken_at, story)?, 0),
    };
    lines.flush()?;
    let (byte_count, line_count) = (lines.byte_count, lines.line_count);
    out.flush()?;
    Ok(story.answer(Answer {
        culprit: program::CULPRIT,
        cache: program::CACHE,
        false_alarm: program::FALSE_ALARM,
        byte_count,
        line_count,
        heap_count: sites::HEAPS as u64,
        module_count,
        stack_count,
        pid: run.pid,
        taken_at: taken_at.to_owned(),
        total: Totals::default(),
        leaked: Totals::default(),
        cached: Totals::default(),
        without_stack: Totals::default(),
        undefined: Totals::default(),
        modules: Vec::new(),
    }))
}

/// Distance of a heap's first block from its base.
pub(super) const FIRST_BLOCK: u64 = 0x740;

/// Each heap of a step: its base, and the bytes of its blocks with their overhead.
pub(super) fn story(options: &Options) -> Vec<(u64, u64)> {
    let sum = |blocks: &Vec<blocks::Block>| blocks.iter().map(|block| block.requested + block.overhead).sum();
    heap_bases(options).into_iter().zip(Story::new(options).heaps.iter().map(sum)).collect()
}

/// Where the heaps of a run lie.
pub(super) fn heap_bases(options: &Options) -> Vec<u64> {
    let mut random = Random::of(options.seed, "heaps", options.run);
    let (first, apart, chance) = if options.pointer_width == 64 {
        (0x1A2_0000_0000, 0x4_0000_0000, 0x1_0000)
    } else {
        (0x2E_0000, 0xC00_0000, 0x80)
    };
    (0..sites::HEAPS as u64).map(|heap| first + heap * apart + random.below(chance) * 0x1_0000).collect()
}

/// Hour of the day of the first log, and hours from one to the next.
const FIRST_HOUR: u64 = 9;
pub(super) const HOURS_APART: u64 = 4;

/// Time a number of hours after the first log, which is taken at 9 o'clock on 11 March 2024.
pub(super) fn taken_at(hours: u64) -> String {
    let hours = FIRST_HOUR + hours;
    let (mut year, mut month, mut day) = (2024, 3, 11 + hours / 24);
    loop {
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => 31,
        };
        if day <= days {
            return format!("{year}-{month:02}-{day:02} {:02}:00", hours % 24);
        }
        day -= days;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_over_the_ends_of_months() {
        assert_eq!(taken_at(0), "2024-03-11 09:00");
        assert_eq!(taken_at(16), "2024-03-12 01:00");
        assert_eq!(taken_at(504), "2024-04-01 09:00");
        assert_eq!(taken_at(24 * 366), "2025-03-12 09:00");
    }
}
