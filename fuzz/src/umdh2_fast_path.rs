//! The two readers of block and frame lines agree, by whatever vectors the fast one reads: what it takes, the careful one
//! reads to the same numbers; and it takes everything that is printed just as UMDH prints it.

use heapdelta::internals::{
    engine::vector::{Vector, Work, each},
    log::{
        fields::parse_hex,
        line::{Line, classify},
        lines::{Line as RawLine, lines},
        sink::{TraceIds, frame_keys::key_of_hex},
        umdh2::{Block, PADDING, block_at, frames_at},
    },
};

/// Reads every line of `data` every way.
///
/// # Panics
///
/// If the readers disagree.
pub fn target(data: &[u8]) {
    each(Agree(data));
}

#[derive(Clone, Copy)]
struct Agree<'a>(&'a [u8]);

impl Work for Agree<'_> {
    type Output = ();

    fn with<V: Vector>(self, vector: V) {
        let mut padded = self.0.to_vec();
        padded.extend_from_slice(&[0; PADDING]);
        for line in lines(self.0) {
            let block = block_at(vector, &padded, line.start);
            let frame = one_frame(vector, &padded, line);
            match classify(line.bytes) {
                Line::Block { requested_bytes, overhead_bytes, address, trace_id } => {
                    let numbers = [requested_bytes, overhead_bytes, address];
                    check_block(&padded, line, block, numbers, trace_id);
                    assert_eq!(frame, None, "{line:?}");
                }
                Line::RawFrame(text) => {
                    assert_eq!(block, None, "{line:?}");
                    check_frame(&padded, line, frame, text);
                }
                other => assert_eq!((block, frame), (None, None), "{line:?} is {other:?}"),
            }
        }
    }
}

/// The key of the frame that a line is to the fast reader, which is shown nothing behind it.
fn one_frame<V: Vector>(vector: V, padded: &[u8], line: RawLine<'_>) -> Option<u64> {
    let mut text = padded[line.start..line.next].to_vec();
    text.extend_from_slice(&[0; PADDING]);
    let mut keys = Vec::new();
    let read = frames_at(vector, &text, 0, |key| keys.push(key));
    assert_eq!(read, if keys.is_empty() { 0 } else { line.next - line.start }, "{line:?}");
    assert!(keys.len() <= 1, "{line:?}");
    keys.pop()
}

fn check_block(padded: &[u8], line: RawLine<'_>, fast: Option<Block>, numbers: [u64; 3], trace_id: &[u8]) {
    let [requested, overhead, address] = numbers;
    if let Some(block) = fast {
        assert_eq!([block.requested, u64::from(block.overhead), block.address], numbers, "{line:?}");
        let mut id = String::new();
        let known = TraceIds::default().write(block.trace_key, &mut id);
        assert_eq!((known, id.as_bytes()), (true, trace_id), "{line:?}");
        assert_eq!(block.next, line.next, "{line:?}");
    }
    let is_id = trace_id.len() <= 14 && trace_id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let fits = requested <= u64::from(u32::MAX) && overhead <= u64::from(u32::MAX) && is_id;
    let printed = format!("{requested:X} bytes + {overhead:X} at {address:X} by BackTrace");
    let exact = line.bytes.strip_prefix(printed.as_bytes()) == Some(trace_id);
    let short = line.next - line.start <= 64;
    if fits && exact && short && ends_as_printed(padded, line) {
        assert!(fast.is_some(), "the fast path leaves out {line:?}");
    }
}

fn check_frame(padded: &[u8], line: RawLine<'_>, fast: Option<u64>, text: &[u8]) {
    let hex = parse_hex(text).filter(|_| !text.iter().any(u8::is_ascii_lowercase));
    let key = hex.and_then(key_of_hex);
    assert!(fast.is_none() || fast == key, "{line:?}");
    let exact = line.bytes.strip_prefix(b"\t") == Some(text);
    if exact && key.is_some() && ends_as_printed(padded, line) {
        assert!(fast.is_some(), "the fast path leaves out {line:?}");
    }
}

/// True for the line ends that logs have: LF, CRLF, CR CR LF.
fn ends_as_printed(padded: &[u8], line: RawLine<'_>) -> bool {
    line.ended && matches!(&padded[line.start + line.bytes.len()..line.next], b"\n" | b"\r\n" | b"\r\r\n")
}
