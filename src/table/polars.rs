//! `polars::DataFrame`s for Rust users, behind the cargo feature `polars`; the wheel is built without it.
//!
//! A [`Table`] goes in, a frame with the same columns, rows and nulls comes out. Values are copied, column by column:
//! that needs no `unsafe`, and Rust users who mind the copy read the Arrow batches of the table themselves.

use ::polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, IntoColumn, IntoSeries, ListBuilderTrait, ListPrimitiveChunkedBuilder,
    NewChunkedArray, PlSmallStr, PolarsError, PolarsResult, StringChunked, UInt32Chunked, UInt32Type as PolarsU32,
    UInt64Chunked,
};
use arrow_array::{
    Array, ArrayRef, ListArray,
    cast::AsArray,
    types::{DurationNanosecondType, Int64Type, TimestampNanosecondType, UInt32Type, UInt64Type},
};
use arrow_schema::DataType as ArrowType;

use super::Table;

impl Table {
    /// The table as a `polars::DataFrame`: the same columns in the same order, text as `String`, lists as
    /// `List(UInt32)`, instants and spans as `Int64`: ns since 1970 UTC, and ns.
    ///
    /// # Errors
    ///
    /// If a column has a type that no schema of [`super::schema`] has.
    ///
    /// # Examples
    ///
    /// ```
    /// use heapdelta::{Table, schema};
    ///
    /// let empty = Table::new(&schema::USAGE, Vec::new()).to_polars()?;
    /// assert_eq!(empty.width(), schema::USAGE.columns.len());
    /// # Ok::<(), polars::error::PolarsError>(())
    /// ```
    pub fn to_polars(&self) -> PolarsResult<DataFrame> {
        let columns = (0..self.schema.fields().len()).map(|index| self.polars_column(index));
        DataFrame::new(self.len(), columns.collect::<PolarsResult<_>>()?)
    }

    fn polars_column(&self, index: usize) -> PolarsResult<Column> {
        let field = self.schema.field(index);
        let name = PlSmallStr::from_str(field.name());
        let chunks = self.batches.iter().map(|batch| batch.column(index));
        let series = match field.data_type() {
            ArrowType::Boolean => {
                BooleanChunked::from_iter_options(name, chunks.flat_map(|chunk| chunk.as_boolean().iter()))
                    .into_series()
            }
            ArrowType::UInt32 => {
                let values = chunks.flat_map(|chunk| chunk.as_primitive::<UInt32Type>().iter());
                UInt32Chunked::from_iter_options(name, values).into_series()
            }
            ArrowType::UInt64 => {
                let values = chunks.flat_map(|chunk| chunk.as_primitive::<UInt64Type>().iter());
                UInt64Chunked::from_iter_options(name, values).into_series()
            }
            ArrowType::Int64 => {
                let values = chunks.flat_map(|chunk| chunk.as_primitive::<Int64Type>().iter());
                ::polars::prelude::Int64Chunked::from_iter_options(name, values).into_series()
            }
            // Types for time would need a feature of polars that doubles its build.
            ArrowType::Timestamp(..) => {
                let values = chunks.flat_map(|chunk| chunk.as_primitive::<TimestampNanosecondType>().iter());
                ::polars::prelude::Int64Chunked::from_iter_options(name, values).into_series()
            }
            ArrowType::Duration(_) => {
                let values = chunks.flat_map(|chunk| chunk.as_primitive::<DurationNanosecondType>().iter());
                ::polars::prelude::Int64Chunked::from_iter_options(name, values).into_series()
            }
            ArrowType::Utf8View => {
                StringChunked::from_iter_options(name, chunks.flat_map(|chunk| chunk.as_string_view().iter()))
                    .into_series()
            }
            ArrowType::List(item) if item.data_type() == &ArrowType::UInt32 => lists(name, chunks).into_series(),
            other => return Err(PolarsError::SchemaMismatch(format!("column {name} has the type {other}").into())),
        };
        Ok(series.into_column())
    }
}

fn lists<'a>(name: PlSmallStr, chunks: impl Iterator<Item = &'a ArrayRef>) -> ::polars::prelude::ListChunked {
    let lists: Vec<&ListArray> = chunks.map(|chunk| chunk.as_list::<i32>()).collect();
    let rows = lists.iter().map(|list| list.len()).sum();
    let values = lists.iter().map(|list| list.values().len()).sum();
    let mut builder = ListPrimitiveChunkedBuilder::<PolarsU32>::new(name, rows, values, DataType::UInt32);
    for list in lists {
        let numbers = list.values().as_primitive::<UInt32Type>().values();
        for row in 0..list.len() {
            let range = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
            builder.append_opt_slice(list.is_valid(row).then(|| &numbers[range]));
        }
    }
    builder.finish()
}
