//! What a symbol file says of a place in its module.

use std::{collections::HashSet, sync::Arc};

/// What a file is, as far as names go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A PDB with functions, lines and inlined calls.
    Private,
    /// A PDB with the names of public symbols alone, as Microsoft's server has them.
    Public,
    /// An image with DWARF, of MinGW for example.
    Dwarf,
    /// Breakpad's text.
    Breakpad,
}

impl Kind {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Private => "private",
            Kind::Public => "public",
            Kind::Dwarf => "dwarf",
            Kind::Breakpad => "breakpad",
        }
    }
}

/// A place in a source file, and the function that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// Its name, undecorated.
    pub function: Option<Arc<str>>,
    /// The source file, as the compiler knew it.
    pub file: Option<Arc<str>>,
    /// Line in it.
    pub line: Option<u32>,
}

/// What a file says of one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The function that the place is in. Where others are inlined in it, its line is that of the call of the outermost.
    pub call: Call,
    /// Where the function begins: bytes from the base of its module.
    pub start: u32,
    /// The name as the linker knows it, where that is another.
    pub decorated: Option<Arc<str>>,
    /// More names of the same code: the linker folds functions that are alike.
    pub other_names: u32,
    /// It is the nearest public symbol before the place, and may be that of another function.
    pub is_public: bool,
    /// Inlined calls, innermost first.
    pub inlined: Vec<Call>,
}

/// Texts of a file, each kept once.
#[derive(Debug, Default)]
pub struct Texts(HashSet<Arc<str>>);

impl Texts {
    /// The one copy of a text.
    pub fn keep(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let kept: Arc<str> = text.into();
        self.0.insert(Arc::clone(&kept));
        kept
    }
}
