//! Structures of a PDB, by name. A record that cannot be parsed has nothing; lists of fields are followed as far as they can lead.

use pdb_addr2line::pdb::{FallibleIterator, Item, PDB, TypeData, TypeFinder, TypeIndex, TypeInformation};

use super::{records::Records, source::Bytes};
use crate::{
    input::content::Content,
    symbols::{
        fault::Fault,
        structures::{Field, Structure},
    },
};

/// Kinds of the records that are parsed: the crate takes memory for as many parts as others count.
mod kind {
    pub const STRUCTURES: [u16; 3] = [0x1504, 0x1505, 0x1506];
    pub const FIELDS: u16 = 0x1203;
    pub const BITS: u16 = 0x1205;
}

/// Lists of fields of one structure, which follow each other.
const MOST_LISTS: usize = 64;
/// Nameless parts in each other.
const DEEPEST: u32 = 8;
/// Fields of one structure.
const MOST_FIELDS: usize = 1 << 14;

/// The structures of some names, the first of each that is whole.
pub fn structures(content: &Content, names: &[&str]) -> Result<Vec<Structure>, Fault> {
    let source = Bytes::of(content);
    let last = source.last();
    let mut pdb = PDB::open(source)?;
    let types = pdb.type_information()?;
    // The crate takes memory for as many as the stream counts.
    Records::of(last.view())?;
    let reader = Reader::of(&types)?;
    let mut found: Vec<Structure> = Vec::new();
    let mut all = types.iter();
    while let Some(item) = all.next()? {
        let Some((name, size, fields)) = head(&item) else { continue };
        if names.contains(&name.as_str()) && !found.iter().any(|known| known.name == name) {
            let mut structure = Structure { name, size, fields: Vec::new() };
            reader.fields(fields, 0, 0, &mut structure.fields);
            found.push(structure);
        }
    }
    Ok(found)
}

/// Name, size and list of a structure that is whole.
fn head(item: &Item<'_, TypeIndex>) -> Option<(String, u64, TypeIndex)> {
    if !kind::STRUCTURES.contains(&item.raw_kind()) {
        return None;
    }
    match item.parse().ok()? {
        TypeData::Class(class) if !class.properties.forward_reference() => {
            Some((class.name.to_string().into_owned(), class.size, class.fields?))
        }
        TypeData::Union(union) if !union.properties.forward_reference() => {
            Some((union.name.to_string().into_owned(), union.size, union.fields))
        }
        _ => None,
    }
}

struct Reader<'t> {
    finder: TypeFinder<'t>,
}

impl<'t> Reader<'t> {
    fn of(types: &'t TypeInformation<'_>) -> Result<Self, Fault> {
        let mut finder = types.finder();
        let mut all = types.iter();
        while all.next()?.is_some() {
            finder.update(&all);
        }
        Ok(Self { finder })
    }

    /// A record of a kind.
    fn record(&self, index: TypeIndex, kinds: &[u16]) -> Option<Item<'t, TypeIndex>> {
        self.finder.find(index).ok().filter(|item| kinds.contains(&item.raw_kind()))
    }

    /// Adds the fields of a list.
    fn fields(&self, first: TypeIndex, start: u64, depth: u32, out: &mut Vec<Field>) {
        let mut next = Some(first);
        for _ in 0..MOST_LISTS {
            let list = next.and_then(|index| self.record(index, &[kind::FIELDS])?.parse().ok());
            let Some(TypeData::FieldList(list)) = list else { return };
            for field in list.fields {
                let TypeData::Member(member) = field else { continue };
                let name = member.name.to_string().into_owned();
                let offset = start.saturating_add(member.offset);
                if out.len() == MOST_FIELDS {
                    return;
                }
                match self.record(member.field_type, &kind::STRUCTURES).filter(|_| name.is_empty()) {
                    // What is nameless has its fields in the structure around it.
                    Some(part) if depth < DEEPEST => {
                        if let Some((_, _, fields)) = head(&part) {
                            self.fields(fields, offset, depth + 1, out);
                        }
                    }
                    _ => out.push(Field { name, offset, bits: self.bits(member.field_type) }),
                }
            }
            next = list.continuation;
        }
    }

    fn bits(&self, of: TypeIndex) -> Option<(u8, u8)> {
        match self.record(of, &[kind::BITS])?.parse().ok()? {
            TypeData::Bitfield(bits) => Some((bits.position, bits.length)),
            _ => None,
        }
    }
}
