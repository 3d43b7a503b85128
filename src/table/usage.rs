//! The `usage` table: the sums per heap and stack, whatever the log held.
//!
//! Invariant: a sum is exact, or null and told; it depends on what was added alone, not on the order or on who added it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::NullBuffer;

use super::schema;
use crate::{
    engine::random_access::RandomAccess,
    log::sink::{Sums, running_sums::RunningSums},
};

/// No stack, as a number.
const NO_STACK: u32 = u32::MAX;

/// The sums of one worker, and what its numbers mean in the file.
pub struct Part<'a> {
    /// By trace slot and heap.
    pub sums: &'a RunningSums,
    /// Stack of each trace slot.
    pub stacks: &'a [u32],
    /// Heap of each of its heaps.
    pub heaps: &'a [u32],
}

/// A heap and a stack of the file, which sort as the table does: [`NO_STACK`] comes last.
type Pair = (u32, u32);

impl Part<'_> {
    fn rows(&self) -> impl Iterator<Item = (Pair, Sums)> {
        let stack = |slot: u32| self.stacks.get(slot as usize).copied().unwrap_or(NO_STACK);
        self.sums.rows().map(move |(slot, sums)| ((self.heaps[sums.heap as usize], stack(slot)), sums))
    }
}

/// Requested bytes, overhead bytes and blocks.
const MEASURES: usize = 3;

/// The table, and the sums that it has no room for.
pub struct Usage {
    /// The table: null where a sum is too large for its column.
    pub batch: RecordBatch,
    /// Rows with such a sum, in their order.
    pub overflows: Vec<Overflow>,
    /// What all rows add up to, of measures that fit every row and are too large only together.
    pub total: Exact,
}

/// A row of which some sum is too large for its column.
pub struct Overflow {
    /// The heap.
    pub heap: u32,
    /// The stack; absent where none was recorded.
    pub stack: Option<u32>,
    /// The sums that are too large.
    pub exact: Exact,
}

/// Sums past 2^64 - 1, by measure; absent for one that is not.
pub type Exact = [Option<u128>; MEASURES];

/// Builds the table from the sums of all workers; `bases` are those of the heaps.
///
/// The same pair may come more than once. Where a heap has hogs, its entries, which were read by tokens, describe the same
/// memory a second time and are left out; what is under no heap's name may describe any heap.
pub fn usage(parts: &[Part<'_>], stack_count: usize, bases: &[Option<u64>], has_overhead: bool) -> Usage {
    let everything = || parts.iter().flat_map(Part::rows);
    let mut with_hogs = HashSet::new();
    if parts.iter().any(|part| part.sums.any_inferred()) {
        with_hogs.extend(everything().filter(|(_, sums)| !sums.inferred).map(|((heap, _), _)| heap));
    }
    let nameless = |heap: u32| bases[heap as usize].is_none();
    let nameless_hogs = with_hogs.iter().any(|heap| nameless(*heap));
    let is_told_again = |heap| nameless_hogs || with_hogs.contains(&heap) || (nameless(heap) && !with_hogs.is_empty());
    let rows = || everything().filter(|((heap, _), sums)| !(sums.inferred && is_told_again(*heap)));

    let most = parts.iter().map(|part| part.sums.most_rows()).sum();
    let (pairs, places) = Places::of(|| rows().map(|(pair, _)| pair), most, bases.len(), stack_count);
    let mut columns = [(); MEASURES].map(|()| Column::zeros(pairs.len()));
    rows().for_each(|(pair, sums)| {
        let overhead_bytes = if has_overhead { sums.overhead_bytes } else { 0 };
        add(&mut columns, places.of_pair(pair), [sums.requested_bytes, overhead_bytes, sums.allocation_count]);
    });
    let overflows = overflows(&pairs, &columns);
    let total = columns.each_ref().map(Column::total);
    let with_stack = NullBuffer::from_iter(pairs.iter().map(|(_, stack)| *stack != NO_STACK));
    let stacks: Vec<u32> = pairs.iter().map(|(_, stack)| *stack).collect();
    let [requested_bytes, overhead_bytes, allocation_count] = columns.map(Column::finish);
    let overhead_bytes: ArrayRef =
        if has_overhead { overhead_bytes } else { Arc::new(UInt64Array::new_null(pairs.len())) };
    let columns = vec![
        Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|(heap, _)| *heap))),
        Arc::new(UInt32Array::new(stacks.into(), Some(with_stack))),
        requested_bytes,
        overhead_bytes,
        allocation_count,
    ];
    Usage { batch: super::batch(&schema::USAGE, columns), overflows, total }
}

/// Sums of one measure. A sum past 2^64 - 1 is kept modulo 2^64, and beside it how often it passed that: so every sum is
/// exact, in whatever order its parts come.
struct Column {
    sums: Vec<u64>,
    carries: HashMap<usize, u64>,
}

impl Column {
    fn zeros(rows: usize) -> Self {
        Self { sums: vec![0; rows], carries: HashMap::new() }
    }

    /// The sum of a row, if it is too large.
    fn overflow(&self, place: usize) -> Option<u128> {
        self.carries.get(&place).map(|carries| u128::from(*carries) << 64 | u128::from(self.sums[place]))
    }

