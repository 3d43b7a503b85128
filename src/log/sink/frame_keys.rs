//! Frames as a worker meets them: each distinct one has a key of 64 bits, and a number in the order of the first appearance.
//!
//! [`FrameKeys::absorb`] brings the numbers of two workers together; [`crate::table::frames`] makes the table of them.

use std::collections::HashMap;

use crate::{
    engine::{intern::Interner, vector::hex::Hex},
    log::fields::parse_hex,
};

/// The key of an upper-case address as printed; `None` for the few that do not fit, which are kept as text.
///
/// The value is above the number of its digits; sixteen digits count as 0, so their value must leave four bits free,
/// which only addresses of the kernel do not.
#[inline(always)]
pub fn key_of_hex(hex: Hex) -> Option<u64> {
    (hex.value >> 60 == 0).then_some(hex.value << 4 | u64::from(hex.digits & 0xF))
}

/// What a frame is.
pub enum Printed<T> {
    /// `776CDD82`.
    Address(Hex),
    /// Anything else.
    Text(T),
}

/// Keys of texts say one digit, and a value that one digit cannot have.
const TEXT: u64 = 1;
const FIRST_TEXT: u64 = 16;

fn key_of_text(number: usize) -> u64 {
    (number as u64 + FIRST_TEXT) << 4 | TEXT
}

fn printed(key: u64) -> Printed<usize> {
    match (key >> 4, (key & 0xF) as u32) {
        (value, 1) if value >= FIRST_TEXT => Printed::Text((value - FIRST_TEXT) as usize),
        (value, 0) => Printed::Address(Hex { value, digits: 16 }),
        (value, digits) => Printed::Address(Hex { value, digits }),
    }
}

/// Frames of one worker, numbered from 0 in order of first appearance.
#[derive(Debug, Default)]
pub struct FrameKeys {
    ids: Interner,
    keys: Vec<u64>,
    texts: Vec<Box<[u8]>>,
    text_keys: HashMap<Box<[u8]>, u64>,
}

impl FrameKeys {
    /// How many distinct frames there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// A frame by its number.
    pub fn get(&self, id: u32) -> Printed<&[u8]> {
        match printed(self.keys[id as usize]) {
            Printed::Address(hex) => Printed::Address(hex),
            Printed::Text(number) => Printed::Text(&self.texts[number]),
        }
    }

    /// The address of every frame that is one.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        let address = move |key: &u64| match printed(*key) {
            Printed::Address(hex) => Some(hex.value),
            Printed::Text(number) => parse_hex(&self.texts[number]).map(|hex| hex.value),
        };
        self.keys.iter().filter_map(address)
    }

    /// Says that an address will be numbered soon.
    #[inline(always)]
    pub fn announce(&self, key: u64) {
        self.ids.announce(key);
    }

    /// Numbers addresses by their keys; `new` is called with the place of each that was not known.
    #[inline]
    pub fn intern_batch(&mut self, frames: &[u64], ids: &mut Vec<u32>, mut new: impl FnMut(usize)) {
        let keys = &mut self.keys;
        self.ids.intern_batch(frames, ids, |place| {
            keys.push(frames[place]);
            new(place);
        });
    }

    /// Numbers a frame as the file has it.
    pub fn intern_text(&mut self, text: &[u8], new: impl FnOnce()) -> u32 {
        let key = raw(text).and_then(key_of_hex).unwrap_or_else(|| self.text_key(text));
        self.intern_key(key, new)
    }

    fn intern_key(&mut self, key: u64, new: impl FnOnce()) -> u32 {
        let keys = &mut self.keys;
        self.ids.intern(key, || {
            keys.push(key);
            new();
        })
    }

    fn text_key(&mut self, text: &[u8]) -> u64 {
        if let Some(key) = self.text_keys.get(text) {
            return *key;
        }
        let key = key_of_text(self.texts.len());
        self.texts.push(text.into());
        self.text_keys.insert(text.into(), key);
        key
    }

    /// Takes in another worker's frames; gives the number here of each of them.
    pub fn absorb(&mut self, other: &FrameKeys) -> Vec<u32> {
        let key = |key: &u64| match printed(*key) {
            Printed::Address(_) => *key,
            Printed::Text(number) => self.text_key(&other.texts[number]),
        };
        let keys: Vec<u64> = other.keys.iter().map(key).collect();
        let mut numbers = Vec::with_capacity(keys.len());
        let known = &mut self.keys;
        self.ids.intern_all(&keys, &mut numbers, |place| known.push(keys[place]));
        numbers
    }
}

/// A frame that is nothing but an address, as the tools print it.
pub fn raw(text: &[u8]) -> Option<Hex> {
    parse_hex(text).filter(|_| !text.iter().any(u8::is_ascii_lowercase))
}
