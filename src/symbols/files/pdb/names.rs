//! Whether the names of functions come to an end. The crate follows the scope of a function, and the types in a name, as deep as they
//! go, and takes memory for as many parts as a record counts.
//!
//! ```text
//! inlined call -> LF_FUNC_ID  -> scope: LF_STRING_ID
//!                             -> type of the function
//!              -> LF_MFUNC_ID -> class
//! ```
//!
//! What real files do not have is refused, and not followed: methods of pointers, lists as types of functions, references into other
//! modules from a list that all modules share.

use std::collections::HashSet;

use super::{
    records::{Records, u16_at, u32_at},
    source::View,
};
use crate::symbols::fault::Fault;

/// Functions in functions, and modifiers of modifiers, that are believed.
const DEEPEST: u32 = 64;

/// Bytes that all names may take for each of the file: many can share a long scope.
const SHARE: usize = 16;

/// Bytes that are written for each of a record that has no name.
const PARTS: usize = 16;

/// Marks a number of another module's.
pub const OF_OTHER_MODULE: u32 = 0x8000_0000;

/// Kinds of ids.
mod id {
    pub const FUNCTION: u16 = 0x1601;
    pub const METHOD: u16 = 0x1602;
    pub const TEXTS: u16 = 0x1604;
    pub const TEXT: u16 = 0x1605;
}

/// Kinds of types that lead to others.
mod kind {
    pub const MODIFIER: u16 = 0x1001;
    pub const POINTER: u16 = 0x1002;
    pub const ARRAYS: [u16; 3] = [0x1003, 0x1503, 0x1516];
    pub const FUNCTION: u16 = 0x1008;
    pub const METHOD: u16 = 0x1009;
    pub const ARGUMENTS: u16 = 0x1201;
    pub const FIELDS: u16 = 0x1203;
}

/// The names that are found to be sound so far.
pub struct Names {
    types: Records,
    ids: Records,
    known: HashSet<u32, ahash::RandomState>,
    /// Bytes that names may yet take.
    left: usize,
}

impl Names {
    /// Of the streams of types and ids, in a file of so many bytes.
    ///
    /// # Errors
    ///
    /// If they count more records than they can hold.
    pub fn of(types: View, ids: View, size: usize) -> Result<Self, Fault> {
        let (types, ids) = (Records::of(types)?, Records::of(ids)?);
        Ok(Self { types, ids, known: HashSet::default(), left: size.saturating_mul(SHARE) })
    }

    /// Checks what an inlined call is called.
    ///
    /// # Errors
    ///
    /// If its name has no end, or all names together become far larger than the file.
    pub fn id(&mut self, number: u32) -> Result<(), Fault> {
        if self.known.insert(number) { self.scope(number, 0) } else { Ok(()) }
    }

    /// Checks the type of a function.
    ///
    /// # Errors
    ///
    /// If it is a list that is not read without harm.
    pub fn function_type(&mut self, number: u32) -> Result<(), Fault> {
        let Some(record) = self.types.get(number) else { return Ok(()) };
        let is_list = match u16_at(record, 0) {
            Some(kind::FIELDS) => true,
            Some(kind::ARGUMENTS) => u32_at(record, 2).is_some_and(|count| count as usize > record.len() / 4),
            _ => false,
        };
        if is_list { Err(refused("the type of a function", "a list")) } else { Ok(()) }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Fault> {
        let found = "names that take far more than the file";
        self.left = self.left.checked_sub(bytes).ok_or_else(|| refused("names of functions", found))?;
        Ok(())
    }

    fn scope(&mut self, number: u32, depth: u32) -> Result<(), Fault> {
        if depth > DEEPEST {
            let found = format!("more than {DEEPEST} in each other");
            return Err(refused("functions in functions", &found));
        }
        let Some(record) = self.ids.get(number) else { return Ok(()) };
        let of = |at| u32_at(record, at).unwrap_or_default();
        let (size, kind, first, second) = (record.len(), u16_at(record, 0), of(2), of(6));
        match kind {
            Some(id::FUNCTION) => {
                self.take(size)?;
                self.own_function_type(second)?;
                if first == 0 { Ok(()) } else { self.scope(own(first)?, depth + 1) }
            }
            Some(id::METHOD) => {
                self.take(size)?;
                self.own_function_type(second)?;
                self.class(own(first)?, 0)
            }
            Some(id::TEXT) => self.take(size),
            Some(id::TEXTS) => Err(refused("a function or a namespace", "a list of texts")),
            _ => self.take(size.saturating_mul(PARTS)),
        }
    }

    fn own_function_type(&mut self, number: u32) -> Result<(), Fault> {
        self.function_type(own(number)?)
    }

    fn class(&mut self, number: u32, depth: u32) -> Result<(), Fault> {
        let Some(record) = self.types.get(number) else { return Ok(()) };
        let (size, kind) = (record.len(), u16_at(record, 0).unwrap_or_default());
        match kind {
            kind::MODIFIER if depth < DEEPEST => {
                let of = u32_at(record, 2).unwrap_or_default();
                self.class(own(of)?, depth + 1)
            }
            kind::MODIFIER | kind::POINTER | kind::FUNCTION | kind::METHOD | kind::ARGUMENTS | kind::FIELDS => {
                Err(refused("the class of a method", "a type made of others"))
            }
            _ if kind::ARRAYS.contains(&kind) => Err(refused("the class of a method", "an array")),
            _ if is_named(kind) => self.take(size),
            _ => self.take(size.saturating_mul(PARTS)),
        }
    }
}

/// Classes, structures, unions, enumerations and interfaces.
fn is_named(kind: u16) -> bool {
    matches!(kind, 0x1004..=0x1007 | 0x1504..=0x1507 | 0x1519 | 0x1608..=0x160A)
}

/// A number in a list that all modules share.
fn own(number: u32) -> Result<u32, Fault> {
    if number & OF_OTHER_MODULE == 0 { Ok(number) } else { Err(refused("a type or an id", "one of another module")) }
}

/// A fault of what a file was expected to have.
pub fn refused(expected: &str, found: &str) -> Fault {
    Fault::Damaged(format!("expected {expected}, found {found}"))
}
