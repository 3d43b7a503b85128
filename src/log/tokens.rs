//! Cuts a line into tokens and says what each of them is, for lines whose layout is not known.
//!
//! ```text
//! 77E80000 000C0000 C:\Program Files\App\my app.dll    hex hex path
//! 00271E90 0x40 BackTrace00031 busy                    hex 0xhex trace word
//! ```
//!
//! Invariant: tokens are cut at blanks; only quoted text, paths and frames hold blanks inside.

use crate::log::fields::{is_blank, parse_0x, parse_decimal, parse_frame, parse_hex, parse_trace, trim_start};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `77E80000`
    Hex,
    /// `0x40`
    PrefixedHex,
    /// `87`: digits only, too few for an address. It may be hexadecimal all the same.
    Decimal,
    /// `C:\WINNT\system32\ntdll.dll` or `ntdll.dll`
    Path,
    /// `BackTrace00031`
    Trace,
    /// `MyApp!operator new+0x0000000E`
    Frame,
    /// `"busy block"`
    Quoted,
    /// `<unknown>`
    Unknown,
    /// Anything else.
    Word,
}

impl Kind {
    /// The word in `sections.tokens`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Hex => "hex",
            Kind::PrefixedHex => "0xhex",
            Kind::Decimal => "dec",
            Kind::Path => "path",
            Kind::Trace => "trace",
            Kind::Frame => "frame",
            Kind::Quoted => "quoted",
            Kind::Unknown => "unknown",
            Kind::Word => "word",
        }
    }
}

/// One token, without the brackets and commas around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub text: &'a [u8],
}

impl Token<'_> {
    /// The value of a number: hexadecimal, as everything in these logs that does not say otherwise.
    pub fn number(&self) -> Option<u64> {
        match self.kind {
            Kind::Hex | Kind::Decimal => parse_hex(self.text),
            Kind::PrefixedHex => parse_0x(self.text),
            _ => None,
        }
        .map(|hex| hex.value)
    }

    /// The value of a number that is printed as wide as an address, or with a prefix, and lies where blocks and modules
    /// can lie: Windows never maps the first 64 KiB.
    pub fn address(&self) -> Option<u64> {
        let wide = self.kind == Kind::PrefixedHex || (self.kind == Kind::Hex && self.text.len() >= ADDRESS_DIGITS);
        self.number().filter(|value| wide && *value >= 0x1_0000)
    }
}

const ADDRESS_DIGITS: usize = 8;

/// Bytes of the longest path that is looked for; Windows of that time had 260. Without a limit a line of a million `\`
/// would be searched from each of them to its end.
const LONGEST_PATH: usize = 512;

const MODULE_EXTENSIONS: [&[u8]; 8] = [b".exe", b".dll", b".sys", b".drv", b".ocx", b".cpl", b".ax", b".scr"];

/// All tokens of a line.
pub fn tokens(line: &[u8]) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = trim_start(line);
    // Whether a frame goes on to the end of the line depends on that end: the first `!` decides for all.
    let mut frame_possible = true;
    while !rest.is_empty() {
        let (token, after) = next(rest, &mut frame_possible);
        found.push(token);
        rest = trim_start(after);
    }
    found
}

fn next<'a>(rest: &'a [u8], frame_possible: &mut bool) -> (Token<'a>, &'a [u8]) {
    if let [b'"', inside @ ..] = rest
        && let Some(end) = memchr::memchr(b'"', inside)
    {
        return (Token { kind: Kind::Quoted, text: &inside[..end] }, &inside[end + 1..]);
    }
    if let Some(end) = long_path(rest) {
        return (Token { kind: Kind::Path, text: &rest[..end] }, &rest[end..]);
    }
    let end = rest.iter().position(|byte| is_blank(*byte)).unwrap_or(rest.len());
    let (token, after) = rest.split_at(end);
    if *frame_possible && memchr::memchr(b'!', token).is_some_and(|at| at > 0) {
        if parse_frame(rest).is_some_and(|frame| frame.offset.is_some()) {
            return (Token { kind: Kind::Frame, text: rest }, &[]);
        }
        *frame_possible = false;
    }
    (one(token), after)
}

