//! The `allocations` table. It is the one that grows, so columns that say the same in every row share one buffer.

use std::sync::{Arc, OnceLock};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

use super::schema;
use crate::log::sink::{Allocation, BlockColumns, TraceSlot, store::Span};

/// Columns that say the same in every row, once for all batches.
#[derive(Debug)]
pub struct Shared {
    ones: Buffer,
    no: Buffer,
    /// Of each heap that has a batch for itself.
    heaps: Vec<OnceLock<Buffer>>,
    rows: usize,
}

impl Shared {
    /// Shared columns for batches of up to `rows` rows in `heaps` heaps.
    pub fn new(rows: usize, heaps: usize) -> Self {
        Self {
            ones: Buffer::from_vec(vec![1u32; rows]),
            no: Buffer::from_vec(vec![0u8; rows.div_ceil(8)]),
            heaps: (0..heaps).map(|_| OnceLock::new()).collect(),
            rows,
        }
    }

    fn heap(&self, heap: u32) -> &Buffer {
        self.heaps[heap as usize].get_or_init(|| Buffer::from_vec(vec![heap; self.rows]))
    }

    fn column(buffer: &Buffer, rows: usize) -> ArrayRef {
        Arc::new(UInt32Array::new(ScalarBuffer::new(buffer.clone(), 0, rows), None))
    }
}

/// Blocks in columns that do not change any more, so that batches can show parts of them.
#[derive(Debug)]
pub struct Blocks {
    requested_bytes: ScalarBuffer<u64>,
    overhead_bytes: ScalarBuffer<u32>,
    address: ScalarBuffer<u64>,
    stack: ScalarBuffer<u32>,
}

impl From<BlockColumns> for Blocks {
    /// The traces are numbers of stacks by now.
    fn from(columns: BlockColumns) -> Self {
        Self {
            requested_bytes: columns.requested_bytes.into(),
            overhead_bytes: columns.overhead_bytes.into(),
            address: columns.address.into(),
            stack: columns.trace.into(),
        }
    }
}

impl Blocks {
    /// Addresses of the rows of a span.
    pub fn addresses(&self, span: Span) -> &[u64] {
        &self.address[span.start..span.start + span.len]
    }

    /// Adds the rows of a span to `columns`.
    pub fn append_to(&self, columns: &mut BlockColumns, span: Span) {
        let rows = span.start..span.start + span.len;
        columns.requested_bytes.extend_from_slice(&self.requested_bytes[rows.clone()]);
        columns.overhead_bytes.extend_from_slice(&self.overhead_bytes[rows.clone()]);
        columns.address.extend_from_slice(&self.address[rows.clone()]);
        columns.trace.extend_from_slice(&self.stack[rows]);
    }
}

/// Builds the batch of the block lines of a span. `runs` says which heap they are in: (heap, row behind its last).
pub fn blocks(columns: &Blocks, span: Span, runs: &[(u32, u32)], shared: &Shared) -> RecordBatch {
    let (start, rows) = (span.start, span.len);
    let heaps = match runs {
        [(heap, _)] => Shared::column(shared.heap(*heap), rows),
        runs => {
            let mut values = Vec::with_capacity(rows);
            runs.iter().for_each(|(heap, end)| values.resize(*end as usize, *heap));
            Arc::new(UInt32Array::from(values))
        }
    };
    let stacks = columns.stack.slice(start, rows);
    let nulls = stacks
        .contains(&TraceSlot::NONE)
        .then(|| NullBuffer::from_iter(stacks.iter().map(|stack| *stack != TraceSlot::NONE)));
    let columns: Vec<ArrayRef> = vec![
        heaps,
        Arc::new(UInt64Array::new(columns.address.slice(start, rows), None)),
        Arc::new(UInt64Array::new(columns.requested_bytes.slice(start, rows), None)),
        Arc::new(UInt32Array::new(columns.overhead_bytes.slice(start, rows), None)),
        Shared::column(&shared.ones, rows),
        Arc::new(UInt32Array::new(stacks, nulls)),
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
