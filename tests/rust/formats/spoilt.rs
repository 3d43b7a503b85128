//! A number that cannot be read costs its record alone: the stack below it is kept for its id.

use heapdelta::Capture;

use super::{doubts, frames, numbers, read_all_ways, rows, texts};
use crate::support::table;

const HEAP: &str = "*- - - - - - - - - - Start of data for heap @ 2A0000 - - - - - - - - - -\n";
const END: &str = "*- - - - - - - - - - End of data for heap @ 2A0000 - - - - - - - - - -\n";

#[test]
fn blocks_of_umdh_2() {
    for spoilt in [
        "1 bytes + 100000000 at 123456A8 by BackTraceEBD3",
        "1 bytes + 10000000000000000 at 123456A8 by BackTraceEBD3",
        "1Z bytes + 10 at 123456A8 by BackTraceEBD3",
        "11111111111111111 bytes + 10 at 123456A8 by BackTraceEBD3",
        "1 bytes + ?? at 123456A8 by BackTraceEBD3",
        "1 bytes + 10 at 1234567890ABCDEF0 by BackTraceEBD3",
        "1 bytes + 10 at 12 34 by BackTraceEBD3",
        "   1 bytes + 10 at 123456AX by BackTraceEBD3",
        "1 byxes + 10 at 123456A8 by BackTraceEBD3",
    ] {
        for above in ["", "20 bytes + 10 at 12345000 by BackTraceA1\n\t10011111\n"] {
            let later = "1000 bytes + 10 at 123457A8 by BackTraceEBD3\n";
            let text = format!("{HEAP}{above}{spoilt}\n\t100B3FFF\n\t100B4FFF\n\n{later}{END}");
            let log = read_all_ways(&text);
            let found = rows(&log);
            let stack = vec!["100B3FFF".to_owned(), "100B4FFF".to_owned()];
            assert_eq!(found.last().unwrap(), &(Some(0x2A_0000), Some(0x1000), Some(0x10), Some(1), stack), "{text}");
            assert_eq!(found.len(), if above.is_empty() { 1 } else { 2 });
            if !above.is_empty() {
                assert_eq!(found[0].4, ["10011111"], "its frames are those of no other");
            }
            assert_eq!(doubts(&log), ["unreadable_line"], "{text}");
        }
    }
}

#[test]
fn an_id_that_cannot_be_read_leaves_its_frames_to_nobody() {
    for spoilt in
        ["1 bytes + 10 at 123456A8 by BackTraceE-D3", "1 bytes + 10 at 123456A8 by Back", "1 bytes + 10 at 123456A8"]
    {
        let above = "20 bytes + 10 at 12345000 by BackTraceA1\n\t10011111\n";
        let log = read_all_ways(&format!("{HEAP}{above}{spoilt}\n\t100B3FFF\n\n{END}"));
        assert_eq!(rows(&log)[0].4, ["10011111"], "{spoilt}");
        assert_eq!(doubts(&log), ["unreadable_line", "frame_without_record"], "{spoilt}");
    }
}

#[test]
fn hogs_of_umdh_1_and_dh() {
    let later = "00000040 bytes in 0x4 allocations (@ 0x00000010) by: BackTrace00031\n";
    for spoilt in [
        "00000040 bytes in 0x400000000 allocations (@ 0x00000010) by: BackTrace00031",
        "0000004Z bytes in 0x4 allocations (@ 0x00000010) by: BackTrace00031",
        "00000000000000040 bytes in 0x4 allocations (@ 0x00000010) by: BackTrace00031",
        "00000040 bytes in four allocations (@ 0x00000010) by: BackTrace00031",
        "00000040 bytes in 0x4 allocations (@ 0x00000010 by: BackTrace00031",
        "64 bytes + 1C0000000 at 2E9FA20 by BackTrace00031",
    ] {
        for header in [
            "UMDH: Logtime 2000-06-28 10:54 - Machine=M - PID=704\n",
            "DH: Logtime 2000-06-28 10:54 - Machine=M - PID=704\n",
            "",
        ] {
            for banner in ["*** Heap 00290000 Hogs ***\n", "*** Heap 00290000 Leaves ***\n", ""] {
                let text = format!("{header}{banner}{later}        app!g+0x1\n{spoilt}\n        app!f+0x1\n{later}");
                let log = read_all_ways(&text);
                assert_eq!(rows(&log).len(), 2, "{text}");
                let found = frames(&log);
                assert!(found.contains(&vec!["app!f+0x1".to_owned()]), "{found:?} {text}");
                assert!(found.contains(&vec!["app!g+0x1".to_owned()]), "{found:?} {text}");
                assert!(doubts(&log).contains(&"unreadable_line".to_owned()), "{text}");
                assert!(!doubts(&log).contains(&"frame_without_record".to_owned()), "{text}");
            }
        }
    }
    let first = "0000004Z bytes in 0x4 allocations (@ 0x10) by: BackTrace00031\n        app!f+0x1\n";
    let log = read_all_ways(&format!("{first}{later}"));
    assert_eq!(
        (rows(&log)[0].4.clone(), doubts(&log)),
        (vec!["app!f+0x1".to_owned()], vec!["unreadable_line".to_owned()])
    );
}

