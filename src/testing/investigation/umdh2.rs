//! The story in the layout of UMDH 6 to 10: a module table, then one line a block, each stack printed once.
//!
//! ```text
//! 1A0 bytes + 30 at 1A200010740 by BackTraceF9A156DA
//! <TAB>7FFC4024B3A2
//! ```

use std::{
    collections::HashSet,
    io::{self, Write},
};

use super::super::{encode::Lines, random::Random};
use super::blocks::{Block, Story, Trace};
use super::program::{Frame, MODULES, Run};
use super::{Options, heap_bases, symbols};

const DASHES: &str = "- - - - - - - - - -";

/// Writes the log; gives the number of ids whose stack is in it.
pub(super) fn write(
    lines: &mut Lines<'_, impl Write>,
    options: &Options,
    run: &Run,
    taken_at: &str,
    story: &Story,
) -> io::Result<u64> {
    preamble(lines, taken_at, run)?;
    let ids = trace_ids(options, story.sites.len() + 1);
    let mut printed = vec![false; story.sites.len()];
    for (base, blocks) in heap_bases(options).into_iter().zip(&story.heaps) {
        lines.line(&format!("*{DASHES} Start of data for heap @ {base:X} {DASHES}"))?;
        for line in
            ["", "REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID", "     STACK if not already dumped.", ""]
        {
            lines.line(line)?;
        }
        lines.line(&format!("*{DASHES} Heap {base:X} Hogs {DASHES}"))?;
        lines.line("")?;
        heap(lines, base, blocks, &ids, |lines, site| {
            if std::mem::replace(&mut printed[site], true) {
                return Ok(());
            }
            stack(lines, run, story, site)
        })?;
        lines.line(&format!("*{DASHES} End of data for heap @ {base:X} {DASHES}"))?;
        lines.line("")?;
    }
    Ok(printed.iter().filter(|done| **done).count() as u64)
}

fn preamble(lines: &mut Lines<'_, impl Write>, taken_at: &str, run: &Run) -> io::Result<()> {
    lines.line("// ")?;
    let pid = run.pid;
    lines.line(&format!("// UMDH: version 10.0.19041.685: Logtime {taken_at} - Machine=FERN-APP-02 - PID={pid}"))?;
    lines.line("// ")?;
    lines.line("")?;
    lines.line("// OS version 10.0 ")?;
    lines.line(&format!("// Connecting to process {pid} ..."))?;
    lines.line("// Loaded modules: ")?;
    lines.line("//     Base Size Module")?;
    for (base, module) in run.bases.iter().zip(&MODULES) {
        lines.line(&format!("//    {base:16X} {:8X} {}", module.bytes, module.path))?;
    }
    lines.line("//")?;
    lines.line("// Process modules enumerated.")?;
    lines.line("DBGHELP: ntdll - public symbols  ")?;
    lines.line(r"         d:\symbols\ntdll.pdb\5D1B7A0C4E4C2F1B9C1E6A6B0F3D77211\ntdll.pdb")?;
    for (_, module) in symbols::modules() {
        let (name, id) = (module.name(), symbols::id(module));
        lines.line(&format!("DBGHELP: {name} - private symbols & lines "))?;
        lines.line(&format!(r"         d:\symbols\{name}.pdb\{id}\{name}.pdb"))?;
    }
    lines.line(&format!("DBGHELP: {} - no symbols loaded", symbols::WITHOUT))?;
    lines.line("")
}

fn heap<W: Write>(
    lines: &mut Lines<'_, W>,
    base: u64,
    blocks: &[Block],
    ids: &[u32],
    mut print_stack: impl FnMut(&mut Lines<'_, W>, usize) -> io::Result<()>,
) -> io::Result<()> {
    for Block { trace, requested, overhead, offset } in blocks {
        let address = base + offset;
        let id = match trace {
            Trace::None => 0,
            Trace::Undefined => ids[0],
            Trace::Site(site) => ids[site + 1],
        };
        lines.line(&format!("{requested:X} bytes + {overhead:X} at {address:X} by BackTrace{id:X}"))?;
        if let Trace::Site(site) = trace {
            print_stack(lines, *site)?;
        }
    }
    Ok(())
}

/// The first site's id stands for two stacks.
fn stack(lines: &mut Lines<'_, impl Write>, run: &Run, story: &Story, site: usize) -> io::Result<()> {
    story.sites[site].frames.iter().try_for_each(|frame| print_frame(lines, run, *frame))?;
    if site == 0 {
        lines.line("\tAlias")?;
        story.sites[story.sites.len() - 1].frames.iter().try_for_each(|frame| print_frame(lines, run, *frame))?;
    }
    lines.line("")
}

fn print_frame(lines: &mut Lines<'_, impl Write>, run: &Run, frame: Frame) -> io::Result<()> {
    lines.line(&format!("\t{:X}", run.address(frame)))
}

/// Ids of the run, no two alike; the first is the one without a stack.
fn trace_ids(options: &Options, count: usize) -> Vec<u32> {
    let mut random = Random::of(options.seed, "ids", options.run);
    let mut known = HashSet::new();
    std::iter::repeat_with(|| random.between(0x1000_0000, 0xFFFF_FFFF) as u32)
        .filter(|id| known.insert(*id))
        .take(count)
        .collect()
}
