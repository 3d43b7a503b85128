//! The tables of minidumps. Names follow Microsoft's documentation of `minidumpapiset.h`.

use super::{Kind, TableSchema, column, nullable};

/// The directory of a dump.
pub const STREAMS: TableSchema = TableSchema {
    name: "streams",
    row: "entry of the dump's directory",
    order: "file order",
    columns: &[
        column("index", Kind::U32, "row number, from 0"),
        column("type", Kind::U32, "`MINIDUMP_STREAM_TYPE`, or a vendor's own number"),
        nullable("name", Kind::Text, "the type is a vendor's, or unknown", "documented name of the type"),
        column("size", Kind::U64, "bytes, as declared"),
        column("offset", Kind::U64, "offset in the file"),
        column("read", Kind::Bool, "true if the tables or the header hold what it says"),
        nullable("reason", Kind::Text, "all of it was read", "why it was not read, or what is missing of it"),
    ],
};

/// Modules of a dump.
pub const DUMP_MODULES: TableSchema = TableSchema {
    name: "modules",
    row: "module that was loaded",
    order: "file order",
    columns: &[
        column("base", Kind::U64, "first address"),
        column("size", Kind::U64, "bytes of address space"),
        column("name", Kind::Text, "file name without extension; in full where two files share it"),
        column("path", Kind::Text, "path on the customer's machine; empty if it cannot be read"),
        nullable(
            "version",
            Kind::Text,
            "the module has no version resource, or the writer does not know it (zeros)",
            "file version, four numbers",
        ),
        nullable("product_version", Kind::Text, "the module has no version resource", "product version, four numbers"),
        column("timestamp", Kind::U32, "link time stamp, seconds since 1970 UTC, or a hash of a reproducible build"),
        column("checksum", Kind::U32, "checksum in the image's header"),
        nullable(
            "debug_id",
            Kind::Text,
            "no CodeView record, or none that can be read, or one of zeros",
            "identity of the symbols, as symbol stores write it: GUID and age, or time stamp and age, in hexadecimal",
        ),
        nullable(
            "debug_file",
            Kind::Text,
            "no CodeView record, or one without a name",
            "file of the symbols, as linked",
        ),
    ],
};

/// Modules that had been unloaded.
pub const UNLOADED_MODULES: TableSchema = TableSchema {
    name: "unloaded_modules",
    row: "module that had been unloaded when the dump was taken",
    order: "file order",
    columns: &[
        column("base", Kind::U64, "first address that it had"),
        column("size", Kind::U64, "bytes of address space that it had"),
        column("name", Kind::Text, "file name without extension; in full where two files share it"),
        column("path", Kind::Text, "name or path, as the system kept it; empty if it cannot be read"),
        column("timestamp", Kind::U32, "link time stamp, seconds since 1970 UTC, or a hash of a reproducible build"),
        column("checksum", Kind::U32, "checksum in the image's header"),
    ],
};

const NOT_LISTED: &str = "ThreadListStream does not list the thread";
const NO_TEB: &str = "ThreadListStream does not list the thread, or the writer left the address out";
const NO_INFO: &str = "ThreadInfoListStream does not describe the thread";
const NO_REGIONS: &str = "the dump does not show the allocation that the stack lies in";

/// Threads.
pub const THREADS: TableSchema = TableSchema {
    name: "threads",
    row: "thread",
    order: "file order; threads that only ThreadInfoListStream or ThreadNamesStream know come last",
    columns: &[
        column("thread_id", Kind::U32, "id of the thread"),
        nullable("name", Kind::Text, "the program gave it none, or the dump does not tell", "name of the thread"),
        nullable("suspend_count", Kind::U32, NOT_LISTED, "how often it is suspended"),
        nullable("priority_class", Kind::U32, NOT_LISTED, "priority class of the process"),
        nullable("priority", Kind::U32, NOT_LISTED, "priority of the thread"),
        nullable("teb", Kind::U64, NO_TEB, "address of the thread's environment block"),
        nullable("created_at", Kind::Time, NO_INFO, "when it was made, UTC"),
        nullable("exited_at", Kind::Time, "it runs, or the dump does not tell", "when it ended, UTC"),
        nullable("kernel_time", Kind::Duration, NO_INFO, "CPU time in the kernel"),
        nullable("user_time", Kind::Duration, NO_INFO, "CPU time outside the kernel"),
        nullable("exit_status", Kind::U32, "it runs, or the dump does not tell", "exit status"),
        nullable("affinity", Kind::U64, NO_INFO, "processors it may run on, one bit each"),
        nullable("start_address", Kind::U64, NO_INFO, "address where it started"),
        nullable(
            "start_module",
            Kind::Text,
            "no module holds the start address",
            "module that holds the start address",
        ),
        nullable("instruction_pointer", Kind::U64, "no registers that can be read", "where it was"),
        nullable("stack_pointer", Kind::U64, "no registers that can be read", "innermost address of its stack"),
        nullable(
            "stack_base",
            Kind::U64,
            NOT_LISTED,
            "address behind the stack: its high end, where it started to grow",
        ),
        nullable(
            "stack_limit",
            Kind::U64,
            NOT_LISTED,
            "lowest address of the stack's allocation where regions tell it, else of the part that the dump lists",
        ),
        nullable("stack_committed_bytes", Kind::U64, NO_REGIONS, "committed bytes of the stack's allocation"),
    ],
};

