//! What symbols say of the structures of heaps: the PDB of the very `ntdll.dll` that a dump names.

use super::{
    Dump,
    modules::{Module, texts},
    with_symbols::wanted,
};
use crate::{
    dump::heap::types::{Field, HeapSymbols, NAMES, Structure, Types},
    symbols::{Match, Store, structures},
};

impl Dump {
    /// The PDBs of its `ntdll.dll`, as far as a store has them: only those count whose identity the dump names. Absent where the store
    /// has none.
    pub fn heap_symbols(&self, store: &Store) -> Option<HeapSymbols> {
        let modules = self.table("modules");
        let files = texts(modules, "debug_file").chain(std::iter::repeat(None));
        let mut pdbs = HeapSymbols::default();
        let mut any = false;
        for (module, debug_file) in Module::list(modules).iter().zip(files) {
            let wanted = wanted(module, debug_file);
            let Some(id) = wanted.id.filter(|_| module.file() == "ntdll.dll") else { continue };
            let found = store.find(&wanted, &[], false);
            let Some(file) = found.file.filter(|_| found.by == Match::Id) else { continue };
            let name = format!("{} {id}", wanted.asked());
            any = true;
            match file.structures(&NAMES) {
                Ok(all) => pdbs.add(name, &Types(all.into_iter().map(named).collect())),
                Err(fault) => pdbs.useless.push((name, fault.to_string())),
            }
        }
        any.then_some(pdbs)
    }
}

fn named(structure: structures::Structure) -> (String, Structure) {
    let fields = structure.fields.into_iter().map(|field| {
        let structures::Field { name, offset, bits } = field;
        (name, Field { offset, bits })
    });
    (structure.name, Structure { size: structure.size, fields: fields.collect() })
}
