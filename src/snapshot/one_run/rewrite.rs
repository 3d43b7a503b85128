//! A snapshot with the frames that other logs of its run know better.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, ListArray, RecordBatch, UInt32Array, UInt64Array, cast::AsArray, types::UInt64Type,
};

use super::{Change, Frame, logs::Log};
use crate::{
    snapshot::Snapshot,
    table::{self, Table, schema, stacks::fingerprint},
};

/// The snapshot with its stacks changed, and with frames of other logs behind its own.
pub fn snapshot(snapshot: &Snapshot, logs: &[Log<'_>], source: usize, changes: &[Change<'_>]) -> Snapshot {
    let log = &logs[source];
    let differ = |(own, better): &(&u32, &Frame)| log.mark_of(**own).hash != better.mark(logs).hash;
    let foreign = changes.iter().flat_map(|change| change.own.iter().zip(change.better)).filter(differ);
    let mut numbers: BTreeMap<Frame, u32> = foreign.map(|(_, better)| (*better, 0)).collect();
    numbers.values_mut().zip(log.frame_count()..).for_each(|(number, next)| *number = next);
    let added = added(logs, &numbers);
    let mut changes = changes.iter().peekable();
    let mut first = 0;
    let stacks = snapshot.table("stacks").map_or(&[][..], |table| &table.batches).iter().map(|batch| {
        let end = first + batch.num_rows() as u32;
        let mut own = Vec::new();
        while let Some(change) = changes.next_if(|change| change.row < end) {
            own.push(Row::new(change, first, logs, source, &numbers));
        }
        first = end;
        if own.is_empty() { batch.clone() } else { with_rows(batch, &own) }
    });
    let stacks: Vec<RecordBatch> = stacks.collect();
    let mut snapshot = snapshot.clone();
    for (name, table) in &mut snapshot.tables {
        match *name {
            "frames" => table.batches.extend(added.iter().cloned()),
            "stacks" => *table = Table::new(&schema::STACKS, stacks.clone()),
            _ => {}
        }
    }
    snapshot
}

/// A changed row of a batch.
struct Row {
    row: usize,
    frames: Vec<u32>,
    fingerprint: u64,
}

impl Row {
    fn new(change: &Change<'_>, first: u32, logs: &[Log<'_>], source: usize, numbers: &BTreeMap<Frame, u32>) -> Self {
        let hashes: Vec<u64> = change.better.iter().map(|frame| frame.mark(logs).hash).collect();
        let places: Vec<u32> = (0..hashes.len() as u32).collect();
        let frames = change.own.iter().zip(change.better).zip(&hashes).map(|((own, better), hash)| {
            // A frame that says the same already stays.
            if logs[source].mark_of(*own).hash == *hash { *own } else { numbers[better] }
        });
        let frames = frames.collect();
        let fingerprint = fingerprint(&places, &hashes, &mut Vec::new());
        Self { row: (change.row - first) as usize, frames, fingerprint }
    }
}

/// Frames of other logs as rows of `frames`, in the order of their numbers.
fn added(logs: &[Log<'_>], numbers: &BTreeMap<Frame, u32>) -> Vec<RecordBatch> {
    let frames: Vec<(&Frame, &u32)> = numbers.iter().collect();
    let of_log = |frames: &[(&Frame, &u32)]| {
        let texts: Vec<u32> = frames.iter().map(|(frame, _)| frame.id).collect();
        let ids: ArrayRef = Arc::new(UInt32Array::from_iter_values(frames.iter().map(|(_, number)| **number)));
        let rows = logs[frames[0].0.source as usize].rows(&texts);
        with_column(&schema::FRAMES, &rows, "frame_id", &ids)
    };
    frames.chunk_by(|(one, _), (next, _)| one.source == next.source).map(of_log).collect()
}

fn with_rows(stacks: &RecordBatch, rows: &[Row]) -> RecordBatch {
    let lists = stacks.column_by_name("frame_ids").and_then(|column| column.as_any().downcast_ref::<ListArray>());
    let values = lists.and_then(|lists| lists.values().as_any().downcast_ref::<UInt32Array>());
    let fingerprints = stacks.column_by_name("fingerprint").and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let (Some(lists), Some(values), Some(fingerprints)) = (lists, values, fingerprints) else { return stacks.clone() };
    let mut frames = values.values().to_vec();
    let mut hashes = fingerprints.values().to_vec();
    for row in rows {
        let start = lists.value_offsets()[row.row] as usize;
        frames[start..start + row.frames.len()].copy_from_slice(&row.frames);
        hashes[row.row] = row.fingerprint;
    }
    let frames = Arc::new(UInt32Array::from(frames));
    let lists: ArrayRef =
        Arc::new(ListArray::new(schema::list_item(), lists.offsets().clone(), frames, lists.nulls().cloned()));
    let hashes: ArrayRef = Arc::new(UInt64Array::new(hashes.into(), fingerprints.nulls().cloned()));
    let stacks = with_column(&schema::STACKS, stacks, "frame_ids", &lists);
    with_column(&schema::STACKS, &stacks, "fingerprint", &hashes)
}

/// The batch with another column in the place of the one of this name.
fn with_column(schema: &schema::TableSchema, batch: &RecordBatch, name: &str, column: &ArrayRef) -> RecordBatch {
    let fields = batch.schema();
    let columns = fields.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, own)| Arc::clone(if field.name() == name { column } else { own }));
    table::batch(schema, columns.collect())
}
