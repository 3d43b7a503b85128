//! What the ranges of a page segment hold.

use super::{
    super::{
        account::{Account, Part},
        backend::Asked,
        blocks::FrontEnd,
        space::Space,
        walked::Walked,
    },
    plan::{PageSegment, SegmentHeap},
    ranges::{Kind, Range, Units},
};
use crate::error::Severity;

const PAGE: u64 = 0x1000;

/// A walk through a page segment.
pub struct Walk<'a> {
    pub(super) space: &'a Space<'a>,
    pub(super) heap: &'a SegmentHeap,
    segment: &'a PageSegment,
    pub(super) asked: &'a Asked<'a>,
    pub(super) out: Walked,
    /// Pages without memory before each page.
    holes: Vec<u32>,
}

/// A subsegment: units of one range, which hold blocks of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subsegment {
    pub start: u64,
    pub end: u64,
}

/// Walks through the heap's own allocation, then through its page segments: the one of this number.
pub fn walk(space: &Space<'_>, heap: &SegmentHeap, number: usize, asked: &Asked<'_>) -> Walked {
    let Some(segment) = number.checked_sub(1).and_then(|number| heap.segments.get(number)) else {
        let (committed, end) = heap.ends;
        let mut out = Walked { account: Account::of(end - heap.base), ..Walked::default() };
        out.account.take(Part::Overhead, committed - heap.base);
        out.account.take(Part::Uncommitted, end - committed);
        return out;
    };
    let out = Walked { account: Account::of(segment.size()), ..Walked::default() };
    let mut walk = Walk { space, heap, segment, asked, out, holes: Vec::new() };
    walk.all();
    walk.out
}

