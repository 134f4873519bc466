//! Every choice of a PPO run that is a matter of mathematics.
//!
//! Published programs disagree on six of them, and each disagreement moves the numbers: where the
//! score lands, the divisor of the whitening, the missing-EOS rule, the KL estimator, whether rewards
//! are whitened, and over what advantages are. Each is an option here. Learning rates, batch sizes
//! and lengths of answers depend on model and device, and are not here.

use serde::{Deserialize, Serialize};

use crate::host::kl::{AdaptiveKl, KlController, KlEstimator, KlPlacement};
use crate::host::rewards::{MissingEos, ScoreIndex};
use crate::host::schedule::{Decay, LearningRate};
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

/// What the value model is before the first update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueInit {
    /// The reward model: it already predicts the score (Stiennon et al. 2020, InstructGPT).
    #[default]
    RewardModel,
    /// The policy under a head of zeros (Ziegler et al. 2019).
    ZeroHead,
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
    /// Estimator of the KL to the reference.
    pub kl_estimator: KlEstimator,
    /// Whether the KL costs reward or is a term of the loss; never both.
    pub kl_placement: KlPlacement,
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
    /// Factor on the entropy that the loss rewards; 0 is off.
    pub entropy_coef: f32,
    /// Factor on the loss on pretraining text that is added to the policy's (InstructGPT eq. 2, PPO-ptx); 0 is off.
    pub ptx_coef: f32,
    /// Ends the passes over a rollout as soon as a minibatch's `approx_kl` is above it.
    pub target_kl: Option<f32>,
    /// Passes over each rollout.
    pub num_ppo_epochs: usize,
    /// Optimizer steps in each pass.
    pub num_mini_batches: usize,
    /// Divides the logits wherever a distribution is formed: sampling, log-probabilities, reference.
    pub temperature: f32,
    /// What the value model is before the first update.
    pub value_init: ValueInit,
    /// Course of the learning rates after the warm-up.
    pub lr_decay: Decay,
    /// Share of all updates in which the learning rates rise from a tenth to their peak.
    pub warmup_ratio: f32,
    /// Decay of Adam's second moment.
    pub adam_beta2: f32,
    /// Added to the root of Adam's second moment.
    pub adam_eps: f32,
    /// Gradients are scaled down to this global norm; 0 is off.
    pub max_grad_norm: f32,
    /// The saved policy is the moving average of all policies with this decay; `None` saves the last one.
    pub ema_decay: Option<f32>,
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

    /// The learning rate over `updates` optimizer steps.
    pub fn schedule(&self, peak: f32, updates: usize) -> LearningRate {
        let warmup = (self.warmup_ratio * updates as f32) as usize;
        LearningRate::new(peak.into(), updates).warmup(warmup).decay(self.lr_decay)
    }

    /// Checks every number against its range.
    ///
    /// # Errors
    /// The first option that is out of range.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let non_negative = |option, value: f32| check(option, value, "0 or more", value.is_finite() && value >= 0.0);
        let positive = |option, value: f32| check(option, value, "more than 0", value.is_finite() && value > 0.0);
        let fraction = |option, value: f32| check(option, value, "between 0 and 1", (0.0..=1.0).contains(&value));
        let below_one =
            |option, value: f32| check(option, value, "at least 0 and below 1", (0.0..1.0).contains(&value));
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
        non_negative("entropy_coef", self.entropy_coef)?;
        non_negative("ptx_coef", self.ptx_coef)?;
        self.target_kl.map_or(Ok(()), |target| positive("target_kl", target))?;
        positive("num_ppo_epochs", self.num_ppo_epochs as f32)?;
        positive("num_mini_batches", self.num_mini_batches as f32)?;
        positive("temperature", self.temperature)?;
        fraction("warmup_ratio", self.warmup_ratio)?;
        if let Decay::Cosine(floor) = self.lr_decay {
            fraction("lr_decay.cosine", floor as f32)?;
        }
        below_one("adam_beta2", self.adam_beta2)?;
        positive("adam_eps", self.adam_eps)?;
        non_negative("max_grad_norm", self.max_grad_norm)?;
        self.ema_decay.map_or(Ok(()), |decay| below_one("ema_decay", decay))
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
