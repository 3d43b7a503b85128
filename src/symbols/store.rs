//! Where symbols are looked for, and the files that were opened.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::{fault::Fault, index::Index, opened::Opened, path::SymbolPath};

type File = Arc<OnceLock<Result<Arc<Opened>, Fault>>>;

/// Places with symbols. Files are opened when they are asked for, once.
#[derive(Default)]
pub struct Store {
    /// Folders and files, in the order in which they are searched.
    pub places: Vec<PathBuf>,
    /// Servers that a path names. Nothing is asked of them.
    pub servers: Vec<String>,
    index: OnceLock<Index>,
    files: Mutex<HashMap<PathBuf, File>>,
}

impl Store {
    /// The places of some paths, or of texts as in `_NT_SYMBOL_PATH`.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut store = Self::default();
        for path in paths {
            let found = SymbolPath::of(path);
            store.places.extend(found.places);
            store.servers.extend(found.servers);
        }
        store
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.places))
    }

    /// Folders and files that could not be looked at, and why.
    pub fn faults(&self) -> &[(PathBuf, String)] {
        &self.index().faults
    }

    /// The files of a name, without regard to case.
    pub(super) fn named(&self, name: &str) -> Vec<PathBuf> {
        self.index().named(name)
    }

    /// Opens a file, or gives the one that is open.
    pub(super) fn open(&self, path: &Path) -> Result<Arc<Opened>, Fault> {
        let file = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(files.entry(path.to_owned()).or_default())
        };
        file.get_or_init(|| Opened::of(path).map(Arc::new)).clone()
    }
}
