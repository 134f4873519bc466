//! How much memory this process holds and may still take, where the system tells: Linux does, in `/proc`.

use crate::machine;
use std::fs;

/// Starts the search for the peak anew. Elsewhere than on Linux nothing happens.
pub fn reset_peak() {
    machine::give_back_freed_memory();
    // The system refuses it to some processes; the peak is then that since the start.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Most resident memory since then, in bytes.
pub fn peak_bytes() -> Option<u64> {
    bytes_of("/proc/self/status", "VmHWM:")
}

/// Bytes that new processes can take without swapping.
pub fn available_bytes() -> Option<u64> {
    bytes_of("/proc/meminfo", "MemAvailable:")
}

/// The bytes of a line such as `VmHWM:  1234 kB`.
fn bytes_of(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let kib: u64 = text.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
