//! A minidump: its header, its tables, and the memory that it holds.

use std::borrow::Cow;

use crate::{
    dump::{
        self,
        header::DumpHeader,
        heap::{
            find::{Found, Kind},
            space::Space,
        },
        memory::Memory,
    },
    error::{Error, ErrorKind, Result},
    input::{archive::fault::Fault, content::Content},
    snapshot::{About, find},
    table::{Table, dump::unclassed},
};

/// One dump as tables, beside its content.
#[derive(Debug, Clone)]
pub struct Dump {
    /// The file.
    pub about: About,
    /// The header.
    pub header: DumpHeader,
    tables: Vec<(&'static str, Table)>,
    /// Absent once it was closed.
    content: Option<Content>,
    memory: Memory,
    heaps: Box<HeapPlaces>,
}

/// Where heaps are, and who lists them.
#[derive(Debug, Clone)]
struct HeapPlaces {
    /// By address; absent where the dump has no list of regions.
    found: Option<Vec<Found>>,
    /// Environment blocks of threads, through which the process's own list of its heaps is found.
    tebs: Vec<u64>,
}

/// What the walk of heaps needs.
pub(super) struct HeapSources<'a> {
    pub space: Space<'a>,
    /// Absent where the dump has no list of regions.
    pub found: Option<&'a [Found]>,
    /// Environment blocks of threads.
    pub tebs: &'a [u64],
}

impl Dump {
    /// Reads a dump, on `threads` threads at the most; by default on a few. Faults of the archive that it is from are issues.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotADump`].
    pub(crate) fn new(
        content: Content,
        path: Option<std::path::PathBuf>,
        threads: Option<usize>,
        faults: &[Fault],
    ) -> Result<Self> {
        let mut rows = dump::read(&content)?;
        rows.issues.extend(faults.iter().map(dump::issues::of_archive));
        let candidates = std::mem::take(&mut rows.candidates);
        let with_regions = !rows.regions.is_empty();
        let (heads, tables) = content.heads_at(&candidates.places, threads, || unclassed(&mut rows));
        let found = rows.classes.mark_heaps(&candidates, &heads);
        let tebs = rows.threads.iter().filter_map(|thread| Some(thread.listed?.teb)).filter(|teb| *teb != 0).collect();
        let about = About { path, encoding: "binary".to_owned(), byte_count: content.len() as u64, ..About::default() };
        Ok(Self {
            about,
            tables: tables.with(&rows.classes),
            header: rows.header,
            memory: rows.memory,
            content: Some(content.without_file()),
            heaps: Box::new(HeapPlaces { found: with_regions.then_some(found), tebs }),
        })
    }

    /// What the walk of its heaps needs.
    pub(super) fn heap_sources(&self) -> Result<HeapSources<'_>> {
        let space = Space { file: self.content()?, memory: &self.memory };
        Ok(HeapSources { space, found: self.heaps.found.as_deref(), tebs: &self.heaps.tebs })
    }

    /// How many segment heaps there are by their signatures, as far as the dump lists its regions.
    pub fn segment_heap_count(&self) -> usize {
        let found = self.heaps.found.iter().flatten();
        found.filter(|one| one.kind == Kind::SegmentHeap).count()
    }

    /// A table by its name; see [`crate::schema::DUMP_TABLES`].
    pub fn table(&self, name: &str) -> Option<&Table> {
        find(&self.tables, name)
    }

    /// Bytes of the process, as it saw them at `address`: borrowed from the file where they are there in one piece.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AbsentMemory`] names the first part that the dump does not hold; [`ErrorKind::Closed`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use heapdelta::{Capture, Options, read};
    ///
    /// let Capture::Dump(dump) = read("app.dmp", &Options::default())? else { panic!("not a dump") };
    /// let header = dump.bytes_at(0x7FF7_8000_0000, 64)?;
    /// assert!(header.starts_with(b"MZ"));
    /// # Ok::<(), heapdelta::Error>(())
    /// ```
    pub fn bytes_at(&self, address: u64, size: u64) -> Result<Cow<'_, [u8]>> {
        self.memory.bytes_at(self.content()?, address, size).map_err(|absent| {
            let kind =
                ErrorKind::AbsentMemory { address, size, absent_address: absent.address, absent_size: absent.size };
            Error::new(kind).in_file(self.about.path.clone())
        })
    }

    /// The file's own bytes, shared.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`], if this is what [`closed`](Self::closed) gave.
    pub fn content(&self) -> Result<&Content> {
        let closed = || Error::new(ErrorKind::Closed).in_file(self.about.path.clone());
        self.content.as_ref().ok_or_else(closed)
    }

    /// The same header and tables without the file, which is let go of with the last dump that has it.
    ///
    /// On Windows a file that is mapped can be neither deleted, nor replaced, nor cut.
    #[must_use]
    pub fn closed(&self) -> Self {
        Self { content: None, memory: Memory::default(), ..self.clone() }
    }
}
