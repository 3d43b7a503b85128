//! Stacks that another log has as well: under the same id, with the same frames.

use std::sync::Arc;

use ahash::{HashMap, HashMapExt};
use arrow_array::{Array, RecordBatch, UInt32Array, cast::AsArray, types::UInt32Type, types::UInt64Type};

use crate::table::{self, Table, schema};

/// The stacks that are the first of their id, have frames, and no partner among the others: the table `without_partner`.
pub fn without_partner(stacks: Option<&Table>, others: Option<&Table>) -> Table {
    let mut known: HashMap<&str, u64> = HashMap::with_capacity(others.map_or(0, Table::len));
    known.extend(named(others).map(|(_, id, fingerprint)| (id, fingerprint)));
    let alone = named(stacks).filter(|(_, id, fingerprint)| known.get(id) != Some(fingerprint));
    let rows = UInt32Array::from_iter_values(alone.map(|(row, ..)| row));
    Table::new(&schema::WITHOUT_PARTNER, vec![table::batch(&schema::WITHOUT_PARTNER, vec![Arc::new(rows)])])
}

/// Row, id and fingerprint of each stack that is the first of its id and has frames.
fn named(stacks: Option<&Table>) -> impl Iterator<Item = (u32, &str, u64)> {
    let batches = stacks.map_or(&[][..], |table| &table.batches);
    let rows = batches.iter().flat_map(|batch| columns(batch).into_iter().flatten());
    (0..).zip(rows).filter_map(|(row, named)| named.map(|(id, fingerprint)| (row, id, fingerprint)))
}

fn columns(batch: &RecordBatch) -> Option<impl Iterator<Item = Option<(&str, u64)>>> {
    let ids = batch.column_by_name("trace_id")?.as_string_view_opt()?;
    let fingerprints = batch.column_by_name("fingerprint")?.as_primitive_opt::<UInt64Type>()?;
    let first = batch.column_by_name("alias_of")?.as_primitive_opt::<UInt32Type>()?;
    let named = move |row| {
        (ids.is_valid(row) && fingerprints.is_valid(row) && first.is_null(row))
            .then(|| (ids.value(row), fingerprints.value(row)))
    };
    Some((0..batch.num_rows()).map(named))
}
