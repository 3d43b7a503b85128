//! The `frames` table: every distinct frame of a file once, whether an address or resolved text.
//!
//! Workers number frames as they meet them ([`FrameKeys`]); [`FrameKeys::absorb`] brings two workers' numbers together,
//! and [`Frames::new`] splits, names and fingerprints each distinct frame once.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array,
    builder::{StringViewBuilder, UInt32Builder, UInt64Builder},
    new_null_array,
};
use xxhash_rust::xxh3::xxh3_64;

use super::{intern::Interner, modules::ModuleMap, schema};
use crate::log::{
    fields::{parse_frame, parse_hex},
    sink::decode,
};

/// What a frame is, as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKey {
    /// `776CDD82`: value, and digits printed (upper case).
    Raw {
        /// Return address.
        address: u64,
        /// Digits printed.
        digits: u32,
    },
    /// Anything else: number of its text.
    Text(u32),
}

/// Frames of one worker, numbered from 0 in order of first appearance.
#[derive(Debug, Default)]
pub struct FrameKeys {
    ids: Interner,
    keys: Vec<FrameKey>,
    texts: Vec<Box<[u8]>>,
    text_numbers: HashMap<Box<[u8]>, u32>,
}

/// Width that marks the key of a text; digits of an address are 1 to 16.
const TEXT: u32 = u32::MAX;

impl FrameKeys {
    /// How many distinct frames there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True without frames.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The largest address.
    pub fn max_address(&self) -> Option<u64> {
        let address = |key: &FrameKey| match key {
            FrameKey::Raw { address, .. } => Some(*address),
            FrameKey::Text(_) => None,
        };
        self.keys.iter().filter_map(address).max()
    }

    /// Numbers addresses; `new` is called with the place of each that was not known.
    #[inline]
    pub fn intern_raw_batch(&mut self, frames: &[(u64, u32)], ids: &mut [u32], mut new: impl FnMut(usize)) {
        let keys = &mut self.keys;
        self.ids.intern_batch(frames, ids, |place| {
            let (address, digits) = frames[place];
            keys.push(FrameKey::Raw { address, digits });
            new(place);
        });
    }

    /// Numbers a frame as it stands in the file.
    pub fn intern_text(&mut self, text: &[u8], new: impl FnOnce()) -> u32 {
        let (key, address, width) = match raw(text) {
            Some((address, digits)) => (FrameKey::Raw { address, digits }, address, digits),
            None => {
                let number = self.text_number(text);
                (FrameKey::Text(number), u64::from(number), TEXT)
            }
        };
        let keys = &mut self.keys;
        self.ids.intern(address, width, || {
            keys.push(key);
            new();
        })
    }

    fn text_number(&mut self, text: &[u8]) -> u32 {
        if let Some(number) = self.text_numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        self.text_numbers.insert(text.into(), number);
        number
    }

    /// Takes in another worker's frames; gives the number here of each of them. `new` is called for each new one.
    pub fn absorb(&mut self, other: &FrameKeys, mut new: impl FnMut()) -> Vec<u32> {
        let number = |key: &FrameKey| match *key {
            FrameKey::Raw { address, digits } => {
                let keys = &mut self.keys;
                self.ids.intern(address, digits, || {
                    keys.push(*key);
                    new();
                })
            }
            FrameKey::Text(text) => self.intern_text(&other.texts[text as usize], &mut new),
        };
        other.keys.iter().map(number).collect()
    }
}

/// The finished frames of a file.
#[derive(Debug)]
pub struct Frames {
    /// The table.
    pub batch: RecordBatch,
    /// Hash of each frame's content, the part of a fingerprint.
    pub hashes: Vec<u64>,
    /// Some text needed windows-1252.
    pub ansi: bool,
}

impl Frames {
    /// Builds the table: `order` lists the frames of `keys` in the order they shall stand in.
    pub fn new(keys: &FrameKeys, order: &[u32], modules: &ModuleMap) -> Self {
        let mut columns = Columns::default();
        for id in order {
            match keys.keys[*id as usize] {
                FrameKey::Raw { address, digits } => columns.raw(address, digits, modules),
                FrameKey::Text(text) => columns.text(&keys.texts[text as usize], modules),
            }
        }
        columns.finish()
    }

    /// Builds the table anew from its texts, with other modules. Frames keep their order, and so their numbers.
    pub fn of_texts<'a>(texts: impl Iterator<Item = &'a str>, modules: &ModuleMap) -> Self {
        let mut columns = Columns::default();
        for text in texts.map(str::as_bytes) {
            match raw(text) {
                Some((address, digits)) => columns.raw(address, digits, modules),
                None => columns.text(text, modules),
            }
        }
        columns.finish()
    }
}

