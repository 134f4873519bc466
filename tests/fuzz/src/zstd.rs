//! zstd: a damaged file gives one reason at most, at the end; nothing expands past its limit.

use super::read_compressed;

/// Reads it.
pub fn target(content: &[u8]) {
    read_compressed(b"\x28\xb5\x2f\xfd", content);
}
