//! PDBs whose records lead elsewhere: 64 of each seed; for `HEAPDELTA_RECORD_SECONDS` as many as there is time for, others each time.

use std::{
    env, fs,
    io::Read,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use flate2::read::GzDecoder;
use heapdelta_fuzz::{
    pdb_records::{Msf, Random, change},
    symbols_any::target,
};

fn seed(file: &str) -> Msf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/symbols").join(file);
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    Msf::of(&bytes)
}

#[test]
fn records_that_lead_elsewhere_are_no_harm() {
    let seeds = ["x64/server.pdb.gz", "x86/server.pdb.gz", "rebuilt/server.pdb.gz"].map(seed);
    let seconds = env::var("HEAPDELTA_RECORD_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut number = end.map_or(1, |_| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1);
    let mut count = 0;
    while end.map_or(count < 64, |end| Instant::now() < end) {
        for seed in &seeds {
            let mut pdb = seed.clone();
            change(&mut pdb, &mut Random(number));
            if end.is_some() {
                // A stack that overflows ends the process: what is there then is what did it.
                fs::write(env::temp_dir().join("heapdelta-records.pdb"), pdb.written()).unwrap();
            }
            target(&pdb.written());
            number = number.wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
        }
        count += 1;
    }
    println!("{} files", count * seeds.len());
}
