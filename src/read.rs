//! `read`: from a path or bytes to a [`Snapshot`], a [`Comparison`] or a [`crate::Dump`].

use std::{
    io::{Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
};

use crate::{
    assemble::{Facts, Tables, assemble},
    error::{CaptureEntry, Error, ErrorKind, Result, excerpt_of},
    input::{
        Part, Source,
        blocks::{BLOCK_SIZE, Block, Blocks},
        magic,
        text::{Encoding, Malformed, utf16_len},
    },
    log::{
        Dialect, compare, hogs,
        sink::{HeaderLine, Issue, SectionLine, Severity, Sink},
        sites, sniff,
    },
    memory,
    opened::{Opened, SNIFF_STEP, open, read_dump},
    parallel::{Control, Pool, read_in_order, read_piece},
    snapshot::{About, Comparison, Header, Log, Snapshot},
    table::{Table, rows, schema, text},
};

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads; absent for one for each core. The result never depends on it.
    pub threads: Option<usize>,
    /// Keep one row for each block; without it `allocations` is empty, and memory grows with stacks alone.
    pub blocks: bool,
    /// 10 or 16 for a comparison whose numbers do not prove it.
    pub radix: Option<u32>,
    /// Which capture of several in one file, from 1.
    pub capture: Option<usize>,
    /// Bytes of text read at a time: for tests; see [`BLOCK_SIZE`].
    pub block_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: None, blocks: true, radix: None, capture: None, block_size: BLOCK_SIZE }
    }
}

/// Bytes of a log whose temporary tables are worth giving back.
const LARGE: u64 = 16 << 20;

/// Bytes at the start in which the first line that decides is looked for.
const SNIFF_LIMIT: usize = 4 << 20;

/// Reads a heap log or a minidump. The file of a dump is mapped: leave it as it is while the [`crate::Dump`] lives.
///
/// # Errors
///
/// See [`ErrorKind`]: everything that concerns the file as a whole. What concerns a line is a row of `issues`.
///
/// # Examples
///
/// ```
/// use heapdelta::{Log, Options, read};
///
/// let text = "*- - - - - - Heap 2E60000 Hogs - - - - - -\n\n64 bytes + 1C at 2E9FA20 by BackTrace1\n\t776CDD82\n";
/// let Log::Snapshot(snapshot) = read(text.as_bytes(), &Options::default())? else { panic!("a comparison") };
/// assert_eq!(snapshot.table("allocations").map(|table| table.len()), Some(1));
/// # Ok::<(), heapdelta::Error>(())
/// ```
pub fn read<'a>(source: impl Into<Source<'a>>, options: &Options) -> Result<Log> {
    read_with(&source.into(), options, &Control::default())
}

/// Reads a heap log or a minidump that another thread can watch and stop.
///
/// # Errors
///
/// As [`read`], and [`ErrorKind::Cancelled`].
pub fn read_with(source: &Source<'_>, options: &Options, control: &Control) -> Result<Log> {
    let path = source.path().map(ToOwned::to_owned);
    let outcome = catch_unwind(AssertUnwindSafe(|| read_capture(source, options, control)));
    let outcome = outcome.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        Err(ErrorKind::Internal { message: words.to_owned() }.into())
    });
    if matches!(&outcome, Ok(Log::Snapshot(log)) if log.about.byte_count >= LARGE) {
        memory::give_back();
    }
    outcome.map_err(|error| error.in_file(path))
}

/// What every pass over a file needs.
struct Job<'a> {
    source: &'a Source<'a>,
    options: &'a Options,
    control: &'a Control,
    pool: Pool,
}

/// What one pass over a part of the input gives.
struct Pass {
    dialect: Dialect,
    encoding: Encoding,
    byte_count: u64,
    outcome: Outcome,
}

enum Outcome {
    Capture(Box<Tables>),
    Comparison(Box<Tables>, compare::Comparison),
}

