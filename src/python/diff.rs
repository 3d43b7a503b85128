//! `Diff`: the stacks and sums of two snapshots, or of a comparison, brought together and ranked.

use std::str::FromStr;

use arrow_array::{RecordBatch, cast::AsArray, types::UInt64Type};
use arrow_schema::DataType;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::{
    arrow::{Rows, Table},
    labels::{Flags, Groups},
    pool,
    snapshot::{Comparison, Snapshot},
};
use crate::{
    diff::{self, Source, paths::Shape, totals::By},
    snapshot,
    table::stacks::lists_of,
};

/// A snapshot or a comparison.
#[derive(FromPyObject)]
pub enum Capture<'py> {
    Snapshot(PyRef<'py, Snapshot>),
    Comparison(PyRef<'py, Comparison>),
}

impl From<Capture<'_>> for Source {
    fn from(capture: Capture<'_>) -> Self {
        match capture {
            Capture::Snapshot(snapshot) => Source::Snapshot(snapshot.inner.clone()),
            Capture::Comparison(comparison) => Source::Comparison(comparison.inner.clone()),
        }
    }
}

impl FromStr for By {
    type Err = PyErr;

    fn from_str(name: &str) -> PyResult<Self> {
        match name {
            "stack" => Ok(By::Stack),
            "heap" => Ok(By::Heap),
            _ => Err(PyValueError::new_err(format!("expected stack or heap, found {name}"))),
        }
    }
}

/// Two snapshots, the later one first, or one comparison. Wrapped by `heapdelta.Delta` and `heapdelta.Comparison`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Diff {
    inner: diff::Diff,
    threads: Option<usize>,
}

