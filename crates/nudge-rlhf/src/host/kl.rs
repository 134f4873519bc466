//! How far the policy has moved from the reference model, and how strongly that is charged.
//!
//! What is computed here uses only the log-probabilities of the sampled tokens. The exact KL over the
//! whole vocabulary needs the logits of both models: [`KlEstimator::Full`] names it, and
//! `loss::kl::full_kl` computes it.

use serde::{Deserialize, Serialize};

use super::assert_same_len;

/// An estimator of `KL(policy || reference)` from one token that the policy sampled.
///
/// With `d = logprob - ref_logprob` (Schulman, "Approximating KL divergence", 2020).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KlEstimator {
    /// `d`. Unbiased, of high variance, negative for single tokens.
    #[default]
    K1,
    /// `d² / 2`. Biased, of low variance, never negative.
    K2,
    /// `exp(-d) - 1 + d`. Unbiased, of low variance, never negative.
    K3,
    /// `Σ p (ln p - ln p_ref)` over the vocabulary: no estimate but the KL itself at this token. Never
    /// negative. Needs the logits of both models, so nothing in this module can give it.
    Full,
}

/// Where the price of KL is paid. `kl_coef` is the price in both places, but it weighs differently:
/// a reward is whitened with the score, a term of the loss is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KlPlacement {
    /// Subtracted from the reward of every token (Ziegler et al. 2019; InstructGPT, eq. 2): the
    /// advantages carry it, and no gradient flows through the KL.
    #[default]
    Reward,
    /// Added to the loss, as in GRPO (Shao et al. 2024, eq. 3): the gradient flows through the KL. The
    /// rewards are the score alone.
    Loss,
}

const FULL_NEEDS_LOGITS: &str = "the KL estimator `full` cannot be had from the log-probabilities of sampled tokens: \
                                 it needs the logits of both models (loss::kl::full_kl)";

impl KlEstimator {
    /// The estimate for one token, in nats.
    ///
    /// # Panics
    /// For [`KlEstimator::Full`].
    #[track_caller]
    pub fn estimate(self, logprob: f32, ref_logprob: f32) -> f32 {
        let d = f64::from(logprob) - f64::from(ref_logprob);
        let kl = match self {
            Self::K1 => d,
            Self::K2 => 0.5 * d * d,
            // `exp(-d) - 1` written out loses every digit near d = 0 and can come out negative.
            Self::K3 => (-d).exp_m1() + d,
            Self::Full => panic!("{FULL_NEEDS_LOGITS}"),
        };
        kl as f32
    }
}

/// The KL estimate of every token, `[batch, time]`, in nats; zero where `mask` is `false`.
///
/// # Panics
/// If the three slices differ in length, or for [`KlEstimator::Full`].
#[track_caller]
pub fn per_token_kl(estimator: KlEstimator, logprobs: &[f32], ref_logprobs: &[f32], mask: &[bool]) -> Vec<f32> {
    // Here too, or a batch without a token would let the mistake pass.
    assert!(estimator != KlEstimator::Full, "{FULL_NEEDS_LOGITS}");
    assert_same_len("ref_logprobs", ref_logprobs.len(), "logprobs", logprobs.len());
    assert_same_len("mask", mask.len(), "logprobs", logprobs.len());
    logprobs
        .iter()
        .zip(ref_logprobs)
        .zip(mask)
        .map(|((&logprob, &ref_logprob), &counts)| match counts {
            true => estimator.estimate(logprob, ref_logprob),
            false => 0.0,
        })
        .collect()
}

/// The goal of an adaptive KL coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveKl {
    /// The wanted KL of a whole completion, in nats, averaged over a batch.
    pub target: f32,
    /// The number of episodes over which the coefficient may change by about a fifth.
    pub horizon: f32,
}

/// The KL coefficient, and the rule that moves it.
///
/// It is state between two steps: it is saved with a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KlController {
    /// The coefficient in force.
    pub kl_coef: f32,
    /// The goal it is steered to; `None` keeps it fixed.
    pub adaptive: Option<AdaptiveKl>,
}

/// The proportional error is clipped here, so that one wild batch cannot swing the coefficient.
const MAX_KL_ERROR: f32 = 0.2;

impl KlController {
    /// A coefficient that never changes.
    pub fn fixed(kl_coef: f32) -> Self {
        Self { kl_coef, adaptive: None }
    }

    /// A coefficient that grows while the KL is over `target` and shrinks while it is under.
    pub fn adaptive(kl_coef: f32, target: f32, horizon: f32) -> Self {
        Self { kl_coef, adaptive: Some(AdaptiveKl { target, horizon }) }
    }

