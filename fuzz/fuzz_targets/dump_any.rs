//! libFuzzer's way into [`heapdelta_fuzz::dump_any`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::dump_any::target(data));
