//! Stacks known by the names of their functions, which stay the same when a program is built anew and every offset moves.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array, cast::AsArray, types::UInt64Type};

use crate::{
    snapshot::Snapshot,
    table::{
        Table, batch,
        frame_hash::FrameHash,
        frame_rows::FrameRows,
        schema,
        stacks::{fingerprint, frames_of},
    },
};

impl Snapshot {
    /// A hash of the modules and functions of every stack, without offsets; a frame without a function counts by module and offset, as
    /// in fingerprints. Absent where no frame has a function.
    pub fn name_fingerprints(&self) -> UInt64Array {
        let batches = |name| self.table(name).map_or(&[][..], |table| &table.batches);
        let mut hash = FrameHash::default();
        let (hashes, is_named): (Vec<u64>, Vec<bool>) =
            batches("frames").iter().flat_map(|rows| hashes(rows, &mut hash)).unzip();
        let mut scratch = Vec::new();
        let of_stack = |frames: Option<&[u32]>| {
            let frames = frames.filter(|frames| frames.iter().any(|frame| is_named[*frame as usize]))?;
            Some(fingerprint(frames, &hashes, &mut scratch))
        };
        batches("stacks").iter().flat_map(frames_of).map(of_stack).collect()
    }

    /// This log with these hashes in the place of fingerprints, where there is one.
    pub fn by_names(&self) -> Snapshot {
        let names = self.name_fingerprints();
        let mut first = 0;
        let stacks = self.table("stacks").map_or(&[][..], |table| &table.batches).iter().map(|rows| {
            let own = names.slice(first, rows.num_rows());
            first += rows.num_rows();
            with_fingerprints(rows, &own)
        });
        let stacks = Table::new(&schema::STACKS, stacks.collect());
        let mut snapshot = self.clone();
        snapshot.tables.iter_mut().filter(|(name, _)| *name == "stacks").for_each(|(_, table)| *table = stacks.clone());
        snapshot
    }
}

/// The hash of each frame, and whether it is that of a name.
fn hashes(frames: &RecordBatch, hash: &mut FrameHash) -> Vec<(u64, bool)> {
    let Some(rows) = FrameRows::of(frames) else { return vec![(0, false); frames.num_rows()] };
    (0..frames.num_rows()).map(|row| rows.name_key(row, hash)).collect()
}

fn with_fingerprints(stacks: &RecordBatch, names: &UInt64Array) -> RecordBatch {
    let schema = stacks.schema();
    let column = |(at, own): (usize, &ArrayRef)| -> ArrayRef {
        match own.as_primitive_opt::<UInt64Type>().filter(|_| schema.field(at).name() == "fingerprint") {
            Some(own) => Arc::new(names.iter().zip(own).map(|(name, own)| name.or(own)).collect::<UInt64Array>()),
            None => Arc::clone(own),
        }
    };
    batch(&schema::STACKS, stacks.columns().iter().enumerate().map(column).collect())
}
