//! How fast a device is at what Nudge does: the same steps that training runs make, on random weights and tokens of
//! fixed shapes.
//!
//! - [`size`]: the named shapes and their arithmetic;
//! - `phase`: what is measured, step by step;
//! - `ceiling`: how fast the device multiplies and copies at best, to hold the phases against.
//!
//! The first step of each phase is told by itself: on a GPU it compiles shaders. Steps after the warm-up are
//! measured; a row is their median. Launches and readbacks are counted, not timed, and so the same anywhere.
//! Deliberately absent: quality, which random weights do not have; other programs (`tests/bench/peers`).

mod ceiling;
mod phase;
pub mod size;

pub use ceiling::Ceilings;
pub use phase::Phase;
pub use size::Size;

use crate::SessionError;
use crate::platform::Stopwatch;
use crate::readback;
use burn::tensor::Device;
use phase::Subject;
use serde::Serialize;

/// What is measured, and how often.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// The phases, in this order.
    pub phases: Vec<Phase>,
    /// Steps measured.
    pub repeats: usize,
    /// Steps before them, the first among them.
    pub warm_up: usize,
    /// Prompts of the phase `rollout`.
    pub prompts: usize,
    /// Seed of weights, tokens and noise.
    pub seed: u64,
}

/// What only the shell can count.
pub trait Meter {
    /// Kernel launches so far: 0 on the CPU, nothing where they cannot be counted.
    fn launches(&self) -> Option<u64>;
    /// Batches of launches handed to the device so far.
    fn submits(&self) -> Option<u64>;
    /// Starts the search for the peak anew.
    fn reset_peak(&mut self);
    /// Most memory in use since then, in bytes.
    fn peak_bytes(&self) -> Option<u64>;
}

/// One phase, measured.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// The model's shape.
    pub size: &'static str,
    /// What was done.
    pub phase: &'static str,
    /// Name of the device, the shell's.
    pub device: String,
    /// Median time of a step.
    pub ms: f64,
    /// The fastest step.
    pub ms_low: f64,
    /// The slowest step.
    pub ms_high: f64,
    /// The first step, with everything a device does once.
    pub first_ms: f64,
    /// Tokens of a step by the median time: those trained on, or those sampled.
    pub tokens_per_s: f64,
    /// Floating-point operations of the matrix products by the median time, in billions a second.
    pub gflops: f64,
    /// The same of a large matrix product on this device in this run.
    pub gflops_ceiling: f64,
    /// Bytes of weights, gradients, moments and caches that have to move at least, in billions a second.
    pub gb_per_s: f64,
    /// The same of a large copy on this device in this run.
    pub gb_per_s_ceiling: f64,
    /// Kernel launches of the last step.
    pub launches: Option<u64>,
    /// The same a token.
    pub launches_per_token: Option<f64>,
    /// Batches in which they were handed to the device.
    pub submits: Option<u64>,
    /// How often the last step waited for the device.
    pub readbacks: u64,
    /// Most memory in use in the phase.
    pub peak_bytes: Option<u64>,
    /// Steps measured.
    pub repeats: usize,
    /// Parameters of one model of the size.
    pub parameters: usize,
}

/// One part of one step.
#[derive(Debug, Clone, Copy)]
struct Measured {
    phase: &'static str,
    seconds: f64,
    launches: Option<u64>,
    submits: Option<u64>,
    readbacks: u64,
}

/// Measures the phases on a model of `size`; `tell` gets every row as it is there.
///
/// # Errors
/// If the device fails, or `tell` does.
pub async fn run<E: From<SessionError>>(
    size: Size,
    options: &BenchOptions,
    device: (&str, &Device),
    ceilings: &Ceilings,
    meter: &mut impl Meter,
    mut tell: impl FnMut(Measurement) -> Result<(), E>,
) -> Result<(), E> {
    for phase in &options.phases {
        if *phase == Phase::Reward && size == Size::Test {
            continue; // So many pairs are no test of anything at that width.
        }
        meter.reset_peak();
        let mut subject = Subject::new(*phase, size, options, device.1)?;
        let mut steps = Vec::new();
        for _ in 0..options.warm_up.max(1) + options.repeats.max(1) {
            steps.push(subject.step(&Clock { meter }).await?);
        }
        let peak_bytes = meter.peak_bytes();
        for part in 0..steps[0].len() {
            let all: Vec<Measured> = steps.iter().map(|step| step[part]).collect();
            tell(row(size, &all, options, device.0, ceilings, peak_bytes))?;
        }
    }
    Ok(())
}

