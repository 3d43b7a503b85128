//! Comparisons: rows, radix, stacks, totals, and what is said about lines that do not fit.

use heapdelta::internals::{
    error::{Error, ErrorKind},
    log::{
        Dialect, Evidence,
        comparison::{Comparison, Style, read},
        sink::{Piece, Sink, store::Span},
    },
};
use proptest::prelude::*;

/// The only piece, and the frames that its definitions have.
#[derive(Debug)]
struct Read {
    piece: Piece,
    frames: Vec<u32>,
}

impl std::ops::Deref for Read {
    type Target = Piece;

    fn deref(&self) -> &Piece {
        &self.piece
    }
}

fn compare(text: &[u8], radix: Option<u32>) -> Result<(Comparison, Read), Error> {
    let mut sink = Sink::new(true);
    sink.begin_piece(0);
    let comparison = read(text, radix, &mut sink)?;
    sink.end_piece();
    sink.finish();
    let piece = sink.pieces.remove(0);
    let Span { region, start, len } = piece.frames;
    let frames = sink.piece_frames.finish()[region][start..start + len].to_vec();
    Ok((comparison, Read { piece, frames }))
}

fn read_text(text: &str) -> (Comparison, Read) {
    compare(text.as_bytes(), None).unwrap()
}

fn kinds(piece: &Piece) -> Vec<&'static str> {
    piece.issues.iter().map(|issue| issue.kind).collect()
}

fn radix_of(text: &str) -> Result<Option<u32>, &'static str> {
    compare(text.as_bytes(), None).map(|(comparison, _)| comparison.radix).map_err(|error| error.kind().name())
}

/// Frames of a row, as numbers of the sink.
fn frames<'a>(comparison: &Comparison, piece: &'a Read, row: usize) -> &'a [u32] {
    let definition = comparison.rows[row].definition.unwrap() as usize;
    let start = definition.checked_sub(1).map_or(0, |before| piece.definitions[before].frames_end as usize);
    &piece.frames[start..piece.definitions[definition].frames_end as usize]
}

const UMDH: &str = "\
+    1f40 (  2ee0 -   fa0)     30 allocs\tBackTrace2A10
+      20 (    30 -    10)\tBackTrace2A10\tallocations

\tntdll!RtlAllocateHeap+00000274
\tshop!Cache::insert+0000001E (d:\\src (x86), new\\cache.cpp, 42)

-     100 (     0 -   100)      0 allocs\tBackTrace2A10
-       1 (     0 -     1)\tBackTrace2A10\tallocations

\tntdll!RtlAllocateHeap+00000274
\tshop!Other+00000002

Total increase ==   1e40 requested +     20 overhead =   1e60
";

#[test]
fn each_row_of_one_id_finds_its_own_frames() {
    let (comparison, piece) = read_text(UMDH);
    assert_eq!(comparison.style, Style::Umdh);
    assert_eq!(comparison.radix, Some(16));
    assert_eq!((comparison.total_requested_delta, comparison.total_overhead_delta), (Some(0x1e40), Some(0x20)));
    let [grown, shrunk] = comparison.rows.as_slice() else { panic!("{:?}", comparison.rows) };
    assert_eq!((grown.before, grown.after, grown.delta), (0xfa0, 0x2ee0, 0x1f40));
    assert_eq!((grown.count_before, grown.count_after, grown.count_delta), (Some(0x10), Some(0x30), Some(0x20)));
    assert_eq!((shrunk.delta, shrunk.count_delta), (-0x100, Some(-1)));
    assert_eq!(grown.trace, shrunk.trace);
    assert_eq!(grown.trace_id.as_deref(), Some("2A10"));
    assert_eq!(frames(&comparison, &piece, 0), [0, 1]);
    assert_eq!(frames(&comparison, &piece, 1), [0, 2]);
    assert_eq!(kinds(&piece), [""; 0]);
    assert_eq!((piece.lines.rows, piece.lines.structure, piece.lines.blank), (8, 1, 4));
}

#[test]
fn line_ends_and_lost_tabs_change_nothing() {
    let (expected, piece) = read_text(UMDH);
    for twin in [UMDH.replace('\n', "\r\n"), UMDH.replace('\n', "\r\r\n"), UMDH.replace('\t', " ")] {
        let (mut comparison, other) = read_text(&twin);
        for (row, expected) in comparison.rows.iter_mut().zip(&expected.rows) {
            row.byte = expected.byte;
        }
        assert_eq!(comparison, expected);
        assert_eq!((&other.frames, other.lines), (&piece.frames, piece.lines));
    }
    let no_margin = UMDH.replace("\tntdll", "ntdll").replace("\tshop", "shop");
    assert_eq!(read_text(&no_margin).1.frames, piece.frames);
}

