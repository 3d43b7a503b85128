//! A PDB for the crate `pdb-addr2line`, of which it gets no module that would lead it into an endless loop or too deep. A stack that
//! overflows ends the process; nothing catches it.
//!
//! Modules are checked when they are asked for: those that hold no place of a log cost nothing.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use pdb_addr2line::{
    Context, ModuleProvider, TypeFormatter, TypeFormatterFlags,
    maybe_owned::MaybeOwned,
    pdb::{
        self, AddressMap, CrossModuleExports, CrossModuleImports, CrossModuleRef, DebugInformation, FallibleIterator,
        IdIndex, IdInformation, ImageSectionHeader, ItemIndex, Module, ModuleInfo, PDB, StringTable, SymbolTable,
        TypeIndex, TypeInformation,
    },
};

use super::{
    names::Names,
    scopes::{Used, walk},
    source::Bytes,
};
use crate::{input::content::Content, symbols::fault::Fault};

/// The streams of a PDB that names are made of.
pub struct Data {
    pdb: Mutex<PDB<'static, Bytes>>,
    lists: DebugInformation<'static>,
    types: TypeInformation<'static>,
    ids: IdInformation<'static>,
    texts: Option<StringTable<'static>>,
    map: AddressMap<'static>,
    publics: SymbolTable<'static>,
    sections: Vec<ImageSectionHeader>,
    names: Mutex<Names>,
}

impl Data {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// If one is not as its format says.
    pub fn of(content: &Content) -> Result<Self, Fault> {
        let source = Bytes::of(content);
        let last = source.last();
        let mut pdb = PDB::open(source)?;
        let types = pdb.type_information()?;
        let of_types = last.view();
        let ids = pdb.id_information()?;
        let names = Names::of(of_types, last.view(), content.len())?;
        Ok(Self {
            lists: pdb.debug_information()?,
            types,
            ids,
            texts: pdb.string_table().ok(),
            map: pdb.address_map()?,
            publics: pdb.global_symbols()?,
            sections: pdb.sections()?.unwrap_or_default(),
            names: Mutex::new(names),
            pdb: Mutex::new(pdb),
        })
    }

    /// Lists of modules, sections and so on.
    pub fn lists(&self) -> &DebugInformation<'static> {
        &self.lists
    }

    /// Public symbols.
    pub fn publics(&self) -> &SymbolTable<'static> {
        &self.publics
    }

    /// What makes places of sections.
    pub fn map(&self) -> &AddressMap<'static> {
        &self.map
    }

    /// The modules, each checked before it is given away.
    ///
    /// # Errors
    ///
    /// If their list is not as its format says.
    pub fn modules(&self) -> Result<Modules<'_>, Fault> {
        let modules: Vec<Module<'_>> = self.lists.modules()?.collect()?;
        let info = modules.iter().map(|_| Slot::default()).collect();
        Ok(Modules { data: self, modules, info, by_name: OnceLock::new(), fault: Mutex::default() })
    }

    /// What looks places up in these modules.
    ///
    /// # Errors
    ///
    /// If the lists are not as their format says.
    pub fn context<'d>(
        &'d self,
        modules: &'d Modules<'d>,
        flags: TypeFormatterFlags,
    ) -> Result<Context<'d, 'static>, Fault> {
        let formatter = TypeFormatter::new_from_parts(
            modules,
            self.lists.modules()?.collect()?,
            &self.lists,
            &self.types,
            &self.ids,
            self.texts.as_ref(),
            flags,
        )?;
        Ok(Context::new_from_parts(
            modules,
            &self.sections,
            &self.map,
            &self.publics,
            self.texts.as_ref(),
            &self.lists,
            MaybeOwned::Owned(formatter),
        )?)
    }
}

/// What a module has, once it is asked for; nothing where it cannot be read.
#[derive(Default)]
struct Slot {
    info: OnceLock<Option<ModuleInfo<'static>>>,
    is_sound: OnceLock<bool>,
}

/// The modules of a PDB.
pub struct Modules<'d> {
    data: &'d Data,
    modules: Vec<Module<'d>>,
    info: Vec<Slot>,
    /// Which has a name, in lower case.
    by_name: OnceLock<HashMap<String, usize>>,
    /// The first that a check found.
    fault: Mutex<Option<Fault>>,
}

impl Modules<'_> {
    /// What is wrong with a module that was asked for.
    ///
    /// # Errors
    ///
    /// If one was not sound.
    pub fn sound(&self) -> Result<(), Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    fn info(&self, index: usize) -> Option<&ModuleInfo<'static>> {
        let read = || {
            let mut pdb = self.data.pdb.lock().unwrap_or_else(PoisonError::into_inner);
            pdb.module_info(&self.modules[index]).ok().flatten()
        };
        self.info.get(index)?.info.get_or_init(read).as_ref()
    }

    fn check(&self, info: &ModuleInfo<'static>) -> Result<(), Fault> {
        let mut names = self.data.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut others = Others { modules: self, info, imports: None, exports: HashMap::new() };
        walk(info, |used| match used {
            Used::Type(number) => others.own(TypeIndex(number)).map_or(Ok(()), |own| names.function_type(own.0)),
            Used::Id(number) => others.own(IdIndex(number)).map_or(Ok(()), |own| names.id(own.0)),
        })
    }
}

impl ModuleProvider<'static> for Modules<'_> {
    fn get_module_info(&self, index: usize, _: &Module<'_>) -> Result<Option<&ModuleInfo<'static>>, pdb::Error> {
        let Some(info) = self.info(index) else { return Ok(None) };
        let check = || match self.check(info) {
            Ok(()) => true,
            Err(fault) => {
                self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
                false
            }
        };
        if *self.info[index].is_sound.get_or_init(check) { Ok(Some(info)) } else { Err(pdb::Error::UnexpectedEof) }
    }
}

/// What a module has of others.
struct Others<'c, 'd> {
    modules: &'c Modules<'d>,
    info: &'c ModuleInfo<'static>,
    imports: Option<Option<CrossModuleImports<'c>>>,
    exports: HashMap<usize, Option<CrossModuleExports>>,
}

impl Others<'_, '_> {
    /// The number in the list that all modules share; absent where it leads nowhere.
    fn own<I: ItemIndex>(&mut self, number: I) -> Option<I> {
        if !number.is_cross_module() {
            return Some(number);
        }
        let imports = self.imports.get_or_insert_with(|| self.info.imports().ok()).as_ref()?;
        let CrossModuleRef(module, local) = imports.resolve_import(number).ok()?;
        let name = module.0.to_string_lossy(self.modules.data.texts.as_ref()?).ok()?.to_ascii_lowercase();
        let modules = self.modules;
        let list = || modules.modules.iter().map(|module| module.module_name().to_ascii_lowercase()).zip(0..).collect();
        let other = *modules.by_name.get_or_init(list).get(&name)?;
        let exports = self.exports.entry(other).or_insert_with(|| modules.info(other)?.exports().ok());
        exports.as_ref()?.resolve_import(local).ok()?
    }
}
