//! Sums per trace and heap, added up while the file is read.
//!
//! Blocks of a heap are together, so one sum for each trace is open: that of the heap in which it was seen last. It is as small
//! as can be, for there are many, met at random.

use std::collections::HashMap;

use zerocopy::FromZeros;

use crate::{
    engine::{memory, random_access::RandomAccess},
    log::sink::{
        batch::Batch,
        records::{Allocation, Sums},
    },
};

/// Sums of one worker, by trace and heap.
#[derive(Debug, Default)]
pub struct RunningSums {
    open: RandomAccess<Open>,
    /// Traces there are.
    traces: usize,
    /// The heap of the last blocks, and how many of them came in a row.
    heap: u32,
    in_a_row: usize,
    /// Sums of blocks that another heap or a full number ended. There may be as many as there are traces in every heap.
    ended: Vec<Ended>,
    /// Sums of others that a full number ended, by trace slot; the same trace and heap can come more than once, here and
    /// among the sums of blocks. So every sum is exact, whatever the log holds.
    full: Vec<(u32, Sums)>,
    /// Sums of everything but blocks of the fast path, by trace slot.
    others: HashMap<(u32, Key), Sums>,
}

/// What is added up apart for one trace: by heap, and by [`Sums::inferred`].
type Key = (u32, bool);

/// The sum of a trace that blocks are added to. Four fit into a cache line.
#[derive(Debug, Clone, Copy, FromZeros)]
#[repr(align(16))]
struct Open {
    requested_bytes: u32,
    overhead_bytes: u32,
    allocation_count: u32,
    heap: u32,
}

/// A sum of blocks that nothing will be added to. It is not aligned as an open one is, or it would take 32 bytes.
#[derive(Debug, Clone, Copy)]
struct Ended {
    trace: u32,
    requested_bytes: u32,
    overhead_bytes: u32,
    allocation_count: u32,
    heap: u32,
}

impl Open {
    fn ended(self, trace: u32) -> Ended {
        let Open { requested_bytes, overhead_bytes, allocation_count, heap } = self;
        Ended { trace, requested_bytes, overhead_bytes, allocation_count, heap }
    }
}

impl Ended {
    fn sums(self) -> (u32, Sums) {
        let sums = Sums {
            requested_bytes: self.requested_bytes.into(),
            overhead_bytes: self.overhead_bytes.into(),
            allocation_count: self.allocation_count.into(),
            heap: self.heap,
            inferred: false,
        };
        (self.trace, sums)
    }
}

impl RunningSums {
    /// Makes room for a number of traces.
    #[inline]
    pub fn make_room(&mut self, traces: usize) {
        self.traces = self.traces.max(traces);
        if traces > self.open.len() {
            self.open.grow(traces * 2);
        }
    }

    /// Says that blocks of these traces will be added soon.
    #[inline(always)]
    pub fn announce(&self, slots: &[u32]) {
        slots.iter().for_each(|slot| memory::prefetch(&self.open, *slot as usize));
    }

    /// Adds the blocks of a batch whose traces are looked up.
    #[inline(always)]
    pub fn add_blocks(&mut self, heap: u32, batch: &Batch) {
        if heap != self.heap {
            self.enter(heap);
        }
        self.in_a_row += batch.len;
        let rows = batch.slots.iter().zip(&batch.requested_bytes).zip(&batch.overhead_bytes);
        for ((slot, requested), overhead) in rows.take(batch.len) {
            let open = &mut self.open[*slot as usize];
            // Sizes are below 2^32 here.
            let (requested_bytes, full) = open.requested_bytes.overflowing_add(*requested as u32);
            let (overhead_bytes, full_too) = open.overhead_bytes.overflowing_add(*overhead);
            let ends = full | full_too | (open.heap != heap) | (open.allocation_count == u32::MAX);
            let allocation_count = open.allocation_count.wrapping_add(1);
            let sum = Open { requested_bytes, overhead_bytes, allocation_count, heap };
            let only =
                Open { requested_bytes: *requested as u32, overhead_bytes: *overhead, allocation_count: 1, heap };
            if ends {
                close(&mut self.ended, *slot, *open);
            }
            *open = if ends { only } else { sum };
        }
    }

    /// Another heap begins. Where the last one had blocks of many traces, all its sums end here, in order of their traces, in
    /// which they are added up fastest in the end; else each ends when its trace is met again.
    #[cold]
    fn enter(&mut self, heap: u32) {
        const MANY: usize = 4;
        let many = self.in_a_row >= self.traces / MANY;
        (self.heap, self.in_a_row) = (heap, 0);
        if !many {
            return;
        }
        for (open, trace) in self.open.iter_mut().zip(0..self.traces as u32) {
            close(&mut self.ended, trace, *open);
            *open = Open { requested_bytes: 0, overhead_bytes: 0, allocation_count: 0, heap };
        }
    }

