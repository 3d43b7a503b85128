//! Columns: the schema of every table, the interning of frames, and one file per table that turns what readers found into
//! Arrow arrays.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};

pub mod allocations;
pub mod dump;
pub mod frame_hash;
pub mod frame_rows;
pub mod frames;
pub mod heaps;
pub mod modules;
#[cfg(feature = "polars")]
pub mod polars;
pub mod rows;
pub mod schema;
pub mod separators;
pub mod stacks;
pub mod text;
pub mod usage;

/// A finished table: batches that share a schema, in row order.
#[derive(Debug, Clone)]
pub struct Table {
    /// The schema, from [`schema`].
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
}

impl Table {
    /// A table of the given batches, which all have its schema.
    pub fn new(table: &schema::TableSchema, batches: Vec<RecordBatch>) -> Self {
        Self { schema: table.arrow(), batches }
    }

    /// Some of its columns, in the order of their names; nothing is copied.
    ///
    /// # Errors
    ///
    /// A name that no column has.
    pub fn select(&self, names: &[String]) -> Result<Self, ArrowError> {
        let places = names.iter().map(|name| self.schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let batches = self.batches.iter().map(|batch| batch.project(&places)).collect::<Result<_, _>>()?;
        Ok(Self { schema: Arc::new(self.schema.project(&places)?), batches })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A batch of a table; the columns are built a few lines above each call, in the order of the schema.
pub(crate) fn batch(table: &schema::TableSchema, mut columns: Vec<ArrayRef>) -> RecordBatch {
    /// Rows up to which the room that builders keep is more than what they were given.
    const FEW: usize = 1024;
    if columns.first().is_some_and(|column| column.len() <= FEW) {
        columns.iter_mut().for_each(Array::shrink_to_fit);
    }
    let schema = table.arrow();
    RecordBatch::try_new(schema, columns).unwrap_or_else(|error| panic!("columns of `{}`: {error}", table.name)) // proof: every builder file has a test that builds its table
}
