//! Numbers and names inside a line: no allocation, never a panic.
//!
//! [`parse_hex`] reads a token that has been cut out already; `super::hex` reads numbers where they are, fast.

use crate::engine::vector::hex::Hex;

/// A token that is a hexadecimal number without a prefix, in either case, of 1 to 16 digits.
pub fn parse_hex(token: &[u8]) -> Option<Hex> {
    if token.is_empty() || token.len() > 16 {
        return None;
    }
    let mut value = 0;
    for byte in token {
        let digit = char::from(*byte).to_digit(16)?;
        value = value << 4 | u64::from(digit);
    }
    Some(Hex { value, digits: token.len() as u32 })
}

/// A token that is `0x` and a hexadecimal number.
pub fn parse_0x(token: &[u8]) -> Option<Hex> {
    let rest = token.strip_prefix(b"0x").or_else(|| token.strip_prefix(b"0X"))?;
    parse_hex(rest)
}

/// A token that is a decimal number within 64 bits.
pub fn parse_decimal(token: &[u8]) -> Option<u64> {
    if token.is_empty() || !token.iter().all(u8::is_ascii_digit) {
        return None;
    }
    token.iter().try_fold(0u64, |value, byte| value.checked_mul(10)?.checked_add(u64::from(byte - b'0')))
}

/// The bytes without blanks and TABs at the front.
pub fn trim_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(*byte)).unwrap_or(bytes.len());
    &bytes[start..]
}

/// The bytes without blanks and TABs at either end.
pub fn trim(bytes: &[u8]) -> &[u8] {
    let bytes = trim_start(bytes);
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    &bytes[..end]
}

/// True for a blank and a TAB.
pub fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The first token and what follows it; both empty at the end.
pub fn next_token(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bytes = trim_start(bytes);
    let end = bytes.iter().position(|byte| is_blank(*byte)).unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// The id in `BackTrace00031`, `(Backtrace00007)` or `BackTrace00031:`; the `t` comes in both cases.
///
/// An id is opaque, but it is told from a word (`BackTraces`) by its digits.
pub fn parse_trace(token: &[u8]) -> Option<&[u8]> {
    const PREFIX: usize = b"BackTrace".len();
    let start = token.iter().position(u8::is_ascii_alphanumeric)?;
    let end = token.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    let (prefix, id) = token[start..end].split_at_checked(PREFIX)?;
    let digits = id.len() <= 64 && id.iter().all(u8::is_ascii_hexdigit);
    let told_apart = id.len() >= 5 || id.iter().any(u8::is_ascii_digit);
    (prefix.eq_ignore_ascii_case(b"BackTrace") && digits && told_apart).then_some(id)
}

/// Key and value of `Bytes Allocated: 00008DF0`; `None` for drives (`C:\>umdh`), addresses (`00271E90: 40`) and text.
pub fn parse_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (key, value) = (trim(&line[..colon]), &line[colon + 1..]);
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-' | b'/' | b'.' | b'#');
    let named = key.first().is_some_and(u8::is_ascii_alphabetic) && key.iter().all(is_key);
    let numeric = key.iter().any(u8::is_ascii_digit) && parse_hex(key).is_some();
    let apart = value.first().is_none_or(|byte| is_blank(*byte));
    (named && !numeric && apart && parse_trace(key).is_none()).then_some((key, trim(value)))
}

/// The parts of a resolved frame: `MyApp!operator new+0x0000000E (c:\a.cpp, 12)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResolvedFrame<'a> {
    /// `MyApp`; absent for `<nomodule>` and `<no module>`.
    pub module: Option<&'a [u8]>,
    /// `operator new`; absent for `???`, and for a module with a bare offset.
    pub function: Option<&'a [u8]>,
    /// `0xE`, bytes from the start of the function (or of the module).
    pub offset: Option<u64>,
    /// The raw return address, where the tool adds it (`: 7FF612341234`).
    pub address: Option<u64>,
    /// `c:\a.cpp`, as printed.
    pub file: Option<&'a [u8]>,
    /// `12`.
    pub source_line: Option<u32>,
}

