//! The `usage` table: the sums per heap and stack, whatever the log held.

use std::{collections::HashSet, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::NullBuffer;

use super::schema;
use crate::{log::sink::Sums, memory};

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
    let rows = by_stack(&sums);
    let mut columns = Columns::with_capacity(rows.len());
    for place in by_heap(&rows) {
        let (stack, sums) = &rows[place as usize];
        columns.push(*stack, sums);
    }
    super::batch(&schema::USAGE, columns.finish(has_overhead))
}

/// One row for each pair of stack and heap, in the order of the stacks; that of no stack last.
///
/// Nearly every stack has blocks in one heap only. So each has a place for the heap that comes first, and what is of another
/// heap is sorted: a third of the time of sorting all.
fn by_stack(sums: &[(u32, Sums)]) -> Vec<(u32, Sums)> {
    let stacks = sums.iter().map(|(stack, _)| *stack).filter(|stack| *stack != u32::MAX);
    let no_stack = stacks.max().map_or(0, |last| last as usize + 1);
    let mut first: Vec<Option<Sums>> = memory::roomy(no_stack + 1);
    first.resize(no_stack + 1, None);
    let mut others: Vec<(u32, Sums)> = Vec::new();
    for (stack, sums) in sums {
        match &mut first[no_stack.min(*stack as usize)] {
            Some(known) if known.heap == sums.heap => *known = known.with(sums),
            Some(_) => others.push((*stack, *sums)),
            free => *free = Some(*sums),
        }
    }
    others.sort_by_key(|(stack, sums)| (*stack, sums.heap));
    others.dedup_by(|next, together| {
        let same = (next.0, next.1.heap) == (together.0, together.1.heap);
        if same {
            together.1 = together.1.with(&next.1);
        }
        same
    });
    let mut others = others.into_iter().peekable();
    let mut rows = memory::roomy(no_stack + 1 + others.len());
    for (place, sums) in first.into_iter().enumerate() {
        let stack = if place == no_stack { u32::MAX } else { place as u32 };
        rows.extend(sums.map(|sums| (stack, sums)));
        rows.extend(std::iter::from_fn(|| others.next_if(|other| other.0 == stack)));
    }
    rows
}

/// The places of rows in the order of their heaps; those of the same heap keep theirs. Heaps are numbers below some count, so
/// they are counted out, in half the time of a sort.
fn by_heap(rows: &[(u32, Sums)]) -> Vec<u32> {
    let heap_count = rows.iter().map(|(_, sums)| sums.heap as usize + 1).max().unwrap_or(0);
    let mut next = vec![0u32; heap_count + 1];
    rows.iter().for_each(|(_, sums)| next[sums.heap as usize + 1] += 1);
    let mut before = 0;
    for starts in &mut next {
        before += *starts;
        *starts = before;
    }
    let mut sorted = vec![0; rows.len()];
    for (place, (_, sums)) in rows.iter().enumerate() {
        let to = &mut next[sums.heap as usize];
        sorted[*to as usize] = place as u32;
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
