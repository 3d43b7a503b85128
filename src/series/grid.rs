//! The sums of many snapshots side by side: every key at every point.

use std::collections::HashMap;

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};
use rayon::prelude::*;

use crate::{
    diff::{
        Status,
        totals::{By, Total},
    },
    snapshot::Snapshot,
};

/// One key: a fingerprint or an address, and where it was seen last; where symbols named a log's frames, last among such logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The fingerprint or the address.
    pub value: Option<u64>,
    /// Why it has none.
    pub status: Status,
    /// The last point that has it, or the last of those whose frames symbols named.
    pub point: u32,
    /// Number of the stack or heap there; not to be used without a value.
    pub row: u32,
}

/// Every key at every point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    /// The keys, in the order in which they were first seen.
    pub keys: Vec<Key>,
    /// For each point whether its log writes overhead.
    pub writes_overhead: Vec<bool>,
    /// For each point the cells of the keys that were seen up to it or soon after; later keys are absent.
    columns: Vec<Vec<Total>>,
}

/// This many snapshots are summed up at a time: their entries take more memory than what is kept of them.
const TOGETHER: usize = 16;

/// One row of a snapshot: status, value, row, sums.
type Entry = (Status, u64, u32, Total);

/// The number of each key.
type Numbers = HashMap<(Status, u64), u32, ahash::RandomState>;

impl Grid {
    /// Sums up snapshots, one point for each. Uses the threads of the pool it is called in.
    pub fn of(snapshots: &[&Snapshot], by: By) -> Self {
        let mut grid =
            Self { writes_overhead: snapshots.iter().map(|one| one.writes_overhead()).collect(), ..Self::default() };
        let mut numbers = Numbers::default();
        let has_names = |snapshot: &&Snapshot| snapshot.table("frame_symbols").is_some_and(|table| !table.is_empty());
        let named: Vec<bool> = snapshots.iter().map(has_names).collect();
        for snapshots in snapshots.chunks(TOGETHER.max(rayon::current_num_threads())) {
            let first = grid.columns.len();
            let entries: Vec<Vec<Entry>> = snapshots.par_iter().map(|snapshot| entries(snapshot, by)).collect();
            let numbered: Vec<(usize, Vec<u32>)> = (first..)
                .zip(&entries)
                .map(|(point, entries)| (point, number(&mut grid.keys, &mut numbers, entries, point, &named)))
                .collect();
            let column = |((point, places), entries): (&(usize, Vec<u32>), &Vec<Entry>)| {
                let mut column = vec![grid.absent(*point); grid.keys.len()];
                places.iter().zip(entries).for_each(|(place, (.., cell))| column[*place as usize].add(cell));
                column
            };
            let columns: Vec<Vec<Total>> = numbered.par_iter().zip(&entries).map(column).collect();
            grid.columns.extend(columns);
        }
        grid
    }

    /// Takes sums that are known; absent if they lack a column, or are of a key or point that is not there.
    pub fn of_sums(sums: &[RecordBatch], keys: usize, writes_overhead: Vec<bool>) -> Option<Self> {
        let mut grid = Self { keys: Vec::new(), writes_overhead, columns: Vec::new() };
        grid.columns = (0..grid.writes_overhead.len()).map(|point| vec![grid.absent(point); keys]).collect();
        for batch in sums {
            let places = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt32Type>();
            let numbers = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
            let (key, point) = (places("key")?, places("point")?);
            let measures = [numbers("requested_bytes")?, numbers("overhead_bytes")?, numbers("allocation_count")?];
            for row in 0..batch.num_rows() {
                let cell = grid.columns.get_mut(point.value(row) as usize)?.get_mut(key.value(row) as usize)?;
                cell.add(&Total::of(measures.map(|column| column.is_valid(row).then(|| column.value(row)))));
            }
        }
        Some(grid)
    }

    /// Points of every key.
    pub fn points(&self) -> usize {
        self.columns.len()
    }

    /// The sums of a key at a point.
    pub fn cell(&self, key: usize, point: usize) -> Total {
        self.columns[point].get(key).copied().unwrap_or_else(|| self.absent(point))
    }

    /// Adds keys up into groups: each pair adds a key to a group. Uses the threads of the pool it is called in.
    pub fn sum(&self, pairs: &[(u32, u32)], groups: usize) -> Self {
        let column = |point: usize| {
            let mut column = vec![self.absent(point); groups];
            pairs.iter().for_each(|(key, group)| column[*group as usize].add(&self.cell(*key as usize, point)));
            column
        };
        let columns = (0..self.points()).into_par_iter().map(column).collect();
        Self { keys: Vec::new(), writes_overhead: self.writes_overhead.clone(), columns }
    }

    /// Number of keys or groups.
    pub fn len(&self) -> usize {
        self.columns.last().map_or(0, Vec::len)
    }

    fn absent(&self, point: usize) -> Total {
        Total::absent(self.writes_overhead[point])
    }
}

/// Numbers the keys of a point's entries, and notes where they were seen last; `named` tells which points have names by symbols.
fn number(keys: &mut Vec<Key>, numbers: &mut Numbers, entries: &[Entry], point: usize, named: &[bool]) -> Vec<u32> {
    let number = |(status, value, row, _): &Entry| {
        let number = *numbers.entry((*status, *value)).or_insert(keys.len() as u32);
        let value = (*status == Status::Ok).then_some(*value);
        let key = Key { value, status: *status, point: point as u32, row: *row };
        match keys.get_mut(number as usize) {
            // Of several rows of one point the first is shown.
            Some(seen) if seen.point == key.point => {}
            Some(seen) if named[seen.point as usize] && !named[point] => {}
            Some(seen) => *seen = key,
            None => keys.push(key),
        }
        number
    };
    entries.iter().map(number).collect()
}

fn entries(snapshot: &Snapshot, by: By) -> Vec<Entry> {
    let (table, column) = match by {
        By::Stack => ("stacks", "fingerprint"),
        By::Heap => ("heaps", "base"),
    };
    let values: Vec<Option<u64>> = snapshot.numbers(table, column).flatten().collect();
    let key = |row: usize| match values.get(row) {
        Some(Some(value)) => (Status::Ok, *value),
        Some(None) if by == By::Stack => (Status::NotInFile, 0),
        _ if by == By::Heap => (Status::NoHeap, 0),
        _ => (Status::NotRecorded, 0),
    };
    let entry = |(row, cell): (usize, Total)| {
        let (status, value) = key(row);
        cell.present.then_some((status, value, row as u32, cell))
    };
    snapshot.totals(by).iter().copied().enumerate().filter_map(entry).collect()
}
