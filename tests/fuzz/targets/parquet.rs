//! Parquet: a damaged file never ends the program, and its row numbers never go down.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nudge_data::{Layout, Source};
use nudge_fuzz::options;

/// A few bytes may stand for rows up to the limit of what comes out of a file; so many are enough.
const MOST_ROWS: usize = 10_000;

fuzz_target!(
    init: {
        // The decoder's panics are caught by the reader; ours still end the run.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |content: &[u8]| {
        let Ok(source) = Source::from_bytes("fuzz", content.to_vec(), options(Layout::Parquet)) else { return };
        let mut last = 0;
        for found in source.take(MOST_ROWS) {
            if found.line < last || found.value.is_err_and(|reason| reason.is_empty()) {
                eprintln!("row {} after {last}", found.line);
                std::process::abort();
            }
            last = found.line;
        }
    }
);
