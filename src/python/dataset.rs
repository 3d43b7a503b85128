//! What `heapdelta._dataset` asks of the core.

use std::{
    collections::HashSet,
    fs::File,
    path::PathBuf,
    sync::{PoisonError, RwLock},
};

use arrow_array::{StringViewArray, cast::AsArray, types::UInt64Type};
use arrow_schema::DataType;

use pyo3::{
    exceptions::{PyKeyError, PyValueError},
    prelude::*,
};

use super::{
    arrow::{Rows, Table},
    dump::Dump,
    pool,
    snapshot::{Comparison, Snapshot},
};
use crate::{
    dataset,
    input::hash,
    log::sink::LineCounts,
    snapshot::{About, Header},
    table::{self, schema},
};

/// Any capture.
#[derive(FromPyObject)]
pub enum AnyCapture<'py> {
    #[pyo3(transparent)]
    Snapshot(PyRef<'py, Snapshot>),
    #[pyo3(transparent)]
    Comparison(PyRef<'py, Comparison>),
    #[pyo3(transparent)]
    Dump(PyRef<'py, Dump>),
}

impl AnyCapture<'_> {
    fn table(&self, name: &str) -> Option<&table::Table> {
        match self {
            Self::Snapshot(log) => log.inner.table(name),
            Self::Comparison(comparison) => comparison.inner.table(name),
            Self::Dump(dump) => dump.inner.table(name),
        }
    }
}

/// The rows of one table of captures of one kind, one behind the other, after ``place`` (the number of the capture), ``case`` and
/// ``capture``, which have one name for each capture.
#[pyfunction]
pub fn gathered(captures: Vec<AnyCapture<'_>>, name: &str, cases: Vec<String>, keys: Vec<String>) -> PyResult<Table> {
    let tables = captures.iter().map(|capture| {
        capture.table(name).ok_or_else(|| PyKeyError::new_err(format!("expected the name of a table, found {name}")))
    });
    let tables = tables.collect::<PyResult<Vec<_>>>()?;
    let named =
        [("case", StringViewArray::from_iter_values(cases)), ("capture", StringViewArray::from_iter_values(keys))];
    let table = dataset::gathered(tables.into_iter(), &named);
    let table = table.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(table.ok_or_else(|| PyValueError::new_err("expected a capture, found none"))?.into())
}

/// How many issues a capture has; a row of them can stand for many.
#[pyfunction]
pub fn issue_count(capture: AnyCapture<'_>) -> u64 {
    let batches = capture.table("issues").into_iter().flat_map(|table| &table.batches);
    let counts = batches.filter_map(|batch| batch.column_by_name("count")?.as_primitive_opt::<UInt64Type>());
    counts.flat_map(|counts| counts.iter().flatten()).fold(0, u64::saturating_add)
}

/// Keys of frames and stacks that a dataset has.
#[pyclass(frozen, module = "heapdelta._native")]
#[derive(Default)]
pub struct Keys {
    inner: RwLock<dataset::Keys>,
}

#[pymethods]
impl Keys {
    /// Take the keys of frames, and those of stacks: each a table with one column u64.
    #[new]
    fn new(frames: Rows, stacks: Rows) -> PyResult<Self> {
        let numbers = |rows: &Rows| -> PyResult<HashSet<u64, ahash::RandomState>> {
            let columns = rows.only_column(&DataType::UInt64)?;
            Ok(columns
                .flat_map(|column| column.as_primitive::<UInt64Type>().iter().flatten().collect::<Vec<_>>())
                .collect())
        };
        let inner = dataset::Keys { frames: numbers(&frames)?, stacks: numbers(&stacks)? };
        Ok(Self { inner: RwLock::new(inner) })
    }

    /// Take in others.
    fn add(&self, py: Python<'_>, other: &Self) {
        py.detach(|| {
            let other = other.inner.read().unwrap_or_else(PoisonError::into_inner);
            let mut own = self.inner.write().unwrap_or_else(PoisonError::into_inner);
            own.frames.extend(&other.frames);
            own.stacks.extend(&other.stacks);
        });
    }

    /// How many they are.
    fn __len__(&self) -> usize {
        let own = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        own.frames.len() + own.stacks.len()
    }
}

/// The frames and stacks of logs or comparisons that are not known, each distinct one once: ``frame`` (its key) before the
/// columns of `frames`; ``fingerprint``, ``depth``, ``frames``; the ``fingerprint`` of every stack of all; and the new keys.
#[pyfunction]
pub fn shared_stacks(
    py: Python<'_>,
    captures: Vec<AnyCapture<'_>>,
    known: Option<&Keys>,
) -> PyResult<(Table, Table, Table, Keys)> {
    let tables = captures.iter().map(|capture| Some((capture.table("frames")?, capture.table("stacks")?)));
    let tables: Option<Vec<_>> = tables.collect();
    let tables = tables.ok_or_else(|| PyValueError::new_err("expected captures with stacks"))?;
    let none = Keys::default();
    let known = known.unwrap_or(&none);
    let shared = py.detach(|| {
        let known = known.inner.read().unwrap_or_else(PoisonError::into_inner);
        dataset::shared(tables.into_iter(), &known)
    });
    let shared = shared.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let fresh = Keys { inner: RwLock::new(shared.fresh) };
    Ok((shared.frames.into(), shared.stacks.into(), shared.fingerprints.into(), fresh))
}

/// The frame that each stack of a dataset is blamed on: the number of a row of ``frames`` (``frame``, ``allocator``), null
/// without one. ``stacks`` has lists of keys, ``frames``.
#[pyfunction]
pub fn blamed_frames(py: Python<'_>, stacks: Rows, frames: Rows) -> PyResult<Table> {
    let blamed = pool::run(py, None, || dataset::walk(&stacks.0, &frames.0)?.blamed())?;
    blamed.map(Table::from).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// What stacks of a dataset are compared by: one row per stack and frame from the blamed one outward (``stack``, ``number``,
/// ``token``, ``weight``); ``token`` and ``group`` of every frame; the frame that each stack is blamed on.
#[pyfunction]
pub fn stack_index(py: Python<'_>, stacks: Rows, frames: Rows, decay: f64) -> PyResult<(Table, Table, Table)> {
    let index = pool::run(py, None, || {
        let (walk, tokens) = rayon::join(|| dataset::walk(&stacks.0, &frames.0), || dataset::tokens(&frames.0));
        walk?.index(tokens?, decay)
    })?;
    let index = index.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((index.rows.into(), index.tokens.into(), index.blamed.into()))
}

/// A number for the module list of each log, which is the same for lists of the same files at the same addresses.
#[pyfunction]
pub fn modules_keys(logs: Vec<PyRef<'_, Snapshot>>) -> Vec<u64> {
    logs.iter().map(|log| dataset::modules_key(log.inner.table("modules"))).collect()
}

/// The XXH128 hashes of files, as hexadecimal digits; None for what cannot be read to its end.
#[pyfunction]
pub fn content_hashes(py: Python<'_>, paths: Vec<PathBuf>) -> Vec<Option<String>> {
    let hashed = |path: PathBuf| hash::content_hash(&mut File::open(path).ok()?).ok();
    py.detach(|| paths.into_iter().map(hashed).collect())
}

/// The XXH3 hash of some text, as 16 hexadecimal digits.
#[pyfunction]
pub fn key_of(text: &str) -> String {
    format!("{:016X}", hash::text_key(text))
}

/// The tables of a log, a comparison or a minidump without any rows, by the noun that captures are called. A log has those of symbols,
/// too.
#[pyfunction]
pub fn empty_tables(noun: &str) -> PyResult<Vec<(&'static str, Table)>> {
    let (tables, more): (&[&schema::TableSchema], &[&schema::TableSchema]) = match noun {
        "a heap log" => (&schema::SNAPSHOT_TABLES, &schema::SYMBOL_TABLES),
        "the comparison of two logs" => (&schema::COMPARISON_TABLES, &[]),
        "a minidump" => (&schema::DUMP_TABLES, &[]),
        _ => return Err(PyKeyError::new_err(format!("expected what captures are called, found {noun}"))),
    };
    Ok(tables.iter().chain(more).map(|table| (table.name, table::Table::new(table, Vec::new()).into())).collect())
}

/// Make a snapshot of rows of a dataset, by the name of each table; a table that is not given is empty.
#[pyfunction]
#[pyo3(signature = (tables, *, path, format, encoding, tool_version, taken_at, machine, pid, pointer_width, byte_count, line_counts))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn restored(
    tables: Vec<(String, Rows)>,
    path: Option<PathBuf>,
    format: String,
    encoding: String,
    tool_version: Option<String>,
    taken_at: Option<String>,
    machine: Option<String>,
    pid: Option<u32>,
    pointer_width: u32,
    byte_count: u64,
    line_counts: (u64, u64, u64, u64, u64),
) -> PyResult<Snapshot> {
    let (rows, structure, preamble, blank, issues) = line_counts;
    let lines = LineCounts { rows, structure, preamble, blank, issues };
    let about = About { path, encoding, lines, byte_count };
    let header = Header { format, tool_version, taken_at, machine, pid, pointer_width };
    let tables = tables.into_iter().map(|(name, rows)| (name, rows.0)).collect();
    let inner = dataset::restored(about, header, &tables);
    inner.map(|inner| Snapshot { inner }).map_err(|error| PyValueError::new_err(error.to_string()))
}
