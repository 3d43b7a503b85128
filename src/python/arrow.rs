//! Hands a table over through the Arrow PyCapsule interface: without a copy, without a shared version of Arrow.

use arrow_array::{RecordBatchIterator, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::{
    exceptions::{PyKeyError, PyRuntimeError},
    prelude::*,
    types::PyCapsule,
};

/// A table for any library that speaks Arrow: `polars.DataFrame(table)`, `pyarrow.table(table)`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Table {
    pub(super) table: crate::table::Table,
}

impl From<crate::table::Table> for Table {
    fn from(table: crate::table::Table) -> Self {
        Self { table }
    }
}

#[pymethods]
impl Table {
    /// Export the rows as an Arrow C stream.
    ///
    /// The schema is always the table's own; a requested one is not looked at, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = self.table.batches.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, self.table.schema.clone());
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
    }

    /// Some columns, in the order of their names; nothing is copied.
    fn select(&self, names: Vec<String>) -> PyResult<Self> {
        self.table.select(&names).map(Self::from).map_err(|error| PyKeyError::new_err(error.to_string()))
    }

    /// Export the schema alone.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.table.schema.as_ref())
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }

    fn __repr__(&self) -> String {
        let names: Vec<&str> = self.table.schema.fields().iter().map(|field| field.name().as_str()).collect();
        format!("<Table: {} rows of {}>", self.table.len(), names.join(", "))
    }
}
