//! `Dump` as Python sees it: a header, tables by name, and memory without a copy.

use pyo3::{prelude::*, types::PyMemoryView};

use super::{
    arrow::{Bytes, Table, named},
    error::exception,
    symbols::SymbolStore,
};

/// One minidump. Wrapped by `heapdelta.Dump`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Dump {
    pub(super) inner: crate::Dump,
}

#[pymethods]
impl Dump {
    /// The file, None for bytes.
    #[getter]
    fn path(&self) -> Option<String> {
        self.inner.about.path.as_ref().map(|path| path.display().to_string())
    }

    /// Always minidump.
    #[getter]
    fn format(&self) -> &'static str {
        "minidump"
    }

    /// Bytes of the file.
    #[getter]
    fn byte_count(&self) -> u64 {
        self.inner.about.byte_count
    }

    /// When it was taken, seconds since 1970 UTC.
    #[getter]
    fn taken_at(&self) -> Option<i64> {
        self.inner.header.taken_at
    }

    /// When the process was made, seconds since 1970 UTC.
    #[getter]
    fn process_created_at(&self) -> Option<i64> {
        self.inner.header.process_created_at
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

    /// windows, linux, macos and so on.
    #[getter]
    fn os(&self) -> Option<&str> {
        self.inner.header.os.as_deref()
    }

    /// Version and build of the system.
    #[getter]
    fn os_version(&self) -> Option<&str> {
        self.inner.header.os_version.as_deref()
    }

    /// Name of the service pack.
    #[getter]
    fn service_pack(&self) -> Option<&str> {
        self.inner.header.service_pack.as_deref()
    }

    /// x86, amd64, arm64 and so on.
    #[getter]
    fn cpu(&self) -> Option<&str> {
        self.inner.header.cpu.as_deref()
    }

    /// Processors of the machine.
    #[getter]
    fn processor_count(&self) -> Option<u32> {
        self.inner.header.processor_count
    }

    /// Seconds of CPU time outside the kernel.
    #[getter]
    fn user_time(&self) -> Option<f64> {
        self.inner.header.user_time.map(f64::from)
    }

    /// Seconds of CPU time in the kernel.
    #[getter]
    fn kernel_time(&self) -> Option<f64> {
        self.inner.header.kernel_time.map(f64::from)
    }

    /// Words that were put in with the dump.
    #[getter]
    fn comment(&self) -> Option<&str> {
        self.inner.header.comment.as_deref()
    }

    /// The exception for which it was taken: code, address, thread id.
    #[getter]
    fn exception(&self) -> Option<(u32, u64, u32)> {
        self.inner.header.exception.map(|exception| (exception.code, exception.address, exception.thread_id))
    }

    /// MINIDUMP_TYPE, as the writer was asked for.
    #[getter]
    fn flags(&self) -> u64 {
        self.inner.header.flags
    }

    /// A table by its name.
    fn table(&self, name: &str) -> PyResult<Table> {
        named(name, self.inner.table(name))
    }

    /// The heaps of the process, walked now; with contents, what blocks begin with is looked at as well.
    #[pyo3(signature = (threads=None, contents=false, symbols=None))]
    fn heap_walk(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        contents: bool,
        symbols: Option<&HeapSymbols>,
    ) -> PyResult<HeapWalk> {
        let none = crate::HeapSymbols::default();
        let symbols = symbols.map_or(&none, |symbols| &symbols.inner);
        let walk = py.detach(|| self.inner.heap_walk_with(threads, contents, symbols));
        Ok(HeapWalk { inner: walk.map_err(|error| exception(py, &error))? })
    }

    /// How many segment heaps show by their signatures. What is in their page segments, only a walk tells.
    #[getter]
    fn segment_heap_count(&self) -> usize {
        self.inner.segment_heap_count()
    }

    /// What symbols say of the structures of heaps; None where the store has no PDB of the very ntdll.dll of the dump.
    fn heap_symbols(&self, py: Python<'_>, store: &SymbolStore) -> Option<HeapSymbols> {
        let inner = py.detach(|| self.inner.heap_symbols(&store.inner))?;
        Some(HeapSymbols { inner })
    }

    /// The same without the file.
    fn closed(&self) -> Self {
        Self { inner: self.inner.closed() }
    }

    /// Bytes of the process: a view of the file where they are there in one piece, else of a copy.
    fn bytes_at<'py>(&self, py: Python<'py>, address: u64, size: u64) -> PyResult<Bound<'py, PyMemoryView>> {
        let bytes = match self.inner.bytes_at(address, size).map_err(|error| exception(py, &error))? {
            std::borrow::Cow::Borrowed(part) => {
                let content = self.inner.content().map_err(|error| exception(py, &error))?.clone();
                let start = (part.as_ptr() as usize).wrapping_sub(content.as_ptr() as usize);
                let start = if part.is_empty() { 0 } else { start };
                Bytes { start, size: part.len(), content }
            }
            std::borrow::Cow::Owned(copy) => {
                let size = copy.len();
                Bytes { content: crate::Content::new(copy), start: 0, size }
            }
        };
        PyMemoryView::from(Bound::new(py, bytes)?.as_any())
    }
}

/// Layouts of heaps from PDBs of ntdll.dll.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct HeapSymbols {
    inner: crate::HeapSymbols,
}

/// The heaps of a minidump as tables.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct HeapWalk {
    inner: crate::HeapWalk,
}

#[pymethods]
impl HeapWalk {
    /// A table by its name: heaps, segments, allocations, sizes, usage, stacks, frames or issues; with contents also contents or crt_blocks.
    fn table(&self, name: &str) -> PyResult<Table> {
        named(name, self.inner.table(name))
    }
}

/// Why addresses in two dumps must not be compared; None if they may be.
#[pyfunction]
pub fn why_not_one_process(before: &Dump, after: &Dump) -> Option<String> {
    crate::snapshot::why_not_one_process(&before.inner, &after.inner)
}
