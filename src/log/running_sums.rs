//! Sums per trace and heap, added up while the file is read.
//!
//! Blocks of a heap stand together, so one sum for each trace is open: that of the heap in which it was seen last.

use super::{
    batch::Batch,
    records::{Allocation, Sums, TraceSlot},
};

/// See the module.
#[derive(Debug, Default)]
pub struct RunningSums {
    open: Vec<Open>,
    no_stack: Sums,
    /// Finished sums, by trace slot; the same trace and heap can stand more than once.
    pub usage: Vec<(u32, Sums)>,
}

/// The sum of a trace that blocks are added to. Two stand in a cache line, none across two.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Open(Sums);

/// A sum of nothing, of no heap.
const NOTHING: Sums =
    Sums { requested_bytes: 0, overhead_bytes: 0, allocation_count: 0, heap: u32::MAX, inferred: false };

impl RunningSums {
    /// Makes room for so many traces.
    pub fn make_room(&mut self, traces: usize) {
        self.open.resize(traces, Open(NOTHING));
    }

    /// Adds the blocks of a batch whose traces are looked up.
    #[inline(always)]
    pub fn add_blocks(&mut self, heap: u32, batch: &Batch) {
        let slots = &batch.slots[..batch.len];
        // As in the table of ids: touch what the loop below needs, so that the misses overlap.
        let touched = slots.iter().fold(0, |all, slot| all ^ self.open[*slot as usize].0.heap);
        std::hint::black_box(touched);
        for (place, slot) in slots.iter().enumerate() {
            if self.open[*slot as usize].0.heap != heap {
                self.close(*slot as usize);
            }
            let sums = &mut self.open[*slot as usize].0;
            sums.heap = heap;
            // Sizes are below 2^32 here, and a file has less than 2^32 lines of them, so neither sum can overflow
            // unless the slow path brought it near the end, and then it stays there.
            sums.requested_bytes = sums.requested_bytes.saturating_add(batch.requested_bytes[place]);
            sums.overhead_bytes += u64::from(batch.overhead_bytes[place]);
            sums.allocation_count += 1;
        }
    }

    /// Adds one allocation of any kind; true if its sum would pass 2^64 - 1, where it stops.
    pub fn add(&mut self, heap: u32, trace: u32, allocation: &Allocation) -> bool {
        let open = self.of(trace);
        if open.heap != heap || open.inferred != allocation.inferred {
            if trace == TraceSlot::NONE {
                self.close_no_stack();
            } else {
                self.close(trace as usize);
            }
        }
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

    /// Ends the file.
    pub fn finish(&mut self) {
        for slot in 0..self.open.len() {
            self.close(slot);
        }
        self.close_no_stack();
        self.open = Vec::new();
    }

    fn close(&mut self, slot: usize) {
        let sums = std::mem::replace(&mut self.open[slot].0, NOTHING);
        self.keep(slot as u32, sums);
    }

    fn close_no_stack(&mut self) {
        let sums = std::mem::replace(&mut self.no_stack, NOTHING);
        self.keep(TraceSlot::NONE, sums);
    }

    fn keep(&mut self, slot: u32, sums: Sums) {
        if sums.allocation_count > 0 || sums.requested_bytes > 0 {
            self.usage.push((slot, sums));
        }
    }
}
