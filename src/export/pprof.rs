//! `profile.proto` of pprof, as `go tool pprof` and its web page read it.
//!
//! Two points in time are samples of before, negated and with the label `pprof::base`, as `-diff_base` makes them, and samples of
//! after. Every sample has the label `module`: `-tags` sums up by it, and `-tagroot=module` puts it first.

use prost::{Message, encoding::message};
use rayon::prelude::*;

use super::{Call, EXPORTER, Point, Stacks};
use ahash::{HashMap, HashMapExt};

/// Number of the field of a profile that its samples are, which [`Profile`] leaves out: they are written by themselves.
const SAMPLE: u32 = 2;
/// Stacks whose samples one thread writes in one go.
const PORTION: usize = 1 << 13;

/// What is written beside the numbers, each text once; the first is empty, as the format asks.
struct Texts {
    numbers: HashMap<String, i64>,
    all: Vec<String>,
}

impl Texts {
    fn new() -> Self {
        let mut texts = Self { numbers: HashMap::new(), all: Vec::new() };
        texts.number("");
        texts
    }

    fn number(&mut self, text: &str) -> i64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = i64::try_from(self.all.len()).unwrap_or(i64::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.all.push(text.to_owned());
        number
    }
}

/// Writes stacks, not packed. `net` writes one sample for what a stack changed, and none for one that did not.
pub fn write(stacks: &Stacks, net: bool) -> Vec<u8> {
    let mut texts = Texts::new();
    let kinds = [("live_space", "bytes"), ("live_objects", "count")];
    let sample_type =
        kinds.iter().map(|(kind, unit)| ValueType { kind: texts.number(kind), unit: texts.number(unit) }).collect();
    let default_sample_type = texts.number("live_space");
    let mut profile = program(stacks, &mut texts);
    profile.sample_type = sample_type;
    profile.default_sample_type = default_sample_type;
    profile.comment = std::iter::once(EXPORTER)
        .chain(std::iter::once(stacks.title.as_str()))
        .chain(stacks.notes.iter().map(String::as_str))
        .map(|note| texts.number(note))
        .collect();
    let labels = Labels::new(stacks, &mut texts);
    profile.string_table = texts.all;
    let mut written = profile.encode_to_vec();
    // A profile may be in parts: lists of all of them are one list.
    let portions: Vec<usize> = (0..stacks.len()).step_by(PORTION).collect();
    let parts: Vec<Vec<u8>> = portions
        .into_par_iter()
        .map(|first| {
            let own = first..stacks.len().min(first + PORTION);
            let mut part = Vec::new();
            for sample in own.flat_map(|stack| samples(stacks, stack, net, &labels)) {
                message::encode(SAMPLE, &sample, &mut part);
            }
            part
        })
        .collect();
    parts.iter().for_each(|part| written.extend_from_slice(part));
    written
}

/// Modules, functions and places.
fn program(stacks: &Stacks, texts: &mut Texts) -> Profile {
    let mut profile = Profile::default();
    for module in &stacks.modules {
        profile.mapping.push(Mapping {
            id: profile.mapping.len() as u64 + 1,
            filename: texts.number(&module.path),
            build_id: texts.number(module.debug_id.as_deref().unwrap_or_default()),
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
        });
    }
    let mut functions: HashMap<(i64, i64), u64> = HashMap::new();
    let mut line_of = |call: &Call, profile: &mut Profile| {
        let name = texts.number(&call.name);
        let filename = texts.number(call.file.as_deref().unwrap_or_default());
        let function_id = *functions.entry((name, filename)).or_insert_with(|| {
            let id = profile.function.len() as u64 + 1;
            profile.function.push(Function { id, name, system_name: name, filename });
            id
        });
        Line { function_id, line: call.line.map_or(0, i64::from) }
    };
    for place in &stacks.places {
        let line = place.calls.iter().map(|call| line_of(call, &mut profile)).collect();
        let id = profile.location.len() as u64 + 1;
        profile.location.push(Location {
            id,
            mapping_id: place.module.map_or(0, |module| u64::from(module) + 1),
            line,
        });
    }
    profile
}

/// What samples are labelled with.
struct Labels {
    /// The module that a stack counts for, by its number.
    owners: Vec<Label>,
    base: Label,
}

impl Labels {
    fn new(stacks: &Stacks, texts: &mut Texts) -> Self {
        let module = texts.number("module");
        let owners = stacks.owner_names.iter().map(|name| Label { key: module, str: texts.number(name) }).collect();
        Self { owners, base: Label { key: texts.number("pprof::base"), str: texts.number("true") } }
    }
}

/// The samples of a stack: of before and of after, of one log one.
fn samples(stacks: &Stacks, stack: usize, net: bool, labels: &Labels) -> Vec<Sample> {
    let is_unknown = stacks.is_unknown(stack);
    let places = packed(stacks.steps_of(stack).iter().rev().map(|place| u64::from(*place) + 1));
    let owner = labels.owners[stacks.owners[stack] as usize];
    let numbers = |point: &Point| [point.bytes_of(stack), point.blocks_of(stack)];
    let (before, after) = match &stacks.points[..] {
        [first, .., last] => (numbers(first), numbers(last)),
        [only] => ([0, 0], numbers(only)),
        [] => return Vec::new(),
    };
    let sample = |places, value: [i64; 2], label| Sample {
        location_id: places,
        value: packed(value.iter().map(|number| number.cast_unsigned())),
        label,
    };
    let mut samples = Vec::with_capacity(2);
    if net {
        let value = [stacks.growth(stack), after[1] - before[1]];
        if value != [0, 0] || is_unknown {
            samples.push(sample(places, value, vec![owner]));
        }
        return samples;
    }
    if before != [0, 0] {
        samples.push(sample(places.clone(), before.map(|number| -number), vec![labels.base, owner]));
    }
    if after != [0, 0] || is_unknown {
        samples.push(sample(places, after, vec![owner]));
    }
    samples
}

/// Numbers as the format packs a list of them, which on the way is the same as bytes.
fn packed(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    for mut number in numbers {
        while number > 0x7F {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }
    bytes
}

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// A list of numbers, packed.
    #[prost(bytes = "vec", tag = "1")]
    location_id: Vec<u8>,
    /// The same.
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    str: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(int64, tag = "6")]
    build_id: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
    #[prost(bool, tag = "8")]
    has_filenames: bool,
    #[prost(bool, tag = "9")]
    has_line_numbers: bool,
    #[prost(bool, tag = "10")]
    has_inline_frames: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

#[cfg(test)]
mod tests {
    use prost::encoding::encode_varint;

    use super::packed;

    #[test]
    fn numbers_are_packed_as_the_format_has_them() {
        let numbers = [0, 1, 0x7F, 0x80, 300, 1 << 14, u64::from(u32::MAX), u64::MAX];
        let mut expected = Vec::new();
        numbers.iter().for_each(|number| encode_varint(*number, &mut expected));
        assert_eq!(packed(numbers.into_iter()), expected);
    }
}
