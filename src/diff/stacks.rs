//! The stacks of several captures as one table.

use std::{iter, sync::Arc};

use arrow_array::{
    Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array, cast::AsArray, new_empty_array, types::UInt32Type,
};
use arrow_schema::ArrowError;
use rayon::prelude::*;

use crate::{
    diff::{Source, blame::blamed, contents::contents},
    table::{self, Table, schema, stacks::frames_of},
};

/// Puts the stacks of all sources one after the other, each column in one piece, since rows will be taken out of them in any
/// order; frames are numbered in one go as well. Uses the threads of the pool it is called in.
///
/// # Errors
///
/// More text than one column can hold.
pub fn numbered(sources: &[Source], is_allocator: &[impl Fn(u32) -> bool + Sync]) -> Result<Table, ArrowError> {
    let stacks: Vec<&RecordBatch> = sources.iter().flat_map(batches).collect();
    let numbers = || {
        let fingerprints = stacks.iter().filter_map(|batch| batch.column_by_name("fingerprint")?.as_primitive_opt());
        contents(&fingerprints.collect::<Vec<&UInt64Array>>())
    };
    let copies = || {
        let of_stacks = |name| stacks.iter().filter_map(move |batch| batch.column_by_name(name).map(AsRef::as_ref));
        let names = ["trace_id", "fingerprint", "depth", "alias_of"];
        names.par_iter().map(|name| one_piece(name, of_stacks(name))).collect::<Result<Vec<_>, _>>()
    };
    let (content, (columns, frame)) = rayon::join(numbers, || rayon::join(copies, || frames(sources, is_allocator)));
    let mut columns = columns?;
    columns.extend([with_names(sources, &content, frame?), Arc::new(content)]);
    Ok(Table::new(&schema::NUMBERED_STACKS, vec![table::batch(&schema::NUMBERED_STACKS, columns)]))
}

fn batches(source: &Source) -> &[RecordBatch] {
    source.table("stacks").map_or(&[], |table| &table.batches)
}

/// The frames that stacks count for.
fn frames(sources: &[Source], is_allocator: &[impl Fn(u32) -> bool + Sync]) -> Result<ArrayRef, ArrowError> {
    let count = |source: &Source| source.table("frames").map_or(0, Table::len) as u32;
    let before = sources.iter().scan(0, |frames, source| Some(std::mem::replace(frames, *frames + count(source))));
    let batches: Vec<_> = sources
        .iter()
        .zip(is_allocator.iter().zip(before))
        .flat_map(|(source, about)| batches(source).iter().zip(iter::repeat(about)))
        .collect();
    let of_batch = |(batch, (is_allocator, before)): &(&RecordBatch, (_, u32))| {
        let stacks: Vec<Option<&[u32]>> = frames_of(batch).collect();
        let blamed = blamed(&stacks, is_allocator);
        blamed.into_iter().map(|frame| Some(frame? + before)).collect::<UInt32Array>()
    };
    let parts: Vec<UInt32Array> = batches.par_iter().map(of_batch).collect();
    one_piece("frame", parts.iter().map(|part| part as &dyn Array))
}

/// Lets a stack count for the frame of its like in another source, where symbols named that one and not its own: one log can lack
/// what tells the build.
fn with_names(sources: &[Source], content: &UInt32Array, frames: ArrayRef) -> ArrayRef {
    if !sources.iter().any(|source| source.table("frame_symbols").is_some_and(|table| !table.is_empty())) {
        return frames;
    }
    let functions = sources.iter().filter_map(|source| source.table("frames")).flat_map(|table| &table.batches);
    let functions = functions.filter_map(|batch| batch.column_by_name("function"));
    let is_named: Vec<bool> = functions.flat_map(|column| (0..column.len()).map(|row| column.is_valid(row))).collect();
    let own = frames.as_primitive::<UInt32Type>();
    let mut named: Vec<Option<u32>> = vec![None; content.iter().flatten().max().map_or(0, |last| last as usize + 1)];
    for (content, frame) in content.iter().zip(own).filter_map(|(content, frame)| content.zip(frame)) {
        if is_named[frame as usize] {
            named[content as usize].get_or_insert(frame);
        }
    }
    let better = |(content, frame): (Option<u32>, Option<u32>)| match (content, frame) {
        (Some(content), Some(frame)) if !is_named[frame as usize] => named[content as usize].or(Some(frame)),
        _ => frame,
    };
    Arc::new(content.iter().zip(own).map(better).collect::<UInt32Array>())
}

fn one_piece<'a>(name: &str, parts: impl Iterator<Item = &'a dyn Array>) -> Result<ArrayRef, ArrowError> {
    let parts: Vec<&dyn Array> = parts.collect();
    if parts.is_empty() {
        let schema = schema::NUMBERED_STACKS.arrow();
        return Ok(new_empty_array(schema.field_with_name(name)?.data_type()));
    }
    arrow_select::concat::concat(&parts)
}
