//! A log is read part by part: one pass over the file, and where that finds several captures, one over the capture wanted.

use std::{
    io::{self, Cursor, Read},
    sync::atomic::Ordering,
};

use super::{
    Options, capture,
    open::{Opened, open, sniffed, started},
    other,
    workers::{read_in_order, read_piece, read_umdh2},
};
use crate::{
    assemble::{Facts, Tables, assemble},
    control::Control,
    engine::threads::Pool,
    error::{CaptureEntry, Error, ErrorKind, Result},
    input::{Bytes, Part, Source, file, line_ends::LineEnds, text::Encoding},
    log::{
        Dialect,
        blocks::{Block, Blocks},
        comparison::{
            self,
            captures::{self, Start},
        },
        hogs,
        sink::Sink,
        sites, typography,
    },
    snapshot::Capture,
};

/// Reads the capture that is asked for, or the only one.
///
/// # Errors
///
/// What concerns the file as a whole: [`ErrorKind`].
pub fn read(source: &Source<'_>, opened: Opened<'_>, options: &Options, control: &Control) -> Result<Capture> {
    let fault = opened.rest.fault.clone();
    let job = Job::new(source, &opened, options, control)?;
    let first = pass(&job, Part::default(), None, opened).map_err(|error| fault.reason_for(error))?;
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
            one_of_several(&job, part, encoding, file::open(source, part, control)?)
        }
        _ => capture::finish(source, first).map_err(|error| fault.reason_for(error)),
    }
}

/// Reads every capture of a file, in its order: after the first pass one more for all of them, however many they are.
///
/// # Errors
///
/// As [`read`]; what concerns one capture is its outcome.
pub fn read_every(
    source: &Source<'_>,
    opened: Opened<'_>,
    options: &Options,
    control: &Control,
) -> Result<Vec<Result<Capture>>> {
    let fault = opened.rest.fault.clone();
    let job = Job::new(source, &opened, options, control)?;
    let first = pass(&job, Part::default(), None, opened).map_err(|error| fault.reason_for(error))?;
    let captures = captures(&job, &first);
    let in_file = |error: Error| error.in_file(source.path().map(ToOwned::to_owned));
    if captures.len() < 2 {
        return Ok(vec![capture::finish(source, first).map_err(|error| in_file(fault.reason_for(error)))]);
    }
    let encoding = first.encoding;
    drop(first);
    let whole = file::open(source, Part::default(), control)?;
    let (faults_of_all, mut reader) = (source.faults_of_all(), whole.reader);
    let mut outcomes = Vec::with_capacity(captures.len());
    for index in 0..captures.len() {
        let part = part(&captures, index);
        let most = part.end.map_or(u64::MAX, |end| end - part.start);
        let mut bytes = reader.by_ref().take(most);
        // The last is the one that ends early.
        let fault = if part.end.is_none() { whole.fault.clone() } else { faults_of_all.clone() };
        let of_it = Bytes { reader: Box::new(bytes.by_ref()), len: part.end.map(|_| most), fault };
        outcomes.push(one_of_several(&job, part, encoding, of_it).map_err(in_file));
        control.go_on()?;
        // A parser that gave up may have left some.
        io::copy(&mut bytes, &mut io::sink())?;
    }
    Ok(outcomes)
}

/// Reads a part that is a capture.
fn one_of_several(job: &Job<'_>, part: Part, encoding: Encoding, bytes: Bytes<'_>) -> Result<Capture> {
    let fault = bytes.fault.clone();
    started(bytes)
        .and_then(|opened| pass(job, part, Some(encoding), opened))
        .and_then(|pass| capture::finish(job.source, pass))
        .map_err(|error| fault.reason_for(error))
}

/// What every pass over a file needs.
struct Job<'a> {
    source: &'a Source<'a>,
    options: &'a Options,
    control: &'a Control,
    pool: Pool,
}