impl Walk<'_> {
    fn all(&mut self) {
        let (base, heap) = (self.segment.base, self.heap.base);
        if self.heap.keys.heap != Some(self.segment.key) {
            self.out.proof.segments.fail();
            return self.out.issues.push(
                Severity::Error,
                "heap_damage",
                base,
                || format!("the page segment at {base:#X} of the heap at {heap:#X} has another key than those of the process"),
                "counted its bytes as unknown",
            );
        }
        self.out.proof.segments.hold();
        let Some(units) = Units::read(self.space, &self.heap.fields, self.segment) else {
            return self.absent(base, self.segment.size());
        };
        let (ranges, broken) = units.ranges();
        self.find_holes(&units);
        self.own();
        for range in &ranges {
            if !self.may_read(self.segment.unit(range.at)) {
                return;
            }
            self.range(range, &units);
        }
        if let Some((from, to)) = broken {
            let (from, to) = (self.segment.unit(from), self.segment.unit(to));
            self.broken(from, to - from, "descriptors of units contradict each other");
        }
    }

    /// The structure of the segment itself, and what is left of its units.
    fn own(&mut self) {
        let own = self.segment.unit(self.segment.first) - self.segment.base;
        let fields = &self.heap.fields.segment;
        let structure =
            fields.size.max(fields.descriptors + fields.count as u64 * fields.step).next_multiple_of(PAGE).min(own);
        self.out.account.take(Part::Overhead, structure);
        // Of the rest no descriptor tells.
        let rest =
            self.asked.committed.map(|committed| committed.bytes(self.segment.base + structure, own - structure));
        if let Some(committed) = rest {
            self.out.account.take(Part::Overhead, committed);
            self.out.account.take(Part::Uncommitted, own - structure - committed);
        }
    }

    fn find_holes(&mut self, units: &Units<'_>) {
        let of_unit = 1_u64 << (self.segment.shift - 12);
        let mut holes = Vec::with_capacity(self.segment.units * of_unit as usize + 1);
        let mut sum = 0;
        holes.push(sum);
        for unit in 0..self.segment.units {
            // The segment's own units have no descriptors. Of others the first pages are those with memory.
            let committed = if unit < self.segment.first { of_unit } else { units.committed(unit).min(of_unit) };
            for page in 0..of_unit {
                sum += u32::from(page >= committed);
                holes.push(sum);
            }
        }
        self.holes = holes;
    }

    /// Bytes without memory in front of an address of the segment.
    fn holes_before(&self, address: u64) -> u64 {
        let offset = address - self.segment.base;
        let page = (offset / PAGE) as usize;
        let whole = u64::from(self.holes[page]) * PAGE;
        let is_hole = self.holes.get(page + 1).is_some_and(|next| *next > self.holes[page]);
        if is_hole { whole + offset % PAGE } else { whole }
    }

    /// Bytes without memory between two addresses of the segment.
    pub(super) fn uncommitted(&self, start: u64, end: u64) -> u64 {
        self.holes_before(end) - self.holes_before(start)
    }

    fn range(&mut self, range: &Range, units: &Units<'_>) {
        let (start, end) = (self.segment.unit(range.at), self.segment.unit(range.at + range.units));
        let (bytes, holes) = (end - start, self.uncommitted(start, end));
        let whole_units = || {
            let of_unit = 1 << (self.segment.shift - 12);
            (range.at..range.at + range.units).all(|unit| [0, of_unit].contains(&units.committed(unit)))
        };
        match range.kind {
            Kind::Block if range.unused >= bytes || range.unused < holes => {
                return self.broken(start, bytes, "a block has more bytes than memory, or none");
            }
            Kind::Lfh | Kind::Vs if !whole_units() => {
                return self.broken(start, bytes, "some pages of a unit with small blocks have no memory");
            }
            _ => {}
        }
        self.out.proof.headers.hold();
        self.out.account.take(Part::Uncommitted, holes);
        let inner = Subsegment { start, end };
        match range.kind {
            Kind::Free => self.free(FrontEnd::Backend, start, bytes - holes),
            Kind::Own => {
                self.out.account.take(Part::Overhead, bytes - holes);
            }
            Kind::Block => {
                self.busy(FrontEnd::Backend, start, bytes, range.unused);
                self.out.account.take(Part::Overhead, range.unused - holes);
                self.out.counts.entries.0 += 1;
                self.out.counts.entries.1 += bytes;
            }
            Kind::Lfh => self.low_fragmentation(inner),
            Kind::Vs => self.variable(inner),
        }
    }

    /// Counts a block that nobody has, with its bytes of memory.
    pub(super) fn free(&mut self, front_end: FrontEnd, user: u64, bytes: u64) {
        if bytes > 0 {
            self.out.free(front_end, user, bytes, 0);
        }
    }

    /// Counts a block of the program. What of it is the heap's own is left to the caller.
    pub(super) fn busy(&mut self, front_end: FrontEnd, user: u64, bytes: u64, unused: u64) {
        let requested = bytes - unused;
        self.out.blocks.busy(front_end, user, requested, bytes, 0);
        self.out.account.take(Part::Busy, requested);
        self.out.counts.busy += 1;
        self.out.counts.busy_overhead += unused;
        if let Some(known) = self.asked.contents {
            self.out.contents.add(self.space.slice(user), requested, self.heap.width, self.space, known);
        }
    }

    /// Takes one of what all walks may read; says what becomes of the rest where there is none left.
    pub(super) fn may_read(&mut self, at: u64) -> bool {
        let may = self.asked.budget.take(1);
        if !may && !self.out.proof.unsolved {
            self.out.proof.unsolved = true;
            self.out.issues.push(
                Severity::Warning,
                "heap_damage",
                at,
                || format!("ranges of memory share so many bytes that nothing more was read from {at:#X} on"),
                "counted what is left as unknown",
            );
        }
        may
    }

    /// Says that the dump lacks what leads to some bytes.
    pub(super) fn absent(&mut self, from: u64, bytes: u64) {
        self.out.absent(self.heap.base, from, bytes);
    }

    /// Says that something contradicts itself.
    pub(super) fn broken(&mut self, from: u64, bytes: u64, what: &'static str) {
        let base = self.heap.base;
        self.out.proof.headers.fail();
        self.out.issues.push(
            Severity::Error,
            "heap_damage",
            from,
            || format!("{bytes} bytes at {from:#X} of the heap at {base:#X}: {what}"),
            "counted them as unknown, and read on behind them",
        );
    }
}
