//! The two readers of block and frame lines agree: what the fast one takes, the careful one reads to the same numbers; and
//! the fast one takes everything that is printed just as UMDH prints it.

use heapdelta::{
    lines::{Line as RawLine, lines},
    log::{
        fields::parse_hex,
        line::{Line, classify},
        sink::TraceIds,
        umdh2::{Block, PADDING, block_at, frame_at},
    },
};

/// Reads every line of `data` both ways.
///
/// # Panics
///
/// If the readers disagree.
pub fn target(data: &[u8]) {
    let mut padded = data.to_vec();
    padded.extend_from_slice(&[0; PADDING]);
    for line in lines(data) {
        let block = block_at(&padded, line.start).filter(|block| block.next <= data.len());
        let frame = frame_at(&padded, line.start).filter(|(_, next)| *next <= data.len());
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
    if fits && exact && ends_as_printed(padded, line) {
        assert!(fast.is_some(), "the fast path leaves out {line:?}");
    }
}

fn check_frame(padded: &[u8], line: RawLine<'_>, fast: Option<((u64, u32), usize)>, text: &[u8]) {
    let hex = parse_hex(text);
    if let Some(((value, digits), next)) = fast {
        let hex = hex.unwrap_or_else(|| panic!("{line:?} is no number"));
        assert_eq!((value, digits, next), (hex.value, hex.digits, line.next), "{line:?}");
    }
    let printed = hex.map(|hex| format!("\t{:X}", hex.value));
    if printed.is_some_and(|printed| printed.as_bytes() == line.bytes) && ends_as_printed(padded, line) {
        assert!(fast.is_some(), "the fast path leaves out {line:?}");
    }
}

/// True for the line ends that logs have: LF, CRLF, CR CR LF.
fn ends_as_printed(padded: &[u8], line: RawLine<'_>) -> bool {
    line.ended && matches!(&padded[line.start + line.bytes.len()..line.next], b"\n" | b"\r\n" | b"\r\r\n")
}
