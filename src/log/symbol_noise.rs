//! What the debugger's libraries print while they look for symbols, wherever it broke into a log.
//!
//! ```text
//! SYMSRV:  BYINDEX: 0x1
//!          c:\symbols*https://msdl.microsoft.com/download/symbols
//!          ntdll.pdb
//!          0123456789ABCDEF0123456789ABCDEF1
//! SYMSRV:  UNC: c:\symbols\ntdll.pdb\0123456789ABCDEF0123456789ABCDEF1\ntdll.pdb - path not found
//! ntdll.pdb from https://msdl.microsoft.com/download/symbols: 12 bytes - copied
//!    86 percent
//! DBGHELP: ntdll - public symbols
//!          c:\symbols\ntdll.pdb\0123456789ABCDEF0123456789ABCDEF1\ntdll.pdb
//! ```
//!
//! Invariant: a line without one of these beginnings is noise only directly below one that is, so a number alone on a line is an
//! index only where one is due.

use crate::log::{
    fields::{next_token, parse_0x, parse_hex, trim},
    line::{Line, classify},
    lines::starts_a_record,
};

const BEGINNINGS: [&[u8]; 6] = [b"SYMSRV:", b"SYMSRV2:", b"DBGHELP:", b"DBGENG:", b"SYMCHK:", b"SYMBOLS:"];

/// Endings of the files that are looked for, and of their compressed copies and pointers.
const FILES: [&[u8]; 12] =
    [b".pdb", b".pd_", b".dbg", b".db_", b".dll", b".dl_", b".exe", b".ex_", b".sys", b".sy_", b".ptr", b".xml"];

/// The noise up to here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SymbolNoise {
    due: Due,
}

/// What may be on the next line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Due {
    /// Nothing of this.
    #[default]
    Nothing,
    /// A path of a file.
    Path,
    /// Below `BYINDEX`: where to look, or already what for.
    Store,
    /// Below where to look: the file's name.
    Name,
    /// Below the file's name: its index.
    Index,
}

impl SymbolNoise {
    /// Takes the next line that is not blank; true if it is noise.
    pub fn takes(&mut self, line: &[u8]) -> bool {
        let body = trim(line);
        let due = std::mem::take(&mut self.due);
        let words = behind_range(body);
        if BEGINNINGS.iter().any(|word| words.starts_with(word)) {
            let by_index = memchr::memmem::find(body, b"BYINDEX").is_some();
            self.due = if by_index { Due::Store } else { Due::Path };
            return true;
        }
        if is_progress(body) {
            self.due = Due::Path;
            return true;
        }
        if due == Due::Nothing || !may_go_on(line, body) {
            return false;
        }
        self.due = match due {
            Due::Store if is_path(body) => Due::Name,
            Due::Store | Due::Name if is_file(body) => Due::Index,
            Due::Index if is_index(body) => Due::Path,
            Due::Path | Due::Store if is_path(body) || is_file(body) => Due::Path,
            _ => return false,
        };
        true
    }

    /// There is a line in between that is no noise beyond doubt.
    pub fn end(&mut self) {
        self.due = Due::Nothing;
    }
}

/// What is behind `7FF7A0010000-7FF7A002C000 `, which umdh-gui puts before a module's line.
fn behind_range(body: &[u8]) -> &[u8] {
    let (range, rest) = next_token(body);
    let hex = |text: &[u8]| parse_0x(text).or_else(|| parse_hex(text)).is_some();
    let dash = memchr::memchr(b'-', range).filter(|at| hex(&range[..*at]) && hex(&range[at + 1..]));
    dash.map_or(body, |_| trim(rest))
}

/// `86 percent`, `ntdll.pdb from https://…: 12 bytes - copied`
fn is_progress(body: &[u8]) -> bool {
    let has = |words: &[u8]| memchr::memmem::find(body, words).is_some();
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let percent = (1..=3).contains(&digits) && trim(&body[digits..]).starts_with(b"percent");
    percent || (has(b" bytes - copied") && has(b" from ")) || (has(b" bytes") && has(b" from http"))
}

