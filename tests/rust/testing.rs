//! Synthetic logs against a counter that shares nothing with the writer or the reader.

use std::collections::HashSet;

use heapdelta::testing::{
    Encoding, LineEnd,
    investigation::{
        self, Dialect, Totals,
        series::{Series, SeriesAnswer, SeriesOptions},
        write_investigation,
    },
    reference::{self, Kind, write_reference},
};

/// What a plain look at a UMDH 2 text finds.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    lines: u64,
    heaps: u64,
    stacks: u64,
    aliases: u64,
    frames: u64,
    distinct_frames: u64,
    deepest: u64,
    total: Totals,
}

fn count(text: &str) -> Counted {
    let mut counted = Counted::default();
    let mut distinct = HashSet::new();
    let mut depth = 0;
    for line in text.lines() {
        counted.lines += 1;
        counted.heaps += u64::from(line.contains("Start of data for heap"));
        match line.strip_prefix('\t') {
            Some("Alias") => (counted.aliases, depth) = (counted.aliases + 1, 0),
            Some(frame) => {
                counted.stacks += u64::from(depth == 0);
                depth += 1;
                counted.deepest = counted.deepest.max(depth);
                counted.frames += 1;
                distinct.insert(frame);
            }
            None => depth = 0,
        }
        let words: Vec<&str> = line.split(' ').collect();
        if let [requested, "bytes", "+", overhead, "at", _, "by", _] = words[..]
            && requested != "REQUESTED"
        {
            counted.total.requested_bytes += u64::from_str_radix(requested, 16).unwrap();
            counted.total.overhead_bytes += u64::from_str_radix(overhead, 16).unwrap();
            counted.total.allocation_count += 1;
        }
    }
    counted.stacks -= counted.aliases;
    counted.distinct_frames = distinct.len() as u64;
    counted
}

fn reference_log(kind: Kind, grown: bool) -> (Vec<u8>, reference::Answer) {
    let mut out = Vec::new();
    let options = reference::Options { kind, byte_count: 1_000_000, seed: 3, grown, step: 0 };
    let answer = write_reference(&mut out, &options).unwrap();
    (out, answer)
}

fn investigation_log(options: &investigation::Options) -> (Vec<u8>, investigation::Answer) {
    let mut out = Vec::new();
    let answer = write_investigation(&mut out, options).unwrap();
    assert_eq!(out.len() as u64, answer.byte_count);
    (out, answer)
}

fn small() -> investigation::Options {
    investigation::Options { stack_count: 200, ..Default::default() }
}

#[test]
fn reference_answer_is_what_stands_in_the_log() {
    for (kind, grown) in [(Kind::Blocks, false), (Kind::Mixed, false), (Kind::Mixed, true)] {
        let (log, answer) = reference_log(kind, grown);
        let counted = count(std::str::from_utf8(&log).unwrap());
        assert_eq!(log.len() as u64, answer.byte_count);
        assert_eq!(counted.lines, answer.line_count);
        assert_eq!(counted.heaps, answer.heap_count);
        assert_eq!(counted.stacks, answer.stack_count);
        assert_eq!(counted.frames, answer.frame_count);
        assert_eq!(counted.distinct_frames, answer.distinct_frame_count);
        assert_eq!(counted.total.allocation_count, answer.block_count);
        assert_eq!(counted.total.requested_bytes, answer.requested_bytes);
        assert_eq!(counted.total.overhead_bytes, answer.overhead_bytes);
        assert!(counted.deepest <= 64, "{}", counted.deepest);
    }
}

#[test]
fn reference_logs_have_their_shape() {
    let (log, answer) = reference_log(Kind::Blocks, false);
    assert!((1_000_000..1_002_000).contains(&log.len()), "{}", log.len());
    assert_eq!(answer.stack_count, 80);
    let stacks = |log: &[u8]| {
        log.split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"\t"))
            .map(|line| line.len() + 1)
            .sum::<usize>()
    };
    assert!(stacks(&log) < log.len() / 20);
    let (log, answer) = reference_log(Kind::Mixed, false);
    assert_eq!((answer.stack_count, answer.distinct_frame_count), (680, 250));
    assert!((log.len() * 45 / 100..log.len() * 55 / 100).contains(&stacks(&log)), "{}", stacks(&log));
}