impl<'a> Job<'a> {
    fn new(source: &'a Source<'a>, opened: &Opened<'_>, options: &'a Options, control: &'a Control) -> Result<Self> {
        let may_wait = opened.rest.len.is_none();
        let pool = if may_wait { Pool::apart(options.threads) } else { Pool::new(options.threads) }?;
        Ok(Self { source, options, control, pool })
    }
}

/// What one pass over a part of the input gives.
pub struct Pass {
    /// Which tool wrote it.
    pub dialect: Dialect,
    /// How it was written.
    pub encoding: Encoding,
    /// Offset in the input of the first byte behind the mark of the encoding.
    first_byte: u64,
    /// Bytes of the part.
    pub byte_count: u64,
    /// What it holds.
    pub outcome: Outcome,
}

/// What a part holds.
pub enum Outcome {
    /// The tables of a snapshot.
    Capture(Box<Tables>),
    /// The tables of a comparison, and its rows.
    Comparison(Box<Tables>, comparison::Comparison),
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

/// Where the captures of a file begin.
fn captures(job: &Job<'_>, first: &Pass) -> Vec<Start> {
    let tables = match &first.outcome {
        Outcome::Capture(tables) => tables,
        Outcome::Comparison(..) => return Vec::new(),
        Outcome::Several(starts) => return starts.clone(),
    };
    let starts = captures::beside_snapshots(&tables.headers, &tables.comparisons, (1, first.first_byte));
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

/// The part of the file that is a capture; the first one has all that is above it.
fn part(captures: &[Start], index: usize) -> Part {
    let (start, lines_before) = if index == 0 { (0, 0) } else { (captures[index].byte, captures[index].line - 1) };
    Part { start, end: captures.get(index + 1).map(|next| next.byte), lines_before }
}

/// What the error about several captures lists.
pub fn entries(starts: &[Start]) -> Vec<CaptureEntry> {
    starts.iter().map(|start| CaptureEntry { line: start.title_line, title: start.title.clone() }).collect()
}

/// Reads one part. The encoding is known if the part is not the first of its file.
fn pass(job: &Job<'_>, part: Part, encoding: Option<Encoding>, opened: Opened<'_>) -> Result<Pass> {
    let Opened { mut start, rest } = opened;
    let fault = rest.fault.clone();
    if let Some(found) = other::name(&start) {
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
    let (reader, places) = encoding.to_utf8(raw, first_byte);
    let mut reader: Box<dyn Read + Send + '_> = Box::new(LineEnds::new(reader));
    let (start, dialect, otherwise) = sniffed(&mut reader)?;
    let blocks = Blocks::new(start, reader, places.clone(), job.options.block_size);
    let mut outcome = dispatch(dialect, blocks, part, job)?;
    if let Some(tables) = outcome.tables() {
        tables.place(&places);
        tables.say_of_text(&places, encoding, wrong_mark);
        fault.all().iter().for_each(|fault| tables.say_of_archive(fault));
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
        Dialect::Umdh2 => (read_umdh2(&job.pool, blocks, keep, job.control)?, None),
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
    One(Box<Sink>, comparison::Comparison),
    Several(Vec<Start>),
}

/// Reads a comparison: its radix is decided by all of its lines, so they are all brought together first.
fn read_comparison(mut blocks: Blocks<'_>, part: Part, job: &Job<'_>) -> Result<Compared> {
    let block = blocks.rest()?;
    job.control.bytes_done.store(blocks.byte(), Ordering::Relaxed);
    let text = &*typography::restored(block.text()).0;
    let mut starts = captures::starts(text);
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
        comparison = Some(comparison::read(block.text(), job.options.radix, sink));
    });
    sink.finish();
    let comparison = comparison.unwrap_or_else(|| Err(ErrorKind::Empty.into()));
    let comparison = comparison.map_err(|error| match (error.position().line, error.position().byte) {
        (Some(line), Some(byte)) => error.at(part.lines_before + line, blocks.in_input(byte)),
        _ => error,
    })?;
    Ok(Compared::One(Box::new(sink), comparison))
}
