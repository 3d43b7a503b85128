//! `survival`: the blocks of snapshots of one run, followed from one to the next.

use pyo3::prelude::*;

use super::{arrow::Table, error::exception, pool, snapshot::Snapshot};
use crate::survival;

/// Follow the blocks of snapshots of one run, in the order of time; gives the tables `survival_stacks` and `lives`.
///
/// Wrapped by `heapdelta.Series.survival`.
#[pyfunction]
#[pyo3(signature = (snapshots, *, threads=None))]
pub fn follow_blocks(
    py: Python<'_>,
    snapshots: Vec<PyRef<'_, Snapshot>>,
    threads: Option<usize>,
) -> PyResult<(Table, Table)> {
    let snapshots: Vec<&crate::Snapshot> = snapshots.iter().map(|snapshot| &snapshot.inner).collect();
    let found = pool::run(py, threads, || survival::survival(&snapshots))?;
    found.map(|found| (found.stacks.into(), found.lives.into())).map_err(|error| exception(py, &error))
}

/// The table `survivors` of a table `lives`: how many blocks of each birth are still there at each later point.
///
/// Wrapped by `heapdelta.Survival`.
#[pyfunction]
pub fn survivors(py: Python<'_>, lives: &Table) -> Table {
    py.detach(|| survival::survivors(&lives.table)).into()
}
