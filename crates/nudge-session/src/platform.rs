//! The one place that knows the platform: the clock, which in a browser is `performance.now`, and how much memory there
//! is to spend.

use web_time::Instant;

/// Bytes of intermediate results that a forward pass of a large model holds for backward. A WebAssembly memory has
/// four gigabytes at most, and a phone gives a tab much less.
pub const ACTIVATIONS_HELD: usize = if cfg!(target_family = "wasm") { 192 << 20 } else { 704 << 20 };

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
