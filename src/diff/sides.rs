//! The sums of two snapshots, one below the other.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_buffer::{NullBuffer, ScalarBuffer};

use crate::{
    diff::totals::{By, Total},
    engine::random_access::RandomAccess,
    snapshot::Snapshot,
    table::{self, Table, schema},
};

/// A side of a comparison, as the column `side` numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The later snapshot.
    After,
    /// The earlier one.
    Before,
}

impl Side {
    /// The other one. A row that is not of the other side is of this one: a comparison's are of both.
    pub fn other(self) -> Self {
        if self == Self::After { Self::Before } else { Self::After }
    }
}

/// Sums up two snapshots by stack or by heap: a row for each that is in use on one side, with zeros for the other side, which
/// all are in one buffer. Stacks are numbered in one go, those of `after` first. Uses the threads of the pool it is called in.
pub fn sides(after: &Snapshot, before: &Snapshot, by: By) -> Table {
    let schema = if by == By::Stack { &schema::SIDES_BY_STACK } else { &schema::SIDES_BY_HEAP };
    let stacks_before = after.table("stacks").map_or(0, Table::len) as u32;
    let (new, old) = rayon::join(|| Sums::of(after, by, 0), || Sums::of(before, by, stacks_before));
    let zeros: ScalarBuffer<u64> = vec![0; new.used.len().max(old.used.len())].into();
    let writes_overhead = [after.writes_overhead(), before.writes_overhead()];
    let (new, old) = rayon::join(
        || new.batch(schema, Side::After, &zeros, writes_overhead[Side::Before as usize]),
        || old.batch(schema, Side::Before, &zeros, writes_overhead[Side::After as usize]),
    );
    Table::new(schema, vec![new, old])
}

/// The sums of one side.
struct Sums {
    key: ArrayRef,
    totals: RandomAccess<Total>,
    /// Places of those in use.
    used: Vec<u32>,
}

impl Sums {
    fn of(snapshot: &Snapshot, by: By, stacks_before: u32) -> Self {
        let totals = snapshot.totals(by);
        let none = totals.len() as u32 - 1;
        let used: Vec<u32> = (0..).zip(&*totals).filter(|(_, total)| total.present).map(|(row, _)| row).collect();
        let known = used.iter().map(|row| Some(*row).filter(|row| *row < none));
        let key: ArrayRef = match by {
            By::Stack => Arc::new(known.map(|row| Some(row? + stacks_before)).collect::<UInt32Array>()),
            By::Heap => {
                let bases: Vec<Option<u64>> = snapshot.numbers("heaps", "base").flatten().collect();
                Arc::new(known.map(|row| bases.get(row? as usize).copied().flatten()).collect::<UInt64Array>())
            }
        };
        Self { key, totals, used }
    }

    fn batch(
        self,
        schema: &schema::TableSchema,
        side: Side,
        zeros: &ScalarBuffer<u64>,
        other_writes_overhead: bool,
    ) -> RecordBatch {
        let rows = self.used.len();
        let used = || self.used.iter().map(|row| &self.totals[*row as usize]);
        let column = |sum: fn(&Total) -> Option<u64>| {
            let known: NullBuffer = used().map(|total| sum(total).is_some()).collect();
            let values = used().map(|total| sum(total).unwrap_or(0)).collect();
            UInt64Array::new(values, Some(known).filter(|known| known.null_count() > 0))
        };
        let own = [Total::requested_bytes, Total::overhead_bytes, Total::allocation_count].map(column);
        let zeros = zeros.slice(0, rows);
        let unknown = (!other_writes_overhead).then(|| NullBuffer::new_null(rows));
        let other = [None, unknown, None].map(|nulls| UInt64Array::new(zeros.clone(), nulls));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from_value(side as u32, rows)), self.key];
        for (own, other) in own.into_iter().zip(other) {
            let [before, after] = if side == Side::After { [other, own] } else { [own, other] };
            columns.extend([Arc::new(before) as ArrayRef, Arc::new(after)]);
        }
        table::batch(schema, columns)
    }
}
