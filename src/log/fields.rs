//! Numbers and names inside a line: no allocation, never a panic.
//!
//! Hexadecimal numbers come in two speeds. [`long_hex`] reads eight bytes at a time from a padded buffer, for the two line
//! shapes that make up nearly all of a log; [`parse_hex`] reads a token that has been cut out already. A property test
//! holds them against each other.

/// A hexadecimal number as printed: its value, and how many digits stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex {
    /// The value.
    pub value: u64,
    /// Digits printed, 1 to 16, leading zeros included.
    pub digits: u32,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW_NIBBLES: u64 = 0x0F0F_0F0F_0F0F_0F0F;

/// Bytes of a [`Window`].
pub const WINDOW: usize = 256;

/// What the fast path sees of a line: its start, or zeros behind the end of the text. Places up to 127 are in it, with
/// room for a word behind them.
pub type Window = [u8; WINDOW];

/// Eight bytes at `at`, first byte lowest.
#[inline(always)]
pub fn word(window: &Window, at: usize) -> u64 {
    // The mask proves to the compiler that the place is inside the window, so no check is left in the machine code.
    let at = at & (WINDOW / 2 - 1);
    window[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many of eight bytes, from the first, have the bits of `0-9` or of letters: every digit has, no white space does.
#[inline(always)]
fn candidates(word: u64) -> u32 {
    ((!(word >> 4 | word >> 6) & ONES).trailing_zeros()) / 8
}

/// The value of the first `digits` bytes, 1 to 8; `None` if not all of them are `0-9A-F`.
#[inline(always)]
fn digits_value(word: u64, digits: u32) -> Option<u64> {
    let letters = (word >> 6) & ONES;
    let nibbles = (word & LOW_NIBBLES) + letters * 9;
    // Spelled again, `nibbles` must give the same bytes. No sum carries: a byte of `nibbles` is at most 24.
    let past_9 = ((nibbles + 0x7676_7676_7676_7676) >> 7) & ONES;
    let spelled = nibbles + 0x3030_3030_3030_3030 + past_9 * 7;
    let unused = 64 - 8 * digits;
    if ((spelled ^ word) << unused) != 0 || ((nibbles & 0x1010_1010_1010_1010) << unused) != 0 {
        return None;
    }
    // The digits move to the high end; what stood behind them falls out, and zeros lead.
    let aligned = nibbles << unused;
    let pairs = (aligned << 4 | aligned >> 8) & 0x00FF_00FF_00FF_00FF;
    let quads = (pairs << 8 | pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    Some((quads << 16 | quads >> 32) & 0xFFFF_FFFF)
}

/// An upper-case hexadecimal number of up to 8 digits. Of a longer one it reads the first 8: what must follow the number
/// does not follow then.
#[inline(always)]
pub fn short_hex(window: &Window, at: usize) -> Option<Hex> {
    let word = word(window, at);
    let digits = candidates(word);
    if digits == 0 {
        return None;
    }
    Some(Hex { value: digits_value(word, digits)?, digits })
}

/// An upper-case hexadecimal number of up to 16 digits. Of a longer one it reads the first 16.
#[inline(always)]
pub fn long_hex(window: &Window, at: usize) -> Option<Hex> {
    let first = short_hex(window, at)?;
    if first.digits < 8 {
        return Some(first);
    }
    let word = word(window, at + 8);
    let digits = candidates(word);
    if digits == 0 {
        return Some(first);
    }
    Some(Hex { value: first.value << (4 * digits) | digits_value(word, digits)?, digits: 8 + digits })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        let mut window = [0; WINDOW];
        window[..text.len()].copy_from_slice(text.as_bytes());
        window
    }

    #[test]
    fn fast_and_slow_hex_agree_on_every_length() {
        let digits = "F9A156DA01234567";
        for length in 1..=16 {
            let token = &digits[..length];
            assert_eq!(long_hex(&window(token), 0), parse_hex(token.as_bytes()), "{token}");
        }
        assert_eq!(long_hex(&window(" 1"), 0), None);
    }

    #[test]
    fn every_byte_beside_a_digit_ends_or_spoils_the_number() {
        for place in 0..8 {
            for byte in 0..=255u8 {
                let mut text = window("A1B2C3D4");
                text[place] = byte;
                let found = short_hex(&text, 0);
                let is_digit = byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
                let expected = if is_digit { parse_hex(&text[..8]) } else { parse_hex(&text[..place]) };
                let spoiled = found.is_none() && !is_digit;
                assert!(found == expected || spoiled, "byte {byte:#x} at {place}: {found:?}");
            }
        }
    }

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
