//! gzip: a damaged file gives one reason at most, at the end; nothing expands past its limit.

use super::read_compressed;

/// Reads it.
pub fn target(content: &[u8]) {
    read_compressed(b"\x1f\x8b", content);
}
