//! The text of heaptrack's data files, as `heaptrack_print` and heaptrack's window read it: one log a file.
//!
//! A line for each string, place, node of the tree, kind of block and block:
//!
//! ```text
//! s app!grow
//! i 1 1 2
//! t 1 0
//! a 10 1
//! + 0
//! ```
//!
//! The log has sums of stacks. Where a stack has n blocks, n - 1 are written with the mean size and one with the rest, so that bytes
//! and blocks are both exact. Numbers are hexadecimal, and count from 1, but kinds of blocks from 0.

use std::io::Write;

use ahash::{HashMap, HashMapExt};

use super::{EXPORTER, Stacks, Trie};

/// Strings, each once; a line is written where one is new.
#[derive(Default)]
struct Strings(HashMap<String, usize>);

impl Strings {
    fn number(&mut self, text: &str, out: &mut Vec<u8>) -> usize {
        if let Some(number) = self.0.get(text) {
            return *number;
        }
        let number = self.0.len() + 1;
        self.0.insert(text.to_owned(), number);
        line(out, format_args!("s {text}"));
        number
    }
}

/// Writing into memory does not fail.
fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
    out.push(b'\n');
}

/// Writes stacks, as they are at the last point.
pub fn write(stacks: &Stacks) -> Vec<u8> {
    let mut out = Vec::new();
    line(&mut out, format_args!("v 10100 2"));
    line(&mut out, format_args!("# {EXPORTER}"));
    for note in &stacks.notes {
        line(&mut out, format_args!("# {}", note.replace(['\n', '\r'], " ")));
    }
    line(&mut out, format_args!("X {}", stacks.title));
    places(stacks, &mut out);
    let trie = Trie::new(stacks);
    for (place, above) in &trie.nodes {
        line(&mut out, format_args!("t {:x} {above:x}", place + 1));
    }
    blocks(stacks, &trie, &mut out);
    line(&mut out, format_args!("c 1"));
    out
}

fn places(stacks: &Stacks, out: &mut Vec<u8>) {
    let mut strings = Strings::default();
    for (number, place) in stacks.places.iter().enumerate() {
        let module = place.module.map_or(0, |module| strings.number(&stacks.modules[module as usize].path, out));
        let mut text = Vec::new();
        for call in &place.calls {
            let name = strings.number(&call.name, out);
            let file = call.file.as_deref().map_or(0, |file| strings.number(file, out));
            // Writing into memory does not fail.
            let _ = write!(text, " {name:x}");
            if file > 0 || place.calls.len() > 1 {
                let _ = write!(text, " {file:x} {:x}", call.line.unwrap_or(0));
            }
        }
        line(out, format_args!("i {:x} {module:x}{}", number + 1, String::from_utf8_lossy(&text)));
    }
}

/// Blocks in the order of nodes: the reader expects each node no later than those behind it.
fn blocks(stacks: &Stacks, trie: &Trie, out: &mut Vec<u8>) {
    let Some(point) = stacks.points.last() else { return };
    let mut order: Vec<usize> = (0..stacks.len()).collect();
    order.sort_by_key(|stack| trie.ends[*stack]);
    let mut kinds: HashMap<(i64, u32), usize> = HashMap::new();
    for stack in order {
        let (bytes, node) = (point.bytes_of(stack), trie.ends[stack] + 1);
        let count = point.blocks_of(stack).max(i64::from(bytes != 0));
        if count == 0 {
            continue;
        }
        let mean = bytes / count;
        let rest = bytes - mean * (count - 1);
        for (size, times) in [(mean, count - 1), (rest, 1)] {
            if times == 0 {
                continue;
            }
            let next = kinds.len();
            let kind = *kinds.entry((size, node)).or_insert_with(|| {
                line(out, format_args!("a {size:x} {node:x}"));
                next
            });
            for _ in 0..times {
                line(out, format_args!("+ {kind:x}"));
            }
        }
    }
}
