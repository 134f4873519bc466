//! Direct preference optimisation (Rafailov et al. 2023): learn from pairs without a reward model and
//! without sampling. The shortcut to compare PPO with.

use burn::tensor::Tensor;

use super::{log_sigmoid, weighted_accuracy};

/// The DPO loss of a batch of pairs, with its statistics.
#[derive(Debug, Clone)]
pub struct DpoLoss {
    /// The loss, differentiable; `ln 2` while policy and reference are equal.
    pub loss: Tensor<1>,
    /// Mean implicit reward of the chosen answers, `beta * (logprob - ref_logprob)`. Detached.
    pub chosen_rewards: Tensor<1>,
    /// Mean implicit reward of the rejected answers. Detached.
    pub rejected_rewards: Tensor<1>,
    /// Share of pairs with the higher implicit reward on the chosen side, equal ones counting half.
    /// Detached.
    pub accuracy: Tensor<1>,
}

/// `-ln σ(h)` with `h = beta * [(π_chosen - ref_chosen) - (π_rejected - ref_rejected)]` (eq. 7).
///
/// All four inputs are `[pairs]`: log-probabilities of whole answers, summed over their tokens
/// ([`super::masked::masked_row_sum`]). Those of the reference model are data: no gradient flows
/// into them.
///
/// `label_smoothing` is the assumed share of pairs ranked the wrong way round, below one half:
/// `-(1 - ε) ln σ(h) - ε ln σ(-h)`, the conservative form, which stops pushing a pair apart once it
/// is as certain as its label. 0 is the plain loss.
///
/// # Panics
/// If the shapes differ or `label_smoothing` lies outside `[0, 0.5)`.
pub fn dpo_loss(
    chosen_logprobs: Tensor<1>,
    rejected_logprobs: Tensor<1>,
    ref_chosen_logprobs: Tensor<1>,
    ref_rejected_logprobs: Tensor<1>,
    beta: f32,
    label_smoothing: f32,
) -> DpoLoss {
    let shapes = [&chosen_logprobs, &rejected_logprobs, &ref_chosen_logprobs, &ref_rejected_logprobs]
        .map(|tensor| tensor.dims());
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "log-probabilities have shapes {shapes:?}");
    assert!((0.0..0.5).contains(&label_smoothing), "label_smoothing is {label_smoothing}, but must lie in [0, 0.5)");
    let pairs = shapes[0][0];
    let chosen_rewards = (chosen_logprobs - ref_chosen_logprobs.detach()).mul_scalar(beta);
    let rejected_rewards = (rejected_logprobs - ref_rejected_logprobs.detach()).mul_scalar(beta);
    let differences = chosen_rewards.clone() - rejected_rewards.clone();

    let mut pair_losses = log_sigmoid(differences.clone()).mul_scalar(label_smoothing - 1.0);
    if label_smoothing > 0.0 {
        pair_losses = pair_losses - log_sigmoid(differences.clone().neg()).mul_scalar(label_smoothing);
    }
    let weights = differences.clone().detach().zeros_like().add_scalar(1.0 / pairs as f32);
    DpoLoss {
        loss: pair_losses.mean(),
        chosen_rewards: chosen_rewards.detach().mean(),
        rejected_rewards: rejected_rewards.detach().mean(),
        accuracy: weighted_accuracy(differences, weights),
    }
}
