//! `handles`, `memory` and `streams`: lists that are tables as they are.

use std::{iter::repeat_n, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};

use super::{all_u32s, all_u64s, texts};
use crate::{
    dump::{directory::Entry, handles::Handle, memory::Ranges, streams},
    table::schema,
};

/// Builds `handles`.
pub fn handles(rows: &[Handle]) -> RecordBatch {
    let columns = vec![
        all_u64s(rows.iter().map(|row| row.handle)),
        texts(rows.iter().map(|row| row.kind.as_deref())),
        texts(rows.iter().map(|row| row.name.as_deref())),
        all_u32s(rows.iter().map(|row| row.attributes)),
        all_u32s(rows.iter().map(|row| row.granted_access)),
        all_u32s(rows.iter().map(|row| row.handle_count)),
        all_u32s(rows.iter().map(|row| row.pointer_count)),
    ];
    crate::table::batch(&schema::HANDLES, columns)
}

/// Builds `memory`.
pub fn memory(ranges: Ranges) -> RecordBatch {
    let mut names = ranges.streams.iter().flat_map(|(name, count)| repeat_n(*name, *count));
    let streams = super::regions::words((0..ranges.len()).map(|_| names.next()));
    let numbers = [ranges.base, ranges.size, ranges.declared_size, ranges.offset];
    let mut columns: Vec<ArrayRef> =
        numbers.into_iter().map(|column| Arc::new(UInt64Array::from(column)) as ArrayRef).collect();
    columns.push(streams);
    crate::table::batch(&schema::MEMORY, columns)
}

/// Builds `streams`.
pub fn streams(rows: &[Entry]) -> RecordBatch {
    let columns = vec![
        all_u32s(0..rows.len() as u32),
        all_u32s(rows.iter().map(|row| row.kind)),
        texts(rows.iter().map(|row| streams::name(row.kind))),
        all_u64s(rows.iter().map(|row| row.size.into())),
        all_u64s(rows.iter().map(|row| row.offset.into())),
        Arc::new(BooleanArray::from(rows.iter().map(|row| row.read).collect::<Vec<_>>())),
        texts(rows.iter().map(|row| row.reason.as_deref())),
    ];
    crate::table::batch(&schema::STREAMS, columns)
}
