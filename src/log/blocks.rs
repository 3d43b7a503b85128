//! Text in blocks of whole lines, cut where no stack is torn, handed out in order.

use std::io::Read;

use crate::{
    error::Result,
    input::decode::Places,
    log::{
        fields::is_blank,
        line::{Line, classify},
        lines::{line_at, starts_a_record},
        typography::restored_line,
        umdh2::PADDING,
    },
};

/// Bytes of a block. Between 64 KiB and 4 MiB the time of a read hardly depends on it, the small ones being slower
/// (2026-11-22, 1 GB logs, one thread). Debug builds take tiny blocks, so that every test crosses their borders.
pub const BLOCK_SIZE: usize = if cfg!(debug_assertions) { 64 } else { 1 << 20 };

/// A block without a place to cut grows up to this size, then it is cut at any line end.
const GROWTH_LIMIT: usize = 16 << 20;

/// What is kept of a line that is longer than [`GROWTH_LIMIT`].
const LONG_LINE: usize = 64 << 10;

/// The text of a file, block by block.
pub struct Blocks<'a> {
    reader: Box<dyn Read + Send + 'a>,
    carry: Vec<u8>,
    block_size: usize,
    index: u32,
    /// Offset in the text of the next block.
    byte: u64,
    places: Places,
    banner: Vec<u8>,
    banner_byte: u64,
    finished: bool,
}

/// One block. Its buffer is used again for the next.
#[derive(Debug, Default)]
pub struct Block {
    /// Number in the file, from 0.
    pub index: u32,
    /// Offset of its first byte in the text; [`Places`] tells where that is in the input.
    pub byte: u64,
    /// The last banner line of a heap before it, or nothing.
    pub banner: Vec<u8>,
    /// Offset of that banner in the text.
    pub banner_byte: u64,
    /// The file ends with it.
    pub last: bool,
    /// Bytes left out of a line that was too long, behind its first [`LONG_LINE`] bytes.
    pub skipped: u64,
    buffer: Vec<u8>,
    len: usize,
}

impl Block {
    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// The text and [`PADDING`] zeros behind it.
    pub fn padded(&self) -> &[u8] {
        &self.buffer[..self.len + PADDING]
    }
}

impl<'a> Blocks<'a> {
    /// Blocks of the text in `start`, then of what `reader` gives; `places` tells where it is in the input.
    pub fn new(start: Vec<u8>, reader: Box<dyn Read + Send + 'a>, places: Places, block_size: usize) -> Self {
        Self {
            reader,
            carry: start,
            block_size,
            index: 0,
            byte: 0,
            places,
            banner: Vec::new(),
            banner_byte: 0,
            finished: false,
        }
    }

    /// Offset in the input of the next block.
    pub fn byte(&self) -> u64 {
        self.places.in_input(self.byte)
    }

    /// The offset in the input of an offset in the text.
    pub fn in_input(&self, byte: u64) -> u64 {
        self.places.in_input(byte)
    }

    /// All that is left, as one block: for text whose meaning its last line can change.
    ///
    /// # Errors
    ///
    /// What the reader says.
    pub fn rest(&mut self) -> Result<Block> {
        let mut block = Block { buffer: std::mem::take(&mut self.carry), ..Block::default() };
        self.reader.read_to_end(&mut block.buffer)?;
        self.finished = true;
        let len = block.buffer.len();
        self.hand_out(&mut block, len);
        Ok(block)
    }

