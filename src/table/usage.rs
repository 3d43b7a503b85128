//! The `usage` table: the sums per heap and stack, whatever the log held.

use std::{collections::HashSet, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::NullBuffer;

use super::schema;
use crate::log::sink::Sums;

/// Builds the table from sums whose `heap` is the number in `heaps`, keyed by stack (`u32::MAX` for none).
///
/// The same pair may come more than once. Where a heap has hogs, its entries, which were read by tokens, describe the same
/// memory a second time and are left out; what stands under no heap's name may describe any heap.
pub fn batch(mut sums: Vec<(u32, Sums)>, nameless_heap: Option<u32>, has_overhead: bool) -> RecordBatch {
    if sums.iter().any(|(_, sums)| sums.inferred) {
        let with_hogs: HashSet<u32> =
            sums.iter().filter(|(_, sums)| !sums.inferred).map(|(_, sums)| sums.heap).collect();
        let nameless_hogs = nameless_heap.is_some_and(|heap| with_hogs.contains(&heap));
        sums.retain(|(_, sums)| {
            let nameless = nameless_heap == Some(sums.heap) && !with_hogs.is_empty();
            !sums.inferred || !(nameless_hogs || nameless || with_hogs.contains(&sums.heap))
        });
    }
    let order = by_heap_and_stack(&sums);
    let same = |one: &u32, other: &u32| {
        let ((stack, sums), (other_stack, other)) = (&sums[*one as usize], &sums[*other as usize]);
        stack == other_stack && sums.heap == other.heap
    };
    let mut columns = Columns::with_capacity(order.len());
    for rows in order.chunk_by(same) {
        let (stack, first) = sums[rows[0] as usize];
        let add = |together: Sums, row: &u32| together.with(&sums[*row as usize].1);
        columns.push(stack, &rows[1..].iter().fold(first, add));
    }
    super::batch(&schema::USAGE, columns.finish(has_overhead))
}

/// The places of sums in the order of their heaps, and of the stacks of each; those of no stack last.
///
/// Both are numbers below some count, so they are counted out, in half the time of a sort, even of one that makes use of the
/// runs of two workers.
fn by_heap_and_stack(sums: &[(u32, Sums)]) -> Vec<u32> {
    let stack_count =
        sums.iter().map(|(stack, _)| *stack).filter(|stack| *stack != u32::MAX).max().map_or(0, |max| max + 1);
    let heap_count = sums.iter().map(|(_, sums)| sums.heap + 1).max().unwrap_or(0);
    let by_stack = counted_out(0..sums.len() as u32, stack_count, |place| sums[place as usize].0);
    counted_out(by_stack.iter().copied(), heap_count, |place| sums[place as usize].1.heap)
}

/// Sorts places by a number below `count`; what is above stands behind. Places of the same number keep their order.
fn counted_out(
    places: impl ExactSizeIterator<Item = u32> + Clone,
    count: u32,
    number: impl Fn(u32) -> u32,
) -> Vec<u32> {
    let slot = |place: u32| number(place).min(count) as usize;
    let mut next = vec![0u32; count as usize + 2];
    places.clone().for_each(|place| next[slot(place) + 1] += 1);
    let mut before = 0;
    for starts in &mut next {
        before += *starts;
        *starts = before;
    }
    let mut sorted = vec![0; places.len()];
    for place in places {
        let to = &mut next[slot(place)];
        sorted[*to as usize] = place;
        *to += 1;
    }
    sorted
}

/// The table's columns while they are filled.
struct Columns {
    heap: Vec<u32>,
    stack: Vec<u32>,
    requested_bytes: Vec<u64>,
    overhead_bytes: Vec<u64>,
    allocation_count: Vec<u64>,
}

impl Columns {
    fn with_capacity(rows: usize) -> Self {
        Self {
            heap: Vec::with_capacity(rows),
            stack: Vec::with_capacity(rows),
            requested_bytes: Vec::with_capacity(rows),
            overhead_bytes: Vec::with_capacity(rows),
            allocation_count: Vec::with_capacity(rows),
        }
    }

    fn push(&mut self, stack: u32, sums: &Sums) {
        self.heap.push(sums.heap);
        self.stack.push(stack);
        self.requested_bytes.push(sums.requested_bytes);
        self.overhead_bytes.push(sums.overhead_bytes);
        self.allocation_count.push(sums.allocation_count);
    }

    fn finish(self, has_overhead: bool) -> Vec<ArrayRef> {
        let with_stack = NullBuffer::from_iter(self.stack.iter().map(|stack| *stack != u32::MAX));
        let rows = self.heap.len();
        let overhead = if has_overhead { shrunk(self.overhead_bytes) } else { vec![0; rows] };
        let overhead_known = (!has_overhead).then(|| NullBuffer::new_null(rows));
        vec![
            Arc::new(UInt32Array::from(shrunk(self.heap))),
            Arc::new(UInt32Array::new(shrunk(self.stack).into(), Some(with_stack))),
            Arc::new(UInt64Array::from(shrunk(self.requested_bytes))),
            Arc::new(UInt64Array::new(overhead.into(), overhead_known)),
            Arc::new(UInt64Array::from(shrunk(self.allocation_count))),
        ]
    }
}

fn shrunk<T>(mut column: Vec<T>) -> Vec<T> {
    column.shrink_to_fit();
    column
}
