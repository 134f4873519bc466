//! The one place that knows the platform: the clock. In a browser it is `performance.now`.

use web_time::Instant;

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
