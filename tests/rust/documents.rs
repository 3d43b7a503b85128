//! Documents against the code: the catalogue of errors, the dictionary of issues.

use std::{collections::BTreeSet, fs, path::Path};

use heapdelta::{
    ArchiveFault,
    internals::error::{CaptureEntry, Error, ErrorKind},
};

fn project(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// One error of each kind, with the place that the document shows.
fn specimens() -> Vec<(ErrorKind, Option<u64>)> {
    let capture = |line, title: &str| CaptureEntry { line, title: title.to_owned() };
    let quoted = "\"OpenProcess failed, LastError = 0x57\"".to_owned();
    vec![
        (ErrorKind::Io(std::io::Error::other("the disk is gone")), None),
        (ErrorKind::Directory, None),
        (ErrorKind::Empty, None),
        (
            ErrorKind::NotALog { found: "a RAR archive (unpack it first: there is no free reader of it)".to_owned() },
            None,
        ),
        (ErrorKind::ManyMembers { members: ["a.txt (umdh2)", "b.txt (umdh2)"].map(str::to_owned).into() }, None),
        (ErrorKind::NoMember { members: vec!["readme.txt (an empty file)".to_owned()] }, None),
        (ErrorKind::NoSuchMember { wanted: "a.txt".to_owned(), near: None }, None),
        (ErrorKind::NotAnArchive, None),
        (ErrorKind::Packed { fault: ArchiveFault::Damaged("it ends early".to_owned()) }, None),
        (ErrorKind::Packed { fault: ArchiveFault::Limit("members", 10) }, None),
        (ErrorKind::Packed { fault: ArchiveFault::NoPassword }, None),
        (ErrorKind::Packed { fault: ArchiveFault::Unsupported("method 77".to_owned()) }, None),
        (ErrorKind::Packed { fault: ArchiveFault::Overlap }, None),
        (ErrorKind::Packed { fault: ArchiveFault::Link("other.txt".to_owned()) }, None),
        (ErrorKind::NotADump { found: "a header cut after 8 of 32 bytes".to_owned() }, None),
        (ErrorKind::AbsentMemory { address: 0x1_0000, size: 64, absent_address: 0x1_0010, absent_size: 48 }, None),
        (ErrorKind::Closed, None),
        (ErrorKind::NotOneProcess { found: "the process ids differ (704 and 812)".to_owned() }, None),
        (ErrorKind::FailedCapture { message: quoted }, Some(2)),
        (ErrorKind::ManyCaptures { captures: vec![capture(1, "first"), capture(90, "second")] }, None),
        (ErrorKind::NoSuchCapture { wanted: 3, available: 2 }, None),
        (ErrorKind::RadixUnproven, None),
        (ErrorKind::RadixContradicted { radix: 10, found: "9df0".to_owned() }, Some(7)),
        (ErrorKind::Option { expected: "radix 10 or 16", found: "8".to_owned() }, None),
        (ErrorKind::Cancelled, None),
        (ErrorKind::Internal { message: "index out of range".to_owned() }, None),
    ]
}

/// The names that `ErrorKind::name` can return, from its source: a new kind cannot be forgotten above.
fn names_in_source() -> BTreeSet<String> {
    let mut names = arms("src/error/mod.rs", "ErrorKind::");
    names.extend(faults());
    names
}

/// The kinds of what is wrong with archives.
fn faults() -> BTreeSet<String> {
    arms("src/input/archive/fault.rs", "Fault::")
}

/// What arms of a `match` give that begin so.
fn arms(file: &str, start: &str) -> BTreeSet<String> {
    let source = project(file);
    let arms = source.lines().filter(|line| line.trim_start().starts_with(start));
    arms.filter_map(|line| Some(line.split_once("=> \"")?.1.strip_suffix("\",")?.to_owned())).collect()
}

#[test]
fn catalogue_of_errors_shows_every_kind_as_it_is_printed() {
    let document = project("docs/errors.md");
    let mut named = BTreeSet::new();
    for (kind, line) in specimens() {
        named.insert(kind.name().to_owned());
        let heading = format!("\n### {}\n", kind.name());
        let section = document.split(&heading).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
        let section = section.split("\n### ").next().unwrap();
        let error = Error::new(kind).in_file(Some("before.txt".into()));
        let error = if let Some(line) = line { error.at(line, 0) } else { error };
        let block = format!("```text\n{error}\n```");
        assert!(section.contains(&block), "docs/errors.md does not show:\n{block}\nbut\n{section}");
    }
    let documented: BTreeSet<String> =
        document.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    assert_eq!(named, names_in_source());
    assert_eq!(named, documented);
}

/// Kinds of issues, by the three ways in which the source writes them: `Issue { kind: "…" }`, `Severity::Error, "…"` and
/// `issue("…"`.
fn issue_kinds(source: &str) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let mut add = |after: &str| {
        let word = after.split('"').next().unwrap();
        assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "no name for a kind: {word}");
        kinds.insert(word.to_owned());
    };
    for part in source.split("Issue {").skip(1) {
        let literal = part.split_once('}').map_or(part, |(literal, _)| literal);
        literal.split_once("kind: \"").into_iter().for_each(|(_, after)| add(after));
    }
    let called = ["Severity::Error,", "Severity::Warning,", "Severity::Info,", "issue("];
    for (start, _) in source.match_indices('"') {
        if called.iter().any(|call| source[..start].trim_end().ends_with(call)) {
            add(&source[start + 1..]);
        }
    }
    kinds
}

fn source_files(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn dictionary_of_issues_has_every_kind_and_no_other() {
    let mut files = Vec::new();
    source_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut used: BTreeSet<String> = files.iter().flat_map(|source| issue_kinds(source)).collect();
    used.extend(faults());
    // Issues of a log made of a dump are made in Python.
    let of_dumps = project("python/heapdelta/_capture/dump_log.py");
    used.extend(of_dumps.split("\"kind\": \"").skip(1).filter_map(|after| after.split('"').next()).map(str::to_owned));
    let document = project("docs/issues.md");
    let documented: BTreeSet<String> =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect();
    assert_eq!(used, documented, "left: in src, right: in docs/issues.md");
}
