//! Sums per trace and heap, added up while the file is read.
//!
//! Blocks of a heap stand together, so one sum for each trace is open: that of the heap in which it was seen last.

use super::{
    batch::Batch,
    records::{Allocation, Sums, TraceSlot},
};
use crate::memory::{self, RandomAccess, Zero};

/// See the module.
#[derive(Debug, Default)]
pub struct RunningSums {
    open: RandomAccess<Open>,
    no_stack: Sums,
    /// Finished sums, by trace slot.
    closed: Vec<(u32, Sums)>,
    /// Some were read by tokens.
    pub any_inferred: bool,
}

/// The sum of a trace that blocks are added to. Two stand in a cache line, none across two.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Open(Sums);

// SAFETY: a sum of nothing, read in full, in the first heap.
unsafe impl Zero for Open {}

impl RunningSums {
    /// Makes room for so many traces.
    #[inline]
    pub fn make_room(&mut self, traces: usize) {
        if traces > self.open.len() {
            let old = std::mem::replace(&mut self.open, RandomAccess::zeros(traces * 2));
            self.open[..old.len()].copy_from_slice(&old);
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
        let rows = batch.slots.iter().zip(&batch.requested_bytes).zip(&batch.overhead_bytes);
        for ((slot, requested), overhead) in rows.take(batch.len) {
            let sums = &mut self.open[*slot as usize].0;
            if sums.heap != heap {
                close(*slot, sums, &mut self.closed);
                sums.heap = heap;
            }
            // Sizes are below 2^32 here, and a file has less than 2^32 lines of them, so neither sum can overflow
            // unless the slow path brought it near the end, and then it stays there.
            sums.requested_bytes = sums.requested_bytes.saturating_add(*requested);
            sums.overhead_bytes += u64::from(*overhead);
            sums.allocation_count += 1;
        }
    }

    /// Adds one allocation of any kind; true if its sum would pass 2^64 - 1, where it stops.
    pub fn add(&mut self, heap: u32, trace: u32, allocation: &Allocation) -> bool {
        let open = self.of(trace);
        if open.heap != heap || open.inferred != allocation.inferred {
            self.close(trace);
        }
        self.any_inferred |= allocation.inferred;
        let sums = self.of(trace);
        sums.heap = heap;
        sums.inferred = allocation.inferred;
        let (requested, overflow) = sums.requested_bytes.overflowing_add(allocation.requested_bytes);
        sums.requested_bytes = if overflow { u64::MAX } else { requested };
        sums.overhead_bytes = sums.overhead_bytes.saturating_add(u64::from(allocation.overhead_bytes.unwrap_or(0)));
        sums.allocation_count = sums.allocation_count.saturating_add(u64::from(allocation.allocation_count));
        overflow
    }

    fn of(&mut self, trace: u32) -> &mut Sums {
        if trace == TraceSlot::NONE { &mut self.no_stack } else { &mut self.open[trace as usize].0 }
    }

    fn close(&mut self, slot: u32) {
        let sums = if slot == TraceSlot::NONE { &mut self.no_stack } else { &mut self.open[slot as usize].0 };
        close(slot, sums, &mut self.closed);
    }

    /// No fewer than [`Self::rows`] gives.
    pub fn most_rows(&self) -> usize {
        self.closed.len() + self.open.len() + 1
    }

    /// All sums, each with its trace slot; the same trace and heap can stand more than once.
    pub fn rows(&self) -> impl Iterator<Item = (u32, &Sums)> {
        let closed = self.closed.iter().map(|(slot, sums)| (*slot, sums));
        let open = self.open.iter().enumerate().map(|(slot, open)| (slot as u32, &open.0));
        closed.chain(open).chain([(TraceSlot::NONE, &self.no_stack)]).filter(|(_, sums)| sums.is_something())
    }
}

/// Ends a sum, which is nothing then.
fn close(slot: u32, sums: &mut Sums, closed: &mut Vec<(u32, Sums)>) {
    let sums = std::mem::take(sums);
    if sums.is_something() {
        closed.push((slot, sums));
    }
}
