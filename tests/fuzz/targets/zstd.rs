#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| nudge_fuzz::zstd::target(content));
