//! libFuzzer's way into [`heapdelta_fuzz::archive_any`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heapdelta_fuzz::archive_any::target(data));
