//! Differentiable formulas on tensors.
//!
//! They run on whatever device their inputs live on and never read a value back: a readback stalls a
//! GPU and is impossible in the middle of a browser's step. Losses keep their graph; the statistics
//! beside them are detached and hold none. All are `Tensor<1>` with one element.

pub mod dpo;
pub mod masked;
pub mod pairwise;
pub mod ppo;
pub mod sft;

use burn::tensor::{Tensor, activation::softplus};

/// `ln σ(x)`, accurate in both tails.
///
/// As `-softplus(-x)`: `ln(1 + exp(-x))` overflows for very negative `x`, and rounds to 0 for large
/// `x` unless it is formed with `log1p`.
pub(crate) fn log_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    softplus(x.neg(), 1.0).neg()
}

/// Share of positive `differences`, zeros counting half, weighted by `weights` that sum to 1.
pub(crate) fn weighted_accuracy(differences: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    (differences.detach().sign().add_scalar(1.0).mul_scalar(0.5) * weights).sum()
}
