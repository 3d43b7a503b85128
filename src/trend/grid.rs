//! The sums of many snapshots side by side: every key at every point.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use arrow_array::{Array, RecordBatch, UInt32Array, UInt64Array};
use rayon::prelude::*;

use crate::Snapshot;

/// What rows of `usage` are summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The content of stacks.
    Stack,
    /// The address of heaps.
    Heap,
}

/// Why a key has no value, if it has none. The numbers are those of `_labels.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Known {
    /// It has one.
    Value = 0,
    /// No stack was recorded, or no heap named.
    NotRecorded = 1,
    /// The frames of the stack are not in the file.
    NotInFile = 2,
}

/// One key: a fingerprint or an address, and where it was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The fingerprint or the address.
    pub value: Option<u64>,
    /// Why it has none.
    pub known: Known,
    /// The last point that has it.
    pub point: u32,
    /// Number of the stack or heap there; of no meaning without a value.
    pub row: u32,
}

/// The sums of one key at one point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// Bytes the program asked for.
    pub requested_bytes: u64,
    /// Bytes the heap manager added, as far as they are known.
    pub overhead_bytes: u64,
    /// Blocks.
    pub allocation_count: u64,
    /// The log says what the overhead is.
    pub overhead_known: bool,
    /// The snapshot has something of this key.
    pub present: bool,
}

/// Every key at every point, key after key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    /// The keys, in the order in which they were first seen.
    pub keys: Vec<Key>,
    /// For each point whether its log writes overhead.
    pub writes_overhead: Vec<bool>,
    cells: Vec<Cell>,
}

/// Fingerprints are hashes already, and addresses of heaps few: a multiplication spreads them.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }
}

/// One row of a snapshot: known, value, row, sums.
type Entry = (Known, u64, u32, Cell);

impl Cell {
    fn add(&mut self, other: &Self) {
        if !other.present {
            return;
        }
        self.overhead_known = other.overhead_known && (self.overhead_known || !self.present);
        self.present = true;
        self.requested_bytes = self.requested_bytes.saturating_add(other.requested_bytes);
        self.overhead_bytes = self.overhead_bytes.saturating_add(other.overhead_bytes);
        self.allocation_count = self.allocation_count.saturating_add(other.allocation_count);
    }

    fn absent(overhead_known: bool) -> Self {
        Self { overhead_known, ..Self::default() }
    }
}

impl Grid {
    /// Sums up snapshots, one point for each. Uses the threads of the pool it is called in.
    pub fn of(snapshots: &[&Snapshot], by: By) -> Self {
        let entries: Vec<Vec<Entry>> = snapshots.par_iter().map(|snapshot| entries(snapshot, by)).collect();
        let mut grid =
            Self { writes_overhead: snapshots.iter().map(|one| writes_overhead(one)).collect(), ..Self::default() };
        let mut numbers: HashMap<(Known, u64), u32, BuildHasherDefault<Mixer>> = HashMap::default();
        let mut places: Vec<Vec<u32>> = Vec::new();
        for (point, entries) in entries.iter().enumerate() {
            let number = |(known, value, row, _): &Entry| {
                let number = *numbers.entry((*known, *value)).or_insert(grid.keys.len() as u32);
                let value = (*known == Known::Value).then_some(*value);
                let key = Key { value, known: *known, point: point as u32, row: *row };
                match grid.keys.get_mut(number as usize) {
                    // Of several rows of one point the first is shown.
                    Some(seen) if seen.point == key.point => {}
                    Some(seen) => *seen = key,
                    None => grid.keys.push(key),
                }
                number
            };
            places.push(entries.iter().map(number).collect());
        }
        grid.cells = grid.empty(grid.keys.len());
        let points = snapshots.len();
        for (point, (entries, places)) in entries.iter().zip(&places).enumerate() {
            for ((.., cell), place) in entries.iter().zip(places) {
                grid.cells[*place as usize * points + point].add(cell);
            }
        }
        grid
    }

