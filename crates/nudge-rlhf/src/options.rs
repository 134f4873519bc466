//! Every choice of a PPO run that is a matter of mathematics.
//!
//! Published programs disagree on six of them, and each disagreement moves the numbers: where the
//! score lands, the divisor of the whitening, the missing-EOS rule, the KL estimator, whether rewards
//! are whitened, and over what advantages are. Each is an option here. Learning rates, batch sizes
//! and lengths of answers depend on model and device, and are not here.

use serde::{Deserialize, Serialize};

use crate::host::kl::{AdaptiveKl, KlController, KlEstimator};
use crate::host::rewards::{MissingEos, ScoreIndex};
use crate::host::whiten::Variance;
use crate::presets::PpoPreset;

/// The tokens over which rewards and advantages are whitened.
///
/// The recursion itself runs within one answer, so this is all that the scope changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GaeScope {
    /// All answers of a rollout, once.
    #[default]
    Rollout,
    /// The answers of a minibatch, anew for every minibatch.
    Minibatch,
}

/// Options of a PPO run. A missing field takes the value of the preset `tab`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpoOptions {
    /// The token that receives the score.
    pub score_index: ScoreIndex,
    /// Divisor of the variance in whitening.
    pub whiten_variance: Variance,
    /// Rule for answers that were cut off.
    pub missing_eos: MissingEos,
    /// Estimator of the KL in the rewards.
    pub kl_estimator: KlEstimator,
    /// Whether rewards are scaled to variance 1 before advantages are formed. The mean stays.
    pub whiten_rewards: bool,
    /// The tokens over which whitening averages.
    pub gae_scope: GaeScope,
    /// Price of one nat of KL, in units of score. The start value if it adapts.
    pub kl_coef: f32,
    /// Steers `kl_coef` to a target KL; `None` keeps it fixed.
    pub adaptive_kl: Option<AdaptiveKl>,
    /// Discount of later rewards.
    pub gamma: f32,
    /// Decay of later surprises in generalised advantage estimation.
    pub lambda: f32,
    /// The ratio counts only within `1 ± cliprange`.
    pub cliprange: f32,
    /// A value counts only within `± cliprange_value` of its value at the rollout.
    pub cliprange_value: f32,
    /// Factor on the value loss.
    pub vf_coef: f32,
    /// Passes over each rollout.
    pub num_ppo_epochs: usize,
    /// Optimizer steps in each pass.
    pub num_mini_batches: usize,
    /// Divides the logits wherever a distribution is formed: sampling, log-probabilities, reference.
    pub temperature: f32,
}

impl Default for PpoOptions {
    fn default() -> Self {
        PpoPreset::Tab.options()
    }
}

/// An option outside its range. The message says which, what it was, and what it may be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{option} is {value}, but must be {expected}")]
pub struct OptionsError {
    /// Name of the field, dotted where it is nested.
    pub option: &'static str,
    /// The value given.
    pub value: f64,
    /// The values allowed, in words.
    pub expected: &'static str,
}

impl PpoOptions {
    /// The controller of the KL coefficient at the start of a run.
    pub fn kl_controller(&self) -> KlController {
        KlController { kl_coef: self.kl_coef, adaptive: self.adaptive_kl }
    }

    /// Checks every number against its range.
    ///
    /// # Errors
    /// The first option that is out of range.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let non_negative = |option, value: f32| check(option, value, "0 or more", value.is_finite() && value >= 0.0);
        let positive = |option, value: f32| check(option, value, "more than 0", value.is_finite() && value > 0.0);
        let fraction = |option, value: f32| check(option, value, "between 0 and 1", (0.0..=1.0).contains(&value));
        non_negative("kl_coef", self.kl_coef)?;
        if let Some(AdaptiveKl { target, horizon }) = self.adaptive_kl {
            positive("adaptive_kl.target", target)?;
            positive("adaptive_kl.horizon", horizon)?;
        }
        match self.missing_eos {
            MissingEos::Replace(value) => {
                check("missing_eos.replace", value, "a number", value.is_finite())?;
            }
            MissingEos::Subtract(penalty) => non_negative("missing_eos.subtract", penalty)?,
            MissingEos::Off => {}
        }
        fraction("gamma", self.gamma)?;
        fraction("lambda", self.lambda)?;
        positive("cliprange", self.cliprange)?;
        positive("cliprange_value", self.cliprange_value)?;
        non_negative("vf_coef", self.vf_coef)?;
        positive("num_ppo_epochs", self.num_ppo_epochs as f32)?;
        positive("num_mini_batches", self.num_mini_batches as f32)?;
        positive("temperature", self.temperature)
    }
}

fn check(option: &'static str, value: f32, expected: &'static str, holds: bool) -> Result<(), OptionsError> {
    if holds { Ok(()) } else { Err(OptionsError { option, value: f64::from(value), expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_file_takes_the_rest_from_the_default() {
        let options: PpoOptions =
            serde_json::from_str(r#"{"kl_coef": 0.5, "missing_eos": {"replace": -1.0}}"#).expect("valid options");
        let expected = PpoOptions { kl_coef: 0.5, missing_eos: MissingEos::Replace(-1.0), ..PpoOptions::default() };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_misspelt_option_is_named() {
        let error = serde_json::from_str::<PpoOptions>(r#"{"kl_coeff": 0.5}"#).expect_err("no such option").to_string();
        assert!(error.contains("kl_coeff"), "{error}");
    }

    #[test]
    fn options_survive_json() {
        let options = PpoPreset::LmHumanPreferences.options();
        let json = serde_json::to_string(&options).expect("plain data");
        assert_eq!(serde_json::from_str::<PpoOptions>(&json).expect("own output"), options);
    }

    #[test]
    fn a_bad_number_is_named_with_its_range() {
        let bad = PpoOptions { lambda: 1.5, ..PpoOptions::default() };
        let message = bad.validate().expect_err("out of range").to_string();
        assert_eq!(message, "lambda is 1.5, but must be between 0 and 1");
        let nan = PpoOptions { temperature: f32::NAN, ..PpoOptions::default() };
        assert!(nan.validate().is_err());
        let none = PpoOptions { num_ppo_epochs: 0, ..PpoOptions::default() };
        assert_eq!(none.validate().expect_err("no epochs").option, "num_ppo_epochs");
    }
}
