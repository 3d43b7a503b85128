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

use std::collections::HashMap;

use super::{Facts, Format};
use crate::{
    input::content::Content,
    symbols::{
        answer::{Answer, Call, Kind, Texts},
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
        let id = lines.next().and_then(|module| module.split_ascii_whitespace().nth(3)?.parse().ok());
        // The time stamp of the image, eight digits, and behind it its size.
        let code = lines.find_map(|line| line.strip_prefix("INFO CODE_ID ")?.split_ascii_whitespace().next());
        let image_size = code.and_then(|code| hex(code.get(8..)?));
        Ok(Facts { kind: Kind::Breakpad, id, file_age: None, image_size })
    }

    fn answers(&self, content: &Content, places: &[u32]) -> Result<Vec<Option<Answer>>, Fault> {
        let list = List::of(content);
        let mut texts = Texts::default();
        let mut last: Option<(usize, Lines<'_>)> = None;
        let mut answer = |place: &u32| {
            let Some(index) = list.function(*place) else { return list.public(*place, &mut texts) };
            if last.as_ref().is_none_or(|(known, _)| *known != index) {
                last = Some((index, Lines::of(list.functions[index].body)));
            }
            let (_, lines) = last.as_ref()?;
            Some(list.answer(&list.functions[index], lines, *place, &mut texts))
        };
        Ok(places.iter().map(&mut answer).collect())
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

/// The rest of a record behind its name; several names for one place are marked by `m`.
fn without_mark(rest: &str) -> (&str, bool) {
    rest.strip_prefix("m ").map_or((rest, false), |rest| (rest, true))
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

/// What a file has, by place.
#[derive(Default)]
struct List<'a> {
    files: HashMap<u32, &'a str>,
    origins: HashMap<u32, &'a str>,
    functions: Vec<Function<'a>>,
    publics: Vec<Function<'a>>,
}

impl<'a> List<'a> {
    fn of(content: &'a [u8]) -> Self {
        let mut list = Self::default();
        let mut at = 0;
        while at < content.len() {
            let len = memchr::memchr(b'\n', &content[at..]).map_or(content.len() - at, |len| len + 1);
            let line = &content[at..at + len];
            at += len;
            let line = text(line.strip_suffix(b"\n").unwrap_or(line));
            let Some((record, rest)) = line.split_once(' ') else { continue };
            match record {
                "FILE" => drop(numbered(rest).map(|(number, name)| list.files.insert(number, name))),
                "INLINE_ORIGIN" => drop(numbered(rest).map(|(number, name)| list.origins.insert(number, name))),
                "PUBLIC" => list.publics.extend(public(rest)),
                "FUNC" => {
                    let end = body_end(&content[at..]);
                    list.functions.extend(function(rest, &content[at..at + end]));
                    at += end;
                }
                _ => {}
            }
        }
        list.functions.sort_by_key(|function| function.start);
        list.functions.dedup_by_key(|function| function.start);
        list.publics.sort_by_key(|function| function.start);
        list.publics.dedup_by(|next, first| {
            let same = next.start == first.start;
            first.has_other_names |= same;
            same
        });
        list
    }

    /// The function that a place is in.
    fn function(&self, place: u32) -> Option<usize> {
        let index = self.functions.partition_point(|function| function.start <= place).checked_sub(1)?;
        (u64::from(place) < self.functions[index].end).then_some(index)
    }

    /// The public symbol before a place, unless a function ends between both.
    fn public(&self, place: u32, texts: &mut Texts) -> Option<Answer> {
        let index = self.publics.partition_point(|function| function.start <= place).checked_sub(1)?;
        let function = &self.publics[index];
        let before = self.functions.partition_point(|function| function.start <= place).checked_sub(1);
        if before.is_some_and(|before| self.functions[before].end > function.start.into()) {
            return None;
        }
        Some(Answer { is_public: true, ..named(function, Call::default(), texts) })
    }

    fn answer(&self, function: &Function<'a>, lines: &Lines<'a>, place: u32, texts: &mut Texts) -> Answer {
        let mut file = |number: u32| self.files.get(&number).map(|file| texts.keep(file));
        let (mut here, mut line) = match lines.at(place) {
            Some((number, line)) => (file(number), Some(line)),
            None => (None, None),
        };
        let mut inlined = Vec::new();
        // The line is that of the innermost call; every call tells the line that it is made from.
        for call in lines.inlined_at(place).into_iter().rev() {
            let outer = file(call.file);
            inlined.push((call.origin, std::mem::replace(&mut here, outer), line.replace(call.line)));
        }
        let origin = |origin: &u32| self.origins.get(origin).map(|name| without_parameters(name));
        let call = |(number, file, line): &(u32, _, _)| {
            let function = origin(number).map(|name| texts.keep(name));
            Call { function, file: Option::clone(file), line: *line }
        };
        let inlined = inlined.iter().map(call).collect();
        Answer { inlined, ..named(function, Call { function: None, file: here, line }, texts) }
    }
}

/// `NUMBER NAME`.
fn numbered(rest: &str) -> Option<(u32, &str)> {
    let (number, name) = rest.split_once(' ')?;
    Some((number.parse().ok()?, name))
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
    let start = hex(words.next()?)?;
    let name = words.nth(1)?;
    Some(Function { start: start.try_into().ok()?, end: u64::MAX, name, has_other_names, body: &[] })
}

/// Bytes of the lines that belong to a function: until a record of another kind.
fn body_end(content: &[u8]) -> usize {
    let mut at = 0;
    while at < content.len() {
        let belongs =
            content[at..].starts_with(b"INLINE ") || content[at].is_ascii_digit() || matches!(content[at], b'a'..=b'f');
        if !belongs {
            break;
        }
        at += memchr::memchr(b'\n', &content[at..]).map_or(content.len() - at, |len| len + 1);
    }
    at
}

fn named(function: &Function<'_>, call: Call, texts: &mut Texts) -> Answer {
    let shown = if function.name.starts_with(['?', '_']) {
        undecorated(function.name, false)
    } else {
        without_parameters(function.name).to_owned()
    };
    Answer {
        call: Call { function: Some(texts.keep(&shown)), ..call },
        start: function.start,
        decorated: (shown != function.name).then(|| texts.keep(function.name)),
        other_names: function.has_other_names.into(),
        ..Answer::default()
    }
}

/// Lines of a function, and calls inlined in it.
#[derive(Default)]
struct Lines<'a> {
    /// First place, place behind the last, file and line; sorted.
    lines: Vec<(u64, u64, u32, u32)>,
    calls: Vec<Inlined<'a>>,
}

/// A call that was inlined, and where it is made.
struct Inlined<'a> {
    level: u32,
    line: u32,
    file: u32,
    origin: u32,
    ranges: &'a str,
}

/// Calls in calls that are believed.
const DEEPEST: usize = 256;

impl<'a> Lines<'a> {
    fn of(body: &'a [u8]) -> Self {
        let mut found = Self::default();
        for line in body.split(|byte| *byte == b'\n').map(text) {
            match line.strip_prefix("INLINE ") {
                Some(rest) => found.calls.extend(inlined(rest)),
                None => found.lines.extend(source_line(line)),
            }
        }
        found.lines.sort_unstable();
        found
    }

    fn at(&self, place: u32) -> Option<(u32, u32)> {
        let place = u64::from(place);
        let index = self.lines.partition_point(|(start, ..)| *start <= place).checked_sub(1)?;
        let (_, end, file, line) = self.lines[index];
        (place < end).then_some((file, line))
    }

    /// The calls at a place, outermost first.
    fn inlined_at(&self, place: u32) -> Vec<&Inlined<'a>> {
        let mut found: Vec<_> = self.calls.iter().filter(|call| call.holds(place)).take(DEEPEST).collect();
        found.sort_by_key(|call| call.level);
        found
    }
}

