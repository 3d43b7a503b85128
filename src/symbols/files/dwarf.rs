//! Images with DWARF in them: of MinGW, Qt, and Rust for windows-gnu. Windows' own tools cannot read it, so their logs have bare
//! addresses. Read by the crates `object`, `gimli` and `addr2line`.

mod names;
mod weight;

use addr2line::{
    Context,
    gimli::{self, DwarfSections, EndianSlice, LittleEndian},
};
use names::{Kept, Names, code, linked};
use object::{Object, ObjectSection};
use weight::weigh;

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{answer::Kind, data::Data, fault::Fault, image, known::Known},
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

    fn tell(&self, content: &Content, places: &[u32], known: &mut Known) -> Result<(), Fault> {
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
        let mut kept = Kept::of(content.len());
        places.iter().for_each(|place| known.tell_answer(*place, names.answer(*place, &mut kept).as_ref()));
        Ok(())
    }

    fn tell_data(&self, content: &Content, data: &mut Data<'_>) -> Result<(), Fault> {
        let file = parsed(content)?;
        if !file.is_64() {
            data.is_32_bit();
        }
        names::data(&file).for_each(|(start, name)| data.tell(start, name));
        Ok(())
    }
}

fn changed() -> Fault {
    Fault::Damaged("its bytes are not as its format says".to_owned())
}

fn parsed(content: &Content) -> Result<object::File<'_>, Fault> {
    object::File::parse(&**content).map_err(|_| changed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::answer::{Answer, Call};

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
        // The same, from as far below the unit.
        let calls = [&call[..], &[1]].concat().repeat(20_000);
        let add = entry(2, b"add\0", (0x1000, 0x100), true);
        let below = with_dwarf(unit(&[vec![0; 20_000], add, calls].concat(), (0x1000, 0x100), true), true, &[]);
        assert_eq!(Dwarf.answers(&below, &[0x1010]), Err(changed()));
        let calls = [&[&call[..], &[1]].concat().repeat(500)[..], &[0; 502]].concat();
        let add = entry(2, b"add\0", (0x1000, 0x100), true);
        let shallow = with_dwarf(unit(&[add, calls].concat(), (0x1000, 0x100), true), true, &[]);
        let answers = Dwarf.answers(&shallow, &[0x1010]).unwrap();
        assert_eq!(answers[0].as_ref().map(|answer| answer.inlined.len()), Some(256));
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
