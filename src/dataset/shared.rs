//! The stacks and frames of many captures, each distinct one once, under keys that mean the same in all of them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, ListArray, RecordBatch, StringViewArray, UInt32Array,
    builder::StringViewBuilder,
    cast::AsArray,
    new_empty_array,
    types::{UInt32Type, UInt64Type},
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};
use arrow_select::{interleave::interleave, take::take};

use crate::{
    engine::hex_text::upper_case,
    table::{Table, frame_hash::FrameHash, frame_rows::FrameRows, schema},
};

/// Keys of frames and of stacks.
#[derive(Debug, Default)]
pub struct Keys {
    /// Of frames.
    pub frames: HashSet<u64, ahash::RandomState>,
    /// Of stacks: their fingerprints.
    pub stacks: HashSet<u64, ahash::RandomState>,
}

/// What captures share.
pub struct Shared {
    /// Each distinct frame once, with its key.
    pub frames: Table,
    /// Each distinct stack once: its fingerprint, its depth, and the keys of its frames.
    pub stacks: Table,
    /// The fingerprint of every stack of every capture, one capture behind the other; null where the frames are not in the file.
    pub fingerprints: Table,
    /// The keys of these frames and stacks.
    pub fresh: Keys,
}

/// Numbers of distinct values, in the order in which they were first seen.
#[derive(Default)]
struct Distinct {
    numbers: HashMap<u64, u32, ahash::RandomState>,
    values: Vec<u64>,
}

impl Distinct {
    /// The number of a value, and whether it is new.
    fn number(&mut self, value: u64) -> (u32, bool) {
        let next = self.values.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        (number, number == next)
    }

    /// The values as 16 hexadecimal digits.
    fn digits(&self) -> StringViewArray {
        let mut texts = StringViewBuilder::with_capacity(self.values.len());
        self.values.iter().for_each(|value| texts.append_value(upper_case(*value, 16).as_str()));
        texts.finish()
    }
}

/// Goes through the frames and stacks of captures, in their order. What is known already is left out.
///
/// # Errors
///
/// If a table lacks a column.
pub fn shared<'a>(captures: impl Iterator<Item = (&'a Table, &'a Table)>, known: &Keys) -> Result<Shared, ArrowError> {
    let lacking = || ArrowError::SchemaError("the columns of frames and stacks".to_owned());
    let (mut frames, mut stacks) = (Distinct::default(), Distinct::default());
    let (mut batches, mut firsts) = (Vec::new(), Vec::new());
    let (mut fresh_frames, mut fresh_stacks) = (Vec::new(), Vec::new());
    let (mut ends, mut listed, mut every) = (vec![0], Vec::new(), Vec::new());
    let mut hash = FrameHash::default();
    for (of_frames, of_stacks) in captures {
        let first_batch = batches.len();
        batches.extend(&of_frames.batches);
        let rows: Option<Vec<FrameRows<'_>>> = of_frames.batches.iter().map(FrameRows::of).collect();
        let rows = rows.ok_or_else(lacking)?;
        let places: Vec<(usize, usize)> = of_frames.batches.iter().enumerate().flat_map(each_row).collect();
        // Frames of stacks that are known need no key.
        let mut numbers: Vec<Option<u32>> = vec![None; places.len()];
        let mut number_of = |id: &u32| {
            let id = *id as usize;
            *numbers[id].get_or_insert_with(|| {
                let (batch, row) = places[id];
                let key = rows[batch].key(row, &mut hash);
                let (number, is_new) = frames.number(key);
                if is_new && !known.frames.contains(&key) {
                    firsts.push((first_batch + batch, row));
                    fresh_frames.push(number);
                }
                number
            })
        };
        for batch in &of_stacks.batches {
            let column = |name| batch.column_by_name(name).ok_or_else(lacking);
            let fingerprints = column("fingerprint")?.as_primitive::<UInt64Type>();
            let lists = column("frame_ids")?.as_list::<i32>();
            let ids = lists.values().as_primitive::<UInt32Type>().values();
            for row in 0..batch.num_rows() {
                if fingerprints.is_null(row) {
                    every.push(None);
                    continue;
                }
                let (number, is_new) = stacks.number(fingerprints.value(row));
                every.push(Some(number));
                if is_new && !known.stacks.contains(&fingerprints.value(row)) {
                    fresh_stacks.push(number);
                    let [start, end] = [0, 1].map(|at| lists.value_offsets()[row + at] as usize);
                    listed.extend(ids[start..end].iter().map(&mut number_of));
                    ends.push(listed.len() as i32);
                }
            }
        }
    }
    let of = |distinct: &Distinct, numbers: &[u32]| numbers.iter().map(|at| distinct.values[*at as usize]).collect();
    let fresh = Keys { frames: of(&frames, &fresh_frames), stacks: of(&stacks, &fresh_stacks) };
    let keys = frames.digits();
    let fingerprints = stacks.digits();
    let of_stacks = take(&keys, &UInt32Array::from(listed), None)?;
    let depths: Vec<u32> = ends.windows(2).map(|ends| (ends[1] - ends[0]) as u32).collect();
    let item = Arc::new(Field::new("item", DataType::Utf8View, false));
    let lists = ListArray::try_new(item, OffsetBuffer::new(ScalarBuffer::from(ends)), of_stacks, None::<NullBuffer>)?;
    let every = take(&fingerprints, &UInt32Array::from(every), None)?;
    let keys = take(&keys, &UInt32Array::from(fresh_frames), None)?;
    let fingerprints = take(&fingerprints, &UInt32Array::from(fresh_stacks), None)?;
    let depths: ArrayRef = Arc::new(UInt32Array::from(depths));
    Ok(Shared {
        frames: table(frames_at(&batches, &firsts, keys)?)?,
        stacks: table(vec![("fingerprint", fingerprints), ("depth", depths), ("frames", Arc::new(lists))])?,
        fingerprints: table(vec![("fingerprint", every)])?,
        fresh,
    })
}

