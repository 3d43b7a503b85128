//! Blanks, dashes and characters of web pages that mail programs, chats and pages put in the place of the tool's.

use heapdelta::Capture;

use super::{essence, log, log_with};
use crate::{
    formats::{COMPARISON, UMDH1, UMDH2, doubts, frames, issues, numbers, texts},
    support::{options, table},
};

/// As Outlook, Teams and Confluence paste it.
const OUTLOOK: &str = "\
+\u{A0} \u{A0} 175b0\u{A0}(\u{A0} \u{A0}1a4c0\u{A0}-\u{A0} \u{A0} 2f10)\u{A0} \u{A0} \u{A0} 9e\u{A0}allocs\tBackTrace5C11A0\r
+\u{A0} \u{A0} \u{A0} 82\u{A0}(\u{A0} \u{A0} \u{A0}9e\u{A0}-\u{A0} \u{A0} \u{A0}1c)\tBackTrace5C11A0\u{A0}allocations\r
\r
\tntdll!RtlAllocateHeap+A2\r
\tglaze!Glaze::mix+5B (d:\\kiln\\src\\glaze.cpp, 212)\r
\r
-\u{A0} \u{A0} \u{A0}ec0\u{A0}(\u{A0} \u{A0} \u{A0}b40\u{A0}-\u{A0} \u{A0}1a00)\u{A0} \u{A0} \u{A0}c\u{A0}allocs\tBackTrace5C1230\r
-\u{A0} \u{A0} \u{A0} \u{A0}e\u{A0}(\u{A0} \u{A0} \u{A0} \u{A0}c\u{A0}-\u{A0} \u{A0} \u{A0}1a)\tBackTrace5C1230\tallocations\r
\r
\tkilnd!Shelf::load+88\r
\r
Total\u{A0}increase\u{A0}==\u{A0} 166f0\u{A0}requested\u{A0}+\u{A0} \u{A0} 120\u{A0}overhead\u{A0}=\u{A0} 16810\r
";

fn deltas(log: &Capture) -> Vec<Option<u64>> {
    let sides = |name| numbers(table(log, "rows"), name);
    let sides = sides("requested_bytes_after").into_iter().zip(sides("requested_bytes_before"));
    sides.map(|(after, before)| Some(after?.wrapping_sub(before?))).collect()
}

#[test]
fn a_comparison_out_of_a_mail_is_read() {
    let log = log(OUTLOOK);
    let Capture::Comparison(comparison) = &log else { panic!("{log:?}") };
    assert_eq!((comparison.format.as_str(), comparison.radix), ("umdh-compare", Some(16)));
    assert_eq!(deltas(&log), [Some(95_664), Some(3_776_u64.wrapping_neg())]);
    assert_eq!(issues(&log), [("info".to_owned(), "pasted_text".to_owned())]);
    assert_eq!(numbers(table(&log, "issues"), "line"), [Some(1)]);
    assert_eq!(frames(&log)[0][1], "glaze!Glaze::mix+5B (d:\\kiln\\src\\glaze.cpp, 212)");
}

#[test]
fn any_blank_in_any_format_is_a_blank() {
    for text in [UMDH2, UMDH1, COMPARISON] {
        let expected = log(text);
        for blank in ["\u{A0}", "\u{2007}", "\u{202F}", "\u{2009}", "\u{3000}", "\u{2003}", "\u{205F}", "&nbsp;"] {
            let pasted = log(&text.replace(' ', blank));
            assert_eq!(essence(&pasted), essence(&expected), "{blank}");
            assert_eq!(texts(table(&pasted, "modules"), "path"), texts(table(&expected, "modules"), "path"));
            assert_eq!(doubts(&pasted), doubts(&expected), "{blank}");
            let told = issues(&pasted).into_iter().filter(|(_, kind)| kind == "pasted_text").count();
            assert_eq!(told, 1, "{blank}");
        }
        // In windows-1252 it is one byte, which is no UTF-8.
        let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b' ' { 0xA0 } else { byte }).collect();
        let pasted = log_with(&bytes, &options(1, 64));
        assert_eq!(essence(&pasted), essence(&expected));
    }
}

