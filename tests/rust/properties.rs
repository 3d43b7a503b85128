//! What must hold for any input: no panic, every line accounted for, the same tables however the text is cut; and what is
//! written is read back.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{count_lines, lines, options, outcome, snapshot};
use arrow_array::{Array, ListArray, UInt32Array, UInt64Array};
use heapdelta::read;

/// Lines of every dialect, whole and broken.
const LINES: [&str; 49] = [
    "// UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - Machine=HOST - PID=10",
    "UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812",
    "DH: Logtime 03/04/2000-05:06 - Machine=FILESRV - PID=404",
    "//            77650000   180000 C:\\Windows\\SysWOW64\\ntdll.dll",
    "// Loaded modules: ",
    "//",
    "DBGHELP: ntdll - public symbols  ",
    "         d:\\symbols\\ntdll.pdb",
    "*- - - - - - - - - - Start of data for heap @ 2E60000 - - - - - - - - - -",
    "*- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -",
    "*- - - - - - - - - - End of data for heap @ 2E60000 - - - - - - - - - -",
    "*- - - - - - - - - - Start of data for heap @ 3000000 - - - - - - - - - -",
    "REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID",
    "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0",
    "64 bytes + 1C at 2E9FA40 by BackTrace18D0A0D0",
    "40 bytes + 18 at 2E9FB00 by BackTrace22",
    "40 bytes + 18 at 2E9FB20 by BackTrace0",
    "123456789A bytes + 18 at 2E9FB40 by BackTrace23",
    "64 bytes + 1C at 2E9F",
    "\t776CDD82",
    "\t7768EC66",
    "\t11111111",
    "\tAlias",
    "    776CDD82",
    "*********** Heap 00140000 Hogs ********************",
    "*********** Heap 00140000 Information ********************",
    "    Bytes Allocated: 00008DF0",
    "00005320 bytes in 0x14 allocations (@ 0x00000428) by: BackTrace00053",
    "        shop!operator new+0x0000000E",
    "*********** Locks ********************",
    "00400000 0004F000 d:\\shop\\shop.exe",
    "+ 2a98c90 ( 2a98c90 -     0)  15cf4 allocs\tBackTrace74050",
    "Connecting.....Module enumeration complete.",
    "",
    "=====",
    "**********************",
    "=== Heap 2E60000 Hogs ===",
    "- - - - Heap 2E60000 Hogs - - - -",
    "- - - - page 2 - - - -",
    "*** IMPORTANT ***",
    "*** ERROR: Symbol file could not be found.  Defaulted to export symbols for ntdll.dll - ",
    "C:\\>",
    "PS D:\\kiln> umdh a b",
    "64 bytes + 1CCCCCCCCC at 2E9FA60 by BackTrace18D0A0D0",
    "6Z bytes + 1C at 2E9FA60 by BackTrace22",
    "  dead bytes !app+1",
    "Total increase ==  2a98c90",
    "// Debug library initialized ...",
    "Total increase ==  2z",
];

fn mixture() -> impl Strategy<Value = String> {
    let line = select(&LINES[..]);
    (vec(line, 1..60), select(&["\n", "\r\n", "\r\r\n"][..]), any::<bool>()).prop_map(|(lines, end, ended)| {
        let text = lines.join(end);
        if ended { text + end } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..600)) {
        outcome(&bytes, &options(2, 64), &[]);
    }

    #[test]
    fn any_mixture_accounts_for_every_line(text in mixture()) {
        if let Ok(log) = read(text.as_bytes(), &options(2, 64)) {
            prop_assert_eq!(lines(&log).total(), count_lines(text.as_bytes()));
        }
    }

    #[test]
    fn any_cut_into_blocks_gives_the_same_tables(text in mixture(), threads in select(vec![1usize, 2, 7]), block in 1usize..400) {
        prop_assert_eq!(outcome(text.as_bytes(), &options(threads, block), &[]), outcome(text.as_bytes(), &options(1, 1 << 20), &[]));
    }

    #[test]
    fn a_capture_of_several_is_one(text in mixture()) {
        let wanted = |capture| heapdelta::Options { capture, ..options(2, 64) };
        let Err(error) = read(text.as_bytes(), &wanted(None)) else { return Ok(()) };
        let heapdelta::ErrorKind::ManyCaptures { captures } = error.kind() else { return Ok(()) };
        for number in 1..=captures.len() {
            if let Err(error) = read(text.as_bytes(), &wanted(Some(number))) {
                prop_assert!(!matches!(error.kind(), heapdelta::ErrorKind::ManyCaptures { .. }), "capture {}: {}", number, error);
            }
        }
    }

    #[test]
    fn bytes_inside_a_log_are_survived(junk in vec(any::<u8>(), 0..200), at in 0usize..400) {
        let mut text = LINES.join("\n").into_bytes();
        let at = at.min(text.len());
        text.splice(at..at, junk);
        outcome(&text, &options(2, 64), &[]);
    }

    #[test]
    fn what_is_written_is_read(
        blocks in vec((1u64..=u64::from(u32::MAX) * 16, 0u32..0xFFFF, 1u64..1 << 47, 1usize..9), 1..80),
        stacks in vec(vec(1u64..1 << 47, 1..40), 8),
    ) {
        let mut text = String::from("*- - - - - - Heap 1D2A0000000 Hogs - - - - - -\n\n");
        let mut printed = [false; 9];
        for (requested, overhead, address, trace) in &blocks {
            text += &format!("{requested:X} bytes + {overhead:X} at {address:X} by BackTrace{trace:X}\n");
            if !std::mem::replace(&mut printed[*trace], true) {
                stacks[trace - 1].iter().for_each(|frame| text += &format!("\t{frame:X}\n"));
                text.push('\n');
            }
        }
        let snapshot = snapshot(text.as_bytes());
        let batch = &snapshot.table("allocations").unwrap().batches[0];
        let wide = |name: &str| batch.column_by_name(name).unwrap().as_any().downcast_ref::<UInt64Array>().unwrap().clone();
        let narrow = |name: &str| batch.column_by_name(name).unwrap().as_any().downcast_ref::<UInt32Array>().unwrap().clone();
        let frames = &snapshot.table("frames").unwrap().batches;
        let addresses = frames.iter().map(|batch| batch.column(1).as_any().downcast_ref::<UInt64Array>().unwrap());
        let addresses: Vec<u64> = addresses.flat_map(|column| column.values().to_vec()).collect();
        let lists = snapshot.table("stacks").unwrap().batches[0].column_by_name("frame_ids").unwrap().clone();
        let lists = lists.as_any().downcast_ref::<ListArray>().unwrap();
        prop_assert_eq!(batch.num_rows(), blocks.len());
        for (row, (requested, overhead, address, trace)) in blocks.iter().enumerate() {
            prop_assert_eq!(wide("requested_bytes").value(row), *requested);
            prop_assert_eq!(narrow("overhead_bytes").value(row), *overhead);
            prop_assert_eq!(wide("address").value(row), *address);
            let ids = lists.value(narrow("stack_id").value(row) as usize);
            let ids = ids.as_any().downcast_ref::<UInt32Array>().unwrap();
            let read: Vec<u64> = ids.values().iter().map(|id| addresses[*id as usize]).collect();
            prop_assert_eq!(&read, &stacks[trace - 1]);
        }
    }
}
