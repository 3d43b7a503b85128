//! What crosses between Rust and Python without a copy: tables both ways, through the Arrow PyCapsule interface, so that no version
//! of Arrow is shared; and bytes of a dump, through the buffer protocol.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchIterator,
    ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader},
};
use arrow_schema::{ArrowError, DataType, ffi::FFI_ArrowSchema};
use pyo3::{
    exceptions::{PyBufferError, PyKeyError, PyRuntimeError, PyValueError},
    ffi,
    prelude::*,
    types::PyCapsule,
};

use crate::Content;

const STREAM: &std::ffi::CStr = c"arrow_array_stream";

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

/// A table by its name, or what is said where there is none.
pub(super) fn named(name: &str, table: Option<&crate::table::Table>) -> PyResult<Table> {
    table
        .cloned()
        .map(Table::from)
        .ok_or_else(|| PyKeyError::new_err(format!("expected the name of a table, found {name}")))
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
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
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

/// Rows from any library that speaks Arrow, such as a `polars.DataFrame`.
pub struct Rows(pub Vec<RecordBatch>);

impl<'py> FromPyObject<'_, 'py> for Rows {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = <Bound<'py, PyAny> as FromPyObject>::INPUT_TYPE;

    fn extract(rows: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let capsule = rows.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
        let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
        // SAFETY: a capsule of this name points to a stream, which the reader takes and leaves released in its place.
        let reader = unsafe { RecordBatchStreamReader::from_raw(stream.as_ptr()) }.map_err(refused)?;
        Ok(Self(reader.collect::<Result<_, _>>().map_err(refused)?))
    }
}

impl Rows {
    /// The column of rows that have one, of the type given, part by part.
    pub fn only_column(&self, kind: &DataType) -> PyResult<impl Iterator<Item = &ArrayRef>> {
        let fits = |batch: &RecordBatch| batch.num_columns() == 1 && batch.column(0).data_type() == kind;
        if !self.0.iter().all(fits) {
            return Err(PyValueError::new_err(format!("expected one column of {kind}")));
        }
        Ok(self.0.iter().map(|batch| batch.column(0)))
    }
}

/// Bytes of a dump, as a buffer that cannot be written to.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Bytes {
    pub(super) content: Content,
    pub(super) start: usize,
    pub(super) size: usize,
}

#[pymethods]
impl Bytes {
    fn __len__(&self) -> usize {
        self.size
    }

    /// Called by `memoryview` and its like.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("expected a view to fill in, found none"));
        }
        let this = slf.get();
        let bytes = &this.content[this.start..this.start + this.size];
        let size = ffi::Py_ssize_t::try_from(bytes.len())?;
        // SAFETY: Python gives a view to fill in. It keeps `slf`, and so `content`, alive as long as the view lives, and
        // the bytes of a content never move; the view is read-only.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), bytes.as_ptr().cast::<c_void>().cast_mut(), size, 1, flags)
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

fn refused(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
