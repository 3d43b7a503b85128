//! Header lines: who wrote the log, when, on which machine, of which process.
//!
//! ```text
//! // UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - Machine=HCE-C2SFLQ1 - PID=7696
//! UMDH: Logtime 2000-06-28 10:54 - Machine=MYMachine - PID=704
//! ```

use crate::log::{
    fields::trim,
    line::{Line, classify},
    sink::{HeaderLine, Issue, Severity, Sink},
    time::logtime,
};

/// Takes a header line: of any dialect, and counts it.
pub fn take(bytes: &[u8], line: u64, byte: u64, sink: &mut Sink) {
    sink.piece.lines.structure += 1;
    let Line::Header(header) = classify(bytes) else { return };
    let taken_at = logtime(header.logtime);
    if taken_at.is_none() {
        let text = sink.text(header.logtime);
        sink.issue(Issue {
            severity: Severity::Warning,
            kind: "unreadable_time",
            line: Some(line),
            byte: Some(byte),
            text,
            action: "the capture time is unknown",
        });
    }
    let header = HeaderLine {
        line,
        byte,
        tool: sink.text(header.tool),
        version: header.version.map(|text| sink.text(text)),
        taken_at,
        machine: header.machine.map(|text| sink.text(text)),
        pid: header.pid,
        text: sink.text(trim(bytes)),
    };
    sink.piece.headers.push(header);
}
