//! Windows' own structures as a PDB of its `ntdll.dll` tells them: fields by name, and what heaps are read by then.

use std::{collections::HashMap, fmt};

use super::{
    layout::{Layout, NARROW, WIDE, Width},
    segment_heap::fields::Fields,
};

/// Structures that heaps are read by.
pub const NAMES: [&str; 24] = [
    "_LIST_ENTRY",
    "_HEAP",
    "_HEAP_SEGMENT",
    "_HEAP_ENTRY",
    "_HEAP_UCR_DESCRIPTOR",
    "_HEAP_VIRTUAL_ALLOC_ENTRY",
    "_LFH_HEAP",
    "_HEAP_SUBSEGMENT",
    "_HEAP_USERDATA_HEADER",
    "_RTL_BITMAP",
    "_SEGMENT_HEAP",
    "_HEAP_SEG_CONTEXT",
    "_HEAP_PAGE_SEGMENT",
    "_HEAP_PAGE_RANGE_DESCRIPTOR",
    "_HEAP_VS_SUBSEGMENT",
    "_HEAP_VS_CHUNK_HEADER",
    "_HEAP_VS_CHUNK_HEADER_SIZE",
    "_HEAP_VS_UNUSED_BYTES_INFO",
    "_HEAP_LFH_SUBSEGMENT",
    "_HEAP_LFH_SUBSEGMENT_ENCODED_OFFSETS",
    "_HEAP_LFH_UNUSED_BYTES_INFO",
    "_HEAP_LARGE_ALLOC_DATA",
    "_RTL_RB_TREE",
    "_RTL_BALANCED_NODE",
];

/// A field of a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Bytes from the start of the structure.
    pub offset: u64,
    /// The lowest bit and how many bits, of one that is part of a number.
    pub bits: Option<(u8, u8)>,
    /// Bytes of an array; and of one element, if these are numbers.
    pub array: Option<(u64, Option<u64>)>,
}

/// A structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structure {
    /// Its bytes.
    pub size: u64,
    /// Its fields by name.
    pub fields: HashMap<String, Field>,
}

/// Structures by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types(pub HashMap<String, Structure>);

/// What types lack, or have otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(String);

impl Missing {
    /// A field is not where every known version has it.
    pub fn other(structure: &str, field: &str) -> Self {
        Self(format!("{structure}.{field} is not where any known version has it"))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The largest structure that is believed: offsets can be added to addresses, and read.
const LARGEST: u64 = 1 << 20;

impl Types {
    /// A structure.
    ///
    /// # Errors
    ///
    /// If there is none of the name, or it is far too large.
    fn structure(&self, name: &str) -> Result<&Structure, Missing> {
        let structure = self.0.get(name).ok_or_else(|| Missing(format!("it has no {name}")))?;
        if structure.size > LARGEST { Err(Missing(format!("its {name} is too large"))) } else { Ok(structure) }
    }

    /// Bytes of a structure.
    ///
    /// # Errors
    ///
    /// If there is none of the name.
    pub fn size(&self, structure: &str) -> Result<u64, Missing> {
        Ok(self.structure(structure)?.size)
    }

    /// A field.
    ///
    /// # Errors
    ///
    /// If there is none of the name, or it is not in its structure.
    pub fn field(&self, structure: &str, field: &str) -> Result<Field, Missing> {
        let Structure { size, fields } = self.structure(structure)?;
        let found = fields.get(field).ok_or_else(|| Missing(format!("its {structure} has no {field}")))?;
        if found.offset > *size {
            return Err(Missing(format!("{structure}.{field} lies behind its structure")));
        }
        Ok(*found)
    }

    /// Where a field is.
    ///
    /// # Errors
    ///
    /// As for [`field`](Self::field).
    pub fn at(&self, structure: &str, field: &str) -> Result<usize, Missing> {
        Ok(self.field(structure, field)?.offset as usize)
    }

    /// Bytes of an array; and of one element, if these are numbers.
    ///
    /// # Errors
    ///
    /// As for [`field`](Self::field); if it is no array.
    pub fn array(&self, structure: &str, field: &str) -> Result<(u64, Option<u64>), Missing> {
        self.field(structure, field)?.array.ok_or_else(|| Missing(format!("{structure}.{field} is no array")))
    }

    /// The width that the structures are of.
    pub fn width(&self) -> Option<&'static Width> {
        let is_of = |width: &&Width| self.size("_LIST_ENTRY") == Ok(2 * width.pointer as u64);
        [&WIDE, &NARROW].into_iter().find(is_of)
    }
}

/// A PDB of `ntdll.dll`, as far as heaps go.
#[derive(Debug, Clone)]
pub struct Pdb {
    /// Name and identity.
    pub name: String,
    /// The layout of NT heaps, or what it lacks.
    pub layout: Result<Layout, Missing>,
    /// Where segment heaps have what, or what it lacks.
    pub segment_heap: Result<Fields, Missing>,
}

impl Pdb {
    /// What its types say.
    pub fn new(name: String, types: &Types, width: &'static Width) -> Self {
        Self { name, layout: Layout::of(types, width), segment_heap: Fields::of(types, width) }
    }
}

/// The PDBs of the `ntdll.dll` of a process: of 64 and of 32 bits.
#[derive(Debug, Clone, Default)]
pub struct HeapSymbols {
    of_width: [Option<Pdb>; 2],
    /// PDBs that are of the build and of no use, and why.
    pub useless: Vec<(String, String)>,
    /// Where a symbol server has those that the dump names: of 64 and of 32 bits.
    paths: [Option<String>; 2],
}

impl HeapSymbols {
    /// That of a width.
    pub fn of(&self, width: &Width) -> Option<&Pdb> {
        self.of_width[usize::from(width.bits == 32)].as_ref()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Pdb> {
        self.of_width.iter().flatten()
    }

    /// The same, with where a symbol server has those that the dump names.
    #[must_use]
    pub fn with_paths(&self, paths: [Option<String>; 2]) -> Self {
        Self { paths, ..self.clone() }
    }

    /// What is needed to read segment heaps of a width.
    pub fn needed(&self, width: &Width) -> String {
        let path = self.paths[usize::from(width.bits == 32)].as_ref();
        let path = path.map_or_else(String::new, |path| format!(" ({path} of a symbol server)"));
        format!("segment heaps are read by the symbols of ntdll{path} alone, and there are none")
    }

    /// That of one PDB, whatever its types are.
    #[cfg(test)]
    pub fn of_pdb(pdb: Pdb, width: &Width) -> Self {
        let mut symbols = Self::default();
        symbols.of_width[usize::from(width.bits == 32)] = Some(pdb);
        symbols
    }

    /// Adds one by its types. Of two of one width the first counts.
    pub fn add(&mut self, name: String, types: &Types) {
        if types.0.is_empty() {
            return self.useless.push((name, "it has no types".to_owned()));
        }
        match types.width() {
            Some(width) => {
                self.of_width[usize::from(width.bits == 32)].get_or_insert_with(|| Pdb::new(name, types, width));
            }
            None => {
                self.useless.push((name, "its _LIST_ENTRY has neither two pointers of 64 nor of 32 bits".to_owned()))
            }
        }
    }
}
