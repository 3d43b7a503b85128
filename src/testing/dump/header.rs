//! Streams of one record: SystemInfo, MiscInfo, ProcessVmCounters, SystemMemoryInfo, Exception.

use super::{
    bytes::Bytes,
    layout::{Layout, Text},
    stream::{EXCEPTION, MISC_INFO, PROCESS_VM_COUNTERS, SYSTEM_INFO, SYSTEM_MEMORY_INFO},
    threads::put_context,
};

/// `MINIDUMP_SYSTEM_INFO`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    /// 0 for x86, 9 for x64.
    pub processor_architecture: u16,
    /// Processors of the machine.
    pub number_of_processors: u8,
    /// 1 for a workstation, 3 for a server.
    pub product_type: u8,
    /// Major, minor and build number.
    pub version: [u32; 3],
    /// 2 for Windows NT and what came after it.
    pub platform_id: u32,
    /// Service pack; may be empty.
    pub csd_version: Text,
}

impl System {
    pub(super) fn put(&self, layout: &mut Layout) {
        let csd_version = layout.text(&self.csd_version);
        let mut info = Bytes::default();
        info.u16(self.processor_architecture).u16(6).u16(0x5507);
        info.u8(self.number_of_processors).u8(self.product_type);
        self.version.iter().for_each(|part| _ = info.u32(*part));
        info.u32(self.platform_id).u32(csd_version).u16(0x100).u16(0);
        if self.processor_architecture == 0 {
            info.bytes(b"GenuineIntel").u32(0x5_0657).u32(0x1FAB_FBFF).u32(0);
        } else {
            info.u64(0x3F).u64(0);
        }
        info.zeros_to(56);
        let at = layout.push(&info.0);
        layout.stream(SYSTEM_INFO, at);
    }
}

/// `MINIDUMP_MISC_INFO` in one of its five versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misc {
    /// 1 to 5.
    pub version: u8,
    /// Process id.
    pub process_id: Option<u32>,
    /// When the process was created, in seconds since 1970; its user and its kernel time, in seconds.
    pub process_times: Option<[u32; 3]>,
    /// From version 3 on: name of the time zone, which is UTC.
    pub time_zone: &'static str,
    /// From version 4 on: what the system says it was built from.
    pub build_string: &'static str,
}

/// Sizes of the versions.
const MISC_SIZES: [usize; 5] = [24, 44, 232, 832, 1364];

impl Misc {
    pub(super) fn put(&self, layout: &mut Layout) {
        let version = usize::from(self.version.clamp(1, 5));
        let size = MISC_SIZES[version - 1];
        let mut flags = u32::from(self.process_id.is_some()) | u32::from(self.process_times.is_some()) << 1;
        for (first, bits) in [(2, 0x4), (3, 0xF0), (4, 0x100), (5, 0x200)] {
            flags |= if version >= first { bits } else { 0 };
        }
        let mut info = Bytes::default();
        info.u32(size as u32).u32(flags).u32(self.process_id.unwrap_or(0));
        self.process_times.unwrap_or_default().iter().for_each(|time| _ = info.u32(*time));
        [2_600, 2_600, 2_600, 1, 1].iter().for_each(|power| _ = info.u32(*power));
        info.u32(0x3000).u32(0x4D).u32(0).u32(0); // integrity: high; execute flags; not protected; time zone unknown
        info.u32(0).wide(self.time_zone, 32).zeros_to(132).u32(0).wide(self.time_zone, 32).zeros_to(232);
        info.wide(self.build_string, 260).zeros_to(832);
        info.u32(528).zeros_to(1360).u32(0x5EED_C00C);
        let at = layout.push(&info.0[..size]);
        layout.stream(MISC_INFO, at);
    }
}

