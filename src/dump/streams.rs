//! The types of streams by their documented names (`MINIDUMP_STREAM_TYPE`).

pub use minidump::format::MINIDUMP_STREAM_TYPE as Kind;

/// The documented name of a stream type (`MINIDUMP_STREAM_TYPE`); absent for those of vendors.
pub fn name(kind: u32) -> Option<&'static str> {
    const NAMES: [&str; 25] = [
        "UnusedStream",
        "ReservedStream0",
        "ReservedStream1",
        "ThreadListStream",
        "ModuleListStream",
        "MemoryListStream",
        "ExceptionStream",
        "SystemInfoStream",
        "ThreadExListStream",
        "Memory64ListStream",
        "CommentStreamA",
        "CommentStreamW",
        "HandleDataStream",
        "FunctionTableStream",
        "UnloadedModuleListStream",
        "MiscInfoStream",
        "MemoryInfoListStream",
        "ThreadInfoListStream",
        "HandleOperationListStream",
        "TokenStream",
        "JavaScriptDataStream",
        "SystemMemoryInfoStream",
        "ProcessVmCountersStream",
        "IptTraceStream",
        "ThreadNamesStream",
    ];
    NAMES.get(kind as usize).copied()
}
