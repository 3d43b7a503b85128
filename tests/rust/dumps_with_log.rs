//! A log completed by a dump of the same process.

use arrow_array::{cast::AsArray, types::UInt64Type};
use heapdelta::{Snapshot, testing::dump::Plan};

use super::{
    dumps::{column, dump},
    sample_dump::{bytes, module_base, sample},
    support::snapshot,
};

fn log(pid: u32, modules: &[(u64, &str)]) -> Snapshot {
    let lines: String =
        modules.iter().map(|(base, path)| format!("// {base:>20X} {:>8X} {path}\n", 0x2_0000)).collect();
    let frames: String = (0..4).map(|number| format!("\t{:016X}\n", module_base(number) + 0x42)).collect();
    let text = format!(
        "// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=PC - PID={pid}\n// Loaded modules:\n{lines}\
         *- - - - - Start of data for heap @ 10000 - - - - -\n\
         40 bytes + 18 at 2E9FB00 by BackTrace7\n{frames}\tDEADBEEF\n\n\
         *- - - - - End of data for heap @ 10000 - - - - -\n"
    );
    snapshot(text.as_bytes())
}

fn texts(log: &Snapshot, table: &str, name: &str) -> Vec<String> {
    let batches = &log.table(table).unwrap().batches;
    let columns = batches.iter().map(|batch| batch.column_by_name(name).unwrap());
    columns.flat_map(|column| column.as_string_view().iter().map(|text| text.unwrap_or("-").to_owned())).collect()
}

fn fingerprints(log: &Snapshot) -> Vec<u64> {
    let batches = &log.table("stacks").unwrap().batches;
    let columns = batches.iter().map(|batch| batch.column_by_name("fingerprint").unwrap());
    columns.flat_map(|column| column.as_primitive::<UInt64Type>().values().to_vec()).collect()
}

fn paths() -> Vec<(u64, String)> {
    let paths = column(&dump(bytes(&sample())), "modules", "path");
    (0..).map(module_base).zip(paths).collect()
}

#[test]
fn a_log_without_modules_becomes_one_with_all_of_them() {
    let dump = dump(bytes(&sample()));
    let known = paths();
    let known: Vec<(u64, &str)> = known.iter().map(|(base, path)| (*base, path.as_str())).collect();
    let (whole, none, some) = (log(4711, &known), log(4711, &[]), log(4711, &known[1..3]));
    for log in [&whole, &none, &some] {
        let completed = log.with_modules(&dump).unwrap();
        assert_eq!(texts(&completed, "frames", "module"), ["app", "zusätze", "third", "fourth", "-"]);
        assert_eq!(fingerprints(&completed), fingerprints(&whole));
        assert_eq!(completed.table("modules").unwrap().len(), 4);
    }
    assert_ne!(fingerprints(&none), fingerprints(&whole));
    let completed = some.with_modules(&dump).unwrap();
    assert_eq!(texts(&completed, "modules", "name"), ["zusätze", "third", "app", "fourth"], "its own come first");
    assert_eq!(texts(&completed, "modules", "version"), ["1.2.3.4", "1.2.3.4", "1.2.3.4", "-"]);
    assert_eq!(texts(&completed, "modules", "debug_id")[1], "4B3D2A103");
}

#[test]
fn names_are_those_of_a_whole_list() {
    let mut plan = sample();
    plan.modules.as_mut().unwrap()[3].path = r"C:\app\app.dll".into();
    let dump = dump(bytes(&plan));
    let cut = log(4711, &[(module_base(3), r"C:\app\app.dll")]);
    assert_eq!(texts(&cut, "frames", "module")[3], "app", "the only one of its stem");
    let completed = cut.with_modules(&dump).unwrap();
    assert_eq!(texts(&completed, "frames", "module")[0], "app");
    assert_eq!(texts(&completed, "frames", "module")[3], "app.dll");
}

#[test]
fn other_processes_are_refused_with_the_reason() {
    let refusal = |log: &Snapshot, plan: &Plan| log.with_modules(&dump(bytes(plan))).unwrap_err().to_string();
    let said = refusal(&log(12, &[]), &sample());
    assert!(said.ends_with("the process ids differ (12 and 4711)"), "{said}");
    let said = refusal(&log(4711, &[(0x40_0000, r"C:\app\app.exe")]), &sample());
    assert!(said.ends_with("app.exe was loaded at another address"), "{said}");
    let said = refusal(&log(4711, &[(module_base(0), r"C:\app\other.exe")]), &sample());
    assert!(said.ends_with("the programs differ (other.exe and app.exe)"), "{said}");
    let moved = [(0x40_0000, r"C:\app\third.dll"), (0x50_0000, r"D:\fourth.dll"), (module_base(0), r"C:\app\app.exe")];
    let said = refusal(&log(4711, &moved), &sample());
    assert!(said.ends_with("2 of 3 modules were loaded at other addresses"), "{said}");
    let said = refusal(&log(4711, &[(0x7000_0000, r"C:\app\stranger.dll")]), &sample());
    assert!(said.ends_with("no module is listed in both"), "{said}");
    let nameless = Plan { misc: None, ..sample() };
    let said = refusal(&log(4711, &[]), &nameless);
    assert!(said.ends_with("no process id to compare, and no program that both list"), "{said}");
    let said = refusal(&log(4711, &[(module_base(2), r"C:\app\third.dll")]), &nameless);
    assert!(said.ends_with("no process id to compare, and no program that both list"), "{said}");
    assert!(log(4711, &moved[2..]).with_modules(&dump(bytes(&nameless))).is_ok(), "the program proves it");
}
