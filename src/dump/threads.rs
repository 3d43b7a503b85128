//! ThreadList, ThreadInfoList and ThreadNames: one row for each thread that any of them names.

use std::collections::{HashMap, HashSet};

use minidump::{Endian, MinidumpContext, MinidumpSystemInfo};

use super::{
    directory::Stream,
    fields::{Fields, file_time, present, span},
    issues::StreamPlace,
    shared::Shared,
};
use crate::error::Severity;

/// One thread. What comes from a stream that does not name it is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub thread_id: u32,
    /// The name the program gave it.
    pub name: Option<String>,
    /// What ThreadList says.
    pub listed: Option<Listed>,
    /// What ThreadInfoList says.
    pub info: Info,
    /// Where it was.
    pub instruction_pointer: Option<u64>,
    /// Innermost address of its stack.
    pub stack_pointer: Option<u64>,
}

/// What ThreadList says of a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listed {
    /// How often it is suspended.
    pub suspend_count: u32,
    /// Priority class of its process.
    pub priority_class: u32,
    /// Its own priority.
    pub priority: u32,
    /// Address of its environment block; 0 if the writer left it out.
    pub teb: u64,
    /// First address of its stack that the writer listed.
    pub stack_start: u64,
    /// Bytes of the stack that the writer listed.
    pub stack_size: u64,
}

/// What ThreadInfoList says of a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Info {
    /// ns since 1970 UTC.
    pub created_at: Option<i64>,
    /// ns since 1970 UTC; absent while it runs.
    pub exited_at: Option<i64>,
    /// ns of CPU time in the kernel.
    pub kernel_time: Option<i64>,
    /// ns of CPU time outside the kernel.
    pub user_time: Option<i64>,
    /// Absent while it runs.
    pub exit_status: Option<u32>,
    /// Processors it may run on.
    pub affinity: Option<u64>,
    /// Address where it started.
    pub start_address: Option<u64>,
}

const THREAD_SIZE: usize = 48;
const NAME_SIZE: usize = 12;
const INFO_SIZE: usize = 64;

/// Reads ThreadList.
pub fn list<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>, system: Option<&MinidumpSystemInfo>) -> Vec<Thread> {
    let records = shared.counted(stream, THREAD_SIZE);
    let mut threads = Vec::with_capacity(records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        let (context_size, context_offset) = fields.location(40);
        let bytes = present(shared.file, context_offset.into(), context_size.into());
        let context = system.and_then(|system| MinidumpContext::read(bytes, Endian::Little, system, None).ok());
        if context.is_none() && context_size > 0 && system.is_some() {
            shared.issues.push(
                Severity::Warning,
                "unreadable_context",
                place,
                || format!("thread {}: {context_size} bytes at byte {context_offset}", fields.u32(0)),
                "kept the thread without its registers",
            );
        }
        threads.push(Thread {
            thread_id: fields.u32(0),
            listed: Some(Listed {
                suspend_count: fields.u32(4),
                priority_class: fields.u32(8),
                priority: fields.u32(12),
                teb: shared.address(fields.u64(16)),
                stack_start: shared.address(fields.u64(24)),
                stack_size: fields.u32(32).into(),
            }),
            instruction_pointer: context.as_ref().map(MinidumpContext::get_instruction_pointer),
            stack_pointer: context.as_ref().map(MinidumpContext::get_stack_pointer),
            ..Thread::default()
        });
    }
    threads
}

/// Place of each thread id: the first where an id comes twice.
fn places(threads: &[Thread]) -> HashMap<u32, usize> {
    let mut places = HashMap::with_capacity(threads.len());
    for (at, thread) in threads.iter().enumerate() {
        places.entry(thread.thread_id).or_insert(at);
    }
    places
}

fn repeated(shared: &mut Shared<'_>, thread_id: u32, place: StreamPlace) {
    shared.issues.push(
        Severity::Warning,
        "repeated_thread",
        place,
        || format!("thread {thread_id} again"),
        "left the record out; the first one counts",
    );
}

fn unlisted(shared: &mut Shared<'_>, thread_id: u32, place: StreamPlace) {
    shared.issues.push(
        Severity::Info,
        "unlisted_thread",
        place,
        || format!("thread {thread_id}, which ThreadListStream does not list"),
        "added a row for it",
    );
}

/// Adds what ThreadInfoList says; threads that only it names come last.
pub fn infos<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>, threads: &mut Vec<Thread>) {
    let mut places = places(threads);
    let records = shared.headed(stream, 12, INFO_SIZE);
    let listed = threads.iter().any(|thread| thread.listed.is_some());
    let mut seen = HashSet::with_capacity(records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        let thread_id = fields.u32(0);
        if !seen.insert(thread_id) {
            repeated(shared, thread_id, place);
            continue;
        }
        if listed && !places.contains_key(&thread_id) {
            unlisted(shared, thread_id, place);
        }
        let at = *places.entry(thread_id).or_insert_with(|| {
            threads.push(Thread { thread_id, ..Thread::default() });
            threads.len() - 1
        });
        threads[at].info = info(shared, fields);
        leave_out(&mut threads[at], fields.u32(4));
    }
}

const ERROR_THREAD: u32 = 1;

/// Leaves out what the writer says that it could not find out.
fn leave_out(thread: &mut Thread, flags: u32) {
    const INVALID_CONTEXT: u32 = 0x10;
    const INVALID_TEB: u32 = 0x20;
    if flags & (ERROR_THREAD | INVALID_CONTEXT) != 0 {
        (thread.instruction_pointer, thread.stack_pointer) = (None, None);
    }
    if let Some(listed) = thread.listed.as_mut().filter(|_| flags & (ERROR_THREAD | INVALID_TEB) != 0) {
        listed.teb = 0;
    }
}

fn info(shared: &Shared<'_>, fields: Fields<'_>) -> Info {
    const EXITED_THREAD: u32 = 4;
    const INVALID_INFO: u32 = 8;
    const STILL_ACTIVE: u32 = 259;
    let flags = fields.u32(4);
    if flags & (ERROR_THREAD | INVALID_INFO) != 0 {
        return Info::default();
    }
    let exited_at = file_time(fields.u64(24));
    let exited = exited_at.is_some() || flags & EXITED_THREAD != 0 || fields.u32(12) != STILL_ACTIVE;
    Info {
        created_at: file_time(fields.u64(16)),
        exited_at,
        kernel_time: span(fields.u64(32)),
        user_time: span(fields.u64(40)),
        exit_status: exited.then(|| fields.u32(12)),
        affinity: Some(fields.u64(56)).filter(|processors| *processors != 0),
        start_address: Some(shared.address(fields.u64(48))).filter(|address| *address != 0),
    }
}

/// Adds what ThreadNames says.
pub fn names<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>, threads: &mut Vec<Thread>) {
    let mut places = places(threads);
    let records = shared.counted(stream, NAME_SIZE);
    let listed = threads.iter().any(|thread| thread.listed.is_some());
    let mut seen = HashSet::with_capacity(records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        let thread_id = fields.u32(0);
        if !seen.insert(thread_id) {
            repeated(shared, thread_id, place);
            continue;
        }
        if listed && !places.contains_key(&thread_id) {
            unlisted(shared, thread_id, place);
        }
        let name = shared.text(fields.u64(4), place).filter(|name| !name.is_empty());
        let at = *places.entry(thread_id).or_insert_with(|| {
            threads.push(Thread { thread_id, ..Thread::default() });
            threads.len() - 1
        });
        threads[at].name = name;
    }
}
