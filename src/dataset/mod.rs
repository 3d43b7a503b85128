//! What a dataset of many captures asks of the core: tables of many in one, keys that mean the same in all of them, and the way
//! back, from rows of a dataset to a snapshot.

mod keys;
mod restored;
mod shared;

pub use keys::modules_key;
pub use restored::{Rows, restored};
pub use shared::{Keys, Shared, shared};

use crate::table::Table;

/// The rows of one table of many captures, one capture behind the other, and how many rows each has; absent if there is no capture.
///
/// All of them must have the table, with the same columns.
pub fn gathered<'a>(tables: impl Iterator<Item = &'a Table>) -> Option<(Table, Vec<usize>)> {
    let mut lengths = Vec::new();
    let mut all: Option<Table> = None;
    for table in tables {
        lengths.push(table.len());
        let all = all.get_or_insert_with(|| Table { schema: table.schema.clone(), batches: Vec::new() });
        all.batches.extend(table.batches.iter().filter(|batch| batch.num_rows() > 0).cloned());
    }
    all.map(|all| (all, lengths))
}
