//! The `heaps` table.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array, UInt64Array};

use super::schema;
use crate::log::sink::HeapField;

/// One heap.
#[derive(Debug, Clone, Default)]
pub struct Heap {
    /// Its handle; absent for blocks that are under no banner.
    pub base: Option<u64>,
    /// The fields of its information, by [`HeapField`].
    pub fields: [Option<u64>; 9],
    /// The stack that made it.
    pub creator: Option<u32>,
    /// `Start of data` and `End of data` banners seen.
    pub started: u32,
    /// See `started`.
    pub ended: u32,
}

impl Heap {
    /// Sets a field.
    pub fn set(&mut self, field: HeapField, value: Option<u64>) {
        self.fields[field as usize] = value;
    }

    /// Whether its end was seen; absent where the format marks none.
    pub fn complete(&self) -> Option<bool> {
        (self.started > 0 || self.ended > 0).then_some(self.ended >= self.started)
    }
}

/// Builds the table.
pub fn batch(heaps: &[Heap]) -> RecordBatch {
    let field = |field: HeapField| -> ArrayRef {
        Arc::new(heaps.iter().map(|heap| heap.fields[field as usize]).collect::<UInt64Array>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(0..heaps.len() as u32)),
        Arc::new(heaps.iter().map(|heap| heap.base).collect::<UInt64Array>()),
        field(HeapField::Flags),
        field(HeapField::EntryCount),
        field(HeapField::TagCount),
        field(HeapField::AllocatedBytes),
        field(HeapField::CommittedBytes),
        field(HeapField::FreeBytes),
        field(HeapField::VirtualChunkCount),
        field(HeapField::AddressSpaceBytes),
        field(HeapField::EntryOverheadBytes),
        Arc::new(heaps.iter().map(|heap| heap.creator).collect::<UInt32Array>()),
        Arc::new(heaps.iter().map(Heap::complete).collect::<BooleanArray>()),
    ];
    super::batch(&schema::HEAPS, columns)
}