    /// Puts the next block into `block`; false at the end of the file.
    ///
    /// # Errors
    ///
    /// What the reader says.
    pub fn next_into(&mut self, block: &mut Block) -> Result<bool> {
        if self.finished {
            return Ok(false);
        }
        block.skipped = 0;
        let mut filled = self.carry.len();
        let mut target = self.block_size.max(filled.min(self.block_size * 2));
        if self.index == 0 {
            // The file may end with what was read to tell its format: room for a whole block would be a thousand times that.
            target = target.min(2 * filled.max(1));
        }
        if block.buffer.len() < filled + PADDING {
            block.buffer.resize(filled + PADDING, 0);
        }
        block.buffer[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        let cut = loop {
            filled = self.fill(block, filled, target)?;
            if self.finished {
                break filled;
            }
            let window =
                if filled > 2 * self.block_size { &block.buffer[..self.block_size] } else { &block.buffer[..filled] };
            if let Some(cut) = last_safe_cut(window).or_else(|| last_safe_cut(&block.buffer[..filled])) {
                break cut;
            }
            if filled >= GROWTH_LIMIT {
                match memchr::memrchr(b'\n', &block.buffer[..filled]) {
                    Some(newline) => break newline + 1,
                    None => filled = self.skip_line(block)?,
                }
            }
            target = filled * 2;
        };
        self.carry.extend_from_slice(&block.buffer[cut..filled]);
        self.finished &= self.carry.is_empty();
        self.hand_out(block, cut);
        Ok(true)
    }

    /// Reads until `target` bytes are there or the file ends.
    fn fill(&mut self, block: &mut Block, mut filled: usize, target: usize) -> Result<usize> {
        if block.buffer.len() < target + PADDING {
            block.buffer.resize(target + PADDING, 0);
        }
        while filled < target {
            match self.reader.read(&mut block.buffer[filled..target]) {
                Ok(0) => {
                    self.finished = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }

    /// Passes over the rest of a line that has no end in sight. The block then holds its start and a line end.
    fn skip_line(&mut self, block: &mut Block) -> Result<usize> {
        let mut in_sight = GROWTH_LIMIT.min(block.buffer.len() - PADDING);
        block.skipped = (in_sight - LONG_LINE) as u64;
        let mut scratch = vec![0; LONG_LINE];
        let rest = loop {
            in_sight = self.reader.read(&mut scratch)?;
            match memchr::memchr(b'\n', &scratch[..in_sight]) {
                Some(newline) => {
                    block.skipped += newline as u64;
                    break &scratch[newline..in_sight];
                }
                None if in_sight == 0 => break &[][..],
                None => block.skipped += in_sight as u64,
            }
        };
        let filled = LONG_LINE + rest.len();
        block.buffer[LONG_LINE..filled].copy_from_slice(rest);
        Ok(filled)
    }

    fn hand_out(&mut self, block: &mut Block, cut: usize) {
        block.len = cut;
        block.buffer.resize(block.buffer.len().max(cut + PADDING), 0);
        block.buffer[cut..cut + PADDING].fill(0);
        block.index = self.index;
        block.byte = self.byte;
        block.last = self.finished;
        block.banner.clone_from(&self.banner);
        block.banner_byte = self.banner_byte;
        self.index += 1;
        self.byte += cut as u64 + block.skipped;
        if let Some((start, banner)) = last_banner(block.text()) {
            self.banner_byte = block.byte + start as u64;
            self.banner.clear();
            self.banner.extend_from_slice(banner);
        }
    }
}

/// The last line of a text that says which heap the lines below it belong to, and where it starts.
fn last_banner(text: &[u8]) -> Option<(usize, &[u8])> {
    let mut seen = text.len();
    for mark in memchr::memrchr3_iter(b'*', b'-', b'=', text) {
        if mark >= seen {
            continue;
        }
        let start = memchr::memrchr(b'\n', &text[..mark]).map_or(0, |newline| newline + 1);
        seen = start;
        let line = line_at(text, start)?;
        let restored = restored_line(line.bytes);
        let shape = classify(restored.as_deref().unwrap_or(line.bytes));
        if matches!(shape, Line::Banner(banner) if banner.kind.is_of_heap()) {
            return Some((start, line.bytes));
        }
    }
    None
}

/// The last place where a block may end, so that no stack is torn: behind a line end, before a record. `None` if there is no
/// such place. Whatever else there is may be in the middle of a stack.
fn last_safe_cut(text: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'\n', text).map(|newline| newline + 1).find(|cut| {
        let rest = &text[*cut..];
        let may_be_one =
            |first: &u8| first.is_ascii_hexdigit() || is_blank(*first) || !first.is_ascii() || *first == b'&';
        rest.first().is_some_and(may_be_one)
            && line_at(rest, 0).is_some_and(|line| {
                let restored = || restored_line(line.bytes).is_some_and(|line| starts_a_record(&line));
                line.ended && (starts_a_record(line.bytes) || restored())
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_keeps_a_stack_with_its_record() {
        let text = b"64 bytes + 1C at 2E9FA20 by BackTrace1\n\t776CDD82\n\t7768EC66\n\n40 bytes + 1\n\t7";
        assert_eq!(last_safe_cut(text).map(|cut| &text[cut..]), Some(&b"40 bytes + 1\n\t7"[..]));
        assert_eq!(last_safe_cut(&text[..text.len() - 3]), None, "a line that may go on");
        assert_eq!(last_safe_cut(b"a\n\tb\n\tc\n"), None);
        let margin = b"  64 bytes + 1C at 2E9FA20 by BackTrace1\n  40 bytes + 1C at 2E9FA20 by BackTrace1\n";
        assert!(last_safe_cut(margin).is_some());
    }
}
