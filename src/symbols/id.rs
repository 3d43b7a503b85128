//! Identities of builds, as symbol stores write them: `4A252F11…40B2` is a GUID and an age.
//!
//! Source: Microsoft, "Using SymStore", the names of folders in a store; the CodeView records of \[MS-DBGHELP\]'s `IMAGE_DEBUG_DIRECTORY`.

use std::{fmt, str::FromStr};

/// What a linker gives a build, and its PDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    /// A GUID, as a number of its 32 digits; or a time, as a number of 8 (before 2002).
    pub signature: u128,
    /// True for a GUID.
    pub is_guid: bool,
    /// How often the PDB was written for this image.
    pub age: u32,
}

impl Id {
    /// A GUID and an age.
    pub fn of_guid(guid: u128, age: u32) -> Self {
        Self { signature: guid, is_guid: true, age }
    }

    /// Of the 16 bytes of a GUID as Windows keeps them, and an age.
    pub fn of_bytes(guid: [u8; 16], age: u32) -> Self {
        let mut digits = guid;
        digits[..4].reverse();
        digits[4..6].reverse();
        digits[6..8].reverse();
        Self::of_guid(u128::from_be_bytes(digits), age)
    }

    /// Whether both are of one build, whatever their ages.
    pub fn has_signature_of(&self, other: &Self) -> bool {
        self.signature == other.signature && self.is_guid == other.is_guid
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = match text.len() {
            33..=40 => 32,
            9..=16 => 8,
            _ => return Err(()),
        };
        if !is_hex {
            return Err(());
        }
        let (signature, age) = text.split_at(digits);
        Ok(Self {
            signature: u128::from_str_radix(signature, 16).map_err(|_| ())?,
            is_guid: digits == 32,
            age: u32::from_str_radix(age, 16).map_err(|_| ())?,
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.is_guid { 32 } else { 8 };
        write!(out, "{:0width$X}{:X}", self.signature, self.age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        for text in ["4A252F1112A54C0A9B4F1B5C0D5E40B22", "4A252F1112A54C0A9B4F1B5C0D5E40B2FFFFFFFF", "4A5BC60F2"] {
            assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
            assert_eq!(text.to_lowercase().parse::<Id>().unwrap().to_string(), text);
        }
        for text in
            ["", "4A252F1112A54C0A9B4F1B5C0D5E40B2", "4A5BC60F", "wntdll.pdb", "4A252F1112A54C0A9B4F1B5C0D5E40BZ2"]
        {
            assert_eq!(text.parse::<Id>(), Err(()), "{text}");
        }
    }

    #[test]
    fn the_bytes_of_a_guid_have_an_order_of_their_own() {
        let bytes = [0x11, 0x2F, 0x25, 0x4A, 0xA5, 0x12, 0x0A, 0x4C, 0x9B, 0x4F, 0x1B, 0x5C, 0x0D, 0x5E, 0x40, 0xB2];
        assert_eq!(Id::of_bytes(bytes, 2).to_string(), "4A252F1112A54C0A9B4F1B5C0D5E40B22");
    }
}
