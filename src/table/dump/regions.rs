//! The `regions` table: numbers become words, each distinct word once.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch, UInt32Array, UInt64Array,
    builder::{ArrayBuilder, StringViewBuilder},
};
use arrow_buffer::NullBuffer;
use arrow_select::take::take;

use super::{ModuleMap, u32s};
use crate::{
    dump::{
        classes::{Class, Classes},
        regions::{COMMIT, FREE, IMAGE, MAPPED, PRIVATE, RESERVE, Regions},
    },
    table::schema,
};

/// The table without what it says of classes: the columns on either side of them.
pub struct Unclassed {
    before: Vec<ArrayRef>,
    module: ArrayRef,
}

/// Builds what depends on no classes.
pub fn unclassed(regions: Regions, modules: &ModuleMap) -> Unclassed {
    let rows = || 0..regions.state.len();
    let taken = |row: &usize| regions.state[*row] != FREE;
    let protect = |values: &[u32]| {
        let mut named = 0;
        column(values.iter().copied(), |value| {
            named += 1;
            (*value != 0).then(|| if named <= MOST_NAMED { protection(*value) } else { hexadecimal(*value) })
        })
    };
    let base = UInt64Array::from(regions.base);
    let module = |row: usize| match regions.kind[row] {
        IMAGE if taken(&row) => modules.of_address(base.value(row)).map(|range| &*range.name),
        _ => None,
    };
    let module = words(rows().map(module));
    let named = NullBuffer::from_iter(rows().map(|row| taken(&row) && regions.allocation_base[row] != 0));
    let before: Vec<ArrayRef> = vec![
        Arc::new(base),
        Arc::new(UInt64Array::from(regions.size)),
        column(regions.state.iter().copied(), |state| Some(state_name(*state))),
        protect(&regions.protect),
        column(rows().map(|row| if taken(&row) { regions.kind[row] } else { 0 }), |kind| {
            (*kind != 0).then(|| kind_name(*kind))
        }),
        Arc::new(UInt64Array::new(regions.allocation_base.into(), Some(named))),
        protect(&regions.allocation_protect),
    ];
    Unclassed { before, module }
}

impl Unclassed {
    /// The table.
    pub fn with(self, classes: &Classes) -> RecordBatch {
        let mut columns = self.before;
        columns.extend([
            column(classes.class.iter().copied(), |class| Some(Class::NAMES[*class as usize].to_owned())),
            self.module,
            u32s(classes.thread_id.iter().copied()),
        ]);
        crate::table::batch(&schema::REGIONS, columns)
    }
}

/// Protections that are put into words: dumps have a dozen, and a damaged one might have one for each region, each of them
/// longer than its record.
const MOST_NAMED: u32 = 4096;

fn hexadecimal(value: u32) -> String {
    format!("{value:#X}").replace("0X", "0x")
}

fn state_name(state: u32) -> String {
    match state {
        COMMIT => "commit".to_owned(),
        RESERVE => "reserve".to_owned(),
        FREE => "free".to_owned(),
        other => hexadecimal(other),
    }
}

fn kind_name(kind: u32) -> String {
    match kind {
        IMAGE => "image".to_owned(),
        MAPPED => "mapped".to_owned(),
        PRIVATE => "private".to_owned(),
        other => hexadecimal(other),
    }
}

/// The documented words of a protection, joined by `|`.
fn protection(value: u32) -> String {
    const WORDS: [(u32, &str); 12] = [
        (0x01, "PAGE_NOACCESS"),
        (0x02, "PAGE_READONLY"),
        (0x04, "PAGE_READWRITE"),
        (0x08, "PAGE_WRITECOPY"),
        (0x10, "PAGE_EXECUTE"),
        (0x20, "PAGE_EXECUTE_READ"),
        (0x40, "PAGE_EXECUTE_READWRITE"),
        (0x80, "PAGE_EXECUTE_WRITECOPY"),
        (0x100, "PAGE_GUARD"),
        (0x200, "PAGE_NOCACHE"),
        (0x400, "PAGE_WRITECOMBINE"),
        (0x4000_0000, "PAGE_TARGETS_INVALID"),
    ];
    let mut words: Vec<String> =
        WORDS.iter().filter(|(bit, _)| value & bit != 0).map(|(_, word)| (*word).to_owned()).collect();
    let known = WORDS.iter().fold(0, |bits, (bit, _)| bits | bit);
    if value & !known != 0 {
        words.push(hexadecimal(value & !known));
    }
    words.join("|")
}

/// A column of words, most of which are in it many times.
pub fn words<'a>(rows: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    column(rows, |word| word.map(str::to_owned))
}

/// A column of values that become words: each distinct value is turned into one, once.
fn column<T: Near>(values: impl Iterator<Item = T>, mut word: impl FnMut(&T) -> Option<String>) -> ArrayRef {
    let mut words = StringViewBuilder::new();
    let mut known: HashMap<T, u32> = HashMap::new();
    let mut near: [Option<(T, u32)>; NEAR] = [None; NEAR];
    let mut number = |value: T| {
        *known.entry(value).or_insert_with(|| {
            words.append_option(word(&value));
            words.len() as u32 - 1
        })
    };
    let numbers = values.map(|value| {
        let near = &mut near[value.place() % NEAR];
        match near {
            Some((known, number)) if *known == value => *number,
            _ => near.insert((value, number(value))).1,
        }
    });
    let numbers = UInt32Array::from_iter_values(numbers);
    // It fails only for a number past the last word, and each number was given to a word when that was appended.
    #[allow(clippy::expect_used, reason = "proved above")]
    take(&words.finish(), &numbers, None).expect("every number is that of a word")
}

/// Places for values seen lately: hashing each would be most of the time that a column takes.
const NEAR: usize = 64;

/// A value of a column with few distinct ones, which seldom share a place.
trait Near: Eq + Hash + Copy {
    fn place(self) -> usize;
}

impl Near for u32 {
    fn place(self) -> usize {
        // Flags, one bit each: the product spreads them over its upper bits.
        (self.wrapping_mul(0x9E37_79B1) >> 26) as usize
    }
}

impl Near for Class {
    fn place(self) -> usize {
        self as usize
    }
}

impl Near for Option<&str> {
    fn place(self) -> usize {
        // Names are cut from one table each.
        self.map_or(0, |word| word.as_ptr().addr() >> 4)
    }
}
