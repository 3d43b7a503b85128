//! Lines of a function in Breakpad's text, and the calls that are inlined in it.

use super::{hex, text};

/// Lines of a function, and calls inlined in it.
#[derive(Default)]
pub struct Lines {
    /// First place, bytes, file and line; sorted.
    lines: Vec<(u32, u32, u32, u32)>,
    calls: Vec<Inlined>,
    /// Level, first place, bytes, and which call; sorted.
    ranges: Vec<(u32, u32, u32, u32)>,
    /// Those that occur, outermost first.
    levels: Vec<u32>,
}

/// A call that was inlined, and where it is made.
pub struct Inlined {
    /// Line that the call is in.
    pub line: u32,
    /// File of it.
    pub file: u32,
    /// Number of the function that is called.
    pub origin: u32,
}

/// Calls in calls that are believed.
pub const DEEPEST: usize = 128;

impl Lines {
    /// Reads the lines behind the record of a function.
    pub fn of(body: &[u8]) -> Self {
        let mut found = Self::default();
        for line in body.split(|byte| *byte == b'\n').map(text) {
            match line.strip_prefix("INLINE ") {
                Some(rest) => drop(found.add(rest)),
                None => found.lines.extend(source_line(line)),
            }
        }
        found.lines.sort_unstable();
        found.ranges.sort_unstable();
        found.levels = found.ranges.iter().map(|(level, ..)| *level).collect();
        found.levels.dedup();
        found.levels.truncate(DEEPEST);
        found
    }

    /// `LEVEL LINE FILE ORIGIN (ADDRESS SIZE)+`.
    fn add(&mut self, rest: &str) -> Option<()> {
        let mut words = rest.split_ascii_whitespace();
        let mut number = || words.next()?.parse::<u32>().ok();
        let level = number()?;
        let call = Inlined { line: number()?, file: number()?, origin: number()? };
        let index = u32::try_from(self.calls.len()).ok()?;
        self.calls.push(call);
        while let (Some(start), Some(size)) = (words.next(), words.next()) {
            let (start, size) = range(start, size)?;
            self.ranges.push((level, start, size, index));
        }
        Some(())
    }

    /// File and line of a place.
    pub fn at(&self, place: u32) -> Option<(u32, u32)> {
        let behind = self.lines.partition_point(|(start, ..)| *start <= place);
        let (start, size, file, line) = *self.lines[..behind].last()?;
        (place - start < size).then_some((file, line))
    }

    /// The calls at a place, outermost first.
    pub fn inlined_at(&self, place: u32) -> impl Iterator<Item = &Inlined> {
        self.levels.iter().filter_map(move |level| {
            let behind = self.ranges.partition_point(|(known, start, ..)| (*known, *start) <= (*level, place));
            let (known, start, size, call) = *self.ranges[..behind].last()?;
            (known == *level && place - start < size).then(|| &self.calls[call as usize])
        })
    }
}

/// Where a range begins, and its bytes: those that 32 bits count.
fn range(start: &str, size: &str) -> Option<(u32, u32)> {
    Some((hex(start)?.try_into().ok()?, hex(size)?.try_into().unwrap_or(u32::MAX)))
}

/// `ADDRESS SIZE LINE FILE`.
fn source_line(line: &str) -> Option<(u32, u32, u32, u32)> {
    let mut words = line.split_ascii_whitespace();
    let (start, size) = range(words.next()?, words.next()?)?;
    let (line, file) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((start, size, file, line))
}