    /// Moves the coefficient after a batch of `n_steps` episodes whose mean KL was `kl` nats.
    ///
    /// `e = clip(kl / target - 1, ±0.2)`, `kl_coef *= 1 + e * n_steps / horizon`
    /// (Ziegler et al. 2019). A KL that is not finite leaves the coefficient as it is.
    pub fn update(&mut self, kl: f32, n_steps: usize) {
        let Some(AdaptiveKl { target, horizon }) = self.adaptive else {
            return;
        };
        if kl.is_finite() {
            let error = (kl / target - 1.0).clamp(-MAX_KL_ERROR, MAX_KL_ERROR);
            self.kl_coef *= 1.0 + error * n_steps as f32 / horizon;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f32, expected: f32) {
        assert!((actual - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{actual} is not {expected}");
    }

    #[test]
    fn estimators_agree_with_their_formulas() {
        close(KlEstimator::K1.estimate(-1.0, -1.5), 0.5);
        close(KlEstimator::K2.estimate(-1.0, -1.5), 0.125);
        close(KlEstimator::K3.estimate(-1.0, -1.5), 0.106_530_66);
        // d = -1: e - 2.
        close(KlEstimator::K3.estimate(-2.0, -1.0), 0.718_281_8);
    }

    #[test]
    fn the_sign_is_positive_when_the_policy_likes_the_token_more() {
        assert!(KlEstimator::K1.estimate(-0.1, -3.0) > 0.0);
        assert!(KlEstimator::K1.estimate(-3.0, -0.1) < 0.0);
    }

    #[test]
    fn k3_keeps_its_digits_and_its_sign_near_zero() {
        let k3 = KlEstimator::K3.estimate(0.0, -1e-4);
        assert!((k3 / 5e-9 - 1.0).abs() < 0.05, "{k3}");
        for exponent in 1..12 {
            let d = 10f32.powi(-exponent);
            assert!(KlEstimator::K3.estimate(0.0, -d) >= 0.0);
            assert!(KlEstimator::K3.estimate(-d, 0.0) >= 0.0);
        }
        // What the written-out form does in f32, and why it is not used: it falls below zero.
        let naive_is_negative = (1..1000).any(|i| {
            let r = i as f32 * 1e-6;
            (r.exp() - 1.0) - r < 0.0
        });
        assert!(naive_is_negative);
    }

    /// Bias and spread for two Gaussians, by integration over the policy's density.
    #[test]
    fn estimators_match_the_gaussian_table() {
        // (shift of the reference, estimator, bias / true KL, standard deviation / true KL)
        let table = [
            (0.1, KlEstimator::K1, 0.0, 20.0),
            (0.1, KlEstimator::K2, 0.0025, 1.418),
            (0.1, KlEstimator::K3, 0.0, 1.417),
            (1.0, KlEstimator::K1, 0.0, 2.0),
            (1.0, KlEstimator::K2, 0.25, 1.732),
            (1.0, KlEstimator::K3, 0.0, 1.695),
        ];
        for (shift, estimator, bias, spread) in table {
            let truth = shift * shift / 2.0;
            let (mut mean, mut square) = (0.0, 0.0);
            let width = 1e-3;
            for i in -10_000..=10_000 {
                let x = f64::from(i) * width;
                let weight = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * width;
                let kl = estimator.estimate((-x * x / 2.0) as f32, (-(x - shift) * (x - shift) / 2.0) as f32);
                mean += weight * f64::from(kl);
                square += weight * f64::from(kl).powi(2);
            }
            let deviation = (square - mean * mean).sqrt();
            assert!((mean / truth - 1.0 - bias).abs() < 5e-4, "{estimator:?} bias {mean} {truth}");
            assert!((deviation / truth - spread).abs() < 2e-3, "{estimator:?} {deviation} {truth}");
        }
    }

    #[test]
    fn masked_tokens_have_no_kl_whatever_they_hold() {
        let kl = per_token_kl(
            KlEstimator::K3,
            &[-1.0, f32::NAN, f32::NEG_INFINITY],
            &[-1.5, -1.0, 0.0],
            &[true, false, false],
        );
        assert_eq!(kl[1..], [0.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "the KL estimator `full` cannot be had from the log-probabilities of sampled tokens")]
    fn the_exact_kl_is_not_made_up_from_two_numbers() {
        per_token_kl(KlEstimator::Full, &[-1.0], &[-1.5], &[false]);
    }

    #[test]
    #[should_panic(expected = "it needs the logits of both models")]
    fn nor_for_one_token() {
        KlEstimator::Full.estimate(-1.0, -1.5);
    }

    #[test]
    fn names_in_json() {
        let estimators = [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3, KlEstimator::Full];
        assert_eq!(serde_json::json!(estimators), serde_json::json!(["k1", "k2", "k3", "full"]));
        assert_eq!(
            serde_json::json!([KlPlacement::default(), KlPlacement::Loss]),
            serde_json::json!(["reward", "loss"])
        );
    }

    #[test]
    fn adaptive_coefficient_follows_the_target() {
        let mut over = KlController::adaptive(0.2, 6.0, 10_000.0);
        over.update(8.0, 64);
        close(over.kl_coef, 0.200_256);
        let mut under = KlController::adaptive(0.2, 6.0, 10_000.0);
        under.update(3.0, 64);
        close(under.kl_coef, 0.199_744);
        let mut small_error = KlController::adaptive(0.2, 6.0, 10_000.0);
        small_error.update(6.6, 100);
        close(small_error.kl_coef, 0.2 * (1.0 + 0.1 * 100.0 / 10_000.0));
        let before = over;
        over.update(f32::NAN, 64);
        assert_eq!(over, before);
    }

    #[test]
    fn fixed_coefficient_stays() {
        let mut fixed = KlController::fixed(0.05);
        fixed.update(100.0, 64);
        assert_eq!(fixed.kl_coef, 0.05);
    }

    #[test]
    fn controller_survives_a_checkpoint_bit_for_bit() {
        let mut controller = KlController::adaptive(0.2, 6.0, 10_000.0);
        controller.update(7.0, 13);
        let json = serde_json::to_string(&controller).expect("plain numbers");
        assert_eq!(serde_json::from_str::<KlController>(&json).expect("own output"), controller);
    }
}