impl Inlined<'_> {
    fn holds(&self, place: u32) -> bool {
        let mut words = self.ranges.split_ascii_whitespace().map(hex);
        while let (Some(Some(start)), Some(Some(size))) = (words.next(), words.next()) {
            if (start..start.saturating_add(size)).contains(&place.into()) {
                return true;
            }
        }
        false
    }
}

/// `LEVEL LINE FILE ORIGIN (ADDRESS SIZE)+`; Breakpad once left out the file.
fn inlined(rest: &str) -> Option<Inlined<'_>> {
    let mut words = rest.splitn(5, ' ');
    let mut number = || words.next()?.parse::<u32>().ok();
    Some(Inlined { level: number()?, line: number()?, file: number()?, origin: number()?, ranges: words.next()? })
}

/// `ADDRESS SIZE LINE FILE`.
fn source_line(line: &str) -> Option<(u64, u64, u32, u32)> {
    let mut words = line.split_ascii_whitespace();
    let (start, size) = (hex(words.next()?)?, hex(words.next()?)?);
    let (line, file) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((start, start.saturating_add(size), file, line))
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
101c 4 41 1
1020 20 46 0
FUNC m 1100 10 0 close
1100 10 9 0
PUBLIC 2010 0 Open
PUBLIC m 2020 0 ?Close@shop@@YAHH@Z
STACK WIN 4 1010 30 0 0 0 0 0 0 1 x
";

    fn answers(text: &str, places: &[u32]) -> Vec<Option<Answer>> {
        Breakpad.answers(&Content::new(text.as_bytes().to_vec()), places).unwrap()
    }

    fn shown(call: &Call) -> String {
        let word = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or("-").to_owned();
        format!("{} {}:{}", word(&call.function), word(&call.file), call.line.unwrap_or(0))
    }

    #[test]
    fn a_file_says_what_build_it_is_of() {
        let facts = Breakpad.facts(&Content::new(TEXT.as_bytes().to_vec())).unwrap();
        assert_eq!(facts.id.unwrap().to_string(), "4A252F1112A54C0A9B4F1B5C0D5E40B22");
        assert_eq!(facts.image_size, Some(0x6000));
    }

    #[test]
    fn places_have_functions_lines_and_the_calls_inlined_there() {
        let found = answers(TEXT, &[0x100F, 0x1010, 0x1019, 0x101D, 0x103F, 0x1040]);
        assert_eq!((found[0].as_ref(), found[5].as_ref()), (None, None));
        let told = |at: usize| {
            let answer: &Answer = found[at].as_ref().unwrap();
            let inlined = answer.inlined.iter().map(shown);
            inlined.chain([shown(&answer.call)]).collect::<Vec<_>>()
        };
        assert_eq!(told(1), ["shop::Basket::add c:\\shop\\basket.cpp:44"]);
        assert_eq!(
            told(2),
            ["checked c:\\shop\\tax.h:36", "taxed c:\\shop\\tax.h:40", "shop::Basket::add c:\\shop\\basket.cpp:45"]
        );
        assert_eq!(told(3), ["taxed c:\\shop\\tax.h:41", "shop::Basket::add c:\\shop\\basket.cpp:45"]);
        assert_eq!(told(4), ["shop::Basket::add c:\\shop\\basket.cpp:46"]);
        assert_eq!(found[1].as_ref().unwrap().decorated.as_deref(), Some("shop::Basket::add(int, char const *)"));
    }

    #[test]
    fn public_symbols_are_nearest_names() {
        let found = answers(TEXT, &[0x1105, 0x1200, 0x2015, 0x3000]);
        assert_eq!(found[0].as_ref().map(|answer| (answer.other_names, answer.is_public)), Some((1, false)));
        assert_eq!(found[1], None);
        let open = found[2].as_ref().unwrap();
        assert_eq!((shown(&open.call).as_str(), open.start, open.is_public), ("Open -:0", 0x2010, true));
        assert_eq!(shown(&found[3].as_ref().unwrap().call), "shop::Close -:0");
    }

    #[test]
    fn broken_lines_cost_themselves_alone() {
        let text = "MODULE x\nFUNC\nFUNC zz 1 0 a\nFUNC 10 FFFFFFFFFFFFFFFFF 0 b\nFUNC 20 FFFFFFFFFFFFFFFF 0 c\nINLINE 0\n30 40 x y\nPUBLIC 99999999999 0 d\nFILE 0\n";
        let found = answers(text, &[0x15, 0x25, u32::MAX]);
        assert_eq!(found[0], None);
        assert_eq!(found[1].as_ref().map(|answer| shown(&answer.call)), Some("c -:0".to_owned()));
        assert!(found[2].is_some());
    }
}
