//! Stacks that lost their margin, or have blank lines in between.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{essence, log};
use crate::{
    formats::{COMPARISON, UMDH1, UMDH2, doubts, frames, rows},
    support::{options, outcome},
};

/// A web page takes blanks and TABs at the start of lines away.
fn stripped(text: &str) -> String {
    text.lines().map(|line| line.trim_start().to_owned() + "\n").collect()
}

fn spaced(text: &str) -> String {
    text.replace('\n', "\n\n")
}

fn indented(text: &str, margin: &str) -> String {
    text.lines().map(|line| format!("{margin}{}\n", line.trim_start())).collect()
}

#[test]
fn a_snapshot_out_of_a_forum_is_read() {
    let bare = |count: u64, size: &str, address: u64, id: &str| -> String {
        (0..count).map(|block| format!("{size} at {:X} by BackTrace{id}\n", address + 0x1000 * block)).collect()
    };
    let deep: String = (0..16).map(|frame| format!("{:X}\n", 0x7FF7_A001_0100_u64 + 0x10 * frame)).collect();
    let text = format!(
        "// UMDH: version 10.0.19041.685: Logtime 2025-02-17 08:16 - Machine=KILN-03 - PID=6132\n\
        *- - - - - - - - - - Start of data for heap @ 1C0000 - - - - - - - - - -\n\n\
        REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID\nSTACK if not already dumped.\n\n\
        *- - - - - - - - - - Heap 1C0000 Hogs - - - - - - - - - -\n\n\n{}\
        7FFB51012345\n7FF7A0011A10\n7FF7A0012B20\n\n{}\n{}{deep}\n{}\n\
        *- - - - - - - - - - End of data for heap @ 1C0000 - - - - - - - - - -\n",
        bare(1, "40 bytes + 18", 0x200_0000, "A10"),
        bare(29, "40 bytes + 18", 0x200_1000, "A10"),
        bare(1, "200 bytes + 30", 0x300_0000, "B20"),
        bare(4, "200 bytes + 30", 0x300_1000, "B20"),
    );
    let log = log(&text);
    let rows = rows(&log);
    assert_eq!(rows.len(), 35);
    assert_eq!(rows.iter().filter_map(|row| row.1).sum::<u64>(), 4480);
    assert_eq!(frames(&log).iter().map(Vec::len).collect::<Vec<_>>(), [3, 16]);
    assert_eq!(doubts(&log), Vec::<String>::new());
}

#[test]
fn margins_and_blank_lines_change_no_stack() {
    for text in [UMDH2, UMDH1, COMPARISON, &UMDH2.replace("\t7FF7A0012B20", "\tAlias\n\t7FF7A0012B20")] {
        let expected = log(text);
        let shapes = [
            stripped(text),
            spaced(text),
            spaced(&stripped(text)),
            indented(text, "  "),
            indented(text, "\t"),
            spaced(&indented(text, "    ")),
            spaced(text).replace('\n', "\r\n"),
            stripped(text).replace('\n', "\r\r\n"),
        ];
        for shape in shapes {
            let found = log(&shape);
            assert_eq!(essence(&found), essence(&expected), "{shape}");
            assert_eq!(doubts(&found), doubts(&expected), "{shape}");
        }
    }
}

#[test]
fn frames_in_lower_case_and_with_a_prefix_need_no_margin() {
    let expected = frames(&log(UMDH2));
    let lower = |frames: &[Vec<String>]| frames.iter().flatten().map(|frame| frame.to_lowercase()).collect::<Vec<_>>();
    for prefix in ["", "0x"] {
        let text = UMDH2.replace("\t7FF7A001", &format!("{prefix}7ff7a001"));
        let found = lower(&frames(&log(&text)));
        let found: Vec<&str> = found.iter().map(|frame| frame.trim_start_matches("0x")).collect();
        assert_eq!(found, lower(&expected));
    }
}

#[test]
fn numbers_without_a_margin_are_frames_only_in_a_stack() {
    let text = UMDH2.replace("40 bytes + 18 at 2001000", "7FF7A0019999\nFFFF\n40 bytes + 18 at 2001000");
    let found = log(&text);
    assert_eq!(frames(&found), frames(&log(UMDH2)));
    assert_eq!(doubts(&found), ["unreadable_line", "unreadable_line"]);
    // Above the first heap and below a block without a stack, too.
    let text = UMDH2
        .replace("90 bytes + 20 at 4001000 by BackTrace0\n", "90 bytes + 20 at 4001000 by BackTrace0\n7FF7A0019999\n");
    assert_eq!(frames(&log(&text)), frames(&log(UMDH2)));
}

#[test]
fn a_lost_record_does_not_give_its_frames_to_the_one_above() {
    for lost in ["\n\t7FF7A0019999\n\t7FF7A0018888\n\n", "\n\t7FF7A0019999\n\n"] {
        let text = UMDH2.replace("200 bytes", &format!("{lost}200 bytes"));
        let found = log(&text);
        assert_eq!(frames(&found), frames(&log(UMDH2)));
        assert!(doubts(&found).iter().all(|kind| kind == "frame_without_record"), "{:?}", doubts(&found));
        assert!(!doubts(&found).is_empty());
    }
}

const LINES: [&str; 16] = [
    "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0",
    "40 bytes + 18 at 2E9FB00 by BackTrace22",
    "40 bytes + 18 at 2E9FB20 by BackTrace0",
    "776CDD82",
    "\t7768EC66",
    "    77611111",
    "\u{A0}77622222",
    "",
    "",
    "Alias",
    "app!f+1E",
    "SYMSRV:  BYINDEX: 0x1",
    "         c:\\symbols",
    "ntdll.pdb",
    "0123456789ABC",
    "*- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_stack_is_torn_however_the_text_is_cut(
        lines in vec(select(&LINES[..]), 1..50),
        end in select(&["\n", "\r\n", "\n\n", "\r\n\r\n"][..]),
        threads in select(vec![1usize, 2, 7]),
        block in 1usize..200,
    ) {
        let text = format!("*- - - - Start of data for heap @ 2E60000 - - - -{end}{}", lines.join(end));
        prop_assert_eq!(
            outcome(text.as_bytes(), &options(threads, block), &[]),
            outcome(text.as_bytes(), &options(1, 1 << 20), &[])
        );
    }
}
