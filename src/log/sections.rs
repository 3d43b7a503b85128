//! Sections of DH logs whose layout no public document shows, read by what the tokens of a line are.
//!
//! ```text
//! *********** Modules ********************
//! 77E80000 000C0000 C:\WINNT\system32\KERNEL32.dll
//! *********** Heap 00270000 Entries ********************
//! 00271E90 00000040 BackTrace00031
//! ```
//!
//! Invariant: a line means something only where its tokens leave no choice; every line is kept word for word besides.
//!
//! - **Module**: one path, and a number printed as wide as an address that is a multiple of 64 KiB, as every module of a
//!   process is (of 4 KiB in the upper half of 32 bits, for drivers). Not in sections about heaps, locks, processes and the
//!   like, where a path beside an address says who, not what. *Size* is the first number after the base that can be a size:
//!   above zero, below the base (an end and an entry point are above it), a multiple of 4 KiB (a time stamp, a check sum and
//!   a count are not, but by chance). Else the size is absent.
//! - **Heap entry**: in a section about a heap's entries, a row that starts with its address: wide, a multiple of 8 (the
//!   granularity of a heap), no words before it, and no row that says it is free. *Size* is the first number after the
//!   address that can be a size: above zero, and no address of this heap, that is below the heap's base (below the row's own
//!   address where no heap is named), or printed in another form than the row's address (fewer digits, or a prefix). A size
//!   above the heap's base, printed as wide as an address, could as well be the next entry: that row stays text.
//! - Numbers are hexadecimal, as everywhere in these logs.

use crate::log::{
    fields::{next_token, parse_field, parse_trace},
    tokens::{Kind, Token, tokens},
};

/// What a section is about, from the words of its banner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject {
    /// A path beside an address is a module.
    modules: bool,
    /// A row that starts with an address is a heap entry.
    entries: bool,
}

impl Subject {
    /// Reads the words of a banner.
    pub fn of(words: &[u8], names_heap: bool) -> Self {
        let words = words.to_ascii_lowercase();
        let has = |any: &[&str]| any.iter().any(|word| memchr::memmem::find(&words, word.as_bytes()).is_some());
        let others = ["heap", "entr", "lock", "tag", "object", "handle", "process", "thread", "pool", "trace", "free"];
        // `Heap 00270000`: a heap, and nothing else said of it. Its number is the one token with a digit.
        let plain = names_heap
            && words
                .split(|byte| !byte.is_ascii_alphanumeric())
                .all(|word| word.is_empty() || word == b"heap" || word.iter().any(u8::is_ascii_digit));
        Self {
            modules: has(&["module", "image", "dll", "driver"]) || !has(&others),
            entries: plain
                || (has(&["entries", "entry", "blocks", "allocations"]) && !has(&["free", "lock", "tag", "pool"])),
        }
    }
}

impl Subject {
    /// True for a row that has a stack and begins as an entry does, though its numbers are none of one.
    pub fn is_spoilt_entry(self, row: &Row<'_>, line: &[u8]) -> bool {
        let first = next_token(line).0;
        let wide = first.len() >= 8 && first.iter().all(u8::is_ascii_alphanumeric) && first[0].is_ascii_hexdigit();
        let is_number = wide && first.iter().any(u8::is_ascii_digit) && parse_trace(first).is_none();
        self.entries && row.kind == "stack" && row.meaning == Meaning::Text && is_number
    }
}

/// What a line of such a section turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The word in `sections.kind`.
    pub kind: &'static str,
    /// The words in `sections.tokens`.
    pub tokens: String,
    /// What goes to another table.
    pub meaning: Meaning<'a>,
    /// The one back trace id it names, unless it says that no stack was recorded.
    pub trace: Option<&'a [u8]>,
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the tables")]
pub enum Meaning<'a> {
    /// A loaded module.
    Module { base: u64, size: Option<u64>, path: &'a [u8] },
    /// A live block.
    Entry { address: u64, size: u64 },
    /// `KEY: VALUE`
    Field { key: &'a [u8], value: &'a [u8] },
    /// Nothing that has a table.
    Text,
}

