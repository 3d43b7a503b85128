//! Names text that is no heap log but comes in the place of one, by the public look of what other tools print.
//!
//! ```text
//! 0:000> !heap -s
//!                                               NT HEAP STATS BELOW
//! ```

use crate::log::{
    console,
    fields::trim_start,
    line::{Line, classify},
    lines::lines,
    sites,
};

/// Words that only one tool prints, and what to call its output; the first that is found counts.
const TOOLS: [(&str, &[&str]); 21] = [
    (
        "output of WinDbg's !heap",
        &[
            "NT HEAP STATS BELOW",
            "NT GLOBAL FLAGS",
            "LFH Key  ",
            "Reserv  Commit  Virt",
            "(percent of total busy bytes)",
            "(percent of totalblocks)",
            "group-by: TOTSIZE",
            "Allocations statistics for",
            "_HEAP @ ",
            "_DPH_HEAP_ROOT @",
            "DPH_HEAP_BLOCK",
            "HEAP_ENTRY Size Prev Flags",
            "Heap entries for Segment",
            "Searching the memory for potential unreachable busy blocks",
            "> !heap",
        ],
    ),
    (
        "output of WinDbg's !analyze",
        &[
            "Exception Analysis   ",
            "Bugcheck Analysis   ",
            "FAULTING_IP:",
            "FAULTING_THREAD:",
            "EXCEPTION_RECORD:",
            "KEY_VALUES_STRING:",
            "FAILURE_BUCKET_ID:",
            "DEFAULT_BUCKET_ID:",
            "BUGCHECK_CODE:",
            "> !analyze",
        ],
    ),
    (
        "output of WinDbg's !address",
        &["RgnCount", "%ofBusy", "Pct(Busy)", "EndAddress+1", "-------------------- Usage SUMMARY", "> !address"],
    ),
    (
        "a list of modules of WinDbg's lm",
        &["module name\n", "module name\r", "(deferred)", "(pdb symbols)", "(export symbols)", "> lm"],
    ),
    (
        "output of WinDbg",
        &[
            "Microsoft (R) Windows Debugger",
            "Windows Debugger Version",
            "ChildEBP RetAddr",
            "Child-SP          RetAddr",
            "Symbol search path is:",
            "*** ERROR: Symbol file could not be found",
            "*** ERROR: Module load completed",
            "*** WARNING: Unable to verify",
        ],
    ),
    (
        "a file of VMMap",
        &["VMMap", "\"Type\",\"Size\",\"Committed\"", "Private WS,Shareable WS", "\"Total WS\",\"Private WS\""],
    ),
    (
        "a list of Process Monitor",
        &["\"Time of Day\",\"Process Name\"", "<procmon>", "\"Process Name\",\"PID\",\"Operation\""],
    ),
    ("a list of Process Explorer", &["Process\tCPU\tPrivate Bytes\tWorking Set", "Private Bytes\tWorking Set\tPID"]),
    ("a file of performance counters", &["(PDH-CSV 4.0)", "(PDH-TSV 4.0)"]),
    ("text of an ETW trace", &["BeginHeader", "<Event xmlns=", "P-DCStart", "T-DCStart"]),
    (
        "output of gflags",
        &[
            "Current Boot Registry Settings",
            "Current Registry Settings for",
            "Current Running Settings",
            "Create user mode stack trace database",
        ],
    ),
    ("a report of Valgrind", &["== HEAP SUMMARY:", "Memcheck, a memory error detector"]),
    ("a report of Dr. Memory", &["Dr. Memory version", "~~Dr.M~~", "Error #1: LEAK ", "Error #1: POSSIBLE LEAK "]),
    ("a report of AddressSanitizer", &["ERROR: AddressSanitizer", "ERROR: LeakSanitizer"]),
    ("a list of leaks of the debug C runtime", &["Detected memory leaks!", "Dumping objects ->"]),
    ("a report of Visual Leak Detector", &["Visual Leak Detector"]),
    ("a report of DebugDiag", &["DebugDiag", "Debug Diagnostic Tool"]),
    ("a file of LeakDiag", &["<LEAKS>", "LeakDiag"]),
    ("output of Application Verifier", &["VERIFIER STOP", "<avrf:logfile"]),
    ("a report of handle.exe", &["Nthandle v"]),
    ("a crash report of Windows Error Reporting", &["EventType=APPCRASH", "ReportIdentifier="]),
];

/// The tool that wrote a text, if it is one that writes no heap logs.
pub fn tool(text: &[u8]) -> Option<&'static str> {
    let has = |word: &&str| memchr::memmem::find(text, word.as_bytes()).is_some();
    let named = TOOLS.iter().find(|(_, words)| words.iter().any(has)).map(|(name, _)| *name);
    named.or_else(|| {
        let prompt = |line: &[u8]| {
            let end = memchr::memchr(b'>', line).unwrap_or(0);
            console::is_prompt(line) && !line[..end].contains(&b'\\') && !line.starts_with(b"PS")
        };
        lines(text).any(|line| prompt(trim_start(line.bytes))).then_some("output of WinDbg")
    })
}

/// What kind of text it is, if it shows.
pub fn kind(text: &[u8]) -> Option<&'static str> {
    let start = text.trim_ascii_start();
    let begins = |words: &[&str]| {
        words
            .iter()
            .any(|word| start.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))
    };
    let any = |is: &dyn Fn(&[u8]) -> bool| lines(text).any(|line| is(line.bytes));
    let starts = |words: &[&str]| any(&|line| words.iter().any(|word| line.starts_with(word.as_bytes())));
    let found = [
        (any(&is_quoted), "a mail that quotes a heap log (take the \"> \" off its lines)"),
        (begins(&["<!doctype html", "<html"]), "an HTML page"),
        (begins(&["<?xml"]), "an XML document"),
        (begins(&["{", "[{"]), "JSON"),
        (
            starts(&["Windows PowerShell transcript start", "PowerShell transcript start"]),
            "a PowerShell transcript without a heap log in it",
        ),
        (any(&|line| console::is_prompt(trim_start(line))), "text of a console without a heap log in it"),
        (starts(&["From: ", "Subject: ", "Received: ", "MIME-Version: "]), "a mail without a heap log in it"),
        (is_markdown(text), "Markdown without a heap log in it"),
    ];
    found.iter().find(|(is, _)| *is).map(|(_, name)| *name)
}

/// A row behind the mark of a mail's answer.
fn is_quoted(line: &[u8]) -> bool {
    let Some(quoted) = trim_start(line).strip_prefix(b">") else { return false };
    let quoted = trim_start(quoted.trim_ascii_start().strip_prefix(b">").unwrap_or(quoted));
    let is_row = matches!(classify(quoted), Line::Block { .. } | Line::Hog { .. } | Line::Header(_));
    is_row || crate::log::comparison::line::decides(quoted) || sites::decides(quoted)
}

fn is_markdown(text: &[u8]) -> bool {
    let heading = |line: &[u8]| {
        let marks = line.iter().take_while(|byte| **byte == b'#').count();
        (1..=6).contains(&marks) && line.get(marks) == Some(&b' ')
    };
    let underline =
        |line: &[u8]| line.len() >= 3 && (line.iter().all(|b| *b == b'=') || line.iter().all(|b| *b == b'-'));
    let mut above: &[u8] = b"";
    lines(text).any(|line| {
        let found =
            heading(line.bytes) || line.bytes.starts_with(b"```") || (underline(line.bytes) && !above.is_empty());
        above = line.bytes;
        found
    })
}
