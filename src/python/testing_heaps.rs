//! Synthetic dumps with heaps, for `heapdelta.testing`: columns of the answer as lists.

use std::path::PathBuf;

use pyo3::{prelude::*, types::PyDict};

use super::testing::{Answer, log_answer, width, written, wrong};
use crate::testing::dump::heap::{
    Answer as HeapAnswer, BlockRow, Damage, HeapRow, Options, State, Windows, reference, write_heap_log, write_heaps,
};

/// Write one dump of the synthetic server with its heaps. Wrapped by `heapdelta.testing.write_heap_dump`.
#[pyfunction]
#[pyo3(signature = (path, *, step, seed, stack_count, windows, pointer_width, wow64, gflags, segment_heap, damage))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn write_heap_dump(
    py: Python<'_>,
    path: PathBuf,
    step: u64,
    seed: u64,
    stack_count: u64,
    windows: &str,
    pointer_width: u32,
    wow64: bool,
    gflags: Vec<String>,
    segment_heap: bool,
    damage: Option<&str>,
) -> PyResult<Answer> {
    let defect = |name| Damage::of(name).ok_or_else(|| wrong(py, "damage of heapdelta.testing.HEAP_DAMAGE", name));
    let damage = damage.map(defect).transpose()?;
    if segment_heap && windows != "unknown" {
        return Err(wrong(py, "windows \"unknown\" with segment_heap", windows));
    }
    let options = Options {
        damage,
        segment_heap,
        ..options(py, step, seed, stack_count, windows, pointer_width, wow64, &gflags)?
    };
    let answer = written(py, path, |out| write_heaps(out, &options))?;
    let about = PyDict::new(py);
    for (name, value) in [
        ("byte_count", answer.byte_count),
        ("pid", answer.pid),
        ("taken_at", answer.taken_at),
        ("global_flag", answer.global_flag),
    ] {
        about.set_item(name, value)?;
    }
    about.set_item("culprit", answer.culprit)?;
    about.set_item("damaged_at", Some(answer.damaged_at).filter(|address| *address > 0))?;
    about.set_item("segment_places", answer.segment_places)?;
    about.set_item("heaps", heap_columns(py, &answer.rows.heaps)?)?;
    about.set_item("blocks", block_columns(py, &answer)?)?;
    about.set_item("stacks", &answer.stacks)?;
    about.extract()
}

/// Write the log of the same heaps. Wrapped by `heapdelta.testing.write_heap_dumps`.
#[pyfunction]
#[pyo3(signature = (path, *, step, seed, stack_count, windows, pointer_width, wow64, gflags))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn write_heap_dump_log(
    py: Python<'_>,
    path: PathBuf,
    step: u64,
    seed: u64,
    stack_count: u64,
    windows: &str,
    pointer_width: u32,
    wow64: bool,
    gflags: Vec<String>,
) -> PyResult<Answer> {
    let options = options(py, step, seed, stack_count, windows, pointer_width, wow64, &gflags)?;
    let answer = written(py, path, |out| write_heap_log(out, &options))?;
    log_answer(py, answer)?.extract()
}

/// Write a benchmark dump of heaps. Wrapped by `heapdelta.testing.write_reference_heaps`.
#[pyfunction]
#[pyo3(signature = (path, *, heap_bytes, block_count, heap_count, seed))]
pub fn write_reference_heaps(
    py: Python<'_>,
    path: PathBuf,
    heap_bytes: u64,
    block_count: u64,
    heap_count: u64,
    seed: u64,
) -> PyResult<Answer> {
    if !(1..=190).contains(&heap_count) {
        return Err(wrong(py, "heap_count 1 to 190", &heap_count.to_string()));
    }
    let options = reference::Options { heap_bytes, block_count, heap_count, seed };
    let answer = written(py, path, |out| reference::write_reference(out, &options))?;
    let about = PyDict::new(py);
    about.set_item("byte_count", answer.byte_count)?;
    about.set_item("memory_bytes", answer.memory_bytes)?;
    about.set_item("heaps", heap_columns(py, &answer.heaps)?)?;
    about.extract()
}

/// The names of all defects that `write_heap_dump` can write.
#[pyfunction]
pub fn heap_damage_names() -> Vec<&'static str> {
    Damage::NAMED.iter().map(|(name, _)| *name).collect()
}