/// Times a part of a step and counts what it launches and waits for.
struct Clock<'a, M> {
    meter: &'a M,
}

impl<M: Meter> Clock<'_, M> {
    async fn measure<T>(
        &self,
        phase: &'static str,
        work: impl Future<Output = Result<T, SessionError>>,
    ) -> Result<(T, Measured), SessionError> {
        let (launches, submits) = (self.meter.launches(), self.meter.submits());
        let (readbacks, watch) = (readback::count(), Stopwatch::start());
        let result = work.await?;
        let seconds = watch.seconds();
        let since = |before: Option<u64>, now: Option<u64>| Some(now? - before?);
        let launches = since(launches, self.meter.launches());
        let submits = since(submits, self.meter.submits());
        Ok((result, Measured { phase, seconds, launches, submits, readbacks: readback::count() - readbacks }))
    }
}

fn row(
    size: Size,
    steps: &[Measured],
    options: &BenchOptions,
    device: &str,
    ceilings: &Ceilings,
    peak_bytes: Option<u64>,
) -> Measurement {
    let Measured { phase, launches, submits, readbacks, .. } = steps[steps.len() - 1];
    let measured = &steps[options.warm_up.max(1)..];
    let mut seconds: Vec<f64> = measured.iter().map(|step| step.seconds).collect();
    let median = median(&mut seconds);
    let work = size.work(phase, options.prompts);
    Measurement {
        size: size.name(),
        phase,
        device: device.into(),
        ms: 1e3 * median,
        ms_low: 1e3 * seconds[0],
        ms_high: 1e3 * seconds[seconds.len() - 1],
        first_ms: 1e3 * steps[0].seconds,
        tokens_per_s: work.tokens / median,
        gflops: 1e-9 * work.operations / median,
        gflops_ceiling: ceilings.gflops,
        gb_per_s: 1e-9 * work.bytes / median,
        gb_per_s_ceiling: ceilings.gb_per_s,
        launches,
        launches_per_token: launches.map(|launches| launches as f64 / work.tokens),
        submits,
        readbacks,
        peak_bytes,
        repeats: measured.len(),
        parameters: size.config().parameter_count(),
    }
}

/// Sorts; gives the middle, or the mean of the two in the middle.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => numbers[count / 2],
        count => (numbers[count / 2 - 1] + numbers[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    struct NoMeter;

    impl Meter for NoMeter {
        fn launches(&self) -> Option<u64> {
            Some(0)
        }
        fn submits(&self) -> Option<u64> {
            Some(0)
        }
        fn reset_peak(&mut self) {}
        fn peak_bytes(&self) -> Option<u64> {
            None
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn every_phase_has_its_rows_and_a_rollout_waits_once() {
        let options = BenchOptions { phases: Phase::ALL.to_vec(), repeats: 1, warm_up: 1, prompts: 3, seed: 1 };
        let (mut rows, ceilings) = (Vec::new(), Ceilings { gflops: 1.0, gb_per_s: 1.0 });
        let tell = |row| {
            rows.push(row);
            Ok::<_, SessionError>(())
        };
        block_on(run(Size::Test, &options, ("cpu", &Device::flex()), &ceilings, &mut NoMeter, tell)).unwrap();
        let names: Vec<&str> = rows.iter().map(|row: &Measurement| row.phase).collect();
        assert_eq!(names, ["sft", "rollout", "ppo", "ppo/rollout", "ppo/score", "ppo/update"]);
        let named = |name: &str| rows.iter().find(|row| row.phase == name).unwrap();
        assert_eq!(named("sft").readbacks, 1);
        assert_eq!(named("rollout").readbacks, 1);
        assert_eq!(named("ppo").readbacks, 1 + named("ppo/score").readbacks + named("ppo/update").readbacks);
        assert!(rows.iter().all(|row| row.ms > 0.0 && row.tokens_per_s > 0.0 && row.gflops > 0.0));
    }
}
