//! Which format a file is of, what is no log at all, and what decoration around and inside a log changes: nothing.

mod captures;
mod decorated;
mod headings;
mod others;
mod spoilt;

use arrow_array::{Array, UInt32Array, UInt64Array};
use heapdelta::{Capture, internals::table::Table, read};

use crate::support::{options, table};

/// A snapshot of UMDH 2: two heaps, 5 blocks.
pub const UMDH2: &str = "\
// UMDH: version 10.0.19041.685: Logtime 2025-02-17 08:16 - Machine=KILN-03 - PID=6132
// Loaded modules:
//        7FF7A0010000    1C000 D:\\kiln\\kilnd.exe
// Process modules enumerated.

*- - - - - - - - - - Start of data for heap @ 1C0000 - - - - - - - - - -

REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID
     STACK if not already dumped.

*- - - - - - - - - - Heap 1C0000 Hogs - - - - - - - - - -

40 bytes + 18 at 2000000 by BackTraceA10
\t7FF7A0011A10
\t7FF7A0012B20

40 bytes + 18 at 2001000 by BackTraceA10
200 bytes + 30 at 3000000 by BackTraceB20
\t7FF7A0011A10

*- - - - - - - - - - End of data for heap @ 1C0000 - - - - - - - - - -
*- - - - - - - - - - Start of data for heap @ 2D0000 - - - - - - - - - -
90 bytes + 20 at 4000000 by BackTraceC30
\t7FF7A0011A10
\t7FF7A0013C30

90 bytes + 20 at 4001000 by BackTrace0
*- - - - - - - - - - End of data for heap @ 2D0000 - - - - - - - - - -
";

/// A snapshot of UMDH 1: two heaps, 3 hogs of 7 blocks.
pub const UMDH1: &str = "\
UMDH: Logtime 2000-06-28 10:54 - Machine=M - PID=704
*********** Heap 00290000 Information ********************
    Flags: 58000062
*********** Heap 00290000 Hogs ********************
00000068 bytes in 0x1 allocations (@ 0x00000068) by: BackTrace43265
        app!f+0x00000001
        app!main+0x00000002
00000020 bytes in 0x2 allocations (@ 0x00000010) by: BackTrace43266
        app!g+0x00000003
*********** Heap 00390000 Hogs ********************
00000040 bytes in 0x4 allocations (@ 0x00000010) by: BackTrace43266
        app!g+0x00000003
";

/// A comparison: two stacks.
pub const COMPARISON: &str = "\
// Debug library initialized ...
// Each log entry has the following syntax:

+   175b0 (  1a4c0 -   2f10)     9e allocs\tBackTrace5C11A0
+      82 (     9e -     1c)\tBackTrace5C11A0\tallocations

\tntdll!RtlAllocateHeap+A2
\tkilnd!Kiln::fire+1C

-     ec0 (    b40 -   1a00)      c allocs\tBackTrace5C1230
-       e (      c -     1a)\tBackTrace5C1230\tallocations

\tkilnd!Shelf::load+88

Total increase ==  166f0 requested +    120 overhead =  16810
";

/// Values of a numeric column, absent where null.
pub fn numbers(table: &Table, name: &str) -> Vec<Option<u64>> {
    let columns = table.batches.iter().map(|batch| batch.column_by_name(name).unwrap().clone());
    columns
        .flat_map(|array| {
            let wide = array.as_any().downcast_ref::<UInt64Array>().map(|array| array.iter().collect::<Vec<_>>());
            wide.unwrap_or_else(|| {
                let narrow = array.as_any().downcast_ref::<UInt32Array>().unwrap();
                narrow.iter().map(|value| value.map(u64::from)).collect()
            })
        })
        .collect()
}

/// Values of a column of text, empty where null.
pub fn texts(table: &Table, name: &str) -> Vec<String> {
    let columns = table.batches.iter().map(|batch| batch.column_by_name(name).unwrap().clone());
    columns
        .flat_map(|array| {
            let array = arrow_array::cast::AsArray::as_string_view(&array).clone();
            array.iter().map(|text| text.unwrap_or_default().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

/// Severity and kind of each issue.
pub fn issues(log: &Capture) -> Vec<(String, String)> {
    let issues = table(log, "issues");
    texts(issues, "severity").into_iter().zip(texts(issues, "kind")).collect()
}

/// Kinds of the issues that are more than worth knowing.
pub fn doubts(log: &Capture) -> Vec<String> {
    issues(log).into_iter().filter(|(severity, _)| severity != "info").map(|(_, kind)| kind).collect()
}

/// Of each row: base of its heap, bytes, overhead, blocks, frames of its stack.
pub type Row = (Option<u64>, Option<u64>, Option<u64>, Option<u64>, Vec<String>);

/// Frames of every stack.
pub fn frames(log: &Capture) -> Vec<Vec<String>> {
    let frames = texts(table(log, "frames"), "text");
    let lists = table(log, "stacks").batches.iter().flat_map(|batch| {
        let lists = batch.column_by_name("frame_ids").unwrap().clone();
        let lists = arrow_array::cast::AsArray::as_list::<i32>(&lists).clone();
        let frames = &frames;
        (0..lists.len()).map(move |at| {
            let ids = lists.value(at);
            let ids = ids.as_any().downcast_ref::<UInt32Array>().unwrap();
            ids.values().iter().map(|id| frames[*id as usize].clone()).collect::<Vec<_>>()
        })
    });
    lists.collect()
}

/// The rows of a snapshot.
pub fn rows(log: &Capture) -> Vec<Row> {
    let (rows, stacks) = (table(log, "allocations"), frames(log));
    let bases = numbers(table(log, "heaps"), "base");
    let column = |name: &str| numbers(rows, name);
    let (heap, requested, overhead) = (column("heap_id"), column("requested_bytes"), column("overhead_bytes"));
    let (count, stack) = (column("allocation_count"), column("stack_id"));
    let row = |at: usize| {
        let frames = stack[at].map_or_else(Vec::new, |stack| stacks[stack as usize].clone());
        (bases[heap[at].unwrap() as usize], requested[at], overhead[at], count[at], frames)
    };
    (0..heap.len()).map(row).collect()
}

/// Reads with several threads and block sizes, which must give the same.
pub fn read_all_ways(text: &str) -> Capture {
    read_in_ways(text, &[(2, 64), (7, 1), (2, 200), (1, 333)])
}

/// The same with one way to compare, for a great many texts.
pub fn read_twice(text: &str) -> Capture {
    read_in_ways(text, &[(2, 1)])
}

fn read_in_ways(text: &str, ways: &[(usize, usize)]) -> Capture {
    let expected = crate::support::outcome(text.as_bytes(), &options(1, 1 << 20), &[]);
    for &(threads, block_size) in ways {
        let found = crate::support::outcome(text.as_bytes(), &options(threads, block_size), &[]);
        assert_eq!(found, expected, "{threads} threads, blocks of {block_size}:\n{text}");
    }
    read(text.as_bytes(), &options(2, 64)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The format of a log.
pub fn format(log: &Capture) -> &str {
    match log {
        Capture::Snapshot(snapshot) => &snapshot.header.format,
        Capture::Comparison(comparison) => &comparison.format,
        Capture::Dump(_) => "minidump",
    }
}
