//! A minidump: its header, its tables, and the memory that it holds.

use std::borrow::Cow;

use crate::{
    dump::{self, header::DumpHeader, memory::Memory},
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
    content: Content,
    memory: Memory,
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
        let (words, tables) = content.words_at(&candidates.places, threads, || unclassed(&mut rows));
        rows.classes.mark_heaps(&candidates, &words);
        let about = About { path, encoding: "binary".to_owned(), byte_count: content.len() as u64, ..About::default() };
        let content = content.without_file();
        Ok(Self { about, tables: tables.with(&rows.classes), header: rows.header, memory: rows.memory, content })
    }

    /// A table by its name; see [`crate::schema::DUMP_TABLES`].
    pub fn table(&self, name: &str) -> Option<&Table> {
        find(&self.tables, name)
    }

    /// Bytes of the process, as it saw them at `address`: borrowed from the file where they are there in one piece.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AbsentMemory`] names the first part that the dump does not hold.
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
        self.memory.bytes_at(&self.content, address, size).map_err(|absent| {
            let kind =
                ErrorKind::AbsentMemory { address, size, absent_address: absent.address, absent_size: absent.size };
            Error::new(kind).in_file(self.about.path.clone())
        })
    }

    /// The file's own bytes, shared.
    pub fn content(&self) -> &Content {
        &self.content
    }
}
