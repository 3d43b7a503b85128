//! What each format makes of a few stacks; `tests/python/export` reads all of them back, and holds them against rankings.

use std::io::Read;

use flate2::bufread::GzDecoder;

use super::{Call, Module, PIECE, Place, Point, Stacks, firefox, folded, gzip, heaptrack, pprof, speedscope};

fn place(name: &str, module: Option<u32>) -> Place {
    let calls = vec![Call { name: name.to_owned(), file: None, line: None }];
    Place { calls, module, is_allocator: module.map(|_| false) }
}

fn stacks() -> Stacks {
    given().prepared()
}

/// Two stacks with one caller, one of them with bytes that are not known, one without frames, and one that is gone.
fn given() -> Stacks {
    let mut grow = place("app!grow", Some(0));
    grow.calls.insert(0, Call { name: "app!inner".to_owned(), file: Some("a.h".to_owned()), line: Some(7) });
    let point = |label: &str, milliseconds, bytes: [Option<i64>; 4], blocks: [Option<i64>; 4]| Point {
        label: label.to_owned(),
        milliseconds,
        bytes: bytes.to_vec(),
        blocks: blocks.to_vec(),
    };
    Stacks {
        title: "a log".to_owned(),
        started: 0.0,
        notes: vec!["a note".to_owned()],
        modules: vec![Module { name: "app".to_owned(), path: r"C:\app.exe".to_owned(), debug_id: None }],
        places: vec![place("[no stack recorded]", None), place("app!main", Some(0)), grow, place("app!a;b", Some(0))],
        steps: vec![1, 2, 1, 3, 0, 3],
        starts: vec![0, 2, 4, 5, 6],
        owners: vec![0, 0, 1, 0],
        owner_names: vec!["app".to_owned(), "[no stack recorded]".to_owned()],
        points: vec![
            point("before", 0.0, [Some(10), None, Some(1), Some(8)], [Some(1), Some(1), Some(1), Some(2)]),
            point("after", 1000.0, [Some(25), Some(4), Some(1), Some(0)], [Some(4), None, Some(1), Some(0)]),
        ],
    }
}

#[test]
fn what_no_stack_has_is_left_out() {
    let mut all = given();
    all.places.insert(1, place("gone!unused", Some(1)));
    all.steps.iter_mut().filter(|step| **step > 0).for_each(|step| *step += 1);
    all.modules.push(Module { name: "gone".to_owned(), path: "gone.dll".to_owned(), debug_id: None });
    all.owner_names.insert(0, "gone".to_owned());
    all.owners.iter_mut().for_each(|owner| *owner += 1);
    let all = all.prepared();
    let speedscope = |stacks: &Stacks, net| speedscope::write(stacks, net).unwrap();
    let firefox = |stacks: &Stacks, net| firefox::write(stacks, net).unwrap();
    for write in [folded::write, pprof::write, speedscope, firefox] {
        assert_eq!(write(&all, false), write(&stacks(), false));
    }
    assert_eq!(heaptrack::write(&all), heaptrack::write(&stacks()));
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn folded_lines_have_bytes_of_each_point() {
    let all = "app!main;app!grow;app!inner 10 25\n[bytes not known];app!main;app!a:b 0 4\n[no stack recorded] 1 1\n\
        app!a:b 8 0\n";
    assert_eq!(text(folded::write(&stacks(), false)), all);
    assert_eq!(text(folded::write(&stacks(), true)), all.replace("[no stack recorded] 1 1\n", ""));
}

#[test]
fn heaptrack_has_as_many_blocks_and_bytes_as_the_log() {
    let written = text(heaptrack::write(&stacks()));
    let numbers = |line: &str| -> Vec<u64> {
        line.split(' ').skip(1).map(|number| u64::from_str_radix(number, 16).unwrap()).collect()
    };
    let kinds: Vec<_> = written.lines().filter(|line| line.starts_with("a ")).map(numbers).collect();
    let blocks: Vec<_> = written.lines().filter(|line| line.starts_with("+ ")).map(numbers).collect();
    assert_eq!(blocks.len(), 6, "four, one of bytes whose blocks are not known, one without a stack");
    assert_eq!(blocks.iter().map(|block| kinds[block[0] as usize][0]).sum::<u64>(), 30);
    let nodes: Vec<_> = blocks.iter().map(|block| kinds[block[0] as usize][1]).collect();
    assert!(nodes.is_sorted());
}

#[test]
fn the_profiler_tells_frames_from_what_stands_for_one() {
    let mut all = given();
    all.places[1].is_allocator = Some(true);
    let written: serde_json::Value = serde_json::from_slice(&firefox::write(&all.prepared(), false).unwrap()).unwrap();
    let thread = &written["threads"][0];
    let names = |func: &serde_json::Value| {
        let name = thread["funcTable"]["name"][func.as_u64().unwrap() as usize].as_u64().unwrap();
        thread["stringArray"][name as usize].as_str().unwrap()
    };
    let frames = &thread["frameTable"];
    let column = |name: &str| frames[name].as_array().unwrap().iter();
    let told: Vec<_> = column("func")
        .zip(column("category"))
        .map(|(func, category)| {
            (names(func), written["meta"]["categories"][category.as_u64().unwrap() as usize]["name"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("[no stack recorded]", "Other"),
        ("app!main", "Allocator"),
        ("app!grow", "Program"),
        ("app!inner", "Program"),
        ("app!a;b", "Program"),
        ("[bytes not known]", "Other"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn speedscope_has_no_negative_weights() {
    let written: serde_json::Value = serde_json::from_slice(&speedscope::write(&stacks(), false).unwrap()).unwrap();
    let profiles = written["profiles"].as_array().unwrap();
    let told: Vec<_> =
        profiles.iter().map(|profile| (profile["name"].as_str().unwrap(), &profile["endValue"])).collect();
    assert_eq!(told.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["growth", "shrinkage", "after", "before"]);
    assert_eq!(told.iter().map(|(_, end)| end.as_i64().unwrap()).collect::<Vec<_>>(), [15, 8, 30, 19]);
    assert!(
        profiles.iter().all(|profile| profile["weights"].as_array().unwrap().iter().all(|one| one.as_i64() >= Some(0)))
    );
}

#[test]
fn the_same_stacks_are_the_same_bytes() {
    assert_eq!(pprof::write(&stacks(), false), pprof::write(&stacks(), false));
    assert_ne!(pprof::write(&stacks(), false), pprof::write(&stacks(), true));
    assert_eq!(gzip(b"abc").unwrap(), gzip(b"abc").unwrap());
}

#[test]
fn what_is_packed_in_pieces_is_one_stream() {
    for length in [0, 1, PIECE - 1, PIECE, 2 * PIECE + 3] {
        let bytes: Vec<u8> = (0..length).map(|place| (place * place % 251) as u8).collect();
        let packed = gzip(&bytes).unwrap();
        let mut unpacked = Vec::new();
        // Reads one stream, and nothing that is behind it.
        let mut one = GzDecoder::new(packed.as_slice());
        one.read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == bytes, "{length} bytes");
        assert!(one.into_inner().is_empty());
    }
}
