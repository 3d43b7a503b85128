//! libFuzzer's way into [`heapdelta_fuzz::read_any`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::read_any::target(data));
