//! A log completed by a dump of the same process: versions and debug ids for its modules, and modules for the addresses
//! that its own list does not cover.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray, UInt32Array, UInt64Array, cast::AsArray};

use crate::{
    error::{Error, ErrorKind, Result},
    snapshot::{
        Dump, Snapshot,
        modules::{Module, columns, texts},
        same_process::why_not_log_and_dump,
    },
    table::{
        Table,
        frames::Frames,
        modules::{ModuleMap, Range, file_name, named_file, names},
        schema,
        separators::file_name_beyond_doubt,
        stacks::{fingerprint, frames_of},
    },
};

impl Snapshot {
    /// This log with what a dump of the same process knows of modules.
    ///
    /// Modules of the log get version, time stamp and debug id. Modules that the log does not list are added, and raw
    /// addresses inside them become `module+offset`. Frames and stacks keep their numbers; fingerprints are made anew, so
    /// that they are those of a log with a whole module list.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotOneProcess`]: the process ids differ, or the programs; or the program, or more than half of the
    /// modules that both list, were loaded at other addresses; or no module is in both lists; or nothing shows that log and
    /// dump are of one process: without a process id, a program at the same address in both does.
    pub fn with_modules(&self, dump: &Dump) -> Result<Snapshot> {
        let ours = Module::list(self.table("modules"));
        let theirs = Module::list(dump.table("modules"));
        if let Some(found) = why_not_log_and_dump(self, dump) {
            return Err(Error::new(ErrorKind::NotOneProcess { found }).in_file(self.about.path.clone()));
        }
        let added = missing(&ours, &theirs);
        let of_log = if self.about.encoding == "windows-1252" { file_name_beyond_doubt } else { file_name };
        let files = ours.iter().map(|module| named_file(of_log(module.path), module.base));
        let files: Vec<_> = files.chain(added.iter().map(|module| file_name(module.path).into())).collect();
        let names = names(files.iter().map(AsRef::as_ref));
        let map = map(&ours, &added, &names);
        let frames = Frames::of_texts(texts(self.table("frames"), "text").flatten(), &map);
        let modules = module_rows(self.table("modules"), &ours, &added, &names, &theirs);
        let stacks = self.table("stacks").map_or(&[][..], |stacks| &stacks.batches);
        let stacks = stacks.iter().map(|batch| with_fingerprints(batch, &frames.hashes)).collect();
        let mut snapshot = self.clone();
        for (name, table) in &mut snapshot.tables {
            match *name {
                "modules" => *table = Table::new(&schema::MODULES, vec![modules.clone()]),
                "frames" => *table = Table::new(&schema::FRAMES, frames.batches.clone()),
                "stacks" => *table = Table::new(&schema::STACKS, Vec::clone(&stacks)),
                _ => {}
            }
        }
        Ok(snapshot)
    }
}

/// Modules of the dump that overlap none of the log, in the order of the dump.
fn missing<'m, 'a>(ours: &[Module<'a>], theirs: &'m [Module<'a>]) -> Vec<&'m Module<'a>> {
    let mut taken: Vec<(u64, u64)> =
        ours.iter().filter_map(|module| Some((module.base?, module.end().max(module.base? + 1)))).collect();
    taken.sort_unstable();
    // The farthest end of all that start at or before a place: a large module may hold small ones.
    let mut farthest = 0;
    let ends: Vec<u64> = taken
        .iter()
        .map(|(_, end)| {
            farthest = farthest.max(*end);
            farthest
        })
        .collect();
    let free = |module: &&'m Module<'a>| {
        let Some(base) = module.base else { return false };
        let before = taken.partition_point(|(start, _)| *start < module.end().max(base.saturating_add(1)));
        before == 0 || ends[before - 1] <= base
    };
    theirs.iter().filter(free).collect()
}

fn map(ours: &[Module<'_>], added: &[&Module<'_>], names: &[Arc<str>]) -> ModuleMap {
    let range = |(module, name): (&Module<'_>, &Arc<str>)| {
        let (base, _) = (module.base?, module.size?);
        Some(Range::new(base, module.end(), name))
    };
    ModuleMap::of_ranges(ours.iter().chain(added.iter().copied()).zip(names).filter_map(range).collect())
}

/// Builds `modules`: the log's rows, then those that were added.
fn module_rows(
    log: Option<&Table>,
    ours: &[Module<'_>],
    added: &[&Module<'_>],
    names: &[Arc<str>],
    theirs: &[Module<'_>],
) -> RecordBatch {
    let mut known: HashMap<(Option<u64>, String), &Module<'_>> = HashMap::new();
    for module in theirs {
        known.entry((module.base, module.file())).or_insert(module);
    }
    let about = |module: &Module<'_>| known.get(&(module.base, module.file())).copied();
    let rows: Vec<&Module<'_>> = ours.iter().chain(added.iter().copied()).collect();
    let facts: Vec<Option<&Module<'_>>> = rows.iter().map(|module| about(module)).collect();
    let padded = |name| -> ArrayRef {
        let own = texts(log, name).chain(added.iter().map(|_| None));
        Arc::new(own.collect::<StringViewArray>())
    };
    let inferred = columns(log, "inferred").filter_map(|column| column.as_boolean_opt());
    let inferred = inferred.flat_map(BooleanArray::iter).chain(added.iter().map(|_| Some(false)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|module| module.base).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|module| module.size).collect::<UInt64Array>()),
        Arc::new(StringViewArray::from_iter_values(names)),
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(|module| module.path))),
        Arc::new(facts.iter().map(|fact| fact.and_then(|fact| fact.version)).collect::<StringViewArray>()),
        Arc::new(facts.iter().map(|fact| fact.and_then(|fact| fact.timestamp)).collect::<UInt32Array>()),
        Arc::new(facts.iter().map(|fact| fact.and_then(|fact| fact.debug_id)).collect::<StringViewArray>()),
        padded("symbols"),
        padded("symbol_file"),
        Arc::new(inferred.collect::<BooleanArray>()),
    ];
    crate::table::batch(&schema::MODULES, columns)
}

/// The same stacks with fingerprints of the frames as they are now.
fn with_fingerprints(stacks: &RecordBatch, hashes: &[u64]) -> RecordBatch {
    let mut scratch = Vec::new();
    let fingerprints: UInt64Array =
        frames_of(stacks).map(|frames| frames.map(|frames| fingerprint(frames, hashes, &mut scratch))).collect();
    let fingerprints: ArrayRef = Arc::new(fingerprints);
    let schema = stacks.schema();
    let column = |(at, column): (usize, &ArrayRef)| match schema.field(at).name().as_str() {
        "fingerprint" => Arc::clone(&fingerprints),
        _ => Arc::clone(column),
    };
    crate::table::batch(&schema::STACKS, stacks.columns().iter().enumerate().map(column).collect())
}
