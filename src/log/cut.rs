//! What is said of the last line of a file that ends inside it.

use crate::log::{
    fields::trim,
    line::{Line, classify},
};

/// Of a line with data.
pub const DATA: &str = "read as it is; the file ends in this line, so its last number may be cut";

/// Of a line with words at its end.
pub const WORDS: &str = "read as it is; the file ends in this line, so its end may be cut";

/// Of a banner or a header.
pub const HEADING: &str =
    "passed over; the file ends in this heading, so the heap or the capture that it names may be another";

/// A banner that nothing closes, or the start of one, or of a header. With a line end behind it a banner is whole all the same.
pub fn is_heading(line: &[u8]) -> bool {
    let body = trim(line);
    let marks = body.starts_with(b"*") && body.iter().all(|byte| matches!(byte, b'*' | b'-' | b' ' | b'\t'));
    let header = trim(body.strip_prefix(b"//").unwrap_or(body));
    let starts = |word: &[u8]| header.len() > 1 && (word.starts_with(header) || header.starts_with(word));
    match classify(line) {
        Line::Banner(banner) => !banner.closed,
        Line::Header(_) | Line::Blank => false,
        _ => marks || starts(b"UMDH:") || starts(b"DH:"),
    }
}
