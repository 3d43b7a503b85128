//! ProcessVmCounters and SystemMemoryInfo: what the process used and what the machine had left.
//!
//! A field whose flag is off, or that the writer's revision does not have, is absent, never 0.

use super::{
    directory::Stream,
    fields::{u16_at, u32_at, u64_at},
    shared::Shared,
};
use crate::error::Severity;

/// How many amounts a process has.
pub const AMOUNTS: usize = 18;

/// `MINIDUMP_PROCESS_VM_COUNTERS_1` or `_2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessCounters {
    /// 1 or 2.
    pub revision: Option<u32>,
    /// Which groups of fields were filled in; revision 1 has no flags.
    pub flags: Option<u32>,
    /// Page faults of the process.
    pub page_fault_count: Option<u32>,
    /// Bytes, in the order of `MINIDUMP_PROCESS_VM_COUNTERS_2`, from `PeakWorkingSetSize` to `JobTotalCommitLimit`.
    pub amounts: [Option<u64>; AMOUNTS],
}

const BASE: u16 = 1;
const VIRTUAL_SIZE: u16 = 2;
const EX: u16 = 4;
const EX2: u16 = 8;
const JOB: u16 = 0x10;

/// The flag of each amount of revision 2.
const FLAGS: [u16; AMOUNTS] =
    [BASE, BASE, BASE, BASE, BASE, BASE, BASE, BASE, VIRTUAL_SIZE, VIRTUAL_SIZE, EX, EX2, EX2, JOB, JOB, JOB, JOB, JOB];

/// Place of `PrivateUsage` among the amounts.
const PRIVATE_USAGE: usize = 10;

/// Reads ProcessVmCounters.
pub fn process(shared: &mut Shared<'_>, stream: &Stream<'_>) -> ProcessCounters {
    let bytes = stream.bytes;
    let revision = u16_at(bytes, 0);
    let mut counters = ProcessCounters { revision: revision.map(u32::from), ..ProcessCounters::default() };
    let (flags, size) = match revision {
        Some(1) => (BASE, 80),
        Some(2) => (u16_at(bytes, 2).unwrap_or_default(), 152),
        _ => return unknown_revision(shared, stream, counters),
    };
    if bytes.len() < size {
        cut(shared, stream, size);
    }
    if revision == Some(2) {
        counters.flags = u16_at(bytes, 2).map(u32::from);
    }
    counters.page_fault_count = u32_at(bytes, 4).filter(|_| flags & BASE != 0);
    if revision == Some(1) {
        // Revision 1 has no virtual sizes: PrivateUsage follows PeakPagefileUsage.
        for (at, amount) in counters.amounts[..8].iter_mut().enumerate() {
            *amount = u64_at(bytes, 8 + 8 * at);
        }
        counters.amounts[PRIVATE_USAGE] = u64_at(bytes, 72);
    } else {
        for (at, amount) in counters.amounts.iter_mut().enumerate() {
            *amount = u64_at(bytes, 8 + 8 * at).filter(|_| flags & FLAGS[at] != 0);
        }
    }
    counters
}

fn unknown_revision<T>(shared: &mut Shared<'_>, stream: &Stream<'_>, empty: T) -> T {
    let revision = u16_at(stream.bytes, 0);
    shared.issues.push(
        Severity::Warning,
        "unknown_revision",
        stream.place(),
        || format!("revision {}", revision.unwrap_or_default()),
        "left the stream out: its layout is not known",
    );
    shared.left_out.push((stream.name, "its layout is not known"));
    empty
}

fn cut(shared: &mut Shared<'_>, stream: &Stream<'_>, size: usize) {
    shared.issues.push(
        Severity::Error,
        "cut_record",
        stream.place(),
        || format!("{} of {size} bytes", stream.bytes.len()),
        "the fields that are not there are null",
    );
}

/// What is read of `MINIDUMP_SYSTEM_MEMORY_INFO_1`, in pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemMemory {
    /// Bytes of a page.
    pub page_size: Option<u64>,
    /// Pages of memory in the machine.
    pub physical_pages: Option<u64>,
    /// Pages that were free.
    pub available_pages: Option<u64>,
    /// Pages committed by all processes.
    pub committed_pages: Option<u64>,
    /// Pages that can be committed.
    pub commit_limit_pages: Option<u64>,
    /// The most that was committed since the machine started.
    pub peak_commitment_pages: Option<u64>,
}

/// Reads SystemMemoryInfo. Revision 2 only adds fields behind those that are read here.
pub fn system(shared: &mut Shared<'_>, stream: &Stream<'_>) -> SystemMemory {
    const BASIC_PERFORMANCE: u16 = 2;
    let bytes = stream.bytes;
    if !matches!(u16_at(bytes, 0), Some(1 | 2)) {
        return unknown_revision(shared, stream, SystemMemory::default());
    }
    if bytes.len() < 148 {
        cut(shared, stream, 148);
    }
    let filled = u16_at(bytes, 2).is_some_and(|flags| flags & BASIC_PERFORMANCE != 0);
    let page_count = |at| u64_at(bytes, at).filter(|_| filled);
    SystemMemory {
        page_size: u32_at(bytes, 8).map(u64::from),
        physical_pages: u32_at(bytes, 12).map(u64::from),
        available_pages: page_count(116),
        committed_pages: page_count(124),
        commit_limit_pages: page_count(132),
        peak_commitment_pages: page_count(140),
    }
}
