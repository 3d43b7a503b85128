//! The formats of symbols, one in each file.

mod breakpad;
mod dwarf;
mod pdb;

use super::{answer::Kind, data::Data, fault::Fault, id::Id, known::Known, structures::Structure};
use crate::input::content::Content;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What names it has.
    pub kind: Kind,
    /// The build that it is of.
    pub id: Option<Id>,
    /// The age that is written beside the GUID, where a PDB has two: it counts how often the file was written.
    pub file_age: Option<u32>,
    /// Bytes of address space of its module.
    pub image_size: Option<u64>,
}

/// One format. Readers get bytes that strangers made: they may refuse them or panic, and take no more memory than a few times as
/// many bytes.
pub trait Format: Sync {
    /// Whether a file is one that begins so; there are at least 4096 bytes, unless it is shorter.
    fn begins(&self, start: &[u8]) -> bool;

    /// What a file says of itself. Nothing that is not needed for it is read.
    ///
    /// # Errors
    ///
    /// If it is damaged, or has no names.
    fn facts(&self, bytes: &Content) -> Result<Facts, Fault>;

    /// Looks up places in the module: bytes from its base, in ascending order. Each is told, in this order; nothing of it where no
    /// function is known.
    ///
    /// # Errors
    ///
    /// If the file is damaged. Damage that concerns some places alone tells nothing of these.
    fn tell(&self, bytes: &Content, places: &[u32], known: &mut Known) -> Result<(), Fault>;

    /// Tells all symbols of data, wherever they are; those that nobody asked for cost little. Whether one is of data, a format may not
    /// know: then it is told as well.
    ///
    /// # Errors
    ///
    /// If the file is damaged.
    fn tell_data(&self, bytes: &Content, data: &mut Data<'_>) -> Result<(), Fault>;

    /// The structures of some names; none where the format has no types.
    ///
    /// # Errors
    ///
    /// If the file is damaged.
    fn structures(&self, _: &Content, _: &[&str]) -> Result<Vec<Structure>, Fault> {
        Ok(Vec::new())
    }

    /// One answer for each place.
    #[cfg(test)]
    fn answers(&self, bytes: &Content, places: &[u32]) -> Result<Vec<Option<super::answer::Answer>>, Fault> {
        let mut known = Known::default();
        self.tell(bytes, places, &mut known)?;
        Ok(places.iter().map(|place| known.answer(*place)).collect())
    }

    /// The names of the data that begins at places.
    #[cfg(test)]
    fn data(&self, bytes: &Content, places: &[u32]) -> Result<Vec<(u32, String)>, Fault> {
        let mut data = Data::of(places);
        self.tell_data(bytes, &mut data)?;
        Ok(data.finish().map(|(place, name)| (place, name.to_string())).collect())
    }
}

/// All formats.
static FORMATS: [&dyn Format; 3] = [&pdb::Pdb, &breakpad::Breakpad, &dwarf::Dwarf];

/// The format of a file that begins so.
///
/// # Errors
///
/// If it is none, or one of which it is known that it is not read.
pub fn format(start: &[u8]) -> Result<&'static dyn Format, Fault> {
    if start.starts_with(b"Microsoft MSFZ Container") {
        return Err(Fault::Unsupported("a compressed PDB (MSFZ)"));
    }
    if start.starts_with(b"BSJB") {
        return Err(Fault::Unsupported("a portable PDB of .NET"));
    }
    if start.starts_with(b"Microsoft C/C++ program database 2.00") {
        return Err(Fault::Unsupported("a PDB of before Visual C++ 7 (version 2.00)"));
    }
    FORMATS.into_iter().find(|format| format.begins(start)).ok_or(Fault::NotSymbols)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read, path::PathBuf};

    use flate2::read::GzDecoder;

    use super::*;

    fn data(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/symbols").join(name)
    }

    /// What LLVM's tools say is right, for real linkers' files.
    #[test]
    fn data_has_the_names_that_llvm_gives_it_and_nothing_between_has_one() {
        let expected: serde_json::Value = serde_json::from_reader(File::open(data("classes.json")).unwrap()).unwrap();
        for (name, build) in [("x64/classes.pdb", "x64"), ("x86/classes.pdb", "x86"), ("dwarf/classes.exe", "dwarf")] {
            let mut bytes = Vec::new();
            GzDecoder::new(File::open(data(&format!("{name}.gz"))).unwrap()).read_to_end(&mut bytes).unwrap();
            let format = format(&bytes[..bytes.len().min(4096)]).unwrap();
            let places: Vec<u32> = (0x2000..0x5000).collect();
            let found = format.data(&Content::new(bytes), &places).unwrap();
            let told: Vec<(u32, String)> = serde_json::from_value(expected[build].clone()).unwrap();
            let clean = |name: &str| name.replace("struct ", "").replace("class ", "");
            let found: Vec<_> = found.iter().map(|(place, name)| (*place, clean(name))).collect();
            let told: Vec<_> = told.iter().map(|(place, name)| (*place, clean(name))).collect();
            assert_eq!(found, told, "{name}");
        }
    }
}
