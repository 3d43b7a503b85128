//! What a dump says is not lost, and what it does not say is absent: never 0, never a guess.

use heapdelta::testing::dump::{
    CodeView, Damage, Layout, Misc, Plan, Region, State, System, Text, UnloadedModule, stream,
};

use super::{
    dumps::{column, dump, issues},
    sample_dump::{bytes, damaged, range_base, sample},
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
fn zeros_are_no_version_and_no_identity() {
    let mut plan = sample();
    let modules = plan.modules.as_mut().unwrap();
    modules[0].version = Some(([0; 4], [0; 4]));
    modules[1].version = Some(([0, 0, 0, 1], [0; 4]));
    modules[2].version = Some(([0; 4], [5, 6, 7, 8]));
    let file = || "app.pdb".to_owned();
    modules[0].code_view = Some(CodeView::Rsds { guid: [0; 16], age: 1, file: file() });
    modules[1].code_view = Some(CodeView::Rsds { guid: [0; 16], age: 0, file: file() });
    modules[2].code_view = Some(CodeView::Nb10 { time_date_stamp: 0, age: 1, file: file() });
    let dump = dump(bytes(&plan));
    assert_eq!(column(&dump, "modules", "version"), ["-", "0.0.0.1", "-", "-"]);
    assert_eq!(column(&dump, "modules", "product_version"), ["-", "-", "5.6.7.8", "-"]);
    assert_eq!(column(&dump, "modules", "debug_id"), ["-"; 4]);
    assert_eq!(column(&dump, "modules", "debug_file"), ["app.pdb", "app.pdb", "app.pdb", "-"]);
    assert_eq!(issues(&dump), Vec::<String>::new());
}

#[test]
fn a_version_without_its_signature_is_none() {
    let plan = sample();
    let mut layout = plan.layout();
    // The list begins with its count; the version is behind the first 24 bytes of a record.
    let version = layout.place(stream::MODULE_LIST).unwrap().offset as usize + 4 + 24;
    layout.put(version, &0xBD04_EFFE_u32.to_le_bytes());
    let mut file = Vec::new();
    layout.write(&mut file).unwrap();
    let dump = dump(file);
    assert_eq!(column(&dump, "modules", "version"), ["-", "1.2.3.4", "1.2.3.4", "-"]);
    assert_eq!(column(&dump, "modules", "product_version")[0], "-");
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

#[test]
fn what_a_writer_could_not_find_out_of_a_thread_is_null() {
    const ERROR_THREAD: u32 = 1;
    const INVALID_CONTEXT: u32 = 0x10;
    const INVALID_TEB: u32 = 0x20;
    let mut plan = sample();
    let infos = plan.thread_infos.as_mut().unwrap();
    for (info, flags) in infos.iter_mut().zip([INVALID_CONTEXT, INVALID_TEB, ERROR_THREAD]) {
        info.dump_flags = flags;
    }
    infos[1].affinity = 0;
    let dump = dump(bytes(&plan));
    let known = |name| column(&dump, "threads", name).iter().map(|value| value != "-").collect::<Vec<_>>();
    assert_eq!(known("instruction_pointer"), [false, true, false]);
    assert_eq!(known("stack_pointer"), [false, true, false]);
    assert_eq!(known("teb"), [true, false, false]);
    assert_eq!(known("affinity"), [true, false, false]);
    assert_eq!(known("start_address"), [true, true, false]);
}

#[test]
fn a_thread_without_an_environment_block_has_none_at_0() {
    let mut plan = sample();
    plan.threads.as_mut().unwrap()[2].teb = 0;
    let dump = dump(bytes(&plan));
    assert_eq!(column(&dump, "threads", "teb")[2], "-");
}

/// Without allocations, one thread's stack would make stacks of all private memory.
#[test]
fn regions_without_an_allocation_stand_for_themselves() {
    let region = |number| Region {
        base: range_base(number),
        size: 0x1000,
        allocation_base: 0,
        allocation_protect: 4,
        state: State::Commit,
        protect: 4,
        kind: 0x2_0000,
    };
    let mut plan = Plan { regions: Some([0, 1, 7, 8].map(region).into()), ..sample() };
    plan.threads.as_mut().unwrap().truncate(2);
    let dump = dump(bytes(&plan));
    assert_eq!(column(&dump, "regions", "class"), ["stack", "stack", "private", "private"]);
    assert_eq!(column(&dump, "regions", "thread_id"), ["100", "101", "-", "-"]);
    assert_eq!(column(&dump, "regions", "allocation_base"), ["-"; 4]);
    assert_eq!(column(&dump, "threads", "stack_committed_bytes")[..2], ["4096", "4096"]);
}

#[test]
fn a_version_that_the_writer_left_out_is_absent() {
    let system = System { version: [0, 0, 0], platform_id: 0x8201, ..sample().system.unwrap() };
    let dump = dump(bytes(&Plan { system: Some(system), ..sample() }));
    assert_eq!((dump.header.os.as_deref(), dump.header.os_version), (Some("linux"), None));
}

#[test]
fn of_two_comments_the_streams_tell_which_counts() {
    let reason = |plan: &Plan| {
        let dump = dump(bytes(plan));
        let row = column(&dump, "streams", "name").iter().position(|name| name == "CommentStreamA").unwrap();
        (dump.header.comment.clone(), column(&dump, "streams", "reason")[row].clone())
    };
    let (comment, why) = reason(&sample());
    assert_eq!((comment.as_deref(), &*why), (Some("ein größerer Kommentar"), "CommentStreamW says it"));
    let (comment, why) = reason(&Plan { comment_wide: None, ..sample() });
    assert_eq!((comment.as_deref(), &*why), (Some("a comment"), "-"));
}

#[test]
fn streams_that_nobody_documents_are_not_called_a_vendor_s() {
    let plan = Plan { other: vec![(25, vec![1]), (0x4767_0001, vec![1])], ..sample() };
    let reasons = column(&dump(bytes(&plan)), "streams", "reason").join("\n");
    assert!(reasons.contains("an undocumented stream, or a vendor's\na vendor's own stream"), "{reasons}");
}

#[test]
fn a_module_that_passes_the_last_address_is_an_issue() {
    let mut plan = Plan { misc: None::<Misc>, ..sample() };
    plan.modules.as_mut().unwrap()[2].base = u64::MAX - 0xFFF;
    let base = u64::MAX - 0xFFF;
    let unloaded = UnloadedModule { base, size: 0x3000, path: "old.dll".into(), ..Default::default() };
    plan.unloaded_modules = Some(vec![unloaded]);
    let dump = dump(bytes(&plan));
    assert_eq!(issues(&dump), ["impossible_range"; 2]);
    assert_eq!(column(&dump, "issues", "index"), ["2", "0"]);
}

/// No regions, where the list of them is unreadable, would seem to say that all memory was given back.
#[test]
fn streams_of_which_nothing_can_be_read_are_not_called_read() {
    let unread = |file: Vec<u8>| {
        let dump = dump(file);
        let (names, reasons) = (column(&dump, "streams", "name"), column(&dump, "streams", "reason"));
        let read = column(&dump, "streams", "read");
        let rows = (0..names.len()).filter(|row| read[*row] == "false" && names[*row] != "-");
        rows.map(|row| format!("{}: {}", names[row], reasons[row])).collect::<Vec<_>>().join("\n")
    };
    let plan = Plan { comment_ansi: None, ..sample() };
    assert_eq!(unread(bytes(&plan)), "");
    let found = unread(damaged(&plan, Damage::RecordSizeZero));
    for list in ["HandleData", "UnloadedModuleList", "MemoryInfoList", "ThreadInfoList"] {
        assert!(found.contains(&format!("{list}Stream: its header cannot be true")), "{found}");
    }
    let mut layout = plan.layout();
    let size = |layout: &mut Layout, kind, bytes: u32| {
        let entry = layout.entry(kind).unwrap();
        layout.put(entry + 4, &bytes.to_le_bytes());
    };
    size(&mut layout, stream::MODULE_LIST, 40);
    size(&mut layout, stream::SYSTEM_INFO, 20);
    let revision = layout.place(stream::PROCESS_VM_COUNTERS).unwrap().offset as usize;
    layout.put(revision, &[9]);
    let mut file = Vec::new();
    layout.write(&mut file).unwrap();
    let found = unread(file);
    for line in [
        "ModuleListStream: none of its records is in the file",
        "SystemInfoStream: it is too short",
        "ProcessVmCountersStream: its layout is not known",
    ] {
        assert!(found.contains(line), "{found}");
    }
}

/// A size that is too large would add memory that nobody has.
#[test]
fn regions_that_overlap_are_an_issue() {
    let mut plan = sample();
    plan.regions.as_mut().unwrap()[1].size = 0x1_2000;
    let dump = dump(bytes(&plan));
    assert_eq!(dump.table("regions").unwrap().len(), 6);
    assert_eq!(issues(&dump), ["overlapping_region"]);
    assert_eq!(column(&dump, "issues", "index"), ["2"]);
    let text =
        format!("0x1000 bytes at {:#X}, and a region before it ends at {:#X}", range_base(2), range_base(2) + 0x2000);
    assert_eq!(column(&dump, "issues", "text"), [text]);
}

#[test]
fn regions_in_any_order_are_no_issue() {
    let mut plan = sample();
    plan.regions.as_mut().unwrap().reverse();
    assert_eq!(issues(&dump(bytes(&plan))), Vec::<String>::new());
}

#[test]
fn a_thread_that_stands_twice_in_a_list_keeps_what_is_said_first() {
    let mut plan = sample();
    plan.thread_infos.as_mut().unwrap()[2].thread_id = 101;
    plan.thread_names.as_mut().unwrap()[1].0 = 100;
    let dump = dump(bytes(&plan));
    assert_eq!(column(&dump, "threads", "name"), ["main", "-", "-"]);
    assert_eq!(column(&dump, "threads", "start_module"), ["app", "zusätze", "-"]);
    assert_eq!(issues(&dump), ["repeated_thread"; 2]);
    assert_eq!(column(&dump, "issues", "index"), ["2", "1"]);
}

#[test]
fn a_thread_that_only_a_name_speaks_of_is_an_issue() {
    let mut plan = sample();
    plan.thread_names.as_mut().unwrap()[1].0 = 7;
    let named = dump(bytes(&plan));
    assert_eq!(column(&named, "threads", "thread_id"), ["100", "101", "102", "7"]);
    assert_eq!(issues(&named), ["unlisted_thread"]);
    let only_infos = dump(bytes(&Plan { threads: None, thread_names: None, ..sample() }));
    assert_eq!(issues(&only_infos), Vec::<String>::new(), "without a list there is nothing to contradict");
}