#[test]
fn radix_is_decided_once_and_with_proof() {
    let cases = [
        ("a letter", "+ 1a ( 1a - 0) 1 allocs BackTrace1\n", Ok(Some(16))),
        ("a letter in a count", "+ 10 ( 10 - 0) a allocs BackTrace1\n", Ok(Some(16))),
        ("a letter in the total", "Total increase == 1a\n", Ok(Some(16))),
        ("a borrow in radix 10", "+ 8 ( 12 - 4) 1 allocs BackTrace1\n", Ok(Some(10))),
        (
            "a borrow in radix 16",
            "+ 14 ( 20 - 12) 1 allocs BackTrace1\n+ 8 ( 10 - 8) 1 allocs BackTrace2\n",
            Ok(Some(16)),
        ),
        (
            "a borrow in a count line",
            "+ 10 ( 10 - 0) 12 allocs BackTrace1\n+ 8 ( 12 - 4) BackTrace1 allocations\n",
            Ok(Some(10)),
        ),
        (
            "a sum without a carry",
            "+ 10 ( 10 - 0) 2 allocs BackTrace1\n+ 10 ( 10 - 0) 2 allocs BackTrace2\nTotal increase == 20\n",
            Err("radix_unproven"),
        ),
        (
            "the sum carries in radix 10",
            "+ 16 ( 16 - 0) 2 allocs BackTrace1\n+ 8 ( 8 - 0) 2 allocs BackTrace2\nTotal increase == 24\n",
            Ok(Some(10)),
        ),
        (
            "the sum carries in radix 16",
            "+ 18 ( 18 - 0) 2 allocs BackTrace1\n+ 8 ( 8 - 0) 2 allocs BackTrace2\nTotal increase == 20\n",
            Ok(Some(16)),
        ),
        ("the total alone", "Total increase == 18 requested + 8 overhead = 26\n", Ok(Some(10))),
        ("nothing decides", "+ 16 ( 16 - 0) 2 allocs BackTrace1\nTotal increase == 16\n", Err("radix_unproven")),
        (
            "two lines disagree",
            "+ 8 ( 12 - 4) 1 allocs BackTrace1\n+ 8 ( 10 - 8) 1 allocs BackTrace2\n",
            Err("radix_unproven"),
        ),
        (
            "a damaged line says nothing",
            "+ 8 ( 12 - 4) 1 allocs BackTrace1\n+ 9 ( 12 - 4) 1 allocs BackTrace2\n",
            Ok(Some(10)),
        ),
        ("no number needs one", "+ 8 ( 9 - 1) 2 allocs BackTrace99\nTotal increase == 8\n", Ok(None)),
        ("no rows", "Total decrease == 0 requested + 0 overhead = 0\n", Ok(None)),
        ("ids and offsets stay out of it", "+ 8 ( 9 - 1) 2 allocs BackTraceFF\n\tapp!f+0000001E\n", Ok(None)),
    ];
    for (what, text, expected) in cases {
        assert_eq!(radix_of(text), expected, "{what}");
    }
}

#[test]
fn what_the_caller_says_is_held_against_the_lines() {
    let unproven = b"\n+ 16 ( 16 - 0) 2 allocs BackTrace1\n";
    let error = compare(unproven, None).unwrap_err();
    assert_eq!((error.position().line, error.position().byte), (Some(2), Some(1)));
    assert_eq!(compare(unproven, Some(10)).unwrap().0.rows[0].after, 16);
    assert_eq!(compare(unproven, Some(16)).unwrap().0.rows[0].after, 0x16);

    let letter = compare(UMDH.as_bytes(), Some(10)).unwrap_err();
    assert!(matches!(letter.kind(), ErrorKind::RadixContradicted { radix: 10, found } if found == "\"1f40\""));
    assert_eq!(letter.position().line, Some(1));
    let borrow = compare(b"+ 8 ( 12 - 4) 1 allocs BackTrace1\n", Some(16)).unwrap_err();
    assert_eq!(
        borrow.kind().to_string(),
        "expected numbers of radix 16, found \"+ 8 ( 12 - 4) 1 allocs BackTrace1\", which adds up in radix 10 only"
    );
    assert!(matches!(compare(unproven, Some(8)).unwrap_err().kind(), ErrorKind::Option { .. }));
}

