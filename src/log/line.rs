//! One line of a snapshot log, told apart by what is in it: one variant per shape, each with a specimen.
//!
//! This is the careful reader: it takes either case of hexadecimal, any indentation, and blanks for TABs. The lines that
//! make up nearly all of a umdh2 log go past it, through `umdh2::block_at` and `umdh2::frames_at`.

use crate::log::{
    fields::{is_blank, next_token, parse_0x, parse_decimal, parse_frame, parse_hex, trim, trim_start},
    module_row::ModuleRow,
};

/// A line of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing but white space.
    Blank,
    /// `// UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - Machine=HCE-C2SFLQ1 - PID=7696`, or without the `//`.
    Header(Header<'a>),
    /// `//            77650000   180000 C:\Windows\SysWOW64\ntdll.dll`
    Module {
        /// First address.
        base: u64,
        /// Bytes.
        size: u64,
        /// As printed; empty where the row has none.
        path: &'a [u8],
    },
    /// `// OS version 6.1`: any other comment.
    Comment(&'a [u8]),
    /// `*- - - - Start of data for heap @ 2E60000 - - - -*` or `*********** Heap 00270000 Hogs ********************`
    Banner(Banner<'a>),
    /// `REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID`
    Legend,
    /// `64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0`
    Block {
        /// Bytes asked for.
        requested_bytes: u64,
        /// Bytes of overhead.
        overhead_bytes: u64,
        /// Address of the block.
        address: u64,
        /// `18D0A0D0`
        trace_id: &'a [u8],
    },
    /// `000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031`
    Hog {
        /// Sum of the bytes.
        requested_bytes: u64,
        /// Blocks.
        allocation_count: u64,
        /// `0x00000068`: what is behind the `@`, the size of each block; absent without brackets.
        each: Option<&'a [u8]>,
        /// `00031`
        trace_id: &'a [u8],
    },
    /// TAB `776CDD82`: a return address.
    RawFrame(&'a [u8]),
    /// `ntdll!RtlDebugAllocateHeap+0x000000FB`
    ResolvedFrame(&'a [u8]),
    /// TAB `Alias`
    Alias,
    /// `A stack trace was not saved for this allocation (Index == 0)`
    NoStack,
    /// `DBGHELP: ntdll - public symbols`
    Symbols {
        /// `ntdll`
        module: &'a [u8],
        /// `public symbols`
        symbols: &'a [u8],
    },
    /// Anything else.
    Other(&'a [u8]),
}

/// The parts of a header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// `UMDH` or `DH`.
    pub tool: &'a [u8],
    /// `6.1.7650.0`; absent in version 1.
    pub version: Option<&'a [u8]>,
    /// `2012-04-30 12:09`, as printed.
    pub logtime: &'a [u8],
    /// `HCE-C2SFLQ1`
    pub machine: Option<&'a [u8]>,
    /// `7696`
    pub pid: Option<u32>,
    /// There is something else than `//` in front of it, as a prompt or the time of another program.
    pub behind_words: bool,
}

/// What a banner says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banner<'a> {
    /// `Heap 2E60000 Hogs`: the words between the marks.
    pub words: &'a [u8],
    /// What it means for heaps.
    pub kind: BannerKind,
    /// Marks are behind the words too: nothing is missing.
    pub closed: bool,
}

/// What a banner means for the lines below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BannerKind {
    /// `Start of data for heap @ 2E60000`
    Start(u64),
    /// `End of data for heap @ 2E60000`
    End(u64),
    /// `Heap 2E60000 Hogs`
    Hogs(u64),
    /// `Heap 00270000 Information`
    Information(u64),
    /// `Heap 00270000 Entries`, or any other words that name a heap.
    OtherOfHeap(u64),
    /// `Start of data for heap @ 2?000`: of a heap, but not of which; said to be its start, its end, or neither.
    Spoilt(Edge),
    /// `Locks`: a section that names no heap.
    Other,
    /// A rule, or words between marks that no tool prints so (`=== heap ===`, `*** ERROR: …`): nothing.
    Decoration,
}

/// Which end of a heap a banner marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// `Start of data`
    Start,
    /// `End of data`
    End,
    /// `Hogs`, `Information`
    Neither,
}

impl BannerKind {
    /// True for what says which heap the lines below belong to, and so for what a later block of text has to know.
    pub fn is_of_heap(self) -> bool {
        !matches!(self, BannerKind::Other | BannerKind::Decoration)
    }
}

/// Tells what a line is, without regard to the lines around it.
pub fn classify(line: &[u8]) -> Line<'_> {
    let body = trim(line);
    let Some(first) = body.first() else { return Line::Blank };
    let shape = match first {
        b'/' if body.starts_with(b"//") => comment(body),
        b'*' | b'-' | b'=' if banner(body).is_some() => banner(body).map_or(Line::Other(body), Line::Banner),
        _ if is_legend(body) => Line::Legend,
        b'0'..=b'9' | b'A'..=b'F' | b'a'..=b'f' => data(line, body),
        _ => words(line, body),
    };
    match shape {
        Line::Other(_) | Line::Comment(_) | Line::Symbols { .. } => {
            header_behind_words(body).map_or(shape, Line::Header)
        }
        Line::Banner(Banner { kind: BannerKind::Other | BannerKind::Decoration, words, .. }) if !words.is_empty() => {
            header_behind_words(body).map_or(shape, Line::Header)
        }
        shape => shape,
    }
}

