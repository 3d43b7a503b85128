//! The `usage` table: the sums per heap and stack, whatever the log held.

use std::{collections::HashSet, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};

use super::schema;
use crate::log::sink::Sums;

/// Builds the table from sums whose `heap` is the number in `heaps`, keyed by stack (`u32::MAX` for none).
///
/// The same pair may come more than once. Where a heap has hogs, its entries, which were read by tokens, describe the same
/// memory a second time and are left out; what stands under no heap's name may describe any heap.
pub fn batch(mut sums: Vec<(u32, Sums)>, nameless_heap: Option<u32>, has_overhead: bool) -> RecordBatch {
    // Workers meet most stacks in the order of their numbers, and a stable sort makes use of such runs.
    sums.sort_by_key(|(stack, sums)| (sums.heap, *stack, sums.inferred));
    if sums.iter().any(|(_, sums)| sums.inferred) {
        let with_hogs: HashSet<u32> =
            sums.iter().filter(|(_, sums)| !sums.inferred).map(|(_, sums)| sums.heap).collect();
        let nameless_hogs = nameless_heap.is_some_and(|heap| with_hogs.contains(&heap));
        sums.retain(|(_, sums)| {
            let nameless = nameless_heap == Some(sums.heap) && !with_hogs.is_empty();
            !sums.inferred || !(nameless_hogs || nameless || with_hogs.contains(&sums.heap))
        });
    }
    sums.dedup_by(|next, kept| {
        let same = next.0 == kept.0 && next.1.heap == kept.1.heap;
        if same {
            kept.1.requested_bytes = kept.1.requested_bytes.saturating_add(next.1.requested_bytes);
            kept.1.overhead_bytes = kept.1.overhead_bytes.saturating_add(next.1.overhead_bytes);
            kept.1.allocation_count = kept.1.allocation_count.saturating_add(next.1.allocation_count);
        }
        same
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(sums.iter().map(|(_, sums)| Some(sums.heap)).collect::<UInt32Array>()),
        Arc::new(sums.iter().map(|(stack, _)| (*stack != u32::MAX).then_some(*stack)).collect::<UInt32Array>()),
        Arc::new(sums.iter().map(|(_, sums)| Some(sums.requested_bytes)).collect::<UInt64Array>()),
        Arc::new(sums.iter().map(|(_, sums)| has_overhead.then_some(sums.overhead_bytes)).collect::<UInt64Array>()),
        Arc::new(sums.iter().map(|(_, sums)| Some(sums.allocation_count)).collect::<UInt64Array>()),
    ];
    super::batch(&schema::USAGE, columns)
}