/// Splits a resolved frame at the first `!` and the last `+`; `None` if it is not one.
///
/// Symbols can hold blanks, `<>`, `::`, commas, `+` and `@12`; source paths can hold commas and brackets, so the source
/// suffix is cut at the last `, N)`.
pub fn parse_frame(text: &[u8]) -> Option<ResolvedFrame<'_>> {
    let (rest, file, source_line) = split_source(trim(text));
    let (rest, address) = split_address(rest);
    let bang = memchr::memchr(b'!', rest);
    let (module, symbol) = match bang {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (&[][..], rest),
    };
    let (name, offset) = match split_offset(symbol) {
        Some((name, offset)) => (name, Some(offset)),
        None => (symbol, None),
    };
    let (module, function) = match bang {
        Some(_) => (module, name),
        // `MyApp+0x0000A1B2`: a module without symbols; any other text without `!` is not a frame.
        None if offset.is_some() && !name.is_empty() && !name.iter().any(|byte| is_blank(*byte)) => (name, &[][..]),
        None => return None,
    };
    if module.is_empty() || (bang.is_some() && name.is_empty()) {
        return None;
    }
    let no_module = module.eq_ignore_ascii_case(b"<nomodule>") || module.eq_ignore_ascii_case(b"<no module>");
    Some(ResolvedFrame {
        module: (!no_module).then_some(module),
        function: (!function.is_empty() && function != b"???").then_some(function),
        offset,
        address,
        file,
        source_line,
    })
}

/// True for a frame that has lost its margin: an address alone, past the first 64 KiB, which Windows never maps, or a name with
/// an offset.
///
/// Words can be hexadecimal too (`added`), so a number must have a digit or be as wide as an address.
pub fn is_bare_frame(body: &[u8]) -> bool {
    let digits = body.strip_prefix(b"0x").unwrap_or(body);
    if let Some(address) = parse_hex(digits) {
        return address.value >= 0x1_0000 && (digits.len() >= 8 || digits.iter().any(u8::is_ascii_digit));
    }
    let named = |frame: &ResolvedFrame<'_>| {
        let module = frame.module.unwrap_or_default();
        frame.offset.is_some() && !module.iter().any(|byte| is_blank(*byte))
    };
    let bang = memchr::memchr(b'!', body).and_then(|at| body.get(at + 1));
    bang.is_some_and(|first| !is_blank(*first)) && parse_frame(body).as_ref().is_some_and(named)
}

/// Cuts ` (path, line)` off the end, at the last `, N)`.
fn split_source(text: &[u8]) -> (&[u8], Option<&[u8]>, Option<u32>) {
    let cut = || {
        let inner = text.strip_suffix(b")")?;
        let comma = memchr::memmem::rfind(inner, b", ")?;
        let line = u32::try_from(parse_decimal(&inner[comma + 2..])?).ok()?;
        // The bracket that opens is the first ` (` after the offset: paths hold brackets, offsets do not. A symbol such
        // as `operator ()` has its bracket before the offset's `+`.
        let plus = (0..comma).find(|at| {
            text[*at] == b'+' && {
                let digits = text[at + 1..comma].strip_prefix(b"0x").unwrap_or(&text[at + 1..comma]);
                let end = digits.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
                end > 0 && (digits[end..].starts_with(b" (") || digits[end..].starts_with(b" : "))
            }
        });
        let from = plus.unwrap_or(0);
        let open = from + memchr::memmem::find(&inner[from..comma], b" (")?;
        Some((&text[..open], Some(&inner[open + 2..comma]), Some(line)))
    };
    cut().unwrap_or((text, None, None))
}

