//! One number for a stack in all snapshots of a run.

use std::collections::{HashMap, HashSet};

use arrow_array::{
    Array, StringViewArray, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};

use crate::Snapshot;

/// Number of the blocks for which no stack was recorded.
pub const NO_STACK: u32 = 0;

/// The stacks of all snapshots.
pub struct Numbered {
    /// For each snapshot the number of each of its stacks.
    pub numbers: Vec<Vec<u32>>,
    /// For each number the first snapshot that has the stack, and its row there; the first stands for no stack.
    pub stacks: Vec<(u32, u32)>,
}

/// One batch of `stacks`, and how many rows are before it.
struct Batch<'a> {
    first: u32,
    fingerprints: &'a UInt64Array,
    trace_ids: &'a StringViewArray,
    alias_of: &'a UInt32Array,
}

fn batches(snapshot: &Snapshot) -> Vec<Batch<'_>> {
    let mut first = 0;
    let mut all = Vec::new();
    for batch in snapshot.table("stacks").map_or(&[][..], |table| &table.batches) {
        let column = |name| batch.column_by_name(name);
        if let (Some(fingerprints), Some(trace_ids), Some(alias_of)) = (
            column("fingerprint").and_then(|column| column.as_primitive_opt::<UInt64Type>()),
            column("trace_id").and_then(|column| column.as_string_view_opt()),
            column("alias_of").and_then(|column| column.as_primitive_opt::<UInt32Type>()),
        ) {
            all.push(Batch { first, fingerprints, trace_ids, alias_of });
        }
        first += batch.num_rows() as u32;
    }
    all
}

/// Numbers the stacks: by fingerprint; where there is none, by the fingerprint that another snapshot has for the trace
/// id, else by the trace id.
///
/// Another stack that was printed under an id (an alias) holds no blocks; it has the number of no stack.
pub fn number(snapshots: &[&Snapshot]) -> Numbered {
    let tables: Vec<Vec<Batch<'_>>> = snapshots.iter().map(|snapshot| batches(snapshot)).collect();
    let lacking = lacking(&tables);
    let mut known = Known { stacks: vec![(0, 0)], ..Known::default() };
    let mut numbers = Vec::new();
    for (source, table) in (0..).zip(&tables) {
        let mut own = Vec::new();
        for batch in table {
            for row in 0..batch.fingerprints.len() {
                let main = batch.fingerprints.is_valid(row) && batch.alias_of.is_null(row);
                let place = (source, batch.first + row as u32);
                own.push(if main { known.fingerprint(batch, row, place, &lacking) } else { NO_STACK });
            }
        }
        numbers.push(own);
    }
    for (source, table) in (0..).zip(&tables) {
        for batch in table.iter().filter(|batch| batch.fingerprints.null_count() > 0) {
            for row in (0..batch.fingerprints.len()).filter(|row| batch.fingerprints.is_null(*row)) {
                let place = (source, batch.first + row as u32);
                numbers[source as usize][place.1 as usize] = known.trace_id(batch, row, place);
            }
        }
    }
    Numbered { numbers, stacks: known.stacks }
}

/// Trace ids whose frames some snapshot does not have.
fn lacking<'a>(tables: &[Vec<Batch<'a>>]) -> HashSet<&'a str> {
    let batches = tables.iter().flatten().filter(|batch| batch.fingerprints.null_count() > 0);
    let rows = batches.flat_map(|batch| {
        (0..batch.fingerprints.len())
            .filter(|row| batch.fingerprints.is_null(*row) && batch.trace_ids.is_valid(*row))
            .map(|row| batch.trace_ids.value(row))
    });
    rows.collect()
}

#[derive(Default)]
struct Known<'a> {
    by_fingerprint: HashMap<u64, u32, ahash::RandomState>,
    by_trace_id: HashMap<&'a str, u32>,
    stacks: Vec<(u32, u32)>,
}

impl<'a> Known<'a> {
    fn fingerprint(&mut self, batch: &Batch<'a>, row: usize, place: (u32, u32), lacking: &HashSet<&'a str>) -> u32 {
        let stacks = &mut self.stacks;
        let number = *self.by_fingerprint.entry(batch.fingerprints.value(row)).or_insert_with(|| add(stacks, place));
        if !lacking.is_empty() && batch.trace_ids.is_valid(row) && lacking.contains(batch.trace_ids.value(row)) {
            self.by_trace_id.entry(batch.trace_ids.value(row)).or_insert(number);
        }
        number
    }

    fn trace_id(&mut self, batch: &Batch<'a>, row: usize, place: (u32, u32)) -> u32 {
        let stacks = &mut self.stacks;
        if batch.trace_ids.is_null(row) {
            return add(stacks, place);
        }
        *self.by_trace_id.entry(batch.trace_ids.value(row)).or_insert_with(|| add(stacks, place))
    }
}

fn add(stacks: &mut Vec<(u32, u32)>, place: (u32, u32)) -> u32 {
    stacks.push(place);
    stacks.len() as u32 - 1
}
