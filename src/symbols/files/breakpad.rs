//! Breakpad's text: what Mozilla, Chromium, Electron and Unity publish of their programs.
//!
//! ```text
//! MODULE windows x86_64 4A252F1112A54C0A9B4F1B5C0D5E40B22 shop.pdb
//! FILE 0 basket.cpp
//! INLINE_ORIGIN 0 taxed(int)
//! FUNC 1010 30 0 shop::Basket::add(int)
//! INLINE 0 45 0 0 1018 8
//! 1010 8 44 0
//! PUBLIC 2010 0 close
//! ```
//!
//! Source: google/breakpad, docs/symbol_files.md. Functions are listed in one pass; lines are read of those that are asked for.

mod lines;
mod list;

use lines::Lines;
use list::{List, public};

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{
        answer::{Answer, Kind},
        data::Data,
        fault::Fault,
        known::Known,
    },
};

/// The format.
pub struct Breakpad;

impl Format for Breakpad {
    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"MODULE ")
    }

    fn facts(&self, content: &Content) -> Result<Facts, Fault> {
        let mut lines = content.split(|byte| *byte == b'\n').take(FIRST).map(text);
        let module = lines.next().and_then(module).ok_or(Fault::NotSymbols)?;
        // Of Windows: the time stamp of the image, eight digits, and behind it its size.
        let code = lines.find_map(|line| line.strip_prefix("INFO CODE_ID ")?.split_ascii_whitespace().next());
        let image_size = code.filter(|_| module.system == "windows").and_then(|code| hex(code.get(8..)?));
        Ok(Facts { kind: Kind::Breakpad, id: module.id.parse().ok(), file_age: None, image_size })
    }

    fn tell(&self, content: &Content, places: &[u32], known: &mut Known) -> Result<(), Fault> {
        let list = List::of(content);
        // Neighbours are often of one function. What is known of all of it is kept, for names can be long.
        let mut inside: Option<(usize, Lines, Answer)> = None;
        let mut behind: Option<(usize, Answer)> = None;
        let mut answer = |place: &u32| {
            if let Some(index) = list.function(*place) {
                let (_, lines, named) = match inside.take().filter(|(known, ..)| *known == index) {
                    Some(same) => inside.insert(same),
                    None => {
                        let function = &list.functions[index];
                        inside.insert((index, Lines::of(function.body), list.named(function)))
                    }
                };
                return Some(list.answer(lines, named, *place));
            }
            let index = list.public(*place)?;
            let (_, named) = match behind.take().filter(|(known, _)| *known == index) {
                Some(same) => behind.insert(same),
                None => behind.insert((index, Answer { is_public: true, ..list.named(&list.publics[index]) })),
            };
            Some(named.clone())
        };
        places.iter().for_each(|place| known.tell_answer(*place, answer(place).as_ref()));
        Ok(())
    }

    fn tell_data(&self, content: &Content, data: &mut Data<'_>) -> Result<(), Fault> {
        let first = content.split(|byte| *byte == b'\n').next().map(text);
        if first.and_then(module).is_some_and(|module| module.machine == "x86") {
            data.is_32_bit();
        }
        for at in memchr::memmem::find_iter(content, b"\nPUBLIC ") {
            let line = content[at + 1..].split(|byte| *byte == b'\n').next().map(text);
            let symbol = line.and_then(|line| public(line.strip_prefix("PUBLIC ")?));
            match symbol.filter(|symbol| !symbol.name.starts_with(list::UNKNOWN)) {
                // An underscore alone may be part of a name in the source.
                Some(symbol) if symbol.name.contains('@') => data.tell(symbol.start, symbol.name),
                Some(symbol) => data.tell_plain(symbol.start, symbol.name),
                None => {}
            }
        }
        Ok(())
    }
}

/// Lines in which a file says of which build it is.
const FIRST: usize = 8;

fn text(line: &[u8]) -> &str {
    std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).unwrap_or_default()
}

/// A word of hexadecimal digits.
fn hex(word: &str) -> Option<u64> {
    u64::from_str_radix(word, 16).ok()
}

/// The first line.
struct Module<'a> {
    system: &'a str,
    machine: &'a str,
    id: &'a str,
}