#[pymethods]
impl Diff {
    /// Number the stacks of all captures. `allocators` has for each of them one column bool: which of its frames are an
    /// allocator's.
    #[new]
    #[pyo3(signature = (captures, allocators, *, threads=None))]
    fn new(
        py: Python<'_>,
        captures: Vec<Capture<'_>>,
        allocators: Vec<Rows>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        if captures.len() != allocators.len() {
            return Err(PyValueError::new_err("expected the allocators of every capture"));
        }
        let allocators = allocators.iter().map(Flags::of).collect::<PyResult<Vec<_>>>()?;
        let allocators: Vec<_> = allocators.iter().map(|flags| |frame| flags.has(frame)).collect();
        let sources = captures.into_iter().map(Source::from).collect();
        let inner = pool::run(py, threads, || diff::Diff::new(sources, &allocators))?;
        inner.map(|inner| Self { inner, threads }).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The stacks of all captures, one behind the other: the table `numbered_stacks`.
    fn stacks(&self) -> Table {
        self.inner.stacks().clone().into()
    }

    /// The sums of two snapshots by `stack` or by `heap`, one below the other: the table `sides_by_stack` or `sides_by_heap`.
    fn sides(&self, py: Python<'_>, by: &str) -> PyResult<Table> {
        let by = by.parse::<By>()?;
        let sides = pool::run(py, self.threads, || self.inner.sides(by))?;
        sides.map(Table::from).ok_or_else(|| PyValueError::new_err("expected two snapshots"))
    }

    /// Sum rows up by a key of their stacks, and rank the keys by growth: the table `ranking`.
    ///
    /// `parts` have the columns stack u32, side u32 (0 after, 1 before, 2 both), and the measures of both sides u64; `keys` has
    /// one column u32: the key of each stack. Rows without a key are left out.
    fn rank(&self, py: Python<'_>, parts: Vec<Rows>, keys: Rows) -> PyResult<Table> {
        let rows: Vec<_> = parts.into_iter().flat_map(|part| part.0).collect();
        let keys = Groups::of(&keys)?;
        let ranking = pool::run(py, self.threads, || self.inner.rank(&rows, &keys.0))?;
        let lacking = || PyValueError::new_err("expected stack, side and the measures of both sides");
        ranking.map(Table::from).ok_or_else(lacking)
    }

    /// The groups that each stack of a capture passes: the table `stack_groups`. `groups` has one column u32: the group of each
    /// frame, null for none.
    fn passed(&self, py: Python<'_>, capture: usize, groups: Rows) -> PyResult<Table> {
        let groups = Groups::of(&groups)?;
        let passed = pool::run(py, self.threads, || self.inner.passed(capture, |frame| groups.of_frame(frame)))?;
        passed.map(Table::from).ok_or_else(|| PyValueError::new_err("expected the place of a capture"))
    }

    /// What a call tree shows of stacks: the table `paths`. `stacks` has one column u32, null for blocks without a stack.
    ///
    /// Of the frames of all captures, one behind the other, `passed_over` and `hidden` say in one column bool which ones no stack
    /// counts for and which are no step, `steps` in one column u32 which step each is; `first` which one an outward path begins with
    /// if the stack counts for that frame, None for none. `merged`: neighbours that are the same are one step.
    #[pyo3(signature = (stacks, passed_over, hidden, steps, first, *, inward, merged, keep_allocators))]
    #[allow(clippy::too_many_arguments, reason = "each is a column, or a choice")]
    fn paths(
        &self,
        py: Python<'_>,
        stacks: Rows,
        passed_over: Rows,
        hidden: Rows,
        steps: Rows,
        first: Option<Rows>,
        inward: bool,
        merged: bool,
        keep_allocators: bool,
    ) -> PyResult<Table> {
        let (stacks, steps) = (Groups::of(&stacks)?.0, Groups::of(&steps)?.0);
        let (passed_over, hidden) = (Flags::of(&passed_over)?.0, Flags::of(&hidden)?.0);
        let first = first.as_ref().map(Groups::of).transpose()?;
        let shape = Shape {
            passed_over: &passed_over,
            hidden: &hidden,
            steps: &steps,
            first: first.as_ref().map(|first| &first.0[..]),
            inward,
            merged,
            keep_allocators,
        };
        let paths = pool::run(py, self.threads, || self.inner.paths(&stacks, &shape))?;
        paths.map(Table::from).ok_or_else(|| PyValueError::new_err("expected stacks and frames of these captures"))
    }
}

/// Make the call tree of `paths`, the table of that name: the tables `nodes`, `spans` and `path_order`. `weights` has one column
/// u64: what each path weighs, null where it is not known.
#[pyfunction]
pub fn tree_nodes(py: Python<'_>, paths: Rows, weights: Rows) -> PyResult<(Table, Table, Table)> {
    let ways: Vec<&[u32]> = paths.0.iter().flat_map(|batch| lists_of(batch, "steps").flatten()).collect();
    if ways.len() != paths.0.iter().map(RecordBatch::num_rows).sum::<usize>() {
        return Err(PyValueError::new_err("expected the table paths"));
    }
    let mut known: Vec<Option<u64>> = Vec::with_capacity(ways.len());
    for column in weights.only_column(&DataType::UInt64)? {
        known.extend(column.as_primitive::<UInt64Type>());
    }
    let found = pool::run(py, None, || diff::nodes(&ways, &known))?;
    let found =
        found.ok_or_else(|| PyValueError::new_err("expected a weight of every path, and fewer nodes than 2^32"))?;
    Ok((found.nodes.into(), found.spans.into(), found.order.into()))
}

/// The stacks of a snapshot that are the first of their id, have frames, and no partner of that id and those frames in the other: the
/// table `without_partner`.
#[pyfunction]
pub fn without_partner(py: Python<'_>, snapshot: PyRef<'_, Snapshot>, other: PyRef<'_, Snapshot>) -> Table {
    let (stacks, others) = (snapshot.inner.table("stacks"), other.inner.table("stacks"));
    py.detach(|| diff::without_partner(stacks, others)).into()
}

/// Snapshots of one run in the order of time, each as the others know its stacks (None: as it is), and the table `carried`.
#[pyfunction]
#[pyo3(signature = (snapshots, *, threads=None))]
pub fn one_run(
    py: Python<'_>,
    snapshots: Vec<PyRef<'_, Snapshot>>,
    threads: Option<usize>,
) -> PyResult<(Vec<Option<Snapshot>>, Table)> {
    let snapshots: Vec<&crate::Snapshot> = snapshots.iter().map(|snapshot| &snapshot.inner).collect();
    let found = pool::run(py, threads, || snapshot::one_run(&snapshots))?;
    let completed = found.snapshots.into_iter().map(|one| one.map(|inner| Snapshot { inner })).collect();
    Ok((completed, found.carried.into()))
}
