//! The processed profile of the Firefox Profiler, version 55: a table for each kind of thing, column by column.
//!
//! What a stack holds is a heap of pieces. Where it grows there is a new piece, where it shrinks the newest pieces leave, under the
//! address they came with; so the Profiler's retained memory at the end is the last log, to the byte, and at each point there is what
//! came and what left. The track `Memory` draws all that is live.
//!
//! The layout is that of the crate `fxprof-processed-profile` 0.8, which has no source lines and no inlined calls.

mod columns;
mod pieces;

use ahash::{HashMap, HashMapExt};
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use self::columns::{Frames, Funcs, Libraries, Repeated, Resources, StackRows, Texts};
use self::pieces::Pieces;
use super::{EXPORTER, Point, Stacks, Trie};

/// The version of the layout that is written; the Profiler brings older ones up to its own.
const VERSION: u32 = 55;

/// Colours of frames.
const CATEGORIES: [(&str, &str); 3] = [("Other", "grey"), ("Program", "blue"), ("Allocator", "orange")];
const OTHER: u32 = 0;
const PROGRAM: u32 = 1;
const ALLOCATOR: u32 = 2;

/// Writes stacks. `net` writes what changed from the first point to the last, and nothing that was there before.
///
/// # Errors
///
/// Writing into memory has none; the trait has them.
pub fn write(stacks: &Stacks, net: bool) -> serde_json::Result<Vec<u8>> {
    let (trie, pieces) = rayon::join(|| Trie::new(stacks), || Pieces::new(stacks, net));
    let mut texts = Texts::default();
    let program = Program::new(stacks, &mut texts);
    let rows = program.stack_rows(&trie);
    let times: Vec<f64> = stacks.points.iter().map(|point| point.milliseconds).collect();
    let ends: Vec<u32> = trie.ends.iter().map(|end| rows.last_of_node[*end as usize]).collect();
    let allocations = Allocations {
        length: pieces.weights.len(),
        time: pieces.points.iter().map(|point| times[*point as usize]).collect(),
        weight: &pieces.weights,
        weight_type: "bytes",
        stack: pieces.stacks.iter().map(|stack| ends[*stack as usize]).collect(),
        memory_address: &pieces.addresses,
        thread_id: Repeated(0, pieces.weights.len()),
    };
    // The two large tables, side by side.
    let (allocations, stack_table) = rayon::join(|| to_raw_value(&allocations), || to_raw_value(&rows.table));
    let thread = Thread {
        name: &stacks.title,
        is_main_thread: true,
        pid: "0",
        tid: 0,
        process_name: &stacks.title,
        process_type: "default",
        process_startup_time: 0.0,
        process_shutdown_time: None,
        register_time: 0.0,
        unregister_time: None,
        paused_ranges: [],
        show_markers_in_timeline: false,
        samples: json!({"length": times.len(), "time": times, "stack": vec![Value::Null; times.len()],
            "weight": null, "weightType": "samples"}),
        markers: json!({"length": 0, "category": [], "data": [], "endTime": [], "name": [], "phase": [], "startTime": []}),
        native_allocations: allocations?,
        stack_table: stack_table?,
        frame_table: &program.frames,
        func_table: &program.funcs,
        resource_table: &program.resources,
        native_symbols: json!({"length": 0, "address": [], "functionSize": [], "libIndex": [], "name": []}),
        string_array: &texts.all,
    };
    serde_json::to_vec(&Profile {
        meta: meta(stacks),
        libs: Libraries(&stacks.modules),
        threads: [thread],
        pages: [],
        profiler_overhead: [],
        counters: [counter(&stacks.points, &pieces, &times)],
    })
}

fn meta(stacks: &Stacks) -> Value {
    let categories = CATEGORIES.map(|(name, color)| json!({"name": name, "color": color, "subcategories": ["Other"]}));
    let notes: Vec<Value> =
        stacks.notes.iter().map(|note| json!({"label": "Note", "format": "string", "value": note})).collect();
    json!({
        "version": 24,
        "preprocessedProfileVersion": VERSION,
        "product": stacks.title,
        "importedFrom": EXPORTER,
        "startTime": stacks.started,
        "interval": 1,
        "processType": 0,
        "debug": false,
        "symbolicated": true,
        "usesOnlyOneStackType": true,
        "sourceCodeIsNotOnSearchfox": true,
        "pausedRanges": [],
        "categories": categories,
        "markerSchema": [],
        "extensions": {"length": 0, "baseURL": [], "id": [], "name": []},
        "sampleUnits": {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "µs"},
        "extra": [{"label": "heapdelta", "entries": notes}],
    })
}

