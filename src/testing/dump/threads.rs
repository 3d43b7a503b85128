//! ThreadList with contexts, ThreadInfoList and ThreadNames.

use super::{
    bytes::Bytes,
    layout::{Layout, Text},
    stream::{THREAD_INFO_LIST, THREAD_LIST, THREAD_NAMES},
};

/// `MINIDUMP_THREAD`, and of its context what is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Id.
    pub thread_id: u32,
    /// How often it was suspended.
    pub suspend_count: u32,
    /// Of its process.
    pub priority_class: u32,
    /// Its own.
    pub priority: u32,
    /// Address of its environment block.
    pub teb: u64,
    /// From the stack pointer up to the stack's base: first address and bytes.
    pub stack: (u64, u32),
    /// Next instruction; without it, no context is written.
    pub instruction_pointer: Option<u64>,
}

/// `MINIDUMP_THREAD_INFO`; times are steps of 100 ns, points in time since 1601.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Microsoft's")]
pub struct ThreadInfo {
    pub thread_id: u32,
    pub dump_flags: u32,
    pub exit_status: u32,
    pub create_time: u64,
    pub exit_time: u64,
    pub kernel_time: u64,
    pub user_time: u64,
    pub start_address: u64,
    pub affinity: u64,
}

/// `CONTEXT` of x64 or x86 with these two registers; size and offset.
pub(super) fn put_context(layout: &mut Layout, is_64_bit: bool, instruction: u64, stack: u64) -> [u32; 2] {
    let mut context = Bytes::default();
    if is_64_bit {
        context.zeros_to(0x30).u32(0x10_005F).u32(0x1F80).u16(0x33).u16(0x2B).u16(0x2B).u16(0x53).u16(0x2B).u16(0x2B);
        context.u32(0x246).zeros_to(0x98).u64(stack).zeros_to(0xF8).u64(instruction).zeros_to(1232);
    } else {
        context.u32(0x1_007F).zeros_to(0xB8).u32(instruction as u32).u32(0x23).u32(0x246).u32(stack as u32).u32(0x2B);
        context.zeros_to(716);
    }
    let at = layout.push(&context.0);
    [context.0.len() as u32, at]
}

pub(super) fn put_threads(layout: &mut Layout, threads: &[Thread], is_64_bit: bool) {
    let mut list = Bytes::default();
    let mut stacks = Vec::new();
    list.u32(threads.len() as u32);
    for thread in threads {
        let (stack, stack_size) = thread.stack;
        let context = thread.instruction_pointer.map(|pointer| put_context(layout, is_64_bit, pointer, stack));
        let [size, offset] = context.unwrap_or_default();
        list.u32(thread.thread_id).u32(thread.suspend_count).u32(thread.priority_class).u32(thread.priority);
        list.u64(thread.teb).u64(stack).u32(stack_size);
        stacks.push((list.0.len(), stack));
        list.u32(0).u32(size).u32(offset);
    }
    let at = layout.push(&list.0);
    layout.wanted.extend(stacks.into_iter().map(|(place, stack)| (at as usize + place, stack)));
    layout.stream(THREAD_LIST, at);
}

pub(super) fn put_infos(layout: &mut Layout, infos: &[ThreadInfo]) {
    let mut list = Bytes::default();
    list.u32(12).u32(64).u32(infos.len() as u32);
    for info in infos {
        list.u32(info.thread_id).u32(info.dump_flags).u32(0).u32(info.exit_status);
        list.u64(info.create_time).u64(info.exit_time).u64(info.kernel_time).u64(info.user_time);
        list.u64(info.start_address).u64(info.affinity);
    }
    let at = layout.push(&list.0);
    layout.stream(THREAD_INFO_LIST, at);
}

pub(super) fn put_names(layout: &mut Layout, names: &[(u32, Text)]) {
    let mut list = Bytes::default();
    list.u32(names.len() as u32);
    for (thread_id, name) in names {
        let offset = layout.text(name);
        list.u32(*thread_id).u64(u64::from(offset));
    }
    let at = layout.push(&list.0);
    layout.stream(THREAD_NAMES, at);
}
