//! Text written as the old tools would have, and read back to equal numbers.

use heapdelta::{
    ErrorKind,
    internals::{
        assemble::{Facts, assemble},
        compat::{Row, dhcmp, umdh},
        control::Control,
        log::{
            comparison::{self, Comparison, Style},
            sink::Sink,
            sites,
        },
    },
};
use proptest::prelude::*;

fn read(text: &str, decimal: bool) -> (Comparison, Sink) {
    let mut sink = Sink::new(true);
    sink.begin_piece(0);
    let comparison = comparison::read(text.as_bytes(), Some(if decimal { 10 } else { 16 }), &mut sink).unwrap();
    assert_eq!(sink.piece.lines.total(), text.lines().count() as u64);
    (comparison, sink)
}

fn row(name: &str, before: u64, after: u64) -> Row<'_> {
    Row {
        name: name.into(),
        before,
        after,
        count_before: Some(before / 8),
        count_after: Some(after / 8),
        frames: vec!["ntdll!RtlAllocateHeap+00000274", "shop!Cache::insert+0000001E (d:\\a, b (1).cpp, 42)"],
    }
}

#[test]
fn specimen_of_dhcmp_is_written_to_the_byte() {
    let mut specimen = row("BackTrace00053", 0x9df0, 0xf110);
    specimen.count_after = Some(0x3a);
    let expected = "+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n";
    assert_eq!(dhcmp::write_mode1(&[specimen], false, false), expected);
}

#[test]
fn decimal_fields_are_one_column_wider() {
    let text = dhcmp::write_mode1(&[row("BackTrace23FF", 4096, 487_424)], true, false);
    let line = text.lines().next().unwrap();
    assert_eq!(line, "+  483328 ( 487424 -   4096) 60928 allocs\tBackTrace23FF");
    assert_eq!((line.find('('), line.find(')')), (Some(10), Some(27)));
    assert_eq!(&line[..18].len(), &line.find(" -  ").unwrap());
}

#[test]
fn wide_values_push_the_rest_along() {
    let mut wide = row("BackTrace1", 0, 0x1_13fa_f000);
    wide.count_after = Some(0x1234_5678);
    let text = dhcmp::write_mode1(&[wide], false, false);
    assert!(text.starts_with("+ 113faf000 ( 113faf000 -     0) 12345678 allocs\tBackTrace1\n"), "{text}");
}

#[test]
fn growth_comes_first_and_rows_without_change_are_left_out() {
    let rows =
        [row("BackTrace1", 0x90, 0x10), row("BackTrace2", 8, 8), row("BackTrace3", 0, 16), row("BackTrace4", 0, 32)];
    let (comparison, _) = read(&dhcmp::write_mode1(&rows, false, true), false);
    let ids: Vec<_> = comparison.rows.iter().map(|row| row.trace_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["4", "3", "1"]);
    assert_eq!(comparison.total_requested_delta, Some(48 - 0x80));
    assert!(comparison.rows.iter().all(|row| row.definition.is_some()), "-v prints the stacks");
}

#[test]
fn unknown_count_stays_unknown() {
    let mut unknown = row("BackTrace1", 0, 0x10);
    (unknown.count_before, unknown.count_after) = (None, None);
    for text in [dhcmp::write_mode1(&[unknown.clone()], false, false), umdh::write(&[unknown], false, Some(0))] {
        let (comparison, _) = read(&text, false);
        assert_eq!(comparison.rows[0].count_after, None, "{text}");
    }
}

#[test]
fn overhead_that_runs_against_the_total_keeps_its_sign() {
    for (before, after, overhead) in [(0, 0x100, -0x20), (0x100, 0, 0x20), (0, 0x10, -0x20), (0x10, 0, -0x20)] {
        let text = umdh::write(&[row("BackTrace1", before, after)], false, Some(overhead));
        let (comparison, sink) = read(&text, false);
        assert_eq!(comparison.total_requested_delta, Some(i128::from(after) - i128::from(before)), "{text}");
        assert_eq!(comparison.total_overhead_delta, Some(i128::from(overhead)), "{text}");
        assert!(sink.piece.issues.is_empty(), "{:?}", sink.piece.issues);
    }
}

#[test]
fn decimal_text_proves_itself_where_a_borrow_stands() {
    let text = umdh::write(&[row("BackTrace23FF", 4096, 487_424)], true, Some(32));
    let mut sink = Sink::new(true);
    sink.begin_piece(0);
    assert_eq!(comparison::read(text.as_bytes(), None, &mut sink).unwrap().radix, Some(10));
}

#[test]
fn tables_are_not_assembled_for_one_who_left() {
    let control = Control::default();
    control.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    let facts = Facts { depth_limit: 16, has_overhead: false, names_stacks: false, lines_before: 0 };
    let error = assemble(vec![Sink::new(true)], facts, &control).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error}");
}

#[test]
fn call_sites_are_stacks_without_an_id_in_the_tables() {
    let list = [("app!f", 16), ("ABCD", 8), ("app!operator new+0x1e (a b.cpp, 4)", 4)];
    let list = list.map(|(name, bytes)| dhcmp::Site { name, bytes, count: 1 });
    let text = dhcmp::write_mode2(&list, false);
    let mut sink = Sink::new(true);
    sink.begin_piece(0);
    sites::read(text.as_bytes(), true, &mut sink);
    sink.end_piece();
    sink.finish();
    let facts = Facts { depth_limit: 16, has_overhead: false, names_stacks: false, lines_before: 0 };
    let tables = assemble(vec![sink], facts, &Control::default()).unwrap();
    let stacks = &tables.stacks.batches[0];
    assert_eq!(stacks.num_rows(), 3);
    assert_eq!(stacks.column_by_name("trace_id").unwrap().null_count(), 3);
    assert_eq!((tables.usage.len(), tables.heaps.len(), tables.issues.finish().len()), (3, 1, 0));
}

