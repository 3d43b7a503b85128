//! Headings that cannot be read or come twice, headers behind other words, lines that end in CR, and what a hog counts for.

use heapdelta::{Capture, ErrorKind, read};

use super::{COMPARISON, UMDH1, UMDH2, doubts, format, frames, issues, numbers, read_all_ways, rows, texts};
use crate::support::{options, table};

/// Bases of the heaps, by row.
fn bases(log: &Capture) -> Vec<Option<u64>> {
    numbers(table(log, "heaps"), "base")
}

fn start(heap: &str) -> String {
    format!("*- - - - - - - - - - Start of data for heap @ {heap} - - - - - - - - - -\n")
}

fn end(heap: &str) -> String {
    start(heap).replace("Start", "End")
}

const FIRST: &str = "40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n";
const SECOND: &str = "20 bytes + 18 at 3E9FB00 by BackTrace7\n10 bytes + 18 at 3E9FB40 by BackTrace7\n";

/// Heap of each row, the heaps, and the doubts of a log: the first heap is sound, the second has these headings.
fn heaps_of_rows(start_of_second: &str, end_of_second: &str) -> (Vec<Option<u64>>, Vec<Option<u64>>, Vec<String>) {
    let text = format!("{}{FIRST}{}{start_of_second}{SECOND}{end_of_second}", start("10000"), end("10000"));
    let log = read_all_ways(&text);
    let heaps = rows(&log).into_iter().map(|row| row.0).collect();
    (heaps, bases(&log), doubts(&log))
}

#[test]
fn where_the_start_of_a_heap_cannot_be_read_its_end_names_it() {
    let heaps = vec![Some(0x1_0000), Some(0x2_0000), Some(0x2_0000)];
    let both = vec![Some(0x1_0000), Some(0x2_0000)];
    let doubt = vec!["heap_in_doubt".to_owned()];
    for spoilt in ["2?000", "20000x", "2G000", "", "@"] {
        for (start, end) in [(start(spoilt), end("20000")), (start("20000"), end(spoilt))] {
            assert_eq!(heaps_of_rows(&start, &end), (heaps.clone(), both.clone(), doubt.clone()), "{spoilt}");
        }
    }
    let hogs = "*- - - - - - - - - - Heap 20000 Hogs - - - - - - - - - -\n";
    let found = heaps_of_rows(&format!("{}{hogs}", start("2?000")), &end("2?000"));
    assert_eq!((found.0, found.1), (heaps.clone(), both.clone()));
    let spoilt = hogs.replace("20000", "2?000");
    let found = heaps_of_rows(&format!("{}{spoilt}", start("20000")), &end("20000"));
    assert_eq!(found, (heaps, both, doubt));
}

#[test]
fn where_no_heading_of_a_heap_can_be_read_its_rows_have_none_and_are_told() {
    let heaps = (vec![Some(0x1_0000), None, None], vec![Some(0x1_0000), None]);
    let found = heaps_of_rows(&start("2?000"), &end("2?000"));
    assert_eq!((found.0, found.1), heaps.clone());
    assert_eq!(found.2, ["heap_in_doubt", "heap_in_doubt"]);
    // A heap that has ended names no other.
    let found = heaps_of_rows(&start("2?000"), &end("10000"));
    assert_eq!((found.0, found.1), heaps.clone());
    let found = heaps_of_rows("*- - - Heap 2?000 Hogs - - -\n", "");
    assert_eq!((found.0, found.1), heaps);
    assert_eq!(found.2, ["heap_in_doubt"]);
}

#[test]
fn a_block_behind_the_end_of_a_heap_is_told_once() {
    let (heaps, _, doubts) = heaps_of_rows("", "");
    assert_eq!((heaps, doubts), (vec![Some(0x1_0000), None, None], vec!["heap_in_doubt".to_owned()]));
    let (_, _, doubts) = heaps_of_rows(&start("20000"), &(end("20000") + SECOND + &SECOND.replace("3E9", "4E9")));
    assert_eq!(doubts, ["heap_in_doubt"]);
}

#[test]
fn a_header_is_read_whatever_stands_in_front_of_it() {
    let about = |log: &Capture| match log {
        Capture::Snapshot(snapshot) => {
            let header = &snapshot.header;
            (header.format.clone(), header.taken_at.clone(), header.machine.clone(), header.pid)
        }
        _ => panic!("a snapshot"),
    };
    let dh = UMDH1.replace("UMDH:", "DH:");
    for plain in [UMDH2, UMDH1, &dh] {
        let expected = read_all_ways(plain);
        assert!(about(&expected).3.is_some());
        for words in [
            "C:\\>",
            ">",
            "> ",
            "[10:00:01] ",
            "log: ",
            "** ",
            "*** ",
            "\x0C",
            "\0\0\0",
            "# ",
            "; ",
            "-- ",
            "// ",
            "2025-02-17 08:16 ",
        ] {
            let log = read_all_ways(&format!("{words}{plain}"));
            assert_eq!((about(&log), rows(&log)), (about(&expected), rows(&expected)), "{words:?}");
            assert_eq!(doubts(&log), [""; 0], "{words:?}");
        }
    }
}

#[test]
fn a_mail_that_quotes_a_log_is_no_log() {
    for plain in [UMDH2, UMDH1] {
        let quoted: String = plain.lines().map(|line| format!("> {line}\n")).collect();
        let error = read(quoted.as_bytes(), &options(1, 64)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotALog { found } if found.contains("mail")), "{error}");
    }
}

