//! `read`: the work runs on threads of its own, without the interpreter, while this one minds Ctrl-C and progress.

use std::{
    path::PathBuf,
    sync::{atomic::Ordering, mpsc},
    thread,
    time::Duration,
};

use pyo3::{prelude::*, pybacked::PyBackedBytes};

use super::{
    archive::{ArchiveLimits, rules},
    dump::Dump,
    error::exception,
    snapshot::{Comparison, Snapshot},
};
use crate::{
    control::Control,
    engine::threads::Pool,
    error::{Error, ErrorKind},
    input::{Source, content::Content, text::Encoding},
    read::{Options, read_with},
    snapshot::Capture,
};

/// How often the waiting thread looks at signals and reports progress.
const TICK: Duration = Duration::from_millis(50);

/// A path or bytes.
#[derive(FromPyObject)]
pub enum Input {
    #[pyo3(transparent)]
    Bytes(PyBackedBytes),
    #[pyo3(transparent)]
    Path(PathBuf),
}

impl Input {
    /// A source; bytes have a name for messages, or none.
    pub fn named(self, name: Option<PathBuf>) -> Source<'static> {
        match self {
            Input::Bytes(bytes) => Source::Shared(Content::new(bytes), name),
            Input::Path(path) => Source::Path(path),
        }
    }
}

/// What `read` found.
#[derive(IntoPyObject)]
pub enum Found {
    Snapshot(Snapshot),
    Comparison(Comparison),
    Dump(Dump),
}

impl From<Capture> for Found {
    fn from(log: Capture) -> Self {
        match log {
            Capture::Snapshot(inner) => Found::Snapshot(Snapshot { inner }),
            Capture::Comparison(inner) => Found::Comparison(Comparison { inner }),
            Capture::Dump(inner) => Found::Dump(Dump { inner }),
        }
    }
}

/// What `read` would give, or raise.
#[derive(IntoPyObject)]
#[allow(clippy::large_enum_variant, reason = "it becomes an object of Python at once")]
pub enum FoundOrException {
    #[pyo3(transparent)]
    Found(Found),
    #[pyo3(transparent)]
    Exception(Py<PyAny>),
}

impl FoundOrException {
    /// What a read gave.
    pub fn new(py: Python<'_>, outcome: Result<Capture, Error>) -> Self {
        match outcome {
            Ok(capture) => Self::Found(capture.into()),
            Err(error) => Self::Exception(exception(py, &error).into_value(py).into_any()),
        }
    }
}

/// Read a heap log or a minidump. Wrapped by `heapdelta.read`.
#[pyfunction]
#[pyo3(signature = (source, *, threads=None, blocks=true, radix=None, capture=None, encoding=None, progress=None, name=None, password=None, limits=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn read(
    py: Python<'_>,
    source: Input,
    threads: Option<i64>,
    blocks: bool,
    radix: Option<i64>,
    capture: Option<i64>,
    encoding: Option<&str>,
    progress: Option<Py<PyAny>>,
    name: Option<PathBuf>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
) -> PyResult<Found> {
    let path = match &source {
        Input::Path(path) => Some(path),
        Input::Bytes(_) => name.as_ref(),
    };
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let options = Options {
        threads: natural(py, "threads from 1 to 1024", threads, path)?,
        blocks,
        radix: natural(py, "radix 10 or 16", radix, path)?,
        capture: natural(py, "a capture from 1", capture, path)?,
        encoding,
        archives: rules(password, encoding, limits),
        ..Options::default()
    };
    let total = match &source {
        Input::Bytes(bytes) => Some(bytes.len() as u64),
        Input::Path(path) => std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|about| about.len()),
    };
    let source = source.named(name);
    let control = Control::default();
    let outcome = watched(py, &control, total, progress.as_ref(), || read_with(&source, &options, &control))?;
    outcome.map(Found::from).map_err(|error| exception(py, &error))
}