fn read_capture(source: &Source<'_>, options: &Options, control: &Control) -> Result<Log> {
    check_options(options)?;
    let opened = open(source, Part::default(), control)?;
    if opened.is_dump() {
        return read_dump(source, opened, options, control);
    }
    let job = Job { source, options, control, pool: Pool::new(options.threads)? };
    let first = pass(&job, Part::default(), None, opened)?;
    let captures = match &first.outcome {
        Outcome::Capture(tables) => tables.headers.clone(),
        Outcome::Comparison(..) => Vec::new(),
    };
    let count = captures.len().max(1);
    match options.capture {
        None if count > 1 => Err(ErrorKind::ManyCaptures { captures: entries(&captures) }.into()),
        Some(wanted) if wanted == 0 || wanted > count => {
            Err(ErrorKind::NoSuchCapture { wanted, available: count }.into())
        }
        Some(wanted) if count > 1 => {
            let part = Part {
                start: if wanted == 1 { 0 } else { captures[wanted - 1].byte },
                end: captures.get(wanted).map(|next| next.byte),
                lines_before: if wanted == 1 { 0 } else { captures[wanted - 1].line - 1 },
            };
            let encoding = first.encoding;
            drop(first);
            finish(source, pass(&job, part, Some(encoding), open(job.source, part, control)?)?)
        }
        _ => finish(source, first),
    }
}

fn check_options(options: &Options) -> Result<()> {
    let refuse = |expected, found: usize| Err(ErrorKind::Option { expected, found: found.to_string() }.into());
    match (options.threads, options.radix) {
        (Some(threads), _) if threads == 0 || threads > 1024 => refuse("threads from 1 to 1024", threads),
        (_, Some(radix)) if radix != 10 && radix != 16 => refuse("radix 10 or 16", radix as usize),
        _ => Ok(()),
    }
}

fn entries(headers: &[HeaderLine]) -> Vec<CaptureEntry> {
    headers.iter().map(|header| CaptureEntry { line: header.line, title: header.text.clone() }).collect()
}

/// Reads one part. The encoding is known if the part is not the first of its file.
fn pass(job: &Job<'_>, part: Part, encoding: Option<Encoding>, opened: Opened<'_>) -> Result<Pass> {
    let Opened { mut start, rest } = opened;
    if let Some(found) = magic::name(&start) {
        return Err(ErrorKind::NotALog { found: found.to_owned() }.into());
    }
    let encoding = encoding.unwrap_or_else(|| Encoding::detect(&start));
    let mark = if part.start == 0 { encoding.bom_len() } else { 0 };
    start.drain(..mark);
    let malformed = Malformed::default();
    let raw: Box<dyn Read + Send + '_> = Box::new(Cursor::new(start).chain(rest.reader));
    let mut reader = encoding.to_utf8(raw, &malformed);
    let (start, dialect) = sniffed(&mut reader)?;
    let first_byte = part.start + mark as u64;
    let blocks = Blocks::new(start, reader, first_byte, encoding.is_utf16(), job.options.block_size);
    let mut outcome = dispatch(dialect, blocks, part, encoding, job)?;
    let (Outcome::Capture(tables) | Outcome::Comparison(tables, _)) = &mut outcome;
    if let Ok(places) = malformed.lock() {
        tables.issues.count_more("malformed_text", places.count - places.first.len() as u64);
        tables.issues.extend(places.first.iter().map(|place| Issue {
            severity: Severity::Warning,
            kind: "malformed_text",
            line: None,
            byte: Some(first_byte + place),
            text: String::new(),
            action: "bytes that are not UTF-16 were read as U+FFFD",
        }));
    }
    let byte_count = job.control.bytes_done.load(Ordering::Relaxed).saturating_sub(part.start);
    Ok(Pass { dialect, encoding, byte_count, outcome })
}

