//! The tables of a profile that describe the program, and the columns that say the same in every row.

use ahash::HashMap;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::export::Module;

/// A column of one value.
pub struct Repeated<T>(pub T, pub usize);

impl<T: Serialize + Copy> Serialize for Repeated<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(std::iter::repeat_n(self.0, self.1))
    }
}

/// Every text once, by number.
#[derive(Default)]
pub struct Texts {
    numbers: HashMap<String, u32>,
    pub all: Vec<String>,
}

impl Texts {
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = row(self.all.len());
        self.numbers.insert(text.to_owned(), number);
        self.all.push(text.to_owned());
        number
    }
}

/// The number of a row: a table of more than 2^32 would not be in memory.
fn row(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Calls at places.
#[derive(Default)]
pub struct Frames {
    funcs: Vec<u32>,
    lines: Vec<Option<u32>>,
    depths: Vec<usize>,
    categories: Vec<u32>,
}

impl Frames {
    pub fn length(&self) -> u32 {
        row(self.funcs.len())
    }

    /// `depth` is 0 for the function itself, and counts calls that were inlined in it.
    pub fn add(&mut self, func: u32, line: Option<u32>, depth: usize, category: u32) {
        self.funcs.push(func);
        self.lines.push(line);
        self.depths.push(depth);
        self.categories.push(category);
    }
}

impl Serialize for Frames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = self.funcs.len();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &length)?;
        // No address: it would mean that the Profiler is to look for names.
        map.serialize_entry("address", &Repeated(-1, length))?;
        map.serialize_entry("inlineDepth", &self.depths)?;
        map.serialize_entry("category", &self.categories)?;
        map.serialize_entry("subcategory", &Repeated(0, length))?;
        map.serialize_entry("func", &self.funcs)?;
        map.serialize_entry("nativeSymbol", &Repeated((), length))?;
        map.serialize_entry("innerWindowID", &Repeated(0, length))?;
        map.serialize_entry("line", &self.lines)?;
        map.serialize_entry("column", &Repeated((), length))?;
        map.end()
    }
}

/// Functions of modules.
#[derive(Default)]
pub struct Funcs {
    names: Vec<u32>,
    files: Vec<Option<u32>>,
    resources: Vec<i64>,
}

impl Funcs {
    pub fn add(&mut self, name: u32, file: Option<u32>, module: Option<u32>) -> u32 {
        self.names.push(name);
        self.files.push(file);
        self.resources.push(module.map_or(-1, i64::from));
        row(self.names.len() - 1)
    }
}

impl Serialize for Funcs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = self.names.len();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &length)?;
        map.serialize_entry("name", &self.names)?;
        map.serialize_entry("isJS", &Repeated(false, length))?;
        map.serialize_entry("relevantForJS", &Repeated(false, length))?;
        map.serialize_entry("resource", &self.resources)?;
        map.serialize_entry("fileName", &self.files)?;
        map.serialize_entry("lineNumber", &Repeated((), length))?;
        map.serialize_entry("columnNumber", &Repeated((), length))?;
        map.end()
    }
}

/// Modules as resources: row for row those of [`Libraries`].
pub struct Resources {
    names: Vec<u32>,
}

impl Resources {
    pub fn new(modules: &[Module], texts: &mut Texts) -> Self {
        Self { names: modules.iter().map(|module| texts.number(&module.name)).collect() }
    }
}

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The kind of resource that a library is.
        const LIBRARY: u32 = 1;
        let length = self.names.len();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &length)?;
        map.serialize_entry("lib", &(0..length).collect::<Vec<_>>())?;
        map.serialize_entry("name", &self.names)?;
        map.serialize_entry("host", &Repeated((), length))?;
        map.serialize_entry("type", &Repeated(LIBRARY, length))?;
        map.end()
    }
}

/// Modules as files.
pub struct Libraries<'a>(pub &'a [Module]);

impl Serialize for Libraries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Library<'a> {
            name: &'a str,
            path: &'a str,
            debug_name: &'a str,
            debug_path: &'a str,
            breakpad_id: &'a str,
            code_id: Option<&'a str>,
            arch: Option<&'a str>,
        }
        serializer.collect_seq(self.0.iter().map(|module| Library {
            name: &module.name,
            path: &module.path,
            debug_name: &module.name,
            debug_path: &module.path,
            breakpad_id: module.debug_id.as_deref().unwrap_or_default(),
            code_id: None,
            arch: None,
        }))
    }
}

/// Frames with the row they were called from.
#[derive(Default)]
pub struct StackTable {
    frames: Vec<u32>,
    prefixes: Vec<Option<u32>>,
}

impl Serialize for StackTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &self.frames.len())?;
        map.serialize_entry("prefix", &self.prefixes)?;
        map.serialize_entry("frame", &self.frames)?;
        map.end()
    }
}

/// The stack table, and where each node of the tree ends in it.
pub struct StackRows {
    pub table: StackTable,
    pub last_of_node: Vec<u32>,
}

impl StackRows {
    pub fn with_capacity(nodes: usize) -> Self {
        let table = StackTable { frames: Vec::with_capacity(nodes), prefixes: Vec::with_capacity(nodes) };
        Self { table, last_of_node: Vec::with_capacity(nodes) }
    }

    pub fn add(&mut self, frame: u32, prefix: Option<u32>) -> u32 {
        self.table.frames.push(frame);
        self.table.prefixes.push(prefix);
        row(self.table.frames.len() - 1)
    }
}
