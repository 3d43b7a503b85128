//! The `frames` table: every distinct frame of a file once, whether an address or resolved text.
//!
//! [`Frames::new`] splits, names and fingerprints each distinct frame once.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array,
    builder::{StringViewBuilder, UInt32Builder, UInt64Builder},
    new_null_array,
};
use rayon::prelude::*;

use super::{
    frame_hash::{FrameHash, of_address, of_text},
    modules::ModuleMap,
    schema, text,
};
use crate::{
    engine::{hex_text::upper_case, vector::hex::Hex},
    log::{
        fields::{parse_frame, parse_hex},
        sink::{
            decode,
            frame_keys::{FrameKeys, Printed, raw},
        },
    },
};

/// The finished frames of a file.
#[derive(Debug)]
pub struct Frames {
    /// The table.
    pub batches: Vec<RecordBatch>,
    /// Hash of each frame's content, the part of a fingerprint.
    pub hashes: Vec<u64>,
    /// Some text needed windows-1252.
    pub ansi: bool,
}

impl Frames {
    /// Builds the table: `order` lists the frames of `keys` in the order they shall be in.
    pub fn new(keys: &FrameKeys, order: &[u32], modules: &ModuleMap) -> Self {
        let part = |(part, order): (usize, &[u32])| {
            let mut columns = Columns::with_capacity(part * BATCH_ROWS, order.len());
            for id in order {
                match keys.get(*id) {
                    Printed::Address(hex) => columns.raw(hex, modules),
                    Printed::Text(text) => columns.text(text, modules),
                }
            }
            columns.finish()
        };
        let parts: Vec<Self> = order.par_chunks(BATCH_ROWS).enumerate().map(part).collect();
        parts.into_iter().reduce(Self::and).unwrap_or_else(|| Columns::with_capacity(0, 0).finish())
    }

    /// Frames with those that are behind them.
    fn and(mut self, mut next: Self) -> Self {
        self.batches.append(&mut next.batches);
        self.hashes.append(&mut next.hashes);
        self.ansi |= next.ansi;
        self
    }

    /// Builds the table anew from its texts, with other modules. Frames keep their order, and so their numbers.
    pub fn of_texts<'a>(texts: impl Iterator<Item = &'a str>, modules: &ModuleMap) -> Self {
        let mut columns = Columns::with_capacity(0, texts.size_hint().0);
        for text in texts.map(str::as_bytes) {
            match raw(text) {
                Some(hex) => columns.raw(hex, modules),
                None => columns.text(text, modules),
            }
        }
        columns.finish()
    }
}

/// Frames whose rows are built together.
const BATCH_ROWS: usize = if cfg!(debug_assertions) { 16 } else { 1 << 16 };

struct Columns {
    /// Number of the first frame.
    first: usize,
    address: UInt64Builder,
    module: StringViewBuilder,
    function: StringViewBuilder,
    offset: UInt64Builder,
    file: StringViewBuilder,
    source_line: UInt32Builder,
    text: StringViewBuilder,
    hashes: Vec<u64>,
    ansi: bool,
    hash: FrameHash,
}

impl Columns {
    /// Columns with room for what every frame has.
    fn with_capacity(first: usize, rows: usize) -> Self {
        Self {
            first,
            address: UInt64Builder::with_capacity(rows),
            module: text::builder(rows),
            function: text::builder(rows),
            offset: UInt64Builder::with_capacity(rows),
            file: text::builder(rows),
            source_line: UInt32Builder::with_capacity(rows),
            text: text::builder(rows),
            hashes: Vec::with_capacity(rows),
            ansi: false,
            hash: FrameHash::default(),
        }
    }

    fn raw(&mut self, hex: Hex, modules: &ModuleMap) {
        self.address(Some(hex.value), modules, upper_case(hex.value, hex.digits).as_str());
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
                self.hashes.push(self.hash.named(&module.lower_name, "", Some(offset)));
            }
            None => {
                self.module.append_null();
                self.offset.append_null();
                self.hashes.push(address.map_or_else(|| of_text(text), of_address));
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
        self.hashes.push(match (module, frame.address) {
            // `<nomodule>` says nothing but the address it stands for.
            (None, Some(address)) => of_address(address),
            (module, _) => {
                let module = module.unwrap_or_default().to_lowercase();
                self.hash.named(&module, &function.unwrap_or_default(), frame.offset)
            }
        });
    }

    fn decode(&mut self, bytes: &[u8]) -> String {
        let (text, ansi) = decode(bytes);
        self.ansi |= ansi;
        text
    }

    fn finish(mut self) -> Frames {
        let ids = UInt32Array::from_iter_values((self.first..self.first + self.hashes.len()).map(|id| id as u32));
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
        Frames { batches: vec![batch], hashes: self.hashes, ansi: self.ansi }
    }
}

/// A column without one value takes memory that is never written, so the system never has to give it.
fn without_values(column: ArrayRef) -> ArrayRef {
    if column.null_count() == column.len() { new_null_array(column.data_type(), column.len()) } else { column }
}
