//! Rows of a module table, of a log or of a dump.

use arrow_array::{
    ArrayRef, StringViewArray,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};

use crate::table::{Table, modules::file_name};

/// One row of a module table, of a log or of a dump.
#[derive(Debug, Clone, Copy)]
pub struct Module<'a> {
    /// Where it is loaded.
    pub base: Option<u64>,
    /// Bytes of its image.
    pub size: Option<u64>,
    /// Its file; empty where it could not be read.
    pub path: &'a str,
    /// Its name, as frames have it.
    pub name: &'a str,
    /// Version of the file; of dumps.
    pub version: Option<&'a str>,
    /// When it was linked; of dumps.
    pub timestamp: Option<u32>,
    /// Identity of its symbol file; of dumps.
    pub debug_id: Option<&'a str>,
}

impl<'a> Module<'a> {
    /// All rows of a table.
    pub fn list(table: Option<&'a Table>) -> Vec<Module<'a>> {
        let rows = texts(table, "path")
            .zip(texts(table, "name"))
            .zip(numbers::<UInt64Type>(table, "base").zip(numbers::<UInt64Type>(table, "size")))
            .zip(texts(table, "version").zip(texts(table, "debug_id")))
            .zip(numbers::<UInt32Type>(table, "timestamp"));
        let module = |((((path, name), (base, size)), (version, debug_id)), timestamp): Row<'a>| Module {
            base,
            size,
            path: path.unwrap_or_default(),
            name: name.unwrap_or_default(),
            version,
            timestamp,
            debug_id,
        };
        rows.map(module).collect()
    }

    /// The first address behind it.
    pub fn end(&self) -> u64 {
        self.base.unwrap_or_default().saturating_add(self.size.unwrap_or_default())
    }

    /// The name of its file, in lower case.
    pub fn file(&self) -> String {
        file_name(self.path).to_lowercase()
    }
}

type Texts<'a> = Option<&'a str>;
type Row<'a> = ((((Texts<'a>, Texts<'a>), (Option<u64>, Option<u64>)), (Texts<'a>, Texts<'a>)), Option<u32>);

/// A column of a table, batch by batch.
pub fn columns<'a>(table: Option<&'a Table>, name: &'static str) -> impl Iterator<Item = &'a ArrayRef> {
    table.map_or(&[][..], |table| &table.batches).iter().filter_map(move |batch| batch.column_by_name(name))
}

/// The texts of a column.
pub fn texts<'a>(table: Option<&'a Table>, name: &'static str) -> impl Iterator<Item = Option<&'a str>> {
    columns(table, name).filter_map(|column| column.as_string_view_opt()).flat_map(StringViewArray::iter)
}

/// The numbers of a column.
pub fn numbers<T: arrow_array::ArrowPrimitiveType>(
    table: Option<&Table>,
    name: &'static str,
) -> impl Iterator<Item = Option<T::Native>> {
    columns(table, name).filter_map(|column| column.as_primitive_opt::<T>()).flat_map(|column| column.iter())
}