/// Cuts ` : 7FF612341234` off the end.
fn split_address(text: &[u8]) -> (&[u8], Option<u64>) {
    let cut = || {
        let colon = memchr::memmem::rfind(text, b" : ")?;
        Some((&text[..colon], Some(parse_hex(trim(&text[colon + 3..]))?.value)))
    };
    cut().unwrap_or((text, None))
}

/// Cuts `+0x0000001E`, `+0000001E` or `+213` off the end, at the last `+`.
fn split_offset(symbol: &[u8]) -> Option<(&[u8], u64)> {
    let plus = memchr::memrchr(b'+', symbol)?;
    let digits = &symbol[plus + 1..];
    let offset = parse_0x(digits).or_else(|| parse_hex(digits))?;
    Some((&symbol[..plus], offset.value))
}

/// True for a name that comes from a table of exports, so that it is probably that of another function: `Ordinal1176`, or one
/// far from the address.
pub fn is_doubtful_name(function: &[u8], offset: Option<u64>) -> bool {
    /// Hardly any function is longer than 64 KiB.
    const FAR: u64 = 0x10000;
    let ordinal = function.strip_prefix(b"Ordinal");
    let is_ordinal = ordinal.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    is_ordinal || offset.is_some_and(|offset| offset > FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_is_split_at_first_bang_and_last_plus() {
        let frame = parse_frame(b"MyApp!std::map<a,b>::operator+=+0x0000000E (d:\\x (1), y\\a.cpp, 12)").unwrap();
        assert_eq!(frame.module, Some(&b"MyApp"[..]));
        assert_eq!(frame.function, Some(&b"std::map<a,b>::operator+="[..]));
        assert_eq!(frame.offset, Some(0xE));
        assert_eq!(frame.file, Some(&b"d:\\x (1), y\\a.cpp"[..]));
        assert_eq!(frame.source_line, Some(12));
    }

    #[test]
    fn frames_without_a_margin_are_told_from_words() {
        for frame in
            [&b"7FFB51012345"[..], b"401000", b"0x401000", b"deadbeef", b"app!f+1E", b"<no module>!???+12 : 40A234"]
        {
            assert!(is_bare_frame(frame));
        }
        for other in
            [&b"added"[..], b"FFFF", b"40 bytes", b"app!f", b"Done! Bye+1", b"", b"12345678901234567", b"all done!x+1"]
        {
            assert!(!is_bare_frame(other), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn ids_are_told_from_words() {
        assert_eq!(parse_trace(b"(Backtrace00007)"), Some(&b"00007"[..]));
        assert_eq!(parse_trace(b"BackTraceFADED:"), Some(&b"FADED"[..]));
        for word in [&b"BackTrace"[..], b"BackTraces", b"BackTraceDepth", b"00007", b""] {
            assert_eq!(parse_trace(word), None);
        }
    }

    #[test]
    fn fields_are_told_from_drives_addresses_and_text() {
        assert_eq!(parse_field(b"  Entry Overhead: 8 "), Some((&b"Entry Overhead"[..], &b"8"[..])));
        assert_eq!(parse_field(b"Creator:"), Some((&b"Creator"[..], &b""[..])));
        for text in [&b"C:\\>umdh"[..], b"00271E90: 40", b"A0: 40", b"BackTrace00031: x", b"no colon", b": x"] {
            assert_eq!(parse_field(text), None);
        }
    }

    #[test]
    fn unresolved_frames_keep_what_they_say() {
        let frame = parse_frame(b"app!???+00001234 : 0040A234").unwrap();
        assert_eq!((frame.module, frame.function), (Some(&b"app"[..]), None));
        assert_eq!((frame.offset, frame.address), (Some(0x1234), Some(0x40_A234)));
        assert_eq!(parse_frame(b"<nomodule>!???+00001234 : 0040A234").unwrap().module, None);
        assert_eq!(parse_frame(b"app+0x12").unwrap().function, None);
        assert_eq!(parse_frame(b"Connecting to process 7696 ..."), None);
    }
}