fn one(token: &[u8]) -> Token<'_> {
    let text = strip(token);
    let kind = match () {
        () if token.eq_ignore_ascii_case(b"<unknown>") => Kind::Unknown,
        () if parse_0x(text).is_some() => Kind::PrefixedHex,
        () if text.len() < ADDRESS_DIGITS && parse_decimal(text).is_some() => Kind::Decimal,
        () if is_hex(text) => Kind::Hex,
        () if parse_trace(text).is_some() => Kind::Trace,
        () if ends_in_extension(text) => Kind::Path,
        () => Kind::Word,
    };
    Token { kind, text: if kind == Kind::Word { token } else { text } }
}

/// Takes brackets and separators off both ends.
fn strip(token: &[u8]) -> &[u8] {
    let start = token.iter().position(|byte| !matches!(byte, b'(' | b'[' | b'{' | b'@' | b',')).unwrap_or(token.len());
    let is_inside = |byte: &u8| !matches!(byte, b')' | b']' | b'}' | b',' | b';' | b':' | b'.');
    let end = token.iter().rposition(is_inside).map_or(start, |last| last + 1);
    &token[start..end.max(start)]
}

/// `add`, `bad` and `Feed` are words; `ADD` may be a number, and `deadbeef` is as wide as an address.
fn is_hex(text: &[u8]) -> bool {
    let like_a_number =
        text.len() >= ADDRESS_DIGITS || text.iter().any(u8::is_ascii_digit) || !text.iter().any(u8::is_ascii_lowercase);
    parse_hex(text).is_some() && like_a_number
}

fn ends_in_extension(text: &[u8]) -> bool {
    MODULE_EXTENSIONS.iter().any(|extension| {
        text.len() > extension.len() && text[text.len() - extension.len()..].eq_ignore_ascii_case(extension)
    })
}

/// Where a full path ends, `C:\…` or `\…`, which may hold blanks: behind the first module extension that ends a word.
fn long_path(rest: &[u8]) -> Option<usize> {
    let full =
        matches!(rest, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic()) || rest.starts_with(b"\\");
    if !full {
        return None;
    }
    let within = &rest[..rest.len().min(LONGEST_PATH)];
    let ends = memchr::memchr_iter(b'.', within).flat_map(|dot| MODULE_EXTENSIONS.map(|it| dot + it.len()));
    let end = ends.into_iter().find(|end| {
        let ended = rest.get(*end).is_none_or(|byte| is_blank(*byte) || matches!(byte, b',' | b';' | b')'));
        ended && *end <= rest.len() && ends_in_extension(&rest[..*end])
    })?;
    let is_path = |byte: &u8| !matches!(byte, b'\t' | b':' | b'<' | b'>' | b'"' | b'|' | b'*' | b'?');
    rest[2..end].iter().all(is_path).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(line: &str) -> String {
        let kinds: Vec<&str> = tokens(line.as_bytes()).iter().map(|token| token.kind.as_str()).collect();
        kinds.join(" ")
    }

    #[test]
    fn tokens_are_what_they_look_like() {
        for (line, expected) in [
            ("77E80000 000C0000 C:\\Program Files\\App\\my app.dll", "hex hex path"),
            ("  ntdll.dll, (BackTrace00031) 0x40", "path trace 0xhex"),
            ("12: 00271E90 \"busy block\" <unknown>", "dec hex quoted unknown"),
            ("MyApp!operator new+0x0000000E", "frame"),
            ("add bad ADD deadbeef BackTraces", "word word hex hex word"),
            ("C:\\notes.txt \"open", "word word"),
            ("123456789012345678", "word"),
        ] {
            assert_eq!(kinds(line), expected, "{line}");
        }
    }

    #[test]
    fn small_numbers_are_no_addresses() {
        let addresses: Vec<Option<u64>> =
            tokens(b"00271E90 271E90 0x271E90 00000040 0x40").iter().map(Token::address).collect();
        assert_eq!(addresses, [Some(0x27_1E90), None, Some(0x27_1E90), None, None]);
    }
}