/// Names without line ends: a log cannot hold others.
fn site_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}![A-Za-z:<>+ ]{1,12}\\+0x[0-9a-f]{1,4}( \\(a b, c\\.cpp, 1\\))?", "[!-~][ -~\t]{0,20}[!-~]"]
}

fn amounts() -> impl Strategy<Value = (u64, u64, u64, u64)> {
    let amount = prop_oneof![0..20u64, 0..100_000u64, 0..(1u64 << 40)];
    (amount.clone(), amount, 0..1000u64, 0..1000u64)
}

proptest! {
    #[test]
    fn mode_1_and_umdh_read_back_to_equal_numbers(
        amounts in prop::collection::vec(amounts(), 0..8),
        decimal in any::<bool>(),
        overhead in -100_000i64..100_000,
    ) {
        let rows: Vec<Row<'_>> = amounts.iter().enumerate().map(|(index, (before, after, count_before, count_after))| Row {
            name: format!("BackTrace{index:05X}").into(),
            before: *before,
            after: *after,
            count_before: Some(*count_before),
            count_after: Some(*count_after),
            frames: vec!["app!f+00000012", "app!g+00000034 (x.cpp, 5)"],
        }).collect();
        let sum: i128 = amounts.iter().map(|(before, after, ..)| i128::from(*after) - i128::from(*before)).sum();
        let texts = [
            dhcmp::write_mode1(&rows, decimal, false),
            dhcmp::write_mode1(&rows, decimal, true),
            umdh::write(&rows, decimal, Some(overhead)),
        ];
        for (which, text) in texts.iter().enumerate() {
            let (comparison, sink) = read(text, decimal);
            prop_assert!(sink.piece.issues.is_empty(), "{:?}\n{}", sink.piece.issues, text);
            prop_assert_eq!(comparison.total_requested_delta, Some(sum));
            prop_assert_eq!(comparison.rows.len(), rows.iter().filter(|row| row.before != row.after).count());
            for row in &comparison.rows {
                let index = usize::from_str_radix(row.trace_id.as_deref().unwrap(), 16).unwrap();
                let (before, after, count_before, count_after) = amounts[index];
                prop_assert_eq!((row.before, row.after, row.count_after), (before, after, Some(count_after)));
                if which == 2 {
                    prop_assert_eq!(comparison.style, Style::Umdh);
                    prop_assert_eq!(row.count_before, Some(count_before));
                }
                prop_assert_eq!(row.definition.is_some(), which > 0);
            }
        }
    }

    #[test]
    fn radix_is_never_proven_wrong_by_our_own_text(
        amounts in prop::collection::vec(amounts(), 1..8),
        decimal in any::<bool>(),
    ) {
        let rows: Vec<Row<'_>> = amounts.iter().map(|(before, after, ..)| row("BackTrace1", *before, *after)).collect();
        let text = umdh::write(&rows, decimal, Some(0x77));
        let mut sink = Sink::new(true);
        sink.begin_piece(0);
        match comparison::read(text.as_bytes(), None, &mut sink) {
            Ok(comparison) => {
                let right = if decimal { 10 } else { 16 };
                prop_assert_eq!(comparison.radix.unwrap_or(right), right);
            }
            Err(error) => prop_assert_eq!(error.kind().name(), "radix_unproven"),
        }
    }

    #[test]
    fn mode_2_reads_back_and_compares_again(
        all in prop::collection::btree_map(site_name(), (0..(1u64 << 40), 0..(1u64 << 30)), 0..8),
        decimal in any::<bool>(),
    ) {
        let list: Vec<_> =
            all.iter().map(|(name, (bytes, count))| dhcmp::Site { name, bytes: *bytes, count: *count }).collect();
        let text = dhcmp::write_mode2(&list, decimal);
        let mut sink = Sink::new(true);
        sink.begin_piece(0);
        sites::read(text.as_bytes(), true, &mut sink);
        prop_assert!(sink.piece.issues.is_empty(), "{:?}", sink.piece.issues);
        let mut found: Vec<_> = sink.piece.sums.iter().map(|(_, row)| (row.requested_bytes, row.allocation_count)).collect();
        let mut expected: Vec<_> = all.values().map(|(bytes, count)| (*bytes, *count as u32)).collect();
        found.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
        for line in text.lines().skip(1) {
            let site = sites::Site::parse(line.as_bytes()).unwrap();
            let name = std::str::from_utf8(site.name).unwrap();
            prop_assert_eq!(all[name], (site.bytes, site.count));
        }
    }

    #[test]
    fn call_sites_of_mode_1_keep_their_names(name in site_name(), after in 1..(1u64 << 40), decimal in any::<bool>()) {
        prop_assume!(!name.starts_with("BackTrace"));
        let (count_before, count_after) = (None, Some(1));
        let row = Row { name: name.as_str().into(), before: 0, after, count_before, count_after, frames: vec![&name] };
        for verbose in [false, true] {
            let (comparison, mut sink) = read(&dhcmp::write_mode1(std::slice::from_ref(&row), decimal, verbose), decimal);
            prop_assert_eq!(comparison.rows[0].trace_id.as_deref(), None);
            prop_assert_eq!(comparison.rows[0].after, after);
            let expected = sink.site(name.as_bytes(), 0);
            prop_assert_eq!(sink.piece.definitions[0].trace, expected);
            prop_assert_eq!(sink.traces.len(), 1);
        }
    }
}
