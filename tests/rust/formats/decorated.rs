//! Decoration: transcripts, tickets, mails, Markdown, debuggers, prompts. It costs no row, no heap, no overhead and no frame.

use heapdelta::Capture;

use super::{COMPARISON, UMDH1, UMDH2, doubts, format, issues, numbers, read_all_ways, read_twice, rows, texts};
use crate::support::{count_lines, lines, table};

const TRANSCRIPT: &str = "\
**********************
Windows PowerShell transcript start
Start time: 20250217081533
Username: KILN\\potter
RunAs User: KILN\\potter
Machine: KILN-03 (Microsoft Windows NT 10.0.20348.0)
Host Application: powershell.exe
Process ID: 4410
PSVersion: 5.1.20348.2227
**********************
PS D:\\kiln> umdh.exe -p:6132
";

const TRANSCRIPT_END: &str = "\
PS D:\\kiln> Stop-Transcript
**********************
Windows PowerShell transcript end
End time: 20250217081712
**********************
";

/// Text above and below a log.
const AROUND: [(&str, &str); 13] = [
    (TRANSCRIPT, TRANSCRIPT_END),
    ("C:\\>umdh -p:12\n", "\nC:\\>\n"),
    ("Ticket 4711\n*****\n", "*****\n"),
    ("# Case 4711\n\n*** IMPORTANT ***\n\nplease look at these logs\n", "* * *\n"),
    ("The log\n=======\n\n```text\n", "```\n"),
    ("The log\n-------\n", "---\n"),
    ("*** ERROR: Symbol file could not be found.  Defaulted to export symbols for ntdll.dll - \n", ""),
    ("*** WARNING: Unable to verify checksum for kilnd.exe\n", "*** WARNING: Unable to verify timestamp for a.dll\n"),
    ("_____\n~~~~~\n#####\n- - -\n", "- - -\n"),
    ("-----Original Message-----\nFrom: somebody\nSubject: log\n\n", "-----\n"),
    ("Microsoft Windows [Version 10.0.19045]\n(c) Microsoft Corporation. All rights reserved.\n\nC:\\>umdh a b\n", ""),
    ("=== heap of the kiln ===\n*** heap 2 of 3 ***\n", "=== end ===\n"),
    ("0:000> .shell\n", "0:000> q\n"),
];

#[test]
fn what_stands_around_a_snapshot_changes_no_row() {
    for (plain, name) in [(UMDH2, "umdh2"), (UMDH1, "umdh1")] {
        let expected = rows(&read_all_ways(plain));
        for (above, below) in AROUND {
            let text = format!("{above}{plain}{below}");
            let log = read_all_ways(&text);
            assert_eq!((format(&log), rows(&log)), (name, expected.clone()), "{text}");
            assert_eq!(doubts(&log), [""; 0], "{text}");
            assert_eq!(lines(&log).total(), count_lines(text.as_bytes()));
        }
    }
}

#[test]
fn a_snapshot_without_its_header_is_known_by_its_rows() {
    let headless = |text: &str| text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    for (plain, name) in [(UMDH2, "umdh2"), (UMDH1, "umdh1")] {
        let expected = rows(&read_all_ways(plain));
        for (above, below) in AROUND {
            let log = read_all_ways(&format!("{above}{}{below}", headless(plain)));
            assert_eq!(rows(&log), expected, "{above}");
            assert_eq!(format(&log), name, "{above}");
        }
    }
}

#[test]
fn what_stands_around_a_comparison_changes_no_row() {
    for (above, below) in AROUND {
        let text = format!("{above}{COMPARISON}{below}");
        let log = read_all_ways(&text);
        assert_eq!(format(&log), "umdh-compare", "{text}");
        let rows = table(&log, "rows");
        assert_eq!(numbers(rows, "requested_bytes_before"), [Some(0x2f10), Some(0x1a00)]);
        assert_eq!(numbers(rows, "requested_bytes_after"), [Some(0x1a4c0), Some(0xb40)]);
        assert_eq!(doubts(&log), [""; 0], "{text}");
        assert_eq!(lines(&log).total(), count_lines(text.as_bytes()));
    }
}

#[test]
fn what_stands_around_call_sites_changes_no_row() {
    let sites = "  0x12 bytes 1 allocs\tapp!f\n=====\nPS C:\\>\n  13 bytes 2 allocs\tapp!g\n";
    for (above, below) in AROUND {
        let log = read_all_ways(&format!("{above}{sites}{below}"));
        assert_eq!((format(&log), doubts(&log)), ("dhcmp-sites", vec![]), "{above}");
        assert_eq!(numbers(table(&log, "allocations"), "requested_bytes"), [Some(0x12), Some(13)]);
    }
}

