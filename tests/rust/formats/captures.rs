//! Several captures in one file: comparisons, and comparisons beside snapshots.

use heapdelta::{Capture, ErrorKind, Options, read};

use super::{COMPARISON, UMDH1, UMDH2, doubts, format, numbers, texts};
use crate::support::{count_lines, lines, options, outcome, table};

const SECOND: &str = "\
// Debug library initialized ...

+      20 (    3a -    1a)      2 allocs\tBackTrace77
+       1 (      2 -     1)\tBackTrace77\tallocations

\tkilnd!Kiln::cool+2

Total increase ==     20 requested +      0 overhead =     20
";

fn captures(text: &[u8]) -> Vec<(u64, String)> {
    match read(text, &options(2, 64)).map_err(|error| error.to_string()) {
        Ok(log) => panic!("one capture, {}", format(&log)),
        Err(_) => {
            let error = read(text, &options(2, 64)).unwrap_err();
            let ErrorKind::ManyCaptures { captures } = error.kind() else { panic!("{error}") };
            captures.iter().map(|capture| (capture.line, capture.title.clone())).collect()
        }
    }
}

fn capture(text: &[u8], wanted: usize) -> Capture {
    let options = Options { capture: Some(wanted), ..options(2, 64) };
    read(text, &options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn two_comparisons_are_two_captures() {
    let text = format!("{COMPARISON}\nPS D:\\kiln> umdh.exe tue.log wed.log\n{SECOND}PS D:\\kiln> exit\n");
    let row = COMPARISON.lines().nth(3).unwrap().to_owned();
    assert_eq!(captures(text.as_bytes()), [(4, row), (17, "PS D:\\kiln> umdh.exe tue.log wed.log".to_owned())]);
    let (first, second) = (capture(text.as_bytes(), 1), capture(text.as_bytes(), 2));
    let (Capture::Comparison(one), Capture::Comparison(two)) = (&first, &second) else { panic!() };
    assert_eq!((one.total_requested_delta, two.total_requested_delta), (Some(91_888), Some(0x20)));
    assert_eq!((table(&first, "rows").len(), table(&second, "rows").len()), (2, 1));
    assert_eq!((doubts(&first), doubts(&second)), (vec![], vec![]));
    assert_eq!(lines(&first).total() + lines(&second).total(), count_lines(text.as_bytes()));
    assert_eq!(one.about.byte_count + two.about.byte_count, text.len() as u64);
    let third = Options { capture: Some(3), ..options(1, 64) };
    let error = read(text.as_bytes(), &third).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoSuchCapture { wanted: 3, available: 2 }), "{error}");
}

#[test]
fn places_are_those_of_the_file_in_every_encoding() {
    let text = format!("é\n{COMPARISON}{}", SECOND.replace("Total", "+ 5z ( 3 - 1) 1 allocs BackTrace9\nTotal"));
    let line = text.lines().position(|line| line.contains("5z")).unwrap();
    let byte = text.find("+ 5z").unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let utf16 = wide(&format!("\u{FEFF}{text}"));
    let wide_byte = 2 + wide(&text[..byte]).len();
    for (bytes, byte) in [(text.as_bytes(), byte), (&utf16, wide_byte)] {
        let log = capture(bytes, 2);
        let issues = table(&log, "issues");
        let at = texts(issues, "kind").iter().position(|kind| kind == "unreadable_line").unwrap();
        let place = (numbers(issues, "line")[at], numbers(issues, "byte")[at]);
        assert_eq!(place, (Some(line as u64 + 1), Some(byte as u64)));
    }
}

#[test]
fn the_radix_is_decided_for_each() {
    let decimal = "+ 8 ( 12 - 4) 1 allocs BackTrace1\nTotal increase == 8\n";
    let hexadecimal = "+ 1a ( 2a - 10) 1 allocs BackTrace1\nTotal increase == 1a\n";
    let text = format!("{decimal}{hexadecimal}");
    let radix = |wanted| match capture(text.as_bytes(), wanted) {
        Capture::Comparison(comparison) => comparison.radix,
        _ => panic!(),
    };
    assert_eq!((radix(1), radix(2)), (Some(10), Some(16)));
    let unproven = format!("{hexadecimal}+ 16 ( 16 - 0) 2 allocs BackTrace1\n");
    let error = read(unproven.as_bytes(), &Options { capture: Some(2), ..options(1, 64) }).unwrap_err();
    assert_eq!((error.kind().name(), error.position().line), ("radix_unproven", Some(3)));
    assert_eq!(error.position().byte, Some(hexadecimal.len() as u64));
}

