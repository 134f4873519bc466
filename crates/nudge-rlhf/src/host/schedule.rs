//! Learning rate as a function of the step. Stateless: a resumed run needs only its step number.

use serde::{Deserialize, Serialize};

/// What the learning rate does after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Stays at its peak.
    #[default]
    Constant,
    /// Falls in a straight line to 0 at `total_steps`.
    Linear,
    /// Falls along half a cosine to this fraction of the peak at `total_steps`.
    Cosine(f64),
}

/// A warm-up, then a decay.
///
/// ```
/// use nudge_rlhf::{Decay, LearningRate};
///
/// // The reward model of InstructGPT: cosine to a tenth (appendix C).
/// let schedule = LearningRate::new(9e-6, 500).decay(Decay::Cosine(0.1));
/// assert_eq!(schedule.at(0), 9e-6);
/// assert!((schedule.at(500) - 9e-7).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRate {
    /// Highest learning rate, reached after the warm-up.
    pub peak: f64,
    /// Optimizer steps of the whole run, warm-up included.
    pub total_steps: usize,
    /// Steps of the warm-up, a straight line up to the peak.
    pub warmup_steps: usize,
    /// Fraction of the peak at step 0 of a warm-up.
    pub warmup_start: f64,
    /// Course after the warm-up.
    pub decay: Decay,
}

impl LearningRate {
    /// Constant at `peak`, without a warm-up.
    pub fn new(peak: f64, total_steps: usize) -> Self {
        Self { peak, total_steps, warmup_steps: 0, warmup_start: 0.1, decay: Decay::Constant }
    }

    /// Adds a warm-up of `steps`, from a tenth of the peak (InstructGPT, appendix C).
    pub fn warmup(self, steps: usize) -> Self {
        Self { warmup_steps: steps, ..self }
    }

    /// Sets the course after the warm-up.
    pub fn decay(self, decay: Decay) -> Self {
        Self { decay, ..self }
    }

    /// The learning rate of step `step`, counted from 0. Past the end it stays where it ended.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            let done = step as f64 / self.warmup_steps as f64;
            return self.peak * (self.warmup_start + (1.0 - self.warmup_start) * done);
        }
        let decay_steps = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        let done = ((step - self.warmup_steps) as f64 / decay_steps as f64).min(1.0);
        self.peak
            * match self.decay {
                Decay::Constant => 1.0,
                Decay::Linear => 1.0 - done,
                Decay::Cosine(floor) => floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn constant_stays() {
        let schedule = LearningRate::new(3.0, 10);
        for step in [0, 5, 10, 100] {
            close(schedule.at(step), 3.0);
        }
    }

    #[test]
    fn linear_reaches_zero_and_stays_there() {
        let schedule = LearningRate::new(2.0, 10).decay(Decay::Linear);
        close(schedule.at(0), 2.0);
        close(schedule.at(5), 1.0);
        close(schedule.at(10), 0.0);
        close(schedule.at(11), 0.0);
    }

    #[test]
    fn cosine_reaches_its_fraction() {
        let schedule = LearningRate::new(1.0, 100).decay(Decay::Cosine(0.1));
        close(schedule.at(0), 1.0);
        close(schedule.at(50), 0.55);
        close(schedule.at(100), 0.1);
    }

    #[test]
    fn warm_up_joins_the_decay_at_the_peak() {
        let schedule = LearningRate::new(1.0, 30).warmup(10).decay(Decay::Linear);
        close(schedule.at(0), 0.1);
        close(schedule.at(5), 0.55);
        close(schedule.at(10), 1.0);
        close(schedule.at(20), 0.5);
    }

    #[test]
    fn a_run_shorter_than_its_warm_up_stays_finite() {
        let schedule = LearningRate::new(1.0, 5).warmup(10).decay(Decay::Cosine(0.0));
        for step in 0..20 {
            assert!(schedule.at(step).is_finite());
        }
    }
}
