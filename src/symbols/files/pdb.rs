//! PDBs: what Microsoft's linkers, lld and Rust write. Read by the crates `pdb-addr2line` and `pdb2`, which get nothing that would
//! lead them into an endless loop or too deep: `checked.rs`.

mod checked;
mod names;
mod records;
mod scopes;
mod source;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashMap;

use pdb_addr2line::{
    FunctionFrames, TypeFormatterFlags,
    pdb::{self, FallibleIterator, MachineType, PDB, SymbolData},
};

use checked::Data as Checked;
use source::Bytes;

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{
        answer::Kind,
        data::Data,
        fault::Fault,
        id::Id,
        known::{Function, Inlined, Known},
        structures::Structure,
        undecorate::undecorated,
    },
};

/// The format.
pub struct Pdb;

const PAGE: u64 = 0x1000;

/// Kinds of public symbols.
const PUBLICS: [u16; 2] = [0x110E, 0x1009];

/// Kinds of symbols of data, beside the public ones.
const DATA: [u16; 4] = [0x110C, 0x110D, 0x1007, 0x1008];

impl Format for Pdb {
    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"Microsoft C/C++ MSF 7.00\r\n\x1ADS\0\0\0")
    }

    fn facts(&self, bytes: &Content) -> Result<Facts, Fault> {
        let mut pdb = PDB::open(Bytes::of(bytes))?;
        let about = pdb.pdb_information()?;
        let lists = pdb.debug_information()?;
        let sections = pdb.sections()?.unwrap_or_default();
        let end = |section: &pdb::ImageSectionHeader| {
            u64::from(section.virtual_address) + u64::from(section.virtual_size).next_multiple_of(PAGE)
        };
        Ok(Facts {
            kind: if has_functions(&mut pdb, &lists)? { Kind::Private } else { Kind::Public },
            // The age of the image is that of its lists; the other counts how often the file was written.
            id: Some(Id::of_guid(about.guid.as_u128(), lists.age().unwrap_or(about.age))),
            file_age: Some(about.age),
            image_size: sections.iter().map(end).max(),
        })
    }

    fn tell(&self, bytes: &Content, places: &[u32], known: &mut Known) -> Result<(), Fault> {
        let data = Checked::of(bytes)?;
        let is_32_bit = is_32_bit(data.lists());
        let (publics, map, modules) = (data.publics(), data.map(), data.modules()?);
        let context = data.context(
            &modules,
            TypeFormatterFlags::NO_FUNCTION_RETURN
                | TypeFormatterFlags::NO_MEMBER_FUNCTION_STATIC
                | TypeFormatterFlags::NAME_ONLY
                | TypeFormatterFlags::NO_ARGUMENTS,
        )?;
        let first = known.functions.len();
        let mut teller = Teller { known, is_32_bit, last: None, calls: Vec::new() };
        for place in places {
            let found = context.find_frames(*place).ok().flatten();
            if found.is_none_or(|found| teller.tell(*place, &found).is_none()) {
                teller.known.tell_nothing(*place);
            }
        }
        modules.sound()?;
        let of_start = known.functions[first..].iter().map(|function| (function.start, Vec::new()));
        let mut linked: HashMap<u32, Vec<String>, ahash::RandomState> = of_start.collect();
        let mut symbols = publics.iter();
        while let Some(symbol) = symbols.next()? {
            // Of other symbols some make the crate take memory for as much as they claim to hold.
            if !PUBLICS.contains(&symbol.raw_kind()) {
                continue;
            }
            let Ok(SymbolData::Public(public)) = symbol.parse() else { continue };
            let start = public.offset.to_rva(map);
            if let Some(names) = start.and_then(|start| linked.get_mut(&start.0)) {
                names.push(public.name.to_string().into_owned());
            }
        }
        for row in first..known.functions.len() {
            link(known, row, &linked[&known.functions[row].start], is_32_bit);
        }
        Ok(())
    }

    fn tell_data(&self, bytes: &Content, data: &mut Data<'_>) -> Result<(), Fault> {
        let mut pdb = PDB::open(Bytes::of(bytes))?;
        if is_32_bit(&pdb.debug_information()?) {
            data.is_32_bit();
        }
        let (map, list) = (pdb.address_map()?, pdb.global_symbols()?);
        let mut symbols = list.iter();
        while let Some(symbol) = symbols.next()? {
            let kind = symbol.raw_kind();
            if !PUBLICS.contains(&kind) && !DATA.contains(&kind) {
                continue;
            }
            let (offset, name) = match symbol.parse() {
                Ok(SymbolData::Public(public)) if !public.function && !public.code => (public.offset, public.name),
                Ok(SymbolData::Data(own)) => (own.offset, own.name),
                _ => continue,
            };
            if let Some(start) = offset.to_rva(&map) {
                data.tell(start.0, &name.to_string());
            }
        }
        Ok(())
    }

    fn structures(&self, bytes: &Content, names: &[&str]) -> Result<Vec<Structure>, Fault> {
        types::structures(bytes, names)
    }
}