/// Reads until a line decides the dialect. Gives the text read so far.
fn sniffed(reader: &mut dyn Read) -> Result<(Vec<u8>, Dialect)> {
    let mut text = Vec::new();
    loop {
        let before = text.len();
        reader.take(SNIFF_STEP as u64).read_to_end(&mut text)?;
        let ended = text.len() == before || text.len() - before < SNIFF_STEP;
        // The last line may be cut here and go on in the next step: it decides only at the end of the file.
        let whole = if ended { text.len() } else { memchr::memrchr(b'\n', &text).map_or(0, |newline| newline + 1) };
        if let Some(dialect) = sniff(&text[..whole]) {
            return Ok((text, dialect));
        }
        if ended && text.trim_ascii().is_empty() {
            return Err(ErrorKind::Empty.into());
        }
        if ended || text.len() >= SNIFF_LIMIT {
            return Err(ErrorKind::NotALog { found: magic::describe(&text) }.into());
        }
    }
}

/// Reads the blocks of one capture, each dialect in its own way.
fn dispatch(dialect: Dialect, blocks: Blocks<'_>, part: Part, encoding: Encoding, job: &Job<'_>) -> Result<Outcome> {
    let utf16 = encoding.is_utf16();
    let keep = job.options.blocks;
    let in_order = |blocks, read: &mut dyn FnMut(&Block, &mut Sink)| {
        read_in_order(blocks, keep, utf16, job.control, read).map(|sink| vec![sink])
    };
    let (sinks, comparison) = match dialect {
        Dialect::Umdh2 => (job.pool.read_umdh2(blocks, keep, utf16, job.control)?, None),
        Dialect::Dh | Dialect::Umdh1 => {
            let mut reader = hogs::Reader::new();
            (in_order(blocks, &mut |block, sink| reader.read(block.text(), block.last, sink))?, None)
        }
        Dialect::Sites => (in_order(blocks, &mut |block, sink| sites::read(block.text(), block.last, sink))?, None),
        Dialect::Comparison => {
            let (sink, comparison) = read_comparison(blocks, part, utf16, job)?;
            (vec![sink], Some(comparison))
        }
    };
    let facts = Facts {
        depth_limit: if dialect == Dialect::Umdh2 { 32 } else { 16 },
        has_overhead: dialect == Dialect::Umdh2,
        names_stacks: comparison.is_some(),
        lines_before: part.lines_before,
    };
    let tables = Box::new(job.pool.install(|| assemble(sinks, facts, job.control))?);
    Ok(match comparison {
        Some(comparison) => Outcome::Comparison(tables, comparison),
        None => Outcome::Capture(tables),
    })
}

/// Reads a comparison: its radix is decided by all of its lines, so they are all brought together first.
fn read_comparison(
    mut blocks: Blocks<'_>,
    part: Part,
    utf16: bool,
    job: &Job<'_>,
) -> Result<(Sink, compare::Comparison)> {
    let first_byte = blocks.byte();
    let text = blocks.rest()?;
    job.control.bytes_done.store(blocks.byte(), Ordering::Relaxed);
    let mut sink = Sink::new(true);
    let mut comparison = None;
    read_piece(&text, utf16, &mut sink, |block, sink| {
        comparison = Some(compare::read(block.text(), job.options.radix, sink));
    });
    sink.finish();
    let comparison = comparison.unwrap_or_else(|| Err(ErrorKind::Empty.into()));
    let comparison = comparison.map_err(|error| {
        let place = error.position().clone();
        match (place.line, place.byte) {
            (Some(line), Some(byte)) => {
                let before = &text.text()[..text.text().len().min(byte as usize)];
                let byte = if utf16 { utf16_len(before) } else { byte };
                error.at(part.lines_before + line, first_byte + byte)
            }
            _ => error,
        }
    })?;
    Ok((sink, comparison))
}

fn finish(source: &Source<'_>, pass: Pass) -> Result<Log> {
    let (Outcome::Capture(tables) | Outcome::Comparison(tables, _)) = &pass.outcome;
    let encoding = match (pass.encoding, tables.ansi) {
        (Encoding::Utf8, true) => "windows-1252",
        (encoding, _) => encoding.as_str(),
    };
    let about = About {
        path: source.path().map(ToOwned::to_owned),
        encoding: encoding.to_owned(),
        lines: tables.lines,
        byte_count: pass.byte_count,
    };
    match pass.outcome {
        Outcome::Capture(tables) => snapshot(*tables, pass.dialect, about),
        Outcome::Comparison(tables, comparison) => Ok(Log::Comparison(finish_comparison(*tables, comparison, about))),
    }
}