/// A header with anything in front of it: a prompt, a mark, the time of the program that took the text down.
fn header_behind_words(body: &[u8]) -> Option<Header<'_>> {
    let logtime = memchr::memmem::find(body, b"Logtime")?;
    let starts = memchr::memmem::rfind_iter(&body[..logtime], b"DH:").find_map(|at| {
        let start = if body[..at].ends_with(b"UM") { at - 2 } else { at };
        let apart = body[..start].last().is_none_or(|byte| !byte.is_ascii_alphanumeric());
        apart.then_some(start)
    });
    let found = header(&body[starts?..])?;
    let is_one = found.pid.is_some() || found.machine.is_some();
    is_one.then_some(Header { behind_words: true, ..found })
}

fn comment(body: &[u8]) -> Line<'_> {
    let text = trim(&body[2..]);
    if let Some(header) = header(text) {
        return Line::Header(header);
    }
    match ModuleRow::parse(text) {
        Some(ModuleRow { base, size, path }) => Line::Module { base, size, path },
        None => Line::Comment(body),
    }
}

fn header(text: &[u8]) -> Option<Header<'_>> {
    let (tool, rest) = match text {
        [b'U', b'M', b'D', b'H', b':', rest @ ..] => (&text[..4], rest),
        [b'D', b'H', b':', rest @ ..] => (&text[..2], rest),
        _ => return None,
    };
    let logtime_at = memchr::memmem::find(rest, b"Logtime")?;
    let before = trim(&rest[..logtime_at]);
    let version = before.strip_prefix(b"version").map(|text| trim(text.strip_suffix(b":").unwrap_or(text)));
    let after = trim(&rest[logtime_at + b"Logtime".len()..]);
    let machine_at = memchr::memmem::find(after, b"Machine=");
    let pid_at = memchr::memmem::find(after, b"PID=");
    let time_end = machine_at.or(pid_at).unwrap_or(after.len());
    let machine = machine_at.map(|at| {
        let end = pid_at.filter(|pid| *pid > at).unwrap_or(after.len());
        separated(&after[at + b"Machine=".len()..end])
    });
    let pid = pid_at.and_then(|at| parse_decimal(next_token(&after[at + b"PID=".len()..]).0));
    Some(Header {
        tool,
        version,
        logtime: separated(&after[..time_end]),
        behind_words: false,
        machine: machine.filter(|name| !name.is_empty()),
        pid: pid.and_then(|pid| u32::try_from(pid).ok()),
    })
}

