//! A log whose addresses have names: from PDBs and other files of symbols.
//!
//! Invariant: frames keep their ids, texts and modules, and stacks their fingerprints. What a tool had printed resolved stays as it is.

mod contents;
mod tables;
mod taken_back;
mod texts;

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, PrimitiveArray, RecordBatch,
    cast::AsArray,
    types::{ArrowPrimitiveType, UInt32Type, UInt64Type},
};
use rayon::prelude::*;

pub use contents::{NamedContents, name_contents};
use texts::Texts;

use crate::{
    snapshot::{
        Snapshot,
        modules::{Module, texts},
    },
    symbols::{Address, Code, Named, Names, Outcome, Store, Wanted, id::Id, resolve},
    table::{Table, batch, modules::file_name, schema},
};

/// What symbols say of addresses.
pub struct Looked {
    /// The table `symbols`.
    pub symbols: Table,
    /// The table `names`.
    pub names: Table,
    /// The table `inlines`; a frame is the row of an address.
    pub inlines: Table,
}

/// Looks addresses up in the symbols of modules: rows of a table `modules`, of a log or of a dump. Where nothing but a name, or name and
/// size, shows a file to be the right one, it is taken if `by_name`.
pub fn look_up(
    store: &Store,
    modules: Option<&Table>,
    addresses: &[Option<u64>],
    kind: Address,
    by_name: bool,
) -> Looked {
    let found = Resolved::of(store, modules, vec![addresses.iter().copied()], kind, by_name);
    let (texts, named) = (Texts::of(&found.names), found.names.of(0..addresses.len()));
    Looked {
        symbols: Table::new(&schema::SYMBOLS, vec![found.symbols()]),
        names: Table::new(&schema::NAMES, vec![tables::names(&named, &texts)]),
        inlines: Table::new(&schema::INLINES, vec![tables::inlines(0, &named, &texts)]),
    }
}

/// Addresses that were looked up, and the modules that they are in.
struct Resolved<'a> {
    modules: Vec<Module<'a>>,
    codes: Vec<Code<'a>>,
    outcomes: Vec<Outcome>,
    names: Names,
}

impl<'a> Resolved<'a> {
    fn of<A: ExactSizeIterator<Item = Option<u64>> + Send>(
        store: &Store,
        table: Option<&'a Table>,
        addresses: Vec<A>,
        kind: Address,
        by_name: bool,
    ) -> Self {
        let modules = Module::list(table);
        let codes = codes(&modules, table);
        let (outcomes, names) = resolve(store, &codes, addresses, kind, by_name);
        Self { modules, codes, outcomes, names }
    }

    fn symbols(&self) -> RecordBatch {
        tables::symbols(&self.modules, &self.codes, &self.outcomes)
    }
}

impl Snapshot {
    /// This log with names for its addresses; those of a log that has names are asked anew. Files that nothing but their name, or name and size, shows to be the right ones are
    /// taken if `by_name`; the table `symbols` says of each module what was found.
    pub fn with_symbols(&self, store: &Store, by_name: bool) -> Snapshot {
        if self.table("symbols").is_some() {
            return self.without_symbols().with_symbols(store, by_name);
        }
        let frames = self.table("frames");
        let addresses = frames.map_or(&[][..], |table| &table.batches).iter().map(nameless).collect();
        let found = Resolved::of(store, self.table("modules"), addresses, Address::Return, by_name);
        let told = told(frames, &found.names);
        let mut snapshot = self.clone();
        snapshot.replace(&schema::FRAMES, told.frames);
        snapshot.replace(&schema::SYMBOLS, vec![found.symbols()]);
        snapshot.replace(&schema::INLINES, told.inlines);
        snapshot.replace(&schema::FRAME_SYMBOLS, told.frame_symbols);
        let issues = self.table("issues").map_or(&[][..], |table| &table.batches);
        let told = tables::issues_of(store, &found.outcomes);
        if told.num_rows() > 0 {
            snapshot.replace(&schema::ISSUES, issues.iter().cloned().chain([told]).collect());
        }
        snapshot
    }

    /// Puts a table in the place of the one of its name.
    fn replace(&mut self, table: &schema::TableSchema, batches: Vec<RecordBatch>) {
        let new = Table::new(table, batches);
        match self.tables.iter_mut().find(|(name, _)| *name == table.name) {
            Some((_, old)) => *old = new,
            None => self.tables.push((table.name, new)),
        }
    }
}

