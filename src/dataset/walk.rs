//! The stacks of a dataset, frame by frame from the blamed one outward, and what these frames weigh when stacks are compared.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, GenericListArray, OffsetSizeTrait, RecordBatch, StringViewArray,
    UInt32Array, UInt64Array, cast::AsArray, types::UInt64Type,
};
use arrow_schema::{ArrowError, DataType};
use rayon::prelude::*;

use super::shared::table;
use crate::table::Table;

type Numbers<T> = HashMap<T, u32, ahash::RandomState>;

/// Stacks, and frames that count.
#[derive(Default)]
pub struct Walk {
    /// The number of the frame that each stack is blamed on; absent without frames.
    blamed: Vec<Option<u32>>,
    /// Number of the stack, how far outside the blamed frame it is, and number of the frame.
    rows: Vec<(u32, u32, u32)>,
}

/// What `similar` compares.
pub struct Index {
    /// One row per stack and frame that counts: `stack`, `number`, `token`, `weight`.
    pub rows: Table,
    /// What each frame is compared by: `token`, and `group`, its module.
    pub tokens: Table,
    /// The frame that each stack is blamed on: `blamed`.
    pub blamed: Table,
}

/// Follows stacks from the frame they are blamed on: the innermost that is no allocator's. Where all are, all count, and the
/// outermost is blamed. Frames that are not there are passed over.
///
/// Stacks are lists of keys, in the column `frames`; frames have a `frame`, which is such a key, and `allocator`.
///
/// # Errors
///
/// If a column is missing or of another type.
pub fn walk(stacks: &[RecordBatch], frames: &[RecordBatch]) -> Result<Walk, ArrowError> {
    let count = frames.iter().map(RecordBatch::num_rows).sum();
    let (mut numbers, mut is_allocator) =
        (Numbers::with_capacity_and_hasher(count, ahash::RandomState::new()), Vec::new());
    for batch in frames {
        let (keys, flags) = (texts(batch, "frame")?, column(batch, "allocator")?);
        let flags = flags.as_boolean_opt().ok_or_else(|| lacking("allocator"))?;
        for key in keys {
            let next = numbers.len() as u32;
            numbers.entry(number_of(key.unwrap_or_default())?).or_insert(next);
        }
        is_allocator.extend(flags.iter().map(|flag| flag == Some(true)));
    }
    let portions = stacks.iter().flat_map(|batch| {
        let starts = (0..batch.num_rows()).step_by(PORTION);
        starts.map(|start| batch.slice(start, PORTION.min(batch.num_rows() - start)))
    });
    let portions: Vec<RecordBatch> = portions.collect();
    let follow = |portion: &RecordBatch| {
        let lists = column(portion, "frames")?;
        match lists.data_type() {
            DataType::LargeList(_) => Walk::follow(lists.as_list::<i64>(), &numbers, &is_allocator),
            DataType::List(_) => Walk::follow(lists.as_list::<i32>(), &numbers, &is_allocator),
            _ => Err(lacking("frames")),
        }
    };
    let portions = portions.par_iter().map(follow).collect::<Result<Vec<_>, _>>()?;
    Ok(portions.into_iter().fold(Walk::default(), Walk::and))
}

/// Stacks that one thread follows at a time.
const PORTION: usize = 4096;

impl Walk {
    fn follow<O: OffsetSizeTrait>(
        lists: &GenericListArray<O>,
        numbers: &Numbers<u64>,
        is_allocator: &[bool],
    ) -> Result<Self, ArrowError> {
        let keys = lists.values().as_string_view_opt().ok_or_else(|| lacking("frames"))?;
        let mut walk = Self::default();
        let mut frames = Vec::new();
        for row in 0..lists.len() {
            frames.clear();
            if lists.is_valid(row) {
                let [start, end] = [0, 1].map(|step| lists.value_offsets()[row + step].as_usize());
                for key in (start..end).filter(|key| keys.is_valid(*key)) {
                    frames.extend(numbers.get(&number_of(keys.value(key))?));
                }
            }
            let own = frames.iter().position(|number| !is_allocator[*number as usize]);
            let blamed = own.map_or(frames.last(), |own| frames.get(own)).copied();
            let counting = frames[own.unwrap_or(0)..].iter().enumerate();
            walk.rows.extend(counting.map(|(place, number)| (walk.blamed.len() as u32, place as u32, *number)));
            walk.blamed.push(blamed);
        }
        Ok(walk)
    }

