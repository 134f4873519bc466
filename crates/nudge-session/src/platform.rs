//! The one place that knows the platform: the clock, which in a browser is `performance.now`, and how much memory there
//! is to spend.

use std::sync::atomic::{AtomicUsize, Ordering};
use web_time::Instant;

/// See [`activations_held`]. A browser may not say what its device has; a phone gives a tab little.
static ACTIVATIONS_HELD: AtomicUsize =
    AtomicUsize::new(if cfg!(target_family = "wasm") { 192 << 20 } else { 704 << 20 });

/// Bytes of intermediate results that a forward pass of a large model holds for backward, which computes again what is
/// beyond them.
pub fn activations_held() -> usize {
    ACTIVATIONS_HELD.load(Ordering::Relaxed)
}

/// Holds what a device with `gigabytes` of memory has room for: a twelfth of it. Browsers say 8 at most, and a
/// WebAssembly memory ends at 4.
pub fn set_device_memory(gigabytes: f64) {
    let held = (gigabytes.clamp(0.5, 8.0) * (1u64 << 30) as f64 / 12.0) as usize;
    ACTIVATIONS_HELD.store(held, Ordering::Relaxed);
}

/// Seconds since it was made.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    // Natively `web_time` is `std::time`, which the lint forbids for the browser's sake.
    #[allow(clippy::disallowed_methods)]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
