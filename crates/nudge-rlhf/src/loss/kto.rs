//! Kahneman-Tversky optimisation (Ethayarajh et al. 2024): learn from single completions that were found
//! good or bad, without pairs and without a reward model.
//!
//! A completion is worth what its implicit reward lies above a point of reference, the KL of the policy
//! ([`kto_kl`]), and worth saturates on both sides. Formulas follow TRL, `trl/trainer/kto_trainer.py`.

use burn::tensor::{Bool, Tensor, activation::sigmoid};

use super::assert_same_shape;
use super::masked::masked_mean;

/// The KTO loss of a batch of completions, with its statistics.
#[derive(Debug, Clone)]
pub struct KtoLoss {
    /// The loss, differentiable; half the mean weight while policy and reference are equal.
    pub loss: Tensor<1>,
    /// Mean implicit reward of the desirable completions, `beta * (logprob - ref_logprob)`; 0 if there is
    /// none. Detached.
    pub chosen_rewards: Tensor<1>,
    /// Mean implicit reward of the undesirable completions; 0 if there is none. Detached.
    pub rejected_rewards: Tensor<1>,
}

/// Mean over completions of `w_D (1 - σ(beta (d - kl)))` for a desirable completion and
/// `w_U (1 - σ(beta (kl - d)))` for an undesirable one, with `d = logprob - ref_logprob`.
///
/// - `logprobs`, `ref_logprobs`: of whole completions, summed over their tokens, `[batch]`
/// - `desirable`: whether each completion was found good, `[batch]`
/// - `kl`: the point of reference from [`kto_kl`], `[1]`
/// - `desirable_weight`, `undesirable_weight`: `w_D` and `w_U`, which make up for unequal counts: TRL
///   asks for `w_D n_D / (w_U n_U)` between 1 and 4/3
///
/// `ref_logprobs` and `kl` are data: no gradient flows into them.
///
/// # Panics
/// If the shapes differ.
pub fn kto_loss(
    logprobs: Tensor<1>,
    ref_logprobs: Tensor<1>,
    desirable: &[bool],
    kl: Tensor<1>,
    beta: f32,
    desirable_weight: f32,
    undesirable_weight: f32,
) -> KtoLoss {
    assert_same_shape("ref_logprobs", &ref_logprobs, "logprobs", &logprobs);
    let [batch] = logprobs.dims();
    assert!(desirable.len() == batch, "desirable has {} values for {batch} completions", desirable.len());
    assert!(kl.dims() == [1], "kl has shape {:?}, but must be [1]", kl.dims());

    let device = logprobs.device();
    // +1 and -1 turn both cases into one: 1 - σ(z) is σ(-z).
    let signs: Vec<f32> = desirable.iter().map(|&good| if good { 1.0 } else { -1.0 }).collect();
    let weights: Vec<f32> =
        desirable.iter().map(|&good| if good { desirable_weight } else { undesirable_weight }).collect();
    let signs = Tensor::<1>::from_data(signs.as_slice(), &device);
    let weights = Tensor::<1>::from_data(weights.as_slice(), &device);

    let log_ratios = logprobs - ref_logprobs.detach();
    let worth = (log_ratios.clone() - kl.detach()).mul_scalar(beta) * signs;
    let losses = sigmoid(worth.neg()) * weights;

    let desirable = Tensor::<1, Bool>::from_data(desirable, &device);
    let rewards = log_ratios.detach().mul_scalar(beta);
    KtoLoss {
        loss: losses.mean(),
        chosen_rewards: masked_mean(rewards.clone(), desirable.clone()),
        rejected_rewards: masked_mean(rewards, desirable.bool_not()),
    }
}

/// The point of reference: the mean log-ratio of mismatched pairs, at least 0, `[1]`. Detached.
///
/// `logprobs` and `ref_logprobs` are `[batch]`, of completions put under the prompt of another completion of
/// the batch. They stand in for samples of the policy, which would cost a rollout.
pub fn kto_kl(logprobs: Tensor<1>, ref_logprobs: Tensor<1>) -> Tensor<1> {
    assert_same_shape("ref_logprobs", &ref_logprobs, "logprobs", &logprobs);
    (logprobs - ref_logprobs).detach().mean().clamp_min(0.0)
}