/// `MINIDUMP_PROCESS_VM_COUNTERS_1` or `_2`; which counters are valid, `flags` say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Microsoft's")]
pub struct VmCounters {
    /// 1 or 2.
    pub revision: u16,
    /// 1 basic, 2 virtual size, 4 private usage, 8 private working set and shared commit, 0x10 job; not in revision 1.
    pub flags: u16,
    pub page_fault_count: u32,
    pub peak_working_set_size: u64,
    pub working_set_size: u64,
    pub quota_peak_paged_pool_usage: u64,
    pub quota_paged_pool_usage: u64,
    pub quota_peak_non_paged_pool_usage: u64,
    pub quota_non_paged_pool_usage: u64,
    pub pagefile_usage: u64,
    pub peak_pagefile_usage: u64,
    pub peak_virtual_size: u64,
    pub virtual_size: u64,
    pub private_usage: u64,
    pub private_working_set_size: u64,
    pub shared_commit_usage: u64,
    pub job_shared_commit_usage: u64,
    pub job_private_commit_usage: u64,
    pub job_peak_private_commit_usage: u64,
    pub job_private_commit_limit: u64,
    pub job_total_commit_limit: u64,
}

impl VmCounters {
    pub(super) fn put(&self, layout: &mut Layout) {
        let mut counters = Bytes::default();
        let flags = if self.revision == 1 { 0 } else { self.flags };
        counters.u16(self.revision).u16(flags).u32(self.page_fault_count);
        let both = [
            self.peak_working_set_size,
            self.working_set_size,
            self.quota_peak_paged_pool_usage,
            self.quota_paged_pool_usage,
            self.quota_peak_non_paged_pool_usage,
            self.quota_non_paged_pool_usage,
            self.pagefile_usage,
            self.peak_pagefile_usage,
        ];
        let second = [
            self.peak_virtual_size,
            self.virtual_size,
            self.private_usage,
            self.private_working_set_size,
            self.shared_commit_usage,
            self.job_shared_commit_usage,
            self.job_private_commit_usage,
            self.job_peak_private_commit_usage,
            self.job_private_commit_limit,
            self.job_total_commit_limit,
        ];
        let rest = if self.revision == 1 { &second[2..3] } else { &second };
        both.iter().chain(rest).for_each(|counter| _ = counters.u64(*counter));
        let at = layout.push(&counters.0);
        layout.stream(PROCESS_VM_COUNTERS, at);
    }
}

/// `MINIDUMP_SYSTEM_MEMORY_INFO_1`: of its records the basic ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Microsoft's")]
pub struct SystemMemory {
    pub page_size: u32,
    pub number_of_physical_pages: u32,
    /// AvailablePages, CommittedPages, CommitLimit, PeakCommitment: without them, the flag of the record is off.
    pub basic_performance: Option<[u64; 4]>,
}

impl SystemMemory {
    pub(super) fn put(&self, layout: &mut Layout) {
        let mut info = Bytes::default();
        info.u16(1).u16(if self.basic_performance.is_some() { 2 } else { 0 });
        info.u32(156_250).u32(self.page_size).u32(self.number_of_physical_pages).u32(1);
        info.u32(self.number_of_physical_pages).u32(0x1_0000).u64(0x1_0000).u64(0x7FFF_FFFE_FFFF).u64(0xF).u32(4);
        info.zeros_to(116); // no file cache
        self.basic_performance.unwrap_or_default().iter().for_each(|pages| _ = info.u64(*pages));
        info.zeros_to(492);
        let at = layout.push(&info.0);
        layout.stream(SYSTEM_MEMORY_INFO, at);
    }
}

/// `MINIDUMP_EXCEPTION_STREAM`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exception {
    /// Where it happened.
    pub thread_id: u32,
    /// `0xC0000005` for an access violation.
    pub code: u32,
    /// The instruction.
    pub address: u64,
    /// Up to 15 parameters.
    pub information: Vec<u64>,
    /// Stack pointer in the context of the exception.
    pub stack_pointer: u64,
}

impl Exception {
    pub(super) fn put(&self, layout: &mut Layout, is_64_bit: bool) {
        let [size, offset] = put_context(layout, is_64_bit, self.address, self.stack_pointer);
        let mut record = Bytes::default();
        record.u32(self.thread_id).u32(0).u32(self.code).u32(0).u64(0).u64(self.address);
        record.u32(self.information.len() as u32).u32(0);
        self.information.iter().for_each(|parameter| _ = record.u64(*parameter));
        record.zeros_to(160).u32(size).u32(offset);
        let at = layout.push(&record.0);
        layout.stream(EXCEPTION, at);
    }
}
