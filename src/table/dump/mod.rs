//! The tables of a minidump: one file for each group, from [`crate::dump::Rows`] to Arrow.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, DurationNanosecondArray, RecordBatch, StringViewArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};

use super::{Table, modules::ModuleMap, schema};
use crate::{
    dump::{Rows, issues::Issue},
    parallel,
};

pub mod counters;
pub mod lists;
pub mod modules;
pub mod regions;
pub mod threads;

/// Regions that are worth a thread of their own.
const MANY: usize = 4096;

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

/// Builds every table of a dump; takes its regions, which are many.
pub fn tables(rows: &mut Rows) -> Vec<(&'static str, Table)> {
    let (modules, map) = modules::loaded(&rows.modules);
    let (regions, classes) = (std::mem::take(&mut rows.regions), &rows.classes);
    let many = regions.len() >= MANY;
    let (regions, handles) =
        parallel::both(many, || regions::batch(regions, classes, &map), || lists::handles(&rows.handles));
    let batches: [(&schema::TableSchema, RecordBatch); 10] = [
        (&schema::DUMP_MODULES, modules),
        (&schema::UNLOADED_MODULES, modules::unloaded(&rows.unloaded_modules)),
        (&schema::THREADS, threads::batch(&rows.threads, &rows.classes.stacks, &map)),
        (&schema::REGIONS, regions),
        (&schema::HANDLES, handles),
        (&schema::MEMORY, lists::memory(&rows.ranges)),
        (&schema::MEMORY_COUNTERS, counters::process(&rows.memory_counters)),
        (&schema::SYSTEM_MEMORY, counters::system(&rows.system_memory)),
        (&schema::STREAMS, lists::streams(&rows.streams)),
        (&schema::DUMP_ISSUES, issues(&rows.issues)),
    ];
    batches.into_iter().map(|(table, batch)| (table.name, Table::new(table, vec![batch]))).collect()
}

fn issues(rows: &[Issue]) -> RecordBatch {
    let columns = vec![
        texts(rows.iter().map(|row| Some(row.severity.as_str()))),
        texts(rows.iter().map(|row| Some(row.kind))),
        texts(rows.iter().map(|row| row.place.stream)),
        u64s(rows.iter().map(|row| row.place.index)),
        u64s(rows.iter().map(|row| row.place.byte)),
        texts(rows.iter().map(|row| Some(row.text.as_str()))),
        texts(rows.iter().map(|row| Some(row.action))),
    ];
    super::batch(&schema::DUMP_ISSUES, columns)
}
