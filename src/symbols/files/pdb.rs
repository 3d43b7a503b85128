//! PDBs: what Microsoft's linkers, lld and Rust write. Read by the crates `pdb-addr2line` and `pdb2`.

use std::{collections::HashMap, fmt, io, ops::Range};

use pdb_addr2line::{
    ContextPdbData, FunctionFrames, TypeFormatterFlags,
    pdb::{self, FallibleIterator, MachineType, PDB, SourceSlice, SourceView, SymbolData},
};

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{
        answer::{Answer, Call, Kind, Texts},
        fault::Fault,
        id::Id,
        undecorate::undecorated,
    },
};

/// The format.
pub struct Pdb;

const PAGE: u64 = 0x1000;

impl Format for Pdb {
    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"Microsoft C/C++ MSF 7.00\r\n\x1ADS\0\0\0")
    }

    fn facts(&self, bytes: &Content) -> Result<Facts, Fault> {
        let mut pdb = PDB::open(Bytes(bytes.clone()))?;
        let about = pdb.pdb_information()?;
        let lists = pdb.debug_information()?;
        let sections = pdb.sections()?.unwrap_or_default();
        let end = |section: &pdb::ImageSectionHeader| {
            u64::from(section.virtual_address) + u64::from(section.virtual_size).next_multiple_of(PAGE)
        };
        Ok(Facts {
            kind: if has_functions(&mut pdb, &lists)? { Kind::Private } else { Kind::Public },
            // The age of the image is that of its lists; the other counts how often the file was written.
            id: Some(Id::of_guid(about.guid.as_u128(), lists.age().unwrap_or(about.age))),
            file_age: Some(about.age),
            image_size: sections.iter().map(end).max(),
        })
    }

    fn answers(&self, bytes: &Content, places: &[u32]) -> Result<Vec<Option<Answer>>, Fault> {
        let mut pdb = PDB::open(Bytes(bytes.clone()))?;
        let is_32_bit = pdb.debug_information()?.machine_type().is_ok_and(|machine| machine == MachineType::X86);
        let (publics, map) = (pdb.global_symbols()?, pdb.address_map()?);
        let data = ContextPdbData::try_from_pdb(pdb)?;
        let context = data.make_context_with_formatter_flags(
            TypeFormatterFlags::NO_FUNCTION_RETURN
                | TypeFormatterFlags::NO_MEMBER_FUNCTION_STATIC
                | TypeFormatterFlags::NAME_ONLY
                | TypeFormatterFlags::NO_ARGUMENTS,
        )?;
        let mut texts = Texts::default();
        let mut name = |place: &u32| answer(&context.find_frames(*place).ok()??, is_32_bit, &mut texts);
        let mut answers: Vec<Option<Answer>> = places.iter().map(&mut name).collect();
        let mut linked: HashMap<u32, Vec<String>> =
            answers.iter().flatten().map(|answer| (answer.start, Vec::new())).collect();
        let mut symbols = publics.iter();
        while let Some(symbol) = symbols.next()? {
            let Ok(SymbolData::Public(public)) = symbol.parse() else { continue };
            let start = public.offset.to_rva(&map);
            if let Some(names) = start.and_then(|start| linked.get_mut(&start.0)) {
                names.push(public.name.to_string().into_owned());
            }
        }
        for answer in answers.iter_mut().flatten() {
            link(answer, &linked[&answer.start], is_32_bit, &mut texts);
        }
        Ok(answers)
    }
}

/// True if a PDB has functions beside its public symbols.
fn has_functions<'s>(pdb: &mut PDB<'s, Bytes>, lists: &pdb::DebugInformation<'s>) -> Result<bool, Fault> {
    let mut modules = lists.modules()?;
    while let Some(module) = modules.next()? {
        let Some(info) = pdb.module_info(&module)? else { continue };
        let mut symbols = info.symbols()?;
        while let Some(symbol) = symbols.next()? {
            if matches!(symbol.parse(), Ok(SymbolData::Procedure(_))) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn answer(found: &FunctionFrames<'_>, is_32_bit: bool, texts: &mut Texts) -> Option<Answer> {
    let (outermost, inlined) = found.frames.split_last()?;
    let name = outermost.function.as_deref()?;
    let is_public = inlined.is_empty() && outermost.file.is_none();
    let mut call = |frame: &pdb_addr2line::Frame<'_>, name: &str| Call {
        function: Some(texts.keep(name)),
        file: frame.file.as_deref().map(|file| texts.keep(file)),
        line: frame.line,
    };
    Some(Answer {
        inlined: inlined.iter().map(|frame| call(frame, frame.function.as_deref().unwrap_or("?"))).collect(),
        call: if name.starts_with(['?', '_', '@']) || is_public {
            call(outermost, &undecorated(name, is_32_bit && is_public))
        } else {
            call(outermost, name)
        },
        start: found.start_rva,
        is_public,
        ..Answer::default()
    })
}

/// Adds what public symbols say of the start of a function.
fn link(answer: &mut Answer, names: &[String], is_32_bit: bool, texts: &mut Texts) {
    let shown = answer.call.function.as_deref().unwrap_or_default();
    let own = names.iter().find(|name| undecorated(name, is_32_bit) == shown);
    answer.other_names = names.len().saturating_sub(1).min(u32::MAX as usize) as u32;
    if own.is_none() && !names.is_empty() {
        answer.other_names += 1;
    }
    answer.decorated = own.filter(|name| *name != shown).map(|name| texts.keep(name));
}

/// The bytes of a file, for the crate.
struct Bytes(Content);

impl fmt::Debug for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

impl<'s> pdb::Source<'s> for Bytes {
    fn view(&mut self, slices: &[SourceSlice]) -> io::Result<Box<dyn SourceView<'s> + Send + Sync>> {
        let size = slices.iter().fold(0_usize, |sum, slice| sum.saturating_add(slice.size));
        // A stream that has pages twice would be larger than its file.
        if size > self.0.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let place = |slice: &SourceSlice| {
            let start = usize::try_from(slice.offset).ok()?;
            let place = start..start.checked_add(slice.size)?;
            (place.end <= self.0.len()).then_some(place)
        };
        let places: Option<Vec<Range<usize>>> = slices.iter().map(place).collect();
        let places = places.ok_or(io::ErrorKind::UnexpectedEof)?;
        let together = places.windows(2).all(|pair| pair[0].end == pair[1].start);
        Ok(match (places.first(), places.last()) {
            (Some(first), Some(last)) if together => {
                Box::new(View { content: self.0.clone(), place: first.start..last.end })
            }
            _ => {
                let bytes: Vec<&[u8]> = places.into_iter().map(|place| &self.0[place]).collect();
                Box::new(View { content: Content::new(bytes.concat()), place: 0..size })
            }
        })
    }
}

/// Bytes of a stream: where they are together in the file, those of the file.
struct View {
    content: Content,
    place: Range<usize>,
}

impl fmt::Debug for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes of a stream", self.place.len())
    }
}

impl SourceView<'_> for View {
    fn as_slice(&self) -> &[u8] {
        &self.content[self.place.clone()]
    }
}

impl From<pdb::Error> for Fault {
    fn from(error: pdb::Error) -> Self {
        match error {
            pdb::Error::UnrecognizedFileFormat => Fault::NotSymbols,
            _ => Fault::Damaged("its bytes are not as its format says".to_owned()),
        }
    }
}

impl From<pdb_addr2line::Error> for Fault {
    fn from(_: pdb_addr2line::Error) -> Self {
        Fault::Damaged("its bytes are not as its format says".to_owned())
    }
}
