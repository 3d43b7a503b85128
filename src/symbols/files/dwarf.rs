//! Images with DWARF in them: of MinGW, Qt, and Rust for windows-gnu. Windows' own tools cannot read it, so their logs have bare
//! addresses. Read by the crates `object`, `gimli` and `addr2line`.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use addr2line::{
    Context, Frame,
    gimli::{self, AbbreviationsCacheStrategy, DwarfSections, EndianSlice, LittleEndian, Reader, Section},
};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind, SymbolSection};

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{
        answer::{Answer, Call, Kind, Texts},
        fault::Fault,
        image,
        undecorate::undecorated,
    },
};

/// The format.
pub struct Dwarf;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

impl Format for Dwarf {
    fn begins(&self, start: &[u8]) -> bool {
        image::begins(start)
    }

    fn facts(&self, content: &Content) -> Result<Facts, Fault> {
        let image = image::image(content)?;
        let file = parsed(content)?;
        if file.section_by_name(".zdebug_info").is_some() {
            return Err(Fault::Unsupported("an image with compressed DWARF (.zdebug_info)"));
        }
        let section = file.section_by_name(".debug_info").filter(|section| section.size() > 0);
        section.ok_or(Fault::NotSymbols)?;
        Ok(Facts { kind: Kind::Dwarf, id: image.id, file_age: None, image_size: Some(image.size) })
    }

    fn answers(&self, content: &Content, places: &[u32]) -> Result<Vec<Option<Answer>>, Fault> {
        let file = parsed(content)?;
        let data = |id: gimli::SectionId| {
            let section = file.section_by_name(id.name());
            section.map_or(Ok(&[][..]), |section| section.data())
        };
        let sections = DwarfSections::load(data).map_err(|_: object::Error| changed())?;
        let mut dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
        weigh(&mut dwarf, content.len())?;
        let code = code(&file);
        let names = Names {
            context: Context::from_dwarf(dwarf).map_err(|_| changed())?,
            linked: linked(&file, &code),
            code,
            base: file.relative_address_base(),
            is_32_bit: !file.is_64(),
        };
        let mut kept = Kept { left: content.len().saturating_mul(4), ..Kept::default() };
        Ok(places.iter().map(|place| names.answer(*place, &mut kept)).collect())
    }
}

fn changed() -> Fault {
    Fault::Damaged("its bytes are not as its format says".to_owned())
}

