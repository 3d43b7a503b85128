//! Rows of the module table with less in them than the tool writes, or more.

use heapdelta::Capture;

use super::log;
use crate::{
    formats::{COMPARISON, UMDH2, doubts, numbers, texts},
    support::table,
};

const ROW: &str = "//        7FF7A0010000    1C000 D:\\kiln\\kilnd.exe";

fn with(row: &str) -> Capture {
    log(&UMDH2.replace(ROW, row))
}

/// Base, size, name and path of the modules.
fn modules(log: &Capture) -> Vec<(Option<u64>, Option<u64>, String, String)> {
    let modules = table(log, "modules");
    let numbers = |name| numbers(modules, name).into_iter();
    let texts = |name| texts(modules, name).into_iter();
    let rows = numbers("base").zip(numbers("size")).zip(texts("name").zip(texts("path")));
    rows.map(|((base, size), (name, path))| (base, size, name, path)).collect()
}

#[test]
fn a_row_is_kept_with_what_is_there_and_its_addresses_have_a_module() {
    const PATH: &str = "D:\\kiln\\kilnd.exe";
    for (row, name, path) in [
        (ROW, "kilnd", PATH),
        ("//   7FF7A0010000    1C000 kilnd.exe", "kilnd", "kilnd.exe"),
        ("//   7FF7A0010000    1C000 kilnd", "kilnd", "kilnd"),
        ("//   7FF7A0010000    1C000", "Unknown_Module_7ff7a0010000", ""),
        ("//   0x7ff7a0010000  0x1c000 D:\\kiln\\kilnd.exe", "kilnd", PATH),
        ("//   7ff7a0010000    1c000 D:\\kiln\\kilnd.exe", "kilnd", PATH),
        ("//   7FF7A0010000   114688 D:\\kiln\\kilnd.exe", "kilnd", PATH),
        ("//   7FF7A0010000    1C000 5E2A1B3C D:\\kiln\\kilnd.exe", "kilnd", PATH),
        ("//   7FF7A0010000    1C000 D:\\kiln\\kilnd.exe 10.0.1.2 5E2A1B3C", "kilnd", PATH),
        ("     7FF7A0010000    1C000 D:\\kiln\\kilnd.exe", "kilnd", PATH),
        ("7FF7A0010000    1C000 D:\\kiln\\kilnd.exe", "kilnd", PATH),
    ] {
        let log = with(row);
        let expected = (Some(0x7FF7_A001_0000), Some(0x1C000), name.to_owned(), path.to_owned());
        assert_eq!(modules(&log), [expected], "{row}");
        assert!(texts(table(&log, "frames"), "module").iter().all(|module| module == name), "{row}");
        assert_eq!(doubts(&log), doubts(&log_of_row()), "{row}");
    }
}

fn log_of_row() -> Capture {
    with(ROW)
}

#[test]
fn what_is_no_module_stays_a_comment() {
    for row in ["// 40 modules of 120", "// 7FF7A0010000 1C001", "// 7FF7A0011000 1C000 kilnd", "// Base Size Module"] {
        assert_eq!(modules(&with(row)), [], "{row}");
    }
}

#[test]
fn modules_of_a_comparison_are_kept_too() {
    for row in ["// 7FF7A0010000 1C000 kilnd", "7FF7A0010000 1C000 D:\\kiln\\kilnd.exe"] {
        let found = log(&format!("{row}\n{COMPARISON}"));
        assert_eq!(modules(&found)[0].2, "kilnd", "{row}");
        assert_eq!(doubts(&found), doubts(&log(COMPARISON)));
    }
}
