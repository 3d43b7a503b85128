//! `usage` summed up over heaps, or over stacks.

use arrow_array::{Array, RecordBatch, UInt32Array, UInt64Array};
use zerocopy::FromZeros;

use crate::{engine::random_access::RandomAccess, numbers, snapshot::Snapshot, table::Table};

/// What rows of `usage` are summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Rows of `stacks`.
    Stack,
    /// Rows of `heaps`.
    Heap,
}

/// The sums of one stack or heap. What one part does not know, or 64 bits do not hold, the sum does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromZeros)]
pub struct Total {
    /// By measure; not to be used where not known.
    sums: [u64; MEASURES],
    /// Bit by bit: measures that are not known.
    unknown: u8,
    /// There is something to sum up.
    pub present: bool,
}

/// What is summed up: requested bytes, overhead bytes, blocks.
const MEASURES: usize = 3;
const OVERHEAD: u8 = 1 << 1;

impl Total {
    /// Of nothing; the overhead of nothing is known where the log writes overhead.
    pub fn absent(overhead_known: bool) -> Self {
        Self { unknown: if overhead_known { 0 } else { OVERHEAD }, ..Self::default() }
    }

    /// Of a row of `usage`.
    pub fn of(values: [Option<u64>; MEASURES]) -> Self {
        let unknown = values.iter().enumerate().fold(0, |bits, (at, value)| bits | u8::from(value.is_none()) << at);
        Self { sums: values.map(Option::unwrap_or_default), unknown, present: true }
    }

    /// Adds another.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        if !other.present {
            return;
        }
        if !self.present {
            *self = *other;
            return;
        }
        self.unknown |= other.unknown | numbers::add(&mut self.sums, other.sums);
    }

    /// Bytes the program asked for.
    pub fn requested_bytes(&self) -> Option<u64> {
        self.known(0)
    }

    /// Bytes the heap manager added.
    pub fn overhead_bytes(&self) -> Option<u64> {
        self.known(1)
    }

    /// Blocks.
    pub fn allocation_count(&self) -> Option<u64> {
        self.known(2)
    }

    fn known(&self, measure: usize) -> Option<u64> {
        (self.unknown & 1 << measure == 0).then_some(self.sums[measure])
    }
}

impl Snapshot {
    /// The sums of every row of `stacks` or `heaps`; those of blocks without one are last.
    pub(crate) fn totals(&self, by: By) -> RandomAccess<Total> {
        let table = if by == By::Stack { "stacks" } else { "heaps" };
        let mut totals = RandomAccess::<Total>::zeros(self.table(table).map_or(0, Table::len) + 1);
        for batch in self.table("usage").map_or(&[][..], |table| &table.batches) {
            add_usage(batch, by, &mut totals);
        }
        totals
    }

    /// Tells whether the tool writes overhead; where the log has no sums, by its format.
    pub(crate) fn writes_overhead(&self) -> bool {
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
        let value = |column: &UInt64Array| column.is_valid(place).then(|| column.value(place));
        totals[row].add(&Total::of([requested, overhead, count].map(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_knows_what_all_its_parts_know_and_64_bits_hold() {
        let mut total = Total::default();
        total.add(&Total::absent(false));
        assert_eq!((total.present, total.overhead_bytes()), (false, Some(0)));
        total.add(&Total::of([Some(1 << 63), Some(1), Some(2)]));
        total.add(&Total::of([Some(5), None, Some(3)]));
        let known = (total.requested_bytes(), total.overhead_bytes(), total.allocation_count());
        assert_eq!(known, (Some((1 << 63) + 5), None, Some(5)));
        total.add(&Total::of([Some(1 << 63), Some(1), Some(4)]));
        assert_eq!((total.requested_bytes(), total.overhead_bytes(), total.allocation_count()), (None, None, Some(9)));
        // Once too large, always: what is added does not make it known again.
        total.add(&Total::of([Some(1), Some(1), Some(1)]));
        assert_eq!((total.requested_bytes(), total.allocation_count()), (None, Some(10)));
    }
}
