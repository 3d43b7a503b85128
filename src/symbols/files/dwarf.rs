//! Images with DWARF in them: of MinGW, Qt, and Rust for windows-gnu. Windows' own tools cannot read it, so their logs have bare
//! addresses. Read by the crates `object`, `gimli` and `addr2line`.

use std::sync::Arc;

use addr2line::{
    Context,
    gimli::{self, DwarfSections, EndianSlice, LittleEndian},
};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolSection};

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
        let dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
        let names = Names {
            context: Context::from_dwarf(dwarf).map_err(|_| changed())?,
            linked: linked(&file),
            base: file.relative_address_base(),
            is_32_bit: !file.is_64(),
        };
        let mut texts = Texts::default();
        Ok(places
            .iter()
            .map(|place| names.of_dwarf(*place, &mut texts).or_else(|| names.of_link(*place, &mut texts)))
            .collect())
    }
}

fn changed() -> Fault {
    Fault::Damaged("its bytes are not as its format says".to_owned())
}

fn parsed(content: &Content) -> Result<object::File<'_>, Fault> {
    object::File::parse(&**content).map_err(|_| changed())
}

struct Names<'a> {
    context: Context<Bytes<'a>>,
    /// Functions that the linker knows, sorted by place.
    linked: Vec<(u32, &'a str)>,
    base: u64,
    is_32_bit: bool,
}

impl Names<'_> {
    fn of_dwarf(&self, place: u32, texts: &mut Texts) -> Option<Answer> {
        let address = self.base + u64::from(place);
        let mut frames = self.context.find_frames(address).skip_all_loads().ok()?;
        let (mut calls, mut die, mut decorated): (Vec<Call>, _, Option<Arc<str>>) = (Vec::new(), None, None);
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let shown = name.as_ref().map(|name| undecorated(name, self.is_32_bit));
            decorated = name.filter(|name| shown.as_deref() != Some(name)).map(|name| texts.keep(&name));
            die = frame.dw_die_offset;
            let location = frame.location.as_ref();
            calls.push(Call {
                function: shown.map(|name| texts.keep(&name)),
                file: location.and_then(|location| location.file).map(|file| texts.keep(file)),
                line: location.and_then(|location| location.line),
            });
        }
        let call = calls.pop().filter(|call| call.function.is_some())?;
        let start = u32::try_from(self.start(address, die?)?.checked_sub(self.base)?).ok()?;
        Some(Answer { call, start, decorated, inlined: calls, ..Answer::default() })
    }

    /// Where a function begins.
    fn start(&self, address: u64, die: gimli::UnitOffset) -> Option<u64> {
        let unit = self.context.find_dwarf_and_unit(address).skip_all_loads()?;
        let entry = unit.entry(die).ok()?;
        let mut ranges = unit.die_ranges(&entry).ok()?;
        let mut start: Option<u64> = None;
        while let Ok(Some(range)) = ranges.next() {
            start = Some(start.map_or(range.begin, |start| start.min(range.begin)));
        }
        start.filter(|start| *start <= address)
    }

    /// The function that the linker has before a place.
    fn of_link(&self, place: u32, texts: &mut Texts) -> Option<Answer> {
        let behind = self.linked.partition_point(|(start, _)| *start <= place);
        let (start, name) = *self.linked[..behind].last()?;
        let shown = undecorated(name, self.is_32_bit);
        let decorated = (shown != name).then(|| texts.keep(name));
        let call = Call { function: Some(texts.keep(&shown)), ..Call::default() };
        Some(Answer { call, start, decorated, is_public: true, ..Answer::default() })
    }
}

fn linked<'a>(file: &object::File<'a>) -> Vec<(u32, &'a str)> {
    let base = file.relative_address_base();
    let function = |symbol: object::Symbol<'a, '_>| {
        let SymbolSection::Section(section) = symbol.section() else { return None };
        let is_code = file.section_by_index(section).is_ok_and(|section| section.kind() == SectionKind::Text);
        let name = symbol.name().ok().filter(|name| is_code && !name.is_empty() && !name.starts_with('.'))?;
        Some((u32::try_from(symbol.address().checked_sub(base)?).ok()?, name))
    };
    let mut linked: Vec<(u32, &str)> = file.symbols().filter_map(function).collect();
    linked.sort_unstable();
    linked.dedup_by_key(|(start, _)| *start);
    linked
}
