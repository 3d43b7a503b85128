//! The stacks of several captures as one table.

use std::{iter, sync::Arc};

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array, cast::AsArray, new_empty_array};
use arrow_schema::ArrowError;
use rayon::prelude::*;

use crate::{
    diff::{blame::blamed, contents::contents},
    table::{self, Table, schema, stacks::frames_of},
};

/// A capture whose stacks are numbered through.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Its table `stacks`.
    pub stacks: Option<&'a Table>,
    /// Rows of its table `frames`.
    pub frame_count: u32,
    /// Tells the frames that stacks do not count for.
    pub is_allocator: &'a (dyn Fn(u32) -> bool + Sync),
}

impl<'a> Source<'a> {
    fn batches(&self) -> &'a [RecordBatch] {
        self.stacks.map_or(&[], |table| &table.batches)
    }
}

/// Puts the stacks of all sources one after the other, each column in one piece, since rows will be taken out of them in any
/// order; frames are numbered through as well. Uses the threads of the pool it is called in.
///
/// # Errors
///
/// More text than one column can hold.
pub fn number_through(sources: &[Source<'_>]) -> Result<Table, ArrowError> {
    let stacks: Vec<&RecordBatch> = sources.iter().flat_map(Source::batches).collect();
    let numbers = || {
        let fingerprints = stacks.iter().filter_map(|batch| batch.column_by_name("fingerprint")?.as_primitive_opt());
        contents(&fingerprints.collect::<Vec<&UInt64Array>>())
    };
    let copies = || {
        let of_stacks = |name| stacks.iter().filter_map(move |batch| batch.column_by_name(name).map(AsRef::as_ref));
        let names = ["trace_id", "fingerprint", "depth", "alias_of"];
        names.par_iter().map(|name| one_piece(name, of_stacks(name))).collect::<Result<Vec<_>, _>>()
    };
    let (content, (columns, frame)) = rayon::join(numbers, || rayon::join(copies, || frames(sources)));
    let mut columns = columns?;
    columns.extend([frame?, Arc::new(content)]);
    Ok(Table::new(&schema::NUMBERED_STACKS, vec![table::batch(&schema::NUMBERED_STACKS, columns)]))
}

/// The frames that stacks count for.
fn frames(sources: &[Source<'_>]) -> Result<ArrayRef, ArrowError> {
    let before = sources.iter().scan(0, |frames, source| Some(std::mem::replace(frames, *frames + source.frame_count)));
    let batches: Vec<(&RecordBatch, Source<'_>, u32)> = sources
        .iter()
        .zip(before)
        .flat_map(|(source, before)| source.batches().iter().zip(iter::repeat((*source, before))))
        .map(|(batch, (source, before))| (batch, source, before))
        .collect();
    let of_batch = |(batch, source, before): &(&RecordBatch, Source<'_>, u32)| {
        let stacks: Vec<Option<&[u32]>> = frames_of(batch).collect();
        let blamed = blamed(&stacks, source.is_allocator);
        blamed.into_iter().map(|frame| Some(frame? + before)).collect::<UInt32Array>()
    };
    let parts: Vec<UInt32Array> = batches.par_iter().map(of_batch).collect();
    one_piece("frame", parts.iter().map(|part| part as &dyn Array))
}

fn one_piece<'a>(name: &str, parts: impl Iterator<Item = &'a dyn Array>) -> Result<ArrayRef, ArrowError> {
    let parts: Vec<&dyn Array> = parts.collect();
    if parts.is_empty() {
        let schema = schema::NUMBERED_STACKS.arrow();
        return Ok(new_empty_array(schema.field_with_name(name)?.data_type()));
    }
    arrow_select::concat::concat(&parts)
}
