//! The losses of proximal policy optimisation (Schulman et al. 2017), on one minibatch.
//!
//! No entropy bonus and no KL term is added here: [`entropy`] and [`super::kl`] are for the caller to
//! weigh. The usual leash to the reference model is in the rewards ([`crate::host::rewards`]).
//! Clipping of gradients is the optimizer's business.

use burn::tensor::{Bool, Tensor, activation::log_softmax};

use super::assert_same_shape;
use super::masked::{LossAggregation, aggregate, masked_mean, masked_row_sum, select};

/// The policy loss of a minibatch, with its statistics.
///
/// The statistics are means over tokens, or over completions where a completion is one action.
#[derive(Debug, Clone)]
pub struct PolicyLoss {
    /// The loss, differentiable.
    pub loss: Tensor<1>,
    /// Mean of `exp(new_logprobs - logprobs)`; exactly 1 before the first update. Detached.
    pub ratio: Tensor<1>,
    /// Mean of `(new_logprobs - logprobs)² / 2`: how far this update has moved. Detached.
    pub approx_kl: Tensor<1>,
    /// Share of tokens (or completions) whose loss is the clipped one. Detached.
    pub clipfrac: Tensor<1>,
}

/// The value loss of a minibatch, with its statistics.
#[derive(Debug, Clone)]
pub struct ValueLoss {
    /// The loss, differentiable. `vf_coef` is not in it.
    pub loss: Tensor<1>,
    /// Share of tokens whose loss is the clipped one. Detached.
    pub clipfrac: Tensor<1>,
}

/// `max(-A * ratio, -A * clip(ratio, 1 ± cliprange))` of every token (eq. 7, as a loss), aggregated.
///
/// - `new_logprobs`: of the sampled tokens under the policy being trained, `[batch, time]`
/// - `logprobs`: of the same tokens under the policy that sampled them, `[batch, time]`, computed by
///   the same forward pass as `new_logprobs`; then the first ratio is exactly 1
/// - `advantages`: `[batch, time]`; whitened in PPO
/// - `mask`: tokens of the completions, `[batch, time]`
/// - `aggregation`: how tokens become one loss; the statistics are means over tokens in any case
///
/// `logprobs` and `advantages` are data: no gradient flows into them.
pub fn policy_loss(
    new_logprobs: Tensor<2>,
    logprobs: Tensor<2>,
    advantages: Tensor<2>,
    mask: Tensor<2, Bool>,
    cliprange: f32,
    aggregation: LossAggregation,
) -> PolicyLoss {
    assert_same_shape("logprobs", &logprobs, "new_logprobs", &new_logprobs);
    assert_same_shape("advantages", &advantages, "new_logprobs", &new_logprobs);

    // Selected before the exponential: an infinite ratio under the mask would turn its zero
    // gradient into NaN.
    let log_ratio = select(new_logprobs - logprobs.detach(), mask.clone());
    let advantages = select(advantages.detach(), mask.clone());
    let surrogate = Surrogate::new(log_ratio, advantages, cliprange);
    PolicyLoss { loss: aggregate(surrogate.losses.clone(), mask.clone(), aggregation), ..surrogate.statistics(mask) }
}

/// The policy loss with a whole completion as one action, as in REINFORCE and RLOO (Ahmadian et al. 2024).
///
/// The ratio of a completion is `exp(Σ new_logprobs - Σ logprobs)` over its tokens, and the loss is the
/// mean over completions of `max(-A * ratio, -A * clip(ratio, 1 ± cliprange))`. While both policies are
/// equal, its gradient is that of `-A Σ new_logprobs`: plain REINFORCE. A ratio of a long completion
/// leaves the clip range after a small change, since the changes of its tokens add up.
///
/// - `new_logprobs`, `logprobs`, `mask`: as in [`policy_loss`], `[batch, time]`
/// - `advantages`: one a completion, `[batch]`
///
/// A completion without tokens adds 0 to the loss but counts as a completion; the statistics pass it over.
/// Source: TRL, `trl/trainer/rloo_trainer.py`.
pub fn sequence_policy_loss(
    new_logprobs: Tensor<2>,
    logprobs: Tensor<2>,
    advantages: Tensor<1>,
    mask: Tensor<2, Bool>,
    cliprange: f32,
) -> PolicyLoss {
    assert_same_shape("logprobs", &logprobs, "new_logprobs", &new_logprobs);
    // The difference is summed, not the sums subtracted: equal policies have a ratio of exactly 1.
    let log_ratio = masked_row_sum(new_logprobs - logprobs.detach(), mask.clone()); // [batch]
    assert_same_shape("advantages", &advantages, "the completions", &log_ratio);

    let has_tokens = mask.any_dim(1).squeeze_dim::<1>(1);
    let advantages = select(advantages.detach(), has_tokens.clone());
    let surrogate = Surrogate::new(log_ratio, advantages, cliprange);
    PolicyLoss { loss: surrogate.losses.clone().mean(), ..surrogate.statistics(has_tokens) }
}

