//! The answer as tables: stacks and lives, and of these the survivors at each point.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};

use super::{Survival, lives::Life, stacks::NO_STACK};
use crate::table::{Table, schema};

/// Builds the tables; stacks without blocks are left out and the others numbered anew.
pub fn of(lives: &[Life], reused: &[u64], stacks: &[(u32, u32)]) -> Survival {
    let mut used: Vec<u32> = lives.iter().map(|life| life.stack).collect();
    used.dedup();
    let mut number = 0;
    let numbers = lives.iter().map(|life| {
        number += u32::from(life.stack != used[number as usize]);
        number
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(numbers)),
        Arc::new(UInt32Array::from_iter_values(lives.iter().map(|life| life.born))),
        Arc::new(UInt32Array::from_iter_values(lives.iter().map(|life| life.last))),
        Arc::new(UInt64Array::from_iter_values(lives.iter().map(|life| life.count))),
        Arc::new(lives.iter().map(|life| life.bytes).collect::<UInt64Array>()),
    ];
    let lives = table(&schema::LIVES, columns);
    let place = |stack: &u32| stacks[*stack as usize];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(used.iter().map(|stack| place(stack).0))),
        Arc::new(used.iter().map(|stack| (*stack != NO_STACK).then_some(place(stack).1)).collect::<UInt32Array>()),
        Arc::new(UInt64Array::from_iter_values(used.iter().map(|stack| reused[*stack as usize]))),
    ];
    Survival { stacks: table(&schema::SURVIVAL_STACKS, columns), lives }
}

/// How many blocks of each birth are still there at each later point: [`schema::SURVIVORS`], from the lives of
/// [`super::survival`]. A table of its own, because of many snapshots it is many times as long as they.
pub fn survivors(lives: &Table) -> Table {
    let [mut stacks, mut births, mut points] = [const { Vec::<u32>::new() }; 3];
    let (mut counts, mut sums) = (Vec::<u64>::new(), Vec::<Option<u64>>::new());
    let lives: Vec<Life> = lives.batches.iter().flat_map(lives_of).collect();
    for group in lives.chunk_by(|one, other| (one.stack, one.born) == (other.stack, other.born)) {
        let mut left = Left::default();
        group.iter().for_each(|life| left.add(life));
        let mut point = group[0].born;
        for life in group {
            for at in point..=life.last {
                stacks.push(life.stack);
                births.push(life.born);
                points.push(at);
                counts.push(left.count);
                sums.push(left.bytes());
            }
            left.remove(life);
            point = life.last + 1;
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(stacks)),
        Arc::new(UInt32Array::from(births)),
        Arc::new(UInt32Array::from(points)),
        Arc::new(UInt64Array::from(counts)),
        Arc::new(UInt64Array::from(sums)),
    ];
    table(&schema::SURVIVORS, columns)
}

/// Blocks of one birth that are still there.
#[derive(Default)]
struct Left {
    count: u64,
    /// Of the lives whose bytes are known.
    bytes: u128,
    /// Lives whose bytes are not.
    unknown: usize,
}

impl Left {
    fn add(&mut self, life: &Life) {
        self.count += life.count;
        self.bytes += u128::from(life.bytes.unwrap_or(0));
        self.unknown += usize::from(life.bytes.is_none());
    }

    fn remove(&mut self, life: &Life) {
        self.count -= life.count;
        self.bytes -= u128::from(life.bytes.unwrap_or(0));
        self.unknown -= usize::from(life.bytes.is_none());
    }

    fn bytes(&self) -> Option<u64> {
        if self.unknown > 0 { None } else { self.bytes.try_into().ok() }
    }
}

fn table(schema: &schema::TableSchema, columns: Vec<ArrayRef>) -> Table {
    Table::new(schema, vec![crate::table::batch(schema, columns)])
}

fn lives_of(batch: &RecordBatch) -> Vec<Life> {
    let small = |name| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt32Type>());
    let large = |name| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let (Some(stack), Some(born), Some(last)) = (small("stack"), small("born"), small("last")) else {
        return Vec::new();
    };
    let (Some(count), Some(bytes)) = (large("allocation_count"), large("requested_bytes")) else { return Vec::new() };
    let life = |row: usize| Life {
        stack: stack.value(row),
        born: born.value(row),
        last: last.value(row),
        count: count.value(row),
        bytes: bytes.is_valid(row).then(|| bytes.value(row)),
    };
    (0..batch.num_rows()).map(life).collect()
}
