//! Rows of a dataset become a snapshot again.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, ListArray, RecordBatch, UInt32Array,
    cast::AsArray,
    types::{ArrowPrimitiveType, UInt32Type},
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

use crate::{
    snapshot::{About, Header, Snapshot},
    table::{Table, schema},
};

/// Rows of tables, by the name of each.
pub type Rows = Vec<(String, Vec<RecordBatch>)>;

/// Makes a snapshot of rows that have the columns of its tables; a table that is not given is empty, and those of symbols are not
/// there.
///
/// # Errors
///
/// If a table has other columns, or a number in it is that of no row.
pub fn restored(about: About, header: Header, rows: &Rows) -> Result<Snapshot, ArrowError> {
    let of_symbols = schema::SYMBOL_TABLES.iter().filter(|table| rows.iter().any(|(name, _)| name == table.name));
    let tables = schema::SNAPSHOT_TABLES.iter().chain(of_symbols).map(|table| {
        let batches = rows.iter().find(|(name, _)| name == table.name).map_or(&[][..], |(_, batches)| batches);
        let batches = batches.iter().map(|batch| conformed(table, batch)).collect::<Result<_, _>>()?;
        Ok((table.name, Table::new(table, batches)))
    });
    let snapshot = Snapshot { about, header, tables: tables.collect::<Result<_, ArrowError>>()? };
    let len = |name| snapshot.table(name).map_or(0, Table::len);
    for (table, column, rows) in [
        ("usage", "heap_id", len("heaps")),
        ("usage", "stack_id", len("stacks")),
        ("allocations", "heap_id", len("heaps")),
        ("allocations", "stack_id", len("stacks")),
        ("stacks", "alias_of", len("stacks")),
        ("heaps", "creator_stack_id", len("stacks")),
        ("stacks", "frame_ids", len("frames")),
        ("inlines", "frame_id", len("frames")),
        ("frame_symbols", "frame_id", len("frames")),
    ] {
        if !snapshot
            .table(table)
            .into_iter()
            .flat_map(|table| &table.batches)
            .all(|batch| is_below(batch, column, rows))
        {
            return Err(ArrowError::InvalidArgumentError(format!("{column} of {table}: the number of no row")));
        }
    }
    Ok(snapshot)
}

fn is_below(batch: &RecordBatch, column: &str, rows: usize) -> bool {
    let Some(column) = batch.column_by_name(column) else { return false };
    let numbers = column.as_list_opt::<i32>().map_or(column, ListArray::values);
    let numbers = numbers.as_primitive_opt::<UInt32Type>();
    numbers.is_some_and(|numbers| numbers.iter().flatten().all(|number| (number as usize) < rows))
}

/// A batch with the very columns of a table: lists that others write with long offsets get short ones.
fn conformed(table: &schema::TableSchema, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let arrow = table.arrow();
    let columns = arrow.fields().iter().map(|field| {
        let name = field.name();
        let column = batch.column_by_name(name);
        let column = column.ok_or_else(|| ArrowError::SchemaError(format!("{} has no {name}", table.name)))?;
        match (column.data_type(), field.data_type()) {
            (DataType::LargeList(_), DataType::List(_)) => short(column),
            _ => Ok(Arc::clone(column)),
        }
    });
    RecordBatch::try_new(arrow.clone(), columns.collect::<Result<_, _>>()?)
}

fn short(lists: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let lists = lists.as_list::<i64>();
    let offsets: Vec<i32> = lists
        .offsets()
        .iter()
        .map(|offset| i32::try_from(*offset))
        .collect::<Result<_, _>>()
        .map_err(|_| ArrowError::OffsetOverflowError(lists.values().len()))?;
    let numbers = lists.values().as_primitive_opt::<UInt32Type>();
    let numbers = numbers.ok_or_else(|| ArrowError::SchemaError(format!("a list of {}", UInt32Type::DATA_TYPE)))?;
    let numbers = UInt32Array::new(numbers.values().clone(), None);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let lists = ListArray::try_new(schema::list_item(), offsets, Arc::new(numbers), lists.nulls().cloned())?;
    Ok(Arc::new(lists))
}
