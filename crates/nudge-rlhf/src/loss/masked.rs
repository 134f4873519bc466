//! Masked sums and means on tensors.
//!
//! A mask is `true` where a value counts. It selects: `0 * NaN` is NaN, so a product with the mask
//! would let what lies under it through, into the result or into the gradient.

use burn::tensor::{Bool, Tensor};
use serde::{Deserialize, Serialize};

/// How the losses of the tokens of a minibatch become one number.
///
/// Published programs disagree, and it decides how much the length of a completion matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossAggregation {
    /// Mean over all tokens of the batch: every token weighs the same, a long completion more than a
    /// short one. PPO in TRL and in Huang et al. 2024; DAPO (Yu et al. 2025, §3.3).
    #[default]
    TokenMean,
    /// Mean over the tokens of each completion, then over completions: every completion weighs the same, a token
    /// of a long completion less. GRPO (Shao et al. 2024, eq. 3).
    SequenceMean,
    /// Sum over all tokens, divided by `batch * time`: a token weighs the same in every batch,
    /// however long its neighbours are. Dr. GRPO (Liu et al. 2025, §3.2).
    ///
    /// This holds only while `time` is the longest completion allowed, not the longest that came.
    FixedLength,
}

/// Zero where `mask` is `false`. Gradients there are zero too.
pub fn select<const D: usize>(values: Tensor<D>, mask: Tensor<D, Bool>) -> Tensor<D> {
    assert!(
        values.dims() == mask.dims(),
        "values have shape {:?} but their mask has shape {:?}",
        values.dims(),
        mask.dims()
    );
    values.mask_fill(mask.bool_not(), 0.0)
}

/// Sum of the unmasked values of each row.
///
/// With `values` as log-probabilities of tokens this is the log-probability of each completion.
pub fn masked_row_sum(values: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
    // [batch, time] -> [batch]
    select(values, mask).sum_dim(1).squeeze_dim(1)
}

/// Mean of the unmasked values of each row; 0 for a row without any.
///
/// With `values` as log-probabilities of tokens this is the log-probability of each completion per token,
/// which ORPO and IPO compare because it does not fall with every token added.
pub fn masked_row_mean(values: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
    // [batch, time] -> [batch]
    let counts = mask.clone().int().sum_dim(1).squeeze_dim::<1>(1).float().clamp_min(1.0);
    masked_row_sum(values, mask) / counts
}

/// Mean of the unmasked values; 0 if there is none, so that an empty batch cannot poison a run.
pub fn masked_mean<const D: usize>(values: Tensor<D>, mask: Tensor<D, Bool>) -> Tensor<1> {
    let count = mask.clone().int().sum().float().clamp_min(1.0);
    select(values, mask).sum() / count
}

/// One number from the per-token `values`, `[batch, time]`.
///
/// A completion without tokens adds 0. In [`LossAggregation::SequenceMean`] and
/// [`LossAggregation::FixedLength`] it still counts as a completion, as in TRL.
pub fn aggregate(values: Tensor<2>, mask: Tensor<2, Bool>, aggregation: LossAggregation) -> Tensor<1> {
    match aggregation {
        LossAggregation::TokenMean => masked_mean(values, mask),
        LossAggregation::SequenceMean => masked_row_mean(values, mask).mean(),
        // Zeros stand under the mask, so the mean over all slots is the sum over `batch * time`.
        LossAggregation::FixedLength => select(values, mask).mean(),
    }
}
