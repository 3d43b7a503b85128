//! The `allocations` table. It is the one that grows, so columns that say the same in every row share one buffer.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

use super::schema;
use crate::log::sink::{Allocation, BlockColumns, TraceSlot};

/// Columns that say the same in every row, once for all batches.
#[derive(Debug)]
pub struct Shared {
    ones: Buffer,
    no: Buffer,
    heaps: Vec<Buffer>,
}

impl Shared {
    /// Shared columns for batches of up to `rows` rows in `heaps` heaps.
    pub fn new(rows: usize, heaps: usize) -> Self {
        let filled = |value: u32| Buffer::from_vec(vec![value; rows]);
        Self {
            ones: filled(1),
            no: Buffer::from_vec(vec![0u8; rows.div_ceil(8)]),
            heaps: (0..heaps as u32).map(filled).collect(),
        }
    }

    fn column(buffer: &Buffer, rows: usize) -> ArrayRef {
        Arc::new(UInt32Array::new(ScalarBuffer::new(buffer.clone(), 0, rows), None))
    }
}

/// Builds the batch of block lines. `runs` says which heap the rows stand in: (heap, row behind its last).
pub fn blocks(columns: BlockColumns, runs: &[(u32, u32)], shared: &Shared) -> RecordBatch {
    let rows = columns.trace.len();
    let heaps = match runs {
        [(heap, _)] => Shared::column(&shared.heaps[*heap as usize], rows),
        runs => {
            let mut values = Vec::with_capacity(rows);
            runs.iter().for_each(|(heap, end)| values.resize(*end as usize, *heap));
            Arc::new(UInt32Array::from(values))
        }
    };
    let stacks = columns.trace;
    let nulls = stacks
        .contains(&TraceSlot::NONE)
        .then(|| NullBuffer::from_iter(stacks.iter().map(|stack| *stack != TraceSlot::NONE)));
    let columns: Vec<ArrayRef> = vec![
        heaps,
        Arc::new(UInt64Array::from(columns.address)),
        Arc::new(UInt64Array::from(columns.requested_bytes)),
        Arc::new(UInt32Array::from(columns.overhead_bytes)),
        Shared::column(&shared.ones, rows),
        Arc::new(UInt32Array::new(ScalarBuffer::from(stacks), nulls)),
        Arc::new(BooleanArray::new(BooleanBuffer::new(shared.no.clone(), 0, rows), None)),
    ];
    super::batch(&schema::ALLOCATIONS, columns)
}

/// Builds the batch of lines of other kinds: (heap, stack, what the line said).
pub fn sums(rows: &[(u32, Option<u32>, Allocation)]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.2.address).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.2.requested_bytes)).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| row.2.overhead_bytes).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.2.allocation_count)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<UInt32Array>()),
        Arc::new(BooleanArray::from(rows.iter().map(|row| row.2.inferred).collect::<Vec<_>>())),
    ];
    super::batch(&schema::ALLOCATIONS, columns)
}
