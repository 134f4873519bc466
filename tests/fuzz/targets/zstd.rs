//! zstd: a damaged file gives one reason at most, at the end; nothing expands past its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nudge_fuzz::read_compressed;

fuzz_target!(|content: &[u8]| read_compressed(b"\x28\xb5\x2f\xfd", content));