/// Takes the ` - ` off the end that is between two fields of a header.
fn separated(field: &[u8]) -> &[u8] {
    let field = trim(field);
    trim(field.strip_suffix(b"-").unwrap_or(field))
}

/// Reads a banner: words between marks, where the marks are three or more `*` (or `=`) or pairs of `- `.
pub fn banner(body: &[u8]) -> Option<Banner<'_>> {
    let is_mark = |byte: &u8| matches!(byte, b'*' | b'-' | b'=' | b' ' | b'\t');
    let start = body.iter().position(|byte| !is_mark(byte)).unwrap_or(body.len());
    let lead = &body[..start];
    let marks = |part: &[u8]| {
        let count = |mark: u8| part.iter().filter(|byte| **byte == mark).count();
        (count(b'*'), count(b'='), memchr::memmem::find_iter(part, b"- ").count())
    };
    let (stars, equals, dashes) = marks(lead);
    if stars < 3 && equals < 3 && dashes < 2 {
        return None;
    }
    let end = body.iter().rposition(|byte| !is_mark(byte)).map_or(start, |last| last + 1);
    let words = &body[start..end.max(start)];
    // A rule has no words to close, but stars without any may be the start of a banner, of which eleven are known.
    let closed = if words.is_empty() { !(1..=11).contains(&stars) } else { end < body.len() };
    let (stars_behind, _, dashes_behind) = marks(&body[end..]);
    let of_tool = stars >= 3 || dashes >= 2;
    let kind = match banner_kind(words) {
        BannerKind::Other if words.is_empty() || !of_tool => BannerKind::Decoration,
        BannerKind::Other if stars_behind < 3 && dashes_behind < 2 => BannerKind::Decoration,
        BannerKind::OtherOfHeap(_) if !of_tool => BannerKind::Decoration,
        BannerKind::Spoilt(_) if !of_tool => BannerKind::Decoration,
        BannerKind::Spoilt(Edge::Neither) if stars_behind < 3 && dashes_behind < 2 => BannerKind::Decoration,
        kind => kind,
    };
    Some(Banner { words, kind, closed })
}

fn banner_kind(words: &[u8]) -> BannerKind {
    let heap = || {
        let at = find_word(words, b"heap")? + b"heap".len();
        let (first, rest) = next_token(&words[at..]);
        let token = if first == b"@" { next_token(rest).0 } else { first };
        let token = token.strip_prefix(b"@").unwrap_or(token);
        // A word such as `bad` is a number as well.
        let told_apart = token.len() >= 5 || token.iter().any(u8::is_ascii_digit);
        Some(parse_0x(token).or_else(|| parse_hex(token).filter(|_| told_apart))?.value)
    };
    let has = |word: &[u8]| find_word(words, word).is_some();
    let Some(heap) = heap() else { return spoilt_kind(words) };
    match () {
        () if has(b"start of data") => BannerKind::Start(heap),
        () if has(b"end of data") => BannerKind::End(heap),
        () if has(b"hogs") => BannerKind::Hogs(heap),
        () if has(b"information") => BannerKind::Information(heap),
        // Every heap begins with a page: `heap 2` is the second of somebody's list.
        () if heap.is_multiple_of(0x1000) => BannerKind::OtherOfHeap(heap),
        () => BannerKind::Other,
    }
}

/// What words that name no heap say of one.
fn spoilt_kind(words: &[u8]) -> BannerKind {
    let has = |word: &[u8]| find_word(words, word).is_some();
    let names_heap = || words.len() > 4 && words[..4].eq_ignore_ascii_case(b"heap") && is_blank(words[4]);
    match () {
        () if has(b"start of data") => BannerKind::Spoilt(Edge::Start),
        () if has(b"end of data") => BannerKind::Spoilt(Edge::End),
        () if names_heap() && (has(b"hogs") || has(b"information")) => BannerKind::Spoilt(Edge::Neither),
        () => BannerKind::Other,
    }
}