fn parsed(content: &Content) -> Result<object::File<'_>, Fault> {
    object::File::parse(&**content).map_err(|_| changed())
}

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
fn weigh(dwarf: &mut gimli::Dwarf<Bytes<'_>>, size: usize) -> Result<(), Fault> {
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
    while !entries.is_empty() {
        let is_first = entries.next_depth() == 0;
        let Ok(kind) = entries.read_abbreviation() else { break };
        let Some(kind) = kind else { continue };
        if entries.next_depth() > DEEPEST {
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

/// Texts by where they lie in the file: what many places share is undecorated and copied once.
#[derive(Default)]
struct Kept {
    texts: Texts,
    names: HashMap<(usize, usize), Shown>,
    files: HashMap<(usize, usize), Arc<str>>,
    /// Bytes that names may yet take: they can overlap.
    left: usize,
}

/// What is shown, and the decorated name where it is another.
type Shown = (Arc<str>, Option<Arc<str>>);

impl Kept {
    fn name(&mut self, name: &[u8], is_32_bit: bool) -> Option<Shown> {
        let key = (name.as_ptr() as usize, name.len());
        if let Some(known) = self.names.get(&key) {
            return Some(known.clone());
        }
        self.left = self.left.checked_sub(name.len())?;
        let name = String::from_utf8_lossy(name);
        let shown = undecorated(&name, is_32_bit);
        let decorated = (shown != name).then(|| self.texts.keep(&name));
        let found = (self.texts.keep(&shown), decorated);
        self.names.insert(key, found.clone());
        Some(found)
    }

    fn file(&mut self, file: &str) -> Arc<str> {
        let key = (file.as_ptr() as usize, file.len());
        Arc::clone(self.files.entry(key).or_insert_with(|| self.texts.keep(file)))
    }

    /// A call, and its decorated name.
    fn call(&mut self, frame: &Frame<'_, Bytes<'_>>, is_32_bit: bool) -> (Call, Option<Arc<str>>) {
        let location = frame.location.as_ref();
        let name = frame.function.as_ref().map(|function| function.name.slice());
        // An underscore alone is part of the name in the source; with a size behind the name it is a convention.
        let name = name.and_then(|name| self.name(name, is_32_bit && name.contains(&b'@')));
        let (function, decorated) = name.map_or((None, None), |(shown, decorated)| (Some(shown), decorated));
        let file = location.and_then(|location| location.file).map(|file| self.file(file));
        (Call { function, file, line: location.and_then(|location| location.line) }, decorated)
    }
}

struct Names<'a> {
    context: Context<Bytes<'a>>,
    /// Functions that the linker knows, sorted by place.
    linked: Vec<Linked<'a>>,
    /// Sections with code.
    code: Vec<Range<u32>>,
    base: u64,
    is_32_bit: bool,
}

/// Place, true for what is marked as no function, and name.
type Linked<'a> = (u32, bool, &'a str);

impl Names<'_> {
    fn answer(&self, place: u32, kept: &mut Kept) -> Option<Answer> {
        let section = section(&self.code, place)?;
        self.of_dwarf(place, kept).or_else(|line| self.of_link(place, section, line, kept).ok_or(())).ok()
    }

    /// What DWARF says of a place: all, or the line alone where that is of no function.
    fn of_dwarf(&self, place: u32, kept: &mut Kept) -> Result<Answer, Call> {
        let address = self.base.saturating_add(place.into()).min(u64::MAX - 1);
        let mut frames = self.context.find_frames(address).skip_all_loads().map_err(|_| Call::default())?;
        let (mut calls, mut die, mut decorated) = (Vec::new(), None, None);
        while let Ok(Some(frame)) = frames.next() {
            let (call, name) = kept.call(&frame, self.is_32_bit);
            calls.push(call);
            (die, decorated) = (frame.dw_die_offset, name);
        }
        let mut call = calls.pop().unwrap_or_default();
        let (Some(name), Some(die)) = (&call.function, die) else { return Err(call) };
        // Functions that the linker left out are still there, at the address 0 or the base.
        let start = self.start(address, die).and_then(|start| u32::try_from(start.checked_sub(self.base)?).ok());
        let start = start.filter(|start| section(&self.code, *start).is_some()).ok_or_else(Call::default)?;
        if decorated.is_none()
            && let Some(whole) = self.whole_name(start, name, kept)
        {
            (call.function, decorated) = (Some(whole.0), whole.1);
        }
        Ok(Answer { call, start, decorated, inlined: calls, ..Answer::default() })
    }

    /// The name with its namespaces, where DWARF has the last part alone (`-gline-tables-only`).
    fn whole_name(&self, start: u32, name: &str, kept: &mut Kept) -> Option<Shown> {
        let first = self.linked.partition_point(|(known, ..)| *known < start);
        let (_, _, linked) = self.linked.get(first).filter(|(known, ..)| *known == start)?;
        let whole = kept.name(linked.as_bytes(), self.is_32_bit)?;
        whole.0.strip_suffix(name).is_some_and(|scope| scope.ends_with("::")).then_some(whole)
    }

    /// Where a function begins.
    fn start(&self, address: u64, die: gimli::UnitOffset) -> Option<u64> {
        let unit = self.context.find_dwarf_and_unit(address).skip_all_loads()?;
        let entry = unit.entry(die).ok()?;
        let mut ranges = unit.die_ranges(&entry).ok()?;
        let mut start: Option<u64> = None;
        while let Ok(Some(range)) = ranges.next() {
            if (self.base..=address).contains(&range.begin) && range.begin < range.end {
                start = Some(start.map_or(range.begin, |start| start.min(range.begin)));
            }
        }
        start
    }

    /// The function that the linker has before a place, in the same section.
    fn of_link(&self, place: u32, section: &Range<u32>, line: Call, kept: &mut Kept) -> Option<Answer> {
        let behind = self.linked.partition_point(|(start, ..)| *start <= place);
        let start = self.linked[..behind].last()?.0;
        let first = self.linked[..behind].partition_point(|(known, ..)| *known < start);
        let name = self.linked[first].2.as_bytes();
        let (shown, decorated) = kept.name(name, self.is_32_bit).filter(|_| section.start <= start)?;
        Some(Answer {
            call: Call { function: Some(shown), ..line },
            start,
            decorated,
            other_names: u32::try_from(behind - first - 1).unwrap_or(u32::MAX),
            is_public: true,
            ..Answer::default()
        })
    }
}

