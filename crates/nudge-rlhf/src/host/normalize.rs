//! Gain and bias of a reward model, so that its scores mean the same from one run to the next.
//!
//! A pairwise loss fixes only differences of scores. Without normalisation the zero is arbitrary,
//! and with it the meaning of a missing-EOS penalty and of the KL coefficient.

use serde::{Deserialize, Serialize};

use super::whiten::{Variance, masked_mean, masked_var};

/// `score = gain * reward + bias`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardNormalization {
    /// Factor on the raw reward.
    pub gain: f32,
    /// Added after the factor.
    pub bias: f32,
}

impl Default for RewardNormalization {
    /// Leaves a reward as it is.
    fn default() -> Self {
        Self { gain: 1.0, bias: 0.0 }
    }
}

impl RewardNormalization {
    /// Demonstrations get mean score 0; the scale stays (InstructGPT, §3.5).
    ///
    /// `rewards` are raw rewards of completions written by people. Without any, the identity.
    pub fn mean_zero(rewards: &[f32]) -> Self {
        Self { gain: 1.0, bias: -masked_mean(rewards, &vec![true; rewards.len()]) }
    }

    /// Samples get mean 0 and variance 1, so that a KL coefficient weighs the same against every
    /// reward model (Ziegler et al. 2019).
    ///
    /// `rewards` are raw rewards of completions of the reference model. If they do not differ there is
    /// no scale to fix, and only the mean is moved.
    pub fn unit_variance(rewards: &[f32], variance: Variance) -> Self {
        let everything = vec![true; rewards.len()];
        let deviation = masked_var(rewards, &everything, variance).sqrt();
        let gain = if deviation > 0.0 { deviation.recip() } else { 1.0 };
        Self { gain, bias: -gain * masked_mean(rewards, &everything) }
    }

    /// The score of a raw reward.
    pub fn apply(&self, reward: f32) -> f32 {
        self.gain * reward + self.bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demonstrations_score_zero_on_average_and_keep_their_scale() {
        let rewards = [1.0, 2.0, 6.0];
        let normalization = RewardNormalization::mean_zero(&rewards);
        assert_eq!(normalization, RewardNormalization { gain: 1.0, bias: -3.0 });
        assert_eq!(rewards.map(|r| normalization.apply(r)), [-2.0, -1.0, 3.0]);
    }

    #[test]
    fn samples_get_unit_variance() {
        let rewards = [1.0, 3.0, 5.0, 11.0];
        let normalization = RewardNormalization::unit_variance(&rewards, Variance::Biased);
        let scores = rewards.map(|r| normalization.apply(r));
        assert!(masked_mean(&scores, &[true; 4]).abs() < 1e-6);
        assert!((masked_var(&scores, &[true; 4], Variance::Biased) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_to_fit_leaves_finite_numbers() {
        assert_eq!(RewardNormalization::mean_zero(&[]), RewardNormalization { gain: 1.0, bias: -0.0 });
        let constant = RewardNormalization::unit_variance(&[2.0; 5], Variance::Unbiased);
        assert_eq!(constant, RewardNormalization { gain: 1.0, bias: -2.0 });
    }
}
