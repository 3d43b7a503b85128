//! Every target over its seeds, and over each seed cut short, with a byte changed, and joined with the next.

use std::{fs, io::Read, path::Path};

use flate2::read::GzDecoder;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn run(target: fn(&[u8]), name: &str) {
    over(target, &seeds(name));
}

fn over(target: fn(&[u8]), seeds: &[Vec<u8>]) {
    for (index, seed) in seeds.iter().enumerate() {
        target(seed);
        let step = seed.len() / 24 + 1;
        for at in (0..seed.len()).step_by(step) {
            target(&seed[..at]);
            let mut changed = seed.clone();
            changed[at] = changed[at].wrapping_mul(31).wrapping_add(at as u8);
            target(&changed);
        }
        target(&[seed.as_slice(), &seeds[(index + 1) % seeds.len()]].concat());
    }
}

#[test]
fn archive_any() {
    run(heapdelta_fuzz::archive_any::target, "archive_any");
}

#[test]
fn read_any() {
    run(heapdelta_fuzz::read_any::target, "read_any");
}

#[test]
fn umdh2_fast_path() {
    run(heapdelta_fuzz::umdh2_fast_path::target, "umdh2_fast_path");
}

#[test]
fn comparison_round_trip() {
    run(heapdelta_fuzz::comparison_round_trip::target, "comparison_round_trip");
}

#[test]
fn dump_any() {
    run(heapdelta_fuzz::dump_any::target, "dump_any");
}

#[test]
fn heap_walk() {
    run(heapdelta_fuzz::heap_walk::target, "heap_walk");
}

/// The symbols of the tests.
#[test]
fn symbols_any() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/symbols");
    let files = [
        "x64/server.pdb",
        "x64/server.exe",
        "x64/server.sym",
        "public/server.pdb",
        "x86/server.pdb",
        "dwarf/server.exe",
    ];
    let seed = |file: &str| {
        let mut bytes = Vec::new();
        let packed = fs::File::open(folder.join(format!("{file}.gz"))).unwrap();
        GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        bytes
    };
    over(heapdelta_fuzz::symbols_any::target, &files.map(seed));
}
