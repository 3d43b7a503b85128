//! Rows of two sides summed up by the content of their stacks, and ranked by growth.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, PrimitiveArray, RecordBatch, UInt8Array, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{ArrowPrimitiveType, Int64Type, UInt8Type, UInt32Type, UInt64Type},
};
use arrow_buffer::NullBuffer;
use rayon::prelude::*;

use crate::{
    memory::{RandomAccess, Zero},
    table::{self, Table, schema},
};

const MEASURES: usize = 3;

/// A side of a comparison, as the column `side` numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    After,
    Before,
}

/// What one side has of a content.
#[derive(Debug, Clone, Copy)]
struct Total {
    /// Requested bytes, overhead bytes and blocks.
    sums: [u64; MEASURES],
    /// The first stack, and one more; 0 for none.
    stack: u32,
    /// Bit by bit: measures of which some part is not known.
    unknown: u32,
}

// SAFETY: numbers.
unsafe impl Zero for Total {}

impl Total {
    fn stack(&self) -> Option<u32> {
        self.stack.checked_sub(1)
    }

    fn sum(&self, measure: usize) -> Option<u64> {
        (self.unknown & (1 << measure) == 0).then_some(self.sums[measure])
    }

    /// A sum of 2^63 and more has no signed form: a difference with it is not known, rather than wrong.
    fn signed(&self, measure: usize) -> Option<i64> {
        self.sum(measure)?.try_into().ok()
    }
}

/// The columns of a batch of rows that one side is made of.
struct Rows<'a> {
    content: &'a UInt32Array,
    stack: &'a UInt32Array,
    side: &'a UInt8Array,
    measures: [&'a UInt64Array; MEASURES],
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch, side: Side) -> Option<Self> {
        let names = match side {
            Side::After => ["requested_bytes_after", "overhead_bytes_after", "allocation_count_after"],
            Side::Before => ["requested_bytes_before", "overhead_bytes_before", "allocation_count_before"],
        };
        let [requested_bytes, overhead_bytes, allocation_count] = names;
        Some(Self {
            content: column::<UInt32Type>(batch, "content")?,
            stack: column::<UInt32Type>(batch, "stack")?,
            side: column::<UInt8Type>(batch, "side")?,
            measures: [
                column::<UInt64Type>(batch, requested_bytes)?,
                column::<UInt64Type>(batch, overhead_bytes)?,
                column::<UInt64Type>(batch, allocation_count)?,
            ],
        })
    }

    fn add_to(&self, totals: &mut [Total], side: Side) {
        for row in 0..self.content.len() {
            let is_here = self.side.is_null(row) || self.side.value(row) == side as u8;
            let unknown =
                (0..MEASURES).fold(0, |bits, measure| bits | u32::from(self.measures[measure].is_null(row)) << measure);
            // Rows of the other side add nothing but what is not known.
            if !is_here && unknown == 0 {
                continue;
            }
            let total = &mut totals[self.content.value(row) as usize];
            total.unknown |= unknown;
            for (sum, measure) in total.sums.iter_mut().zip(&self.measures) {
                *sum = sum.saturating_add(measure.value(row));
            }
            if is_here && total.stack == 0 {
                total.stack = self.stack.value(row) + 1;
            }
        }
    }
}

fn column<'a, T: ArrowPrimitiveType>(batch: &'a RecordBatch, name: &str) -> Option<&'a PrimitiveArray<T>> {
    batch.column_by_name(name)?.as_primitive_opt()
}

/// Sums rows up by content and ranks the contents by growth of requested bytes, largest first, unknown growth last; contents of
/// equal growth stand by number. Absent if the rows lack a column. Uses the threads of the pool it is called in.
///
/// Columns of a row: `content` and `stack` u32, `side` u8 (0 after, 1 before, null for both), and the measures of both sides.
/// What one part of a sum does not know, the sum does not know.
pub fn rank(rows: &[RecordBatch]) -> Option<Table> {
    let of_side = |side| rows.iter().map(|batch| Rows::of(batch, side)).collect::<Option<Vec<_>>>();
    let (after, before) = (of_side(Side::After)?, of_side(Side::Before)?);
    let largest = after.iter().filter_map(|rows| rows.content.values().iter().max()).max();
    let contents = largest.map_or(0, |content| *content as usize + 1);
    let totals = |rows: &[Rows<'_>], side| {
        let mut totals = RandomAccess::<Total>::zeros(contents);
        rows.iter().for_each(|rows| rows.add_to(&mut totals, side));
        totals
    };
    let (after, before) = rayon::join(|| totals(&after, Side::After), || totals(&before, Side::Before));
    Some(Ranked { order: order(&after, &before), after: &after, before: &before }.table())
}

/// Contents in use by growth.
fn order(after: &[Total], before: &[Total]) -> Vec<u32> {
    // Most stacks of two logs neither grow nor shrink, and these are in order as they stand.
    let (mut grown, mut same, mut shrunk, mut unknown) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (content, (after, before)) in (0..).zip(after.iter().zip(before)) {
        if after.stack().or(before.stack()).is_none() {
            continue;
        }
        match delta(after, before, 0) {
            Some(delta @ 1..) => grown.push((-delta, content)),
            Some(0) => same.push(content),
            Some(delta) => shrunk.push((-delta, content)),
            None => unknown.push(content),
        }
    }
    grown.par_sort_unstable();
    shrunk.par_sort_unstable();
    let contents = |sorted: Vec<(i64, u32)>| sorted.into_iter().map(|(_, content)| content);
    contents(grown).chain(same).chain(contents(shrunk)).chain(unknown).collect()
}

fn delta(after: &Total, before: &Total, measure: usize) -> Option<i64> {
    Some(after.signed(measure)? - before.signed(measure)?)
}

struct Ranked<'a> {
    order: Vec<u32>,
    after: &'a [Total],
    before: &'a [Total],
}

impl Ranked<'_> {
    fn table(&self) -> Table {
        let mut columns = vec![
            self.column::<UInt32Type>(|after, _| after.stack()),
            self.column::<UInt32Type>(|_, before| before.stack()),
        ];
        for measure in 0..MEASURES {
            columns.push(self.column::<UInt64Type>(|_, before| before.sum(measure)));
            columns.push(self.column::<UInt64Type>(|after, _| after.sum(measure)));
            columns.push(self.column::<Int64Type>(|after, before| delta(after, before, measure)));
        }
        Table::new(&schema::RANKING, vec![table::batch(&schema::RANKING, columns)])
    }

    fn column<T: ArrowPrimitiveType>(&self, value: impl Fn(&Total, &Total) -> Option<T::Native> + Sync) -> ArrayRef {
        let (mut values, mut known) = (Vec::new(), Vec::new());
        let of_content = |content: &u32| {
            let value = value(&self.after[*content as usize], &self.before[*content as usize]);
            (value.unwrap_or_default(), value.is_some())
        };
        self.order.par_iter().map(of_content).unzip_into_vecs(&mut values, &mut known);
        let nulls = NullBuffer::from(known);
        Arc::new(PrimitiveArray::<T>::new(values.into(), Some(nulls).filter(|nulls| nulls.null_count() > 0)))
    }
}