/// Live bytes, as what they changed by at each point.
fn counter(points: &[Point], pieces: &Pieces, times: &[f64]) -> Value {
    let mut changes = vec![0_i64; points.len()];
    let mut counts = vec![0_u64; points.len()];
    for (point, weight) in pieces.points.iter().zip(&pieces.weights) {
        let change = &mut changes[*point as usize];
        *change = change.saturating_add(*weight);
        counts[*point as usize] += 1;
    }
    json!({
        "name": "malloc",
        "category": "Memory",
        "description": "Live bytes",
        "pid": "0",
        "mainThreadIndex": 0,
        "samples": {"length": times.len(), "time": times, "count": changes, "number": counts},
    })
}

/// Places of the program as the Profiler has them: a frame and a function for each call.
struct Program {
    frames: Frames,
    funcs: Funcs,
    resources: Resources,
    /// The frames of each place, outermost first: from here up to where the next one begins.
    first_frame: Vec<u32>,
}

impl Program {
    fn new(stacks: &Stacks, texts: &mut Texts) -> Self {
        let resources = Resources::new(&stacks.modules, texts);
        let (mut frames, mut funcs) = (Frames::default(), Funcs::default());
        let mut first_frame = Vec::with_capacity(stacks.places.len() + 1);
        let mut known: HashMap<(u32, Option<u32>, Option<u32>), u32> = HashMap::new();
        for place in &stacks.places {
            first_frame.push(frames.length());
            let category = match place.is_allocator {
                Some(true) => ALLOCATOR,
                Some(false) => PROGRAM,
                None => OTHER,
            };
            for (depth, call) in place.calls.iter().rev().enumerate() {
                let name = texts.number(&call.name);
                let file = call.file.as_deref().map(|file| texts.number(file));
                let func =
                    *known.entry((name, file, place.module)).or_insert_with(|| funcs.add(name, file, place.module));
                frames.add(func, call.line, depth, category);
            }
        }
        first_frame.push(frames.length());
        Self { frames, funcs, resources, first_frame }
    }

    /// The rows of the stack table: for each node of the tree, one for each call there.
    fn stack_rows(&self, trie: &Trie) -> StackRows {
        let mut rows = StackRows::with_capacity(trie.nodes.len());
        for (place, above) in &trie.nodes {
            let mut prefix = above.checked_sub(1).map(|node| rows.last_of_node[node as usize]);
            for frame in self.first_frame[*place as usize]..self.first_frame[*place as usize + 1] {
                prefix = Some(rows.add(frame, prefix));
            }
            rows.last_of_node.push(prefix.unwrap_or_default());
        }
        rows
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'a> {
    meta: Value,
    libs: Libraries<'a>,
    threads: [Thread<'a>; 1],
    pages: [u8; 0],
    profiler_overhead: [u8; 0],
    counters: [Value; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Thread<'a> {
    name: &'a str,
    is_main_thread: bool,
    pid: &'static str,
    tid: u32,
    process_name: &'a str,
    process_type: &'static str,
    process_startup_time: f64,
    process_shutdown_time: Option<f64>,
    register_time: f64,
    unregister_time: Option<f64>,
    paused_ranges: [u8; 0],
    show_markers_in_timeline: bool,
    samples: Value,
    markers: Value,
    native_allocations: Box<RawValue>,
    stack_table: Box<RawValue>,
    frame_table: &'a Frames,
    func_table: &'a Funcs,
    resource_table: &'a Resources,
    native_symbols: Value,
    string_array: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Allocations<'a> {
    length: usize,
    time: Vec<f64>,
    weight: &'a [i64],
    weight_type: &'static str,
    stack: Vec<u32>,
    memory_address: &'a [u64],
    thread_id: Repeated<u32>,
}
