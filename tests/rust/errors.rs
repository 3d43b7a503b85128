//! Every kind of error once, as the user reads it. The match at the end fails to compile when a kind is added without a
//! test.

use std::{fs, io::Write, sync::atomic::Ordering};

use crate::support::options;
use heapdelta::{
    Capture, Error, ErrorKind, Options,
    internals::{control::Control, input::Source},
    read, read_with,
};

fn refused(bytes: &[u8]) -> Error {
    read(bytes, &options(1, 64)).unwrap_err()
}

fn said(error: &Error) -> String {
    covered(error.kind());
    error.to_string()
}

#[test]
fn empty_and_blank_files() {
    let messages = [said(&refused(b"")), said(&refused(b" \r\n\t\r\n")), said(&refused(b"\xFF\xFE"))];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn other_files_are_named() {
    let messages = [
        said(&refused(b"Rar!\x1A\x07\x01\0....")),
        said(&refused(b"\x01\x02\x00\x03 binary")),
        said(&refused(b"Dear support,\nattached \"is\" the log.\n")),
        said(&refused("Größe\n".repeat(30).as_bytes())),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn archives_say_what_they_hold() {
    let named = read("tests/data/umdh2_x64.txt!x", &options(1, 64)).unwrap_err();
    let archive = crate::archives::zipped(Default::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.zip");
    std::fs::write(&path, &archive).unwrap();
    let path = path.to_str().unwrap();
    let missing = read(&*format!("{path}!LOGS/a.txt"), &options(1, 64)).unwrap_err();
    let messages = [
        said(&refused(b"PK\x03\x04....")),
        said(&refused(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),
        said(&refused(&archive)),
        said(&named),
        said(&missing).replace(path, "case.zip"),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn dumps_that_are_none_say_why() {
    let header = |version: u8, directory: u8| {
        [&b"MDMP"[..], &[version, 0xA7, 0, 0], &[1, 0, 0, 0], &[directory, 0, 0, 0], &[0; 16]].concat()
    };
    let messages =
        [said(&refused(b"MDMP\x93\xa7\0\0")), said(&refused(&header(0x94, 32))), said(&refused(&header(0x93, 32)))];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn absent_memory_is_named() {
    let dump = crate::dumps::dump(crate::sample_dump::bytes(&crate::sample_dump::sample()));
    let base = crate::sample_dump::range_base(0);
    let messages = [said(&dump.bytes_at(base + 0xFF0, 64).unwrap_err()), said(&dump.bytes_at(16, 1).unwrap_err())];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn a_dump_that_was_closed_keeps_its_tables_and_lets_go_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.dmp");
    fs::write(&path, crate::sample_dump::bytes(&crate::sample_dump::sample())).unwrap();
    let Capture::Dump(dump) = read(path.as_path(), &options(1, 64)).unwrap() else { panic!("it is a dump") };
    let closed = dump.closed();
    assert_eq!(closed.table("modules").unwrap().len(), dump.table("modules").unwrap().len());
    assert_eq!(closed.header, dump.header);
    drop(dump);
    // What is mapped cannot be cut on Windows.
    fs::write(&path, "").unwrap();
    let plain = said(&closed.bytes_at(crate::sample_dump::range_base(0), 1).unwrap_err());
    insta::assert_snapshot!(plain.replace(&path.display().to_string(), "app.dmp"));
}

#[test]
fn a_dump_of_another_process_is_refused() {
    let dump = crate::dumps::dump(crate::sample_dump::bytes(&crate::sample_dump::sample()));
    let log = crate::support::snapshot(
        b"// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=PC - PID=12\n\
        *- - - - - Start of data for heap @ 10000 - - - - -\n",
    );
    insta::assert_snapshot!(said(&log.with_modules(&dump).unwrap_err()));
}

#[test]
fn a_failed_capture_is_quoted() {
    let text = b"UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812\nConnecting...\nOpenProcess failed, LastError = 0x57\n";
    let silent = b"// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=HOST - PID=10\n";
    let messages = [said(&refused(text)), said(&refused(silent))];
    insta::assert_snapshot!(messages.join("\n\n"));
}

const TWO: &[u8] = b"UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812
*********** Heap 00140000 Hogs ********************
00000020 bytes in 0x1 allocations (@ 0x00000020) by: BackTrace00001
UMDH: Logtime 2001-02-03 05:05 - Machine=WEB01 - PID=812
*********** Heap 00140000 Hogs ********************
00000040 bytes in 0x2 allocations (@ 0x00000020) by: BackTrace00001
";

#[test]
fn several_captures_are_listed() {
    let third = Options { capture: Some(3), ..options(1, 64) };
    let messages = [said(&refused(TWO)), said(&read(TWO, &third).unwrap_err())];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn a_radix_is_proved_or_asked_for() {
    let open = b"+      20 (    40 -    20)      2 allocs\tBackTrace00061\nTotal increase == 20\n";
    let hexadecimal = b"+      2a (    2a -     0)      2 allocs\tBackTrace00061\n";
    let decimal = Options { radix: Some(10), ..options(1, 64) };
    let messages = [said(&refused(open)), said(&read(&hexadecimal[..], &decimal).unwrap_err())];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn options_out_of_range() {
    let radix = Options { radix: Some(8), ..options(1, 64) };
    let messages = [said(&read(TWO, &radix).unwrap_err()), said(&read(TWO, &options(0, 64)).unwrap_err())];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn paths_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    // Systems differ in their separator, and in their words for what is not there.
    let separator = format!("<folder>{}", std::path::MAIN_SEPARATOR);
    let not_there = std::io::Error::from_raw_os_error(2).to_string();
    let plain = |error: &Error| {
        said(error)
            .replace(&place, "<folder>")
            .replace(&separator, "<folder>/")
            .replace(&not_there, "No such file or directory (os error 2)")
    };
    let dump = folder.path().join("app.dmp");
    fs::File::create(&dump).unwrap().write_all(b"MDMP\x93\xa7").unwrap();
    let messages = [
        plain(&read(folder.path(), &options(1, 64)).unwrap_err()),
        plain(&read(folder.path().join("gone.txt").as_path(), &options(1, 64)).unwrap_err()),
        plain(&read(dump.as_path(), &options(1, 64)).unwrap_err()),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn a_read_that_was_stopped_says_so() {
    let control = Control::default();
    control.cancelled.store(true, Ordering::Relaxed);
    let error = read_with(&Source::from(TWO), &options(1, 64), &control).unwrap_err();
    let messages = [said(&error)];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn a_defect_of_ours_asks_for_a_report() {
    let error = Error::from(ErrorKind::Internal { message: "index out of bounds".to_owned() });
    let messages = [said(&error)];
    insta::assert_snapshot!(messages.join("\n\n"));
}

/// One arm for each kind that a test above shows.
fn covered(kind: &ErrorKind) {
    match kind {
        ErrorKind::Io(_)
        | ErrorKind::Directory
        | ErrorKind::Empty
        | ErrorKind::NotALog { .. }
        | ErrorKind::NotADump { .. }
        | ErrorKind::Packed { .. }
        | ErrorKind::NoMember { .. }
        | ErrorKind::ManyMembers { .. }
        | ErrorKind::NoSuchMember { .. }
        | ErrorKind::NotAnArchive
        | ErrorKind::AbsentMemory { .. }
        | ErrorKind::Closed
        | ErrorKind::NotOneProcess { .. }
        | ErrorKind::FailedCapture { .. }
        | ErrorKind::ManyCaptures { .. }
        | ErrorKind::NoSuchCapture { .. }
        | ErrorKind::RadixUnproven
        | ErrorKind::RadixContradicted { .. }
        | ErrorKind::Option { .. }
        | ErrorKind::Cancelled
        | ErrorKind::Internal { .. } => {}
        other => panic!("{} has no test here", other.name()),
    }
}