/// Makes a snapshot of a capture, unless it failed.
fn snapshot(tables: Tables, dialect: Dialect, about: About) -> Result<Log> {
    let header = tables.headers.first().cloned().unwrap_or_default();
    // A DH log can hold sections without any heap; only a capture without a word of its own has failed.
    let is_console = |row: &SectionLine| matches!(row.kind, "console" | "comment" | "symbols");
    if tables.heaps.is_empty() && !tables.headers.is_empty() && tables.sections.iter().all(is_console) {
        let message = failure(&tables.sections, header.line);
        let error = Error::new(ErrorKind::FailedCapture { message });
        return Err(error.at(header.line, header.byte));
    }
    let header = Header {
        format: dialect.as_str().to_owned(),
        tool_version: header.version,
        taken_at: header.taken_at,
        machine: header.machine,
        pid: header.pid,
        pointer_width: if tables.address_bits > u64::from(u32::MAX) { 64 } else { 32 },
    };
    let sections = Table::new(&schema::SECTIONS, vec![text::sections(&tables.sections)]);
    let issues = Table::new(&schema::ISSUES, vec![text::issues(tables.issues)]);
    let tables = vec![
        ("allocations", tables.allocations),
        ("usage", tables.usage),
        ("stacks", tables.stacks),
        ("frames", tables.frames),
        ("modules", tables.modules),
        ("heaps", tables.heaps),
        ("sections", sections),
        ("issues", issues),
    ];
    Ok(Log::Snapshot(Snapshot { about, header, tables }))
}

/// Gives every row of a comparison its stack.
fn finish_comparison(tables: Tables, comparison: compare::Comparison, about: About) -> Comparison {
    let stack = |row: &compare::Row| {
        let printed = row.definition.map(|definition| tables.stack_of_definition[definition as usize]);
        printed.or_else(|| row.trace.map(|slot| tables.stack_of_trace[slot.0 as usize]))
    };
    let stacks: Vec<Option<u32>> = comparison.rows.iter().map(stack).collect();
    let rows = Table::new(&schema::ROWS, vec![rows::batch(&comparison.rows, &stacks)]);
    let sections = Table::new(&schema::SECTIONS, vec![text::sections(&tables.sections)]);
    let issues = Table::new(&schema::ISSUES, vec![text::issues(tables.issues)]);
    Comparison {
        about,
        format: comparison.style.as_str().to_owned(),
        radix: comparison.radix,
        total_requested_delta: comparison.total_requested_delta,
        total_overhead_delta: comparison.total_overhead_delta,
        tables: vec![
            ("rows", rows),
            ("stacks", tables.stacks),
            ("frames", tables.frames),
            ("modules", tables.modules),
            ("sections", sections),
            ("issues", issues),
        ],
    }
}

/// What the tool said before it gave up: from the first line of its output that speaks of a failure to the last one, else its
/// last words on the console. A log that was cut on its way says nothing of the kind.
fn failure(sections: &[SectionLine], header_line: u64) -> String {
    const SIGNS: [&str; 8] = ["fail", "error", "couldn't", "cannot", "unable", "denied", "incorrect", "c0000"];
    let mut said =
        sections.iter().filter(|row| row.line > header_line && !row.text.trim_matches(['/', ' ']).is_empty());
    let speaks = |text: &str| SIGNS.iter().any(|sign| text.to_ascii_lowercase().contains(sign));
    let console = |row: &&SectionLine| row.kind == "console" && !row.text.trim_start().starts_with("//");
    let spoken: Vec<&str> = said.clone().map(|row| row.text.trim()).collect();
    let first = spoken.iter().position(|text| speaks(text));
    let last = spoken.iter().rposition(|text| speaks(text));
    let words = match first.zip(last) {
        Some((first, last)) => Some(spoken[first..=last].join(" ")),
        None => said.rfind(console).map(|row| row.text.trim().to_owned()),
    };
    words.map_or_else(|| "the log ends before its first heap".to_owned(), |words| excerpt_of(words.as_bytes(), 400))
}