/// Regions of the address space.
pub const REGIONS: TableSchema = TableSchema {
    name: "regions",
    row: "region of the address space: pages that are alike",
    order: "file order: by address",
    columns: &[
        column("base", Kind::U64, "first address"),
        column("size", Kind::U64, "bytes"),
        column("state", Kind::Text, "`commit`, `reserve` or `free`; anything else in hexadecimal"),
        nullable(
            "protect",
            Kind::Text,
            "the region is not committed",
            "protection: documented words joined by `|`, other bits in hexadecimal",
        ),
        nullable(
            "type",
            Kind::Text,
            "the region is free",
            "`image`, `mapped` or `private`; anything else in hexadecimal",
        ),
        nullable(
            "allocation_base",
            Kind::U64,
            "the region is free, or the writer names none",
            "first address of the allocation it is part of",
        ),
        nullable(
            "allocation_protect",
            Kind::Text,
            "the region is free, or none was given",
            "protection that the allocation was made with",
        ),
        column(
            "class",
            Kind::Text,
            "what it is for: `image`, `mapped`, `stack`, `teb`, `peb`, `heap` (it starts with a segment of a heap), `private` \
             (no more is known), `free`, or `unknown` for a type that is not documented",
        ),
        nullable("module", Kind::Text, "the region is no image, or no module holds it", "module that holds the region"),
        nullable(
            "thread_id",
            Kind::U32,
            "neither a stack nor the TEB of one thread",
            "thread whose stack or TEB it is",
        ),
    ],
};

/// Open handles.
pub const HANDLES: TableSchema = TableSchema {
    name: "handles",
    row: "open handle",
    order: "file order",
    columns: &[
        column("handle", Kind::U64, "value of the handle in the process"),
        nullable("type", Kind::Text, "the dump does not tell", "type of the object"),
        nullable("name", Kind::Text, "the object has no name, or the dump does not tell", "name of the object"),
        column("attributes", Kind::U32, "attributes of the handle"),
        column("granted_access", Kind::U32, "access that was granted, as bits"),
        column("handle_count", Kind::U32, "handles of the object in all processes"),
        column("pointer_count", Kind::U32, "references to the object"),
    ],
};

/// Contents of memory.
pub const MEMORY: TableSchema = TableSchema {
    name: "memory",
    row: "range of addresses whose contents the dump holds",
    order: "file order",
    columns: &[
        column("base", Kind::U64, "first address"),
        column("size", Kind::U64, "bytes that are in the file"),
        column("declared_size", Kind::U64, "bytes that should be; more than `size` where the file is cut"),
        column("offset", Kind::U64, "where they are in the file"),
        column("stream", Kind::Text, "stream that lists the range"),
    ],
};

const NO_COUNTERS: &str = "no ProcessVmCountersStream";
const FLAG_OFF: &str = "no ProcessVmCountersStream, or the writer left the field out";

