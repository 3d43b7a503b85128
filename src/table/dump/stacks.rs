//! The stacks of blocks of a dump, as the tables that logs have: equal stacks have equal fingerprints.

use std::collections::HashMap;

use arrow_array::{RecordBatch, builder::StringViewBuilder};

use crate::table::{frames::Frames, modules::ModuleMap, stacks::StackRows};

/// Builds `stacks` and `frames`. Each stack has its address in the process and its frames, innermost first.
pub fn tables(stacks: &[(u64, Vec<u64>)], modules: &ModuleMap) -> (RecordBatch, Vec<RecordBatch>) {
    /// Frames that Windows records at the most.
    const LIMIT: usize = 32;
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let mut order: Vec<u64> = Vec::new();
    let mut rows = StackRows::default();
    let mut trace_ids = StringViewBuilder::new();
    let mut frame_ids: Vec<u32> = Vec::new();
    for (address, frames) in stacks {
        trace_ids.append_value(format!("{address:X}"));
        for frame in frames {
            frame_ids.push(*numbers.entry(*frame).or_insert_with(|| {
                order.push(*frame);
                (order.len() - 1) as u32
            }));
        }
        rows.frames_end.push(frame_ids.len() as i32);
    }
    let texts: Vec<String> = order.iter().map(|address| format!("{address:08X}")).collect();
    let frames = Frames::of_texts(texts.iter().map(String::as_str), modules);
    rows.trace_ids = trace_ids;
    rows.frame_ids = frame_ids.into();
    rows.alias_of = vec![None; stacks.len()];
    rows.cut = vec![false; stacks.len()];
    rows.inferred = vec![false; stacks.len()];
    (rows.finish(&frames.hashes, |frames, _| frames.len() == LIMIT), frames.batches)
}
