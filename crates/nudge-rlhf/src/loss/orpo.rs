//! Odds ratio preference optimisation (Hong et al. 2024): fine-tuning and preference in one stage,
//! without a reference model.
//!
//! Formulas follow TRL, `trl/experimental/orpo/orpo_trainer.py`.

use burn::tensor::Tensor;

use super::{accuracy, assert_same_shape, log_sigmoid, log1mexp};

/// The ORPO loss of a batch of pairs, with its statistics, by TRL's names.
#[derive(Debug, Clone)]
pub struct OrpoLoss {
    /// The loss, differentiable.
    pub loss: Tensor<1>,
    /// Mean of `ln σ(log odds ratio)`, the term that `beta` weighs. Detached.
    pub log_odds_ratio: Tensor<1>,
    /// Mean log odds ratio of the chosen over the rejected completions. Detached.
    pub log_odds_chosen: Tensor<1>,
    /// `beta` times the mean log-probability of the chosen completions. Detached.
    pub chosen_rewards: Tensor<1>,
    /// `beta` times the mean log-probability of the rejected completions. Detached.
    pub rejected_rewards: Tensor<1>,
    /// Share of pairs with the more likely completion on the chosen side, equal ones counting half.
    /// Detached.
    pub accuracy: Tensor<1>,
}

/// `nll - beta * mean(ln σ(ln odds(chosen) - ln odds(rejected)))` with `odds = p / (1 - p)`
/// (eq. 6, 7).
///
/// - `chosen_logprobs`, `rejected_logprobs`: `ln p` of each completion, averaged over its tokens
///   ([`super::masked::masked_row_mean`]), `[pairs]`
/// - `nll`: the loss of supervised fine-tuning on the chosen completions, `[1]`. TRL takes it over prompt
///   and completion, the paper over the completion ([`super::sft::sft_loss`])
/// - `beta`: weight of the preference, λ in the paper
///
/// # Panics
/// If the shapes differ.
pub fn orpo_loss(chosen_logprobs: Tensor<1>, rejected_logprobs: Tensor<1>, nll: Tensor<1>, beta: f32) -> OrpoLoss {
    assert_same_shape("rejected_logprobs", &rejected_logprobs, "chosen_logprobs", &chosen_logprobs);
    assert!(nll.dims() == [1], "nll has shape {:?}, but must be [1]", nll.dims());

    let log_odds_ratios = log_odds(chosen_logprobs.clone()) - log_odds(rejected_logprobs.clone());
    let preference = log_sigmoid(log_odds_ratios.clone()).mean();
    OrpoLoss {
        loss: nll - preference.clone().mul_scalar(beta),
        log_odds_ratio: preference.detach(),
        log_odds_chosen: log_odds_ratios.detach().mean(),
        chosen_rewards: chosen_logprobs.clone().detach().mean().mul_scalar(beta),
        rejected_rewards: rejected_logprobs.clone().detach().mean().mul_scalar(beta),
        accuracy: accuracy(chosen_logprobs - rejected_logprobs),
    }
}

/// `ln(p / (1 - p))` of a log-probability.
///
/// Certainty has infinite odds. A log-probability above `-1.2e-7`, which is 0 but for rounding, counts
/// as that, and has no gradient.
fn log_odds(logprobs: Tensor<1>) -> Tensor<1> {
    let logprobs = logprobs.clamp_max(-f32::EPSILON);
    logprobs.clone() - log1mexp(logprobs)
}
