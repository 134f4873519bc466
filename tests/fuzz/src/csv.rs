//! Tables: without quotes, each line that is not empty and not the header gives one record or one reason.

use super::{RECORD_BYTES, read, without_mark};
use nudge_data::Layout;

/// Reads it.
pub fn target(content: &[u8]) {
    for layout in [Layout::Csv, Layout::Tsv] {
        let Some(found) = read(content, layout) else { return };
        let content = without_mark(content);
        let lines: Vec<&[u8]> = content.split(|byte| b"\r\n".contains(byte)).filter(|line| !line.is_empty()).collect();
        let is_header_bad = found.len() == 1 && found[0].value.is_err();
        if content.contains(&b'"') || lines.iter().any(|line| line.len() >= RECORD_BYTES) || is_header_bad {
            continue;
        }
        assert_eq!(found.len(), lines.len().saturating_sub(1));
        let separator = if layout == Layout::Csv { b',' } else { b'\t' };
        let cells = |line: &[u8]| line.split(|&byte| byte == separator).count();
        for (found, line) in found.iter().zip(&lines[1.min(lines.len())..]) {
            let is_good = cells(line) == cells(lines[0]) && std::str::from_utf8(line).is_ok();
            assert_eq!(found.value.is_ok(), is_good, "{found:?}");
        }
    }
}
