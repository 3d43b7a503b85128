//! The `stacks` table: every distinct stack once, in the order of the file, with its fingerprint.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, ListArray, RecordBatch, UInt32Array, UInt64Array, builder::StringViewBuilder,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use xxhash_rust::xxh3::xxh3_64;

use super::schema;

/// Stacks of one part of the file, whose frames are one behind the other.
#[derive(Debug, Default)]
pub struct StackRows {
    /// Number of the first; the others follow.
    pub first_id: u32,
    /// The id as printed; absent where the line names none.
    pub trace_ids: StringViewBuilder,
    /// End of each stack's frames in `frame_ids`.
    pub frames_end: Vec<i32>,
    /// Frames, as numbered in `frames`.
    pub frame_ids: ScalarBuffer<u32>,
    /// First stack of the same trace id.
    pub alias_of: Vec<Option<u32>>,
    /// The file ends inside it.
    pub cut: Vec<bool>,
    /// Read by tokens.
    pub inferred: Vec<bool>,
}

/// Most files have no alias: then the column is nothing but nulls, and any buffer of its length will do for the values.
fn alias_of(rows: Vec<Option<u32>>, any: ScalarBuffer<u32>) -> UInt32Array {
    if rows.iter().any(Option::is_some) {
        return UInt32Array::from(rows);
    }
    UInt32Array::new(any, Some(NullBuffer::new_null(rows.len())))
}

impl StackRows {
    /// Builds the batch. `hashes` are those of the frames; `is_truncated` tells stacks that are probably cut off: by the tool, or
    /// by the end of the file, for one that it is in.
    pub fn finish(mut self, hashes: &[u64], is_truncated: impl Fn(&[u32], bool) -> bool) -> RecordBatch {
        let rows = self.frames_end.len();
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.extend_from_slice(&self.frames_end);
        let stacks = || offsets.windows(2).map(|ends| &self.frame_ids[ends[0] as usize..ends[1] as usize]);
        let mut scratch = Vec::new();
        let fingerprints: Vec<u64> = stacks().map(|frames| fingerprint(frames, hashes, &mut scratch)).collect();
        let depths: ScalarBuffer<u32> = stacks().map(|frames| frames.len() as u32).collect();
        let truncated: Vec<bool> = stacks().zip(&self.cut).map(|(frames, cut)| is_truncated(frames, *cut)).collect();
        let frames = ListArray::new(
            schema::list_item(),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Arc::new(UInt32Array::new(self.frame_ids, None)),
            None,
        );
        let ids = UInt32Array::from_iter_values(self.first_id..self.first_id + rows as u32);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ids),
            Arc::new(self.trace_ids.finish()),
            Arc::new(UInt64Array::from(fingerprints)),
            Arc::new(UInt32Array::new(depths.clone(), None)),
            Arc::new(BooleanArray::from(truncated)),
            Arc::new(alias_of(self.alias_of, depths)),
            Arc::new(frames),
            Arc::new(BooleanArray::from(self.inferred)),
        ];
        super::batch(&schema::STACKS, columns)
    }
}

/// The batch of trace ids whose frames are not in the file.
pub fn undefined(first_id: u32, mut trace_ids: StringViewBuilder) -> RecordBatch {
    let trace_ids = trace_ids.finish();
    let rows = trace_ids.len();
    let no_frames = ListArray::new(
        schema::list_item(),
        OffsetBuffer::new_zeroed(rows),
        Arc::new(UInt32Array::from(Vec::<u32>::new())),
        Some(NullBuffer::new_null(rows)),
    );
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(first_id..first_id + rows as u32)),
        Arc::new(trace_ids),
        Arc::new(UInt64Array::new_null(rows)),
        Arc::new(UInt32Array::new_null(rows)),
        Arc::new(BooleanArray::new_null(rows)),
        Arc::new(UInt32Array::new_null(rows)),
        Arc::new(no_frames),
        Arc::new(BooleanArray::from(vec![false; rows])),
    ];
    super::batch(&schema::STACKS, columns)
}

/// Hash of a stack's content: xxh3 of its frames' hashes, innermost first, 8 bytes each, low byte first.
pub fn fingerprint(frames: &[u32], hashes: &[u64], scratch: &mut Vec<[u8; 8]>) -> u64 {
    scratch.clear();
    scratch.extend(frames.iter().map(|frame| hashes[*frame as usize].to_le_bytes()));
    xxh3_64(scratch.as_flattened())
}

/// Frames of the stacks of a batch, `None` for a stack whose frames are not in the file.
pub fn frames_of(batch: &RecordBatch) -> impl Iterator<Item = Option<&[u32]>> {
    lists_of(batch, "frame_ids")
}

/// The numbers of each row, by the column that has lists of them.
pub fn lists_of<'a>(batch: &'a RecordBatch, column: &str) -> impl Iterator<Item = Option<&'a [u32]>> {
    let lists = batch.column_by_name(column).and_then(|column| column.as_any().downcast_ref::<ListArray>());
    let values = lists.and_then(|lists| lists.values().as_any().downcast_ref::<UInt32Array>());
    let rows = lists.zip(values).map(|(lists, values)| {
        let ends = lists.value_offsets();
        (0..lists.len())
            .map(move |row| lists.is_valid(row).then(|| &values.values()[ends[row] as usize..ends[row + 1] as usize]))
    });
    rows.into_iter().flatten()
}