/// Reads a line of a section by its tokens.
pub fn row<'a>(line: &'a [u8], subject: Subject, heap: Option<u64>) -> Row<'a> {
    let tokens = tokens(line);
    let (kind, meaning) = meaning(line, &tokens, subject, heap);
    let names: Vec<&str> = tokens.iter().map(|token| token.kind.as_str()).collect();
    Row { kind, tokens: names.join(" "), meaning, trace: only_trace(&tokens) }
}

/// A row of numbers and one path, nothing else: a module even where no banner says so.
pub fn bare_module<'a>(line: &'a [u8]) -> Option<Meaning<'a>> {
    let tokens = tokens(line);
    let bare = tokens.iter().all(|token| token.kind == Kind::Path || token.number().is_some());
    if bare { module(&tokens) } else { None }
}

fn meaning<'a>(
    line: &'a [u8],
    tokens: &[Token<'a>],
    subject: Subject,
    heap: Option<u64>,
) -> (&'static str, Meaning<'a>) {
    if let [Token { kind: Kind::Frame, .. }] = tokens {
        return ("frame", Meaning::Text);
    }
    if let Some(module) = module(tokens).filter(|_| subject.modules) {
        return ("module", module);
    }
    if let Some((key, value)) = parse_field(line) {
        return ("field", Meaning::Field { key, value });
    }
    if let Some((address, size)) = entry(tokens, heap).filter(|_| subject.entries) {
        let free = tokens.iter().any(|token| {
            let word = token.text.to_ascii_lowercase();
            word.starts_with(b"free") || word.starts_with(b"uncommitted")
        });
        return ("heap_entry", if free { Meaning::Text } else { Meaning::Entry { address, size } });
    }
    let has_trace = tokens.iter().any(|token| token.kind == Kind::Trace);
    (if has_trace { "stack" } else { "text" }, Meaning::Text)
}

fn only_trace<'a>(tokens: &[Token<'a>]) -> Option<&'a [u8]> {
    let mut traces = tokens.iter().filter(|token| token.kind == Kind::Trace);
    let id = parse_trace(traces.next()?.text)?;
    (traces.next().is_none() && id.iter().any(|byte| *byte != b'0')).then_some(id)
}

fn module<'a>(tokens: &[Token<'a>]) -> Option<Meaning<'a>> {
    let mut paths = tokens.iter().filter(|token| token.kind == Kind::Path).map(|token| token.text);
    let mut path = paths.next()?;
    for other in paths {
        // A table can show name and path of the same file; two different files leave a choice.
        if !file_name(path).eq_ignore_ascii_case(file_name(other)) {
            return None;
        }
        path = if other.len() > path.len() { other } else { path };
    }
    let is_base = |value: &u64| {
        let of_driver = (0x8000_0000..1 << 32).contains(value) && value.is_multiple_of(0x1000);
        value.is_multiple_of(0x1_0000) || of_driver
    };
    let at = tokens.iter().position(|token| token.address().is_some_and(|value| is_base(&value)))?;
    let base = tokens[at].address()?;
    let size =
        tokens[at + 1..].iter().filter_map(Token::number).find(|n| *n > 0 && *n < base && n.is_multiple_of(0x1000));
    Some(Meaning::Module { base, size, path })
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| matches!(byte, b'\\' | b'/')).next().unwrap_or(path)
}

fn entry(tokens: &[Token<'_>], heap: Option<u64>) -> Option<(u64, u64)> {
    if tokens.iter().any(|token| matches!(token.kind, Kind::Path | Kind::Frame)) {
        return None;
    }
    let at = tokens.iter().position(|token| token.address().is_some_and(|value| value.is_multiple_of(8)))?;
    if tokens[..at].iter().any(|token| token.number().is_none()) {
        return None;
    }
    let row = &tokens[at];
    let address = row.address()?;
    let limit = heap.unwrap_or(address);
    let can_be_size = |token: &Token<'_>| {
        let like_address = token.kind == row.kind && token.text.len() >= row.text.len();
        token.number().filter(|value| *value > 0 && (*value < limit || !like_address))
    };
    Some((address, tokens[at + 1..].iter().find_map(can_be_size)?))
}

