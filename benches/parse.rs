//! MB/s of `read` per dialect on logs of some megabytes in memory, one thread. Every bench checks its own answer first.
//!
//! The figures that matter, on logs of 1 GB, come from `make bench`; these are for work on one reader.
#![allow(missing_docs, reason = "criterion writes the functions")]

use std::{fmt::Write, hint::black_box};

use arrow_array::{cast::AsArray, types::UInt64Type};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use heapdelta::{
    Capture, Options,
    internals::{
        compat::{Row, dhcmp, umdh},
        log::blocks::BLOCK_SIZE,
    },
    read,
    testing::reference::{self, Kind},
};

const SIZE: u64 = 8_000_000;
const ROWS: u64 = 20_000;

/// A log, and the sum of its requested bytes.
struct Case {
    name: &'static str,
    text: Vec<u8>,
    requested_bytes: u64,
}

fn reference_log(name: &'static str, kind: Kind) -> Case {
    let options = reference::Options { kind, byte_count: SIZE, seed: 1, grown: false, step: 0 };
    let mut text = Vec::new();
    let answer = reference::write_reference(&mut text, &options).unwrap_or_else(|error| panic!("{error}"));
    Case { name, text, requested_bytes: answer.requested_bytes }
}

fn utf16(name: &'static str, case: &Case) -> Case {
    let units = std::iter::once(0xFEFF).chain(case.text.iter().map(|byte| u16::from(*byte)));
    Case { name, text: units.flat_map(u16::to_le_bytes).collect(), requested_bytes: case.requested_bytes }
}

fn umdh1() -> Case {
    let mut text = String::from("UMDH: Logtime 2000-06-28 10:54 - Machine=PC - PID=704\n");
    text.push_str("*********** Heap 00270000 Hogs ********************\n");
    let mut requested_bytes = 0;
    for row in 0..ROWS {
        let (count, each) = (row % 50 + 1, row % 900 + 8);
        requested_bytes += count * each;
        let sum = count * each;
        let line = format!("{sum:08X} bytes in {count:#x} allocations (@ {each:#010X}) by: BackTrace{row:05}\n");
        text.push_str(&line.replace("0X", "0x"));
        for depth in 0..8 {
            let _ = writeln!(text, "        module{depth}!Class::function{}+0x{row:08X}", row % 300);
        }
    }
    Case { name: "umdh1", text: text.into_bytes(), requested_bytes }
}

fn comparison(name: &'static str, write: impl Fn(&[Row<'_>]) -> String) -> Case {
    let frames = vec!["ntdll!RtlAllocateHeap+00000274", "app!operator new+0000000E", "app!leak+00000083 (a.cpp, 228)"];
    let row = |id: u64| Row {
        name: format!("BackTrace{id:05X}").into(),
        before: id,
        after: 3 * id + 10,
        count_before: Some(1),
        count_after: Some(2),
        frames: frames.clone(),
    };
    let rows: Vec<Row<'_>> = (1..=ROWS).map(row).collect();
    let requested_bytes = rows.iter().map(|row| row.after).sum();
    Case { name, text: write(&rows).into_bytes(), requested_bytes }
}

/// Sum of the bytes of all rows, after.
fn requested_bytes(log: &Capture) -> u64 {
    let (table, column) = match log {
        Capture::Snapshot(snapshot) => (snapshot.table("allocations"), "requested_bytes"),
        Capture::Comparison(comparison) => (comparison.table("rows"), "requested_bytes_after"),
        Capture::Dump(dump) => (dump.table("regions"), "size"),
    };
    let batches = table.map_or(&[][..], |table| &table.batches);
    let columns = batches.iter().filter_map(|batch| batch.column_by_name(column));
    columns.map(|column| column.as_primitive::<UInt64Type>()).map(|column| sum(column.values())).sum()
}

fn sum(values: &[u64]) -> u64 {
    values.iter().sum()
}

fn parse(criterion: &mut Criterion) {
    let blocks = reference_log("umdh2 blocks", Kind::Blocks);
    let wide = utf16("umdh2 blocks, UTF-16", &blocks);
    let cases = [
        blocks,
        wide,
        reference_log("umdh2 mixed", Kind::Mixed),
        umdh1(),
        comparison("dhcmp", |rows| dhcmp::write_mode1(rows, false, true)),
        comparison("umdh-compare", |rows| umdh::write(rows, false, Some(0))),
    ];
    let options = Options { threads: Some(1), block_size: BLOCK_SIZE, ..Options::default() };
    let mut group = criterion.benchmark_group("read");
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    for case in &cases {
        let read = || read(case.text.as_slice(), &options).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(requested_bytes(&read()), case.requested_bytes, "{}", case.name);
        group.throughput(Throughput::Bytes(case.text.len() as u64));
        group.bench_function(case.name, |bencher| bencher.iter(|| black_box(read())));
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
