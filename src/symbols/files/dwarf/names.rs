//! Names of places in an image: those of DWARF, and where it has none those of the linker.

use std::{collections::HashMap, ops::Range, sync::Arc};

use addr2line::{Context, Frame, gimli};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind, SymbolSection};

use super::Bytes;
use crate::symbols::{
    answer::{Answer, Call, Texts},
    undecorate::undecorated,
};

/// Bytes that names may take for each of the file.
const SHARE: usize = 4;

/// Texts by where they lie in the file: what many places share is undecorated and copied once.
#[derive(Default)]
pub struct Kept {
    texts: Texts,
    names: HashMap<(usize, usize), Shown>,
    files: HashMap<(usize, usize), Arc<str>>,
    /// Bytes that names may yet take: they can overlap.
    left: usize,
}

/// What is shown, and the decorated name where it is another.
type Shown = (Arc<str>, Option<Arc<str>>);

impl Kept {
    /// For a file of so many bytes.
    pub fn of(size: usize) -> Self {
        Self { left: size.saturating_mul(SHARE), ..Self::default() }
    }

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

/// What says which function a place is in.
pub struct Names<'a> {
    /// DWARF.
    pub context: Context<Bytes<'a>>,
    /// Functions that the linker knows, sorted by place.
    pub linked: Vec<Linked<'a>>,
    /// Sections with code.
    pub code: Vec<Range<u32>>,
    /// Where the image would like to lie.
    pub base: u64,
    /// It is of a 32-bit program.
    pub is_32_bit: bool,
}

/// Place, true for what is marked as no function, and name.
pub type Linked<'a> = (u32, bool, &'a str);

impl Names<'_> {
    /// What is said of a place.
    pub fn answer(&self, place: u32, kept: &mut Kept) -> Option<Answer> {
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

/// Sections with code.
pub fn code(file: &object::File<'_>) -> Vec<Range<u32>> {
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

/// Functions that the linker knows in these sections, sorted by place.
pub fn linked<'a>(file: &object::File<'a>, code: &[Range<u32>]) -> Vec<Linked<'a>> {
    let function = |symbol: object::Symbol<'a, '_>| {
        let (start, name) = placed(file, &symbol)?;
        section(code, start)?;
        Some((start, symbol.kind() != SymbolKind::Text, name))
    };
    let mut linked: Vec<_> = file.symbols().filter_map(function).collect();
    linked.sort_unstable();
    linked.dedup();
    linked
}

/// Symbols that the linker knows outside of code.
pub fn data<'f, 'a>(file: &'f object::File<'a>) -> impl Iterator<Item = (u32, &'a str)> + use<'f, 'a> {
    let code = code(file);
    file.symbols().filter_map(move |symbol| placed(file, &symbol).filter(|(start, _)| section(&code, *start).is_none()))
}

/// Where a symbol is, bytes from the base of the image, and its name.
fn placed<'a>(file: &object::File<'a>, symbol: &object::Symbol<'a, '_>) -> Option<(u32, &'a str)> {
    let is_placed = matches!(symbol.section(), SymbolSection::Section(_));
    let name = symbol.name().ok().filter(|name| is_placed && !name.is_empty() && !name.starts_with('.'))?;
    let start = u32::try_from(symbol.address().checked_sub(file.relative_address_base())?).ok()?;
    Some((start, name))
}