#[test]
fn margins_are_blanks_of_any_kind_and_what_has_no_width_is_nothing() {
    let expected = log(UMDH2);
    for margin in ["\u{A0}\u{A0}", "\u{3000}", "&nbsp;&nbsp;", "\u{200B}\t", "\u{FEFF}"] {
        let pasted = log(&UMDH2.replace('\t', margin));
        assert_eq!(essence(&pasted), essence(&expected), "{margin:?}");
        assert_eq!(doubts(&pasted), doubts(&expected));
    }
    let broken = log(&UMDH2.replace("7FF7A001", "7FF7\u{200B}A001").replace("Hogs", "Ho\u{AD}gs"));
    assert_eq!(essence(&broken), essence(&expected));
}

#[test]
fn dashes_are_minus_signs_where_these_mean_something() {
    for text in [UMDH2, COMPARISON] {
        let expected = log(text);
        for dash in ["\u{2013}", "\u{2212}", "\u{2010}", "\u{2011}", "\u{2014}"] {
            let pasted = log(&text.replace("- ", &format!("{dash} ")).replace(" -", &format!(" {dash}")));
            assert_eq!(essence(&pasted), essence(&expected), "{dash}");
            assert_eq!(doubts(&pasted), doubts(&expected), "{dash}");
        }
    }
    let shrinking = log(&COMPARISON.replace("-     ec0", "\u{2013}     ec0"));
    assert_eq!(deltas(&shrinking)[1], Some(3_776_u64.wrapping_neg()));
    // In windows-1252 a dash is one byte.
    let bytes: Vec<u8> = COMPARISON.bytes().map(|byte| if byte == b'-' { 0x96 } else { byte }).collect();
    assert_eq!(deltas(&log_with(&bytes, &options(1, 64))), deltas(&log(COMPARISON)));
}

#[test]
fn names_are_kept_unless_their_row_was_pasted() {
    let with = |row: &str| {
        let text = UMDH2.replace("//        7FF7A0010000    1C000 D:\\kiln\\kilnd.exe", row);
        let log = log(&text);
        (texts(table(&log, "modules"), "path")[0].clone(), issues(&log).len())
    };
    let kept = "D:\\My\u{A0}App\\新しい\u{3000}フォルダー\\Voil\u{E0}.exe";
    assert_eq!(with(&format!("//        7FF7A0010000    1C000 {kept}")), (kept.to_owned(), 0));
    let pasted = format!("//\u{A0}       7FF7A0010000\u{A0}   1C000\u{A0}{kept}");
    assert_eq!(with(&pasted), ("D:\\My App\\新しい フォルダー\\Voil\u{E0}.exe".to_owned(), 1));
}

#[test]
fn characters_of_web_pages_are_those_of_names() {
    let text = UMDH1.replace("app!f+", "app!std::vector&lt;a &amp;,&quot;b&quot;&gt;::f+");
    let found = log(&text);
    assert_eq!(frames(&found)[0][0], "app!std::vector<a &,\"b\">::f+0x00000001");
    assert_eq!(texts(table(&found, "frames"), "function")[0], "std::vector<a &,\"b\">::f");
    let plain = log(&UMDH1.replace("app!f+", "app!operator&+"));
    assert_eq!(texts(table(&plain, "frames"), "function")[0], "operator&");
    assert_eq!(issues(&plain), []);
}

#[test]
fn one_issue_for_a_file_tells_where_it_begins() {
    let text = UMDH2
        .replace("\t7FF7A0013C30", "\u{A0}7FF7A0013C30")
        .replace("90 bytes + 20 at 4001", "90\u{A0}bytes + 20 at 4001");
    let log = log(&text);
    let line = 1 + text[..text.find('\u{A0}').unwrap()].matches('\n').count() as u64;
    assert_eq!(numbers(table(&log, "issues"), "line"), [Some(line)]);
    assert_eq!(numbers(table(&log, "issues"), "byte"), [Some(text.find('\u{A0}').unwrap() as u64)]);
}
