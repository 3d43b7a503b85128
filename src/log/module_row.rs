//! A row of the module table, with whatever a tool or a person left of it or put into it.
//!
//! ```text
//! //            77650000   180000 C:\Windows\SysWOW64\ntdll.dll
//! //            77650000   180000 ntdll
//! //          0x77650000 0x180000 C:\Windows\SysWOW64\ntdll.dll  6.1.7601.17514
//! //            77650000   180000
//! ```
//!
//! Invariant: base and size are the first two numbers. What has no path must look like a module in all else: a base on a border of
//! 64 KiB, as Windows places modules, and a size in whole pages.

use crate::log::fields::{is_blank, next_token, parse_0x, parse_decimal, parse_hex, trim, trim_start};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleRow<'a> {
    /// First address.
    pub base: u64,
    /// Bytes.
    pub size: u64,
    /// As printed; empty where the row has nothing but numbers.
    pub path: &'a [u8],
}

impl<'a> ModuleRow<'a> {
    /// Reads a row, without the `//` in front of it.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (base, rest) = next_token(text);
        let (size, rest) = next_token(rest);
        let base = parse_0x(base).or_else(|| parse_hex(base))?.value;
        let path = path(trim(rest));
        let is_path = path.iter().any(|byte| matches!(byte, b'\\' | b'/' | b'.'));
        let size = self::size(size)?;
        let is_module = base >= 0x1_0000 && base.is_multiple_of(0x1_0000) && size > 0 && size.is_multiple_of(PAGE);
        (is_path || (is_module && is_name(path))).then_some(Self { base, size, path })
    }

    /// Reads a row that has lost its `//`: nothing but numbers and a full path of a file, and a module in all else.
    pub fn parse_bare(text: &'a [u8]) -> Option<Self> {
        let row = Self::parse(text)?;
        let full = matches!(row.path, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic());
        let full = full || row.path.starts_with(b"\\");
        (full && row.base >= 0x1_0000 && row.base.is_multiple_of(PAGE) && row.size.is_multiple_of(PAGE)).then_some(row)
    }
}

const PAGE: u64 = 0x1000;

/// Hexadecimal, as everything in the table; decimal where only that gives whole pages.
fn size(token: &[u8]) -> Option<u64> {
    if let Some(prefixed) = parse_0x(token) {
        return Some(prefixed.value);
    }
    let hex = parse_hex(token)?.value;
    let decimal = parse_decimal(token).filter(|size| *size > 0 && size.is_multiple_of(PAGE));
    Some(decimal.filter(|_| !hex.is_multiple_of(PAGE)).unwrap_or(hex))
}

/// The path among the columns behind base and size: from where one begins, to the file's ending where only numbers follow.
fn path(columns: &[u8]) -> &[u8] {
    let begins = |rest: &[u8]| {
        rest.starts_with(b"\\") || matches!(rest, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
    };
    let mut rest = columns;
    while !begins(rest) {
        let (first, behind) = next_token(rest);
        let behind = trim_start(behind);
        if behind.is_empty() || !is_number(first) {
            // No full path: `my app.dll`, or a number that is all there is.
            break;
        }
        rest = behind;
    }
    let mut end = rest.len();
    loop {
        let start = rest[..end].iter().rposition(|byte| is_blank(*byte)).map_or(0, |blank| blank + 1);
        if start == 0 || !is_number(&rest[start..end]) || !has_ending(trim(&rest[..start])) {
            break;
        }
        end = trim(&rest[..start]).len();
    }
    &rest[..end]
}

/// `4CE7B96E`, `0x12`, `6.1.7601.17514`, `12/20/2010`
fn is_number(token: &[u8]) -> bool {
    let dotted = token.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/' | b':'));
    token.first().is_some_and(u8::is_ascii_digit) && (dotted || parse_0x(token).or_else(|| parse_hex(token)).is_some())
        || (token.len() == 8 && parse_hex(token).is_some())
}

/// True for a text that ends in a file's ending or in a column behind one.
fn has_ending(text: &[u8]) -> bool {
    text.split(|byte| is_blank(*byte)).any(|word| {
        let ending = word.iter().rposition(|byte| *byte == b'.').map(|dot| &word[dot + 1..]);
        ending.is_some_and(|ending| (2..=4).contains(&ending.len()) && ending.iter().any(u8::is_ascii_alphabetic))
    })
}

/// A name of one word, or none.
fn is_name(text: &[u8]) -> bool {
    let (first, rest) = next_token(text);
    trim(rest).is_empty()
        && first.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-+$~[]{}".contains(byte) || *byte >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::ModuleRow;

    fn read(row: &str) -> Option<(u64, u64, &str)> {
        let row = ModuleRow::parse(row.as_bytes())?;
        Some((row.base, row.size, std::str::from_utf8(row.path).unwrap()))
    }

    #[test]
    fn rows_are_kept_with_what_is_there() {
        const NTDLL: &str = "C:\\Windows\\SysWOW64\\ntdll.dll";
        for (row, path) in [
            ("77650000   180000 C:\\Windows\\SysWOW64\\ntdll.dll", NTDLL),
            ("0x77650000 0x180000 C:\\Windows\\SysWOW64\\ntdll.dll", NTDLL),
            ("77650000 180000 4CE7B96E C:\\Windows\\SysWOW64\\ntdll.dll", NTDLL),
            ("77650000 180000 6.1.7601.17514 C:\\Windows\\SysWOW64\\ntdll.dll", NTDLL),
            ("77650000 180000 C:\\Windows\\SysWOW64\\ntdll.dll  6.1.7601.17514 4CE7B96E", NTDLL),
            ("77650000 1572864 C:\\Windows\\SysWOW64\\ntdll.dll", NTDLL),
            ("77650000 180000 ntdll.dll", "ntdll.dll"),
            ("77650000 180000 ntdll", "ntdll"),
            ("77650000 180000", ""),
            ("77650000 180000 my app.dll", "my app.dll"),
            ("77650000 180000 C:\\Program Files (x86)\\7 Up\\a 2.dll", "C:\\Program Files (x86)\\7 Up\\a 2.dll"),
            ("77650000 180000 \\\\srv\\share\\a.dll", "\\\\srv\\share\\a.dll"),
        ] {
            assert_eq!(read(row), Some((0x7765_0000, 0x18_0000, path)), "{row}");
        }
        assert_eq!(
            read("7ff7a0010000 1c000 d:\\kiln\\kilnd.exe"),
            Some((0x7FF7_A001_0000, 0x1C000, "d:\\kiln\\kilnd.exe"))
        );
    }

    #[test]
    fn prose_and_other_numbers_are_no_modules() {
        for row in [
            "",
            "Base Size Module",
            "10 20",
            "77650000",
            "77650000 180001",
            "77651000 180000",
            "77650000 0",
            "added bad",
        ] {
            assert_eq!(read(row), None, "{row}");
        }
        assert_eq!(read("77650000 180000 of two words"), None);
    }

    #[test]
    fn a_bare_row_needs_a_full_path() {
        let bare = |row: &str| ModuleRow::parse_bare(row.as_bytes()).is_some();
        assert!(bare("77650000   180000 C:\\Windows\\SysWOW64\\ntdll.dll"));
        assert!(!bare("77650000   180000 ntdll.dll"));
        assert!(!bare("77650000   180001 C:\\ntdll.dll"));
        assert!(!bare("776CDD82 (d:\\a.cpp, 1)"));
    }
}
