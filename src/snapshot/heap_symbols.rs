//! What symbols say of the structures of heaps: the PDB of the very `ntdll.dll` that a dump names.

use super::{
    Dump,
    modules::{Module, texts},
    with_symbols::wanted,
};
use crate::{
    dump::heap::types::{Field, HeapSymbols, NAMES, Structure, Types},
    symbols::{Match, Store, Wanted, id::Id, structures},
};

/// An `ntdll.dll` of which the dump names the symbols.
struct Ntdll<'a> {
    wanted: Wanted<'a>,
    id: Id,
    is_32_bit: bool,
}

impl Dump {
    /// The PDBs of its `ntdll.dll`, as far as a store has them: only those count whose identity the dump names. Absent where the store
    /// has none.
    pub fn heap_symbols(&self, store: &Store) -> Option<HeapSymbols> {
        let mut symbols = HeapSymbols::default();
        let mut any = false;
        for Ntdll { wanted, id, .. } in self.ntdlls() {
            let found = store.find(&wanted, &[], false);
            let Some(file) = found.file.filter(|_| found.by == Match::Id) else { continue };
            let name = format!("{} {id}", wanted.asked());
            any = true;
            match file.structures(&NAMES) {
                Ok(all) => symbols.add(name, &Types(all.into_iter().map(named).collect())),
                Err(fault) => symbols.useless.push((name, fault.to_string())),
            }
        }
        any.then_some(symbols)
    }

    /// Where a symbol server has the PDBs of its `ntdll.dll`: of 64 and of 32 bits.
    pub(super) fn ntdll_paths(&self) -> [Option<String>; 2] {
        let mut paths = [None, None];
        for Ntdll { wanted, id, is_32_bit } in self.ntdlls() {
            let name = wanted.asked();
            paths[usize::from(is_32_bit)].get_or_insert_with(|| format!("{name}/{id}/{name}"));
        }
        paths
    }

    fn ntdlls(&self) -> Vec<Ntdll<'_>> {
        let modules = self.table("modules");
        let files = texts(modules, "debug_file").chain(std::iter::repeat(None));
        let mut found = Vec::new();
        for (module, file) in Module::list(modules).iter().zip(files) {
            let wanted = wanted(module, file);
            let Some(id) = wanted.id.filter(|_| module.file() == "ntdll.dll") else { continue };
            // A 32-bit process on 64-bit Windows has two, and its own lies in the lower half.
            let is_32_bit = self.header.pointer_width == 32 || module.base.is_some_and(|base| base >> 32 == 0);
            found.push(Ntdll { wanted, id, is_32_bit });
        }
        found
    }
}

fn named(structure: structures::Structure) -> (String, Structure) {
    let fields = structure.fields.into_iter().map(|field| {
        let structures::Field { name, offset, bits, array } = field;
        (name, Field { offset, bits, array })
    });
    (structure.name, Structure { size: structure.size, fields: fields.collect() })
}
