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

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{
        answer::{Answer, Call, Kind},
        fault::Fault,
        undecorate::{undecorated, without_parameters},
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

    fn answers(&self, content: &Content, places: &[u32]) -> Result<Vec<Option<Answer>>, Fault> {
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
        Ok(places.iter().map(&mut answer).collect())
    }
}

/// Lines in which a file says of which build it is.
const FIRST: usize = 8;

/// What dump_syms calls the places where nothing is known any more.
const UNKNOWN: &str = "<unknown in ";

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

/// A function, or a public symbol.
struct Function<'a> {
    start: u32,
    end: u64,
    name: &'a str,
    has_other_names: bool,
    /// Its lines and inlined calls.
    body: &'a [u8],
}

/// A text that many places share, and what is shown of it: made when it is first asked for.
struct Shared<'a>(&'a str, OnceCell<Arc<str>>);

impl Shared<'_> {
    fn shown(&self, show: impl FnOnce(&str) -> Arc<str>) -> Arc<str> {
        Arc::clone(self.1.get_or_init(|| show(self.0)))
    }
}

/// What a file has, by place.
#[derive(Default)]
struct List<'a> {
    is_32_bit: bool,
    files: HashMap<u32, Shared<'a>>,
    origins: HashMap<u32, Shared<'a>>,
    functions: Vec<Function<'a>>,
    publics: Vec<Function<'a>>,
}

impl<'a> List<'a> {
    fn of(content: &'a [u8]) -> Self {
        let mut list = Self::default();
        let mut at = 0;
        while at < content.len() {
            let line = line(&content[at..]);
            at += line.len();
            let line = text(line.strip_suffix(b"\n").unwrap_or(line));
            let Some((record, rest)) = line.split_once(' ') else { continue };
            match record {
                "MODULE" => list.is_32_bit |= module(line).is_some_and(|module| module.machine == "x86"),
                "FILE" => list.files.extend(numbered(rest)),
                "INLINE_ORIGIN" => list.origins.extend(numbered(rest)),
                "PUBLIC" => list.publics.extend(public(rest)),
                "FUNC" => {
                    let body = &content[at..at + body_end(&content[at..])];
                    at += body.len();
                    let found = function(rest, body);
                    let has_size = found.as_ref().is_some_and(|function| function.end > function.start.into());
                    if has_size { list.functions.extend(found) } else { list.publics.extend(found) }
                }
                _ => {}
            }
        }
        for list in [&mut list.functions, &mut list.publics] {
            list.sort_by_key(|function| function.start);
            list.dedup_by(|next, first| {
                let is_same = next.start == first.start;
                first.has_other_names |= is_same && next.name != first.name;
                is_same
            });
        }
        list
    }

    /// The function that a place is in.
    fn function(&self, place: u32) -> Option<usize> {
        let index = self.functions.partition_point(|function| function.start <= place).checked_sub(1)?;
        (u64::from(place) < self.functions[index].end).then_some(index)
    }

    /// The public symbol before a place, unless a function ends between both.
    fn public(&self, place: u32) -> Option<usize> {
        let index = self.publics.partition_point(|function| function.start <= place).checked_sub(1)?;
        let public = &self.publics[index];
        let before = self.functions.partition_point(|function| function.start <= place).checked_sub(1);
        let ends_between = before.is_some_and(|before| self.functions[before].end > public.start.into());
        (!ends_between && !public.name.starts_with(UNKNOWN)).then_some(index)
    }

    fn answer(&self, lines: &Lines, named: &Answer, place: u32) -> Answer {
        let file = |number: u32| Some(self.files.get(&number)?.shown(|file| file.into()));
        let (number, mut line) = lines.at(place).unzip();
        let mut here = number.and_then(file);
        let mut inlined = Vec::new();
        // The line is that of the innermost call; every call tells the line that it is made from.
        for call in lines.inlined_at(place).collect::<Vec<_>>().into_iter().rev() {
            let origin = self.origins.get(&call.origin);
            inlined.push(Call {
                function: origin.map(|name| name.shown(|name| shown(name, self.is_32_bit).into())),
                file: std::mem::replace(&mut here, file(call.file)),
                line: line.replace(call.line).filter(|line| *line > 0),
            });
        }
        let line = line.filter(|line| *line > 0);
        Answer { call: Call { file: here, line, ..named.call.clone() }, inlined, ..named.clone() }
    }

    fn named(&self, function: &Function<'_>) -> Answer {
        let shown = shown(function.name, self.is_32_bit);
        Answer {
            decorated: (shown != function.name).then(|| function.name.into()),
            call: Call { function: Some(shown.into()), ..Call::default() },
            start: function.start,
            other_names: function.has_other_names.into(),
            ..Answer::default()
        }
    }
}

/// A name as debuggers show it. Most are undecorated, but with parameters.
fn shown(name: &str, is_32_bit: bool) -> String {
    // An underscore alone may be part of a name in the source; with a size behind the name it is a convention.
    let plain = undecorated(name, is_32_bit && name.contains('@'));
    without_parameters(&plain).to_owned()
}

