//! `Snapshot` and `Comparison` as Python sees them: a header, and tables by name.

use std::{collections::BTreeMap, sync::Arc};

use pyo3::prelude::*;

use super::{
    arrow::{Rows, Table, named},
    labels::{Flags, Groups},
    pool,
};
use crate::{diff, log::sink::LineCounts, snapshot::About, table::schema};

/// One capture. Wrapped by `heapdelta.Snapshot`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Snapshot {
    pub(super) inner: crate::Snapshot,
}

/// One comparison. Wrapped by `heapdelta.Comparison`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Comparison {
    pub(super) inner: crate::Comparison,
}

fn path(about: &About) -> Option<String> {
    about.path.as_ref().map(|path| path.display().to_string())
}

fn counts(lines: &LineCounts) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("rows", lines.rows),
        ("structure", lines.structure),
        ("preamble", lines.preamble),
        ("blank", lines.blank),
        ("issues", lines.issues),
    ])
}

#[pymethods]
impl Snapshot {
    /// The file, None for bytes.
    #[getter]
    fn path(&self) -> Option<String> {
        path(&self.inner.about)
    }

    /// umdh2, umdh1, dh or dhcmp-sites.
    #[getter]
    fn format(&self) -> &str {
        &self.inner.header.format
    }

    /// Version that the tool printed.
    #[getter]
    fn tool_version(&self) -> Option<&str> {
        self.inner.header.tool_version.as_deref()
    }

    /// Local time of the capture, YYYY-MM-DD HH:MM, with seconds where they were printed.
    #[getter]
    fn taken_at(&self) -> Option<&str> {
        self.inner.header.taken_at.as_deref()
    }

    /// Machine name.
    #[getter]
    fn machine(&self) -> Option<&str> {
        self.inner.header.machine.as_deref()
    }

    /// Process id.
    #[getter]
    fn pid(&self) -> Option<u32> {
        self.inner.header.pid
    }

    /// 32 or 64.
    #[getter]
    fn pointer_width(&self) -> u32 {
        self.inner.header.pointer_width
    }

    /// Encoding, by Python's name.
    #[getter]
    fn encoding(&self) -> &str {
        &self.inner.about.encoding
    }

    /// Lines of the capture.
    #[getter]
    fn line_count(&self) -> u64 {
        self.inner.about.lines.total()
    }

    /// Bytes of the capture.
    #[getter]
    fn byte_count(&self) -> u64 {
        self.inner.about.byte_count
    }

    /// What became of the lines: rows, structure, preamble, blank, issues.
    #[getter]
    fn line_counts(&self) -> BTreeMap<&'static str, u64> {
        counts(&self.inner.about.lines)
    }

    /// A table by its name; those of symbols are empty before there are any.
    fn table(&self, name: &str) -> PyResult<Table> {
        let of_symbols = schema::SYMBOL_TABLES.iter().find(|table| table.name == name);
        let empty = of_symbols.map(|table| crate::Table::new(table, Vec::new()));
        named(name, self.inner.table(name).or(empty.as_ref()))
    }

    /// The frame that each stack counts for: the table `blame`. `allocators` has one column bool: which frames are an
    /// allocator's.
    fn blame(&self, py: Python<'_>, allocators: Rows) -> PyResult<Table> {
        let allocators = Flags::of(&allocators)?;
        let stacks = self.inner.table("stacks");
        pool::run(py, None, || diff::blame(stacks, |frame| allocators.has(frame))).map(Table::from)
    }

    /// The groups that each stack passes: the table `stack_groups`. `groups` has one column u32: the group of each frame, null
    /// for none.
    fn stack_groups(&self, py: Python<'_>, groups: Rows) -> PyResult<Table> {
        let groups = Groups::of(&groups)?;
        let stacks = self.inner.table("stacks");
        pool::run(py, None, || diff::stack_groups(stacks, |frame| groups.of_frame(frame))).map(Table::from)
    }

    /// A hash of the modules and functions of each stack, null where a frame has no function: the table `name_fingerprints`.
    fn name_fingerprints(&self, py: Python<'_>) -> Table {
        let names = py.detach(|| self.inner.name_fingerprints());
        let names = crate::table::batch(&schema::NAME_FINGERPRINTS, vec![Arc::new(names)]);
        crate::Table::new(&schema::NAME_FINGERPRINTS, vec![names]).into()
    }

    /// The log with these hashes in the place of fingerprints, where there is one.
    fn by_names(&self, py: Python<'_>) -> Self {
        Self { inner: py.detach(|| self.inner.by_names()) }
    }

    /// The log with what a dump of the same process knows of modules.
    fn with_modules(&self, py: Python<'_>, dump: &super::dump::Dump) -> PyResult<Self> {
        let outcome = py.detach(|| self.inner.with_modules(&dump.inner));
        outcome.map(|inner| Self { inner }).map_err(|error| super::error::exception(py, &error))
    }
}

#[pymethods]
impl Comparison {
    /// The file, None for bytes.
    #[getter]
    fn path(&self) -> Option<String> {
        path(&self.inner.about)
    }

    /// dhcmp or umdh-compare.
    #[getter]
    fn format(&self) -> &str {
        &self.inner.format
    }

    /// 10 or 16; None if every number reads the same either way.
    #[getter]
    fn radix(&self) -> Option<u32> {
        self.inner.radix
    }

    /// Total of requested bytes that the tool printed, after - before.
    #[getter]
    fn total_requested_delta(&self) -> Option<i128> {
        self.inner.total_requested_delta
    }

    /// Total of overhead bytes that the tool printed, after - before.
    #[getter]
    fn total_overhead_delta(&self) -> Option<i128> {
        self.inner.total_overhead_delta
    }

    /// Encoding, by Python's name.
    #[getter]
    fn encoding(&self) -> &str {
        &self.inner.about.encoding
    }

    /// Lines of the file.
    #[getter]
    fn line_count(&self) -> u64 {
        self.inner.about.lines.total()
    }

    /// Bytes of the file.
    #[getter]
    fn byte_count(&self) -> u64 {
        self.inner.about.byte_count
    }

    /// What became of the lines: rows, structure, preamble, blank, issues.
    #[getter]
    fn line_counts(&self) -> BTreeMap<&'static str, u64> {
        counts(&self.inner.about.lines)
    }

    /// A table by its name; those of symbols are empty before there are any.
    fn table(&self, name: &str) -> PyResult<Table> {
        let of_symbols = schema::SYMBOL_TABLES.iter().find(|table| table.name == name);
        let empty = of_symbols.map(|table| crate::Table::new(table, Vec::new()));
        named(name, self.inner.table(name).or(empty.as_ref()))
    }

    /// The frame that each stack counts for: the table `blame`. `allocators` has one column bool: which frames are an
    /// allocator's.
    fn blame(&self, py: Python<'_>, allocators: Rows) -> PyResult<Table> {
        let allocators = Flags::of(&allocators)?;
        let stacks = self.inner.table("stacks");
        pool::run(py, None, || diff::blame(stacks, |frame| allocators.has(frame))).map(Table::from)
    }
}

/// Why trace ids and addresses of two logs must not be matched; None if they may be.
#[pyfunction]
pub fn why_not_one_run(before: &Snapshot, after: &Snapshot) -> Option<String> {
    crate::snapshot::why_not_one_run(&before.inner, &after.inner)
}
