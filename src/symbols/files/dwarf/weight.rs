//! What DWARF becomes in memory, before it is read.

use std::collections::HashSet;

use addr2line::gimli::{self, AbbreviationsCacheStrategy, EndianSlice, LittleEndian, Reader, Section};

use super::{Bytes, changed};
use crate::symbols::fault::Fault;

/// Entries in entries that are read: `addr2line` calls itself for each inlined call, and a stack that overflows ends the process.
const DEEPEST: isize = 512;

/// Attributes of one kind of entry: real ones have some dozen.
const MOST_ATTRIBUTES: u64 = 1024;

/// What an entry, a unit and a byte of a line program become in memory, at most.
const ENTRY: usize = 128;
const UNIT: usize = 1024;
const LINE: usize = 32;

/// Bytes that reading may take for each of the file. Ten programs took 1.3 to 7.8 (clang 19, DWARF 4 and 5, November 2026).
const SHARE: usize = 16;

/// What may yet be taken.
struct Weight(usize);

impl Weight {
    fn take(&mut self, bytes: usize) -> Result<(), Fault> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(changed)?;
        Ok(())
    }
}

/// Refuses what would become far larger in memory than it is: entries can share lists, tables and texts, and units overlap.
///
/// # Errors
///
/// If it would.
pub fn weigh(dwarf: &mut gimli::Dwarf<Bytes<'_>>, size: usize) -> Result<(), Fault> {
    let mut weight = Weight(size.saturating_mul(SHARE));
    let (mut units, mut tables) = (dwarf.units(), HashSet::new());
    while let Some(header) = units.next().map_err(|_| changed())? {
        weight.take(UNIT)?;
        let table = header.debug_abbrev_offset().0;
        if tables.insert(table) {
            weigh_table(dwarf.debug_abbrev.reader().slice().get(table..).unwrap_or_default(), &mut weight)?;
        }
    }
    dwarf.populate_abbreviations_cache(AbbreviationsCacheStrategy::Duplicates);
    let mut units = dwarf.units();
    while let Some(header) = units.next().map_err(|_| changed())? {
        let Ok(unit) = dwarf.unit(header) else { continue };
        weigh_lines(dwarf, &unit, &mut weight)?;
        weigh_entries(dwarf, &unit, &mut weight)?;
    }
    Ok(())
}

/// A table of abbreviations, which is over where it makes no sense.
fn weigh_table(table: &[u8], weight: &mut Weight) -> Result<(), Fault> {
    let mut table = EndianSlice::new(table, LittleEndian);
    while let Ok(1..) = table.read_uleb128() {
        weight.take(ENTRY)?;
        let mut count = 0;
        if table.read_uleb128().and_then(|_| table.read_u8()).is_err() {
            break;
        }
        while let (Ok(name), Ok(form)) = (table.read_uleb128(), table.read_uleb128()) {
            if (name, form) == (0, 0) {
                break;
            }
            if form == u64::from(gimli::DW_FORM_implicit_const.0) && table.read_sleb128().is_err() {
                break;
            }
            count += 1;
            weight.take(LINE)?;
        }
        if count > MOST_ATTRIBUTES {
            return Err(changed());
        }
    }
    Ok(())
}

/// The lines of a unit and its files, each of which gets its whole path.
fn weigh_lines<'b>(
    dwarf: &gimli::Dwarf<Bytes<'b>>,
    unit: &gimli::Unit<Bytes<'b>>,
    weight: &mut Weight,
) -> Result<(), Fault> {
    let Some(program) = &unit.line_program else { return Ok(()) };
    let header = program.header();
    weight.take(header.raw_program_buf().len().saturating_mul(LINE))?;
    weight.take(header.include_directories().len().saturating_mul(LINE))?;
    let root = unit.comp_dir.map_or(0, |root| root.len());
    let len = |text| dwarf.attr_string(unit, text).map_or(0, |text| text.len());
    for file in header.file_names() {
        weight.take(ENTRY.saturating_add(root).saturating_add(len(file.path_name())))?;
        weight.take(file.directory(header).map_or(0, len))?;
    }
    Ok(())
}

/// The entries of a unit, until where they make no sense.
fn weigh_entries<'b>(
    dwarf: &gimli::Dwarf<Bytes<'b>>,
    unit: &gimli::Unit<Bytes<'b>>,
    weight: &mut Weight,
) -> Result<(), Fault> {
    let Ok(mut entries) = unit.entries_raw(None) else { return Ok(()) };
    // Ends of lists that nobody began lead below the unit itself.
    let mut lowest = 0;
    while !entries.is_empty() {
        let is_first = entries.next_depth() == 0;
        lowest = lowest.min(entries.next_depth());
        let Ok(kind) = entries.read_abbreviation() else { break };
        let Some(kind) = kind else { continue };
        if entries.next_depth() - lowest > DEEPEST {
            return Err(changed());
        }
        weight.take(kind.attributes().len())?;
        let mut ahead = entries.clone();
        if entries.skip_attributes(kind.attributes()).is_err() {
            break;
        }
        if !is_first && !matches!(kind.tag(), gimli::DW_TAG_subprogram | gimli::DW_TAG_inlined_subroutine) {
            continue;
        }
        weight.take(ENTRY)?;
        for attribute in kind.attributes() {
            let Ok(value) = ahead.read_attribute(*attribute) else { break };
            if value.name() == gimli::DW_AT_ranges {
                weigh_ranges(dwarf, unit, value.value(), weight)?;
            }
        }
    }
    Ok(())
}

fn weigh_ranges<'b>(
    dwarf: &gimli::Dwarf<Bytes<'b>>,
    unit: &gimli::Unit<Bytes<'b>>,
    list: gimli::AttributeValue<Bytes<'b>>,
    weight: &mut Weight,
) -> Result<(), Fault> {
    let list = dwarf.attr_ranges_offset(unit, list).ok().flatten();
    let Some(mut list) = list.and_then(|list| dwarf.raw_ranges(unit, list).ok()) else { return Ok(()) };
    while let Ok(Some(_)) = list.next() {
        weight.take(LINE)?;
    }
    Ok(())
}