#[test]
fn rows_without_a_total_are_a_capture_wherever_they_stand() {
    let total = COMPARISON.lines().last().unwrap();
    let lost = COMPARISON.replace(&format!("{total}\n"), "");
    for text in [format!("{lost}{SECOND}"), format!("{SECOND}{lost}")] {
        assert_eq!(captures(text.as_bytes()).len(), 2, "{text}");
        let missing = [1, 2].map(|wanted| {
            let kinds = texts(table(&capture(text.as_bytes(), wanted), "issues"), "kind");
            kinds.contains(&"total_missing".to_owned())
        });
        assert_eq!(missing.iter().filter(|missing| **missing).count(), 1, "{text}");
    }
    let tail = format!("{SECOND}\nDone.\n\tkilnd!f+1\n");
    assert_eq!(doubts(&read(tail.as_bytes(), &options(1, 64)).unwrap()), ["frame_without_record"]);
}

#[test]
fn comparisons_and_snapshots_of_one_window_are_captures() {
    for snapshot in [UMDH1, UMDH2] {
        let format_of = |text: &str, wanted| format(&capture(text.as_bytes(), wanted)).to_owned();
        let plain = format(&read(snapshot.as_bytes(), &options(1, 64)).unwrap()).to_owned();
        let rows = table(&read(snapshot.as_bytes(), &options(1, 64)).unwrap(), "allocations").len();
        for (text, at) in [
            (format!("{snapshot}{COMPARISON}{SECOND}"), 1),
            (format!("{COMPARISON}{snapshot}{SECOND}"), 2),
            (format!("{COMPARISON}{SECOND}{snapshot}"), 3),
        ] {
            assert_eq!(captures(text.as_bytes()).len(), 3, "{text}");
            for wanted in 1..=3 {
                let expected = if wanted == at { plain.as_str() } else { "umdh-compare" };
                assert_eq!(format_of(&text, wanted), expected, "capture {wanted} of {text}");
                let log = capture(text.as_bytes(), wanted);
                assert_eq!(doubts(&log), [""; 0], "capture {wanted} of {text}");
                if wanted == at {
                    assert_eq!(table(&log, "allocations").len(), rows);
                }
            }
            let ways = [(1, 1 << 20), (2, 64), (7, 1)]
                .map(|(threads, block)| outcome(text.as_bytes(), &options(threads, block), &[]));
            assert!(ways.iter().all(|way| *way == ways[0]));
        }
    }
}

#[test]
fn snapshots_of_two_formats_are_captures_by_their_headers() {
    for (first, second) in [(UMDH1, UMDH2), (UMDH2, UMDH1)] {
        let text = format!("{first}PS D:\\> umdh\n{second}");
        assert_eq!(captures(text.as_bytes()).len(), 2);
        for (wanted, plain) in [(1, first), (2, second)] {
            let (log, expected) = (capture(text.as_bytes(), wanted), read(plain.as_bytes(), &options(1, 64)).unwrap());
            assert_eq!(format(&log), format(&expected));
            assert_eq!(super::rows(&log), super::rows(&expected));
        }
    }
}

/// Below a snapshot: comparisons of which one has lost its total, and a snapshot without its header.
#[test]
fn captures_below_a_snapshot_are_found_to_the_last() {
    let total = COMPARISON.lines().last().unwrap();
    let lost = COMPARISON.replace(&format!("{total}\n"), "");
    let headless: String = UMDH2.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let text = format!("{UMDH2}{lost}{SECOND}{headless}{SECOND}");
    let formats: Vec<String> = (1..=captures(text.as_bytes()).len())
        .map(|wanted| format(&capture(text.as_bytes(), wanted)).to_owned())
        .collect();
    assert_eq!(formats, ["umdh2", "umdh-compare", "umdh-compare", "umdh2", "umdh-compare"]);
    for wanted in [1, 4] {
        assert_eq!(table(&capture(text.as_bytes(), wanted), "allocations").len(), 5);
    }
    assert_eq!(doubts(&capture(text.as_bytes(), 5)), [""; 0]);
}
