//! The story in the layout of UMDH 1: per heap its information and its hogs, with resolved frames.
//!
//! ```text
//! 000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031
//!         ntdll!RtlAllocateHeap+0x00000AF2
//! ```

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::super::{encode::Lines, random::Random};
use super::blocks::{Block, Story, Trace};
use super::program::{Frame, Run, system};
use super::{Options, heap_bases};

const STARS: &str = "***********";
/// Deepest stack that version 1 prints.
const DEEPEST: usize = 16;
const ENTRY_OVERHEAD: u64 = 8;

/// Writes the log; gives the number of ids whose stack is in it.
pub(super) fn write(
    lines: &mut Lines<'_, impl Write>,
    options: &Options,
    run: &Run,
    taken_at: &str,
    story: &Story,
) -> io::Result<u64> {
    lines.line(&format!("UMDH: Logtime {taken_at} - Machine=FERN-APP-02 - PID={}", run.pid))?;
    let bases = heap_bases(options);
    let ids = trace_ids(options, story.sites.len() + bases.len());
    let mut printed = vec![false; story.sites.len()];
    for (number, (base, blocks)) in bases.iter().zip(&story.heaps).enumerate() {
        let rows = rows(blocks);
        information(lines, *base, blocks, ids[story.sites.len() + number])?;
        lines.line(&format!("{STARS} Heap {base:08X} Hogs ********************"))?;
        for Row { trace, each, count } in rows {
            let id = if let Trace::Site(site) = trace { ids[site] } else { 0 };
            lines.line(&format!(
                "{:08X} bytes in 0x{count:X} allocations (@ 0x{each:08X}) by: BackTrace{id:05}",
                each * count
            ))?;
            match trace {
                Trace::Site(site) => {
                    printed[site] = true;
                    frames(lines, &story.sites[site].frames)?;
                }
                _ => lines.line("        A stack trace was not saved for this allocation (Index == 0)")?,
            }
            lines.line("")?;
        }
    }
    Ok(printed.iter().filter(|done| **done).count() as u64 + bases.len() as u64)
}

/// One line of a heap's hogs: all blocks of a stack, which are of one size here.
struct Row {
    trace: Trace,
    each: u64,
    count: u64,
}

/// Most blocks first.
fn rows(blocks: &[Block]) -> Vec<Row> {
    let mut counts: BTreeMap<(Trace, u64), u64> = BTreeMap::new();
    for block in blocks {
        *counts.entry((block.trace, block.requested)).or_default() += 1;
    }
    let mut rows: Vec<Row> = counts.into_iter().map(|((trace, each), count)| Row { trace, each, count }).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

fn information(lines: &mut Lines<'_, impl Write>, base: u64, blocks: &[Block], creator: u32) -> io::Result<()> {
    let allocated: u64 = blocks.iter().map(|block| block.requested + ENTRY_OVERHEAD).sum();
    let committed = (allocated + 1).next_multiple_of(0x1000);
    lines.line(&format!("{STARS} Heap {base:08X} Information ********************"))?;
    for field in [
        "Flags: 08000002".to_owned(),
        format!("Number Of Entries: {}", blocks.len()),
        "Number Of Tags: <unknown>".to_owned(),
        format!("Bytes Allocated: {allocated:08X}"),
        format!("Bytes Committed: {committed:08X}"),
        format!("Total FreeSpace: {:08X}", committed - allocated),
        "Number of Virtual Address chunks used: 1".to_owned(),
        "Address Space Used: <unknown>".to_owned(),
        format!("Entry Overhead: {ENTRY_OVERHEAD}"),
        format!("Creator:  (Backtrace{creator:05})"),
    ] {
        lines.line(&format!("    {field}"))?;
    }
    let offset = 0x20 + u64::from(creator) % 0x100;
    frames(lines, &[system("ntdll", "RtlCreateHeap", 0x23F), system("ntdll", "LdrpInitializeProcess", offset)])
}

fn frames(lines: &mut Lines<'_, impl Write>, frames: &[Frame]) -> io::Result<()> {
    frames.iter().take(DEEPEST).try_for_each(|frame| lines.line(&format!("        {}", frame.resolved())))
}

/// Ids of the run: the numbers from 1, in an order of its own.
fn trace_ids(options: &Options, count: usize) -> Vec<u32> {
    let mut ids: Vec<u32> = (1..=count as u32).collect();
    Random::of(options.seed, "ids", options.run).shuffle(&mut ids);
    ids
}