#[test]
fn a_comparison_in_a_transcript_has_its_rows_and_its_total() {
    let Capture::Comparison(comparison) = read_all_ways(&format!("{TRANSCRIPT}{COMPARISON}{TRANSCRIPT_END}")) else {
        panic!("a comparison")
    };
    assert_eq!((comparison.radix, comparison.format.as_str()), (Some(16), "umdh-compare"));
    assert_eq!((comparison.total_requested_delta, comparison.total_overhead_delta), (Some(91_888), Some(288)));
    let log = Capture::Comparison(comparison);
    let counts = numbers(table(&log, "rows"), "allocation_count_after");
    assert_eq!(counts, [Some(158), Some(12)]);
    assert!(
        issues(&log).iter().all(|(severity, kind)| severity == "info" && kind == "console_text"),
        "{:?}",
        issues(&log)
    );
}

/// Lines that may be between any two lines of a log.
const INSIDE: [&str; 44] = [
    "=====",
    "*****",
    "**********************",
    "---",
    "-----",
    "___",
    "* * *",
    "- - -",
    "=== page 2 ===",
    "*** ERROR: Symbol file could not be found.  Defaulted to export symbols for ntdll.dll - ",
    "*** heap bad",
    "```",
    "# part 2",
    "C:\\>",
    "PS C:\\> ",
    "0:000> ",
    "Windows PowerShell transcript end",
    "End time: 20250217081712",
    "// a comment",
    "══════",
    "─────",
    "• • •",
    "-- More  --",
    "--More--(12%)",
    "-- ",
    "\x0C",
    "\x1A",
    "<pre>",
    "</pre>",
    "<br>",
    "[code]",
    "[/code]",
    "{code}",
    "{code:title=log}",
    "{noformat}",
    "<!-- log -->",
    "+------+",
    "|",
    "> ",
    "**Note**",
    "[...]",
    "...",
    "^C",
    "Page 3 of 7",
];

#[test]
fn a_line_of_decoration_anywhere_changes_no_row() {
    for plain in [UMDH2, UMDH1] {
        let expected = rows(&read_all_ways(plain));
        let all: Vec<&str> = plain.lines().collect();
        for decoration in INSIDE {
            for place in 0..=all.len() {
                let mut lines = all.clone();
                lines.insert(place, decoration);
                let text = lines.join("\n") + "\n";
                let log = read_twice(&text);
                assert_eq!(rows(&log), expected, "{decoration} before line {place}");
                assert_eq!(doubts(&log), [""; 0], "{decoration} before line {place}");
            }
        }
    }
}

#[test]
fn a_line_of_decoration_anywhere_changes_no_row_of_a_comparison() {
    let shown = |log: &Capture| {
        let rows = table(log, "rows");
        let numbers = [
            "requested_bytes_before",
            "requested_bytes_after",
            "allocation_count_before",
            "allocation_count_after",
            "stack_id",
        ]
        .map(|name| numbers(rows, name));
        (numbers, texts(table(log, "frames"), "text"), table(log, "stacks").len())
    };
    let expected = shown(&read_all_ways(COMPARISON));
    let all: Vec<&str> = COMPARISON.lines().collect();
    for decoration in INSIDE {
        for place in 0..=all.len() {
            let mut lines = all.clone();
            lines.insert(place, decoration);
            let log = read_twice(&(lines.join("\n") + "\n"));
            assert_eq!(shown(&log), expected, "{decoration} before line {place}");
            assert_eq!(doubts(&log), [""; 0], "{decoration} before line {place}");
        }
    }
}

#[test]
fn below_a_heading_that_no_tool_prints_hogs_keep_their_heap_and_an_issue_says_so() {
    let all: Vec<&str> = UMDH1.lines().collect();
    let expected = rows(&read_all_ways(UMDH1));
    let mut lines = all.clone();
    lines.insert(7, "*** IMPORTANT ***");
    let log = read_all_ways(&(lines.join("\n") + "\n"));
    assert_eq!((rows(&log), doubts(&log)), (expected, vec!["heap_in_doubt".to_owned()]));
    lines[7] = "- - - page 2 - - -";
    let log = read_all_ways(&(lines.join("\n") + "\n"));
    assert_eq!((rows(&log), doubts(&log)), (rows(&read_all_ways(UMDH1)), vec!["heap_in_doubt".to_owned()]));
    lines[7] = "*** Memory Hogs ***";
    let log = read_all_ways(&(lines.join("\n") + "\n"));
    assert_eq!((rows(&log)[1].0, doubts(&log)), (None, vec!["heap_in_doubt".to_owned()]));
}

#[test]
fn a_prompt_in_umdh_1_leaves_the_heap() {
    let text = "UMDH: Logtime 2000-06-28 10:54 - Machine=M - PID=704\n\
        *********** Heap 00290000 Hogs ********************\n\
        00000068 bytes in 0x1 allocations (@ 0x00000068) by: BackTrace43265\n        app!f+0x00000001\n\
        C:\\>\n\
        00000068 bytes in 0x1 allocations (@ 0x00000068) by: BackTrace43265\n        app!f+0x00000001\n";
    let log = read_all_ways(text);
    let row = (Some(0x29_0000), Some(0x68), None, Some(1), vec!["app!f+0x00000001".to_owned()]);
    assert_eq!((rows(&log), doubts(&log)), (vec![row.clone(), row], vec![]));
}