    /// Puts the stacks of another behind its own.
    fn and(mut self, other: Self) -> Self {
        let first = self.blamed.len() as u32;
        self.blamed.extend(other.blamed);
        self.rows.extend(other.rows.into_iter().map(|(stack, place, number)| (first + stack, place, number)));
        self
    }

    /// The frames that stacks are blamed on, in one column.
    ///
    /// # Errors
    ///
    /// None that can be.
    pub fn blamed(&self) -> Result<Table, ArrowError> {
        table(vec![("blamed", Arc::new(UInt32Array::from(self.blamed.clone())))])
    }

    /// Weighs the frames of stacks, whose tokens are those of the frames that were walked: `decay` to the power of how far out it
    /// is, by the root of how many tokens are blamed in stacks through it.
    ///
    /// # Errors
    ///
    /// None that can be.
    pub fn index(&self, tokens: Tokens, decay: f64) -> Result<Index, ArrowError> {
        let Tokens { tokens, groups } = tokens;
        let of_stack = |stack: u32| self.blamed[stack as usize].map_or(0, |blamed| tokens[blamed as usize]);
        // Two numbers in one are sorted in half of the time.
        let pair = |(stack, _, number): &(u32, u32, u32)| {
            u64::from(tokens[*number as usize]) << 32 | u64::from(of_stack(*stack))
        };
        let mut pairs: Vec<u64> = self.rows.iter().map(pair).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut blamed_through = vec![0_u32; tokens.len()];
        pairs.iter().for_each(|pair| blamed_through[(pair >> 32) as usize] += 1);
        let weight = |(_, place, number): &(u32, u32, u32)| {
            let through = blamed_through[tokens[*number as usize] as usize];
            decay.powi(*place as i32) / f64::from(through).sqrt()
        };
        let weights = Float64Array::from_iter_values(self.rows.iter().map(weight));
        let numbers = |of: fn(&(u32, u32, u32)) -> u32| UInt32Array::from_iter_values(self.rows.iter().map(of));
        let numbers_of_frames = numbers(|row| row.2);
        let of_rows = UInt32Array::from_iter_values(numbers_of_frames.values().iter().map(|at| tokens[*at as usize]));
        let rows: Vec<(&str, ArrayRef)> = vec![
            ("stack", Arc::new(numbers(|row| row.0))),
            ("number", Arc::new(numbers_of_frames)),
            ("token", Arc::new(of_rows)),
            ("weight", Arc::new(weights)),
        ];
        let of_frames: Vec<(&str, ArrayRef)> =
            vec![("token", Arc::new(UInt32Array::from(tokens))), ("group", Arc::new(UInt32Array::from(groups)))];
        Ok(Index { rows: table(rows)?, tokens: table(of_frames)?, blamed: self.blamed()? })
    }
}

/// What frames are compared by.
pub struct Tokens {
    /// The same for frames that agree.
    tokens: Vec<u32>,
    /// The number of the module; absent without one.
    groups: Vec<Option<u32>>,
}

/// Gives frames that agree one token. They have `module` (in lower case), `function`, `offset`, `text`, and `named`: whether the
/// name alone tells which function it is.
///
/// # Errors
///
/// If a column is missing or of another type.
pub fn tokens(frames: &[RecordBatch]) -> Result<Tokens, ArrowError> {
    let (mut of_frames, mut of_modules) = (Numbers::default(), Numbers::default());
    let (mut tokens, mut groups) = (Vec::new(), Vec::new());
    for batch in frames {
        let [modules, functions, texts] = [texts(batch, "module")?, texts(batch, "function")?, texts(batch, "text")?];
        let offsets: &UInt64Array =
            column(batch, "offset")?.as_primitive_opt::<UInt64Type>().ok_or_else(|| lacking("offset"))?;
        let named: &BooleanArray = column(batch, "named")?.as_boolean_opt().ok_or_else(|| lacking("named"))?;
        for row in 0..batch.num_rows() {
            let [module, function, text] =
                [modules, functions, texts].map(|column| column.is_valid(row).then(|| column.value(row)));
            let offset = (!named.value(row) && offsets.is_valid(row)).then(|| offsets.value(row));
            // Without a module an address, or a line that nobody could read, stands for itself.
            let (function, text) = if module.is_some() { (function, None) } else { (None, text) };
            tokens.push(next(&mut of_frames, (module, function, offset, text)));
            groups.push(module.map(|module| next(&mut of_modules, module)));
        }
    }
    Ok(Tokens { tokens, groups })
}