/// Records, frames, headings and rows of modules are what they are, wherever they are; an index looks as an address does.
fn may_go_on(line: &[u8], body: &[u8]) -> bool {
    let shape = matches!(classify(line), Line::Other(_) | Line::RawFrame(_));
    let (first, rest) = next_token(body);
    let is_row = !trim(rest).is_empty() && parse_0x(first).or_else(|| parse_hex(first)).is_some();
    shape && !is_row && !body.contains(&b'!') && !starts_a_record(line)
}

fn is_path(body: &[u8]) -> bool {
    body.iter().any(|byte| matches!(byte, b'\\' | b'/' | b'*'))
}

fn is_file(body: &[u8]) -> bool {
    let lower = body.to_ascii_lowercase();
    let name = lower.split(|byte| *byte == b'"').find(|part| !part.is_empty()).unwrap_or(&lower);
    FILES.iter().any(|ending| name.ends_with(ending)) || (!name.contains(&b' ') && name.contains(&b'.'))
}

/// The time stamp and size of a program, or the GUID and age of a file of symbols.
fn is_index(body: &[u8]) -> bool {
    let digits = body.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    let other = body.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'{' | b'}'));
    digits >= 5 && other
}

#[cfg(test)]
mod tests {
    use super::SymbolNoise;

    fn noise(lines: &[&str]) -> Vec<bool> {
        let mut noise = SymbolNoise::default();
        lines.iter().map(|line| noise.takes(line.as_bytes())).collect()
    }

    #[test]
    fn every_line_of_a_search_is_noise_with_its_indentation_or_without() {
        let search = [
            "SYMSRV:  BYINDEX: 0x26",
            "         c:\\symbols*https://msdl.microsoft.com/download/symbols",
            "         ntdll.pdb",
            "         0123456789ABCDEF0123456789ABCDEF1",
            "SYMSRV:  UNC: c:\\symbols\\ntdll.pdb\\0123\\ntdll.pdb - path not found",
            "SYMSRV:  HTTPGET: /download/symbols/ntdll.pdb/0123/ntdll.pdb",
            "SYMSRV:  HttpQueryInfo: 80190194 - HTTP_STATUS_NOT_FOUND",
            "SYMSRV:  RESULT: 0x80190194",
            "ntdll.pdb from https://msdl.microsoft.com/download/symbols: 12 bytes - copied",
            "   86 percent",
            "1 percentSYMSRV:  Waiting for the server to respond to a request.",
            "DBGHELP: ntdll - public symbols  ",
            "        c:\\symbols\\ntdll.pdb\\0123\\ntdll.pdb",
            "DBGENG:  kiln.exe - Image mapping disallowed by non-local path.",
            "SYMCHK: FAILED files = 0",
            "7FF7A0010000-7FF7A002C000 DBGHELP: kilnd - private symbols & lines",
            "        d:\\kiln\\kilnd.pdb",
            "SYMSRV:  BYINDEX: 0x7",
            "\\\\srv\\symbols",
            "kiln.exe",
            "629AE2E81e000",
        ];
        assert_eq!(noise(&search), [true; 21]);
        assert_eq!(noise(&search.map(str::trim)), [true; 21]);
    }

    #[test]
    fn lines_of_the_log_are_none_wherever_they_stand() {
        let after = "SYMSRV:  PATH: c:\\symbols\\ntdll.pdb";
        for line in [
            "\t776CDD82",
            "776CDD82",
            "\tntdll!RtlAllocateHeap+A2",
            "app!f+1E (d:\\kiln\\a.cpp, 12)",
            "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0",
            "+ 1a ( 2a - 10) 1 allocs\tBackTrace1",
            "// a comment",
            "*- - - - Heap 2E60000 Hogs - - - -",
            "77650000   180000 C:\\Windows\\SysWOW64\\ntdll.dll",
            "Alias",
        ] {
            assert_eq!(noise(&[after, line]), [true, false], "{line}");
            assert_eq!(noise(&[line]), [false], "{line}");
        }
        let by_index = ["SYMSRV:  BYINDEX: 0x1", "         c:\\symbols", "\t776CDD82"];
        assert_eq!(noise(&by_index), [true, true, false]);
        let name = ["SYMSRV:  BYINDEX: 0x1", "ntdll.pdb", "0123456789ABCDEF0123456789ABCDEF1", "776CDD82"];
        assert_eq!(noise(&name), [true, true, true, false]);
    }
}
