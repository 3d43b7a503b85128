//! The tables of a minidump: one file for each group, from [`crate::dump::Rows`] to Arrow.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, DurationNanosecondArray, RecordBatch, StringViewArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};

use super::{Table, modules::ModuleMap, schema};
use crate::dump::{Rows, classes::Classes, issues::StreamIssue};

pub mod contents;
pub mod counters;
pub mod heaps;
pub mod lists;
pub mod modules;
pub mod regions;
pub mod stacks;
pub mod threads;

fn u64s(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(values.collect::<UInt64Array>())
}

fn u32s(values: impl Iterator<Item = Option<u32>>) -> ArrayRef {
    Arc::new(values.collect::<UInt32Array>())
}

fn all_u64s(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

fn all_u32s(values: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(values))
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
}

fn durations(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<DurationNanosecondArray>())
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

/// The tables of a dump, all but what `regions` says of their class.
pub struct Unclassed {
    regions: regions::Unclassed,
    batches: [(&'static schema::TableSchema, RecordBatch); 9],
}

/// Builds what depends on no classes; takes the regions and the ranges, which are many.
pub fn unclassed(rows: &mut Rows) -> Unclassed {
    let (modules, map) = modules::loaded(&rows.modules);
    Unclassed {
        regions: regions::unclassed(std::mem::take(&mut rows.regions), &map),
        batches: [
            (&schema::DUMP_MODULES, modules),
            (&schema::UNLOADED_MODULES, modules::unloaded(&rows.unloaded_modules)),
            (&schema::THREADS, threads::batch(&rows.threads, &rows.classes.stacks, &map)),
            (&schema::HANDLES, lists::handles(&rows.handles)),
            (&schema::MEMORY, lists::memory(std::mem::take(&mut rows.ranges))),
            (&schema::MEMORY_COUNTERS, counters::process(&rows.memory_counters)),
            (&schema::SYSTEM_MEMORY, counters::system(&rows.system_memory)),
            (&schema::STREAMS, lists::streams(&rows.streams)),
            (&schema::DUMP_ISSUES, issues(&rows.issues)),
        ],
    }
}

impl Unclassed {
    /// All tables.
    pub fn with(self, classes: &Classes) -> Vec<(&'static str, Table)> {
        let regions = (&schema::REGIONS, self.regions.with(classes));
        let batches = self.batches.into_iter().chain([regions]);
        batches.map(|(table, batch)| (table.name, Table::new(table, vec![batch]))).collect()
    }
}

fn issues(rows: &[StreamIssue]) -> RecordBatch {
    let columns = vec![
        texts(rows.iter().map(|row| Some(row.severity.as_str()))),
        texts(rows.iter().map(|row| Some(row.kind))),
        texts(rows.iter().map(|row| row.place.stream)),
        u64s(rows.iter().map(|row| row.place.index)),
        u64s(rows.iter().map(|row| row.place.byte)),
        texts(rows.iter().map(|row| Some(row.text.as_str()))),
        texts(rows.iter().map(|row| Some(row.action))),
        u64s(rows.iter().map(|row| Some(row.count))),
    ];
    super::batch(&schema::DUMP_ISSUES, columns)
}
