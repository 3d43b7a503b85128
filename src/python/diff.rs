//! What stacks count for, and what a comparison of two sides is made of: stacks numbered through, their sums, a ranking.

use arrow_array::RecordBatch;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::{
    arrow::{Rows, Table},
    labels::{Flags, Groups},
    pool,
    snapshot::{Comparison, Snapshot},
};
use crate::{
    diff::{self, totals::By},
    snapshot,
};

/// What has stacks.
#[derive(FromPyObject)]
pub enum Capture<'py> {
    Snapshot(PyRef<'py, Snapshot>),
    Comparison(PyRef<'py, Comparison>),
}

impl Capture<'_> {
    fn table(&self, name: &str) -> Option<&crate::table::Table> {
        match self {
            Self::Snapshot(snapshot) => snapshot.inner.table(name),
            Self::Comparison(comparison) => comparison.inner.table(name),
        }
    }
}

/// The frame that each stack counts for; `allocators` has one column bool: which frames are an allocator's.
#[pyfunction]
pub fn blame(py: Python<'_>, capture: Capture<'_>, allocators: Rows) -> PyResult<Table> {
    let (stacks, allocators) = (capture.table("stacks"), Flags::of(&allocators)?);
    pool::run(py, None, || diff::blame(stacks, |frame| allocators.has(frame))).map(Table::from)
}

/// The groups that each stack passes; `groups` has one column u32: the group of each frame, null for none.
#[pyfunction]
pub fn stack_groups(py: Python<'_>, capture: Capture<'_>, groups: Rows) -> PyResult<Table> {
    let (stacks, groups) = (capture.table("stacks"), Groups::of(&groups)?);
    pool::run(py, None, || diff::stack_groups(stacks, |frame| groups.of_frame(frame))).map(Table::from)
}

/// The stacks of captures, one behind the other: the table `numbered_stacks`.
///
/// `allocators` has for each of them one column bool: which of its frames are an allocator's.
#[pyfunction]
pub fn number_through(py: Python<'_>, captures: Vec<Capture<'_>>, allocators: Vec<Rows>) -> PyResult<Table> {
    if captures.len() != allocators.len() {
        return Err(PyValueError::new_err("expected the allocators of every capture"));
    }
    let allocators = allocators.iter().map(Flags::of).collect::<PyResult<Vec<_>>>()?;
    let flags: Vec<_> = allocators.iter().map(|flags| |frame| flags.has(frame)).collect();
    let sources = captures.iter().zip(&flags).map(|(capture, is_allocator)| {
        let frame_count = capture.table("frames").map_or(0, crate::table::Table::len) as u32;
        diff::Source { stacks: capture.table("stacks"), frame_count, is_allocator }
    });
    let sources: Vec<_> = sources.collect();
    let stacks = pool::run(py, None, || diff::number_through(&sources))?;
    stacks.map(Table::from).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Snapshots of one run in the order of time, each as the others know its stacks (None: as it is), and the table `carried`.
#[pyfunction]
pub fn one_run(py: Python<'_>, snapshots: Vec<PyRef<'_, Snapshot>>) -> PyResult<(Vec<Option<Snapshot>>, Table)> {
    let snapshots: Vec<&crate::Snapshot> = snapshots.iter().map(|snapshot| &snapshot.inner).collect();
    let found = pool::run(py, None, || snapshot::one_run(&snapshots))?;
    let completed = found.snapshots.into_iter().map(|one| one.map(|inner| Snapshot { inner })).collect();
    Ok((completed, found.carried.into()))
}

/// The sums of two snapshots by stack, one below the other: the table `sides_by_stack`.
#[pyfunction]
pub fn sides_by_stack(py: Python<'_>, after: &Snapshot, before: &Snapshot) -> PyResult<Table> {
    pool::run(py, None, || diff::sides(&after.inner, &before.inner, By::Stack)).map(Table::from)
}

/// The sums of two snapshots by heap, one below the other: the table `sides_by_heap`.
#[pyfunction]
pub fn sides_by_heap(py: Python<'_>, after: &Snapshot, before: &Snapshot) -> PyResult<Table> {
    pool::run(py, None, || diff::sides(&after.inner, &before.inner, By::Heap)).map(Table::from)
}

/// Sum rows up by a key of their stacks, and rank the keys by growth: the table `ranking`.
///
/// `parts` have the columns stack u32, side u32 (0 after, 1 before, 2 both), and the measures of both sides u64; `keys` has
/// one column u32: the key of each stack. Rows without a key are left out.
#[pyfunction]
pub fn rank(py: Python<'_>, parts: Vec<Rows>, keys: Rows) -> PyResult<Table> {
    let rows: Vec<RecordBatch> = parts.into_iter().flat_map(|part| part.0).collect();
    let keys = Groups::of(&keys)?;
    let ranking = pool::run(py, None, || diff::rank(&rows, &keys.0))?;
    ranking.map(Table::from).ok_or_else(|| PyValueError::new_err("expected stack, side and the measures of both sides"))
}
