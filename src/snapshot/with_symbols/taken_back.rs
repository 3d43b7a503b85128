//! A log without the names that symbols gave it: as it was before.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, RecordBatch, UInt64Array,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};
use arrow_select::{nullif::nullif, zip::zip};

use crate::{
    snapshot::{
        Snapshot,
        modules::{numbers, texts},
    },
    table::{Table, batch, schema},
};

/// Kinds of issues that symbols make.
const OF_SYMBOLS: [&str; 2] = ["unreadable_symbols", "symbols_mismatch"];

impl Snapshot {
    /// This log as it was before symbols named its frames: what they said is gone.
    pub fn without_symbols(&self) -> Snapshot {
        let mut snapshot = self.clone();
        let named = self.table("frame_symbols").filter(|table| !table.is_empty());
        let offsets: HashMap<u32, u64, ahash::RandomState> = numbers::<UInt32Type>(named, "frame_id")
            .zip(numbers::<UInt64Type>(named, "module_offset"))
            .filter_map(|(frame, offset)| frame.zip(offset))
            .collect();
        if let Some(frames) = self.table("frames").filter(|_| !offsets.is_empty()) {
            let mut first = 0;
            let batches = frames.batches.iter().map(|rows| {
                let offsets: UInt64Array =
                    (first..).take(rows.num_rows()).map(|frame| offsets.get(&frame).copied()).collect();
                first += rows.num_rows() as u32;
                without_names(rows, &offsets)
            });
            snapshot.replace(&schema::FRAMES, batches.collect());
        }
        snapshot.tables.retain(|(name, _)| schema::SYMBOL_TABLES.iter().all(|table| table.name != *name));
        let is_own = |rows: &&RecordBatch| {
            let one = Table { schema: rows.schema(), batches: vec![(*rows).clone()] };
            texts(Some(&one), "kind").flatten().all(|kind| !OF_SYMBOLS.contains(&kind))
        };
        let issues = self.table("issues").map_or(&[][..], |table| &table.batches);
        snapshot.replace(&schema::ISSUES, issues.iter().filter(is_own).cloned().collect());
        snapshot
    }
}

/// Frames without names in the rows that have an offset here, which was theirs before.
fn without_names(rows: &RecordBatch, offsets: &UInt64Array) -> RecordBatch {
    let is_named: BooleanArray = offsets.iter().map(|offset| Some(offset.is_some())).collect();
    let schema = rows.schema();
    let column = |(at, old): (usize, &ArrayRef)| -> ArrayRef {
        let new = match schema.field(at).name().as_str() {
            "function" | "file" | "source_line" => nullif(old, &is_named),
            "offset" => zip(&is_named, offsets, &old.as_primitive::<UInt64Type>()),
            _ => return Arc::clone(old),
        };
        new.unwrap_or_else(|_| Arc::clone(old))
    };
    batch(&schema::FRAMES, rows.columns().iter().enumerate().map(column).collect())
}