#[test]
fn a_form_feed_in_front_of_a_line_costs_nothing() {
    for plain in [UMDH2, UMDH1] {
        let expected = rows(&read_all_ways(plain));
        for place in 0..plain.lines().count() {
            let feed = |at: usize, line: &str| if at == place && !line.is_empty() { "\x0C" } else { "" };
            let text: String =
                plain.lines().enumerate().map(|(at, line)| format!("{}{line}\n", feed(at, line))).collect();
            let log = read_all_ways(&text);
            assert_eq!((rows(&log), doubts(&log)), (expected.clone(), vec![]), "line {place}");
        }
    }
}

#[test]
fn lines_that_end_in_cr_alone_are_lines() {
    let sites = "  0x12 bytes 1 allocs\tapp!f\n  13 bytes 2 allocs\tapp!g\n";
    for plain in [UMDH2, UMDH1, COMPARISON, sites] {
        let expected = read_all_ways(plain);
        let log = read_all_ways(&plain.replace('\n', "\r"));
        assert_eq!((format(&log), issues(&log)), (format(&expected), issues(&expected)));
        assert_eq!(texts(table(&log, "frames"), "text"), texts(table(&expected, "frames"), "text"));
        let of = if matches!(log, Capture::Comparison(_)) { "rows" } else { "usage" };
        for column in ["requested_bytes", "requested_bytes_after", "stack_id"] {
            if table(&log, of).schema.fields().iter().any(|field| field.name() == column) {
                assert_eq!(numbers(table(&log, of), column), numbers(table(&expected, of), column));
            }
        }
    }
    let error = read(&b"a story\rabout a log\r"[..], &options(1, 64)).unwrap_err();
    assert!(error.to_string().contains("a story") && !error.to_string().contains("about"), "{error}");
}

#[test]
fn a_heap_that_stands_twice_in_one_capture_is_told() {
    let body = |plain: &str| plain.split_once('\n').unwrap().1.to_owned();
    for (plain, expected) in [(UMDH2, 2), (UMDH1, 2)] {
        let log = read_all_ways(&format!("{plain}{}", body(plain)));
        assert_eq!(doubts(&log), vec!["repeated_heap"; expected]);
        assert_eq!(rows(&log).len(), 2 * rows(&read_all_ways(plain)).len(), "all of it counts");
    }
}

#[test]
fn a_block_that_stands_twice_in_a_heap_is_told() {
    let twice = |block: &str| UMDH2.replace(block, &format!("{block}{block}"));
    for block in ["200 bytes + 30 at 3000000 by BackTraceB20\n", "90 bytes + 20 at 4001000 by BackTrace0\n"] {
        let log = read_all_ways(&twice(block));
        assert_eq!((doubts(&log), rows(&log).len()), (vec!["repeated_block".to_owned()], 6), "{block}");
    }
    let elsewhere = UMDH2.replace("at 4001000", "at 3000000");
    assert_eq!(doubts(&read_all_ways(&elsewhere)), [""; 0], "another heap");
}

/// Two heaps have a hog of one id, each with frames of its own, as after an id was given to another stack.
#[test]
fn a_hog_counts_for_the_stack_that_it_prints() {
    let hog = |id: &str, bytes: u64, frames: &[&str]| {
        let row = format!("{bytes:08X} bytes in 0x1 allocations (@ 0x{bytes:08X}) by: BackTrace{id}\n");
        row + &frames.iter().map(|frame| format!("        {frame}\n")).collect::<String>() + "\n"
    };
    let (mix, load) = (["glaze!mix+0x5", "app!main+0x1"], ["kilnd!load+0x5", "app!main+0x1"]);
    for (tool, name) in [("UMDH", "umdh1"), ("DH", "dh")] {
        let mut text = format!("{tool}: Logtime 2000-06-28 10:00 - Machine=M - PID=704\n");
        text += "*********** Heap 00270000 Hogs ********************\n";
        text += &hog("00031", 0x40, &mix);
        text += "*********** Heap 00280000 Hogs ********************\n";
        text += &(hog("00031", 0x80, &load) + &hog("00032", 0x10, &load));
        text += "*********** Heap 00290000 Hogs ********************\n";
        text += &(hog("00031", 0x100, &load) + &hog("00031", 0x200, &mix) + &hog("00031", 0x400, &[]));
        let log = read_all_ways(&text);
        let expected: Vec<(u64, &[&str])> =
            vec![(0x40, &mix), (0x80, &load), (0x10, &load), (0x100, &load), (0x200, &mix), (0x400, &mix)];
        let found: Vec<_> = rows(&log).into_iter().map(|row| (row.1.unwrap(), row.4)).collect();
        let found: Vec<(u64, Vec<&str>)> =
            found.iter().map(|(bytes, frames)| (*bytes, frames.iter().map(String::as_str).collect())).collect();
        assert_eq!(format(&log), name);
        assert_eq!(found, expected.into_iter().map(|(bytes, frames)| (bytes, frames.to_vec())).collect::<Vec<_>>());
        let (usage, stacks) = (table(&log, "usage"), frames(&log));
        let sum = |function: &str| -> u64 {
            let rows = numbers(usage, "stack_id").into_iter().zip(numbers(usage, "requested_bytes"));
            rows.filter(|(stack, _)| stacks[stack.unwrap() as usize][0] == function)
                .map(|(_, bytes)| bytes.unwrap())
                .sum()
        };
        assert_eq!((sum(mix[0]), sum(load[0])), (0x640, 0x190));
        assert_eq!(doubts(&log), ["conflicting_stack"]);
    }
}
