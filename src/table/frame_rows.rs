//! The columns of a frame that tell which it is, and their hashes, which mean the same in every capture.

use std::borrow::Cow;

use arrow_array::{Array, RecordBatch, StringViewArray, UInt64Array, cast::AsArray, types::UInt64Type};

use super::frame_hash::{FrameHash, of_address, of_text};

/// The columns of some rows of `frames` that make their keys.
pub struct FrameRows<'a> {
    module: &'a StringViewArray,
    function: &'a StringViewArray,
    text: &'a StringViewArray,
    address: &'a UInt64Array,
    offset: &'a UInt64Array,
}

impl<'a> FrameRows<'a> {
    /// Those of a batch; absent if it lacks one.
    pub fn of(frames: &'a RecordBatch) -> Option<Self> {
        let texts = |name| frames.column_by_name(name)?.as_string_view_opt();
        let numbers = |name| frames.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
        Some(Self {
            module: texts("module")?,
            function: texts("function")?,
            text: texts("text")?,
            address: numbers("address")?,
            offset: numbers("offset")?,
        })
    }

    /// The hash of a frame by module and function, whatever its offset, and true; without a function that of its place, and false.
    pub fn name_key(&self, row: usize, hash: &mut FrameHash) -> (u64, bool) {
        if self.module.is_null(row) || self.function.is_null(row) {
            return (self.key(row, hash), false);
        }
        (hash.named(&lower_case(self.module.value(row)), self.function.value(row), None), true)
    }

    /// The hash of a frame, of which fingerprints are made.
    pub fn key(&self, row: usize, hash: &mut FrameHash) -> u64 {
        let [offset, address] =
            [self.offset, self.address].map(|column| column.is_valid(row).then(|| column.value(row)));
        let [module, function] =
            [self.module, self.function].map(|column| column.is_valid(row).then(|| column.value(row)));
        match (module, address) {
            (None, Some(address)) => of_address(address),
            (None, None) if function.is_none() && offset.is_none() => {
                of_text(if self.text.is_valid(row) { self.text.value(row) } else { "" })
            }
            (module, _) => {
                let module = lower_case(module.unwrap_or_default());
                hash.named(&module, function.unwrap_or_default(), offset)
            }
        }
    }
}

/// A name in lower case; most names are, and need no copy.
fn lower_case(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}