#[test]
fn grown_reference_log_has_the_same_stacks_and_some_blocks_more() {
    let (_, before) = reference_log(Kind::Blocks, false);
    let (_, after) = reference_log(Kind::Blocks, true);
    assert_eq!((before.stack_count, before.frame_count), (after.stack_count, after.frame_count));
    assert!(after.grown_block_count > 0);
    assert_eq!(after.block_count - before.block_count, after.grown_block_count);
    assert_eq!(after.requested_bytes - before.requested_bytes, after.grown_requested_bytes);
    assert_eq!(after.overhead_bytes - before.overhead_bytes, after.grown_overhead_bytes);
}

#[test]
fn later_reference_logs_keep_most_blocks_where_they_were() {
    let log = |step| {
        let mut out = Vec::new();
        let options = reference::Options { kind: Kind::Blocks, byte_count: 1_000_000, seed: 3, grown: false, step };
        let answer = write_reference(&mut out, &options).unwrap();
        (String::from_utf8(out).unwrap(), answer)
    };
    let logs: Vec<_> = (0..4).map(log).collect();
    for pair in logs.windows(2) {
        let ((before, _), (after, answer)) = (&pair[0], &pair[1]);
        let counted = count(after);
        assert_eq!((counted.lines, counted.stacks), (answer.line_count, answer.stack_count));
        assert_eq!(counted.total.allocation_count, answer.block_count);
        assert_eq!(counted.total.requested_bytes, answer.requested_bytes);
        assert_eq!(counted.total.overhead_bytes, answer.overhead_bytes);
        let (before, after) = (blocks(before), blocks(after));
        assert_eq!(after.len() as u64, answer.block_count);
        let born: Vec<_> = after.difference(&before).collect();
        assert_eq!(born.len() as u64, answer.born_block_count);
        assert_eq!(born.iter().map(|block| block.1).sum::<u64>(), answer.born_requested_bytes);
        assert_eq!(before.difference(&after).count() as u64, answer.died_block_count);
        assert!(answer.born_block_count > 100 && answer.died_block_count > 100, "{answer:?}");
        assert!(before.intersection(&after).count() > before.len() * 15 / 16);
    }
}

#[test]
fn investigation_answer_is_what_stands_in_the_log() {
    for pointer_width in [32, 64] {
        let (log, answer) = investigation_log(&investigation::Options { pointer_width, step: 2, ..small() });
        let counted = count(std::str::from_utf8(&log).unwrap());
        assert_eq!(counted.lines, answer.line_count);
        assert_eq!(counted.heaps, answer.heap_count);
        assert_eq!(counted.stacks, answer.stack_count);
        assert_eq!((counted.aliases, counted.deepest), (1, 32));
        assert_eq!(counted.total, answer.total);
        let parts = answer.modules.iter().map(|(_, sums)| *sums).chain([answer.without_stack, answer.undefined]);
        assert_eq!(parts.map(|part| part.requested_bytes).sum::<u64>(), answer.total.requested_bytes);
    }
}

#[test]
fn every_encoding_and_line_end_holds_the_same_text() {
    let (plain, _) = investigation_log(&investigation::Options { line_end: LineEnd::Lf, ..small() });
    let plain = String::from_utf8(plain).unwrap();
    for (name, encoding) in Encoding::NAMED {
        for line_end in [LineEnd::Lf, LineEnd::CrLf, LineEnd::CrCrLf] {
            let (log, _) = investigation_log(&investigation::Options { line_end, encoding, ..small() });
            let decoder =
                encoding_rs::Encoding::for_label(name.trim_end_matches("-sig").replace("utf-16-", "utf-16").as_bytes());
            let (text, _, malformed) = decoder.unwrap().decode(&log);
            assert!(!malformed, "{name}");
            assert!(text.replace(line_end.text(), "\n") == plain, "{name} {line_end:?}");
        }
    }
}

