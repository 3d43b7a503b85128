//! Rows of two sides summed up by a key of their stacks, and ranked by growth.

use std::{cmp::Reverse, sync::Arc};

use arrow_array::{
    Array, ArrayRef, Int64Array, PrimitiveArray, RecordBatch, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{ArrowPrimitiveType, UInt32Type, UInt64Type},
};
use arrow_buffer::{ArrowNativeType, NullBuffer, ScalarBuffer};
use rayon::prelude::*;
use zerocopy::FromZeros;

use crate::{
    diff::sides::Side,
    engine::random_access::RandomAccess,
    numbers,
    table::{self, Table, schema},
};

const MEASURES: usize = 3;

/// Stands for no key.
pub const NO_KEY: u32 = u32::MAX;

/// What one side has of a key.
#[derive(Debug, Clone, Copy, FromZeros)]
struct Total {
    /// Requested bytes, overhead bytes and blocks.
    sums: [u64; MEASURES],
    /// The first stack, and one more; 0 for none.
    stack: u32,
    /// Bit by bit: measures of which some part is not known.
    unknown: u32,
}

impl Total {
    fn stack(&self) -> Option<u32> {
        self.stack.checked_sub(1)
    }

    fn sum(&self, measure: usize) -> Option<u64> {
        (self.unknown & (1 << measure) == 0).then_some(self.sums[measure])
    }
}

/// The columns of a batch of rows that one side is made of.
struct Rows<'a> {
    stack: &'a UInt32Array,
    side: &'a UInt32Array,
    measures: [&'a UInt64Array; MEASURES],
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch, side: Side) -> Option<Self> {
        let [requested_bytes, overhead_bytes, allocation_count] = match side {
            Side::After => ["requested_bytes_after", "overhead_bytes_after", "allocation_count_after"],
            Side::Before => ["requested_bytes_before", "overhead_bytes_before", "allocation_count_before"],
        };
        Some(Self {
            stack: column::<UInt32Type>(batch, "stack")?,
            side: column::<UInt32Type>(batch, "side")?,
            measures: [
                column::<UInt64Type>(batch, requested_bytes)?,
                column::<UInt64Type>(batch, overhead_bytes)?,
                column::<UInt64Type>(batch, allocation_count)?,
            ],
        })
    }

    /// Adds the rows up by the keys of their stacks; those without a key are left out.
    fn add_to(&self, totals: &mut [Total], side: Side, keys: &[u32]) {
        let unknown = |row| {
            let bits =
                self.measures.iter().enumerate().map(|(measure, values)| u32::from(values.is_null(row)) << measure);
            bits.fold(0, |bits, bit| bits | bit)
        };
        let all_known = self.measures.iter().all(|values| values.null_count() == 0);
        let is_here = |of: &u32| *of != side.other() as u32;
        let sides = self.side.values();
        // Rows of the other side add nothing but what is not known.
        if all_known && !sides.iter().any(is_here) {
            return;
        }
        for (row, stack) in self.stack.iter().enumerate() {
            let key = stack.and_then(|stack| keys.get(stack as usize).copied());
            let (Some(stack), Some(key)) = (stack, key.filter(|key| *key != NO_KEY)) else {
                continue;
            };
            let is_here = is_here(&sides[row]);
            let unknown = if all_known { 0 } else { unknown(row) };
            if !is_here && unknown == 0 {
                continue;
            }
            let total = &mut totals[key as usize];
            let more = self.measures.map(|measure| measure.value(row));
            total.unknown |= unknown | u32::from(numbers::add(&mut total.sums, more));
            if is_here && total.stack == 0 {
                total.stack = stack + 1;
            }
        }
    }
}

fn column<'a, T: ArrowPrimitiveType>(batch: &'a RecordBatch, name: &str) -> Option<&'a PrimitiveArray<T>> {
    batch.column_by_name(name)?.as_primitive_opt()
}

/// Sums rows up by the keys of their stacks, and ranks the keys by growth of requested bytes, largest first, unknown growth last;
/// keys of equal growth are by number. Absent if the rows lack a column. Uses the threads of the pool it is called in.
///
/// Columns of a row: `stack` u32, `side` u32 (0 after, 1 before, 2 both), and the measures of both sides. What one part of a
/// sum does not know, the sum does not know. Rows whose stack has no key are left out.
pub fn rank(rows: &[RecordBatch], keys: &[u32]) -> Option<Table> {
    let of_side = |side| rows.iter().map(|batch| Rows::of(batch, side)).collect::<Option<Vec<_>>>();
    let (after, before) = (of_side(Side::After)?, of_side(Side::Before)?);
    let key_count = keys.iter().filter(|key| **key != NO_KEY).max().map_or(0, |key| *key as usize + 1);
    let totals = |rows: &[Rows<'_>], side| {
        let mut totals = RandomAccess::<Total>::zeros(key_count);
        rows.iter().for_each(|rows| rows.add_to(&mut totals, side, keys));
        totals
    };
    let (after, before) = rayon::join(|| totals(&after, Side::After), || totals(&before, Side::Before));
    Some(Ranked { order: order(&after, &before), after: &after, before: &before }.table())
}