/// True for a line that carries an NT status of severity error: `c0000017`, out of memory, is the one that is documented.
///
/// Any other needs words around it: alone it may be a number of a table.
pub fn is_failure(line: &[u8]) -> bool {
    let possible = memchr::memchr2_iter(b'c', b'C', line).any(|at| line[at + 1..].starts_with(b"000"));
    if !possible {
        return false;
    }
    let tokens = tokens(line);
    let has_words = tokens.iter().any(|token| token.kind == Kind::Word);
    tokens.iter().any(|token| match token.number() {
        Some(0xC000_0017) => true,
        Some(value) => has_words && token.address().is_some() && (0xC000_0001..=0xC000_FFFF).contains(&value),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(words: &str, line: &'a str) -> Meaning<'a> {
        let names_heap = words.starts_with("Heap 0");
        row(line.as_bytes(), Subject::of(words.as_bytes(), names_heap), names_heap.then_some(0x27_0000)).meaning
    }

    fn module_of(base: u64, size: Option<u64>) -> Meaning<'static> {
        Meaning::Module { base, size, path: b"a.dll" }
    }

    #[test]
    fn module_size_is_never_an_end_an_entry_point_or_a_time_stamp() {
        for (line, base, size) in [
            ("77E80000 000C0000 a.dll", 0x77E8_0000, Some(0xC_0000)),
            ("77E80000 77F40000 a.dll", 0x77E8_0000, None),
            ("77E80000 77E81234 000C0000 3A5B6C7D a.dll", 0x77E8_0000, Some(0xC_0000)),
            ("a.dll 0x400000 0x5000", 0x40_0000, Some(0x5000)),
            ("000C1000 77E80000 a.dll", 0x77E8_0000, None),
        ] {
            assert_eq!(read("Modules", line), module_of(base, size), "{line}");
        }
        assert_eq!(read("Locks", "77E80000 owned by a.dll"), Meaning::Text);
        assert_eq!(read("Modules", "77E80000 a.dll b.dll"), Meaning::Text);
        assert_eq!(read("Modules", "1234 a.dll"), Meaning::Text);
    }

    #[test]
    fn entry_size_is_never_another_address() {
        let entry = |address, size| Meaning::Entry { address, size };
        for (line, expected) in [
            ("00271E90 00000040 BackTrace00031", entry(0x27_1E90, 0x40)),
            ("12: 00271E90 00271F00 0 40", entry(0x27_1E90, 0x40)),
            ("00271E90 00300000", Meaning::Text),
            ("00271E90 300000", entry(0x27_1E90, 0x30_0000)),
            ("00271E90 00000040 free", Meaning::Text),
            ("Total of 00012340 bytes in 12 entries", Meaning::Text),
            ("00271E91 40", Meaning::Text),
        ] {
            assert_eq!(read("Heap 00270000 Entries", line), expected, "{line}");
        }
        assert_eq!(read("Heap 00270000", "00271E90 00000040"), entry(0x27_1E90, 0x40));
        assert_eq!(read("Heap 00270000 Tags", "00271E90 00000040"), Meaning::Text);
        assert_eq!(read("Locks", "00271E90 00000040"), Meaning::Text);
    }

    #[test]
    fn status_codes_of_failures_are_seen() {
        assert!(is_failure(b"RtlQueryProcessDebugInformation failed - c0000017"));
        assert!(is_failure(b"c0000017"));
        assert!(is_failure(b"NtOpen (0xC0000022) refused"));
        assert!(!is_failure(b"C0001230 00000040"));
        assert!(!is_failure(b"000001A0 bytes"));
    }
}
