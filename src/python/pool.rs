//! Work of the core on its own threads, while Python goes on.

use pyo3::{exceptions::PyRuntimeError, prelude::*};

use crate::engine::threads::Pool;

/// Does a work on so many threads, on one for each core without a number; others may run Python meanwhile.
pub fn run<T: Send>(py: Python<'_>, threads: Option<usize>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = Pool::new(threads).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok(py.detach(|| pool.install(work)))
}
