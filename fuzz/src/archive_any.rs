//! Any bytes as an archive: no panic but those that are caught, an end, and the same files whenever it is asked.

use heapdelta::{
    ArchiveLimits, ArchiveRules, Control, Options, Source,
    internals::read::{members, packed::Unpacked, read_members},
};

/// Lists and reads what `data` holds, within limits that a fuzzer can wait for.
///
/// # Panics
///
/// If a promise is broken.
pub fn target(data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let limits = ArchiveLimits {
        members: 64,
        total_bytes: 1 << 20,
        memory_bytes: 1 << 20,
        depth: 3,
        ..ArchiveLimits::default()
    };
    let password = Some("secret".to_owned());
    let archives = ArchiveRules { password, limits, ..ArchiveRules::default() };
    let options = Options { threads: Some(1), archives, ..Options::default() };
    let (source, control) = (Source::from(data), Control::default());
    let listed = members(&source, &options, &control).expect("bytes in memory can be read");
    let mut all = Vec::new();
    let read = read_members(&source, &options, &control, &mut |each| all.push(each));
    let read = read.expect("bytes in memory can be read").map(|()| all);
    assert_eq!(listed.is_some(), read.is_some());
    let Some((listed, read)) = listed.zip(read) else { return };
    for each in &read {
        assert!(!matches!(&each.outcome, Err(error) if error.kind().name() == "internal"), "{:?}", each.outcome);
    }
    // A list reads less of each file, so it reaches a limit of bytes later.
    let is_limited = |each: &Unpacked| matches!(&each.outcome, Err(error) if error.kind().name() == "archive_limit");
    if !read.iter().any(is_limited) {
        let listed: Vec<_> = listed.iter().map(|each| &each.member.label).collect();
        assert_eq!(listed, read.iter().map(|each| &each.member.label).collect::<Vec<_>>());
    }
    drop(heapdelta::read(data, &options));
}