    /// The sum of all rows, if it is too large and none of theirs is.
    fn total(&self) -> Option<u128> {
        let total = self.sums.iter().map(|sum| u128::from(*sum)).sum();
        (self.carries.is_empty() && total > u128::from(u64::MAX)).then_some(total)
    }

    fn finish(self) -> ArrayRef {
        let known = |place: usize| !self.carries.contains_key(&place);
        let nulls = (!self.carries.is_empty()).then(|| (0..self.sums.len()).map(known).collect());
        Arc::new(UInt64Array::new(self.sums.into(), nulls))
    }
}

/// Adds to the sums of a row.
#[inline(always)]
fn add(columns: &mut [Column; MEASURES], place: usize, more: [u64; MEASURES]) {
    let mut full = false;
    for (column, more) in columns.iter_mut().zip(more) {
        let (sum, past) = column.sums[place].overflowing_add(more);
        column.sums[place] = sum;
        full |= past;
    }
    if full {
        carry(columns, place, more);
    }
}

/// Notes which sums have passed 2^64 - 1: those that are less than what was added to them.
#[cold]
fn carry(columns: &mut [Column; MEASURES], place: usize, more: [u64; MEASURES]) {
    for (column, _) in columns.iter_mut().zip(more).filter(|(column, more)| column.sums[place] < *more) {
        *column.carries.entry(place).or_default() += 1;
    }
}

fn overflows(pairs: &[Pair], columns: &[Column; MEASURES]) -> Vec<Overflow> {
    let places: BTreeSet<usize> = columns.iter().flat_map(|column| column.carries.keys().copied()).collect();
    let overflow = |place: usize| {
        let (heap, stack) = pairs[place];
        let exact = columns.each_ref().map(|column| column.overflow(place));
        Overflow { heap, stack: (stack != NO_STACK).then_some(stack), exact }
    };
    places.into_iter().map(overflow).collect()
}

/// Where each pair is among those that occur.
enum Places {
    /// For few heaps, as a log has: for every pair that could be, heap by heap, its place and one more; 0 if it is not there.
    Table { of_possible: RandomAccess<u32>, stack_count: usize },
    /// For many heaps: the pairs themselves, sorted.
    Sorted(Vec<Pair>),
}

impl Places {
    /// Gives the pairs that occur, sorted, and their places.
    fn of<R: Iterator<Item = Pair>>(
        rows: impl Fn() -> R,
        most: usize,
        heap_count: usize,
        stack_count: usize,
    ) -> (Vec<Pair>, Self) {
        /// Possible pairs for each row, up to which a table takes about as much memory as the rows do.
        const SPARSE: usize = 16;
        let possible = heap_count * (stack_count + 1);
        if possible > SPARSE * most {
            let mut pairs: Vec<Pair> = rows().collect();
            pairs.sort_unstable();
            pairs.dedup();
            return (pairs.clone(), Self::Sorted(pairs));
        }
        let mut of_possible = RandomAccess::<u32>::zeros(possible);
        rows().for_each(|pair| of_possible[possible_place(pair, stack_count)] = 1);
        let mut pairs = Vec::with_capacity(of_possible.iter().sum::<u32>() as usize);
        for (heap, of_stacks) in of_possible.chunks_exact_mut(stack_count + 1).enumerate() {
            for (stack, place) in of_stacks.iter_mut().enumerate().filter(|(_, place)| **place > 0) {
                pairs.push((heap as u32, if stack == stack_count { NO_STACK } else { stack as u32 }));
                *place = pairs.len() as u32;
            }
        }
        (pairs, Self::Table { of_possible, stack_count })
    }

    fn of_pair(&self, pair: Pair) -> usize {
        match self {
            Self::Table { of_possible, stack_count } => {
                of_possible[possible_place(pair, *stack_count)].saturating_sub(1) as usize
            }
            // Every pair that is asked for was there when they were sorted.
            Self::Sorted(pairs) => pairs.binary_search(&pair).unwrap_or_else(|place| place),
        }
    }
}

fn possible_place((heap, stack): Pair, stack_count: usize) -> usize {
    heap as usize * (stack_count + 1) + (stack as usize).min(stack_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_table_and_of_sorted_pairs_are_the_same() {
        let (heaps, stacks) = (5, 40);
        let rows: Vec<Pair> = (0..300u32)
            .map(|row| row.wrapping_mul(2_654_435_761) >> 8)
            .map(|row| {
                let stack = row / 7 % (stacks as u32 + 3);
                (row % heaps as u32, if stack >= stacks as u32 { NO_STACK } else { stack })
            })
            .collect();
        let of = |most| Places::of(|| rows.iter().copied(), most, heaps, stacks);
        let ((pairs, sorted), (same_pairs, table)) = (of(0), of(rows.len()));
        assert!(matches!((&sorted, &table), (Places::Sorted(_), Places::Table { .. })));
        assert_eq!(pairs, same_pairs);
        assert!(pairs.is_sorted() && pairs.len() < rows.len());
        for pair in &rows {
            assert_eq!(pairs[sorted.of_pair(*pair)], *pair);
            assert_eq!(sorted.of_pair(*pair), table.of_pair(*pair));
        }
    }
}