/// Where a lower-case word is in a text of either case.
fn find_word(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word))
}

fn is_legend(body: &[u8]) -> bool {
    body == b"REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID" || body == b"STACK if not already dumped."
}

/// Lines that start with a hexadecimal digit.
fn data<'a>(line: &'a [u8], body: &'a [u8]) -> Line<'a> {
    let found = block(body).or_else(|| hog(body));
    if let Some(found) = found {
        return found;
    }
    let indented = line.first() != body.first() || body.as_ptr() != line.as_ptr();
    if indented && parse_hex(body.strip_prefix(b"0x").unwrap_or(body)).is_some() {
        return Line::RawFrame(body);
    }
    words(line, body)
}

fn block(body: &[u8]) -> Option<Line<'_>> {
    let (requested, rest) = next_token(body);
    let rest = keyword(keyword(rest, b"bytes")?, b"+")?;
    let (overhead, rest) = next_token(rest);
    let (address, rest) = next_token(keyword(rest, b"at")?);
    let id = trim_start(keyword(rest, b"by")?).strip_prefix(b"BackTrace")?;
    Some(Line::Block {
        requested_bytes: parse_hex(requested)?.value,
        overhead_bytes: parse_hex(overhead)?.value,
        address: parse_hex(address)?.value,
        trace_id: trace_id(id)?,
    })
}

fn hog(body: &[u8]) -> Option<Line<'_>> {
    let (bytes, rest) = next_token(body);
    let (count, rest) = next_token(keyword(keyword(rest, b"bytes")?, b"in")?);
    let (word, rest) = next_token(rest);
    if !word.starts_with(b"allocation") {
        return None;
    }
    let rest = trim_start(rest);
    let (each, rest) = match rest.strip_prefix(b"(@") {
        Some(inside) => {
            let end = memchr::memchr(b')', inside)?;
            (Some(trim(&inside[..end])), trim_start(&inside[end + 1..]))
        }
        None => (None, rest),
    };
    let id = trim_start(rest.strip_prefix(b"by:")?).strip_prefix(b"BackTrace")?;
    Some(Line::Hog {
        requested_bytes: parse_hex(bytes)?.value,
        allocation_count: parse_0x(count).or_else(|| parse_hex(count))?.value,
        each,
        trace_id: trace_id(id)?,
    })
}

fn keyword<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (token, rest) = next_token(text);
    (token == word).then_some(rest)
}

/// An id is one token, the last of its line.
fn trace_id(text: &[u8]) -> Option<&[u8]> {
    let (id, rest) = next_token(text);
    (!id.is_empty() && id.len() <= 64 && trim(rest).is_empty() && id.iter().all(u8::is_ascii_alphanumeric))
        .then_some(id)
}

fn words<'a>(line: &'a [u8], body: &'a [u8]) -> Line<'a> {
    let indented = body.as_ptr() != line.as_ptr();
    if let Some(header) = header(body) {
        return Line::Header(header);
    }
    if body == b"Alias" {
        return Line::Alias;
    }
    if body.starts_with(b"A stack trace was not saved for this allocation") {
        return Line::NoStack;
    }
    if let Some(symbols) = symbols(body) {
        return symbols;
    }
    match parse_frame(body) {
        Some(_) if indented => Line::ResolvedFrame(body),
        _ => Line::Other(body),
    }
}

fn symbols(body: &[u8]) -> Option<Line<'_>> {
    let rest = trim(body.strip_prefix(b"DBGHELP:")?);
    let dash = memchr::memmem::find(rest, b" - ")?;
    Some(Line::Symbols { module: trim(&rest[..dash]), symbols: trim(&rest[dash + 3..]) })
}
