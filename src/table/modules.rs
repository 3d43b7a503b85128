//! The `modules` table, and the map from an address to the module that holds it.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, RecordBatch, StringViewArray, UInt32Array, UInt64Array, cast::AsArray, new_null_array,
    types::UInt64Type,
};

use super::{Table, schema, text::texts};
use crate::log::sink::{Module, SymbolNote};

/// Which module holds an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ModuleMap {
    /// Sorted by base; where two overlap, the one that is first in the file wins.
    ranges: Vec<Range>,
}

/// A module's place in the address space: `[base, end)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub base: u64,
    /// Address behind the last.
    pub end: u64,
    /// The module's name, as `modules.name` gives it.
    pub name: Arc<str>,
    /// The name as it is in fingerprints.
    pub lower_name: String,
}

impl Range {
    /// The place of a module of this name.
    pub fn new(base: u64, end: u64, name: &Arc<str>) -> Self {
        Self { base, end, name: Arc::clone(name), lower_name: name.to_lowercase() }
    }
}

impl ModuleMap {
    /// The map of a list of modules with the names that [`names`] gave them.
    pub fn new(modules: &[Module], names: &[Arc<str>]) -> Self {
        let with_place = modules.iter().zip(names).filter_map(|(module, name)| {
            let (base, size) = (module.base?, module.size?);
            Some(Range::new(base, base.saturating_add(size), name))
        });
        Self::of_ranges(with_place.collect())
    }

    /// The map of places in file order.
    pub fn of_ranges(mut ranges: Vec<Range>) -> Self {
        ranges.sort_by_key(|range| range.base);
        ranges.dedup_by_key(|range| range.base);
        Self { ranges }
    }

    /// The map of a table `modules`.
    pub fn of_table(modules: Option<&Table>) -> Self {
        let batches = modules.map_or(&[][..], |table| &table.batches);
        let ranges = batches.iter().filter_map(|batch| {
            let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
            let names: &StringViewArray = batch.column_by_name("name")?.as_string_view_opt()?;
            let rows = number("base")?.iter().zip(number("size")?).zip(names);
            Some(rows.filter_map(|((base, size), name)| {
                let (base, name) = (base?, Arc::from(name?));
                Some(Range::new(base, base.saturating_add(size?), &name))
            }))
        });
        Self::of_ranges(ranges.flatten().collect())
    }

    /// The places, sorted by base.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// The module whose `[base, base + size)` holds the address.
    pub fn of_address(&self, address: u64) -> Option<&Range> {
        let after = self.ranges.partition_point(|range| range.base <= address);
        self.ranges[..after].last().filter(|range| address < range.end)
    }
}

/// The file name at the end of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// The file of a module; for one without, the name that debuggers give it.
pub fn named_file(file: &str, base: Option<u64>) -> Cow<'_, str> {
    match base.filter(|_| file.is_empty()) {
        Some(base) => Cow::Owned(format!("Unknown_Module_{base:08x}")),
        None => Cow::Borrowed(file),
    }
}

fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}

/// Names modules as a debugger does: file name without extension. Where different files share a stem (`app.exe`,
/// `app.dll`) the program keeps it, else the library, and the others are named in full, so that their growth is never
/// added together.
pub fn names<'a>(files: impl Iterator<Item = &'a str> + Clone) -> Vec<Arc<str>> {
    let rank = |file: &str| match file.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()) {
        Some(extension) if extension == "exe" => 0,
        Some(extension) if extension == "dll" => 1,
        _ => 2,
    };
    let mut owners: HashMap<String, String> = HashMap::new();
    for file in files.clone() {
        let file = file.to_lowercase();
        let owner = owners.entry(stem(&file).to_owned()).or_insert_with(|| file.clone());
        if (rank(&file), &file) < (rank(owner), owner) {
            *owner = file;
        }
    }
    let name = |file: &str| {
        let lower = file.to_lowercase();
        let owns = owners.get(stem(&lower)).is_none_or(|owner| *owner == lower);
        Arc::from(if owns { stem(file) } else { file })
    };
    files.map(name).collect()
}

/// Builds the table.
pub fn batch(modules: &[Module], names: &[Arc<str>], symbols: &[SymbolNote]) -> RecordBatch {
    let rows = modules.len();
    let mut notes: HashMap<String, &SymbolNote> = HashMap::new();
    for note in symbols {
        notes.insert(note.module.to_lowercase(), note);
    }
    let note = |index: usize| {
        let file = file_name(&modules[index].path).to_lowercase();
        notes.get(&names[index].to_lowercase()).or_else(|| notes.get(stem(&file)))
    };
    let kinds = texts((0..rows).map(|index| note(index).map(|note| note.symbols.as_str())));
    let files = texts((0..rows).map(|index| note(index).and_then(|note| note.file.as_deref())));
    let missing = |column: &str| {
        let field = schema::MODULES.arrow();
        let kind = field.field_with_name(column).map(|field| field.data_type().clone());
        new_null_array(&kind.unwrap_or(arrow_schema::DataType::Utf8View), rows)
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(modules.iter().map(|module| module.base).collect::<UInt64Array>()),
        Arc::new(modules.iter().map(|module| module.size).collect::<UInt64Array>()),
        texts(names.iter().map(|name| Some(name.as_ref()))),
        texts(modules.iter().map(|module| Some(module.path.as_str()))),
        missing("version"),
        Arc::new(UInt32Array::new_null(rows)),
        missing("debug_id"),
        kinds,
        files,
        Arc::new(BooleanArray::from(modules.iter().map(|module| module.inferred).collect::<Vec<_>>())),
    ];
    super::batch(&schema::MODULES, columns)
}
