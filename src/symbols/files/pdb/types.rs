//! Structures of a PDB, by name. A record that cannot be parsed has nothing; lists of fields are followed as far as they can lead.

use pdb_addr2line::pdb::{
    FallibleIterator, Item, PDB, PrimitiveKind, TypeData, TypeFinder, TypeIndex, TypeInformation,
};

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
    pub const ARRAY: u16 = 0x1503;
}

/// Numbers of types below are of the language, and have no record.
const FIRST_RECORD: u32 = 0x1000;
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
                    _ => {
                        let (bits, array) = (self.bits(member.field_type), self.array(member.field_type));
                        out.push(Field { name, offset, bits, array });
                    }
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

    /// Bytes of an array, and of an element that is a number. The crate takes no more memory for dimensions than the record has.
    fn array(&self, of: TypeIndex) -> Option<(u64, Option<u64>)> {
        let TypeData::Array(array) = self.record(of, &[kind::ARRAY])?.parse().ok()? else { return None };
        Some((u64::from(*array.dimensions.last()?), self.bytes(array.element_type)))
    }

    /// Bytes of a number.
    fn bytes(&self, of: TypeIndex) -> Option<u64> {
        use PrimitiveKind::{
            Char, I8, I16, I32, I64, Long, Quad, Short, U8, U16, U32, U64, UChar, ULong, UQuad, UShort,
        };
        // What has a record is none of the numbers that the language has.
        let item = self.finder.find(of).ok().filter(|_| u32::from(of) < FIRST_RECORD)?;
        let TypeData::Primitive(number) = item.parse().ok()? else { return None };
        match number.kind {
            _ if number.indirection.is_some() => None,
            Char | UChar | I8 | U8 => Some(1),
            Short | UShort | I16 | U16 => Some(2),
            Long | ULong | I32 | U32 => Some(4),
            Quad | UQuad | I64 | U64 => Some(8),
            _ => None,
        }
    }
}
