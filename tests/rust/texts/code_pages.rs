//! Logs in code pages of any kind: read by the caller's word, or told to be in doubt.

use encoding_rs::{BIG5, EUC_KR, GBK, SHIFT_JIS, WINDOWS_1251};
use heapdelta::{Capture, ErrorKind, Options, internals::input::text::Encoding, read};

use super::{essence, log, log_with};
use crate::{
    formats::{UMDH1, UMDH2, doubts, frames, issues, numbers, texts},
    support::{options, outcome, table},
};

fn told(name: &str) -> Options {
    Options { encoding: Encoding::named(name), ..options(1, 1 << 20) }
}

fn encoding_of(log: &Capture) -> String {
    match log {
        Capture::Snapshot(log) => log.about.encoding.clone(),
        Capture::Comparison(log) => log.about.encoding.clone(),
        Capture::Dump(log) => log.about.encoding.clone(),
    }
}

/// A snapshot whose program has this path, and whose last line but one cannot be read.
fn text(path: &str) -> String {
    let text = UMDH2.replace("D:\\kiln\\kilnd.exe", path);
    let last = "90 bytes + 20 at 4001000 by BackTrace0\n";
    text.replace(last, &format!("{last}64 bytes + 1C at 2E9F by what?\n90 bytes + 20 at 4002000 by BackTraceC30\n"))
}

const PATHS: [(&str, &str, &str); 9] = [
    ("cp932", "D:\\業務\\表.exe", "表"),
    ("cp932", "D:\\予定表\\ソフト.exe", "ソフト"),
    ("932", "D:\\ｱﾌﾟﾘ\\機能app.exe", "機能app"),
    ("cp950", "D:\\功能\\許可.exe", "許可"),
    ("gbk", "D:\\程序\\管理.exe", "管理"),
    ("cp949", "D:\\한국어\\프로그램.exe", "프로그램"),
    ("cp1251", "D:\\Программы\\учёт.exe", "учёт"),
    ("cp866", "D:\\Программы\\учёт.exe", "учёт"),
    ("cp850", "D:\\Zubehör\\Größe.exe", "Größe"),
];

fn encode(text: &str, name: &str) -> Vec<u8> {
    let known = match name {
        "cp932" | "932" => SHIFT_JIS,
        "cp950" => BIG5,
        "gbk" => GBK,
        "cp949" => EUC_KR,
        "cp1251" => WINDOWS_1251,
        "cp866" => encoding_rs::IBM866,
        _ => {
            let byte = |letter| match letter {
                'ö' => 0x94,
                'ß' => 0xE1,
                letter => letter as u8,
            };
            return text.chars().map(byte).collect();
        }
    };
    let (bytes, _, lost) = known.encode(text);
    assert!(!lost, "{text}");
    bytes.into_owned()
}

#[test]
fn the_caller_s_word_gives_the_names_and_the_places() {
    for (name, path, module) in PATHS {
        let text = text(path);
        let bytes = encode(&text, name);
        let log = log_with(&bytes, &told(name));
        assert_eq!(texts(table(&log, "modules"), "path"), [path], "{name}");
        assert_eq!(texts(table(&log, "modules"), "name"), [module], "{name}");
        assert!(texts(table(&log, "frames"), "module").iter().all(|found| found == module), "{name}");
        assert_eq!(
            encoding_of(&log),
            name.replace("932", "cp932")
                .replace("cpcp", "cp")
                .replace("cp1251", "windows-1251")
                .replace("cp866", "ibm866")
        );
        assert_eq!(issues(&log), [("error".to_owned(), "unreadable_line".to_owned())], "{name}");
        let place = bytes.windows(13).position(|window| window == b"64 bytes + 1C").unwrap();
        assert_eq!(numbers(table(&log, "issues"), "byte"), [Some(place as u64)], "{name}");
    }
}

#[test]
fn without_a_word_the_doubt_is_told_and_no_module_is_half_a_character() {
    for (name, path, module) in PATHS {
        let bytes = encode(&text(path), name);
        let log = log_with(&bytes, &options(1, 64));
        assert_eq!(encoding_of(&log), "windows-1252");
        let kinds: Vec<(String, String)> = issues(&log);
        assert!(kinds.contains(&("info".to_owned(), "assumed_code_page".to_owned())), "{name}: {kinds:?}");
        let action = texts(table(&log, "issues"), "action").join(" ");
        assert!(action.contains("encoding="), "{action}");
        let whole = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&encode(module, name)).0.into_owned();
        let found = &texts(table(&log, "modules"), "name")[0];
        assert!(found.ends_with(&whole), "{path}: {found}");
    }
}

