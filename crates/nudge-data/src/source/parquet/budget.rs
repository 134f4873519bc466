//! What the pages of a row group may take of memory, all columns together: a row needs a page of each.
//!
//! It lacks the pages themselves.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::Limits;

/// Pages may expand to this many times their bytes in the file before the excess is counted: text expands to four to
/// ten times.
const USUAL_EXPANSION: u64 = 16;
/// What the texts of one row's lists may take, in longest records: it is estimated by the longest text there is.
const LISTED_RECORDS: u64 = 4;

/// What the columns of a row group use together.
pub(super) struct Used {
    pub limits: Limits,
    /// The bytes that the pages in memory take beyond what is usual.
    expanded: AtomicU64,
    /// The values of the longest row of each column of lists, added up.
    row_values: AtomicU64,
    /// The same of the bytes of their texts.
    row_bytes: AtomicU64,
}

/// What one column adds to [`Used`].
#[derive(Default)]
pub(super) struct Share {
    /// Of the dictionary and of the page of data.
    excess: [u64; 2],
    row_values: u64,
    row_bytes: u64,
}

impl Used {
    pub(super) fn new(limits: Limits) -> Self {
        let zero = || AtomicU64::new(0);
        Self { limits, expanded: zero(), row_values: zero(), row_bytes: zero() }
    }

    /// Counts a page of so many bytes in the file and in memory, in place of the page before.
    pub(super) fn page(&self, share: &mut Share, is_dictionary: bool, file: u64, memory: u64) -> Result<(), String> {
        let excess = memory.saturating_sub(file.saturating_mul(USUAL_EXPANSION));
        let total = replace(&self.expanded, &mut share.excess[usize::from(is_dictionary)], excess);
        if total <= self.limits.expanded_bytes {
            return Ok(());
        }
        Err(format!(
            "a page of {file} bytes takes {memory} bytes of memory: this looks like a file made to fill the memory; if \
             you trust it, write it again with smaller pages and read the result"
        ))
    }

    /// Counts the lists of a column's longest row, in place of the longest before, and its texts of so many bytes.
    pub(super) fn row(&self, share: &mut Share, values: u64, text: u64) -> Result<(), String> {
        let all = replace(&self.row_values, &mut share.row_values, values);
        if all > self.limits.record_values as u64 {
            return Err(format!(
                "the lists of a row hold more than {} values, which is more than this program keeps in memory; split \
                 the row into several",
                self.limits.record_values
            ));
        }
        // A text of its own is in its page.
        let texts = if values > 1 { values.saturating_mul(text) } else { 0 };
        let bytes = replace(&self.row_bytes, &mut share.row_bytes, texts);
        let allowed = LISTED_RECORDS * self.limits.record_bytes as u64;
        if bytes > allowed {
            return Err(format!(
                "the lists of a row may hold {bytes} bytes of text, and at most {allowed} are read; split the row into \
                 several"
            ));
        }
        Ok(())
    }
}

/// Replaces a column's part of a total, which is returned.
fn replace(total: &AtomicU64, part: &mut u64, new: u64) -> u64 {
    let old = std::mem::replace(part, new);
    let after = total.load(Ordering::Relaxed).saturating_sub(old).saturating_add(new);
    total.store(after, Ordering::Relaxed);
    after
}
