//! libFuzzer's way into [`heapdelta_fuzz::symbols_any`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::symbols_any::target(data));
