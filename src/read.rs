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
        text::Encoding,
    },
    log::{
        Dialect, compare,
        compare_captures::{self, Start},
        hogs,
        sink::{SectionLine, Sink},
        sites, typography,
    },
    memory,
    opened::{Opened, open, read_dump, sniffed},
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
    /// What bytes are that neither a byte-order mark nor their zeros explain: for logs of code pages other than windows-1252.
    pub encoding: Option<Encoding>,
    /// Bytes of text read at a time: for tests; see [`BLOCK_SIZE`].
    pub block_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: None, blocks: true, radix: None, capture: None, encoding: None, block_size: BLOCK_SIZE }
    }
}

/// Bytes of a log whose temporary tables are worth giving back.
const LARGE: u64 = 16 << 20;

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
    /// Offset in the input of the first byte behind the mark of the encoding.
    first_byte: u64,
    byte_count: u64,
    outcome: Outcome,
}

enum Outcome {
    Capture(Box<Tables>),
    Comparison(Box<Tables>, compare::Comparison),
    /// Several captures, the first of them a comparison: none of them was read.
    Several(Vec<Start>),
}

impl Outcome {
    fn tables(&mut self) -> Option<&mut Tables> {
        match self {
            Outcome::Capture(tables) | Outcome::Comparison(tables, _) => Some(tables),
            Outcome::Several(_) => None,
        }
    }
}

fn read_capture(source: &Source<'_>, options: &Options, control: &Control) -> Result<Log> {
    check_options(options)?;
    let opened = open(source, Part::default(), control)?;
    if opened.is_dump() {
        return read_dump(source, opened, options, control);
    }
    let job = Job { source, options, control, pool: Pool::new(options.threads)? };
    let first = pass(&job, Part::default(), None, opened)?;
    let captures = captures(&job, &first);
    let count = captures.len().max(1);
    match options.capture {
        None if count > 1 => Err(ErrorKind::ManyCaptures { captures: entries(&captures) }.into()),
        Some(wanted) if wanted == 0 || wanted > count => {
            Err(ErrorKind::NoSuchCapture { wanted, available: count }.into())
        }
        Some(wanted) if count > 1 => {
            let part = part(&captures, wanted - 1);
            let encoding = first.encoding;
            drop(first);
            finish(source, pass(&job, part, Some(encoding), open(job.source, part, control)?)?)
        }
        _ => finish(source, first),
    }
}

/// Where the captures of a file begin.
fn captures(job: &Job<'_>, first: &Pass) -> Vec<Start> {
    let tables = match &first.outcome {
        Outcome::Capture(tables) => tables,
        Outcome::Comparison(..) => return Vec::new(),
        Outcome::Several(starts) => return starts.clone(),
    };
    let starts = compare_captures::beside_snapshots(&tables.headers, &tables.comparisons, (1, first.first_byte));
    // What follows the first row of a comparison may be several of them, and snapshots without a header.
    let within = |index: usize| {
        if !starts[index].is_comparison {
            return None;
        }
        let part = part(&starts, index);
        let read = open(job.source, part, job.control).and_then(|opened| pass(job, part, Some(first.encoding), opened));
        match read.ok()?.outcome {
            Outcome::Several(within) => Some(within),
            _ => None,
        }
    };
    let all = (0..starts.len()).map(|index| within(index).unwrap_or_else(|| vec![starts[index].clone()]));
    all.flatten().collect()
}

/// The part of the file that is a capture; the first one has all that stands above it.
fn part(captures: &[Start], index: usize) -> Part {
    let (start, lines_before) = if index == 0 { (0, 0) } else { (captures[index].byte, captures[index].line - 1) };
    Part { start, end: captures.get(index + 1).map(|next| next.byte), lines_before }
}

fn check_options(options: &Options) -> Result<()> {
    let refuse = |expected, found: usize| Err(ErrorKind::Option { expected, found: found.to_string() }.into());
    match (options.threads, options.radix) {
        (Some(threads), _) if threads == 0 || threads > 1024 => refuse("threads from 1 to 1024", threads),
        (_, Some(radix)) if radix != 10 && radix != 16 => refuse("radix 10 or 16", radix as usize),
        _ => Ok(()),
    }
}

fn entries(starts: &[Start]) -> Vec<CaptureEntry> {
    starts.iter().map(|start| CaptureEntry { line: start.title_line, title: start.title.clone() }).collect()
}

