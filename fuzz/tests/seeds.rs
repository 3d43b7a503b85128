//! Every target over its seeds, and over each seed cut short, with a byte changed, and joined with the next.

use std::{fs, path::Path};

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn run(target: fn(&[u8]), name: &str) {
    let seeds = seeds(name);
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
