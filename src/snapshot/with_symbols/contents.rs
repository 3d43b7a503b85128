//! What blocks of heaps begin with, by the names of symbols: classes, and other data.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, types::UInt64Type};

use super::{codes, tables};
use crate::{
    snapshot::modules::{Module, numbers},
    symbols::{Store, resolve_data},
    table::{Table, batch, schema, text},
};

/// What symbols say of the contents of blocks.
pub struct NamedContents {
    /// The table `contents`, with names.
    pub contents: Table,
    /// The table `symbols`, of the modules that blocks point into.
    pub symbols: Table,
}

/// Names what pointers at the start of blocks point to: rows of a table `contents`, of a dump with these `modules`. Where nothing but a
/// name, or name and size, shows a file to be the right one, it is taken if `by_name`.
pub fn name_contents(store: &Store, modules: Option<&Table>, contents: &Table, by_name: bool) -> NamedContents {
    let rows = Module::list(modules);
    let codes = codes(&rows, modules);
    let targets: Vec<Option<u64>> = numbers::<UInt64Type>(Some(contents), "target").collect();
    let (outcomes, names) = resolve_data(store, &codes, &targets, by_name);
    let symbols = tables::symbols(&rows, &codes, &outcomes);
    let mut first = 0;
    let named = |rows: &RecordBatch| {
        let of_rows = &names[first..first + rows.num_rows()];
        first += rows.num_rows();
        let column = |(column, old): (&schema::Column, &ArrayRef)| match column.name {
            "target_name" => text::texts(of_rows.iter().map(Option::as_deref)),
            _ => Arc::clone(old),
        };
        batch(&schema::BLOCK_CONTENTS, schema::BLOCK_CONTENTS.columns.iter().zip(rows.columns()).map(column).collect())
    };
    let contents = contents.batches.iter().map(named).collect();
    NamedContents {
        contents: Table::new(&schema::BLOCK_CONTENTS, contents),
        symbols: Table::new(&schema::SYMBOLS, vec![symbols]),
    }
}