fn next<T: Eq + Hash>(numbers: &mut Numbers<T>, value: T) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(value).or_insert(next)
}

fn number_of(key: &str) -> Result<u64, ArrowError> {
    u64::from_str_radix(key, 16).map_err(|error| ArrowError::ParseError(format!("{key}: {error}")))
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringViewArray, ArrowError> {
    column(batch, name)?.as_string_view_opt().ok_or_else(|| lacking(name))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| lacking(name))
}

fn lacking(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("a column {name} of its type"))
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        builder::{ListBuilder, StringViewBuilder},
        types::{Float64Type, UInt32Type},
    };

    use super::*;

    const KEYS: [&str; 4] = ["A0", "A1", "A2", "A3"];

    fn frames() -> RecordBatch {
        let texts = |texts: [Option<&str>; 4]| -> ArrayRef { Arc::new(StringViewArray::from_iter(texts)) };
        RecordBatch::try_from_iter([
            ("frame", texts(KEYS.map(Some))),
            ("allocator", Arc::new(BooleanArray::from(vec![true, false, false, false])) as ArrayRef),
            ("module", texts([Some("ntdll"), Some("app"), Some("app"), None])),
            ("function", texts([Some("RtlAllocateHeap"), Some("f"), Some("f"), None])),
            ("offset", Arc::new(UInt64Array::from(vec![Some(1), Some(2), Some(3), None]))),
            ("text", texts([None, None, None, Some("77001234")])),
            ("named", Arc::new(BooleanArray::from(vec![true, true, true, false]))),
        ])
        .unwrap()
    }

    fn stacks(stacks: &[&[&str]]) -> RecordBatch {
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for keys in stacks {
            keys.iter().for_each(|key| lists.values().append_value(key));
            lists.append(true);
        }
        RecordBatch::try_from_iter([("frames", Arc::new(lists.finish()) as ArrayRef)]).unwrap()
    }

    #[test]
    fn stacks_count_from_the_first_frame_that_is_no_allocators() {
        let walk = walk(&[stacks(&[&["A0", "A1", "A3"], &["A0"], &[], &["A2", "A0", "FF"]])], &[frames()]).unwrap();
        assert_eq!(walk.blamed, [Some(1), Some(0), None, Some(2)]);
        assert_eq!(walk.rows, [(0, 0, 1), (0, 1, 3), (1, 0, 0), (3, 0, 2), (3, 1, 0)]);
    }

    #[test]
    fn a_frame_weighs_less_the_further_out_it_is_and_the_more_functions_are_blamed_through_it() {
        let walk = walk(&[stacks(&[&["A1", "A3"], &["A2", "A3"], &["A3"]])], &[frames()]).unwrap();
        let index = walk.index(tokens(&[frames()]).unwrap(), 0.5).unwrap();
        let tokens = index.rows.batches[0].column(2).as_primitive::<UInt32Type>();
        // The two places in app!f are one function.
        assert_eq!(tokens.values(), &[1, 2, 1, 2, 2]);
        let weights = index.rows.batches[0].column(3).as_primitive::<Float64Type>();
        let shared = 1.0 / 2_f64.sqrt();
        assert_eq!(weights.values(), &[1.0, 0.5 * shared, 1.0, 0.5 * shared, shared]);
        let groups = index.tokens.batches[0].column(1).as_primitive::<UInt32Type>();
        assert_eq!(groups.iter().collect::<Vec<_>>(), [Some(0), Some(1), Some(1), None]);
    }
}
