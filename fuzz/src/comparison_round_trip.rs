//! Rows, printed as DHCMP or UMDH would print them, and read back: the same rows, the same total.

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Int64Type, UInt64Type},
};
use heapdelta::{
    Capture, Comparison, Options,
    internals::compat::{Row, dhcmp, umdh},
    read,
};

const FRAMES: [&str; 4] = [
    "ntdll!RtlAllocateHeap+00000274",
    "app!operator new+00000083 (a, b.cpp, 228)",
    "app!???+1E : 7FFB2C81A3D4",
    "F00D",
];

/// Makes rows of `data`: 1 byte how to print, then 19 bytes for each row.
///
/// # Panics
///
/// If what is read back differs.
pub fn target(data: &[u8]) {
    let Some((how, data)) = data.split_first() else { return };
    let (decimal, as_umdh, verbose) = (how & 1 != 0, how & 2 != 0, how & 4 != 0);
    let rows: Vec<Row<'_>> = data.chunks_exact(19).take(32).enumerate().map(|(id, bytes)| row(id, bytes)).collect();
    let mut printed: Vec<&Row<'_>> = rows.iter().filter(|row| row.before != row.after).collect();
    printed.sort_by_key(|row| std::cmp::Reverse(row.after as i64 - row.before as i64));
    let overhead = i64::from(*how) - 128;
    let text = match as_umdh {
        true => umdh::write(&rows, decimal, Some(overhead)),
        false => dhcmp::write_mode1(&rows, decimal, verbose),
    };
    let options = Options { radix: Some(if decimal { 10 } else { 16 }), ..Options::default() };
    let log = read(text.as_bytes(), &options).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let Capture::Comparison(comparison) = log else { panic!("not a comparison:\n{text}") };
    check(&comparison, &printed, as_umdh, &text);
    let sum: i128 = rows.iter().map(|row| i128::from(row.after) - i128::from(row.before)).sum();
    assert_eq!(comparison.total_requested_delta, Some(sum), "{text}");
    assert_eq!(comparison.total_overhead_delta, as_umdh.then_some(i128::from(overhead)), "{text}");
}

/// Amounts below 2^48, so that no sum leaves 64 bits; past 2^32 all the same.
fn row(id: usize, bytes: &[u8]) -> Row<'static> {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let depth = usize::from(bytes[18]) % (FRAMES.len() + 1);
    Row {
        name: format!("BackTrace{:05X}", id + 1).into(),
        before: number(&bytes[..6]),
        after: number(&bytes[6..12]),
        count_before: Some(number(&bytes[12..15])),
        count_after: Some(number(&bytes[15..18])),
        frames: FRAMES[..depth].to_vec(),
    }
}

fn check(comparison: &Comparison, printed: &[&Row<'_>], as_umdh: bool, text: &str) {
    let table = comparison.table("rows").unwrap_or_else(|| panic!("no rows"));
    assert_eq!(table.len(), printed.len(), "{text}");
    let places = table.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |place| (batch, place)));
    for ((batch, place), row) in places.zip(printed) {
        assert_eq!(unsigned(batch, "requested_bytes_before", place), Some(row.before), "{text}");
        assert_eq!(unsigned(batch, "requested_bytes_after", place), Some(row.after), "{text}");
        assert_eq!(unsigned(batch, "allocation_count_after", place), row.count_after, "{text}");
        let count_before = row.count_before.filter(|_| as_umdh);
        assert_eq!(unsigned(batch, "allocation_count_before", place), count_before, "{text}");
        let delta = column(batch, "requested_bytes_delta").as_primitive::<Int64Type>().value(place);
        assert_eq!(delta, row.after as i64 - row.before as i64, "{text}");
        let id = column(batch, "trace_id").as_string_view().value(place);
        assert_eq!(format!("BackTrace{id}"), row.name, "{text}");
    }
    let issues = comparison.table("issues").map_or(0, |issues| issues.len());
    assert_eq!(comparison.about.lines.issues, 0, "{issues} issues in\n{text}");
}

fn unsigned(batch: &RecordBatch, name: &str, place: usize) -> Option<u64> {
    let values = column(batch, name).as_primitive::<UInt64Type>();
    values.is_valid(place).then(|| values.value(place))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a dyn Array {
    batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}")).as_ref()
}