/// `MODULE SYSTEM MACHINE ID NAME`.
fn module(line: &str) -> Option<Module<'_>> {
    let mut words = line.strip_prefix("MODULE ")?.split_ascii_whitespace();
    Some(Module { system: words.next()?, machine: words.next()?, id: words.next()? })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{lines::DEEPEST, list::shown, *};
    use crate::symbols::answer::Call;

    const TEXT: &str = "\
MODULE windows x86_64 4A252F1112A54C0A9B4F1B5C0D5E40B22 shop.pdb\r
INFO CODE_ID 5E0F12346000 shop.exe
FILE 0 c:\\shop\\basket.cpp
FILE 1 c:\\shop\\tax.h
INLINE_ORIGIN 0 taxed(int)
INLINE_ORIGIN 1 checked(int)
FUNC 1010 30 0 shop::Basket::add(int, char const *)
INLINE 0 45 0 0 1018 8
INLINE 1 40 1 1 1018 4
1010 8 44 0
1018 4 36 1
101C 4 41 1
1020 10 46 0
1030 10 0 0
FUNC m 1100 10 0 close
1100 10 9 0
FUNC 1200 0 0 empty
PUBLIC 2010 0 Open
PUBLIC m 2020 0 ?Close@shop@@YAHH@Z
PUBLIC 2030 0 one
PUBLIC 2030 0 two
PUBLIC 2040 0 <unknown in shop.pdb>
STACK WIN 4 1010 30 0 0 0 0 0 0 1 x
";

    fn answers(text: &str, places: &[u32]) -> Vec<Option<Answer>> {
        Breakpad.answers(&Content::new(text.as_bytes().to_vec()), places).unwrap()
    }

    fn told(answer: &Option<Answer>) -> Vec<String> {
        let word = |text: &Option<Arc<str>>| text.as_deref().unwrap_or("-").to_owned();
        let shown = |call: &Call| format!("{} {}:{}", word(&call.function), word(&call.file), call.line.unwrap_or(0));
        answer.iter().flat_map(|answer| answer.inlined.iter().chain([&answer.call])).map(shown).collect()
    }

    #[test]
    fn a_file_says_what_build_it_is_of() {
        let facts = |text: &str| Breakpad.facts(&Content::new(text.as_bytes().to_vec()));
        let found = facts(TEXT).unwrap();
        assert_eq!(found.id.unwrap().to_string(), "4A252F1112A54C0A9B4F1B5C0D5E40B22");
        assert_eq!(found.image_size, Some(0x6000));
        let linux = facts("MODULE Linux x86_64 x shop\nINFO CODE_ID 5E0F12346000\n").unwrap();
        assert_eq!((linux.id, linux.image_size), (None, None));
        assert_eq!(facts("MODULE basket\n"), Err(Fault::NotSymbols));
    }

    #[test]
    fn places_have_functions_lines_and_the_calls_inlined_there() {
        let found = answers(TEXT, &[0x100F, 0x1010, 0x1019, 0x101D, 0x102F, 0x1030, 0x1040]);
        assert_eq!((found[0].as_ref(), found[6].as_ref()), (None, None));
        assert_eq!(told(&found[1]), ["shop::Basket::add c:\\shop\\basket.cpp:44"]);
        assert_eq!(
            told(&found[2]),
            ["checked c:\\shop\\tax.h:36", "taxed c:\\shop\\tax.h:40", "shop::Basket::add c:\\shop\\basket.cpp:45"]
        );
        assert_eq!(told(&found[3]), ["taxed c:\\shop\\tax.h:41", "shop::Basket::add c:\\shop\\basket.cpp:45"]);
        assert_eq!(told(&found[4]), ["shop::Basket::add c:\\shop\\basket.cpp:46"]);
        assert_eq!(told(&found[5]), ["shop::Basket::add c:\\shop\\basket.cpp:0"]);
        assert_eq!(found[1].as_ref().unwrap().decorated.as_deref(), Some("shop::Basket::add(int, char const *)"));
    }

    #[test]
    fn public_symbols_are_nearest_names() {
        let found = answers(TEXT, &[0x1105, 0x1180, 0x1201, 0x2015, 0x2025, 0x2035, 0x3000]);
        assert_eq!(found[0].as_ref().map(|answer| (answer.other_names, answer.is_public)), Some((1, false)));
        assert_eq!((found[1].as_ref(), found[6].as_ref()), (None, None));
        let open = found[3].as_ref().unwrap();
        assert_eq!((open.start, open.is_public, open.other_names), (0x2010, true, 0));
        let names: Vec<_> = found[2..6].iter().flat_map(told).collect();
        assert_eq!(names, ["empty -:0", "Open -:0", "shop::Close -:0", "one -:0"]);
        assert_eq!(found[5].as_ref().unwrap().other_names, 1);
    }

    #[test]
    fn public_symbols_name_what_begins_right_there() {
        let data = |text: &str, places: &[u32]| Breakpad.data(&Content::new(text.as_bytes().to_vec()), places).unwrap();
        let found = data(TEXT, &[0x1010, 0x2010, 0x2014, 0x2020, 0x2030, 0x2040]);
        let names: Vec<_> = found.iter().map(|(place, name)| (*place, name.as_str())).collect();
        assert_eq!(names, [(0x2010, "Open"), (0x2020, "shop::Close"), (0x2030, "one | two")]);
        let tables = "MODULE windows x86 0 shop.pdb\r\nPUBLIC 10 0 ??_7Item@shop@@6B@\r\nPUBLIC m 10 0 ??_7Basket@@6B@\r\n\
                      PUBLIC 20 0 __ZTV4Item\r\nPUBLIC 30 0 _start\r\nPUBLIC 40\nPUBLIC zz 0 x";
        let found = data(tables, &[0x10, 0x20, 0x28, 0x30, 0x40]);
        let names: Vec<_> = found.iter().map(|(place, name)| (*place, name.as_str())).collect();
        assert_eq!(names, [(0x10, "Basket | shop::Item"), (0x28, "Item"), (0x30, "_start")]);
    }

    #[test]
    fn names_have_no_parameters_and_no_decoration() {
        for (written, is_32_bit, name) in [
            ("f(int, char const*)", false, "f"),
            ("shop::Basket::total() const", false, "shop::Basket::total"),
            ("Functor::operator()(int) const", false, "Functor::operator()"),
            ("each<void (int)>(void (*)(int))", false, "each<void (int)>"),
            ("(anonymous namespace)::hidden(int)", false, "(anonymous namespace)::hidden"),
            ("f(int)::{lambda(int)#1}::operator()(int) const", false, "f(int)::{lambda(int)#1}::operator()"),
            ("f(int)::{lambda(int)#1}", false, "f(int)::{lambda(int)#1}"),
            ("_initterm(void (**)(), int)", false, "_initterm"),
            ("?Close@shop@@YAHH@Z", false, "shop::Close"),
            ("_Close@4", false, "_Close@4"),
            ("_Close@4", true, "Close"),
            ("@Close@4", true, "Close"),
            ("_start", true, "_start"),
        ] {
            assert_eq!(shown(written, is_32_bit), name);
        }
    }

    #[test]
    fn broken_lines_cost_themselves_alone() {
        let text = "MODULE x\nFUNC\nFUNC zz 1 0 a\nFUNC 10 FFFFFFFFFFFFFFFFF 0 b\nFUNC 20 FFFFFFFFFFFFFFFF 0 c\nINLINE 0\n30 40 x y\n\
                    30 FFFFFFFFFFFFFFFF 7 0\n100000000 1 8 0\nPUBLIC 99999999999 0 d\nFILE 0\nFUNC 40 4 0 inner\n";
        let found = answers(text, &[0x15, 0x25, 0x35, 0x41, u32::MAX]);
        let names: Vec<_> = found.iter().map(told).collect();
        assert_eq!(
            names,
            [vec![], vec!["c -:0".to_owned()], vec!["c -:7".to_owned()], vec!["inner -:0".to_owned()], vec![]]
        );
    }

    #[test]
    fn a_million_inlined_calls_are_no_work_for_each_place() {
        let mut text = String::from("MODULE x\nINLINE_ORIGIN 0 g(int)\nFUNC 0 100000 0 f\n");
        (0..100_000).for_each(|level| text += &format!("INLINE {level} 1 0 0 0 100000\n"));
        (0..100_000).for_each(|at| text += &format!("INLINE 0 2 0 0 {:x} 1\n", at * 2));
        let places: Vec<u32> = (0..10_000).collect();
        let found = answers(&text, &places);
        assert!(found.iter().flatten().all(|answer| answer.inlined.len() <= DEEPEST));
        assert_eq!(found.iter().flatten().count(), places.len());
    }
}