/// PPO's clipped surrogate, element by element: tokens or completions.
struct Surrogate<const D: usize> {
    log_ratio: Tensor<D>,
    ratio: Tensor<D>,
    losses: Tensor<D>,
    is_clipped: Tensor<D, Bool>,
}

impl<const D: usize> Surrogate<D> {
    fn new(log_ratio: Tensor<D>, advantages: Tensor<D>, cliprange: f32) -> Self {
        let ratio = log_ratio.clone().exp();
        let clipped_ratio = ratio.clone().clamp(1.0 - cliprange, 1.0 + cliprange);
        let unclipped = (ratio.clone() * advantages.clone()).neg();
        let clipped = (clipped_ratio * advantages).neg();
        let is_clipped = clipped.clone().greater(unclipped.clone());
        Self { log_ratio, ratio, losses: unclipped.max_pair(clipped), is_clipped }
    }

    /// A [`PolicyLoss`] of means over the unmasked elements.
    fn statistics(self, mask: Tensor<D, Bool>) -> PolicyLoss {
        PolicyLoss {
            loss: masked_mean(self.losses, mask.clone()),
            ratio: masked_mean(self.ratio.detach(), mask.clone()),
            approx_kl: masked_mean(self.log_ratio.detach().square(), mask.clone()).mul_scalar(0.5),
            clipfrac: masked_mean(self.is_clipped.float(), mask),
        }
    }
}

/// Half the mean over tokens of `max((V - R)², (clip(V, V_old ± cliprange_value) - R)²)`.
///
/// - `new_values`: of the value model being trained, `[batch, time]`
/// - `values`: of the value model at the time of the rollout, `[batch, time]`
/// - `returns`: `[batch, time]`, from [`crate::host::gae`]
/// - `mask`: `[batch, time]`, from [`crate::host::rewards::ScoreIndex::reward_mask`]
///
/// `values` and `returns` are data: no gradient flows into them.
/// Source: the code of Ziegler et al. 2019.
pub fn value_loss(
    new_values: Tensor<2>,
    values: Tensor<2>,
    returns: Tensor<2>,
    mask: Tensor<2, Bool>,
    cliprange_value: f32,
) -> ValueLoss {
    assert_same_shape("values", &values, "new_values", &new_values);
    assert_same_shape("returns", &returns, "new_values", &new_values);

    let new_values = select(new_values, mask.clone());
    let values = select(values.detach(), mask.clone());
    let returns = select(returns.detach(), mask.clone());
    let lowest = values.clone().sub_scalar(cliprange_value);
    let highest = values.add_scalar(cliprange_value);
    // Bounds rather than `values + clamp(change)`: a value inside them must come out bit for bit.
    let clipped_values = new_values.clone().max_pair(lowest).min_pair(highest);

    let unclipped = (new_values - returns.clone()).square();
    let clipped = (clipped_values - returns).square();
    let is_clipped = clipped.clone().greater(unclipped.clone());

    ValueLoss {
        loss: masked_mean(unclipped.max_pair(clipped), mask.clone()).mul_scalar(0.5),
        clipfrac: masked_mean(is_clipped.float(), mask),
    }
}

/// Entropy in nats of the distribution over the next token, at every position.
///
/// `logits` are `[batch, time, vocabulary]`, already divided by the temperature; the result is
/// `[batch, time]`. A logit of minus infinity, a forbidden token, adds nothing.
pub fn entropy(logits: Tensor<3>) -> Tensor<2> {
    let logprobs = log_softmax(logits, 2);
    let probs = logprobs.clone().exp();
    // 0 * ln 0 is 0, not NaN.
    let impossible = probs.clone().equal_elem(0.0);
    (probs * logprobs.mask_fill(impossible, 0.0)).sum_dim(2).squeeze_dim::<2>(2).neg()
}
