//! What a dump says is not lost, and what it does not say is absent: never 0, never a guess.

use heapdelta::synth::dump::{Damage, Plan, Text, stream};

use super::{
    dumps::{column, dump, issues},
    sample_dump::{bytes, damaged, sample},
};

fn issue_texts(plan: &Plan, damage: Damage) -> String {
    column(&dump(damaged(plan, damage)), "issues", "text").join("\n")
}

#[test]
fn half_a_character_at_the_end_of_a_name_is_an_issue() {
    let dump = dump(damaged(&sample(), Damage::OddName));
    assert_eq!(column(&dump, "modules", "path")[1], "C:\\app\\zusätze.dl\u{FFFD}");
    assert_eq!(issues(&dump), ["malformed_text"]);
    assert_eq!(column(&dump, "issues", "index"), ["1"]);
}

#[test]
fn half_of_the_zero_behind_a_name_is_no_part_of_it() {
    let mut plan = sample();
    let path = Text::from(r"C:\app\zusätze.dll");
    let declared_bytes = Some(2 * path.units.len() as u32 + 1);
    plan.modules.as_mut().unwrap()[1].path = Text { declared_bytes, ..path };
    let dump = dump(bytes(&plan));
    assert_eq!(column(&dump, "modules", "path")[1], r"C:\app\zusätze.dll");
    assert_eq!(issues(&dump), Vec::<String>::new());
}

#[test]
fn messages_tell_what_was_found() {
    for (damage, text) in [
        (Damage::NamePastTheEnd, "the text at byte 4294967040: it is not in the file"),
        (Damage::EndlessName, ": 4294967294 bytes are more than a name can have"),
        (Damage::BadCodeView, "0 of 64 bytes at byte 4294967040 are in the file"),
        (Damage::RecordSizeZero, "a header of 16 bytes, and records of 0"),
        (Damage::LoopedHandlePair, " on lead back to byte "),
    ] {
        let texts = issue_texts(&sample(), damage);
        assert!(texts.contains(text), "{damage:?}: {texts}");
    }
}

#[test]
fn records_that_a_list_does_not_count_are_an_issue() {
    let plan = sample();
    for (list, table, left) in [
        (stream::MODULE_LIST, "modules", "the list counts 1 of 4 records"),
        (stream::MEMORY_INFO_LIST, "regions", "the list counts 1 of 6 records"),
        (stream::HANDLE_DATA, "handles", "the list counts 1 of 4 records"),
    ] {
        let mut layout = plan.layout();
        let count = if list == stream::MODULE_LIST { 0 } else { 8 };
        layout.put(layout.place(list).unwrap().offset as usize + count, &1_u32.to_le_bytes());
        let mut file = Vec::new();
        layout.write(&mut file).unwrap();
        let dump = dump(file);
        assert_eq!(dump.table(table).unwrap().len(), 1);
        assert_eq!(issues(&dump), ["uncounted_records"], "{table}");
        assert_eq!(column(&dump, "issues", "severity"), ["info"]);
        assert_eq!(column(&dump, "issues", "text"), [left]);
    }
}
