//! `usage` summed up over heaps, or over stacks.

use arrow_array::{Array, RecordBatch, UInt32Array, UInt64Array};

use super::Snapshot;
use crate::{
    memory::{RandomAccess, Zero},
    table::Table,
};

/// What rows of `usage` are summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Rows of `stacks`.
    Stack,
    /// Rows of `heaps`.
    Heap,
}

/// The sums of one stack or heap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Bytes the program asked for.
    pub requested_bytes: u64,
    /// Bytes the heap manager added, as far as they are known.
    pub overhead_bytes: u64,
    /// Blocks.
    pub allocation_count: u64,
    /// The log says what all of the overhead is.
    pub overhead_known: bool,
    /// There is something to sum up.
    pub present: bool,
}

// SAFETY: numbers, and bools that are false.
unsafe impl Zero for Total {}

impl Total {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        if !other.present {
            return;
        }
        self.overhead_known = other.overhead_known && (self.overhead_known || !self.present);
        self.present = true;
        self.requested_bytes = self.requested_bytes.saturating_add(other.requested_bytes);
        self.overhead_bytes = self.overhead_bytes.saturating_add(other.overhead_bytes);
        self.allocation_count = self.allocation_count.saturating_add(other.allocation_count);
    }

    /// Of nothing.
    pub fn absent(overhead_known: bool) -> Self {
        Self { overhead_known, ..Self::default() }
    }
}

impl Snapshot {
    /// The sums of every row of `stacks` or `heaps`; those of blocks without one stand last.
    pub fn totals(&self, by: By) -> RandomAccess<Total> {
        let table = if by == By::Stack { "stacks" } else { "heaps" };
        let mut totals = RandomAccess::<Total>::zeros(self.table(table).map_or(0, Table::len) + 1);
        for batch in self.table("usage").map_or(&[][..], |table| &table.batches) {
            add_usage(batch, by, &mut totals);
        }
        totals
    }

    /// Tells whether the tool writes overhead; where the log has no sums, by its format.
    pub fn writes_overhead(&self) -> bool {
        let overhead = || self.numbers("usage", "overhead_bytes");
        if overhead().all(|column| column.is_empty()) {
            return self.header.format == "umdh2";
        }
        overhead().any(|column| column.null_count() < column.len())
    }
}

fn add_usage(batch: &RecordBatch, by: By, totals: &mut [Total]) {
    let name = if by == By::Stack { "stack_id" } else { "heap_id" };
    let numbers = |name| batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<UInt64Array>());
    let rows = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<UInt32Array>());
    let (Some(rows), Some(requested), Some(overhead), Some(count)) =
        (rows, numbers("requested_bytes"), numbers("overhead_bytes"), numbers("allocation_count"))
    else {
        return;
    };
    let last = totals.len() - 1;
    for place in 0..batch.num_rows() {
        let row = if rows.is_valid(place) { (rows.value(place) as usize).min(last) } else { last };
        totals[row].add(&Total {
            requested_bytes: requested.value(place),
            overhead_bytes: if overhead.is_valid(place) { overhead.value(place) } else { 0 },
            allocation_count: count.value(place),
            overhead_known: overhead.is_valid(place),
            present: true,
        });
    }
}
