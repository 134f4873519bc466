//! How much memory this process holds, where the system tells: Linux does, in `/proc`.

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
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
