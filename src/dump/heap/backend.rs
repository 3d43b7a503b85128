//! The blocks of a segment: from header to header, each of which names its size and that of the one before.

use super::{
    super::fields::u64_at,
    account::{Account, Part},
    blocks::FrontEnd,
    content::Known,
    header::{Entry, Heap},
    lfh,
    segment::Segment,
    space::{Committed, Space},
    stacks::{Extended, NONE},
    walked::{Budget, Walked},
};
use crate::error::Severity;

/// What a walk is to do.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Addresses in memory that the heap took from itself, sorted.
    pub own: &'a [u64],
    /// What all walks may read.
    pub budget: &'a Budget,
    /// What addresses mean, if what blocks begin with is asked for.
    pub contents: Option<&'a Known>,
    /// What the dump lists as committed, where it lists its regions.
    pub committed: Option<&'a Committed>,
}

/// A walk through a segment.
pub struct Walk<'a> {
    pub(super) space: &'a Space<'a>,
    pub(super) heap: &'a Heap,
    segment: &'a Segment,
    pub(super) asked: &'a Asked<'a>,
    pub(super) out: Walked,
}

/// Why a walk stops before the end of a run.
enum Stop {
    /// The dump lacks the header.
    Absent,
    /// The header is none.
    Broken,
}

/// Walks through a segment.
pub fn walk(space: &Space<'_>, heap: &Heap, segment: &Segment, asked: &Asked<'_>) -> Walked {
    let mut walk = Walk::new(space, heap, segment, asked);
    for (start, end) in &segment.holes {
        walk.out.account.take(Part::Uncommitted, end - start);
    }
    for (start, end) in segment.runs() {
        walk.run(start, end);
    }
    walk.out
}

impl<'a> Walk<'a> {
    /// A walk that has seen nothing yet.
    pub(super) fn new(space: &'a Space<'a>, heap: &'a Heap, segment: &'a Segment, asked: &'a Asked<'a>) -> Self {
        let out = Walked { account: Account::of(segment.reserved()), ..Walked::default() };
        Self { space, heap, segment, asked, out }
    }
}

