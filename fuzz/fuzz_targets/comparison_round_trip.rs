//! libFuzzer's way into [`heapdelta_fuzz::comparison_round_trip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::comparison_round_trip::target(data));
