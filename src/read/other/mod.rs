//! Names what a file is that is no heap log, from its first bytes, so that the message helps.

pub mod text;

use crate::error::excerpt;

/// First bytes of files that customers send in place of a log, and what to call them.
const KNOWN: [(&[u8], &str); 15] = [
    (b"PAGEDU64", "a Windows kernel memory dump (64-bit)"),
    (b"PAGEDUMP", "a Windows kernel memory dump (32-bit)"),
    (b"Rar!", "a RAR archive (unpack it first: there is no free reader of it)"),
    (b"\x1F\x9D", "a file that `compress` packed (unpack it first)"),
    (b"MSWIM\0\0\0", "a Windows image (unpack it first)"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an Outlook message or an old Office document (save what is attached)"),
    (b"PK\x03\x04", "a damaged zip archive"),
    (b"Microsoft C/C++ MSF", "a PDB symbol file"),
    (b"MZ", "a Windows program or library"),
    (b"\x7fELF", "a Linux program or library"),
    (b"ElfFile\0", "a Windows event log"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"{\\rtf", "a rich-text document"),
    (b"hdmuyp", "a trace that pyumdh saved (send the log it was made of)"),
];

/// The name of a file of a known other kind.
pub fn name(start: &[u8]) -> Option<&'static str> {
    KNOWN.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name)
}

/// Words for text in which no line decided.
pub fn describe(text: &[u8]) -> String {
    let control = text.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()).count();
    if text.contains(&0) || control * 20 > text.len() {
        let start = &text[..text.len().min(16)];
        return format!("a binary file that starts with {}", excerpt(start));
    }
    if let Some(name) = text::tool(text).or_else(|| text::kind(text)) {
        return name.to_owned();
    }
    let first = crate::log::lines::lines(text).map(|line| line.bytes).find(|line| !line.trim_ascii().is_empty());
    format!("text that starts with {}", excerpt(first.unwrap_or_default()))
}
