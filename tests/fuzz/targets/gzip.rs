#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| nudge_fuzz::gzip::target(content));