/// The first line of a content, with what ends it.
fn line(content: &[u8]) -> &[u8] {
    &content[..memchr::memchr(b'\n', content).map_or(content.len(), |end| end + 1)]
}

/// `NUMBER NAME`.
fn numbered(rest: &str) -> Option<(u32, Shared<'_>)> {
    let (number, name) = rest.split_once(' ')?;
    Some((number.parse().ok()?, Shared(name, OnceCell::new())))
}

/// The rest of a record behind its name; several names for one place are marked by `m`.
fn without_mark(rest: &str) -> (&str, bool) {
    rest.strip_prefix("m ").map_or((rest, false), |rest| (rest, true))
}

/// `ADDRESS SIZE PARAMETERS NAME`.
fn function<'a>(rest: &'a str, body: &'a [u8]) -> Option<Function<'a>> {
    let (rest, has_other_names) = without_mark(rest);
    let mut words = rest.splitn(4, ' ');
    let (start, size) = (hex(words.next()?)?, hex(words.next()?)?);
    let name = words.nth(1)?;
    Some(Function { start: start.try_into().ok()?, end: start.saturating_add(size), name, has_other_names, body })
}

/// `ADDRESS PARAMETERS NAME`.
fn public(rest: &str) -> Option<Function<'_>> {
    let (rest, has_other_names) = without_mark(rest);
    let mut words = rest.splitn(3, ' ');
    let start = hex(words.next()?)?.try_into().ok()?;
    Some(Function { start, end: start.into(), name: words.nth(1)?, has_other_names, body: &[] })
}

/// Bytes of the lines that belong to a function: until a record of another kind.
fn body_end(content: &[u8]) -> usize {
    let mut end = 0;
    loop {
        let line = line(&content[end..]);
        let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        if word.is_empty() || word != b"INLINE" && !word.iter().all(u8::is_ascii_hexdigit) {
            return end;
        }
        end += line.len();
    }
}

/// Lines of a function, and calls inlined in it.
#[derive(Default)]
struct Lines {
    /// First place, bytes, file and line; sorted.
    lines: Vec<(u32, u32, u32, u32)>,
    calls: Vec<Inlined>,
    /// Level, first place, bytes, and which call; sorted.
    ranges: Vec<(u32, u32, u32, u32)>,
    /// Those that occur, outermost first.
    levels: Vec<u32>,
}

/// A call that was inlined, and where it is made.
struct Inlined {
    line: u32,
    file: u32,
    origin: u32,
}

/// Calls in calls that are believed.
const DEEPEST: usize = 128;

impl Lines {
    fn of(body: &[u8]) -> Self {
        let mut found = Self::default();
        for line in body.split(|byte| *byte == b'\n').map(text) {
            match line.strip_prefix("INLINE ") {
                Some(rest) => drop(found.add(rest)),
                None => found.lines.extend(source_line(line)),
            }
        }
        found.lines.sort_unstable();
        found.ranges.sort_unstable();
        found.levels = found.ranges.iter().map(|(level, ..)| *level).collect();
        found.levels.dedup();
        found.levels.truncate(DEEPEST);
        found
    }

    /// `LEVEL LINE FILE ORIGIN (ADDRESS SIZE)+`.
    fn add(&mut self, rest: &str) -> Option<()> {
        let mut words = rest.split_ascii_whitespace();
        let mut number = || words.next()?.parse::<u32>().ok();
        let level = number()?;
        let call = Inlined { line: number()?, file: number()?, origin: number()? };
        let index = u32::try_from(self.calls.len()).ok()?;
        self.calls.push(call);
        while let (Some(start), Some(size)) = (words.next(), words.next()) {
            let (start, size) = range(start, size)?;
            self.ranges.push((level, start, size, index));
        }
        Some(())
    }

    fn at(&self, place: u32) -> Option<(u32, u32)> {
        let behind = self.lines.partition_point(|(start, ..)| *start <= place);
        let (start, size, file, line) = *self.lines[..behind].last()?;
        (place - start < size).then_some((file, line))
    }

    /// The calls at a place, outermost first.
    fn inlined_at(&self, place: u32) -> impl Iterator<Item = &Inlined> {
        self.levels.iter().filter_map(move |level| {
            let behind = self.ranges.partition_point(|(known, start, ..)| (*known, *start) <= (*level, place));
            let (known, start, size, call) = *self.ranges[..behind].last()?;
            (known == *level && place - start < size).then(|| &self.calls[call as usize])
        })
    }
}

/// Where a range begins, and its bytes: those that 32 bits count.
fn range(start: &str, size: &str) -> Option<(u32, u32)> {
    Some((hex(start)?.try_into().ok()?, hex(size)?.try_into().unwrap_or(u32::MAX)))
}

/// `ADDRESS SIZE LINE FILE`.
fn source_line(line: &str) -> Option<(u32, u32, u32, u32)> {
    let mut words = line.split_ascii_whitespace();
    let (start, size) = range(words.next()?, words.next()?)?;
    let (line, file) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((start, size, file, line))
}

#[cfg(test)]
mod tests {
    use super::*;

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