#[test]
fn contradictions_become_issues_and_the_rows_stay() {
    let cases = [
        ("+ 1b ( 2a - 10) 1 allocs BackTrace1\nTotal increase == 1a\n", vec!["delta_mismatch"]),
        ("- 1a ( 2a - 10) 1 allocs BackTrace1\nTotal increase == 1a\n", vec!["delta_mismatch"]),
        ("+ 1a ( 2a - 10) 1 allocs BackTrace1\nTotal increase == 2a\n", vec!["total_mismatch"]),
        (
            "+ 1a ( 2a - 10) 1 allocs BackTrace1\nTotal increase == 1a requested + 2 overhead = 1d\n",
            vec!["count_line_missing", "total_mismatch"],
        ),
        (
            "+ 1a ( 1a - 0) 2 allocs BackTrace1\n+ 1 ( 1 - 0) BackTrace1 allocations\nTotal increase == 1a\n",
            vec!["count_mismatch"],
        ),
        (
            "+ 1a ( 1a - 0) 2 allocs BackTrace1\n+ 2 ( 2 - 0) BackTrace2 allocations\nTotal increase == 1a\n",
            vec!["count_line_missing", "count_without_row"],
        ),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\n+ 1 ( 1 - 0) BackTrace1 allocations\n+ 1 ( 1 - 0) BackTrace1 allocations\nTotal increase == 1a\n",
            vec!["count_without_row"],
        ),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\nDBGHELP: app - no symbols loaded\n   d:\\app.pdb\nTotal increase == 1a\n",
            vec!["console_text", "console_text"],
        ),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\n  d:\\app.pdb\nDone.\nTotal increase == 1a\n",
            vec!["unreadable_line", "unreadable_line"],
        ),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\n+ 1ffffffffffffffff ( 1ffffffffffffffff - 0) 1 allocs BackTrace2\nTotal increase == 1a\n",
            vec!["unreadable_line"],
        ),
        (
            "+ ffffffffffffffff ( ffffffffffffffff - 0) 1 allocs BackTrace2\nTotal increase == ffffffffffffffff\n",
            vec!["sum_overflow"],
        ),
        (
            "+ 7fffffffffffffff ( 7fffffffffffffff - 0) 1 allocs BackTrace2\n+ 7fffffffffffffff ( 7fffffffffffffff - 0) 1 allocs BackTrace3\n- 1 ( 0 - 1) 1 allocs BackTrace4\nTotal increase == fffffffffffffffd\n",
            vec!["sum_overflow"],
        ),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\n- 8 ( 0 - 8) 1 allocs BackTrace2\n+ 1a ( 1a - 0) 1 allocs BackTrace1\n- 8 ( 0 - 8) 1 allocs BackTrace2\n",
            vec!["repeated_row", "repeated_row", "total_missing"],
        ),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\n+ 6 ( 20 - 1a) 1 allocs BackTrace1\n",
            vec!["repeated_row", "total_missing"],
        ),
        ("+ 1a ( 1a - 0) 1 allocs BackTrace1\n+ 6 ( 20 - 1a) 1 allocs BackTrace1\nTotal increase == 20\n", vec![]),
        ("\tapp!f+12\nTotal decrease == 0\n", vec!["frame_without_record"]),
        ("+ 1a ( 1a - 0) 1 allocs BackTrace1\n", vec!["total_missing"]),
        (
            "+ 1a ( 1a - 0) 1 allocs BackTrace1\n\tMFC42!Ordinal12+14\n\tapp!f+00020000\n\tMFC42!Ordinal12+14\nTotal increase == 1a\n",
            vec!["suspect_symbol", "suspect_symbol"],
        ),
        ("+ 1a 1 allocs BackTrace1\n+ b 1 allocs BackTrace2\nTotal increase == 25\n", vec!["inferred_row"]),
        ("Total increase == 0\n+ 1a ( 1a - 0) 1 allocs BackTra", vec!["cut_line"]),
    ];
    for (text, expected) in cases {
        let (_, piece) = read_text(text);
        assert_eq!(kinds(&piece), expected, "{text}");
        assert_eq!(piece.lines.total(), text.lines().count() as u64, "{text}");
    }
}

#[test]
fn mismatching_delta_gives_way_to_before_and_after() {
    let (comparison, _) = read_text("- 1b ( 2a - 10) 1 allocs BackTrace1\n");
    assert_eq!(comparison.rows[0].delta, 0x1a);
}

#[test]
fn single_log_counts_from_nothing() {
    let (comparison, _) = read_text("+ 1a 3 allocs BackTrace1\n+ 3 BackTrace1 allocations\n\n\tapp!f+1\n");
    let row = &comparison.rows[0];
    assert_eq!((row.before, row.after, row.delta), (0, 0x1a, 0x1a));
    assert_eq!((row.count_before, row.count_after, row.count_delta), (Some(0), Some(3), Some(3)));
    assert_eq!(comparison.style, Style::Umdh);
}

