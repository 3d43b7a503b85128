//! What holds on any text.

use heapdelta::internals::log::lines::lines;
use proptest::prelude::*;

use super::{known, other, read_blocks};

/// The text, cut behind each line for which `cut` says so.
fn cut(text: &[u8], mut cut: impl FnMut(usize) -> bool) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for (number, line) in lines(text).enumerate() {
        if cut(number) {
            blocks.push(&text[start..line.next]);
            start = line.next;
        }
    }
    blocks.push(&text[start..]);
    blocks
}

fn specimen() -> Vec<u8> {
    let mut text = format!("{}{}", known::LOG, other::LOG);
    for line in [
        "C:\\>umdh -p:321",
        "UMDH: Logtime never",
        "Connecting.....",
        "DBGHELP: ntdll - public symbols",
        "         d:\\symbols\\ntdll.pdb",
        "\tAlias",
        "77F9D123",
        "Spruce!a+0x1",
        "// a comment",
        "// 77E80000 C0000 C:\\WINNT\\system32\\ntdll.dll",
        "A stack trace was not saved for this allocation (Index == 0)",
        "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0",
        "64 bytes + 1FFFFFFFF at 2E9FA20 by BackTrace18D0A0D0",
        "FFFFFFFFFFFFFFFF bytes in 0x1FFFFFFFF allocations (@ 0x1) by: BackTraceA",
        "failed: c0000017",
        "*********",
        "*** Memory Hogs ***",
        "*** Heap 00150000 ***",
        "*- - - - - - - - - - End of data for heap @ 150000 - - - - - - - - - -",
    ] {
        text.push_str(line);
        text.push('\n');
    }
    text.into_bytes()
}

fn check(text: &[u8], blocks: &[&[u8]]) {
    let whole = read_blocks(&[text]);
    assert_eq!(whole.lines.total(), lines(text).count() as u64);
    assert_eq!(read_blocks(blocks), whole);
}

#[test]
fn tables_do_not_depend_on_one_cut_anywhere() {
    let text = specimen();
    for place in 0..lines(&text).count() {
        check(&text, &cut(&text, |line| line == place));
    }
}

#[test]
fn tables_do_not_depend_on_cuts_everywhere() {
    let text = specimen();
    check(&text, &cut(&text, |_| true));
    let unended = &text[..text.len() - 1];
    check(unended, &cut(unended, |_| true));
}

#[test]
fn log_cut_at_any_byte_is_read() {
    let text = specimen();
    for end in 0..text.len() {
        check(&text[..end], &cut(&text[..end], |line| line % 3 == 0));
    }
}

/// Would run for hours if any token were searched for to the end of its line.
#[test]
fn long_lines_take_time_in_proportion() {
    for unit in ["a!b ", "\\ ", "\"a ", "a+1 ", "BackTrace1 ", "00271E90 "] {
        for banner in ["", "*** Locks ***\n", "*** Heap 00150000 Entries ***\n", "*** Heap 00150000 Hogs ***\n"] {
            let text = format!("{banner}{}\n", unit.repeat((1 << 18) / unit.len()));
            check(text.as_bytes(), &cut(text.as_bytes(), |_| true));
        }
    }
}

/// Lines of the specimen in any order, some of them spoilt.
fn mixture() -> impl Strategy<Value = Vec<u8>> {
    let text = specimen();
    let all: Vec<Vec<u8>> = lines(&text).map(|line| line.bytes.to_vec()).collect();
    let line = (0..all.len(), any::<prop::sample::Index>(), any::<u8>(), 0..12u8).prop_map(
        move |(number, place, byte, damage)| {
            let mut line = all[number].clone();
            if let (Some(last), true) = (line.len().checked_sub(1), damage == 0) {
                line[place.index(last + 1)] = byte;
            }
            line
        },
    );
    (prop::collection::vec(line, 0..60), prop::sample::select(vec!["\n", "\r\n", "\r\r\n"]))
        .prop_map(|(lines, end)| lines.join(end.as_bytes()))
}

proptest! {
    #[test]
    fn any_bytes_are_counted_once_and_cut_alike(text in prop::collection::vec(any::<u8>(), 0..2000), step in 1..5usize) {
        check(&text, &cut(&text, |line| line % step == 0));
    }

    #[test]
    fn any_mixture_of_lines_is_counted_once_and_cut_alike(text in mixture(), step in 1..5usize) {
        check(&text, &cut(&text, |line| line % step == 0));
    }
}
