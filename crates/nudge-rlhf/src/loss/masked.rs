//! Masked sums and means on tensors.
//!
//! A mask is `true` where a value counts. It selects: `0 * NaN` is NaN, so a product with the mask
//! would let what lies under it through, into the result or into the gradient.

use burn::tensor::{Bool, Tensor};

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
/// With `values` as log-probabilities of tokens this is the log-probability of each answer.
pub fn masked_row_sum(values: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
    // [batch, time] -> [batch]
    select(values, mask).sum_dim(1).squeeze_dim(1)
}

/// Mean of the unmasked values; 0 if there is none, so that an empty batch cannot poison a run.
pub fn masked_mean<const D: usize>(values: Tensor<D>, mask: Tensor<D, Bool>) -> Tensor<1> {
    let count = mask.clone().int().sum().float().clamp_min(1.0);
    select(values, mask).sum() / count
}
