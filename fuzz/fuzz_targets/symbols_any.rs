//! libFuzzer's way into [`heapdelta_fuzz::symbols_any`].
#![no_main]

use std::panic::{catch_unwind, set_hook};

use heapdelta_fuzz::{
    pdb_records::{Msf, Random, change},
    symbols_any::target,
};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

// Crates panic, and heapdelta catches it: no crash. A panic that reaches libFuzzer is one, whatever the hook does.
fuzz_target!(
    init: set_hook(Box::new(|_| {})),
    |data: &[u8]| target(data)
);

// Every other change is one of records, where there are such.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = || {
        let mut pdb = Msf::of(&data[..size]);
        change(&mut pdb, &mut Random(u64::from(seed) << 16 | 1));
        pdb.written()
    };
    match (seed % 2 == 0).then(|| catch_unwind(changed).ok()).flatten() {
        Some(pdb) if pdb.len() <= max_size => {
            data[..pdb.len()].copy_from_slice(&pdb);
            pdb.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