/// Reads one part. The encoding is known if the part is not the first of its file.
fn pass(job: &Job<'_>, part: Part, encoding: Option<Encoding>, opened: Opened<'_>) -> Result<Pass> {
    let Opened { mut start, rest } = opened;
    if let Some(found) = magic::name(&start) {
        return Err(ErrorKind::NotALog { found: found.to_owned() }.into());
    }
    let (encoding, wrong_mark) = match encoding {
        Some(encoding) if part.start > 0 => (encoding, false),
        _ => Encoding::detect(&start, job.options.encoding),
    };
    let mark = if part.start == 0 { encoding.mark_len() } else { 0 };
    start.drain(..mark);
    let first_byte = part.start + mark as u64;
    let raw: Box<dyn Read + Send + '_> = Box::new(Cursor::new(start).chain(rest.reader));
    let (mut reader, places) = encoding.to_utf8(raw, first_byte);
    let (start, dialect, otherwise) = sniffed(&mut reader)?;
    let blocks = Blocks::new(start, reader, places.clone(), job.options.block_size);
    let mut outcome = dispatch(dialect, blocks, part, job)?;
    if let Some(tables) = outcome.tables() {
        tables.place(&places);
        tables.say_of_text(&places, encoding, wrong_mark);
    }
    let byte_count = job.control.bytes_done.load(Ordering::Relaxed).saturating_sub(part.start);
    if let (Some(found), Some(tables)) = (otherwise, outcome.tables())
        && tables.hold_nothing()
    {
        return Err(ErrorKind::NotALog { found }.into());
    }
    Ok(Pass { dialect, encoding, first_byte, byte_count, outcome })
}

/// Reads the blocks of one capture, each dialect in its own way.
fn dispatch(dialect: Dialect, blocks: Blocks<'_>, part: Part, job: &Job<'_>) -> Result<Outcome> {
    let keep = job.options.blocks;
    let in_order = |blocks, read: &mut dyn FnMut(&Block, &mut Sink)| {
        read_in_order(blocks, keep, job.control, read).map(|sink| vec![sink])
    };
    let (sinks, comparison) = match dialect {
        Dialect::Umdh2 => (job.pool.read_umdh2(blocks, keep, job.control)?, None),
        Dialect::Dh | Dialect::Umdh1 => {
            let mut reader = hogs::Reader::new();
            (in_order(blocks, &mut |block, sink| reader.read(block.text(), block.last, sink))?, None)
        }
        Dialect::Sites => (in_order(blocks, &mut |block, sink| sites::read(block.text(), block.last, sink))?, None),
        Dialect::Comparison => match read_comparison(blocks, part, job)? {
            Compared::One(sink, comparison) => (vec![*sink], Some(comparison)),
            Compared::Several(starts) => return Ok(Outcome::Several(starts)),
        },
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

/// What a text is whose first row is one of a comparison.
enum Compared {
    One(Box<Sink>, compare::Comparison),
    Several(Vec<Start>),
}

/// Reads a comparison: its radix is decided by all of its lines, so they are all brought together first.
fn read_comparison(mut blocks: Blocks<'_>, part: Part, job: &Job<'_>) -> Result<Compared> {
    let block = blocks.rest()?;
    job.control.bytes_done.store(blocks.byte(), Ordering::Relaxed);
    let text = &*typography::restored(block.text()).0;
    let mut starts = compare_captures::starts(text);
    if starts.len() > 1 {
        for start in &mut starts {
            start.byte = blocks.in_input(start.byte);
            start.line += part.lines_before + 1;
            start.title_line += part.lines_before + 1;
        }
        return Ok(Compared::Several(starts));
    }
    let mut sink = Sink::new(true);
    let mut comparison = None;
    read_piece(&block, &mut sink, |block, sink| {
        comparison = Some(compare::read(block.text(), job.options.radix, sink));
    });
    sink.finish();
    let comparison = comparison.unwrap_or_else(|| Err(ErrorKind::Empty.into()));
    let comparison = comparison.map_err(|error| match (error.position().line, error.position().byte) {
        (Some(line), Some(byte)) => error.at(part.lines_before + line, blocks.in_input(byte)),
        _ => error,
    })?;
    Ok(Compared::One(Box::new(sink), comparison))
}

fn finish(source: &Source<'_>, pass: Pass) -> Result<Log> {
    let Pass { dialect, encoding, byte_count, .. } = pass;
    let about = |tables: &Tables| About {
        path: source.path().map(ToOwned::to_owned),
        encoding: match &tables.ansi {
            Some(_) if encoding.is_assumed() => "windows-1252".to_owned(),
            _ => encoding.name(),
        },
        lines: tables.lines,
        byte_count,
    };
    match pass.outcome {
        Outcome::Capture(tables) => {
            let about = about(&tables);
            snapshot(*tables, dialect, about)
        }
        Outcome::Comparison(tables, comparison) => {
            let about = about(&tables);
            Ok(Log::Comparison(finish_comparison(*tables, comparison, about)))
        }
        // A capture is one: its first line and its end were found by the same rules.
        Outcome::Several(starts) => Err(ErrorKind::ManyCaptures { captures: entries(&starts) }.into()),
    }
}

/// Makes a snapshot of a capture, unless it failed.
fn snapshot(tables: Tables, dialect: Dialect, about: About) -> Result<Log> {
    let header = tables.headers.first().cloned().unwrap_or_default();
    // A DH log can hold sections without any heap; only a capture without a word of its own has failed.
    let is_console = |row: &SectionLine| matches!(row.kind, "console" | "comment" | "symbols");
    let is_silent = header.tool == "UMDH" || tables.sections.iter().all(is_console);
    if tables.heaps.is_empty() && !tables.headers.is_empty() && is_silent {
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