/// Keys in use by growth.
fn order(after: &[Total], before: &[Total]) -> Vec<u32> {
    // Most stacks of two logs neither grow nor shrink, and these are in order as they are.
    let (mut grown, mut same, mut shrunk, mut unknown) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (key, (after, before)) in (0..).zip(after.iter().zip(before)) {
        if after.stack().or(before.stack()).is_none() {
            continue;
        }
        match delta(after, before, 0) {
            Some(delta @ 1..) => grown.push((Reverse(delta), key)),
            Some(0) => same.push(key),
            Some(delta) => shrunk.push((Reverse(delta), key)),
            None => unknown.push(key),
        }
    }
    grown.par_sort_unstable();
    shrunk.par_sort_unstable();
    let keys = |sorted: Vec<(Reverse<i64>, u32)>| sorted.into_iter().map(|(_, key)| key);
    keys(grown).chain(same).chain(keys(shrunk)).chain(unknown).collect()
}

fn delta(after: &Total, before: &Total, measure: usize) -> Option<i64> {
    numbers::difference(after.sum(measure), before.sum(measure))
}

struct Ranked<'a> {
    order: Vec<u32>,
    after: &'a [Total],
    before: &'a [Total],
}

impl Ranked<'_> {
    fn table(&self) -> Table {
        let stacks = self.columns(|after, before| [after.stack(), before.stack(), after.stack().or(before.stack())]);
        let mut columns: Vec<ArrayRef> =
            stacks.map(|(stacks, known)| Arc::new(UInt32Array::new(stacks, known)) as _).to_vec();
        columns.insert(0, Arc::new(UInt32Array::from_iter_values(self.order.iter().copied())));
        for measure in 0..MEASURES {
            let sums = |after: &Total, before: &Total| {
                [before.sum(measure), after.sum(measure), delta(after, before, measure).map(i64::cast_unsigned)]
            };
            let [before, after, (delta, known)] = self.columns(sums);
            columns.extend([before, after].map(|(sums, known)| Arc::new(UInt64Array::new(sums, known)) as ArrayRef));
            columns.push(Arc::new(Int64Array::new(delta.into_inner().into(), known)));
        }
        Table::new(&schema::RANKING, vec![table::batch(&schema::RANKING, columns)])
    }

    /// Three columns, which are filled together: the totals of a key come from memory once for all of them.
    fn columns<T: ArrowNativeType>(
        &self,
        values: impl Fn(&Total, &Total) -> [Option<T>; 3] + Sync,
    ) -> [(ScalarBuffer<T>, Option<NullBuffer>); 3] {
        const PORTION: usize = if cfg!(debug_assertions) { 4 } else { 1 << 12 };
        let rows = self.order.len();
        let mut columns = [(); 3].map(|()| vec![T::default(); rows]);
        // Bit by bit: columns whose value is not known.
        let mut unknown = vec![0_u8; rows];
        let [first, second, third] = columns.each_mut().map(|column| column.par_chunks_mut(PORTION));
        let portions = (self.order.par_chunks(PORTION), unknown.par_chunks_mut(PORTION), first, second, third);
        let fill = portions.into_par_iter().map(|(order, unknown, first, second, third)| {
            for (row, key) in order.iter().enumerate() {
                let values = values(&self.after[*key as usize], &self.before[*key as usize]);
                let bits = values.map(|value| u8::from(value.is_none()));
                unknown[row] = bits[0] | bits[1] << 1 | bits[2] << 2;
                [first[row], second[row], third[row]] = values.map(Option::unwrap_or_default);
            }
            unknown.iter().fold(0, |all, bits| all | bits)
        });
        let somewhere = fill.reduce(|| 0, |one, other| one | other);
        let mut bit = 1;
        columns.map(|values| {
            let nulls = (somewhere & bit != 0).then(|| unknown.iter().map(|unknown| unknown & bit == 0).collect());
            bit <<= 1;
            (values.into(), nulls)
        })
    }
}

#[cfg(test)]
mod tests;
