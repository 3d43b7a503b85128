//! Sums past 2^64 and issues past a thousand, over pieces of any size and any number of threads: nothing depends on either.

use heapdelta::read;
use proptest::prelude::*;

use crate::support::{dump, options, snapshot, table};

/// Everything a log says is the same however it is cut and whoever reads it; gives it.
fn the_same_for_all(text: &str) -> Result<String, TestCaseError> {
    let of = |threads, size| dump(&read(text.as_bytes(), &options(threads, size)).unwrap(), &[]);
    let one = of(1, 1 << 20);
    for (threads, size) in [(1, 64), (2, 64), (7, 64), (7, 300)] {
        prop_assert_eq!(&of(threads, size), &one, "{} threads, {} bytes a piece", threads, size);
    }
    Ok(one)
}

fn block() -> impl Strategy<Value = String> {
    let size = prop_oneof![Just(0x40_u64), Just(u64::MAX), Just(1 << 63), Just(u64::from(u32::MAX)), any::<u64>()];
    (size, 0..3_u32, any::<u16>(), any::<bool>()).prop_map(|(size, id, at, framed)| {
        let frames = if framed { "\t776CDD82\n\n" } else { "" };
        format!("{size:X} bytes + 18 at {:X} by BackTrace{id}\n{frames}", 0x10_0000 + u64::from(at) * 16)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn sums_and_what_is_told_of_them_do_not_depend_on_threads(
        blocks in prop::collection::vec(block(), 1..40), heaps in prop::collection::vec(any::<bool>(), 40),
    ) {
        let mut text = String::new();
        for (block, begins) in blocks.iter().zip(heaps) {
            if begins {
                text.push_str("*- - - - - - - - - - Start of data for heap @ 10000 - - - - - - - - - -\n\n");
            }
            text.push_str(block);
        }
        the_same_for_all(&text)?;
    }
}

#[test]
fn bad_lines_past_the_limit_are_one_row_whoever_reads_them() {
    let bad: String = (0..2500).map(|line| format!("no line {line}\n")).collect();
    let text = format!("*- - - - - - - - - - Start of data for heap @ 10000 - - - - - - - - - -\n{bad}");
    let all = the_same_for_all(&text).unwrap();
    assert!(all.contains("and 1500 more from here on"), "{all}");
    let log = heapdelta::Capture::Snapshot(snapshot(text.as_bytes()));
    // A thousand lines, the row of the others, and the heap without an end.
    assert_eq!(table(&log, "issues").len(), 1002);
}
