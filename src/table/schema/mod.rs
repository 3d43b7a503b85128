//! Every column of every table, written once: name, type, unit, when it is null, meaning.
//!
//! `docs/tables.md` is generated from here (`make docs`), the Arrow schemas are built from here, and a test holds the
//! tables that readers return against it. The tables of logs are in `logs`, those of dumps in
//! `dumps` and `dump_heaps`; `answers` has those that the package asks for: differences, series, survival.

mod answers;
mod dump_heaps;
mod dumps;
mod logs;
mod symbols;

pub(crate) use answers::*;
pub use dump_heaps::*;
pub use dumps::*;
pub use logs::*;
pub use symbols::*;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

/// One column: its place in the contract between the core and everyone who reads a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name, `snake_case`, with the unit where there is one.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// `Some(when)` for a column that can be null: the words say when it is.
    pub null_when: Option<&'static str>,
    /// What a value means, with its unit.
    pub meaning: &'static str,
}

/// The types that columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the Arrow type of its name")]
pub enum Kind {
    Bool,
    U32,
    U64,
    I64,
    Text,
    ListU32,
    /// An instant: ns since 1970 UTC.
    Time,
    /// A span: ns.
    Duration,
}

/// A table: its name, what one row is, in which order rows are, and its columns.
#[derive(Debug, Clone, Copy)]
pub struct TableSchema {
    /// The name by which `Snapshot` and `Comparison` hand it out.
    pub name: &'static str,
    /// What one row stands for.
    pub row: &'static str,
    /// The order of the rows.
    pub order: &'static str,
    /// The columns, in order.
    pub columns: &'static [Column],
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Kind::Bool => DataType::Boolean,
            Kind::U32 => DataType::UInt32,
            Kind::U64 => DataType::UInt64,
            Kind::I64 => DataType::Int64,
            Kind::Text => DataType::Utf8View,
            Kind::ListU32 => DataType::List(list_item()),
            Kind::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Kind::Duration => DataType::Duration(TimeUnit::Nanosecond),
        }
    }

    /// The name that documentation uses: the one polars gives it.
    pub fn polars_name(self) -> &'static str {
        match self {
            Kind::Bool => "Boolean",
            Kind::U32 => "UInt32",
            Kind::U64 => "UInt64",
            Kind::I64 => "Int64",
            Kind::Text => "String",
            Kind::ListU32 => "List(UInt32)",
            Kind::Time => "Datetime(ns, UTC)",
            Kind::Duration => "Duration(ns)",
        }
    }
}

/// What a list of numbers is made of.
pub(crate) fn list_item() -> FieldRef {
    Arc::new(Field::new("item", DataType::UInt32, false))
}

impl TableSchema {
    /// The Arrow schema: one for all tables of the kind, since thousands of small logs would hold more schemas than rows.
    pub fn arrow(&self) -> SchemaRef {
        static MADE: Mutex<Option<HashMap<usize, SchemaRef>>> = Mutex::new(None);
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let schema =
            made.get_or_insert_default().entry(self.columns.as_ptr().addr()).or_insert_with(|| self.new_arrow());
        Arc::clone(schema)
    }

    fn new_arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(column.name, column.kind.data_type(), column.null_when.is_some()))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

const fn column(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, kind, null_when: None, meaning }
}

const fn nullable(name: &'static str, kind: Kind, null_when: &'static str, meaning: &'static str) -> Column {
    Column { name, kind, null_when: Some(null_when), meaning }
}