#[test]
fn back_trace_0_has_an_id_and_no_stack() {
    let (comparison, piece) = read_text("+ 1a ( 1a - 0) 3 allocs BackTrace0\n");
    assert_eq!(comparison.rows[0].trace_id.as_deref(), Some("0"));
    assert_eq!((comparison.rows[0].trace, piece.definitions.len()), (None, 0));
    let (comparison, piece) = read_text("+ 1a ( 1a - 0) 3 allocs BackTrace0\n\tapp!f+1\n");
    assert_eq!(comparison.rows[0].trace, Some(piece.definitions[0].trace), "frames under it are not lost");
}

#[test]
fn wide_values_and_all_frame_forms_are_read() {
    let text = "+113faf000 (113faf000 -     0) 15cf4 allocs\tBackTraceF9A156DA\n\
        \tapp!???+00001234 : 0040A234\n\t<nomodule>!???+00001234 : 0040A234\n\tntdll!Rtl+213\n\
        \tMyApp!operator new+0x0000000E (a, b (1).cpp, 12)\n\t776CDD82\n\t\nTotal increase == 113faf000\n";
    let (comparison, piece) = read_text(text);
    assert_eq!(comparison.rows[0].delta, 0x1_13fa_f000);
    assert_eq!(frames(&comparison, &piece, 0).len(), 5);
    assert_eq!(kinds(&piece), [""; 0]);
}

#[test]
fn call_sites_are_rows_without_an_id() {
    let text = "+ 1a ( 2a - 10) 1 allocs\tapp!operator new+0x1e (a b.cpp, 4)\n- 1 ( 0 - 1) 0 allocs\tapp!g\n";
    let (comparison, piece) = read_text(text);
    assert_eq!(comparison.rows[0].trace_id, None);
    assert_eq!((frames(&comparison, &piece, 0), frames(&comparison, &piece, 1)), (&[0][..], &[1][..]));
    assert_ne!(piece.definitions[0].trace, piece.definitions[1].trace);
}

#[test]
fn comments_are_kept_word_for_word() {
    let text = "// Each log entry has this form:\n// + BYTES ( NEW - OLD)\n\nTotal decrease == 0\n";
    let (_, piece) = read_text(text);
    assert_eq!(piece.sections.len(), 2);
    assert_eq!((piece.sections[1].kind, piece.sections[1].section.as_str()), ("comment", "preamble"));
    assert_eq!(piece.sections[1].text, "// + BYTES ( NEW - OLD)");
}

#[test]
fn first_line_that_decides_names_the_dialect() {
    let cases = [
        (UMDH, Some(Dialect::Comparison)),
        ("// comment\nTotal decrease == 0\n", Some(Dialect::Comparison)),
        ("junk\n-  5320 ( 0 - 5320) 3a allocs BackTrace00053\n", Some(Dialect::Comparison)),
        ("  12 bytes 1 allocs\tapp!f\n", Some(Dialect::Sites)),
        ("// heapdelta call sites, layout 1: BYTES\n", Some(Dialect::Sites)),
        ("64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0\n", Some(Dialect::Umdh2)),
        ("000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031\n", Some(Dialect::Umdh1)),
        ("+ not a row\nTotal nonsense\n", None),
    ];
    for (text, expected) in cases {
        let mut evidence = Evidence::default();
        evidence.add(text.as_bytes());
        assert_eq!(evidence.dialect(), expected, "{text}");
    }
}

/// Lines that are nearly of the format, so that random text reaches every rule.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "+",
        "-",
        "(",
        ")",
        " ",
        "\t",
        "\n",
        "\r\n",
        "0",
        "5",
        "12",
        "1f",
        "99999999999999999999",
        "?",
        " allocs ",
        "BackTrace",
        "BackTrace1",
        " allocations",
        "Total increase ==",
        "Total decrease ==",
        " requested +",
        " overhead =",
        "app!f+1E",
        "//",
        "DBGHELP:",
        "\u{e9}",
        "+ 12 ( 16 - 4) 2 allocs BackTrace1\n",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_every_line_is_counted(text in nearly(), radix in prop::sample::select(vec![10, 16])) {
        let lines = heapdelta::internals::log::lines::lines(&text).count() as u64;
        let read = [compare(&text, None), compare(&text, Some(radix))];
        for (comparison, piece) in read.into_iter().flatten() {
            prop_assert_eq!(piece.lines.total(), lines);
            for row in &comparison.rows {
                prop_assert_eq!(row.delta, i128::from(row.after) - i128::from(row.before));
                prop_assert!(row.definition.is_none_or(|index| (index as usize) < piece.definitions.len()));
            }
        }
    }

    #[test]
    fn any_bytes_are_call_sites_or_issues(text in nearly()) {
        let mut sink = Sink::new(true);
        sink.begin_piece(0);
        heapdelta::internals::log::sites::read(&text, true, &mut sink);
        prop_assert_eq!(sink.piece.lines.total(), heapdelta::internals::log::lines::lines(&text).count() as u64);
    }
}