#[test]
fn entries_of_dh() {
    for spoilt in [
        "00151E90151E90151E90 00000040 BackTrace00031",
        "00151E90 0000004Z BackTrace00031",
        "00151E9Z 00000040 BackTrace00031",
    ] {
        let text = format!(
            "*********** Heap 00150000 Entries ***********\n{spoilt}\n        app!f+0x1\n00151ED0 00000018 BackTrace00031\n"
        );
        let log = read_all_ways(&text);
        assert_eq!(rows(&log).len(), 1, "{text}");
        assert_eq!(rows(&log)[0].4, ["app!f+0x1"], "{text}");
        assert_eq!(doubts(&log), ["unreadable_line"], "{text}");
    }
}

#[test]
fn rows_of_comparisons() {
    let above = "+ 1a ( 2a - 10) 1 allocs\tBackTrace1\n+ 1 ( 1 - 0)\tBackTrace1\tallocations\n\n\tapp!f+1\n\n";
    let total = "Total increase == 1a\n";
    for (spoilt, id) in [
        ("+ 1z ( 2a - 10) 1 allocs\tBackTrace2\n", Some("2")),
        ("+ 1ffffffffffffffff ( 1ffffffffffffffff - 0) 1 allocs\tBackTrace2\n", Some("2")),
        ("+ 1a ( 2a - 10 1 allocs\tBackTrace2\n", Some("2")),
        ("- 1a ( 2a - 10) ? 1 allocs\tBackTrace2\n", Some("2")),
        ("+ 1z ( 2a - 10) 1 allocs\tBackTra-ce2\n", None),
        ("+ 1z ( 1 - 0)\tBackTrace2\tallocations\n", Some("2")),
    ] {
        let log = read_all_ways(&format!("{above}{spoilt}\n\tapp!g+2\n\n{total}"));
        let stacks = texts(table(&log, "stacks"), "trace_id").into_iter().zip(frames(&log)).collect::<Vec<_>>();
        assert!(stacks.contains(&("1".to_owned(), vec!["app!f+1".to_owned()])), "{spoilt}: {stacks:?}");
        assert_eq!(table(&log, "rows").len(), 1, "{spoilt}");
        match id {
            Some(id) => {
                assert!(stacks.contains(&(id.to_owned(), vec!["app!g+2".to_owned()])), "{spoilt}: {stacks:?}");
                assert_eq!(doubts(&log), ["unreadable_line"], "{spoilt}");
            }
            None => assert_eq!(doubts(&log), ["unreadable_line", "frame_without_record"], "{spoilt}"),
        }
    }
}

#[test]
fn a_count_line_that_cannot_be_read_costs_the_counts_alone() {
    let text = "+ 1a ( 2a - 10) 1 allocs\tBackTrace1\n+ 1 ( z - 0)\tBackTrace1\tallocations\n\n\tapp!f+1\n\n\
        Total increase == 1a requested + 0 overhead = 1a\n";
    let log = read_all_ways(text);
    let Capture::Comparison(_) = &log else { panic!() };
    assert_eq!(numbers(table(&log, "rows"), "requested_bytes_after"), [Some(0x2a)]);
    assert_eq!(numbers(table(&log, "rows"), "allocation_count_before"), [None]);
    assert_eq!(frames(&log), [["app!f+1"]]);
    assert_eq!(doubts(&log), ["count_line_missing", "unreadable_line"]);
}