/// Read small files one after the other: for each, what `read` gives, or the exception that it raises. Used by
/// `heapdelta.read_many`: a thread and a pool for each would take longer than to read it.
#[pyfunction]
#[pyo3(signature = (paths, *, blocks, encoding, progress, password=None, limits=None))]
pub fn read_each(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    blocks: bool,
    encoding: Option<&str>,
    progress: Py<PyAny>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
) -> PyResult<Vec<FoundOrException>> {
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let archives = rules(password, encoding, limits);
    let options = Options { threads: Some(1), blocks, encoding, archives, ..Options::default() };
    let control = Control::default();
    let pool = Pool::new(options.threads).map_err(|error| exception(py, &error))?;
    let read = |path: PathBuf| read_with(&Source::Path(path), &options, &control);
    let outcomes = watched(py, &control, None, Some(&progress), || {
        pool.install(|| paths.into_iter().map(read).collect::<Vec<_>>())
    })?;
    Ok(outcomes.into_iter().map(|outcome| FoundOrException::new(py, outcome)).collect())
}

/// Read every capture of a file that holds several, in two passes: for each, what `read` gives, or the exception that it raises.
#[pyfunction]
#[pyo3(signature = (path, *, blocks, encoding, progress, password=None, limits=None))]
pub fn read_every(
    py: Python<'_>,
    path: PathBuf,
    blocks: bool,
    encoding: Option<&str>,
    progress: Py<PyAny>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
) -> PyResult<Vec<FoundOrException>> {
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let archives = rules(password, encoding, limits);
    let options = Options { threads: Some(1), blocks, encoding, archives, ..Options::default() };
    let control = Control::default();
    let source = Source::Path(path);
    let outcomes =
        watched(py, &control, None, Some(&progress), || crate::read::read_every(&source, &options, &control))?;
    let outcomes = outcomes.map_err(|error| exception(py, &error))?;
    Ok(outcomes.into_iter().map(|outcome| FoundOrException::new(py, outcome)).collect())
}

/// Python's name of an encoding, by any of its names; None for one that is not known.
#[pyfunction]
pub fn encoding_name(name: &str) -> Option<String> {
    Encoding::named(name).map(Encoding::name)
}

/// The encoding of a name.
///
/// # Errors
///
/// `OptionError` for a name that is not known.
pub fn named(py: Python<'_>, name: &str) -> PyResult<Encoding> {
    let expected = "a code page such as cp932 or windows-1251 for encoding";
    Encoding::named(name).ok_or_else(|| exception(py, &ErrorKind::Option { expected, found: name.to_owned() }.into()))
}

/// Works on a thread of its own, while this one minds signals and progress; what they raise stops the work.
pub fn watched<T: Send>(
    py: Python<'_>,
    control: &Control,
    total: Option<u64>,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    py.detach(|| {
        thread::scope(|scope| {
            let (done, wait) = mpsc::channel();
            scope.spawn(move || {
                let _ = done.send(work());
            });
            let mut interrupted = None;
            loop {
                match wait.recv_timeout(TICK) {
                    Ok(outcome) => break interrupted.map_or(Ok(outcome), Err),
                    Err(mpsc::RecvTimeoutError::Timeout) if interrupted.is_none() => {
                        interrupted = Python::attach(|py| tick(py, control, total, progress)).err();
                        control.cancelled.store(interrupted.is_some(), Ordering::Relaxed);
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => {
                        let gone =
                            pyo3::exceptions::PyRuntimeError::new_err("the reading thread ended without a result");
                        break Err(interrupted.unwrap_or(gone));
                    }
                }
            }
        })
    })
}

/// A number that counts something; one that does not fit is an option out of range.
fn natural<T: TryFrom<i64>>(
    py: Python<'_>,
    expected: &'static str,
    value: Option<i64>,
    path: Option<&PathBuf>,
) -> PyResult<Option<T>> {
    let refuse = |value: i64| {
        let error = Error::from(ErrorKind::Option { expected, found: value.to_string() });
        exception(py, &error.in_file(path.cloned()))
    };
    value.map(|value| T::try_from(value).map_err(|_| refuse(value))).transpose()
}

fn tick(py: Python<'_>, control: &Control, total: Option<u64>, progress: Option<&Py<PyAny>>) -> PyResult<()> {
    py.check_signals()?;
    if let Some(progress) = progress {
        progress.call1(py, (control.bytes_done.load(Ordering::Relaxed), total))?;
    }
    Ok(())
}
