//! The `regions` table: numbers become words, each distinct word once.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch, StringViewArray, UInt64Array, builder::make_view};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::{ModuleMap, u32s, u64s};
use crate::{
    dump::{
        classes::{Class, Classes},
        regions::{COMMIT, FREE, IMAGE, MAPPED, PRIVATE, RESERVE, Regions},
    },
    memory::roomy,
    table::schema,
};

/// Builds the table.
pub fn batch(regions: Regions, classes: &Classes, modules: &ModuleMap) -> RecordBatch {
    let rows = || 0..regions.state.len();
    let taken = |row: &usize| regions.state[*row] != FREE;
    let protect = |values: &[u32]| column(values.iter().copied(), |value| (*value != 0).then(|| protection(*value)));
    let base = UInt64Array::from(regions.base);
    let module = |row: usize| match classes.class[row] {
        Class::Image => modules.of_address(base.value(row)).map(|range| &*range.name),
        _ => None,
    };
    let module = words(rows().map(module));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(base),
        Arc::new(UInt64Array::from(regions.size)),
        column(regions.state.iter().copied(), |state| Some(state_name(*state))),
        protect(&regions.protect),
        column(rows().map(|row| if taken(&row) { regions.kind[row] } else { 0 }), |kind| {
            (*kind != 0).then(|| kind_name(*kind))
        }),
        u64s(rows().map(|row| taken(&row).then_some(regions.allocation_base[row]).filter(|base| *base != 0))),
        protect(&regions.allocation_protect),
        column(classes.class.iter().copied(), |class| Some(Class::NAMES[*class as usize].to_owned())),
        module,
        u32s(classes.thread_id.iter().copied()),
    ];
    crate::table::batch(&schema::REGIONS, columns)
}

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

/// A column of words, most of which stand in it many times.
pub fn words<'a>(rows: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    column(rows, |word| word.map(str::to_owned))
}

/// A column of values that become words: each distinct value is turned into one, once.
fn column<T: Eq + Hash + Copy>(values: impl Iterator<Item = T>, word: impl Fn(&T) -> Option<String>) -> ArrayRef {
    let mut views: Vec<u128> = roomy(values.size_hint().0);
    let mut valid = Vec::with_capacity(values.size_hint().0);
    let mut known = Known { few: Vec::with_capacity(FEW), many: HashMap::new() };
    let mut text = Vec::new();
    let mut turn = |value: &T| {
        word(value).map(|word| {
            let view = make_view(word.as_bytes(), 0, text.len() as u32);
            text.extend_from_slice(word.as_bytes());
            view
        })
    };
    for value in values {
        let view = known.view(value, &mut turn);
        views.push(view.unwrap_or_default());
        valid.push(view.is_some());
    }
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    // SAFETY: every view was made by `make_view`, of the bytes of a `String` and the place where the same bytes were put into
    // the buffer, or is that of the empty word. Checking them again, row by row, takes a tenth of the time of a whole read.
    Arc::new(unsafe {
        StringViewArray::new_unchecked(ScalarBuffer::from(views), Arc::from([Buffer::from_vec(text)]), nulls)
    })
}

/// Values that are compared one by one before they are hashed: hashing is most of the time that a column takes.
const FEW: usize = 12;

/// Views of the words of values seen so far.
struct Known<T> {
    few: Vec<(T, Option<u128>)>,
    many: HashMap<T, Option<u128>>,
}

impl<T: Eq + Hash + Copy> Known<T> {
    fn view(&mut self, value: T, turn: impl FnOnce(&T) -> Option<u128>) -> Option<u128> {
        if let Some((_, view)) = self.few.iter().find(|(known, _)| *known == value) {
            return *view;
        }
        if self.few.len() == FEW {
            let view = *self.many.entry(value).or_insert_with(|| turn(&value));
            // The next row is often of the same value.
            let last = std::mem::replace(&mut self.few[FEW - 1], (value, view));
            self.many.entry(last.0).or_insert(last.1);
            return view;
        }
        let view = turn(&value);
        self.few.push((value, view));
        view
    }
}
