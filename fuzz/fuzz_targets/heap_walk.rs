//! libFuzzer's way into [`heapdelta_fuzz::heap_walk`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::heap_walk::target(data));
