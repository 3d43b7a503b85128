//! `usage` summed up over heaps, or over stacks.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::NullBuffer;

use super::Snapshot;
use crate::table::{self, Table, schema};

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
    pub fn totals(&self, by: By) -> Vec<Total> {
        let table = if by == By::Stack { "stacks" } else { "heaps" };
        let mut totals = vec![Total::default(); self.table(table).map_or(0, Table::len) + 1];
        for batch in self.table("usage").map_or(&[][..], |table| &table.batches) {
            add_usage(batch, by, &mut totals);
        }
        totals
    }

    /// `usage` by stack: a row for each stack in use, by its number; blocks without a stack last.
    ///
    /// `stack` u32, null without one, then the measures u64; overhead is null where the log does not write all of it.
    pub fn usage_by_stack(&self) -> Table {
        let totals = self.totals(By::Stack);
        let none = totals.len() - 1;
        let used: Vec<u32> = (0..totals.len() as u32).filter(|row| totals[*row as usize].present).collect();
        let of_used =
            |value: fn(&Total) -> u64| used.iter().map(|row| value(&totals[*row as usize])).collect::<Vec<_>>();
        let overhead_known = NullBuffer::from_iter(used.iter().map(|row| totals[*row as usize].overhead_known));
        let with_stack = NullBuffer::from_iter(used.iter().map(|row| (*row as usize) < none));
        let requested_bytes = of_used(|total| total.requested_bytes);
        let overhead_bytes = of_used(|total| total.overhead_bytes);
        let allocation_count = of_used(|total| total.allocation_count);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::new(used.into(), Some(with_stack))),
            Arc::new(UInt64Array::from(requested_bytes)),
            Arc::new(UInt64Array::new(overhead_bytes.into(), Some(overhead_known))),
            Arc::new(UInt64Array::from(allocation_count)),
        ];
        Table::new(&schema::USAGE_BY_STACK, vec![table::batch(&schema::USAGE_BY_STACK, columns)])
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
