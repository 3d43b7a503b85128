//! UMDH 6.x to 10.x snapshots: live blocks one by one, each stack printed once.
//!
//! ```text
//! *- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -
//!
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0
//! <TAB>776CDD82
//! <TAB>7768EC66
//!
//! 40 bytes + 18 at 2E9FB00 by BackTrace18D0A0D0
//! ```
//!
//! Invariant: a block of text never starts inside a stack, so what a line means depends on nothing outside its block but
//! the last banner of a heap before it. That is why blocks can be read in any order.

mod above;
mod fast;
mod slow;

pub use fast::{Block, block_at, frames_at};

use super::{
    line::{Banner, BannerKind, Edge, Line, classify},
    sink::{Sink, TraceSlot},
    symbol_noise::SymbolNoise,
    typography::restored_line,
};
use crate::engine::vector::{Vector, Work, hex::WINDOW, widest};

/// Bytes of zeros that a block's text is followed by, so that the fast path can read past its end: a zero ends every number
/// and is no line feed, so no line goes on into them.
pub const PADDING: usize = WINDOW;

/// Reads one block of text into the sink's piece.
///
/// `text` ends in [`PADDING`] zeros, which are not part of it; `banner` is the last banner of a heap before it, and its byte in
/// the text; `last` says that the file ends with it.
pub fn read(text: &[u8], banner: (&[u8], u64), last: bool, sink: &mut Sink) {
    let mut reader = Reader::new(text, last, sink);
    reader.resume(banner);
    widest(Run(&mut reader));
    let inside_stack = reader.open.is_some() && reader.sink.open_frames() > 0;
    reader.close_stack();
    if last {
        reader.end_of_file(inside_stack);
    }
}

/// All lines of a reader.
struct Run<'r, 'a>(&'r mut Reader<'a>);

impl Work for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with<V: Vector>(self, vector: V) {
        self.0.run(vector);
    }
}

struct Reader<'a> {
    /// Text and padding.
    text: &'a [u8],
    end: usize,
    at: usize,
    sink: &'a mut Sink,
    /// The file ends with the text.
    last: bool,
    /// Words of the last banner.
    section: String,
    /// The stack that further frames belong to.
    open: Option<Open>,
    /// Where the path of a `DBGHELP:` line may be: on the line behind it.
    symbols_line: Option<u64>,
    noise: SymbolNoise,
    /// The end of the last line of noise.
    noise_end: usize,
    unnamed_heap: bool,
    /// Before the first heap, or behind the end of one: prose may be here.
    outside: bool,
}

#[derive(Clone, Copy)]
struct Open {
    owner: Owner,
    line: u64,
    alias: bool,
    /// A blank line is behind every line, as in copies with doubled line ends: it does not end the stack.
    spaced: bool,
}

/// Whose stack it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// `BackTrace0` has no frames.
    Nobody,
    /// The block line that the sink took last; its trace id is looked up later.
    LastBlock,
    /// This trace id.
    Trace(TraceSlot),
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], last: bool, sink: &'a mut Sink) -> Self {
        Self {
            text,
            end: text.len() - PADDING,
            at: 0,
            sink,
            last,
            section: "preamble".to_owned(),
            open: None,
            symbols_line: None,
            noise: SymbolNoise::default(),
            noise_end: 0,
            unnamed_heap: true,
            outside: true,
        }
    }

    fn resume(&mut self, (banner, byte): (&[u8], u64)) {
        let restored = restored_line(banner);
        if let Line::Banner(banner) = classify(restored.as_deref().unwrap_or(banner)) {
            self.enter(&banner, byte);
        }
    }

    /// Takes a banner at a byte of the text.
    fn enter(&mut self, banner: &Banner<'_>, byte: u64) {
        if !banner.kind.is_of_heap() {
            return;
        }
        self.section = self.sink.text(banner.words);
        self.outside = matches!(banner.kind, BannerKind::End(_) | BannerKind::Spoilt(Edge::End));
        match banner.kind {
            BannerKind::Start(heap)
            | BannerKind::Hogs(heap)
            | BannerKind::Information(heap)
            | BannerKind::OtherOfHeap(heap) => {
                self.sink.enter_heap(Some(heap));
                self.unnamed_heap = false;
            }
            BannerKind::Spoilt(Edge::Start | Edge::Neither) => {
                self.sink.enter_doubtful_heap(byte);
                self.unnamed_heap = false;
            }
            // Rows behind an end belong to a heap without a name: said once they come.
            _ => self.unnamed_heap = true,
        }
    }

    fn line_number(&self) -> u64 {
        self.sink.piece.lines.total()
    }

    #[inline(always)]
    fn run<V: Vector>(&mut self, vector: V) {
        while self.at < self.end {
            let fast = match self.text[self.at] {
                b'0'..=b'9' | b'A'..=b'F' if !self.unnamed_heap => self.blocks(vector),
                b'\t' if self.open.is_some() => self.stack(vector),
                b'\r' | b'\n' => self.blank(),
                _ => false,
            };
            if !fast {
                self.slow_line();
            }
        }
    }

    #[inline(always)]
    fn blank(&mut self) -> bool {
        let length = match self.text[self.at..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            [b'\r', b'\r', b'\n', ..] => 3,
            _ => return false,
        };
        if !self.open.is_some_and(|open| open.spaced) || self.is_behind_blank_line(self.at) {
            self.close_stack();
        }
        self.sink.piece.lines.blank += 1;
        self.at += length;
        true
    }

    /// Lines of `64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0` that are printed just so: all up to one with a stack.
    #[inline(always)]
    fn blocks<V: Vector>(&mut self, vector: V) -> bool {
        let first = self.line_number();
        let mut line = first;
        while let Some(block) = block_at(vector, self.text, self.at) {
            if block.trace_key >> 4 == 0 {
                break;
            }
            if line == first {
                self.close_stack();
            }
            self.sink.block(block.requested, block.overhead, block.address, block.trace_key, line);
            line += 1;
            self.at = block.next;
            // A stack is opened only if the next line is indented, so that runs of bare lines stay in their batch.
            if matches!(self.text[block.next], b'\t' | b' ') {
                self.open = Some(Open { owner: Owner::LastBlock, line: line - 1, alias: false, spaced: false });
                break;
            }
        }
        self.sink.piece.lines.rows += line - first;
        line > first
    }

    /// Address lines that are printed just so, as many as follow.
    #[inline(always)]
    fn stack<V: Vector>(&mut self, vector: V) -> bool {
        if self.open.is_none_or(|open| open.owner == Owner::Nobody) {
            return false;
        }
        let before = self.at;
        let sink = &mut *self.sink;
        let mut count = 0;
        self.at = frames_at(vector, self.text, self.at, |key| {
            sink.raw_frame(key);
            count += 1;
        });
        sink.number_waiting_frames();
        sink.piece.lines.rows += count;
        self.at > before
    }

    #[inline(never)]
    fn close_stack(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.sink.open_frames() == 0 {
            return;
        }
        match open.owner {
            Owner::Nobody => {}
            Owner::LastBlock => self.sink.define_for_last_block(open.line),
            Owner::Trace(trace) => self.sink.define(trace, open.line, open.alias, false),
        }
    }
}
