//! `SymbolStore` as Python sees it: where symbols are looked for.

use std::{path::PathBuf, sync::Arc};

use arrow_array::{RecordBatch, cast::AsArray, types::UInt64Type};
use arrow_schema::{DataType, Schema};
use pyo3::{exceptions::PyValueError, prelude::*};

use super::{
    arrow::{Rows, Table},
    dump::Dump,
    pool,
    snapshot::Snapshot,
};
use crate::{
    snapshot::{look_up, name_contents},
    symbols::{Address, Store},
    table::schema,
};

/// Places with symbols, and the files in them that were opened. Wrapped by `heapdelta.SymbolStore`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct SymbolStore {
    pub(super) inner: Store,
}

#[pymethods]
impl SymbolStore {
    #[new]
    fn new(paths: Vec<PathBuf>) -> Self {
        Self { inner: Store::new(paths.iter().map(PathBuf::as_path)) }
    }

    /// Folders and files, in the order in which they are searched.
    #[getter]
    fn places(&self) -> Vec<PathBuf> {
        self.inner.places.clone()
    }

    /// Servers that a path names. Nothing is asked of them.
    #[getter]
    fn servers(&self) -> Vec<String> {
        self.inner.servers.clone()
    }

    /// What could not be looked at, and why.
    fn faults(&self, py: Python<'_>) -> Vec<(PathBuf, String)> {
        py.detach(|| self.inner.faults().to_vec())
    }

    /// A log with names for its addresses. Files that nothing but their name, or name and size, shows to be the right ones are taken
    /// if `by_name`.
    #[pyo3(signature = (log, *, by_name, threads=None))]
    fn complete(&self, py: Python<'_>, log: &Snapshot, by_name: bool, threads: Option<usize>) -> PyResult<Snapshot> {
        let inner = pool::run(py, threads, || log.inner.with_symbols(&self.inner, by_name))?;
        Ok(Snapshot { inner })
    }

    /// What symbols say of addresses, the only column of ``addresses``: the tables `symbols`, `names` and `inlines`. ``modules`` has the
    /// columns of a table of modules. Where calls return to, the call before is meant (``returns``).
    #[pyo3(signature = (modules, addresses, *, returns, by_name, threads=None))]
    fn look_up(
        &self,
        py: Python<'_>,
        modules: Rows,
        addresses: Rows,
        returns: bool,
        by_name: bool,
        threads: Option<usize>,
    ) -> PyResult<(Table, Table, Table)> {
        let mut places = Vec::new();
        for column in addresses.only_column(&DataType::UInt64)? {
            places.extend(column.as_primitive::<UInt64Type>().iter());
        }
        let schema = modules.0.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let modules = crate::Table { schema, batches: modules.0 };
        let kind = if returns { Address::Return } else { Address::Own };
        let found = pool::run(py, threads, || look_up(&self.inner, Some(&modules), &places, kind, by_name))?;
        Ok((found.symbols.into(), found.names.into(), found.inlines.into()))
    }

    /// What symbols say of what blocks begin with: the tables `contents`, with names, and `symbols`. ``contents`` is that of a walk
    /// through the heaps of ``dump``.
    #[pyo3(signature = (dump, contents, *, by_name, threads=None))]
    fn name_contents(
        &self,
        py: Python<'_>,
        dump: &Dump,
        contents: &Table,
        by_name: bool,
        threads: Option<usize>,
    ) -> PyResult<(Table, Table)> {
        if contents.table.schema != schema::BLOCK_CONTENTS.arrow() {
            return Err(PyValueError::new_err("expected the table contents, found another"));
        }
        let modules = dump.inner.table("modules");
        let found = pool::run(py, threads, || name_contents(&self.inner, modules, &contents.table, by_name))?;
        Ok((found.contents.into(), found.symbols.into()))
    }
}

/// The table `symbols` of a capture that nobody named.
#[pyfunction]
pub fn empty_symbols() -> Table {
    crate::Table::new(&schema::SYMBOLS, Vec::new()).into()
}