fn each_row((number, batch): (usize, &RecordBatch)) -> impl Iterator<Item = (usize, usize)> {
    (0..batch.num_rows()).map(move |row| (number, row))
}

/// The frames at some places of batches, behind their keys.
fn frames_at(
    batches: &[&RecordBatch],
    places: &[(usize, usize)],
    keys: ArrayRef,
) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let mut columns: Vec<(&'static str, ArrayRef)> = vec![("frame", keys)];
    for column in &schema::FRAMES.columns[1..] {
        let parts = batches.iter().filter_map(|batch| Some(&**batch.column_by_name(column.name)?));
        let parts: Vec<&dyn Array> = parts.collect();
        let column_of_all =
            if parts.is_empty() { new_empty_array(&column.kind.data_type()) } else { interleave(&parts, places)? };
        columns.push((column.name, column_of_all));
    }
    Ok(columns)
}

/// A table of columns that have a name each.
pub(super) fn table(columns: Vec<(&str, ArrayRef)>) -> Result<Table, ArrowError> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))?;
    Ok(Table { schema: batch.schema(), batches: vec![batch] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, Options, read};

    fn log(stack: &str) -> crate::Snapshot {
        let text = format!(
            "*- - - - Start of data for heap @ 10000 - - - -\n40 bytes + 18 at 2E9FB00 by BackTrace7\n{stack}\n"
        );
        match read(text.as_bytes(), &Options::default()).unwrap() {
            Capture::Snapshot(log) => log,
            _ => panic!("not a log"),
        }
    }

    #[test]
    fn what_two_captures_have_is_there_once_and_its_fingerprint_is_the_hash_of_its_keys() {
        let logs = [log("\tapp!f+1\n\tapp!g+2\n"), log("\tapp!g+2\n"), log("\tapp!f+1\n\tapp!g+2\n")];
        let tables = logs.iter().map(|log| (log.table("frames").unwrap(), log.table("stacks").unwrap()));
        let shared = shared(tables.clone(), &Keys::default()).unwrap();
        let rows = [&shared.frames, &shared.stacks, &shared.fingerprints].map(Table::len);
        assert_eq!(rows, [2, 2, 3]);
        let keys = shared.stacks.batches[0].column(2).as_list::<i32>().value(0);
        let keys = keys.as_string_view().iter().map(|key| u64::from_str_radix(key.unwrap(), 16).unwrap().to_le_bytes());
        let fingerprint = xxhash_rust::xxh3::xxh3_64(&keys.collect::<Vec<_>>().concat());
        let every: Vec<_> = shared.fingerprints.batches[0].column(0).as_string_view().iter().flatten().collect();
        assert_eq!(every[0], format!("{fingerprint:016X}"));
        assert_eq!((every[0] == every[2], every[0] == every[1]), (true, false));
        let again = super::shared(tables, &shared.fresh).unwrap();
        assert_eq!([&again.frames, &again.stacks, &again.fingerprints].map(Table::len), [0, 0, 3]);
    }

    #[test]
    fn no_capture_gives_empty_tables() {
        let none = shared(std::iter::empty(), &Keys::default()).unwrap();
        assert_eq!([&none.frames, &none.stacks, &none.fingerprints].map(Table::len), [0; 3]);
    }
}
