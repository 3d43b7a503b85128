//! `KEY: VALUE` lines about a heap.
//!
//! ```text
//!     Bytes Allocated: 00008DF0
//!     Address Space Used: <unknown>
//!     Creator:  (Backtrace00007)
//! ```
//!
//! Invariant: a known key gives its field or an issue; any other line is kept word for word.

use crate::log::{
    fields::{parse_0x, parse_decimal, parse_field, parse_hex, parse_trace},
    hogs::{Place, Reader},
    sink::{HeapEvent, HeapField, Sink},
};

impl Reader {
    /// Takes a line of a heap's information; false if it is none.
    pub(super) fn field(&mut self, body: &[u8], place: Place<'_>, sink: &mut Sink) -> bool {
        let Some((key, value)) = parse_field(body) else { return false };
        let Some(event) = self.heap_event(key, value, place, sink) else {
            self.close(place.line, sink);
            if is_known(key) {
                sink.unreadable(place.line, place.byte, place.text);
            } else {
                self.keep("field", place, sink);
            }
            return true;
        };
        self.enter_heap(place, sink);
        sink.heap_event(place.line, event);
        sink.piece.lines.rows += 1;
        true
    }

    /// What a field says of its heap; `None` for an unknown key, and for a value that cannot be read. A creator opens its
    /// stack.
    fn heap_event(&mut self, key: &[u8], value: &[u8], place: Place<'_>, sink: &mut Sink) -> Option<HeapEvent> {
        if key.eq_ignore_ascii_case(CREATOR) {
            if let Some(id) = parse_trace(value) {
                self.begin(id, place, sink);
                return Some(HeapEvent::Creator(self.stack.slot()));
            }
            // `(No backtrace)`: words in brackets that name no id.
            let none = value.is_empty() || matches!(value, [b'(', .., b')'] | [b'<', .., b'>']);
            self.close(place.line, sink);
            return none.then_some(HeapEvent::Creator(None));
        }
        let event = heap_field(key, value)?;
        self.close(place.line, sink);
        Some(event)
    }

    /// The fields of a heap's information have the same keys wherever a section names the heap (DH's summaries).
    pub(super) fn field_of_heap(&mut self, key: &[u8], value: &[u8], place: Place<'_>, sink: &mut Sink) -> bool {
        if self.named_heap().is_none() {
            return false;
        }
        let Some(event) = self.heap_event(key, value, place, sink) else { return false };
        self.enter_heap(place, sink);
        sink.heap_event(place.line, event);
        sink.piece.lines.rows += 1;
        true
    }
}

/// How a field's number is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Radix {
    /// Eight digits without a prefix.
    Hex,
    /// Counts and the overhead.
    Decimal,
}

const FIELDS: [(&[u8], HeapField, Radix); 9] = [
    (b"Flags", HeapField::Flags, Radix::Hex),
    (b"Number Of Entries", HeapField::EntryCount, Radix::Decimal),
    (b"Number Of Tags", HeapField::TagCount, Radix::Decimal),
    (b"Bytes Allocated", HeapField::AllocatedBytes, Radix::Hex),
    (b"Bytes Committed", HeapField::CommittedBytes, Radix::Hex),
    (b"Total FreeSpace", HeapField::FreeBytes, Radix::Hex),
    (b"Number of Virtual Address chunks used", HeapField::VirtualChunkCount, Radix::Decimal),
    // Only ever seen as `<unknown>`; bytes are hexadecimal everywhere else.
    (b"Address Space Used", HeapField::AddressSpaceBytes, Radix::Hex),
    (b"Entry Overhead", HeapField::EntryOverheadBytes, Radix::Decimal),
];

const CREATOR: &[u8] = b"Creator";

/// True for a key that has a column in `heaps`.
pub(super) fn is_known(key: &[u8]) -> bool {
    key.eq_ignore_ascii_case(CREATOR) || FIELDS.iter().any(|(name, ..)| key.eq_ignore_ascii_case(name))
}

fn heap_field(key: &[u8], value: &[u8]) -> Option<HeapEvent> {
    let (_, field, radix) = FIELDS.iter().find(|(name, ..)| key.eq_ignore_ascii_case(name))?;
    if value.eq_ignore_ascii_case(b"<unknown>") {
        return Some(HeapEvent::Field(*field, None));
    }
    let bare = match radix {
        Radix::Hex => parse_hex(value).map(|hex| hex.value),
        Radix::Decimal => parse_decimal(value),
    };
    let number = parse_0x(value).map(|hex| hex.value).or(bare)?;
    Some(HeapEvent::Field(*field, Some(number)))
}