    /// Adds one allocation of any kind.
    pub fn add(&mut self, heap: u32, trace: u32, allocation: &Allocation) {
        let inferred = allocation.inferred;
        let one = Sums {
            requested_bytes: allocation.requested_bytes,
            overhead_bytes: allocation.overhead_bytes.unwrap_or(0).into(),
            allocation_count: allocation.allocation_count.into(),
            heap,
            inferred,
        };
        let sums = self.others.entry((trace, (heap, inferred))).or_insert(Sums { heap, inferred, ..Sums::default() });
        match sums.with(&one) {
            Some(sum) => *sums = sum,
            None => self.full.push((trace, std::mem::replace(sums, one))),
        }
    }

    /// True if some were read by tokens.
    pub fn any_inferred(&self) -> bool {
        self.others.keys().any(|(_, (_, inferred))| *inferred)
    }

    /// No fewer than [`Self::rows`] gives.
    pub fn most_rows(&self) -> usize {
        self.ended.len() + self.full.len() + self.others.len() + self.open.len()
    }

    /// All sums, each with its trace slot; the same trace and heap can come more than once.
    pub fn rows(&self) -> impl Iterator<Item = (u32, Sums)> {
        let others = self.others.iter().map(|((slot, _), sums)| (*slot, *sums));
        let open = self.open.iter().zip(0..).filter(|(open, _)| open.allocation_count > 0);
        let blocks = self.ended.iter().copied().chain(open.map(|(open, slot)| open.ended(slot)));
        let others = self.full.iter().copied().chain(others).filter(|(_, sums)| sums.is_something());
        blocks.map(Ended::sums).chain(others)
    }
}

/// Keeps a sum that ends, if it is one.
fn close(ended: &mut Vec<Ended>, trace: u32, open: Open) {
    if open.allocation_count > 0 {
        ended.push(open.ended(trace));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_past_64_bits_are_kept_aside_and_nothing_is_lost() {
        let mut sums = RunningSums::default();
        let sizes = [u64::MAX, 0x40, u64::MAX, 1];
        for requested_bytes in sizes {
            let allocation = Allocation {
                address: None,
                requested_bytes,
                overhead_bytes: None,
                allocation_count: u32::MAX,
                trace: None,
                inferred: false,
            };
            sums.add(0, 7, &allocation);
        }
        let found = sums.rows().fold((0, 0), |(bytes, count), (_, sums)| {
            (bytes + u128::from(sums.requested_bytes), count + u128::from(sums.allocation_count))
        });
        assert_eq!(found, (sizes.map(u128::from).iter().sum(), 4 * u128::from(u32::MAX)));
        assert!(sums.rows().all(|(trace, _)| trace == 7));
    }

    #[test]
    fn sums_past_32_bits_and_of_another_heap_are_kept_aside_and_nothing_is_lost() {
        // All sums end with their heap where it has blocks of many traces, one by one where of few.
        [2, 40].into_iter().for_each(nothing_is_lost_of);
    }

    fn nothing_is_lost_of(traces: usize) {
        const LARGE: u64 = 0xFFFF_FFF0;
        let mut sums = RunningSums::default();
        sums.make_room(traces);
        /// Trace, requested, overhead.
        type Row = (u32, u64, u32);
        // Each batch in its heap.
        let batches: [(u32, &[Row]); 3] =
            [(0, &[(0, LARGE, 8), (1, 1, u32::MAX), (0, LARGE, 8), (1, 2, 7)]), (3, &[(0, 5, 1)]), (0, &[(0, 6, 2)])];
        for (heap, rows) in batches {
            let mut batch = Batch::default();
            for (trace, requested, overhead) in rows {
                batch.take(*requested, *overhead, 0, 0, 0);
                batch.slots.push(*trace);
            }
            sums.add_blocks(heap, &batch);
        }
        let mut found: HashMap<(u32, u32), [u64; 3]> = HashMap::new();
        for (trace, sums) in sums.rows() {
            let sum = found.entry((trace, sums.heap)).or_default();
            let parts = [sums.requested_bytes, sums.overhead_bytes, sums.allocation_count];
            sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        let expected =
            [((0, 0), [2 * LARGE + 6, 18, 3]), ((1, 0), [3, u64::from(u32::MAX) + 7, 2]), ((0, 3), [5, 1, 1])];
        assert_eq!(found, HashMap::from(expected));
        assert!(sums.most_rows() >= sums.rows().count());
    }
}
