//! SimPO (Meng et al. 2024): the reward of a completion is its log-probability a token, and a chosen one has to lie a
//! margin above the rejected one. No reference model.

use burn::tensor::Tensor;

use super::{accuracy, assert_same_shape, log_sigmoid};

/// The SimPO loss of a batch of pairs, with its statistics, by TRL's names.
#[derive(Debug, Clone)]
pub struct SimpoLoss {
    /// The loss, differentiable.
    pub loss: Tensor<1>,
    /// `beta` times the mean log-probability of the chosen completions. Detached.
    pub chosen_rewards: Tensor<1>,
    /// `beta` times the mean log-probability of the rejected completions. Detached.
    pub rejected_rewards: Tensor<1>,
    /// Share of pairs with the more likely completion on the chosen side, equal ones counting half. Detached.
    pub accuracy: Tensor<1>,
}

/// `-ln σ(beta (chosen - rejected) - gamma)`, averaged over pairs (eq. 6).
///
/// - `chosen_logprobs`, `rejected_logprobs`: of each completion, averaged over its tokens
///   ([`super::masked::masked_row_mean`]), `[pairs]`
/// - `beta`: scale of the reward
/// - `gamma`: by how much a chosen completion's reward shall lie above the rejected one's
///
/// # Panics
/// If the shapes differ.
pub fn simpo_loss(chosen_logprobs: Tensor<1>, rejected_logprobs: Tensor<1>, beta: f32, gamma: f32) -> SimpoLoss {
    assert_same_shape("rejected_logprobs", &rejected_logprobs, "chosen_logprobs", &chosen_logprobs);
    let margins = chosen_logprobs.clone() - rejected_logprobs.clone(); // [pairs]
    SimpoLoss {
        loss: log_sigmoid(margins.clone().mul_scalar(beta).sub_scalar(gamma)).mean().neg(),
        chosen_rewards: chosen_logprobs.detach().mean().mul_scalar(beta),
        rejected_rewards: rejected_logprobs.detach().mean().mul_scalar(beta),
        accuracy: accuracy(margins),
    }
}
