//! Structures of a program as its symbols tell them: fields by name.

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Bytes from the start of the structure.
    pub offset: u64,
    /// The lowest bit and how many bits, of one that is part of a number.
    pub bits: Option<(u8, u8)>,
    /// Bytes of an array; and of one element, if these are numbers.
    pub array: Option<(u64, Option<u64>)>,
}

/// A structure, a class or a union.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its fields; those of nameless parts are its own.
    pub fields: Vec<Field>,
}
