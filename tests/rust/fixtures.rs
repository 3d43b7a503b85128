//! Every file of tests/data: its tables as a snapshot, and the same tables whatever its line ends, its encoding, the
//! number of threads and the size of blocks.

use std::{fs, path::PathBuf};

use crate::support::{count_lines, dump, lines, options, outcome};
use heapdelta::{Options, internals::input::text::Encoding, read};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    texts.sort();
    assert!(texts.len() >= 10, "fixtures are missing");
    let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    texts.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn with_line_end(text: &[u8], end: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(end)
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2], mark: bool) -> Vec<u8> {
    let mark = if mark { "\u{FEFF}" } else { "" };
    mark.encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
}

#[test]
fn tables_of_every_fixture_are_as_reviewed() {
    for (name, text) in fixtures() {
        insta::assert_snapshot!(name, outcome(&text, &options(1, 1 << 20), &[]));
    }
}

#[test]
fn every_line_end_and_encoding_gives_the_same_tables() {
    for (name, text) in fixtures() {
        // Told what it is, text in windows-1252 has no issue more than in UTF-8.
        let told = Options { encoding: Encoding::named("windows-1252"), ..options(2, 64) };
        let as_it_is = if std::str::from_utf8(&text).is_ok() { options(2, 64) } else { told };
        let expected = outcome(&text, &as_it_is, &["byte"]);
        let decoded =
            String::from_utf8(text.clone()).unwrap_or_else(|_| text.iter().map(|byte| *byte as char).collect());
        let ansi = !text.is_ascii();
        let twins = [
            ("crlf", with_line_end(&text, b"\r\n")),
            ("cr cr lf", with_line_end(&text, b"\r\r\n")),
            ("utf-8 with mark", [b"\xEF\xBB\xBF", decoded.as_bytes()].concat()),
            ("utf-16 le", utf16(&decoded, u16::to_le_bytes, true)),
            ("utf-16 be", utf16(&decoded, u16::to_be_bytes, true)),
            ("utf-16 le without mark", utf16(&decoded, u16::to_le_bytes, false)),
            ("utf-16 be without mark, crlf", utf16(&decoded.replace('\n', "\r\n"), u16::to_be_bytes, false)),
        ];
        for (twin, bytes) in twins {
            assert_eq!(outcome(&bytes, &as_it_is, &["byte"]), expected, "{name} as {twin}, ansi {ansi}");
        }
    }
}

#[test]
fn threads_and_block_sizes_change_nothing() {
    for (name, text) in fixtures() {
        let expected = outcome(&text, &options(1, 1 << 20), &[]);
        for threads in [1, 2, 7] {
            for block_size in [1, 64, 333, 4096] {
                let found = outcome(&text, &options(threads, block_size), &[]);
                assert_eq!(found, expected, "{name} with {threads} threads and blocks of {block_size}");
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_read_and_every_line_accounted_for() {
    for (name, text) in fixtures() {
        for end in 1..text.len() {
            let Ok(log) = read(&text[..end], &options(1, 512)) else { continue };
            assert_eq!(lines(&log).total(), count_lines(&text[..end]), "{name} cut at {end}");
        }
    }
}

#[test]
fn sums_alone_are_the_sums_of_the_blocks() {
    for (name, text) in fixtures() {
        let with = read(text.as_slice(), &options(2, 64)).unwrap();
        let heapdelta::Capture::Snapshot(_) = &with else { continue };
        let without = read(text.as_slice(), &heapdelta::Options { blocks: false, ..options(2, 64) }).unwrap();
        let dumped = |log| {
            let text = dump(log, &[]);
            let (head, rest) = text.split_once("\nallocations\n").unwrap();
            head.to_owned() + rest.split_once("\nusage\n").unwrap().1
        };
        assert_eq!(dumped(&with), dumped(&without), "{name}");
    }
}
