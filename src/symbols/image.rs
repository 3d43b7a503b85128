//! Images (`.exe`, `.dll`) beside symbols: of which build they are, and whether calls stand before return addresses.
//!
//! Source: Microsoft, "PE Format"; Intel's manual, volume 2, CALL. Read by the crate `object`.

use object::{
    LittleEndian as LE, Object,
    pe::{ImageNtHeaders32, ImageNtHeaders64},
    read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile},
};

use super::{fault::Fault, id::Id};

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Link time stamp, or a hash of a reproducible build.
    pub timestamp: u32,
    /// Bytes of address space.
    pub size: u64,
    /// The PDB of its build.
    pub id: Option<Id>,
    /// Its name, as linked.
    pub debug_file: Option<String>,
}

/// Which return addresses of a log have a call before them in the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Places that were looked at.
    pub places: u32,
    /// Those with a call before them.
    pub behind_a_call: u32,
}

/// True for what begins as an image does.
pub fn begins(start: &[u8]) -> bool {
    start.starts_with(b"MZ")
}

/// Reads the headers.
///
/// # Errors
///
/// If it is no image.
pub fn image(bytes: &[u8]) -> Result<Image, Fault> {
    either(bytes, facts::<ImageNtHeaders64>, facts::<ImageNtHeaders32>)
}

/// Counts places, bytes from the base of the module, that have a call right before them. Those outside of the file's code are not
/// looked at.
///
/// # Errors
///
/// If it is no image.
pub fn calls(bytes: &[u8], places: &[u32]) -> Result<Calls, Fault> {
    let of = |code: &dyn Fn(u32) -> Option<Vec<u8>>, size: u64| {
        let mut calls = Calls::default();
        for place in places {
            let Some(before) = code(*place) else { continue };
            calls.places += 1;
            calls.behind_a_call += u32::from(ends_in_a_call(&before, *place, size));
        }
        Ok(calls)
    };
    either(
        bytes,
        |file: PeFile<'_, ImageNtHeaders64>| of(&|place| code_before(&file, place), size(&file)),
        |file: PeFile<'_, ImageNtHeaders32>| of(&|place| code_before(&file, place), size(&file)),
    )
}

fn either<'b, T>(
    bytes: &'b [u8],
    wide: impl FnOnce(PeFile<'b, ImageNtHeaders64>) -> Result<T, Fault>,
    narrow: impl FnOnce(PeFile<'b, ImageNtHeaders32>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if let Ok(file) = PeFile::<ImageNtHeaders64>::parse(bytes) {
        return wide(file);
    }
    narrow(PeFile::<ImageNtHeaders32>::parse(bytes).map_err(|_| Fault::NotSymbols)?)
}

fn size<P: ImageNtHeaders>(file: &PeFile<'_, P>) -> u64 {
    file.nt_headers().optional_header().size_of_image().into()
}

fn facts<P: ImageNtHeaders>(file: PeFile<'_, P>) -> Result<Image, Fault> {
    let record = file.pdb_info().ok().flatten();
    Ok(Image {
        timestamp: file.nt_headers().file_header().time_date_stamp.get(LE),
        size: size(&file),
        id: record.as_ref().map(|record| Id::of_bytes(record.guid(), record.age())),
        debug_file: record.map(|record| String::from_utf8_lossy(record.path()).into_owned()),
    })
}

/// Bytes of the longest call.
const CALL: u32 = 7;

/// The bytes of code before a place.
fn code_before<P: ImageNtHeaders>(file: &PeFile<'_, P>, place: u32) -> Option<Vec<u8>> {
    let start = place.checked_sub(CALL)?;
    let section = file.section_table().section_containing(start)?;
    let is_code = section.characteristics.get(LE).0 & object::pe::IMAGE_SCN_MEM_EXECUTE.0 != 0;
    let code = section.pe_data_at(file.data(), start).filter(|_| is_code)?;
    code.get(..CALL as usize).map(<[u8]>::to_vec)
}

/// True if bytes end in a call: `E8` with a distance that stays in the image, or `FF /2` with any operand.
fn ends_in_a_call(before: &[u8], place: u32, image_size: u64) -> bool {
    if let [.., 0xE8, a, b, c, d] = *before {
        let target = i64::from(place) + i64::from(i32::from_le_bytes([a, b, c, d]));
        if u64::try_from(target).is_ok_and(|target| target < image_size) {
            return true;
        }
    }
    // The byte behind FF: how the operand is addressed (2 bits), 2 for a call (3 bits), and a register (3 bits).
    let is = |length: usize, modes: &[u8], has_index: bool| {
        let Some([0xFF, operand, ..]) = before.get(before.len() - length..) else { return false };
        let (mode, kind, register) = (operand >> 6, operand >> 3 & 7, operand & 7);
        kind == 2 && modes.contains(&mode) && (mode == 3 || (register == 4) == has_index)
    };
    let with_distance = |length: usize| matches!(before.get(before.len() - length..), Some([0xFF, 0x15, ..]));
    is(2, &[0, 3], false)
        || is(3, &[1], false)
        || is(6, &[2], false)
        || with_distance(6)
        || is(3, &[0], true)
        || is(4, &[1], true)
        || is(7, &[2], true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_call_is_known() {
        for code in [
            &[0x90, 0x90, 0xE8, 0x10, 0, 0, 0][..],
            &[0x90, 0xFF, 0x15, 1, 2, 3, 4],
            &[0x90, 0x90, 0x90, 0x90, 0x90, 0xFF, 0xD0],
            &[0x90, 0x90, 0x90, 0x90, 0x41, 0xFF, 0xD3],
            &[0x90, 0x90, 0x90, 0x90, 0x90, 0xFF, 0x10],
            &[0x90, 0x90, 0x90, 0x90, 0xFF, 0x50, 0x18],
            &[0x90, 0x90, 0x90, 0x90, 0xFF, 0x14, 0xC1],
            &[0x90, 0x90, 0x90, 0xFF, 0x54, 0x24, 0x20],
            &[0x90, 0xFF, 0x90, 0x80, 1, 0, 0],
            &[0xFF, 0x94, 0xC1, 0x80, 1, 0, 0],
        ] {
            assert!(ends_in_a_call(code, 0x1000, 0x8000), "{code:x?}");
        }
        for code in [
            &[0x90, 0x90, 0xE8, 0x10, 0, 0, 0x70][..],
            &[0x90; 7],
            &[0x90, 0x90, 0x90, 0x90, 0x90, 0xFF, 0xE0],
            &[0x90, 0x90, 0x90, 0x90, 0xFF, 0x60, 0x18],
        ] {
            assert!(!ends_in_a_call(code, 0x1000, 0x8000), "{code:x?}");
        }
    }
}
