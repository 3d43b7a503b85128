//! What one snapshot has of the stacks that others of its run may know better.

use arrow_array::{
    Array, RecordBatch, StringViewArray, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};
use arrow_select::interleave::interleave_record_batch;
use xxhash_rust::xxh3::xxh3_64;

use super::places::Unsettled;
use crate::{
    snapshot::Snapshot,
    table::{frames::Frames, modules::ModuleMap, stacks::frames_of},
};

/// The columns of a batch of `frames`.
struct FrameColumns<'a> {
    first: u32,
    address: &'a UInt64Array,
    module: &'a StringViewArray,
    function: &'a StringViewArray,
    offset: &'a UInt64Array,
    text: &'a StringViewArray,
}

/// A frame as its snapshot has it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub address: Option<u64>,
    pub module: Option<&'a str>,
    pub function: Option<&'a str>,
    pub offset: Option<u64>,
    pub text: &'a str,
}

/// What stacks are compared by, of a frame of a candidate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    /// Hash of its content, the part of a fingerprint.
    pub hash: u64,
    /// What it is inside the run: its address, else its content.
    pub identity: u64,
    pub has_address: bool,
    /// It says more than an address.
    pub is_named: bool,
}

/// A stack that other snapshots of the run may place otherwise.
pub struct Candidate<'a> {
    pub row: u32,
    pub trace_id: &'a str,
    /// There is another one under the id before it.
    pub is_alias: bool,
    pub frames: &'a [u32],
    /// One number for what the frames are inside the run.
    pub key: u64,
}

/// A snapshot of a run.
pub struct Log<'a> {
    batches: &'a [RecordBatch],
    frames: Vec<FrameColumns<'a>>,
    /// By frame; those of no candidate have none.
    marks: Vec<Mark>,
    map: &'a ModuleMap,
    /// In the order of `stacks`.
    pub candidates: Vec<Candidate<'a>>,
}

impl<'a> Log<'a> {
    /// Finds the stacks that have a frame of which others may say something else.
    pub fn new(snapshot: &'a Snapshot, map: &'a ModuleMap, unsettled: &Unsettled) -> Self {
        let frames = frames_of_log(snapshot);
        let mut is_unsettled = Vec::new();
        for batch in &frames {
            let holds =
                |address: Option<u64>| address.map_or(*unsettled == Unsettled::Everything, |at| unsettled.holds(at));
            is_unsettled.extend(batch.address.iter().map(holds));
        }
        let any = is_unsettled.contains(&true);
        let candidates = if any { candidates(snapshot, &is_unsettled) } else { Vec::new() };
        let batches = snapshot.table("frames").map_or(&[][..], |table| &table.batches);
        let mut log = Self { batches, frames, marks: Vec::new(), map, candidates };
        if any {
            log.mark(is_unsettled.len());
        }
        log
    }

    /// Marks the frames of all candidates, each once, and gives candidates their keys.
    fn mark(&mut self, frame_count: usize) {
        let mut needed = vec![false; frame_count];
        self.candidates.iter().flat_map(|stack| stack.frames).for_each(|frame| needed[*frame as usize] = true);
        let needed: Vec<u32> = (0..).zip(needed).filter(|(_, needed)| *needed).map(|(frame, _)| frame).collect();
        let mut marks = vec![Mark::default(); frame_count];
        for (id, hash) in needed.iter().zip(self.rebuilt(&needed).hashes) {
            let frame = self.frame(*id);
            marks[*id as usize] = Mark {
                hash,
                identity: frame.address.unwrap_or(hash),
                has_address: frame.address.is_some(),
                is_named: frame.module.is_some() || frame.function.is_some(),
            };
        }
        self.marks = marks;
        let mut scratch: Vec<[u8; 8]> = Vec::new();
        for stack in &mut self.candidates {
            scratch.clear();
            scratch.extend(stack.frames.iter().map(|frame| self.marks[*frame as usize].identity.to_le_bytes()));
            stack.key = xxh3_64(scratch.as_flattened());
        }
    }

    /// Frames as their texts and the modules alone make them: so they have the hashes that fingerprints are made of.
    fn rebuilt(&self, frames: &[u32]) -> Frames {
        Frames::of_texts(frames.iter().map(|frame| self.frame(*frame).text), self.map)
    }