#[test]
fn story_is_the_same_in_another_run_at_other_addresses() {
    let (first, here) = investigation_log(&small());
    let (second, there) = investigation_log(&investigation::Options { run: 1, ..small() });
    assert_ne!(first, second);
    assert_ne!(here.pid, there.pid);
    assert_eq!((here.modules, here.total), (there.modules, there.total));
}

#[test]
fn leak_goes_on_and_cache_fills_up_in_both_dialects() {
    for dialect in [Dialect::Umdh2, Dialect::Umdh1] {
        let answers: Vec<_> =
            (0..6).map(|step| investigation_log(&investigation::Options { dialect, step, ..small() }).1).collect();
        let growth = |sum: fn(&investigation::Answer) -> u64| -> Vec<u64> {
            answers.windows(2).map(|pair| sum(&pair[1]) - sum(&pair[0])).collect()
        };
        let leaked = growth(|answer| answer.leaked.requested_bytes);
        let cached = growth(|answer| answer.cached.requested_bytes);
        assert!(leaked.iter().all(|bytes| *bytes > leaked[0] / 2), "{leaked:?}");
        assert!(cached[0] > leaked[0] / 4 && cached[0] < leaked[0], "{cached:?} {leaked:?}");
        assert_eq!(cached[3..], [0, 0]);
    }
}

#[test]
fn hogs_of_version_1_add_up() {
    let (log, answer) =
        investigation_log(&investigation::Options { dialect: Dialect::Umdh1, pointer_width: 32, ..small() });
    let log = String::from_utf8(log).unwrap();
    let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    let mut total = Totals::default();
    for line in log.lines().filter(|line| line.contains(" by: BackTrace")) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(hex(words[0]), hex(words[3]) * hex(words[6].trim_end_matches(')')), "{line}");
        total.requested_bytes += hex(words[0]);
        total.allocation_count += hex(words[3]);
    }
    assert_eq!(total, answer.total);
    assert_eq!(log.lines().count() as u64, answer.line_count);
}

/// Each block line of a UMDH 2 text: address, size and id.
fn blocks(text: &str) -> HashSet<(u64, u64, u64)> {
    let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("BackTrace"), 16).unwrap();
    let words = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words.len() == 8 && words[1] == "bytes" && words[0] != "REQUESTED")
        .map(|words| (hex(words[5]), hex(words[0]), hex(words[7])))
        .collect()
}

#[test]
fn days_keep_blocks_in_their_places_until_a_restart() {
    let mut series = Series::new(SeriesOptions { seed: 4, stack_count: 200, hours_apart: 6, restart_at: Some(3) });
    let logs: Vec<(String, SeriesAnswer)> = (0..5)
        .map(|_| {
            let mut out = Vec::new();
            let answer = series.write_next(&mut out).unwrap();
            (String::from_utf8(out).unwrap(), answer)
        })
        .collect();
    for (text, answer) in &logs {
        let counted = count(text);
        assert_eq!((counted.lines, counted.total), (answer.log.line_count, answer.log.total));
        assert_eq!(blocks(text).len() as u64, answer.log.total.allocation_count);
        let leaked: u64 = answer.leaked_by_birth.iter().map(|sums| sums.requested_bytes).sum();
        assert_eq!(leaked, answer.log.leaked.requested_bytes);
        let cached: u64 = answer.cached_by_birth.iter().map(|sums| sums.requested_bytes).sum();
        assert_eq!(cached, answer.log.cached.requested_bytes);
    }
    let runs: Vec<u64> = logs.iter().map(|(_, answer)| answer.run).collect();
    assert_eq!(runs, [0, 0, 0, 1, 1]);
    let kept: Vec<usize> =
        logs.windows(2).map(|pair| blocks(&pair[0].0).intersection(&blocks(&pair[1].0)).count()).collect();
    let most = |at: usize| blocks(&logs[at].0).len() / 2;
    assert!(kept[0] > most(0) && kept[1] > most(1) && kept[3] > most(3), "{kept:?}");
    assert_eq!(kept[2], 0);
}