/// What the process used.
pub const MEMORY_COUNTERS: TableSchema = TableSchema {
    name: "memory_counters",
    row: "dump: always one row",
    order: "one row",
    columns: &[
        nullable("revision", Kind::U32, NO_COUNTERS, "revision of the structure"),
        nullable(
            "flags",
            Kind::U32,
            "no ProcessVmCountersStream, or its revision has none",
            "groups of fields that are filled in",
        ),
        nullable("page_fault_count", Kind::U32, FLAG_OFF, "`PageFaultCount`"),
        nullable("peak_working_set_size", Kind::U64, FLAG_OFF, "`PeakWorkingSetSize`, bytes"),
        nullable("working_set_size", Kind::U64, FLAG_OFF, "`WorkingSetSize`, bytes"),
        nullable("quota_peak_paged_pool_usage", Kind::U64, FLAG_OFF, "`QuotaPeakPagedPoolUsage`, bytes"),
        nullable("quota_paged_pool_usage", Kind::U64, FLAG_OFF, "`QuotaPagedPoolUsage`, bytes"),
        nullable("quota_peak_non_paged_pool_usage", Kind::U64, FLAG_OFF, "`QuotaPeakNonPagedPoolUsage`, bytes"),
        nullable("quota_non_paged_pool_usage", Kind::U64, FLAG_OFF, "`QuotaNonPagedPoolUsage`, bytes"),
        nullable("pagefile_usage", Kind::U64, FLAG_OFF, "`PagefileUsage`, bytes"),
        nullable("peak_pagefile_usage", Kind::U64, FLAG_OFF, "`PeakPagefileUsage`, bytes"),
        nullable("peak_virtual_size", Kind::U64, FLAG_OFF, "`PeakVirtualSize`, bytes"),
        nullable("virtual_size", Kind::U64, FLAG_OFF, "`VirtualSize`, bytes"),
        nullable("private_usage", Kind::U64, FLAG_OFF, "`PrivateUsage`, bytes: what the process alone has committed"),
        nullable("private_working_set_size", Kind::U64, FLAG_OFF, "`PrivateWorkingSetSize`, bytes"),
        nullable("shared_commit_usage", Kind::U64, FLAG_OFF, "`SharedCommitUsage`, bytes"),
        nullable("job_shared_commit_usage", Kind::U64, FLAG_OFF, "`JobSharedCommitUsage`, bytes"),
        nullable("job_private_commit_usage", Kind::U64, FLAG_OFF, "`JobPrivateCommitUsage`, bytes"),
        nullable("job_peak_private_commit_usage", Kind::U64, FLAG_OFF, "`JobPeakPrivateCommitUsage`, bytes"),
        nullable("job_private_commit_limit", Kind::U64, FLAG_OFF, "`JobPrivateCommitLimit`, bytes"),
        nullable("job_total_commit_limit", Kind::U64, FLAG_OFF, "`JobTotalCommitLimit`, bytes"),
    ],
};

const NO_SYSTEM: &str = "no SystemMemoryInfoStream";
const NO_PERFORMANCE: &str = "no SystemMemoryInfoStream, or the writer left the field out";

/// What the machine had.
pub const SYSTEM_MEMORY: TableSchema = TableSchema {
    name: "system_memory",
    row: "dump: always one row",
    order: "one row",
    columns: &[
        nullable("page_size", Kind::U64, NO_SYSTEM, "bytes of a page"),
        nullable("physical_pages", Kind::U64, NO_SYSTEM, "pages of memory in the machine"),
        nullable("available_pages", Kind::U64, NO_PERFORMANCE, "pages that were available"),
        nullable("committed_pages", Kind::U64, NO_PERFORMANCE, "pages committed by all processes"),
        nullable("commit_limit_pages", Kind::U64, NO_PERFORMANCE, "pages that can be committed"),
        nullable("peak_commitment_pages", Kind::U64, NO_PERFORMANCE, "most pages committed since the machine started"),
    ],
};

/// What could not be read of a dump.
pub const DUMP_ISSUES: TableSchema = TableSchema {
    name: "issues",
    row: "thing that could not be read, or that contradicts the rest of the dump",
    order: "byte; rows without one come last",
    columns: &[
        column(
            "severity",
            Kind::Text,
            "`error`: something is missing from the tables; `warning`: read, but doubtful; `info`: worth knowing",
        ),
        column("kind", Kind::Text, "stable name of the rule (docs/issues.md)"),
        nullable("stream", Kind::Text, "it concerns the whole file", "documented name of the stream"),
        nullable("index", Kind::U64, "it concerns the whole stream", "record of the stream, from 0"),
        nullable("byte", Kind::U64, "it concerns the whole file", "offset in the file, from 0"),
        column("text", Kind::Text, "what is in doubt"),
        column("action", Kind::Text, "what the reader did about it"),
        column(
            "count",
            Kind::U64,
            "things that the row speaks of: 1, but for a row of those of a kind and stream that are not listed, past 1,000",
        ),
    ],
};

/// The tables of a minidump, in the order of documentation.
pub const DUMP_TABLES: [&TableSchema; 10] = [
    &DUMP_MODULES,
    &UNLOADED_MODULES,
    &THREADS,
    &REGIONS,
    &HANDLES,
    &MEMORY,
    &MEMORY_COUNTERS,
    &SYSTEM_MEMORY,
    &STREAMS,
    &DUMP_ISSUES,
];
