//! Parquet: a damaged file never ends the program, and its row numbers never go down.

use super::options;
use nudge_data::{Layout, Source};

/// A few bytes may stand for rows up to the limit of what comes out of a file; so many are enough.
const MOST_ROWS: usize = 10_000;

/// Reads it.
pub fn target(content: &[u8]) {
    let Ok(source) = Source::from_bytes("fuzz", content.to_vec(), options(Layout::Parquet)) else { return };
    let mut last = 0;
    for found in source.take(MOST_ROWS) {
        assert!(found.line >= last, "row {} after {last}", found.line);
        assert!(!found.value.is_err_and(|reason| reason.is_empty()), "row {} is refused without a reason", found.line);
        last = found.line;
    }
}