/// What is looked for, of the modules of a table.
fn codes<'a>(modules: &[Module<'a>], table: Option<&'a Table>) -> Vec<Code<'a>> {
    // A log tells where its tool had the symbols from, a dump what the linker called them.
    let files = texts(table, "symbol_file").chain(texts(table, "debug_file")).chain(std::iter::repeat(None));
    let code = |(module, file): (&Module<'a>, Option<&'a str>)| Code {
        wanted: wanted(module, file),
        base: module.base.unwrap_or(u64::MAX),
        end: if module.base.is_some() { module.end() } else { u64::MAX },
    };
    modules.iter().zip(files).map(code).collect()
}

/// What a log knows of the symbols of a module. The place that its tool had them from is often in a store, whose folder names the build.
pub(super) fn wanted<'a>(module: &Module<'a>, symbol_file: Option<&'a str>) -> Wanted<'a> {
    let of_dump = module.debug_id.and_then(|id| id.parse().ok());
    let pdb = symbol_file.filter(|path| path.to_ascii_lowercase().ends_with(".pdb"));
    let folder = pdb.and_then(|path| path.rsplit(['\\', '/']).nth(1));
    let of_log: Option<Id> = folder.and_then(|folder| folder.parse().ok());
    Wanted {
        file: file_name(module.path),
        size: module.size,
        timestamp: module.timestamp,
        debug_file: pdb,
        id: of_dump.or(of_log),
        is_id_of_log: of_dump.is_none() && of_log.is_some(),
    }
}

/// The addresses of frames that have a module, and no name.
fn nameless(frames: &RecordBatch) -> impl ExactSizeIterator<Item = Option<u64>> + Send {
    let column = |name| frames.column_by_name(name);
    let addresses = column("address").and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let (function, module) = (column("function"), column("module"));
    let has = |column: Option<&ArrayRef>, row| column.is_some_and(|column| column.is_valid(row));
    (0..frames.num_rows()).map(move |row| {
        let is_nameless = !has(function, row) && has(module, row);
        addresses.filter(|addresses| is_nameless && addresses.is_valid(row)).map(|addresses| addresses.value(row))
    })
}

/// What names make of frames.
#[derive(Default)]
struct Told {
    frames: Vec<RecordBatch>,
    inlines: Vec<RecordBatch>,
    frame_symbols: Vec<RecordBatch>,
}

/// Frames with names in the rows that have one now, and what else is told of these; each batch of its own.
fn told(frames: Option<&Table>, names: &Names) -> Told {
    let texts = Texts::of(names);
    let mut first = 0;
    let batches = frames.map_or(&[][..], |table| &table.batches);
    let parts: Vec<(usize, &RecordBatch)> = batches
        .iter()
        .map(|rows| {
            let part = (first, rows);
            first += rows.num_rows();
            part
        })
        .collect();
    let of_part = |(first, rows): (usize, &RecordBatch)| {
        let named = names.of(first..first + rows.num_rows());
        if named.iter().all(Option::is_none) {
            return (rows.clone(), None);
        }
        let more = (tables::inlines(first, &named, &texts), tables::frame_symbols(first, &named, &texts));
        (of_batch(rows, &named, &texts), Some(more))
    };
    let mut told = Told::default();
    for (frames, more) in parts.into_par_iter().map(of_part).collect::<Vec<_>>() {
        told.frames.push(frames);
        if let Some((inlines, frame_symbols)) = more {
            told.inlines.push(inlines);
            told.frame_symbols.push(frame_symbols);
        }
    }
    told
}

fn of_batch(rows: &RecordBatch, named: &[Option<Named<'_>>], texts: &Texts) -> RecordBatch {
    let schema = rows.schema();
    let column = |(at, old): (usize, &ArrayRef)| -> ArrayRef {
        match schema.field(at).name().as_str() {
            "function" => texts.over(old, named, |named| named.function.name),
            "file" => texts.over(old, named, |named| named.told.file),
            "offset" => with_numbers::<UInt64Type>(old, named, |named| Some(named.offset())),
            "source_line" => with_numbers::<UInt32Type>(old, named, |named| named.told.line),
            _ => Arc::clone(old),
        }
    };
    batch(&schema::FRAMES, rows.columns().iter().enumerate().map(column).collect())
}

fn with_numbers<T: ArrowPrimitiveType>(
    old: &ArrayRef,
    named: &[Option<Named<'_>>],
    of: fn(&Named<'_>) -> Option<T::Native>,
) -> ArrayRef {
    let old = old.as_primitive_opt::<T>();
    let kept = |row| old.filter(|old| old.is_valid(row)).map(|old| old.value(row));
    let new = named.iter().enumerate().map(|(row, named)| named.as_ref().map_or_else(|| kept(row), of));
    Arc::new(new.collect::<PrimitiveArray<T>>())
}
