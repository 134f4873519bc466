//! JSON documents: a whole array gives serde_json's elements, and a part of one a record or a reason.

use super::{RECORD_BYTES, read, without_mark};
use nudge_data::Layout;
use serde_json::Value;

/// Reads it.
pub fn target(content: &[u8]) {
    let Some(found) = read(content, Layout::Json) else { return };
    let content = without_mark(content);
    let is_blank = content.iter().all(|byte| b" \t\r\n,".contains(byte));
    let whole: Option<Vec<Value>> = serde_json::from_slice(content).ok();
    match whole {
        // Under every limit the elements are the same, in order.
        Some(values)
            if content.len() <= RECORD_BYTES
                && content.iter().filter(|&&byte| b",:[{".contains(&byte)).count() < 50 =>
        {
            let found: Vec<Value> = found.into_iter().map(|found| found.value.expect("is a record")).collect();
            assert_eq!(found, values);
        }
        Some(values) => assert_eq!(found.len(), values.len()),
        None if is_blank => assert!(found.is_empty()),
        // An array cut short is told by a reason at the end.
        None if content.trim_ascii_start().starts_with(b"[") && !content.contains(&b']') => {
            assert!(found.last().is_some_and(|found| found.value.is_err()));
        }
        None => {}
    }
}
