//! zstd: a damaged file gives one reason at most, at the end; nothing expands past its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nudge_data::{Layout, Source};
use nudge_fuzz::options;

fuzz_target!(|content: &[u8]| {
    let content = [b"\x28\xb5\x2f\xfd".as_slice(), content].concat();
    let Ok(source) = Source::open("fuzz", content.as_slice(), options(Layout::Text)) else { return };
    let found: Vec<_> = source.collect();
    let is_reader_error = |reason: &String| reason.contains("compressed file");
    let errors = found.iter().filter(|found| found.value.as_ref().is_err_and(is_reader_error)).count();
    assert!(errors <= 1, "one reason a file");
    if errors == 1 {
        assert!(found.last().is_some_and(|found| found.value.as_ref().is_err_and(is_reader_error)), "at the end");
    }
    let length: usize =
        found.iter().filter_map(|found| found.value.as_ref().ok()).map(|value| value.to_string().len()).sum();
    // One read may pass the limit before it is looked at; JSON writes a control character as six.
    assert!(length < 6 * ((1 << 20) + (1 << 18)) + 40 * found.len(), "{length} bytes");
});
