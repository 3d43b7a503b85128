//! Synthetic logs and dumps, for `heapdelta.testing`: options in, a file written, its known answer out as a dictionary.

use std::{collections::HashMap, fs::File, io, path::PathBuf};

use pyo3::{prelude::*, types::PyDict};

use super::error::exception;
use crate::{
    error::{Error, ErrorKind},
    testing::{
        Encoding, LineEnd,
        dump::{
            Damage,
            process::{self, Sums, write_process},
            reference as reference_dump,
            reference::write_reference as write_full,
        },
        investigation::{
            self, Dialect, Totals,
            series::{Series, SeriesOptions},
            write_investigation,
        },
        reference::{self, Kind, write_reference},
    },
};

/// What a log holds, by name.
pub(super) type Answer = HashMap<String, Py<PyAny>>;

/// Write a benchmark log. Wrapped by `heapdelta.testing.write_reference_log`.
#[pyfunction]
#[pyo3(signature = (path, kind, byte_count, seed, grown=false, step=0))]
pub fn write_reference_log(
    py: Python<'_>,
    path: PathBuf,
    kind: &str,
    byte_count: u64,
    seed: u64,
    grown: bool,
    step: u64,
) -> PyResult<Answer> {
    if grown && step > 0 {
        return Err(wrong(py, "grown=False with a step", "grown=True"));
    }
    let kind = Kind::of(kind).ok_or_else(|| wrong(py, "kind \"blocks\", \"mixed\", \"heaps\" or \"field\"", kind))?;
    let options = reference::Options { kind, byte_count, seed, grown, step };
    let answer = written(py, path, |out| write_reference(out, &options))?;
    let about = PyDict::new(py);
    for (name, value) in [
        ("byte_count", answer.byte_count),
        ("line_count", answer.line_count),
        ("block_count", answer.block_count),
        ("heap_count", answer.heap_count),
        ("stack_count", answer.stack_count),
        ("frame_count", answer.frame_count),
        ("distinct_frame_count", answer.distinct_frame_count),
        ("requested_bytes", answer.requested_bytes),
        ("overhead_bytes", answer.overhead_bytes),
        ("grown_block_count", answer.grown_block_count),
        ("grown_requested_bytes", answer.grown_requested_bytes),
        ("grown_overhead_bytes", answer.grown_overhead_bytes),
        ("born_block_count", answer.born_block_count),
        ("born_requested_bytes", answer.born_requested_bytes),
        ("died_block_count", answer.died_block_count),
    ] {
        about.set_item(name, value)?;
    }
    about.extract()
}

/// Write one log of the synthetic investigation. Wrapped by `heapdelta.testing.write_log`.
#[pyfunction]
#[pyo3(signature = (path, *, step, seed, run, stack_count, dialect, pointer_width, line_end, encoding))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn write_investigation_log(
    py: Python<'_>,
    path: PathBuf,
    step: u64,
    seed: u64,
    run: u64,
    stack_count: u64,
    dialect: &str,
    pointer_width: u32,
    line_end: &str,
    encoding: &str,
) -> PyResult<Answer> {
    let options = investigation::Options {
        seed,
        step,
        run,
        stack_count,
        dialect: Dialect::of(dialect).ok_or_else(|| wrong(py, "dialect \"umdh1\" or \"umdh2\"", dialect))?,
        pointer_width: width(py, pointer_width)?,
        line_end: LineEnd::of(line_end).ok_or_else(|| wrong(py, "line_end \\n, \\r\\n or \\r\\r\\n", line_end))?,
        encoding: Encoding::of(encoding)
            .ok_or_else(|| wrong(py, "encoding utf-8, utf-8-sig, utf-16-le, utf-16-be or windows-1252", encoding))?,
    };
    let answer = written(py, path, |out| write_investigation(out, &options))?;
    log_answer(py, answer)?.extract()
}

/// Write the symbols of the synthetic server: the names of the files, each with what is in it.
#[pyfunction]
pub fn server_symbols() -> PyResult<Vec<(String, Vec<u8>)>> {
    Ok(investigation::symbols::files()?)
}

