//! Benchmark logs of any size: UMDH 2, 64-bit, CRLF, with known totals.
//!
//! ```text
//! 1A0 bytes + 30 at 1E2B3C4D5E0 by BackTraceF9A156DA
//! <TAB>7FFB2C81A3D4
//! ```
//!
//! Invariant: a log and its grown twin hold the same stacks under the same ids in the same order; the twin has some
//! blocks more, all of them on every [`GROWN_STRIDE`]-th stack. So do the logs of later steps, in which nearly all blocks
//! of the first lie where they lay; see `later`.

use std::io::{self, Write};

use super::random::Random;
use options::Shape;
use process::{FrameLine, MODULE_BYTES, MODULES, Process, block_size, module_base, push_hex, skewed};

mod later;
mod options;
mod process;

pub use options::{Answer, Kind, Options};

/// One stack in this many grows.
pub const GROWN_STRIDE: u64 = 64;

const GIGABYTE: u64 = 1_000_000_000;
/// The sink is given portions of this many bytes.
const PORTION: usize = 256 << 10;

/// Writes a reference log.
///
/// # Errors
///
/// What `out` returns.
pub fn write_reference(out: &mut impl Write, options: &Options) -> io::Result<Answer> {
    let mut writer = Writer::new(out, options);
    writer.preamble();
    for heap in 0..writer.shape.heaps {
        writer.heap(heap)?;
    }
    writer.finish()
}

struct Writer<'a, W: Write> {
    out: &'a mut W,
    options: Options,
    shape: Shape,
    random: Random,
    /// Sizes of the blocks that only the grown log has: a stream of their own leaves the other untouched.
    extra: Random,
    buffer: Vec<u8>,
    /// Bytes so far without those of the grown blocks.
    base_bytes: u64,
    process: Process,
    frame_used: Vec<bool>,
    /// No frame before this one is unused.
    next_unused: usize,
    /// Stacks printed before the heap being written.
    heap_first_stack: u64,
    /// Blocks of the first log before the heap being written, and up to here.
    heap_first_record: u64,
    records: u64,
    stacks_wanted: u64,
    address: u64,
    answer: Answer,
}

impl<'a, W: Write> Writer<'a, W> {
    fn new(out: &'a mut W, options: &Options) -> Self {
        let shape = options.kind.shape();
        let scaled =
            |number: u64| ((u128::from(number) * u128::from(options.byte_count)) / u128::from(GIGABYTE)) as u64;
        let stacks_wanted = scaled(shape.stacks).max(8);
        let addresses = scaled(shape.addresses).max(64);
        Self {
            out,
            options: *options,
            random: Random::of(options.seed, "reference", options.kind as u64),
            extra: Random::of(options.seed, "grown", 0),
            buffer: Vec::with_capacity(PORTION + 4096),
            base_bytes: 0,
            process: Process::new(options.seed, addresses, stacks_wanted, shape.shallow - 4),
            frame_used: vec![false; addresses as usize],
            next_unused: 0,
            heap_first_stack: 0,
            heap_first_record: 0,
            records: 0,
            stacks_wanted,
            shape,
            address: 0,
            answer: Answer::default(),
        }
    }

    fn preamble(&mut self) {
        let day = 11 + self.options.step.max(u64::from(self.options.grown));
        self.line("// ");
        self.line(&format!(
            "// UMDH: version 10.0.19041.685: Logtime 2024-03-{day} 09:00 - Machine=BENCH-01 - PID=4711"
        ));
        for line in ["// ", "", "// OS version 10.0 ", "// Loaded modules: ", "//     Base Size Module"] {
            self.line(line);
        }
        for module in 0..MODULES {
            let base = module_base(self.options.seed, module);
            self.line(&format!("//        {base:12X} {MODULE_BYTES:8X} C:\\Bench\\bench{module:02}.dll"));
        }
        for line in ["//", "// Process modules enumerated.", ""] {
            self.line(line);
        }
        self.base_bytes = self.buffer.len() as u64;
    }

    fn line(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.end_line();
    }

    fn end_line(&mut self) {
        self.buffer.extend_from_slice(b"\r\n");
        self.answer.line_count += 1;
    }