#[test]
fn wide_encodings_and_marks_that_lie_are_read() {
    let plain = text("D:\\Zubehör\\Größe.exe");
    let expected = log(&plain);
    let units = || plain.encode_utf16();
    let wide = |mark: bool| plain.chars().map(|letter| letter as u32).chain(mark.then_some(0)).collect::<Vec<u32>>();
    let marked = |mark: &[u8], bytes: Vec<u8>| [mark.to_vec(), bytes].concat();
    let le16: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let be16: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    let le32: Vec<u8> = wide(false).into_iter().flat_map(u32::to_le_bytes).collect();
    let be32: Vec<u8> = wide(false).into_iter().flat_map(u32::to_be_bytes).collect();
    let (utf8, utf16, utf16be, utf32) =
        (b"\xEF\xBB\xBF".as_slice(), b"\xFF\xFE".as_slice(), b"\xFE\xFF".as_slice(), b"\xFF\xFE\0\0".as_slice());
    for (bytes, encoding, wrong) in [
        (marked(utf32, le32.clone()), "utf-32-le", false),
        (marked(b"\0\0\xFE\xFF", be32.clone()), "utf-32-be", false),
        (le32, "utf-32-le", false),
        (be32, "utf-32-be", false),
        (marked(utf8, le16.clone()), "utf-16-le", true),
        (marked(utf16be, le16.clone()), "utf-16-le", true),
        (marked(utf16, be16.clone()), "utf-16-be", true),
        (marked(utf16, plain.clone().into_bytes()), "utf-8", true),
        (marked(utf8, plain.clone().into_bytes()), "utf-8-sig", false),
        (le16, "utf-16-le", false),
        (be16, "utf-16-be", false),
    ] {
        let log = log_with(&bytes, &options(1, 64));
        assert_eq!(encoding_of(&log), encoding);
        assert_eq!(essence(&log), essence(&expected), "{encoding}");
        assert_eq!(texts(table(&log, "modules"), "path"), texts(table(&expected, "modules"), "path"));
        assert_eq!(doubts(&log).contains(&"wrong_mark".to_owned()), wrong, "{encoding}");
    }
}

#[test]
fn what_the_bytes_prove_counts_more_than_the_caller() {
    let utf16: Vec<u8> = UMDH2.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(encoding_of(&log_with(&utf16, &told("cp932"))), "utf-16-le");
    let marked = [b"\xEF\xBB\xBF".as_slice(), "// Größe\n".as_bytes(), UMDH2.as_bytes()].concat();
    let log = log_with(&marked, &told("cp932"));
    assert_eq!(
        (encoding_of(&log).as_str(), texts(table(&log, "sections"), "text")[0].as_str()),
        ("utf-8-sig", "// Größe")
    );
}

#[test]
fn bytes_that_mean_nothing_are_told_once_for_a_line() {
    let mut bytes = encode(&text("D:\\表.exe"), "cp932");
    let at = bytes.windows(4).position(|window| window == b"kiln" || window == b".exe").unwrap();
    bytes.splice(at..at, [0xFF, 0xFF]);
    let log = log_with(&bytes, &told("cp932"));
    assert_eq!(doubts(&log), ["unreadable_line", "malformed_text"]);
    assert_eq!(numbers(table(&log, "issues"), "byte")[1], Some(at as u64));
    assert_eq!(texts(table(&log, "modules"), "name"), ["表\u{FFFD}\u{FFFD}"]);
    let strict = log_with(b"// \xFC\n40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n", &told("utf-8"));
    assert_eq!(doubts(&strict), ["malformed_text"]);
}

#[test]
fn several_captures_in_a_code_page_are_found_by_their_bytes() {
    let header = UMDH2.lines().next().unwrap();
    let text = format!(
        "{}{}",
        text("D:\\表.exe"),
        text("D:\\ソフト.exe").replace(header, &header.replace("PID=6132", "PID=1"))
    );
    let bytes = encode(&text, "cp932");
    let refused = read(bytes.as_slice(), &told("cp932")).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::ManyCaptures { captures } if captures.len() == 2), "{refused}");
    for (capture, module) in [(1, "表"), (2, "ソフト")] {
        let log = log_with(&bytes, &Options { capture: Some(capture), ..told("cp932") });
        assert_eq!(texts(table(&log, "modules"), "name"), [module]);
    }
}

#[test]
fn other_formats_are_read_in_code_pages_too() {
    let hogs = UMDH1.replace("app!f+", "表!関数+");
    let log = log_with(&encode(&hogs, "cp932"), &told("cp932"));
    assert_eq!(frames(&log)[0][0], "表!関数+0x00000001");
    let comparison =
        "+ 1a ( 2a - 10) 1 allocs\tBackTrace1\n\n\t表!関数+1 (D:\\ソース\\能.cpp, 12)\n\nTotal increase == 1a\n";
    let log = log_with(&encode(comparison, "cp932"), &told("cp932"));
    assert_eq!(texts(table(&log, "frames"), "file"), ["D:\\ソース\\能.cpp"]);
    assert_eq!(doubts(&log), Vec::<String>::new());
}

#[test]
fn the_same_text_is_the_same_log_in_every_encoding() {
    let text = text("D:\\Größe.exe");
    let expected = outcome(text.as_bytes(), &options(2, 64), &["byte"]);
    for name in ["windows-1252", "cp850", "iso-8859-15", "cp437", "latin-1"] {
        let bytes =
            if name == "cp437" { encode(&text, "cp850") } else { text.chars().map(|letter| letter as u8).collect() };
        let bytes = if name == "cp850" { encode(&text, "cp850") } else { bytes };
        let with = Options { encoding: Encoding::named(name), ..options(2, 64) };
        assert_eq!(outcome(&bytes, &with, &["byte"]), expected, "{name}");
    }
}
