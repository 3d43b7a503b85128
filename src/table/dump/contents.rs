//! The tables of what blocks of heaps begin with.

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::DataType;

use super::{all_u32s, all_u64s, texts, u32s, u64s};
use crate::{
    dump::heap::{
        content::{Begins, CrtPlace, CrtSum, Sum},
        result::HeapResult,
        space::Space,
    },
    table::{modules::ModuleMap, schema},
};

/// Builds `contents`.
pub fn contents(all: &[HeapResult], modules: &ModuleMap) -> RecordBatch {
    let mut rows: Vec<(u32, Begins, u64, Sum)> = Vec::new();
    for (id, heap) in (0..).zip(all) {
        rows.extend(heap.contents.begins.iter().map(|((begins, target), sum)| (id, *begins, *target, *sum)));
    }
    rows.sort_unstable_by_key(|(id, begins, target, _)| (*id, begins.name(), *target));
    let target = |row: &(u32, Begins, u64, Sum)| matches!(row.1, Begins::Vtable | Begins::Module).then_some(row.2);
    let module = |row: &(u32, Begins, u64, Sum)| modules.of_address(target(row)?);
    let columns: Vec<ArrayRef> = vec![
        all_u32s(rows.iter().map(|row| row.0)),
        texts(rows.iter().map(|row| Some(row.1.name()))),
        u64s(rows.iter().map(target)),
        texts(rows.iter().map(|row| module(row).map(|module| &*module.name))),
        u64s(rows.iter().map(|row| target(row)?.checked_sub(module(row)?.base))),
        // Symbols have the names, and a walk has no symbols.
        new_null_array(&DataType::Utf8View, rows.len()),
        all_u64s(rows.iter().map(|row| row.3.requested)),
        all_u64s(rows.iter().map(|row| row.3.count)),
    ];
    crate::table::batch(&schema::BLOCK_CONTENTS, columns)
}

/// Builds `crt_blocks`.
pub fn crt_blocks(all: &[HeapResult], space: &Space<'_>) -> RecordBatch {
    let mut rows: Vec<(u32, CrtPlace, CrtSum)> = Vec::new();
    for (id, heap) in (0..).zip(all) {
        rows.extend(heap.contents.crt.iter().map(|(place, sum)| (id, *place, *sum)));
    }
    rows.sort_unstable_by_key(|(id, place, _)| (*id, *place));
    let mut texts_left = space.file.len().saturating_mul(2).saturating_add(1 << 20);
    let files: Vec<Option<String>> = rows.iter().map(|row| file(space, row.1.file, &mut texts_left)).collect();
    let uses = ["free", "normal", "crt", "ignore", "client"];
    let columns: Vec<ArrayRef> = vec![
        all_u32s(rows.iter().map(|row| row.0)),
        texts(files.iter().map(Option::as_deref)),
        u32s(rows.iter().map(|row| Some(row.1.line).filter(|line| *line != 0))),
        texts(rows.iter().map(|row| uses.get(usize::from(row.1.block_use)).copied())),
        all_u64s(rows.iter().map(|row| row.2.sum.requested)),
        all_u64s(rows.iter().map(|row| row.2.sum.count)),
        all_u32s(rows.iter().map(|row| row.2.requests.0)),
        all_u32s(rows.iter().map(|row| row.2.requests.1)),
    ];
    crate::table::batch(&schema::CRT_BLOCKS, columns)
}

/// The name at an address; none where the dump lacks its end, or it is none. All together have a limit: a damaged dump may name
/// one text a million times.
fn file(space: &Space<'_>, address: u64, left: &mut usize) -> Option<String> {
    /// Longer than any path that Windows takes.
    const MOST: usize = 4096;
    let bytes = space.slice(address).filter(|_| address != 0)?;
    let bytes = &bytes[..bytes.len().min(MOST)];
    let text = &bytes[..bytes.iter().position(|byte| *byte == 0)?];
    *left = left.checked_sub(text.len())?;
    Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
}
