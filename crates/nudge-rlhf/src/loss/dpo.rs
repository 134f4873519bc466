//! Direct preference optimisation (Rafailov et al. 2023): learn from pairs without a reward model and
//! without sampling. The shortcut to compare PPO with.

use burn::tensor::{Tensor, activation::relu};
use serde::{Deserialize, Serialize};

use super::{accuracy, assert_same_shape, log_sigmoid};

/// The loss of a pair as a function of its margin: `h = beta * Δ` with
/// `Δ = (π_chosen - ref_chosen) - (π_rejected - ref_rejected)`.
///
/// They differ in what they do with a pair that is far enough apart, and with labels that are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DpoVariant {
    /// `-(1 - ε) ln σ(h) - ε ln σ(-h)`. DPO (eq. 7) for `ε = 0`; for `ε > 0` the conservative form,
    /// which stops pushing a pair apart once it is as certain as its label (Mitchell 2023).
    #[default]
    Sigmoid,
    /// `-ln σ(h)` of log-probabilities averaged over the tokens of a completion, so that its length is no way to be
    /// preferred (Tülu 3, Lambert et al. 2024, eq. 6, with `beta` 5). Ignores `ε`.
    SigmoidNorm,
    /// `max(0, 1 - h)`: nothing is learned from a pair beyond its margin (SLiC, Zhao et al. 2023; RSO,
    /// Liu et al. 2024). Ignores `ε`.
    Hinge,
    /// `(Δ - 1 / (2 beta))²`: pulls every pair to the same margin instead of apart without end (Azar
    /// et al. 2024, eq. 17). Takes log-probabilities averaged over the tokens of a completion
    /// ([`super::masked::masked_row_mean`]), which its authors confirmed to TRL. Ignores `ε`.
    Ipo,
    /// `[-(1 - ε) ln σ(h) + ε ln σ(-h)] / (1 - 2ε)`: in expectation over wrong labels, the loss of the
    /// right ones (Chowdhury et al. 2024). It can be negative.
    Robust,
}

/// The DPO loss of a batch of pairs, with its statistics.
#[derive(Debug, Clone)]
pub struct DpoLoss {
    /// The loss, differentiable; `ln 2` while policy and reference are equal.
    pub loss: Tensor<1>,
    /// Mean implicit reward of the chosen completions, `beta * (logprob - ref_logprob)`. Detached.
    pub chosen_rewards: Tensor<1>,
    /// Mean implicit reward of the rejected completions. Detached.
    pub rejected_rewards: Tensor<1>,
    /// Share of pairs with the higher implicit reward on the chosen side, equal ones counting half.
    /// Detached.
    pub accuracy: Tensor<1>,
}

/// The mean over pairs of the loss that `variant` names.
///
/// All four inputs are `[pairs]`: log-probabilities of whole completions, summed over their tokens
/// ([`super::masked::masked_row_sum`]), but averaged for
/// [`DpoVariant::SigmoidNorm`] and [`DpoVariant::Ipo`]. Those of the reference
/// model are data: no gradient flows into them.
///
/// `beta` is above 0. `label_smoothing`, `ε` above, is the assumed share of pairs ranked the wrong way
/// round; 0 is the plain loss.
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
    variant: DpoVariant,
) -> DpoLoss {
    assert_same_shape("rejected_logprobs", &rejected_logprobs, "chosen_logprobs", &chosen_logprobs);
    assert_same_shape("ref_chosen_logprobs", &ref_chosen_logprobs, "chosen_logprobs", &chosen_logprobs);
    assert_same_shape("ref_rejected_logprobs", &ref_rejected_logprobs, "chosen_logprobs", &chosen_logprobs);
    assert!((0.0..0.5).contains(&label_smoothing), "label_smoothing is {label_smoothing}, but must lie in [0, 0.5)");

    let chosen_log_ratios = chosen_logprobs - ref_chosen_logprobs.detach();
    let rejected_log_ratios = rejected_logprobs - ref_rejected_logprobs.detach();
    let margins = chosen_log_ratios.clone() - rejected_log_ratios.clone(); // [pairs]
    DpoLoss {
        loss: pair_losses(margins.clone(), beta, label_smoothing, variant).mean(),
        chosen_rewards: chosen_log_ratios.detach().mean().mul_scalar(beta),
        rejected_rewards: rejected_log_ratios.detach().mean().mul_scalar(beta),
        accuracy: accuracy(margins),
    }
}

/// The formulas of [`DpoVariant`], from `Δ`, `[pairs]`.
fn pair_losses(margins: Tensor<1>, beta: f32, label_smoothing: f32, variant: DpoVariant) -> Tensor<1> {
    let scaled = margins.clone().mul_scalar(beta);
    let as_labelled = |weight: f32| log_sigmoid(scaled.clone()).mul_scalar(-weight);
    let the_other_way = |weight: f32| log_sigmoid(scaled.clone().neg()).mul_scalar(-weight);
    match variant {
        DpoVariant::Sigmoid | DpoVariant::Robust if label_smoothing == 0.0 => as_labelled(1.0),
        DpoVariant::SigmoidNorm => as_labelled(1.0),
        DpoVariant::Sigmoid => as_labelled(1.0 - label_smoothing) + the_other_way(label_smoothing),
        DpoVariant::Robust => (as_labelled(1.0 - label_smoothing) - the_other_way(label_smoothing))
            .div_scalar(1.0 - 2.0 * label_smoothing),
        DpoVariant::Hinge => relu(scaled.neg().add_scalar(1.0)),
        DpoVariant::Ipo => margins.sub_scalar(0.5 / beta).square(),
    }
}
