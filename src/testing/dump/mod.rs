//! Writes minidumps: what a dump is to say becomes a file, of any size, in little memory.
//!
//! ```text
//! MDMP | header | directory | stream, and the strings and records it points to | ... | memory contents
//! ```
//!
//! - [`Plan`] says what the dump holds; every part may be absent. All of it but memory contents is laid out in memory,
//!   contents are made while they are written.
//! - [`Damage`] is what can be wrong with a dump, each defect by name.
//! - [`process`] tells of the server of [`super::investigation`]; [`mod@reference`] writes dumps for benchmarks.
//!
//! Layouts and names are those of Microsoft's `minidumpapiset.h` documentation and of the crate `minidump-common`.
//!
//! Invariant: without damage, every reader of minidumps agrees with the plan.

mod bytes;
mod damage;
mod handles;
mod header;
pub mod heap;
mod layout;
mod memory;
mod modules;
pub mod process;
pub mod reference;
mod threads;

use std::io::{self, Write};

pub use damage::Damage;
pub use handles::{Handle, ObjectInfo};
pub use header::{Exception, Misc, System, SystemMemory, VmCounters};
pub use layout::{Layout, Slot, Text};
pub use memory::{Range, Region, State, pattern};
pub use modules::{CodeView, Module, UnloadedModule};
pub use threads::{Thread, ThreadInfo};

/// Numbers of the streams that are written, by their names in `MINIDUMP_STREAM_TYPE`, shortened.
#[allow(missing_docs, reason = "the names are Microsoft's")]
pub mod stream {
    pub const THREAD_LIST: u32 = 3;
    pub const MODULE_LIST: u32 = 4;
    pub const MEMORY_LIST: u32 = 5;
    pub const EXCEPTION: u32 = 6;
    pub const SYSTEM_INFO: u32 = 7;
    pub const MEMORY64_LIST: u32 = 9;
    pub const COMMENT_A: u32 = 10;
    pub const COMMENT_W: u32 = 11;
    pub const HANDLE_DATA: u32 = 12;
    pub const UNLOADED_MODULE_LIST: u32 = 14;
    pub const MISC_INFO: u32 = 15;
    pub const MEMORY_INFO_LIST: u32 = 16;
    pub const THREAD_INFO_LIST: u32 = 17;
    pub const SYSTEM_MEMORY_INFO: u32 = 21;
    pub const PROCESS_VM_COUNTERS: u32 = 22;
    pub const THREAD_NAMES: u32 = 24;
}

/// Everything that a dump is to say; `None` leaves a stream out.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Seconds since 1970, UTC: when the dump was taken.
    pub time_date_stamp: u32,
    /// `MINIDUMP_TYPE` of the header.
    pub flags: u64,
    /// Addresses have 64 bits; decides the layout of contexts.
    pub is_64_bit: bool,
    /// SystemInfo.
    pub system: Option<System>,
    /// MiscInfo.
    pub misc: Option<Misc>,
    /// ProcessVmCounters.
    pub counters: Option<VmCounters>,
    /// SystemMemoryInfo.
    pub system_memory: Option<SystemMemory>,
    /// CommentA; written with its closing zero.
    pub comment_ansi: Option<Vec<u8>>,
    /// CommentW; written with its closing zero.
    pub comment_wide: Option<String>,
    /// Exception.
    pub exception: Option<Exception>,
    /// ModuleList.
    pub modules: Option<Vec<Module>>,
    /// UnloadedModuleList.
    pub unloaded_modules: Option<Vec<UnloadedModule>>,
    /// ThreadList.
    pub threads: Option<Vec<Thread>>,
    /// ThreadInfoList.
    pub thread_infos: Option<Vec<ThreadInfo>>,
    /// ThreadNames: id and name.
    pub thread_names: Option<Vec<(u32, Text)>>,
    /// HandleData.
    pub handles: Option<Vec<Handle>>,
    /// MemoryInfoList.
    pub regions: Option<Vec<Region>>,
    /// Streams of any number, as they are.
    pub other: Vec<(u32, Vec<u8>)>,
    /// MemoryList.
    pub memory: Option<Vec<Range>>,
    /// Memory64List.
    pub memory64: Option<Vec<Range>>,
    /// What memory contents are made of, see [`pattern`].
    pub seed: u64,
}

impl Plan {
    /// Lays the file out; its contents of memory are made by [`Layout::write`].
    pub fn layout(&self) -> Layout {
        let mut layout = Layout::new(self.stream_count(), self);
        if let Some(system) = &self.system {
            system.put(&mut layout);
        }
        if let Some(misc) = &self.misc {
            misc.put(&mut layout);
        }
        self.put_lists(&mut layout);
        if let Some(counters) = &self.counters {
            counters.put(&mut layout);
        }
        if let Some(memory) = &self.system_memory {
            memory.put(&mut layout);
        }
        self.put_comments(&mut layout);
        if let Some(exception) = &self.exception {
            exception.put(&mut layout, self.is_64_bit);
        }
        for (number, bytes) in &self.other {
            let at = layout.push(bytes);
            layout.stream(*number, at);
        }
        memory::put_ranges(&mut layout, self);
        layout
    }

    fn put_lists(&self, layout: &mut Layout) {
        if let Some(threads) = &self.threads {
            threads::put_threads(layout, threads, self.is_64_bit);
        }
        if let Some(modules) = &self.modules {
            modules::put_modules(layout, modules);
        }
        if let Some(modules) = &self.unloaded_modules {
            modules::put_unloaded(layout, modules);
        }
        if let Some(infos) = &self.thread_infos {
            threads::put_infos(layout, infos);
        }
        if let Some(names) = &self.thread_names {
            threads::put_names(layout, names);
        }
        if let Some(handles) = &self.handles {
            handles::put_handles(layout, handles);
        }
        if let Some(regions) = &self.regions {
            memory::put_regions(layout, regions);
        }
    }

    fn put_comments(&self, layout: &mut Layout) {
        if let Some(comment) = &self.comment_ansi {
            let at = layout.push(&[comment, &b"\0"[..]].concat());
            layout.stream(stream::COMMENT_A, at);
        }
        if let Some(comment) = &self.comment_wide {
            let units: Vec<u8> = comment.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
            let at = layout.push(&units);
            layout.stream(stream::COMMENT_W, at);
        }
    }

    /// Writes the dump; gives the number of bytes.
    ///
    /// # Errors
    ///
    /// What `out` returns.
    pub fn write(&self, out: &mut impl Write) -> io::Result<u64> {
        self.layout().write(out)
    }

    fn stream_count(&self) -> usize {
        let known = [
            self.system.is_some(),
            self.misc.is_some(),
            self.counters.is_some(),
            self.system_memory.is_some(),
            self.comment_ansi.is_some(),
            self.comment_wide.is_some(),
            self.exception.is_some(),
            self.modules.is_some(),
            self.unloaded_modules.is_some(),
            self.threads.is_some(),
            self.thread_infos.is_some(),
            self.thread_names.is_some(),
            self.handles.is_some(),
            self.regions.is_some(),
            self.memory.is_some(),
            self.memory64.is_some(),
        ];
        known.into_iter().filter(|is_there| *is_there).count() + self.other.len()
    }
}
