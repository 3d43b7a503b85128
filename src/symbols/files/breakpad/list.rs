//! Functions, files and inlined functions of Breakpad's text, listed in one pass.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use super::{hex, lines::Lines, module, text};
use crate::symbols::{
    answer::{Answer, Call},
    undecorate::{undecorated, without_parameters},
};

/// What dump_syms calls the places where nothing is known any more.
pub const UNKNOWN: &str = "<unknown in ";

/// A function, or a public symbol.
pub struct Function<'a> {
    /// Where it begins, and ends.
    pub start: u32,
    end: u64,
    /// As the file has it.
    pub name: &'a str,
    has_other_names: bool,
    /// Its lines and inlined calls.
    pub body: &'a [u8],
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
pub struct List<'a> {
    is_32_bit: bool,
    files: HashMap<u32, Shared<'a>>,
    origins: HashMap<u32, Shared<'a>>,
    pub functions: Vec<Function<'a>>,
    pub publics: Vec<Function<'a>>,
}

impl<'a> List<'a> {
    /// Lists what a file has.
    pub fn of(content: &'a [u8]) -> Self {
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
    pub fn function(&self, place: u32) -> Option<usize> {
        let index = self.functions.partition_point(|function| function.start <= place).checked_sub(1)?;
        (u64::from(place) < self.functions[index].end).then_some(index)
    }

    /// The public symbol before a place, unless a function ends between both.
    pub fn public(&self, place: u32) -> Option<usize> {
        let index = self.publics.partition_point(|function| function.start <= place).checked_sub(1)?;
        let public = &self.publics[index];
        let before = self.functions.partition_point(|function| function.start <= place).checked_sub(1);
        let ends_between = before.is_some_and(|before| self.functions[before].end > public.start.into());
        (!ends_between && !public.name.starts_with(UNKNOWN)).then_some(index)
    }

    /// What is said of a place in a function.
    pub fn answer(&self, lines: &Lines, named: &Answer, place: u32) -> Answer {
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

    /// What is said of all places of a function.
    pub fn named(&self, function: &Function<'_>) -> Answer {
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
pub fn shown(name: &str, is_32_bit: bool) -> String {
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
pub fn public(rest: &str) -> Option<Function<'_>> {
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
