//! What the lines above say of one that the fast path does not take: whose frame it is, and whether it is a line of the log at
//! all.
//!
//! ```text
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0
//! SYMSRV:  BYINDEX: 0x1                            noise: the stack below is that of the block above
//! 776CDD82                                         a frame, though it has lost its margin
//! ```
//!
//! Invariant: nothing above the last record is looked at, so it does not matter where the text was cut into blocks.

use super::{Open, Owner, Reader};
use crate::log::{
    fields::is_bare_frame,
    line::{Line, classify},
    lines::{self, line_at, starts_a_record},
    typography::restored_line,
};

impl<'a> Reader<'a> {
    /// True for a line that the debugger's libraries printed; what goes on with it is right below it.
    pub(super) fn is_noise(&mut self, bytes: &[u8], start: usize) -> bool {
        let between = self.text.get(self.noise_end..start).unwrap_or_default();
        if !between.trim_ascii().is_empty() {
            self.noise.end();
        }
        let is_noise = !bytes.trim_ascii().is_empty() && self.noise.takes(bytes);
        if is_noise {
            self.noise_end = self.at;
        }
        is_noise
    }

    /// True for a frame that has lost its margin, in a stack or right below a block line.
    pub(super) fn is_frame_here(&self, body: &[u8], start: usize) -> bool {
        let inside = match self.open {
            Some(open) => open.owner != Owner::Nobody,
            None => self.block_above(start).is_some(),
        };
        inside && is_bare_frame(body)
    }

    /// The stack of the block line above, for what follows right below it: the fast path opens a stack only for what is
    /// indented, and a blank line may be in between where there is one everywhere.
    pub(super) fn stack_above(&mut self, start: usize, shape: &Line<'_>) -> Option<Open> {
        let (block, spaced) = self.block_above(start)?;
        if spaced && (!matches!(shape, Line::RawFrame(_) | Line::ResolvedFrame(_)) || !self.is_spaced_here()) {
            return None;
        }
        let line = self.line_number() - 1 - u64::from(spaced);
        let restored = restored_line(block);
        let Line::Block { trace_id, .. } = classify(restored.as_deref().unwrap_or(block)) else { return None };
        let trace = self.sink.trace(trace_id, line);
        Some(Open { owner: trace.map_or(Owner::Nobody, Owner::Trace), line, alias: false, spaced })
    }

    /// The block line above a line, and whether there is a blank line in between.
    fn block_above(&self, start: usize) -> Option<(&'a [u8], bool)> {
        let mut above = self.line_above(start)?;
        let spaced = above.bytes.trim_ascii().is_empty();
        if spaced {
            above = self.line_above(above.start)?;
        }
        let restored = restored_line(above.bytes);
        let is_block = matches!(classify(restored.as_deref().unwrap_or(above.bytes)), Line::Block { .. });
        is_block.then_some((above.bytes, spaced))
    }

    fn line_above(&self, start: usize) -> Option<lines::Line<'a>> {
        let end = start.checked_sub(1)?;
        let line = memchr::memrchr(b'\n', &self.text[..end]).map_or(0, |newline| newline + 1);
        line_at(self.text, line)
    }

    /// True where there are blank lines between lines that belong together: behind the line at hand there is one, and behind that
    /// no record, which would be the next one's.
    fn is_spaced_here(&self) -> bool {
        let text = &self.text[..self.end];
        let Some(blank) = line_at(text, self.at).filter(|line| line.bytes.trim_ascii().is_empty()) else {
            return false;
        };
        match line_at(text, blank.next) {
            Some(next) => !starts_a_record(next.bytes) && !matches!(classify(next.bytes), Line::Banner(_)),
            None => self.last,
        }
    }

    /// True if the line above a place is blank.
    pub(super) fn is_behind_blank_line(&self, start: usize) -> bool {
        self.line_above(start).is_some_and(|line| line.bytes.trim_ascii().is_empty())
    }
}