/// Write the logs of days of the synthetic server. Wrapped by `heapdelta.testing.write_series`.
#[pyfunction]
#[pyo3(signature = (paths, *, seed, stack_count, hours_apart, restart_at))]
pub fn write_series_logs(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    seed: u64,
    stack_count: u64,
    hours_apart: u64,
    restart_at: Option<u64>,
) -> PyResult<Vec<Answer>> {
    let mut series = Series::new(SeriesOptions { seed, stack_count, hours_apart, restart_at });
    let mut answers = Vec::new();
    for path in paths {
        let answer = written(py, path, |out| series.write_next(out))?;
        let about = log_answer(py, answer.log)?;
        about.set_item("run", answer.run)?;
        for (name, births) in [
            ("leaked_by_birth", answer.leaked_by_birth),
            ("cached_by_birth", answer.cached_by_birth),
            ("sessions_by_birth", answer.sessions_by_birth),
        ] {
            let sums: PyResult<Vec<_>> = births.into_iter().map(|sums| totals(py, sums)).collect();
            about.set_item(name, sums?)?;
        }
        answers.push(about.extract()?);
    }
    Ok(answers)
}

pub(super) fn log_answer(py: Python<'_>, answer: investigation::Answer) -> PyResult<Bound<'_, PyDict>> {
    let about = PyDict::new(py);
    for (name, value) in [
        ("culprit", answer.culprit),
        ("cache", answer.cache),
        ("false_alarm", answer.false_alarm),
        ("taken_at", &answer.taken_at),
    ] {
        about.set_item(name, value)?;
    }
    for (name, value) in [
        ("byte_count", answer.byte_count),
        ("line_count", answer.line_count),
        ("heap_count", answer.heap_count),
        ("module_count", answer.module_count),
        ("stack_count", answer.stack_count),
        ("pid", answer.pid),
    ] {
        about.set_item(name, value)?;
    }
    for (name, sums) in [
        ("total", answer.total),
        ("leaked", answer.leaked),
        ("cached", answer.cached),
        ("without_stack", answer.without_stack),
        ("undefined", answer.undefined),
    ] {
        about.set_item(name, totals(py, sums)?)?;
    }
    let modules = PyDict::new(py);
    for (name, sums) in answer.modules {
        modules.set_item(name, totals(py, sums)?)?;
    }
    about.set_item("modules", modules)?;
    Ok(about)
}

/// Write one dump of the synthetic investigation. Wrapped by `heapdelta.testing.write_dump`.
#[pyfunction]
#[pyo3(signature = (path, *, step, seed, run, stack_count, pointer_width, full, damage))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn write_process_dump(
    py: Python<'_>,
    path: PathBuf,
    step: u64,
    seed: u64,
    run: u64,
    stack_count: u64,
    pointer_width: u32,
    full: bool,
    damage: Option<&str>,
) -> PyResult<Answer> {
    let defect = |name| Damage::of(name).ok_or_else(|| wrong(py, "damage of heapdelta.testing.DAMAGE", name));
    let damage = damage.map(defect).transpose()?;
    let options =
        process::Options { seed, step, run, stack_count, pointer_width: width(py, pointer_width)?, full, damage };
    if py.detach(|| process::plan(&options)).is_err() {
        return Err(wrong(py, "step whose growth fits into 32 bits", &step.to_string()));
    }
    let answer = written(py, path, |out| write_process(out, &options))?;
    let about = PyDict::new(py);
    for (name, value) in [
        ("byte_count", answer.byte_count),
        ("pid", answer.pid),
        ("taken_at", answer.taken_at),
        ("process_created_at", answer.process_created_at),
        ("module_count", answer.module_count),
        ("unloaded_module_count", answer.unloaded_module_count),
        ("thread_count", answer.thread_count),
        ("region_count", answer.region_count),
        ("handle_count", answer.handle_count),
        ("memory_range_count", answer.memory_range_count),
        ("memory_bytes", answer.memory_bytes),
        ("private_usage", answer.private_usage),
        ("heap_block_bytes", answer.heap_block_bytes),
    ] {
        about.set_item(name, value)?;
    }
    let classes = PyDict::new(py);
    for (name, Sums { committed_bytes, reserved_bytes, region_count }) in answer.classes {
        let sums =
            [("committed_bytes", committed_bytes), ("reserved_bytes", reserved_bytes), ("region_count", region_count)];
        classes.set_item(name, HashMap::from(sums))?;
    }
    about.set_item("classes", classes)?;
    about.set_item("modules", answer.modules)?;
    about.set_item("handle_types", answer.handle_types)?;
    about.set_item("thread_starts", answer.thread_starts)?;
    about.extract()
}

