//! JSONL: each line that is not blank gives one record or one reason, and records are serde_json's.

use super::{RECORD_BYTES, read, without_mark};
use nudge_data::Layout;

/// What a gzip or Zstandard file begins with; lines of such a file are not in its bytes.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

/// Reads it.
pub fn target(content: &[u8]) {
    if COMPRESSED.iter().any(|magic| content.starts_with(magic)) {
        return;
    }
    let Some(found) = read(content, Layout::Jsonl) else { return };
    let lines = without_mark(content).split(|&byte| byte == b'\n').enumerate();
    let lines: Vec<_> = lines.filter(|(_, line)| line.len() > RECORD_BYTES || !line.trim_ascii().is_empty()).collect();
    assert_eq!(found.len(), lines.len());
    for (found, (index, line)) in found.iter().zip(lines) {
        assert_eq!(found.line, index as u64 + 1);
        match &found.value {
            Ok(value) => {
                assert_eq!(*value, serde_json::from_slice::<serde_json::Value>(line.trim_ascii()).expect("is JSON"))
            }
            Err(reason) => assert!(!reason.is_empty()),
        }
    }
}
