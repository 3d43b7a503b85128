//! `memory_counters` and `system_memory`: always one row.

use arrow_array::RecordBatch;

use super::{u32s, u64s};
use crate::{
    dump::counters::{ProcessCounters, SystemMemory},
    table::schema,
};

/// Builds `memory_counters`.
pub fn process(counters: &ProcessCounters) -> RecordBatch {
    let small = [counters.revision, counters.flags, counters.page_fault_count];
    let small = small.into_iter().map(|value| u32s(std::iter::once(value)));
    let amounts = counters.amounts.iter().map(|amount| u64s(std::iter::once(*amount)));
    crate::table::batch(&schema::MEMORY_COUNTERS, small.chain(amounts).collect())
}

/// Builds `system_memory`.
pub fn system(memory: &SystemMemory) -> RecordBatch {
    let fields = [
        memory.page_size,
        memory.physical_pages,
        memory.available_pages,
        memory.committed_pages,
        memory.commit_limit_pages,
        memory.peak_commitment_pages,
    ];
    crate::table::batch(&schema::SYSTEM_MEMORY, fields.into_iter().map(|value| u64s(std::iter::once(value))).collect())
}