/// Write a benchmark dump. Wrapped by `heapdelta.testing.write_reference_dump`.
#[pyfunction]
#[pyo3(signature = (path, kind, seed, sizes))]
pub fn write_reference_dump(
    py: Python<'_>,
    path: PathBuf,
    kind: &str,
    seed: u64,
    sizes: HashMap<String, u64>,
) -> PyResult<HashMap<&'static str, u64>> {
    let options = reference_dump::Options::of(kind);
    let mut options = options.ok_or_else(|| wrong(py, "kind \"full-1g\" or \"full-2g\"", kind))?;
    options.seed = seed;
    for (name, value) in sizes {
        *(match name.as_str() {
            "memory_bytes" => &mut options.memory_bytes,
            "range_count" => &mut options.range_count,
            "region_count" => &mut options.region_count,
            "module_count" => &mut options.module_count,
            "handle_count" => &mut options.handle_count,
            "thread_count" => &mut options.thread_count,
            _ => return Err(wrong(py, "size of a reference dump", &name)),
        }) = value;
    }
    let answer = written(py, path, |out| write_full(out, &options))?;
    Ok(HashMap::from([
        ("byte_count", answer.byte_count),
        ("memory_bytes", answer.memory_bytes),
        ("range_count", answer.range_count),
        ("region_count", answer.region_count),
        ("module_count", answer.module_count),
        ("handle_count", answer.handle_count),
        ("thread_count", answer.thread_count),
        ("committed_bytes", answer.committed_bytes),
        ("reserved_bytes", answer.reserved_bytes),
        ("free_bytes", answer.free_bytes),
        ("image_bytes", answer.image_bytes),
        ("end_words", answer.end_words),
    ]))
}

/// The names of all defects that `write_process_dump` can write.
#[pyfunction]
pub fn damage_names() -> Vec<&'static str> {
    Damage::NAMED.iter().map(|(name, _)| *name).collect()
}

fn totals(py: Python<'_>, totals: Totals) -> PyResult<Bound<'_, PyDict>> {
    let about = PyDict::new(py);
    about.set_item("requested_bytes", totals.requested_bytes)?;
    about.set_item("overhead_bytes", totals.overhead_bytes)?;
    about.set_item("allocation_count", totals.allocation_count)?;
    Ok(about)
}

/// Creates the file and lets `write` fill it, without the interpreter.
pub(super) fn written<T: Send>(
    py: Python<'_>,
    path: PathBuf,
    write: impl FnOnce(&mut File) -> io::Result<T> + Send,
) -> PyResult<T> {
    let done = py.detach(|| write(&mut File::create(&path)?));
    done.map_err(|source| not_written(py, &source, path).unwrap_or_else(|failure| failure))
}

/// The `OSError` that Python itself would raise: by its number it becomes `FileNotFoundError` and the like.
fn not_written(py: Python<'_>, source: &io::Error, path: PathBuf) -> PyResult<PyErr> {
    let Some(number) = source.raw_os_error() else {
        return Ok(pyo3::exceptions::PyOSError::new_err(source.to_string()));
    };
    let words: String = py.import("os")?.call_method1("strerror", (number,))?.extract()?;
    Ok(pyo3::exceptions::PyOSError::new_err((number, words, path)))
}

pub(super) fn width(py: Python<'_>, pointer_width: u32) -> PyResult<u32> {
    let known = Some(pointer_width).filter(|width| matches!(width, 32 | 64));
    known.ok_or_else(|| wrong(py, "pointer_width 32 or 64", &pointer_width.to_string()))
}

pub(super) fn wrong(py: Python<'_>, expected: &'static str, found: &str) -> PyErr {
    exception(py, &Error::new(ErrorKind::Option { expected, found: format!("{found:?}") }))
}
