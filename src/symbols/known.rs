//! What a file said of places so far: small values in lists, and each text once.
//!
//! ```text
//! places     0x1018 -> function 0, file 1, line 44, calls 0..1
//! functions  0: name 2, start 0x1010
//! calls      0: function 3, file 1, line 45
//! texts      1: basket.cpp, 2: Basket::add, 3: taxed
//! ```
//!
//! Invariant: places are in ascending order, each once, and what they name is in the lists.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use super::{
    answer::{Answer, Call},
    fault::Fault,
};

/// Bytes of a text, at most; what is longer is cut, and shows it.
const LONGEST: usize = 4096;

/// Inlined calls at a place, at most: those nearest to the function.
const DEEPEST: usize = 256;

/// Inlined calls for each place, on average, and bytes of texts for each of the file, that are believed; and as many of both in any case.
/// A place with 256 calls, which all have lines of their own, would take 4 KiB here and 11 KiB in tables.
const SHARE: usize = 16;
const ANY: usize = 1 << 20;

/// What may yet be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    calls: usize,
    texts: usize,
}

impl Default for Left {
    fn default() -> Self {
        Self { calls: usize::MAX, texts: usize::MAX }
    }
}

/// A text of a file: its number, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text(NonZeroU32);

impl Text {
    /// Its row in `Known::texts`.
    pub fn row(self) -> u32 {
        self.0.get() - 1
    }
}

/// A function, or a public symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name, undecorated.
    pub name: Option<Text>,
    /// The name as the linker knows it, where that is another.
    pub decorated: Option<Text>,
    /// Where it begins: bytes from the base of its module.
    pub start: u32,
    /// More names of the same code.
    pub other_names: u32,
    /// It is the nearest public symbol before its places, and may not be theirs.
    pub is_public: bool,
}

/// An inlined call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inlined {
    /// Its name, undecorated.
    pub function: Option<Text>,
    /// The source file.
    pub file: Option<Text>,
    /// Line in it.
    pub line: Option<u32>,
}

/// What is said of a place that is in a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its row in `Known::functions`.
    pub function: u32,
    /// The source file.
    pub file: Option<Text>,
    /// Line in it.
    pub line: Option<u32>,
    calls: (u32, u32),
}

/// What a file said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    texts: Vec<Arc<str>>,
    /// Those of the texts, while more is told.
    numbers: HashMap<Arc<str>, Text, ahash::RandomState>,
    /// All functions.
    pub functions: Vec<Function>,
    calls: Vec<Inlined>,
    places: Vec<(u32, Option<Told>)>,
    left: Left,
}

impl Known {
    /// All texts.
    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// What was asked, and is said of it; in ascending order.
    pub fn places(&self) -> &[(u32, Option<Told>)] {
        &self.places
    }

    /// The inlined calls of a place, innermost first.
    pub fn calls(&self, told: &Told) -> &[Inlined] {
        &self.calls[told.calls.0 as usize..told.calls.1 as usize]
    }

    /// The rows of some places, which are in ascending order; absent for those that were not asked.
    pub fn rows(&self, places: impl Iterator<Item = u32>) -> impl Iterator<Item = Option<usize>> {
        let mut first = 0;
        places.map(move |place| {
            first += rows_before(&self.places[first..], place);
            self.places.get(first).filter(|(known, _)| *known == place).map(|_| first)
        })
    }

    /// Those of some places, in ascending order, that were not asked.
    pub fn lacks(&self, places: &[u32]) -> Vec<u32> {
        let rows = self.rows(places.iter().copied());
        places.iter().zip(rows).filter(|(_, row)| row.is_none()).map(|(place, _)| *place).collect()
    }

    /// Marks the texts that a place has.
    pub fn mark(&self, told: &Told, texts: &mut [bool]) {
        let function = &self.functions[told.function as usize];
        let of_calls = self.calls(told).iter().flat_map(|call| [call.function, call.file]);
        let own = [function.name, function.decorated, told.file];
        own.into_iter().chain(of_calls).flatten().for_each(|text| texts[text.row() as usize] = true);
    }

    /// The number of a text.
    pub fn text(&mut self, text: &str) -> Text {
        if text.len() > LONGEST {
            let cut = format!("{}…", &text[..text.floor_char_boundary(LONGEST - '…'.len_utf8())]);
            return self.text(&cut);
        }
        match self.numbers.get(text) {
            Some(known) => *known,
            None => self.new_text(text.into()),
        }
    }

    fn shared(&mut self, text: &Arc<str>) -> Text {
        match self.numbers.get(text) {
            Some(known) => *known,
            None if text.len() > LONGEST => self.text(text),
            None => self.new_text(Arc::clone(text)),
        }
    }