/// Address and digits of a frame that is nothing but an address, as the tools print it.
fn raw(text: &[u8]) -> Option<(u64, u32)> {
    let hex = parse_hex(text).filter(|_| !text.iter().any(u8::is_ascii_lowercase))?;
    Some((hex.value, hex.digits))
}

#[derive(Default)]
struct Columns {
    address: UInt64Builder,
    module: StringViewBuilder,
    function: StringViewBuilder,
    offset: UInt64Builder,
    file: StringViewBuilder,
    source_line: UInt32Builder,
    text: StringViewBuilder,
    hashes: Vec<u64>,
    ansi: bool,
    hashed: Vec<u8>,
}

impl Columns {
    fn raw(&mut self, address: u64, digits: u32, modules: &ModuleMap) {
        let text = format!("{address:0width$X}", width = digits as usize);
        self.address(Some(address), modules, &text);
    }

    /// A frame that is nothing but an address, printed as `text`.
    fn address(&mut self, address: Option<u64>, modules: &ModuleMap, text: &str) {
        self.address.append_option(address);
        self.text.append_value(text);
        self.function.append_null();
        self.file.append_null();
        self.source_line.append_null();
        match address.and_then(|address| Some((address, modules.of_address(address)?))) {
            Some((address, module)) => {
                let offset = address - module.base;
                self.module.append_value(&module.name);
                self.offset.append_value(offset);
                self.hash(&module.name.to_lowercase(), "", Some(offset));
            }
            None => {
                self.module.append_null();
                self.offset.append_null();
                let bare = address.map_or_else(|| text.to_owned(), |address| format!("{address:x}"));
                self.hashes.push(xxh3_64(bare.as_bytes()));
            }
        }
    }

    fn text(&mut self, bytes: &[u8], modules: &ModuleMap) {
        let text = self.decode(bytes);
        let bare = parse_hex(bytes.strip_prefix(b"0x").unwrap_or(bytes));
        let Some(frame) = parse_frame(bytes) else {
            self.address(bare.map(|hex| hex.value), modules, &text);
            return;
        };
        let [module, function, file] =
            [frame.module, frame.function, frame.file].map(|part| part.map(|b| self.decode(b)));
        self.address.append_option(frame.address);
        self.module.append_option(module.as_deref());
        self.function.append_option(function.as_deref());
        self.offset.append_option(frame.offset);
        self.file.append_option(file);
        self.source_line.append_option(frame.source_line);
        self.text.append_value(text);
        match (module, frame.address) {
            // `<nomodule>` says nothing but the address it stands for.
            (None, Some(address)) => self.hashes.push(xxh3_64(format!("{address:x}").as_bytes())),
            (module, _) => {
                self.hash(&module.unwrap_or_default().to_lowercase(), &function.unwrap_or_default(), frame.offset)
            }
        }
    }

    fn hash(&mut self, module: &str, function: &str, offset: Option<u64>) {
        self.hashed.clear();
        self.hashed.extend_from_slice(module.as_bytes());
        self.hashed.push(b'!');
        self.hashed.extend_from_slice(function.as_bytes());
        if let Some(offset) = offset {
            self.hashed.extend_from_slice(format!("+{offset:x}").as_bytes());
        }
        self.hashes.push(xxh3_64(&self.hashed));
    }

    fn decode(&mut self, bytes: &[u8]) -> String {
        let (text, ansi) = decode(bytes);
        self.ansi |= ansi;
        text
    }

    fn finish(mut self) -> Frames {
        let ids = UInt32Array::from_iter_values(0..self.hashes.len() as u32);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ids),
            Arc::new(self.address.finish()) as Arc<UInt64Array>,
            Arc::new(self.module.finish()),
            Arc::new(self.function.finish()),
            Arc::new(self.offset.finish()) as Arc<UInt64Array>,
            Arc::new(self.file.finish()),
            Arc::new(self.source_line.finish()) as Arc<UInt32Array>,
            Arc::new(self.text.finish()),
        ];
        let columns = columns.into_iter().map(without_values).collect();
        let batch = super::batch(&schema::FRAMES, columns);
        Frames { batch, hashes: self.hashes, ansi: self.ansi }
    }
}

/// A column without one value takes memory that is never written, so the system never has to give it.
fn without_values(column: ArrayRef) -> ArrayRef {
    if column.null_count() == column.len() { new_null_array(column.data_type(), column.len()) } else { column }
}