    /// Points of every key.
    pub fn points(&self) -> usize {
        self.writes_overhead.len()
    }

    /// The cells of a key, a point each.
    pub fn row(&self, key: usize) -> &[Cell] {
        &self.cells[key * self.points()..(key + 1) * self.points()]
    }

    /// Adds rows up into groups: each pair adds a key to a group.
    pub fn sum(&self, pairs: impl Iterator<Item = (u32, u32)>, groups: usize) -> Self {
        let points = self.points();
        let mut cells = self.empty(groups);
        for (key, group) in pairs {
            let into = &mut cells[group as usize * points..(group as usize + 1) * points];
            into.iter_mut().zip(self.row(key as usize)).for_each(|(sum, cell)| sum.add(cell));
        }
        Self { keys: Vec::new(), writes_overhead: self.writes_overhead.clone(), cells }
    }

    /// Number of keys or groups.
    pub fn len(&self) -> usize {
        self.cells.len() / self.points().max(1)
    }

    /// True without keys.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn empty(&self, keys: usize) -> Vec<Cell> {
        let row: Vec<Cell> = self.writes_overhead.iter().map(|writes| Cell::absent(*writes)).collect();
        row.repeat(keys)
    }
}

fn entries(snapshot: &Snapshot, by: By) -> Vec<Entry> {
    let (table, column) = match by {
        By::Stack => ("stacks", "fingerprint"),
        By::Heap => ("heaps", "base"),
    };
    let values: Vec<Option<u64>> = batches(snapshot, table)
        .iter()
        .flat_map(|batch| u64s(batch, column).map(|column| column.iter().collect::<Vec<_>>()).unwrap_or_default())
        .collect();
    // The last place is that of blocks without a stack.
    let mut sums = vec![Cell::default(); values.len() + 1];
    for batch in batches(snapshot, "usage") {
        add_usage(batch, by, &mut sums);
    }
    let key = |row: usize| match values.get(row) {
        Some(Some(value)) => (Known::Value, *value),
        Some(None) if by == By::Stack => (Known::NotInFile, 0),
        _ => (Known::NotRecorded, 0),
    };
    let entry = |(row, cell): (usize, Cell)| {
        let (known, value) = key(row);
        cell.present.then_some((known, value, row as u32, cell))
    };
    sums.into_iter().enumerate().filter_map(entry).collect()
}

fn add_usage(batch: &RecordBatch, by: By, sums: &mut [Cell]) {
    let name = if by == By::Stack { "stack_id" } else { "heap_id" };
    let rows = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<UInt32Array>());
    let (Some(rows), Some(requested), Some(overhead), Some(count)) =
        (rows, u64s(batch, "requested_bytes"), u64s(batch, "overhead_bytes"), u64s(batch, "allocation_count"))
    else {
        return;
    };
    let last = sums.len() - 1;
    for place in 0..batch.num_rows() {
        let row = if rows.is_valid(place) { (rows.value(place) as usize).min(last) } else { last };
        sums[row].add(&Cell {
            requested_bytes: requested.value(place),
            overhead_bytes: if overhead.is_valid(place) { overhead.value(place) } else { 0 },
            allocation_count: count.value(place),
            overhead_known: overhead.is_valid(place),
            present: true,
        });
    }
}

/// A log writes overhead if any of its rows has some; one without rows, if its format does.
fn writes_overhead(snapshot: &Snapshot) -> bool {
    let usage = batches(snapshot, "usage");
    if usage.iter().all(|batch| batch.num_rows() == 0) {
        return snapshot.header.format == "umdh2";
    }
    usage.iter().filter_map(|batch| u64s(batch, "overhead_bytes")).any(|column| column.null_count() < column.len())
}

fn batches<'a>(snapshot: &'a Snapshot, table: &str) -> &'a [RecordBatch] {
    snapshot.table(table).map_or(&[], |table| &table.batches)
}

fn u64s<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a UInt64Array> {
    batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref())
}