    fn new_text(&mut self, text: Arc<str>) -> Text {
        self.left.texts = self.left.texts.checked_sub(text.len()).unwrap_or_else(|| {
            Fault::Damaged(format!("expected names of {SHARE} times the file's bytes at most, found more")).unwind()
        });
        self.texts.push(Arc::clone(&text));
        let number = u32::try_from(self.texts.len()).ok().and_then(NonZeroU32::new);
        let number = Text(number.expect("fewer than four thousand million texts")); // proof: so many would take more than 100 GB
        self.numbers.insert(text, number);
        number
    }

    /// The row of a function; neighbours are often of one.
    pub fn function(&mut self, function: Function) -> u32 {
        if self.functions.last() != Some(&function) {
            self.functions.push(function);
        }
        (self.functions.len() - 1) as u32
    }

    /// Adds what is said of a place; places come in ascending order. A function that begins behind a place does not hold it,
    /// whatever the file says.
    ///
    /// Calls and texts out of all proportion unwind with a [`Fault`], and what was told counts for nothing.
    pub fn tell(&mut self, place: u32, function: u32, (file, line): (Option<Text>, Option<u32>), calls: &[Inlined]) {
        if self.functions[function as usize].start > place {
            return self.places.push((place, None));
        }
        let calls = &calls[calls.len().saturating_sub(DEEPEST)..];
        self.left.calls = self.left.calls.checked_sub(calls.len()).unwrap_or_else(|| {
            Fault::Damaged(format!("expected {SHARE} inlined calls for each place at most, found more")).unwind()
        });
        // Neighbours are often in the same calls.
        let last = self.places.last().and_then(|(_, told)| told.as_ref());
        let same = last.filter(|last| self.calls(last) == calls).map(|last| last.calls);
        let calls = same.unwrap_or_else(|| {
            let first = self.calls.len() as u32;
            self.calls.extend_from_slice(calls);
            (first, self.calls.len() as u32)
        });
        self.places.push((place, Some(Told { function, file, line, calls })));
    }

    /// Adds a place of which nothing is said.
    pub fn tell_nothing(&mut self, place: u32) {
        self.places.push((place, None));
    }

    /// Adds an answer.
    pub fn tell_answer(&mut self, place: u32, answer: Option<&Answer>) {
        let Some(answer) = answer else { return self.tell_nothing(place) };
        let mut text = |text: &Option<Arc<str>>| text.as_ref().map(|text| self.shared(text));
        let mut inlined =
            |call: &Call| Inlined { function: text(&call.function), file: text(&call.file), line: call.line };
        let calls: Vec<Inlined> = answer.inlined.iter().map(&mut inlined).collect();
        let own = inlined(&answer.call);
        let decorated = answer.decorated.as_ref().map(|text| self.shared(text));
        let function = self.function(Function {
            name: own.function,
            decorated,
            start: answer.start,
            other_names: answer.other_names,
            is_public: answer.is_public,
        });
        self.tell(place, function, (own.file, own.line), &calls);
    }

    /// The same, to be told more of so many places by a file of so many bytes.
    pub fn open(&self, places: usize, size: usize) -> Self {
        let mut more = self.clone();
        let of = |count: usize| count.saturating_mul(SHARE).saturating_add(ANY);
        more.left = Left { calls: of(places), texts: of(size) };
        let numbers =
            (1..).zip(&self.texts).filter_map(|(row, text)| Some((Arc::clone(text), Text(NonZeroU32::new(row)?))));
        more.numbers = numbers.collect();
        more.places.reserve_exact(places);
        more
    }

    /// Puts places in order, and gives room back.
    pub fn close(&mut self) {
        // Two lists that are in order, one behind the other: a stable sort merges them.
        self.places.sort_by_key(|(place, _)| *place);
        self.numbers = HashMap::default();
        self.left = Left::default();
        self.texts.shrink_to_fit();
        self.functions.shrink_to_fit();
        self.calls.shrink_to_fit();
    }

    /// The answer for a place, as formats give it.
    #[cfg(test)]
    pub fn answer(&self, place: u32) -> Option<Answer> {
        let row = self.rows([place].into_iter()).next()??;
        let told = self.places[row].1?;
        let text = |text: Option<Text>| text.map(|text| Arc::clone(&self.texts[text.row() as usize]));
        let call = |call: &Inlined| Call { function: text(call.function), file: text(call.file), line: call.line };
        let function = self.functions[told.function as usize];
        Some(Answer {
            call: call(&Inlined { function: function.name, file: told.file, line: told.line }),
            start: function.start,
            decorated: text(function.decorated),
            other_names: function.other_names,
            is_public: function.is_public,
            inlined: self.calls(&told).iter().map(call).collect(),
        })
    }
}

/// Rows of places below one: near ones are found at once, far ones by halves.
fn rows_before(places: &[(u32, Option<Told>)], place: u32) -> usize {
    let mut step = 1;
    while places.get(step).is_some_and(|(known, _)| *known < place) {
        step *= 2;
    }
    let (first, end) = (step / 2, places.len().min(step + 1));
    first + places[first..end].partition_point(|(known, _)| *known < place)
}

#[cfg(test)]
mod tests;
