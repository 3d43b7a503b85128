//! The `threads` table.

use arrow_array::RecordBatch;

use super::{ModuleMap, all_u32s, durations, texts, times, u32s, u64s};
use crate::{
    dump::threads::{Listed, Thread},
    table::schema,
};

/// Builds the table. `stacks` are the first address and the committed bytes of each thread's stack, where regions tell.
pub fn batch(threads: &[Thread], stacks: &[Option<(u64, u64)>], modules: &ModuleMap) -> RecordBatch {
    let listed = |field: fn(Listed) -> u32| u32s(threads.iter().map(move |thread| thread.listed.map(field)));
    let info = |field: fn(&Thread) -> Option<i64>| threads.iter().map(field);
    let start_module = |thread: &Thread| modules.of_address(thread.info.start_address?).map(|range| &*range.name);
    let stack = |thread: &Thread| thread.listed.filter(|listed| listed.stack_size > 0);
    let limits = threads.iter().zip(stacks).map(|(thread, allocation)| {
        allocation.map(|(base, _)| base).or_else(|| stack(thread).map(|listed| listed.stack_start))
    });
    let columns = vec![
        all_u32s(threads.iter().map(|thread| thread.thread_id)),
        texts(threads.iter().map(|thread| thread.name.as_deref())),
        listed(|listed| listed.suspend_count),
        listed(|listed| listed.priority_class),
        listed(|listed| listed.priority),
        u64s(threads.iter().map(|thread| thread.listed.map(|listed| listed.teb).filter(|teb| *teb != 0))),
        times(info(|thread| thread.info.created_at)),
        times(info(|thread| thread.info.exited_at)),
        durations(info(|thread| thread.info.kernel_time)),
        durations(info(|thread| thread.info.user_time)),
        u32s(threads.iter().map(|thread| thread.info.exit_status)),
        u64s(threads.iter().map(|thread| thread.info.affinity)),
        u64s(threads.iter().map(|thread| thread.info.start_address)),
        texts(threads.iter().map(start_module)),
        u64s(threads.iter().map(|thread| thread.instruction_pointer)),
        u64s(threads.iter().map(|thread| thread.stack_pointer)),
        u64s(
            threads
                .iter()
                .map(|thread| stack(thread).map(|listed| listed.stack_start.saturating_add(listed.stack_size))),
        ),
        u64s(limits),
        u64s(stacks.iter().map(|stack| stack.map(|(_, committed)| committed))),
    ];
    crate::table::batch(&schema::THREADS, columns)
}