impl Walk<'_> {
    /// Walks from the start of a run of memory to its end, over what is damaged or missing.
    fn run(&mut self, start: u64, end: u64) {
        let mut at = start;
        // Behind an uncommitted range nothing says what a block has before it.
        let mut previous = (start == self.segment.base).then_some(0);
        while at < end {
            let stop = self.blocks(&mut at, end, &mut previous);
            let Some(stop) = stop else { return };
            let next = self.next_provable(at, end);
            self.lost(at, next.unwrap_or(end), &stop);
            match next {
                Some(next) => (at, previous) = (next, None),
                None => return,
            }
        }
    }

    /// Blocks from an address on. `at` and `previous` become where it stopped, and the units of the block before.
    fn blocks(&mut self, at: &mut u64, end: u64, previous: &mut Option<u16>) -> Option<Stop> {
        let width = self.heap.width();
        while *at < end {
            let Some(slice) = self.space.slice(*at) else { return Some(Stop::Absent) };
            let (base, mut offset) = (*at, 0_usize);
            let room = usize::try_from(end - base).unwrap_or(usize::MAX).min(slice.len());
            while let Some(entry) = self.entry(&slice[..room], offset) {
                let address = base + offset as u64;
                let bytes = u64::from(entry.size()) * width.unit;
                if !self.holds(entry, *previous) || bytes > end - address || !self.asked.budget.take(1) {
                    *at = address;
                    return Some(Stop::Broken);
                }
                self.block(entry, address, bytes, &slice[offset..]);
                *previous = Some(entry.size());
                offset = offset.saturating_add(bytes as usize);
            }
            *at = base + offset as u64;
            if *at < end && offset < room {
                // The piece ends inside the header.
                return Some(Stop::Absent);
            }
        }
        None
    }

    #[inline(always)]
    fn entry(&self, slice: &[u8], offset: usize) -> Option<Entry> {
        let word = u64_at(slice, offset.checked_add(self.heap.width().entry)?)?;
        Some(Entry(word ^ self.heap.encoding.unwrap_or_default()))
    }

    #[inline(always)]
    fn holds(&self, entry: Entry, previous: Option<u16>) -> bool {
        entry.size() != 0
            && (self.heap.encoding.is_none() || entry.checksum_holds())
            && previous.is_none_or(|previous| entry.previous() == previous)
    }

    /// Counts a block. `slice` begins with its header.
    #[inline(always)]
    fn block(&mut self, entry: Entry, address: u64, bytes: u64, slice: &[u8]) {
        let width = self.heap.width();
        let user = address + width.unit;
        self.out.proof.headers.hold();
        if !entry.is_busy() {
            self.out.free(FrontEnd::Backend, user, bytes, entry.flags());
            self.out.counts.backend_free += bytes;
            return;
        }
        if address == self.segment.base {
            self.out.account.take(Part::Overhead, bytes);
            return;
        }
        self.out.counts.entries.0 += 1;
        self.out.counts.entries.1 += bytes;
        let unused = u64::from(entry.unused());
        let extended = if self.heap.stack_traces { Extended::read(slice, bytes, width) } else { None };
        if extended.is_none() && unused > bytes {
            // More than the whole block is not the program's: it stays unknown.
            self.out.proof.headers.fail();
            return;
        }
        // Blocks of the heap's own have a mark where others have at least the bytes of a header.
        let is_own = extended.is_none() && unused < 8 || self.is_own(user, address + bytes);
        if is_own {
            self.out.account.take(Part::Overhead, bytes);
        } else if !(bytes >= 8 * width.unit && lfh::is_signed(self.heap, slice) && self.user_blocks(user, bytes)) {
            self.busy(FrontEnd::Backend, address, bytes, extended, unused, entry.flags(), Some(slice));
            self.out.account.take(Part::Overhead, extended.map_or(unused, |extended| extended.unused));
        }
    }

    /// Counts a block of the program; `slice` begins with its header. What of it is the heap's own is left to the caller.
    #[expect(clippy::too_many_arguments, reason = "what a header says, told once")]
    #[inline(always)]
    pub(super) fn busy(
        &mut self,
        front_end: FrontEnd,
        address: u64,
        bytes: u64,
        extended: Option<Extended>,
        unused: u64,
        flags: u8,
        slice: Option<&[u8]>,
    ) {
        let width = self.heap.width();
        let (skipped, unused) = extended.map_or((width.unit, unused), |extended| (extended.user, extended.unused));
        let requested = bytes - unused;
        self.out.blocks.busy(front_end, address + skipped, requested, bytes, flags);
        if self.heap.stack_traces {
            let number = extended.map_or(NONE, |extended| self.out.traces.number(extended.trace));
            self.out.blocks.trace(front_end, number);
        }
        self.out.account.take(Part::Busy, requested);
        self.out.counts.busy += 1;
        self.out.counts.busy_overhead += unused;
        if let Some(known) = self.asked.contents {
            let bytes = slice.and_then(|slice| slice.get(skipped as usize..));
            self.out.contents.add(bytes, requested, width, self.space, known);
        }
    }

    /// True if the heap's own structures are known to be in a block.
    #[inline(always)]
    fn is_own(&self, user: u64, end: u64) -> bool {
        let own = self.asked.own;
        !own.is_empty() && own.get(own.partition_point(|own| *own < user)).is_some_and(|own| *own < end)
    }

    /// The next header behind a break that others prove: it says that the block before it is as long as what was lost, or it
    /// heads a chain that is too long for chance, and for what a block that was taken apart may still hold.
    fn next_provable(&self, from: u64, end: u64) -> Option<u64> {
        /// Headers that follow each other.
        const LONG: usize = 64;
        const SHORT: usize = 2;
        /// Bytes that are looked through before the budget is asked again.
        const PORTION: usize = 1 << 12;
        // Without an encoding there is no checksum, and a chain proves too little.
        self.heap.encoding?;
        let unit = self.heap.width().unit;
        let mut at = from.checked_add(unit)?;
        while at < end {
            let Some(slice) = self.space.slice(at) else {
                at = self.space.memory.next_present(at)?.checked_next_multiple_of(unit)?;
                continue;
            };
            let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(slice.len());
            let mut offset = 0;
            while let Some(entry) = self.entry(&slice[..room], offset) {
                if offset.is_multiple_of(PORTION) && !self.asked.budget.take(PORTION as u64 / unit) {
                    return None;
                }
                let here = at + offset as u64;
                if self.holds(entry, None) {
                    let follows = u64::from(entry.previous()) * unit == here - from;
                    let (length, ended) = self.chain(here, end, LONG);
                    if length >= LONG || ended && length > SHORT || follows && (ended || length > SHORT) {
                        return Some(here);
                    }
                }
                offset += unit as usize;
            }
            at = at.checked_add(room as u64)?.max(at + offset as u64).checked_next_multiple_of(unit)?;
        }
        None
    }

    /// How many headers follow each other from an address on, up to a limit; and whether the last ends where the run does.
    fn chain(&self, from: u64, end: u64, limit: usize) -> (usize, bool) {
        let unit = self.heap.width().unit;
        let (mut at, mut previous) = (from, None);
        for length in 0..limit {
            let entry = self.space.slice(at).and_then(|slice| self.entry(slice, 0));
            let Some(entry) = entry.filter(|entry| self.holds(*entry, previous)) else { return (length, false) };
            previous = Some(entry.size());
            at += u64::from(entry.size()) * unit;
            if at >= end {
                return (length + 1, at == end);
            }
        }
        (limit, false)
    }

    /// Says that bytes stay unknown.
    fn lost(&mut self, from: u64, to: u64, stop: &Stop) {
        let base = self.heap.base;
        let bytes = to - from;
        match stop {
            Stop::Absent => self.out.absent(base, from, bytes),
            Stop::Broken => {
                self.out.proof.headers.fail();
                self.out.issues.push(
                    Severity::Error,
                    "heap_damage",
                    from,
                    || format!("the header at {from:#X} of the heap at {base:#X} contradicts those around it"),
                    "counted its block as unknown, and read on behind it where others prove each other",
                );
            }
        }
    }
}
