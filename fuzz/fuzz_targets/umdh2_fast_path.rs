//! libFuzzer's way into [`heapdelta_fuzz::umdh2_fast_path`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::umdh2_fast_path::target(data));
