//! Which stacks have the same content: those of equal fingerprints.

use arrow_array::{Array, UInt32Array, UInt64Array};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer};
use rayon::prelude::*;
use zerocopy::FromZeros;

use crate::engine::random_access::RandomAccess;

/// A fingerprint and where it is.
#[derive(Debug, Clone, Copy, FromZeros)]
struct Entry {
    fingerprint: u64,
    row: u32,
}

/// Numbers the contents of stacks, from 0 in the order of their fingerprints; null where the column is. Uses the threads of the
/// pool it is called in.
///
/// Fingerprints are spread over parts by their first bits, which leaves the parts in order and each small enough to be sorted
/// inside a cache.
pub fn contents(fingerprints: &[&UInt64Array]) -> UInt32Array {
    let rows = fingerprints.iter().map(|column| column.len()).sum();
    let (mut entries, starts) = spread(fingerprints, rows);
    let mut parts = Vec::with_capacity(starts.len());
    let mut rest = &mut entries[..];
    for ends in starts.windows(2) {
        let (part, behind) = rest.split_at_mut(ends[1] - ends[0]);
        parts.push(part);
        rest = behind;
    }
    parts.par_iter_mut().for_each(|part| part.sort_unstable_by_key(|entry| entry.fingerprint));

    // Where there is no fingerprint, any number will do.
    let mut numbers = vec![0; rows];
    let groups = parts.iter().flat_map(|part| part.chunk_by(|one, next| one.fingerprint == next.fingerprint));
    for (group, number) in groups.zip(0..) {
        group.iter().for_each(|entry| numbers[entry.row as usize] = number);
    }
    UInt32Array::new(numbers.into(), nulls(fingerprints, rows))
}

/// Puts fingerprints into parts; gives where each part starts, and behind them the end of the last.
fn spread(fingerprints: &[&UInt64Array], rows: usize) -> (RandomAccess<Entry>, Vec<usize>) {
    /// Entries of a part, about: some kilobytes.
    const OF_PART: usize = if cfg!(debug_assertions) { 4 } else { 256 };
    const MOST_BITS: u32 = 16;
    let bits = (rows / OF_PART + 1).next_power_of_two().ilog2().min(MOST_BITS);
    let part = |fingerprint: u64| fingerprint.checked_shr(u64::BITS - bits).unwrap_or(0) as usize;
    let mut starts = vec![0; (1 << bits) + 1];
    each_known(fingerprints, |fingerprint, _| starts[part(fingerprint) + 1] += 1);
    for part in 1..starts.len() {
        starts[part] += starts[part - 1];
    }
    let mut next = starts.clone();
    let mut entries = RandomAccess::zeros(starts.last().copied().unwrap_or(0));
    each_known(fingerprints, |fingerprint, row| {
        let place = &mut next[part(fingerprint)];
        entries[*place] = Entry { fingerprint, row };
        *place += 1;
    });
    (entries, starts)
}

/// Calls for every value that is not null, with its row.
fn each_known(columns: &[&UInt64Array], mut call: impl FnMut(u64, u32)) {
    let mut first = 0;
    for column in columns {
        match column.nulls() {
            None => column.values().iter().zip(first..).for_each(|(value, row)| call(*value, row)),
            Some(nulls) => nulls.valid_indices().for_each(|row| call(column.value(row), first + row as u32)),
        }
        first += column.len() as u32;
    }
}

fn nulls(columns: &[&UInt64Array], rows: usize) -> Option<NullBuffer> {
    if columns.iter().all(|column| column.null_count() == 0) {
        return None;
    }
    let mut valid = BooleanBufferBuilder::new(rows);
    for column in columns {
        match column.nulls() {
            Some(nulls) => valid.append_buffer(nulls.inner()),
            None => valid.append_n(column.len(), true),
        }
    }
    Some(NullBuffer::new(valid.finish()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn column() -> impl Strategy<Value = UInt64Array> {
        // Few values that repeat, values of any size, and nulls.
        let value =
            prop_oneof![(0..8u64).prop_map(Some), any::<u64>().prop_map(Some), Just(None), Just(Some(u64::MAX))];
        prop::collection::vec(value, 0..60).prop_map(UInt64Array::from)
    }

    proptest! {
        #[test]
        fn numbers_are_the_places_among_all_fingerprints(columns in prop::collection::vec(column(), 0..4)) {
            let all: BTreeSet<u64> = columns.iter().flatten().flatten().collect();
            let expected: UInt32Array =
                columns.iter().flatten().map(|known| Some(all.range(..known?).count() as u32)).collect();
            let columns: Vec<&UInt64Array> = columns.iter().collect();
            prop_assert_eq!(contents(&columns), expected);
        }
    }
}