/// The section that a place is in.
fn section(sections: &[Range<u32>], place: u32) -> Option<&Range<u32>> {
    let behind = sections.partition_point(|section| section.start <= place);
    sections[..behind].last().filter(|section| section.contains(&place))
}

fn code(file: &object::File<'_>) -> Vec<Range<u32>> {
    let base = file.relative_address_base();
    let place = |section: object::Section<'_, '_>| {
        let start = u32::try_from(section.address().checked_sub(base)?).ok()?;
        let size = u32::try_from(section.size()).unwrap_or(u32::MAX);
        (section.kind() == SectionKind::Text).then_some(start..start.saturating_add(size))
    };
    let mut code: Vec<_> = file.sections().filter_map(place).collect();
    code.sort_unstable_by_key(|section| section.start);
    code
}

fn linked<'a>(file: &object::File<'a>, code: &[Range<u32>]) -> Vec<Linked<'a>> {
    let base = file.relative_address_base();
    let function = |symbol: object::Symbol<'a, '_>| {
        let is_placed = matches!(symbol.section(), SymbolSection::Section(_));
        let name = symbol.name().ok().filter(|name| is_placed && !name.is_empty() && !name.starts_with('.'))?;
        let start = u32::try_from(symbol.address().checked_sub(base)?).ok()?;
        section(code, start)?;
        Some((start, symbol.kind() != SymbolKind::Text, name))
    };
    let mut linked: Vec<_> = file.symbols().filter_map(function).collect();
    linked.sort_unstable();
    linked.dedup();
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u32 = 0x40_0000;
    /// A unit, a function, a call that is inlined, a function that is only inlined, and a function of several ranges; each with its
    /// attributes and their forms.
    const TABLE: &[u8] = &[
        1, 0x11, 1, 0x11, 1, 0x12, 6, 0, 0, // low and high
        2, 0x2E, 1, 0x6E, 8, 0x11, 1, 0x12, 6, 0, 0, // linkage name, low and high
        3, 0x1D, 1, 0x31, 0x13, 0x11, 1, 0x12, 6, 0x59, 0xB, 0, 0, // origin, low and high, line
        4, 0x2E, 0, 3, 8, 0, 0, // name
        5, 0x2E, 0, 3, 8, 0x55, 0x17, 0, 0, // name, ranges
        0,
    ];
    /// Where the function that is only inlined is in [`unit`].
    const TAXED: (u32, u32) = (24, 20);

    fn address(place: u32, is_64: bool) -> Vec<u8> {
        if is_64 { u64::from(BASE + place).to_le_bytes().to_vec() } else { (BASE + place).to_le_bytes().to_vec() }
    }

    fn entry(kind: u8, name: &[u8], range: (u32, u32), is_64: bool) -> Vec<u8> {
        [&[kind][..], name, &address(range.0, is_64), &range.1.to_le_bytes()].concat()
    }

    fn unit(entries: &[u8], range: (u32, u32), is_64: bool) -> Vec<u8> {
        let width = if is_64 { 8 } else { 4 };
        let body =
            [&[4, 0, 0, 0, 0, 0, width][..], &entry(1, b"", range, is_64), b"\x04taxed\0", entries, b"\0"].concat();
        [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
    }

    /// An image with code at 0x1000 (0x800 bytes), data at 0x2000, more sections, and symbols: section from 1, place in it, name.
    fn image(is_64: bool, more: &[(&str, Vec<u8>)], symbols: &[(u8, u32, &str)]) -> Vec<u8> {
        let code = [(".text", vec![0xCC; 0x800], 0x6000_0020_u32), (".data", vec![0; 16], 0xC000_0040)];
        let sections = code.into_iter().chain(more.iter().map(|(name, bytes)| (*name, bytes.clone(), 0x4200_0040)));
        let sections: Vec<_> = sections.collect();
        let optional_size: u16 = if is_64 { 112 } else { 96 };
        let mut optional = vec![0; optional_size.into()];
        optional[..2].copy_from_slice(&(if is_64 { 0x20B_u16 } else { 0x10B }).to_le_bytes());
        let at = if is_64 { 24 } else { 28 };
        optional[at..at + 4].copy_from_slice(&BASE.to_le_bytes());
        optional[56..60].copy_from_slice(&0x9000_u32.to_le_bytes());
        let (mut headers, mut bytes, mut texts) = (Vec::new(), Vec::new(), vec![0_u8; 4]);
        let start = 64 + 24 + u32::from(optional_size) + 40 * sections.len() as u32;
        let mut text = |name: &str| {
            texts.extend([name.as_bytes(), b"\0"].concat());
            (texts.len() - name.len() - 1) as u32
        };
        for (index, (name, content, flags)) in sections.iter().enumerate() {
            let mut short = if name.len() > 8 { format!("/{}", text(name)) } else { (*name).to_owned() }.into_bytes();
            short.resize(8, 0);
            let (size, place) = (content.len() as u32, (index as u32 + 1) * 0x1000);
            headers.extend(short);
            for number in [size, place, size, start + bytes.len() as u32, 0, 0, 0, *flags] {
                headers.extend(number.to_le_bytes());
            }
            bytes.extend(content);
        }
        let mut table = Vec::new();
        for (section, place, name) in symbols {
            table.extend([&[0; 4], &text(name).to_le_bytes()[..], &place.to_le_bytes()].concat());
            table.extend([*section, 0, 0x20, 0, 2, 0]);
        }
        let count = texts.len() as u32;
        texts[..4].copy_from_slice(&count.to_le_bytes());
        let mut file = [&b"MZ"[..], &[0; 58], &64_u32.to_le_bytes(), b"PE\0\0"].concat();
        file.extend((if is_64 { 0x8664_u16 } else { 0x14C }).to_le_bytes());
        file.extend((sections.len() as u16).to_le_bytes());
        for number in [0, start + bytes.len() as u32, symbols.len() as u32] {
            file.extend(number.to_le_bytes());
        }
        file.extend(
            [&optional_size.to_le_bytes()[..], &[0x22, 0], &optional, &headers, &bytes, &table, &texts].concat(),
        );
        file
    }

    fn with_dwarf(info: Vec<u8>, is_64: bool, symbols: &[(u8, u32, &str)]) -> Content {
        Content::new(image(is_64, &[(".debug_info", info), (".debug_abbrev", TABLE.to_vec())], symbols))
    }

    fn shown(answer: &Option<Answer>) -> String {
        let Some(answer) = answer else { return "-".to_owned() };
        let call = |call: &Call| format!("{}:{}", call.function.as_deref().unwrap_or("?"), call.line.unwrap_or(0));
        let calls: Vec<_> = answer.inlined.iter().chain([&answer.call]).map(call).collect();
        format!("{:x} {}{}", answer.start, calls.join(" < "), if answer.is_public { " public" } else { "" })
    }

    #[test]
    fn places_have_functions_and_the_calls_inlined_there() {
        for (is_64, taxed) in [(true, TAXED.0), (false, TAXED.1)] {
            let add = entry(2, b"_ZN4shop3addEi\0", (0x1010, 0x20), is_64);
            let call = entry(3, &taxed.to_le_bytes(), (0x1018, 8), is_64);
            let info = unit(&[&add[..], &call, &[45, 0, 0]].concat(), (0x1000, 0x100), is_64);
            let symbols = [(1, 0x40, "_close@4"), (1, 0x40, "also"), (2, 0, "data"), (1, 0, ".text")];
            let content = with_dwarf(info, is_64, &symbols);
            let facts = Dwarf.facts(&content).unwrap();
            assert_eq!((facts.kind, facts.id, facts.image_size), (Kind::Dwarf, None, Some(0x9000)));
            let answers = Dwarf.answers(&content, &[0x100F, 0x1010, 0x1018, 0x102F, 0x1030, 0x1041, 0x2001]).unwrap();
            let found: Vec<_> = answers.iter().map(shown).collect();
            let close = if is_64 { "1040 _close@4:0 public" } else { "1040 close:0 public" };
            assert_eq!(
                found,
                ["-", "1010 shop::add:0", "1010 taxed:0 < shop::add:45", "1010 shop::add:0", "-", close, "-"]
            );
            assert_eq!(answers[1].as_ref().unwrap().decorated.as_deref(), Some("_ZN4shop3addEi"));
            assert_eq!(answers[5].as_ref().unwrap().other_names, 1);
        }
    }

    #[test]
    fn the_linker_knows_the_namespaces_of_a_bare_name() {
        let add = entry(2, b"add\0", (0x1010, 0x20), true);
        let info = unit(&[&add[..], &[0]].concat(), (0x1000, 0x100), true);
        for (linked, name) in [("_ZN4shop3addEi", "1010 shop::add:0"), ("_ZN4shop4riadEi", "1010 add:0")] {
            let content = with_dwarf(info.clone(), true, &[(1, 0x10, linked)]);
            assert_eq!(shown(&Dwarf.answers(&content, &[0x1011]).unwrap()[0]), name);
        }
    }

    #[test]
    fn functions_that_the_linker_left_out_hold_no_places() {
        let gone = entry(2, b"gone\0", (0, 0x1800), true);
        let content = with_dwarf(unit(&[&gone[..], &[0]].concat(), (0, 0x1800), true), true, &[(1, 8, "here")]);
        let answers = Dwarf.answers(&content, &[0x1001, 0x1010]).unwrap();
        assert_eq!(answers.iter().map(shown).collect::<Vec<_>>(), ["-", "1008 here:0 public"]);
    }

    #[test]
    fn images_without_dwarf_have_no_names_here() {
        let facts = |name| Dwarf.facts(&Content::new(image(true, &[(name, vec![1; 64])], &[])));
        assert_eq!(facts(".rdata"), Err(Fault::NotSymbols));
        assert!(matches!(facts(".zdebug_info"), Err(Fault::Unsupported(_))));
        assert_eq!(Dwarf.facts(&Content::new(b"MZ".to_vec())), Err(Fault::NotSymbols));
    }

    #[test]
    fn what_would_become_far_larger_is_refused() {
        // Calls in calls that would overflow the stack.
        let call = entry(3, &TAXED.0.to_le_bytes(), (0x1000, 0x100), true);
        let calls = [&call[..], &[1]].concat().repeat(20_000);
        let add = entry(2, b"add\0", (0x1000, 0x100), true);
        let deep = with_dwarf(unit(&[add, calls].concat(), (0x1000, 0x100), true), true, &[]);
        assert_eq!(Dwarf.answers(&deep, &[0x1010]), Err(changed()));
        let calls = [&[&call[..], &[1]].concat().repeat(500)[..], &[0; 502]].concat();
        let add = entry(2, b"add\0", (0x1000, 0x100), true);
        let shallow = with_dwarf(unit(&[add, calls].concat(), (0x1000, 0x100), true), true, &[]);
        let answers = Dwarf.answers(&shallow, &[0x1010]).unwrap();
        assert_eq!(answers[0].as_ref().map(|answer| answer.inlined.len()), Some(500));
        // Functions that share a long list of ranges.
        let functions = b"\x05f\0\0\0\0\0".repeat(2000);
        let ranges: Vec<u8> =
            (0..2000_u64).flat_map(|at| [at.to_le_bytes(), (at + 1).to_le_bytes()].concat()).collect();
        let sections =
            |info| [(".debug_info", info), (".debug_abbrev", TABLE.to_vec()), (".debug_ranges", ranges.clone())];
        let shared = image(true, &sections(unit(&functions, (0x1000, 0x100), true)), &[]);
        assert_eq!(Dwarf.answers(&Content::new(shared), &[0x1010]), Err(changed()));
        let single = image(true, &sections(unit(&functions[..7], (0x1000, 0x100), true)), &[]);
        assert!(Dwarf.answers(&Content::new(single), &[0x1010]).is_ok());
    }

    #[test]
    fn cut_and_changed_bytes_are_no_panic() {
        let add = entry(2, b"add\0", (0x1010, 0x20), true);
        let whole = with_dwarf(unit(&[&add[..], &[0]].concat(), (0x1000, 0x100), true), true, &[(1, 0, "here")]);
        for at in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[at] ^= 0xFF;
            let _ = Dwarf.answers(&Content::new(changed), &[0x1001, 0x1011]);
            let _ = Dwarf.answers(&Content::new(whole[..at].to_vec()), &[0x1001]);
        }
    }
}
