//! Differentiable formulas on tensors.
//!
//! They run on whatever device their inputs live on and never read a value back: a readback stalls a
//! GPU and is impossible in the middle of a browser's step. Losses keep their graph; the statistics
//! beside them are detached and hold none. All are `Tensor<1>` with one element.

pub mod choice;
pub mod dpo;
pub mod kl;
pub mod kto;
pub mod masked;
pub mod orpo;
pub mod pairwise;
pub mod ppo;
pub mod sft;
pub mod simpo;
mod stable;

use burn::tensor::Tensor;

pub(crate) use stable::{exp_m1_minus_x, log_sigmoid, log1mexp};

/// Share of positive `differences`, zeros counting half, weighted by `weights` that sum to 1.
pub(crate) fn weighted_accuracy(differences: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    (differences.detach().sign().add_scalar(1.0).mul_scalar(0.5) * weights).sum()
}

/// Share of positive `differences`, zeros counting half.
pub(crate) fn accuracy(differences: Tensor<1>) -> Tensor<1> {
    let [pairs] = differences.dims();
    let weights = differences.clone().detach().zeros_like().add_scalar(1.0 / pairs as f32);
    weighted_accuracy(differences, weights)
}

/// Panics unless both tensors have one value for each completion (or each pair).
#[track_caller]
pub(crate) fn assert_same_shape<const D: usize>(name: &str, tensor: &Tensor<D>, other_name: &str, other: &Tensor<D>) {
    let expected = if D == 1 { "[batch]" } else { "[batch, time]" };
    assert!(
        tensor.dims() == other.dims(),
        "{name} has shape {:?} but {other_name} has shape {:?}; both must be {expected}",
        tensor.dims(),
        other.dims()
    );
}
