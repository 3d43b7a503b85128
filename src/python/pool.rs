//! Work of the core on its own threads, while Python goes on.

use pyo3::prelude::*;

use super::error::exception;
use crate::engine::threads::Pool;

/// Works on as many threads as asked for, or on one for each core. Other threads may run Python meanwhile.
pub fn run<T: Send>(py: Python<'_>, threads: Option<usize>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let done = py.detach(|| Ok(Pool::new(threads)?.install(work)));
    done.map_err(|error: crate::Error| exception(py, &error))
}
