//! How long a model imitates demonstrations where nobody says: long enough that a dozen of them teach.
//!
//! Twelve demonstrations change nothing in two steps and nearly everything in sixty (`tests/README.md`). The loss on
//! what was set aside does not tell: InstructGPT's models overfitted by it after one pass, and people preferred those of
//! sixteen (Ouyang et al. 2022, section 3.5). So no pass is chosen by it, and few demonstrations are not set aside.

use crate::finetuning::is_large;
use crate::options::SftOptions;
use crate::passes::Pass;
use nudge_model::DecoderConfig;
use serde::Serialize;

/// Passes over many demonstrations, and over any of a small model's.
const FEWEST_PASSES: f32 = 2.5;
/// Passes over few of them (InstructGPT, section 3.5).
const PASSES: f32 = 16.0;
/// Steps that even a handful is worth, and those after which more passes are left to the person.
const STEPS: usize = 60;
const MOST_STEPS: usize = 200;
/// Demonstrations of a step.
const BATCH: usize = 4;
const BATCH_OF_SMALL_MODELS: usize = 16;
/// Fewer different prompts than these all teach.
const FEW: usize = 50;
const HELD_OUT: f32 = 0.1;

/// What imitating some demonstrations comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Imitation {
    /// Gradient steps.
    pub steps: usize,
    /// Demonstrations of a batch.
    pub batch_size: usize,
}

impl Imitation {
    /// Of so many demonstrations with different prompts, by a model of this shape.
    pub fn of(demonstrations: usize, options: &SftOptions, config: &DecoderConfig) -> Self {
        let batch_size = batch_size(options, config);
        let held_out = (demonstrations as f32 * held_out(options, config, demonstrations)) as usize;
        let pass = Pass { items: demonstrations.saturating_sub(held_out).max(1), batch: batch_size };
        Self { steps: steps(options, config, pass), batch_size }
    }

    /// Seconds that it takes where a step takes so many for each of its demonstrations
    /// ([`example`](crate::outlook::Outlook::example)).
    pub fn seconds(&self, example: f64) -> f64 {
        (self.steps * self.batch_size) as f64 * example
    }
}

/// Demonstrations of a batch.
pub(crate) fn batch_size(options: &SftOptions, config: &DecoderConfig) -> usize {
    let default = if is_large(config) { BATCH } else { BATCH_OF_SMALL_MODELS };
    options.batch_size.unwrap_or(default)
}

/// The share of `prompts` different ones that is set aside.
pub(crate) fn held_out(options: &SftOptions, config: &DecoderConfig, prompts: usize) -> f32 {
    let default = if is_large(config) && prompts < FEW { 0.0 } else { HELD_OUT };
    options.held_out.unwrap_or(default)
}

/// Gradient steps.
pub(crate) fn steps(options: &SftOptions, config: &DecoderConfig, pass: Pass) -> usize {
    let of = |passes: f32| pass.steps(passes, &options.passes);
    match options.epochs {
        Some(epochs) => of(epochs),
        None if is_large(config) => of(PASSES).clamp(STEPS, MOST_STEPS).max(of(FEWEST_PASSES)),
        None => of(FEWEST_PASSES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(hidden_size: usize) -> DecoderConfig {
        let config = DecoderConfig::builtin(49_152);
        DecoderConfig { hidden_size, ..config }
    }

    #[test]
    fn a_real_model_takes_its_time_over_few_demonstrations() {
        let (large, default) = (shape(576), SftOptions::default());
        let of = |count| Imitation::of(count, &default, &large).steps;
        assert_eq!([1, 12, 15, 24, 49].map(of), [60, 60, 60, 96, 196]);
        assert_eq!([60, 200, 1000].map(of), [200, 200, 563], "a tenth of many is set aside");
        let dozen = Imitation::of(12, &default, &large);
        assert_eq!((dozen.batch_size, dozen.seconds(0.5)), (4, 120.0));
    }

    #[test]
    fn what_is_said_goes_before_and_small_models_keep_theirs() {
        let (large, small) = (shape(576), shape(64));
        let said = SftOptions { epochs: Some(8.0), batch_size: Some(6), held_out: Some(0.5), ..Default::default() };
        assert_eq!(Imitation::of(12, &said, &large), Imitation { steps: 8, batch_size: 6 });
        assert_eq!(Imitation::of(100, &SftOptions::default(), &small), Imitation { steps: 15, batch_size: 16 });
    }
}
