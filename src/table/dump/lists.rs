//! `handles`, `memory` and `streams`: lists that are tables as they stand.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};

use super::{all_u32s, all_u64s, texts};
use crate::{
    dump::{
        directory::{self, Entry},
        handles::Handle,
        memory::Range,
    },
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
pub fn memory(rows: &[Range]) -> RecordBatch {
    let columns = vec![
        all_u64s(rows.iter().map(|row| row.base)),
        all_u64s(rows.iter().map(|row| row.size)),
        all_u64s(rows.iter().map(|row| row.declared_size)),
        all_u64s(rows.iter().map(|row| row.offset)),
        super::regions::words(rows.iter().map(|row| Some(row.stream))),
    ];
    crate::table::batch(&schema::MEMORY, columns)
}

/// Builds `streams`.
pub fn streams(rows: &[Entry]) -> RecordBatch {
    let columns = vec![
        all_u32s(0..rows.len() as u32),
        all_u32s(rows.iter().map(|row| row.kind)),
        texts(rows.iter().map(|row| directory::name(row.kind))),
        all_u64s(rows.iter().map(|row| row.size.into())),
        all_u64s(rows.iter().map(|row| row.offset.into())),
        Arc::new(BooleanArray::from(rows.iter().map(|row| row.read).collect::<Vec<_>>())),
        texts(rows.iter().map(|row| row.reason.as_deref())),
    ];
    crate::table::batch(&schema::STREAMS, columns)
}
