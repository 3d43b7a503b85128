//! The feature `polars`: every type of every schema, nulls, several batches, sliced batches, no rows.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, DurationNanosecondArray, Int64Array, ListArray, RecordBatch, StringViewArray,
    TimestampNanosecondArray, UInt32Array, UInt64Array, types::UInt32Type,
};
use heapdelta::internals::table::{
    Table,
    schema::{COMPARISON_TABLES, DUMP_TABLES, Kind, SNAPSHOT_TABLES, TableSchema},
};
use polars::prelude::{AnyValue, DataFrame};

/// Rows of a column, and what polars has to show for each.
fn specimen(kind: Kind, nullable: bool) -> (ArrayRef, [&'static str; 3]) {
    let last = |value: u32| (!nullable).then_some(value);
    match kind {
        Kind::Bool => {
            let rows = [Some(true), Some(false), (!nullable).then_some(true)];
            (Arc::new(BooleanArray::from_iter(rows)), ["true", "false", "true"])
        }
        Kind::U32 => (Arc::new(UInt32Array::from_iter([Some(0), Some(u32::MAX), last(7)])), ["0", "4294967295", "7"]),
        Kind::U64 => {
            let rows = [Some(0), Some(u64::MAX), last(7).map(u64::from)];
            (Arc::new(UInt64Array::from_iter(rows)), ["0", "18446744073709551615", "7"])
        }
        Kind::I64 => {
            let rows = [Some(0), Some(i64::MIN), last(7).map(i64::from)];
            (Arc::new(Int64Array::from_iter(rows)), ["0", "-9223372036854775808", "7"])
        }
        Kind::Time => {
            let rows = [Some(0), Some(i64::MIN), last(7).map(i64::from)];
            let times = TimestampNanosecondArray::from_iter(rows).with_timezone("UTC");
            (Arc::new(times), ["0", "-9223372036854775808", "7"])
        }
        Kind::Duration => {
            let rows = [Some(0), Some(i64::MIN), last(7).map(i64::from)];
            (Arc::new(DurationNanosecondArray::from_iter(rows)), ["0", "-9223372036854775808", "7"])
        }
        Kind::Text => {
            let long = "C:\\Entwicklung\\Größe\\a name longer than a view.dll";
            let rows = [Some(""), Some(long), (!nullable).then_some("7")];
            (Arc::new(StringViewArray::from_iter(rows)), ["", long, "7"])
        }
        Kind::ListU32 => {
            let rows = [Some(vec![Some(3), Some(1)]), Some(vec![]), last(7).map(|value| vec![Some(value)])];
            let list = ListArray::from_iter_primitive::<UInt32Type, _, _>(rows);
            let item = match kind.data_type() {
                arrow_schema::DataType::List(item) => item,
                other => panic!("{other}"),
            };
            let (_, offsets, values, nulls) = list.into_parts();
            (Arc::new(ListArray::new(item, offsets, values, nulls)), ["[3, 1]", "[]", "[7]"])
        }
    }
}

fn table(schema: &TableSchema) -> Table {
    let columns =
        schema.columns.iter().map(|column| specimen(column.kind, column.null_when.is_some()).0).collect::<Vec<_>>();
    let batch = RecordBatch::try_new(schema.arrow(), columns).unwrap();
    // A second batch that starts in the middle of its buffers: offsets have to be minded.
    let tail = batch.slice(1, 2);
    Table::new(schema, vec![batch, tail])
}

fn shown(frame: &DataFrame, column: usize, row: usize) -> Option<String> {
    match frame.columns()[column].get(row).unwrap() {
        AnyValue::Null => None,
        AnyValue::String(text) => Some(text.to_owned()),
        AnyValue::List(items) => {
            let numbers: Vec<u32> = items.u32().unwrap().into_no_null_iter().collect();
            Some(format!("{numbers:?}"))
        }
        other => Some(other.to_string()),
    }
}

#[test]
fn every_column_of_every_table_arrives_with_its_values_and_nulls() {
    for schema in SNAPSHOT_TABLES.iter().chain(&COMPARISON_TABLES).chain(&DUMP_TABLES) {
        let frame = table(schema).to_polars().unwrap();
        assert_eq!(frame.shape(), (5, schema.columns.len()), "{}", schema.name);
        for (index, column) in schema.columns.iter().enumerate() {
            let (_, words) = specimen(column.kind, false);
            let nullable = column.null_when.is_some();
            for (row, source) in [0, 1, 2, 1, 2].into_iter().enumerate() {
                let expected = (source != 2 || !nullable).then(|| words[source].to_owned());
                assert_eq!(shown(&frame, index, row), expected, "{}.{} row {row}", schema.name, column.name);
            }
            assert_eq!(frame.columns()[index].name().as_str(), column.name);
        }
    }
}

#[test]
fn types_are_those_that_the_documentation_names() {
    for schema in SNAPSHOT_TABLES.iter().chain(&COMPARISON_TABLES).chain(&DUMP_TABLES) {
        let frame = Table::new(schema, Vec::new()).to_polars().unwrap();
        assert_eq!(frame.shape(), (0, schema.columns.len()));
        for (index, column) in schema.columns.iter().enumerate() {
            let found = format!("{:?}", frame.columns()[index].dtype());
            // The frames of Rust have instants and spans as numbers: polars' own types would need another feature.
            let expected = match column.kind {
                Kind::Time | Kind::Duration => "Int64",
                kind => kind.polars_name(),
            };
            assert_eq!(found, expected, "{}.{}", schema.name, column.name);
        }
    }
}
