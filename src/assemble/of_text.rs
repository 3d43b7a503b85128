//! What the bytes before they were text have to say: where places of the text are in the input, and what is in doubt of them.

use super::Tables;
use crate::{
    input::{archive::fault::Fault, decode::Places, text::Encoding},
    log::sink::{Issue, Severity},
};

/// Blanks or dashes that are none of the tool's, from the line of a place on.
pub fn pasted((line, byte): (u64, u64)) -> Issue {
    Issue {
        severity: Severity::Info,
        kind: "pasted_text",
        line: Some(line),
        byte: Some(byte),
        text: String::new(),
        action: "no-break spaces, typographic dashes, characters of web pages and controls of printers, from this line on, were read as the tool's own",
    }
}

impl Tables {
    /// Turns places in the text into places in the input.
    pub fn place(&mut self, places: &Places) {
        let in_input = |byte: &mut u64| *byte = places.in_input(*byte);
        self.issues.bytes_mut().for_each(in_input);
        self.headers.iter_mut().for_each(|header| in_input(&mut header.byte));
        self.comparisons.iter_mut().for_each(|row| in_input(&mut row.byte));
    }

    /// Says why the bytes end before the file does.
    pub fn say_of_archive(&mut self, fault: &Fault) {
        self.issues.extend([Issue {
            severity: Severity::Error,
            kind: fault.kind(),
            line: None,
            byte: None,
            text: fault.to_string(),
            action: "what had been unpacked until then was read",
        }]);
    }

    /// Says what is in doubt of the text as a whole.
    pub fn say_of_text(&mut self, places: &Places, encoding: Encoding, wrong_mark: bool) {
        let (malformed, count) = places.malformed();
        self.issues.count_more("malformed_text", count - malformed.len() as u64);
        self.issues.extend(malformed.into_iter().map(|byte| Issue {
            severity: Severity::Warning,
            kind: "malformed_text",
            line: None,
            byte: Some(byte),
            text: String::new(),
            action: "bytes that mean nothing in the encoding of the file were read as U+FFFD",
        }));
        let wrong_mark = wrong_mark.then(|| Issue {
            severity: Severity::Warning,
            kind: "wrong_mark",
            line: None,
            byte: Some(0),
            text: String::new(),
            action: "the byte-order mark is that of another encoding; the bytes behind it count",
        });
        // Bytes that are no UTF-8 may be of any code page; what they are, only somebody knows who knows the machine.
        let assumed = self.ansi.as_ref().filter(|_| encoding.is_assumed()).map(|text| Issue {
            severity: Severity::Info,
            kind: "assumed_code_page",
            line: None,
            byte: None,
            text: text.chars().take(60).collect(),
            action: "bytes that are not UTF-8 were read as windows-1252; encoding= (--encoding) names another code page",
        });
        self.issues.extend(wrong_mark.into_iter().chain(assumed));
    }
}