#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
fn options(
    py: Python<'_>,
    step: u64,
    seed: u64,
    stack_count: u64,
    windows: &str,
    pointer_width: u32,
    wow64: bool,
    gflags: &[String],
) -> PyResult<Options> {
    let windows = match windows {
        "7" => Windows::Seven,
        "10" => Windows::Ten,
        "unknown" => Windows::Unknown,
        _ => return Err(wrong(py, "windows \"7\", \"10\" or \"unknown\"", windows)),
    };
    let pointer_width = width(py, pointer_width)?;
    if wow64 && pointer_width == 64 {
        return Err(wrong(py, "pointer_width 32 with wow64", "64"));
    }
    let has = |name: &str| gflags.iter().any(|flag| flag == name);
    if let Some(other) = gflags.iter().find(|flag| !["ust", "htc", "hpa"].contains(&flag.as_str())) {
        return Err(wrong(py, "gflags \"ust\", \"htc\" and \"hpa\"", other));
    }
    let (traces, tails, page_heap) = (has("ust"), has("htc"), has("hpa"));
    Ok(Options {
        seed,
        step,
        stack_count,
        windows,
        pointer_width,
        wow64,
        traces,
        tails,
        page_heap,
        segment_heap: false,
        damage: None,
    })
}

fn heap_columns<'py>(py: Python<'py>, heaps: &[HeapRow]) -> PyResult<Bound<'py, PyDict>> {
    let about = PyDict::new(py);
    let column = |name, value: fn(&HeapRow) -> u64| about.set_item(name, heaps.iter().map(value).collect::<Vec<_>>());
    column("heap", |heap| heap.base)?;
    column("pointer_width", |heap| if heap.is_64_bit { 64 } else { 32 })?;
    column("flags", |heap| u64::from(heap.flags))?;
    column("segment_count", |heap| heap.segment_count)?;
    column("reserved_bytes", |heap| heap.reserved_bytes)?;
    column("committed_bytes", |heap| heap.committed_bytes)?;
    column("uncommitted_bytes", |heap| heap.uncommitted_bytes)?;
    column("busy_count", |heap| heap.busy_count)?;
    column("busy_bytes", |heap| heap.busy_bytes)?;
    column("free_count", |heap| heap.free_count)?;
    column("free_bytes", |heap| heap.free_bytes)?;
    column("largest_free_bytes", |heap| heap.largest_free_bytes)?;
    column("lfh_busy_count", |heap| heap.lfh_busy_count)?;
    column("lfh_busy_bytes", |heap| heap.lfh_busy_bytes)?;
    column("lfh_free_count", |heap| heap.lfh_free_count)?;
    column("lfh_free_bytes", |heap| heap.lfh_free_bytes)?;
    column("overhead_bytes", |heap| heap.overhead_bytes)?;
    column("large_count", |heap| heap.large_count)?;
    column("large_bytes", |heap| heap.large_bytes)?;
    column("large_committed_bytes", |heap| heap.large_committed_bytes)?;
    about.set_item("is_listed", heaps.iter().map(|heap| heap.is_listed).collect::<Vec<_>>())?;
    about.set_item("is_encoded", heaps.iter().map(|heap| heap.is_encoded).collect::<Vec<_>>())?;
    Ok(about)
}

fn block_columns<'py>(py: Python<'py>, answer: &HeapAnswer) -> PyResult<Bound<'py, PyDict>> {
    let blocks = &answer.rows.blocks;
    let about = PyDict::new(py);
    let column =
        |name, value: fn(&BlockRow) -> Option<u64>| about.set_item(name, blocks.iter().map(value).collect::<Vec<_>>());
    column("heap", |block| Some(block.heap))?;
    column("entry", |block| Some(block.entry))?;
    column("entry_bytes", |block| Some(block.entry_bytes))?;
    column("address", |block| block.address)?;
    column("requested_bytes", |block| block.requested)?;
    column("flags", |block| block.flags.map(u64::from))?;
    column("first_word", |block| block.first_word)?;
    about.set_item("target_name", blocks.iter().map(BlockRow::class_name).collect::<Vec<_>>())?;
    column("stack", |block| block.stack.map(u64::from))?;
    column("request_number", |block| block.debug.map(|(request, ..)| u64::from(request)))?;
    column("line", |block| block.debug.map(|(_, _, line)| u64::from(line)))?;
    let words = |name, value: fn(&BlockRow) -> Option<&'static str>| {
        about.set_item(name, blocks.iter().map(value).collect::<Vec<_>>())
    };
    words("file", |block| block.debug.map(|(_, file, _)| file))?;
    words("front_end", |block| Some(block.front_end))?;
    words("content", |block| Some(block.content))?;
    words("state", |block| {
        Some(match block.state {
            State::Busy => "busy",
            State::Free => "free",
            State::Internal => "internal",
        })
    })?;
    Ok(about)
}