    /// Fills one heap's share of the file.
    fn heap(&mut self, heap: u64) -> io::Result<()> {
        const DASHES: &str = "- - - - - - - - - -";
        let handle = 0x1A0_0000_0000 + heap * 0x40_0000_0000 + self.random.below(0x1000) * 0x1_0000;
        let start = self.buffer.len();
        self.line(&format!("*{DASHES} Start of data for heap @ {handle:X} {DASHES}"));
        for line in
            ["", "REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID", "     STACK if not already dumped.", ""]
        {
            self.line(line);
        }
        self.line(&format!("*{DASHES} Heap {handle:X} Hogs {DASHES}"));
        self.line("");
        self.base_bytes += (self.buffer.len() - start) as u64;
        self.address = handle + 0x740;
        self.answer.heap_count += 1;
        self.heap_first_stack = self.answer.stack_count;
        self.heap_first_record = self.records;
        let end = u128::from(self.options.byte_count) * u128::from(heap + 1) / u128::from(self.shape.heaps);
        while u128::from(self.base_bytes) < end {
            self.record();
            if self.buffer.len() >= PORTION {
                self.flush()?;
            }
        }
        self.leaked(handle)?;
        self.flush()?;
        self.line(&format!("*{DASHES} End of data for heap @ {handle:X} {DASHES}"));
        self.line("");
        self.base_bytes += self.buffer.len() as u64;
        Ok(())
    }

    /// One block; a new stack whenever stacks lag behind the bytes, so that they are spread over the whole file.
    fn record(&mut self) {
        let start = self.buffer.len();
        let known = self.answer.stack_count;
        let due = u128::from(self.stacks_wanted) * u128::from(self.base_bytes);
        let until = self.options.byte_count / if self.shape.spread { self.shape.heaps } else { 1 };
        let is_new = known == 0 || (known < self.stacks_wanted && u128::from(known) * u128::from(until) < due);
        let stack = if is_new { known } else { self.known_stack(known) };
        if is_new {
            self.end_line();
        }
        let (requested, overhead) = block_size(&mut self.random);
        self.block(stack, requested, overhead);
        if is_new {
            self.stack();
        }
        self.base_bytes += (self.buffer.len() - start) as u64;
        if self.options.step > 0 && !is_new {
            self.later(start, stack, requested, overhead);
        }
        self.records += 1;
        if self.options.grown && stack.is_multiple_of(GROWN_STRIDE) {
            let (requested, overhead) = block_size(&mut self.extra);
            self.block(stack, requested, overhead);
            self.answer.grown_block_count += 1;
            self.answer.grown_requested_bytes += requested;
            self.answer.grown_overhead_bytes += overhead;
        }
    }

    /// A stack printed before. A call site nearly always uses one heap, so most come from those first seen in this one,
    /// unless blocks are spread.
    fn known_stack(&mut self, known: u64) -> u64 {
        let first =
            if self.shape.spread || self.random.below(64) == 0 { 0 } else { self.heap_first_stack.min(known - 1) };
        first + self.random.below(known - first)
    }

    fn block(&mut self, stack: u64, requested: u64, overhead: u64) {
        push_hex(&mut self.buffer, requested);
        self.buffer.extend_from_slice(b" bytes + ");
        push_hex(&mut self.buffer, overhead);
        self.buffer.extend_from_slice(b" at ");
        push_hex(&mut self.buffer, self.address);
        self.buffer.extend_from_slice(b" by BackTrace");
        push_hex(&mut self.buffer, u64::from(self.process.trace_ids[stack as usize]));
        self.end_line();
        self.address += (requested + overhead).next_multiple_of(16);
        self.answer.block_count += 1;
        self.answer.requested_bytes += requested;
        self.answer.overhead_bytes += overhead;
    }

    /// The frames of a new stack: inner ones of its own, outer ones shared with others that came the same way in.
    fn stack(&mut self) {
        let entry = self.random.below(self.process.entries.len() as u64) as usize;
        let depth = self.random.between(self.shape.shallow, self.shape.deep) as usize;
        for _ in self.process.entries[entry].len()..depth {
            let frame = self.own_frame();
            self.frame(frame);
        }
        for place in 0..self.process.entries[entry].len() {
            self.frame(self.process.entries[entry][place]);
        }
        self.end_line();
        self.answer.stack_count += 1;
    }

    /// Addresses are used in turn now and then, so that all of them are in the log.
    fn own_frame(&mut self) -> u32 {
        let all = self.frame_used.len();
        if self.next_unused < all && self.random.below(4) == 0 {
            while self.next_unused < all - 1 && self.frame_used[self.next_unused] {
                self.next_unused += 1;
            }
            return self.next_unused as u32;
        }
        skewed(&mut self.random, all as u64)
    }

    fn frame(&mut self, number: u32) {
        let FrameLine { bytes, length } = self.process.frame_lines[number as usize];
        self.buffer.extend_from_slice(&bytes[..length]);
        self.answer.line_count += 1;
        self.answer.frame_count += 1;
        let used = &mut self.frame_used[number as usize];
        self.answer.distinct_frame_count += u64::from(!*used);
        *used = true;
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.answer.byte_count += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Answer> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.answer)
    }
}