fn is_32_bit(lists: &pdb::DebugInformation<'_>) -> bool {
    lists.machine_type().is_ok_and(|machine| machine == MachineType::X86)
}

/// True if a PDB has functions beside its public symbols.
fn has_functions<'s>(pdb: &mut PDB<'s, Bytes>, lists: &pdb::DebugInformation<'s>) -> Result<bool, Fault> {
    let mut modules = lists.modules()?;
    while let Some(module) = modules.next()? {
        let Some(info) = pdb.module_info(&module)? else { continue };
        let mut symbols = info.symbols()?;
        while let Some(symbol) = symbols.next()? {
            if scopes::FUNCTIONS.contains(&symbol.raw_kind()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Tells what was found: what neighbours share is looked at once.
struct Teller<'k> {
    known: &'k mut Known,
    is_32_bit: bool,
    last: Option<Last>,
    calls: Vec<Inlined>,
}

/// The function of the last place.
struct Last {
    start: u32,
    name: String,
    is_public: bool,
    row: u32,
}

impl Teller<'_> {
    /// Tells what was found at a place; nothing, if it has no name.
    fn tell(&mut self, place: u32, found: &FunctionFrames<'_>) -> Option<()> {
        let (outermost, inlined) = found.frames.split_last()?;
        let name = outermost.function.as_deref()?;
        let is_public = inlined.is_empty() && outermost.file.is_none();
        let row = self.function(found.start_rva, name, is_public);
        self.calls.clear();
        for frame in inlined {
            let function = Some(self.known.text(frame.function.as_deref().unwrap_or("?")));
            let file = frame.file.as_deref().map(|file| self.known.text(file));
            self.calls.push(Inlined { function, file, line: frame.line });
        }
        let file = outermost.file.as_deref().map(|file| self.known.text(file));
        self.known.tell(place, row, (file, outermost.line), &self.calls);
        Some(())
    }

    fn function(&mut self, start: u32, name: &str, is_public: bool) -> u32 {
        if let Some(last) = &self.last
            && (last.start, &*last.name, last.is_public) == (start, name, is_public)
        {
            return last.row;
        }
        let shown = if name.starts_with(['?', '_', '@']) || is_public {
            self.known.text(&undecorated(name, self.is_32_bit && is_public))
        } else {
            self.known.text(name)
        };
        let row =
            self.known.function(Function { name: Some(shown), decorated: None, start, other_names: 0, is_public });
        self.last = Some(Last { start, name: name.to_owned(), is_public, row });
        row
    }
}

/// Adds what public symbols say of the start of a function.
fn link(known: &mut Known, row: usize, names: &[String], is_32_bit: bool) {
    let Some(shown) = known.functions[row].name.map(|name| &*known.texts()[name.row() as usize]) else { return };
    let own = names.iter().find(|name| undecorated(name, is_32_bit) == shown);
    let mut other_names = names.len().saturating_sub(1).min(u32::MAX as usize) as u32;
    if own.is_none() && !names.is_empty() {
        other_names += 1;
    }
    let decorated = own.filter(|name| *name != shown).map(|name| known.text(name));
    known.functions[row] = Function { decorated, other_names, ..known.functions[row] };
}

impl From<pdb::Error> for Fault {
    fn from(error: pdb::Error) -> Self {
        match error {
            pdb::Error::UnrecognizedFileFormat => Fault::NotSymbols,
            _ => Fault::Damaged("its bytes are not as its format says".to_owned()),
        }
    }
}

impl From<pdb_addr2line::Error> for Fault {
    fn from(_: pdb_addr2line::Error) -> Self {
        Fault::Damaged("its bytes are not as its format says".to_owned())
    }
}