    /// Rows of `frames`.
    pub fn rows(&self, frames: &[u32]) -> RecordBatch {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let place = |frame: &u32| {
            let batch = self.frames.partition_point(|batch| batch.first <= *frame) - 1;
            (batch, (frame - self.frames[batch].first) as usize)
        };
        let places: Vec<(usize, usize)> = frames.iter().map(place).collect();
        interleave_record_batch(&batches, &places).unwrap_or_else(|error| panic!("rows of frames: {error}")) // proof: all are of one table
    }

    /// How many rows `frames` has.
    pub fn frame_count(&self) -> u32 {
        self.frames.last().map_or(0, |last| last.first + last.text.len() as u32)
    }

    /// A frame.
    pub fn frame(&self, id: u32) -> Known<'a> {
        let batch = &self.frames[self.frames.partition_point(|batch| batch.first <= id) - 1];
        let row = (id - batch.first) as usize;
        let number = |column: &'a UInt64Array| column.is_valid(row).then(|| column.value(row));
        let text = |column: &'a StringViewArray| column.is_valid(row).then(|| column.value(row));
        Known {
            address: number(batch.address),
            module: text(batch.module),
            function: text(batch.function),
            offset: number(batch.offset),
            text: batch.text.value(row),
        }
    }

    /// The mark of a candidate's frame.
    pub fn mark_of(&self, frame: u32) -> Mark {
        self.marks[frame as usize]
    }
}

impl<'a> FrameColumns<'a> {
    fn of(batch: &'a RecordBatch, first: u32) -> Option<Self> {
        let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
        let text = |name| batch.column_by_name(name)?.as_string_view_opt();
        Some(Self {
            first,
            address: number("address")?,
            module: text("module")?,
            function: text("function")?,
            offset: number("offset")?,
            text: text("text")?,
        })
    }
}

fn frames_of_log(snapshot: &Snapshot) -> Vec<FrameColumns<'_>> {
    let mut first = 0;
    let columns = snapshot.table("frames").map_or(&[][..], |table| &table.batches).iter().filter_map(|batch| {
        let columns = FrameColumns::of(batch, first);
        first += batch.num_rows() as u32;
        columns
    });
    columns.collect()
}

/// Stacks with an id that pass one of the frames.
fn candidates<'a>(snapshot: &'a Snapshot, is_wanted: &[bool]) -> Vec<Candidate<'a>> {
    let mut first = 0;
    let mut found = Vec::new();
    for batch in snapshot.table("stacks").map_or(&[][..], |table| &table.batches) {
        let ids: Option<&StringViewArray> =
            batch.column_by_name("trace_id").and_then(|column| column.as_string_view_opt());
        let aliases: Option<&UInt32Array> =
            batch.column_by_name("alias_of").and_then(|column| column.as_primitive_opt::<UInt32Type>());
        let (Some(ids), Some(aliases)) = (ids, aliases) else { continue };
        for (row, frames) in frames_of(batch).enumerate() {
            let frames = frames.unwrap_or_default();
            if ids.is_valid(row) && frames.iter().any(|frame| is_wanted[*frame as usize]) {
                let is_alias = aliases.is_valid(row);
                found.push(Candidate { row: first + row as u32, trace_id: ids.value(row), is_alias, frames, key: 0 });
            }
        }
        first += batch.num_rows() as u32;
    }
    found
}

/// Some snapshot has frames that are no addresses: `app!f+1E`.
pub fn any_text(snapshots: &[&Snapshot]) -> bool {
    let has_text = |snapshot: &&Snapshot| {
        let mut batches = frames_of_log(snapshot).into_iter();
        batches.any(|batch| snapshot.header.format != "umdh2" || batch.function.null_count() < batch.function.len())
    };
    snapshots.iter().any(has_text)
}

/// Snapshots with texts can say different things of one frame: some snapshot has one without a name, or one with its address.
pub fn can_differ(snapshots: &[&Snapshot]) -> bool {
    let open = |batch: &FrameColumns<'_>| {
        let nameless = |row| batch.module.is_null(row) && batch.function.is_null(row);
        batch.address.null_count() < batch.address.len() || (0..batch.text.len()).any(nameless)
    };
    snapshots.iter().any(|snapshot| frames_of_log(snapshot).iter().any(open))
}