#[test]
fn what_a_console_prints_below_a_prompt_is_kept_and_no_error() {
    for plain in [UMDH1, UMDH2] {
        let text =
            format!("{plain}C:\\>dir\n Volume in drive C has no label.\n               5 Dir(s)  10,000 bytes free\n");
        let log = read_all_ways(&text);
        assert_eq!(doubts(&log), [""; 0]);
        assert!(texts(table(&log, "sections"), "text").iter().any(|text| text.contains("no label")));
    }
}

#[test]
fn prose_inside_a_heap_is_told_and_so_are_spoilt_lines_anywhere() {
    let prose = UMDH2.replace("200 bytes", "Hello there\n200 bytes");
    assert_eq!(doubts(&read_all_ways(&prose)), ["unreadable_line"]);
    for spoilt in ["64 bytes + 1C at 2E9FA by Back", "\t77ZCDD8277ZC", "000001A0 bytes in 0x4 allocat"] {
        for plain in [UMDH2, UMDH1] {
            let log = read_all_ways(&format!("{spoilt}\n{plain}"));
            assert_eq!(doubts(&log), ["unreadable_line"], "{spoilt}");
        }
    }
}

#[test]
fn a_heading_that_the_file_ends_in_is_told() {
    for plain in [UMDH2, UMDH1] {
        for heading in [
            "*- - - - - - - - - - Start of data for heap @ 1C",
            "*- -",
            "***",
            "*********** Heap 0029",
            "UMDH: Log",
            "// UMDH: version 6.",
        ] {
            let log = read_all_ways(&format!("{plain}{heading}"));
            assert_eq!(doubts(&log), ["cut_line"], "{heading}");
        }
        assert_eq!(doubts(&read_all_ways(&format!("{plain}**********************"))), [""; 0], "a rule is whole");
    }
}

/// In UMDH 2 every heap has banners of its own, so no other heading can end one.
#[test]
fn a_heading_inside_a_heap_of_umdh_2_changes_nothing() {
    let expected = rows(&read_all_ways(UMDH2));
    for heading in ["*** IMPORTANT ***", "- - - page 2 - - -", "*********** Locks ***********", "*** Memory Hogs ***"] {
        for place in [11, 14, 15, 16, 18] {
            let mut lines: Vec<&str> = UMDH2.lines().collect();
            lines.insert(place, heading);
            let log = read_all_ways(&(lines.join("\n") + "\n"));
            assert_eq!((rows(&log), doubts(&log)), (expected.clone(), vec![]), "{heading} before line {place}");
        }
    }
}

/// 41 blocks, 4,972 bytes asked for, 1,140 of overhead: with and without a transcript around them.
#[test]
fn a_snapshot_in_a_transcript_has_its_overhead_and_its_depth() {
    let mut text =
        String::from("// UMDH: version 10.0.19041.685: Logtime 2025-02-17 08:16 - Machine=KILN-03 - PID=6132\n\n");
    text += "*- - - - - - - - - - Start of data for heap @ 1C0000 - - - - - - - - - -\n\n";
    for (count, requested, overhead, id, depth) in
        [(30, 0x40, 0x18, "A10", 3), (5, 0x200, 0x30, "B20", 16), (2, 0x90, 0x20, "C30", 32), (4, 0x33, 0x1D, "0", 0)]
    {
        for block in 0..count {
            text += &format!(
                "{requested:X} bytes + {overhead:X} at {:X} by BackTrace{id}\n",
                0x200_0000 + requested * 0x1_0000 + block * 0x1000
            );
            if block == 0 && depth > 0 {
                (0..depth).for_each(|frame| text += &format!("\t{:X}\n", 0x7FF7_A001_0000_u64 + frame * 16));
                text.push('\n');
            }
        }
    }
    text += "*- - - - - - - - - - End of data for heap @ 1C0000 - - - - - - - - - -\n";
    for text in [text.clone(), format!("{TRANSCRIPT}{text}{TRANSCRIPT_END}")] {
        let log = read_all_ways(&text);
        let usage = table(&log, "usage");
        let sum = |name: &str| numbers(usage, name).into_iter().map(Option::unwrap).sum::<u64>();
        assert_eq!((format(&log), table(&log, "allocations").len()), ("umdh2", 41));
        assert_eq!((sum("requested_bytes"), sum("overhead_bytes")), (4_972, 1_140));
        let stacks = table(&log, "stacks");
        let truncated = arrow_array::cast::AsArray::as_boolean(stacks.batches[0].column_by_name("truncated").unwrap());
        assert_eq!(truncated.iter().collect::<Vec<_>>(), [Some(false), Some(false), Some(true)]);
        assert_eq!(doubts(&log), [""; 0]);
    }
}
