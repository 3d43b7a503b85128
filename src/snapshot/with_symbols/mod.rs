//! A log whose addresses have names: from PDBs and other files of symbols.
//!
//! Invariant: frames keep their ids, texts and modules, and stacks their fingerprints. What a tool had printed resolved stays as it is.

mod tables;

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, PrimitiveArray, RecordBatch, StringViewArray,
    cast::AsArray,
    types::{ArrowPrimitiveType, UInt32Type, UInt64Type},
};

use crate::{
    snapshot::{
        Snapshot,
        modules::{Module, numbers, texts},
    },
    symbols::{Address, Code, Named, Outcome, Store, Wanted, id::Id, resolve},
    table::{Table, batch, modules::file_name, schema, text},
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
    let found = Resolved::of(store, modules, addresses, kind, by_name);
    Looked {
        symbols: Table::new(&schema::SYMBOLS, vec![found.symbols()]),
        names: Table::new(&schema::NAMES, vec![tables::names(&found.named)]),
        inlines: Table::new(&schema::INLINES, vec![tables::inlines(&found.named)]),
    }
}

/// Addresses that were looked up, and the modules that they are in.
struct Resolved<'a> {
    modules: Vec<Module<'a>>,
    codes: Vec<Code<'a>>,
    outcomes: Vec<Outcome>,
    named: Vec<Option<Named>>,
}

impl<'a> Resolved<'a> {
    fn of(store: &Store, table: Option<&'a Table>, addresses: &[Option<u64>], kind: Address, by_name: bool) -> Self {
        let modules = Module::list(table);
        // A log tells where its tool had the symbols from, a dump what the linker called them.
        let files = texts(table, "symbol_file").chain(texts(table, "debug_file")).chain(std::iter::repeat(None));
        let code = |(module, file): (&Module<'a>, Option<&'a str>)| Code {
            wanted: wanted(module, file),
            base: module.base.unwrap_or(u64::MAX),
            end: if module.base.is_some() { module.end() } else { u64::MAX },
        };
        let codes: Vec<Code<'a>> = modules.iter().zip(files).map(code).collect();
        let (outcomes, named) = resolve(store, &codes, addresses, kind, by_name);
        Self { modules, codes, outcomes, named }
    }

    fn symbols(&self) -> RecordBatch {
        tables::symbols(&self.modules, &self.codes, &self.outcomes)
    }
}

impl Snapshot {
    /// This log with names for its addresses. Files that nothing but their name, or name and size, shows to be the right ones are
    /// taken if `by_name`; the table `symbols` says of each module what was found.
    pub fn with_symbols(&self, store: &Store, by_name: bool) -> Snapshot {
        let frames = self.table("frames");
        let nameless = texts(frames, "function")
            .zip(texts(frames, "module"))
            .map(|(function, module)| function.is_none() && module.is_some());
        let addresses: Vec<Option<u64>> = numbers::<UInt64Type>(frames, "address")
            .zip(nameless)
            .map(|(address, nameless)| address.filter(|_| nameless))
            .collect();
        let found = Resolved::of(store, self.table("modules"), &addresses, Address::Return, by_name);
        let mut snapshot = self.clone();
        snapshot.replace(&schema::FRAMES, with_names(frames, &found.named));
        snapshot.replace(&schema::SYMBOLS, vec![found.symbols()]);
        snapshot.replace(&schema::INLINES, vec![tables::inlines(&found.named)]);
        snapshot.replace(&schema::FRAME_SYMBOLS, vec![tables::frame_symbols(&found.named)]);
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

/// What a log knows of the symbols of a module. The place that its tool had them from is often in a store, whose folder names the build.
fn wanted<'a>(module: &Module<'a>, symbol_file: Option<&'a str>) -> Wanted<'a> {
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

/// Frames with names in the rows that have one now.
fn with_names(frames: Option<&Table>, named: &[Option<Named>]) -> Vec<RecordBatch> {
    let mut first = 0;
    let batches = frames.map_or(&[][..], |table| &table.batches);
    batches
        .iter()
        .map(|rows| {
            let own = &named[first..first + rows.num_rows()];
            first += rows.num_rows();
            if own.iter().all(Option::is_none) { rows.clone() } else { of_batch(rows, own) }
        })
        .collect()
}

fn of_batch(rows: &RecordBatch, named: &[Option<Named>]) -> RecordBatch {
    let schema = rows.schema();
    let column = |(at, old): (usize, &ArrayRef)| -> ArrayRef {
        match schema.field(at).name().as_str() {
            "function" => with_texts(old, named, |named| named.answer.call.function.as_deref()),
            "file" => with_texts(old, named, |named| named.answer.call.file.as_deref()),
            "offset" => with_numbers::<UInt64Type>(old, named, |named| Some(named.offset())),
            "source_line" => with_numbers::<UInt32Type>(old, named, |named| named.answer.call.line),
            _ => Arc::clone(old),
        }
    };
    batch(&schema::FRAMES, rows.columns().iter().enumerate().map(column).collect())
}

fn with_texts<'a>(old: &'a ArrayRef, named: &'a [Option<Named>], of: fn(&'a Named) -> Option<&'a str>) -> ArrayRef {
    let old: Option<&StringViewArray> = old.as_string_view_opt();
    let kept = |row| old.filter(|old| old.is_valid(row)).map(|old| old.value(row));
    text::texts(named.iter().enumerate().map(|(row, named)| named.as_ref().map_or_else(|| kept(row), of)))
}

fn with_numbers<T: ArrowPrimitiveType>(
    old: &ArrayRef,
    named: &[Option<Named>],
    of: fn(&Named) -> Option<T::Native>,
) -> ArrayRef {
    let old = old.as_primitive_opt::<T>();
    let kept = |row| old.filter(|old| old.is_valid(row)).map(|old| old.value(row));
    let new = named.iter().enumerate().map(|(row, named)| named.as_ref().map_or_else(|| kept(row), of));
    Arc::new(new.collect::<PrimitiveArray<T>>())
}
